// Backtests: the list, the form that builds a strategy, and a result with its charts and trades.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, useQuery, usePages, More, useAction, useRole, Field, Check, Link, Mistakes, Picture, go, local, price, count, number, percent, moment, words, Change, side } from "./ui.js";

const LIST = `query($first: Int, $after: String, $filter: BacktestFilter) { backtests(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id description from to stale createdAt symbol { ticker } metrics { totalReturn buyAndHoldReturn maxDrawdown sharpe tradeCount } } } }`;

export function Backtests({ query }) {
  const ticker = query.get("symbol");
  const list = usePages(LIST, "backtests", { first: 30, filter: ticker ? { ticker } : null });
  const columns = [
    {
      label: "Strategy",
      lead: true,
      wrap: true,
      cell: (b) => html`<${Link} to=${`/reporting/backtests/${b.id}`}>${b.description}<//>
        <div class="small muted">${b.symbol.ticker} · ${b.from} to ${b.to}${b.stale ? " · prices have changed since" : ""}</div>`,
    },
    { label: "Return", num: true, cell: (b) => html`<${Change} of=${b.metrics.totalReturn} />` },
    { label: "Buy and hold", num: true, cell: (b) => html`<${Change} of=${b.metrics.buyAndHoldReturn} />` },
    { label: "Drawdown", num: true, cell: (b) => percent(b.metrics.maxDrawdown) },
    { label: "Sharpe", num: true, cell: (b) => number(b.metrics.sharpe) },
    { label: "Trades", num: true, cell: (b) => count(b.metrics.tradeCount) },
    { label: "Run", num: true, cell: (b) => moment(b.createdAt) },
  ];
  const fresh = `/reporting/backtests/new${ticker ? `?symbol=${encodeURIComponent(ticker)}` : ""}`;
  return html`<${Head} title=${ticker ? `Backtests of ${ticker}` : "Backtests"} actions=${html`<${Link} class="button primary" to=${fresh}>New backtest<//>`}>
      Rules over prices, and what would have come of them.
    <//>
    <${Waiting} query=${list} />
    ${list.data &&
    html`<${Table} label="Backtests" columns=${columns} rows=${list.rows}
      empty=${html`<${Empty} title="No backtests yet"><${Link} to=${fresh}>Try a rule<//>: buy below the 50-day average, sell above the 200-day one.<//>`} />
      <${More} of=${list} />`}`;
}

// A condition of the form: two operands and how they stand to each other.

const OPERANDS = [
  ["price", "Close"],
  ["open", "Open"],
  ["high", "High"],
  ["low", "Low"],
  ["sma", "Simple average", 50],
  ["ema", "Exponential average", 20],
  ["rsi", "RSI", 14],
  ["highest", "Highest close of", 20],
  ["lowest", "Lowest close of", 20],
  ["bollingerLower", "Lower Bollinger band", 20],
  ["bollingerUpper", "Upper Bollinger band", 20],
  ["atr", "ATR", 14],
  ["constant", "The number", 30],
];
const COMPARISONS = [["BELOW", "is below"], ["ABOVE", "is above"], ["CROSSES_BELOW", "crosses below"], ["CROSSES_ABOVE", "crosses above"]];
const standard = (name) => OPERANDS.find(([known]) => known === name)?.[2];
const operandInput = ({ name, value }) => {
  if (["price", "open", "high", "low"].includes(name)) return { price: name === "price" ? "CLOSE" : name.toUpperCase() };
  if (name.startsWith("bollinger")) return { [name]: { window: Number(value) } };
  return { [name]: Number(value) };
};

function Operand({ label, of, set, path, errors }) {
  return html`<div class="operand">
    <${Field} label=${label} value=${of.name} options=${OPERANDS} path=${path} errors=${errors} onInput=${(name) => set({ name, value: standard(name) })} />
    ${standard(of.name) !== undefined &&
    html`<${Field} label=${of.name === "constant" ? "Value" : "Days"} type="number" step="any" required value=${of.value} onInput=${(value) => set({ ...of, value })} />`}
  </div>`;
}

function Conditions({ title, name, of, set, errors }) {
  const change = (i, part) => set({ ...of, list: of.list.map((c, n) => (n === i ? { ...c, ...part } : c)) });
  return html`<fieldset>
    <legend>${title}</legend>
    ${of.list.map(
      (c, i) => html`<div class="condition" key=${i}>
        <${Operand} label="What" of=${c.left} set=${(left) => change(i, { left })} path=${`strategy.${name}`} errors=${i === 0 ? errors : []} />
        <${Field} label="How" value=${c.is} options=${COMPARISONS} onInput=${(is) => change(i, { is })} />
        <${Operand} label="Compared with" of=${c.right} set=${(right) => change(i, { right })} />
        <button type="button" disabled=${of.list.length === 1} onClick=${() => set({ ...of, list: of.list.filter((_, n) => n !== i) })} aria-label=${`Remove condition ${i + 1}`}>Remove</button>
      </div>`,
    )}
    <div class="row">
      <button type="button" onClick=${() => set({ ...of, list: [...of.list, { left: { name: "rsi", value: 14 }, is: "BELOW", right: { name: "constant", value: 30 } }] })}>And another condition</button>
      ${of.list.length > 1 && html`<${Field} label="Which must hold" value=${of.join} options=${[["all", "All of them"], ["any", "Any of them"]]} onInput=${(join) => set({ ...of, join })} />`}
    </div>
  </fieldset>`;
}

const conditionInput = ({ list, join }) => {
  const inputs = list.map((c) => ({ compare: { left: operandInput(c.left), is: c.is, right: operandInput(c.right) } }));
  return inputs.length === 1 ? inputs[0] : { [join]: inputs };
};
const below = (value) => ({ join: "all", list: [{ left: { name: "price" }, is: "BELOW", right: { name: "sma", value } }] });
const above = (value) => ({ join: "all", list: [{ left: { name: "price" }, is: "ABOVE", right: { name: "sma", value } }] });

/** Tickers to choose from. */
export function TickerField({ value, onInput, errors, path = "ticker" }) {
  const list = useQuery("{ symbols(first: 200, filter: { hasPrices: true }) { nodes { ticker name } } }");
  const nodes = list.data?.symbols.nodes ?? [];
  return html`<${Field} label="Symbol" path=${path} errors=${errors} value=${value} onInput=${onInput} required list="tickers" autocomplete="off" placeholder="IBM">
    <datalist id="tickers">${nodes.map((s) => html`<option key=${s.ticker} value=${s.ticker}>${s.name ?? ""}</option>`)}</datalist>
  <//>`;
}

/** How orders are carried out, as a part of a form. */
export function Execution({ of, set, errors }) {
  const put = (name) => (value) => set({ ...of, [name]: value });
  return html`<${Field} label="Initial investment" type="number" min="1" step="any" required path="execution.initialCash" errors=${errors} value=${of.initialCash} onInput=${put("initialCash")} />
    <${Field} label="Orders are filled" value=${of.fill} options=${[["NEXT_OPEN", "At the next open"], ["SAME_CLOSE", "At the same close"]]} onInput=${put("fill")} />
    <${Field} label="Commission, %" type="number" min="0" step="any" required path="execution.commission" errors=${errors} value=${of.commission} onInput=${put("commission")} />
    <${Field} label="Slippage, %" type="number" min="0" step="any" required path="execution.slippage" errors=${errors} value=${of.slippage} onInput=${put("slippage")} />
    <${Check} label="Whole shares only" checked=${of.wholeShares} onInput=${put("wholeShares")} />`;
}

export const startingExecution = { initialCash: 10000, fill: "NEXT_OPEN", commission: 0.2, slippage: 0, wholeShares: true };
export const executionInput = (x) => ({
  initialCash: Number(x.initialCash),
  fill: x.fill,
  commission: Number(x.commission) / 100,
  slippage: Number(x.slippage) / 100,
  wholeShares: x.wholeShares,
});

const RUN = `mutation($input: RunBacktestInput!) { runBacktest(input: $input) { backtest { id } userErrors { message field } } }`;

export function NewBacktest({ query }) {
  const [ticker, setTicker] = useState(query.get("symbol") ?? "");
  const [buy, setBuy] = useState(below(50));
  const [sell, setSell] = useState(above(200));
  const [stops, setStops] = useState({ stopLoss: "", takeProfit: "" });
  const [execution, setExecution] = useState(startingExecution);
  const [span, setSpan] = useState({ from: "", to: "", adjusted: true });
  const operator = useRole("OPERATOR");
  const run = useAction("runBacktest", RUN);
  const share = (text) => (text === "" ? null : Number(text) / 100);
  const submit = async (event) => {
    event.preventDefault();
    const strategy = { buy: conditionInput(buy), sell: conditionInput(sell), stopLoss: share(stops.stopLoss), takeProfit: share(stops.takeProfit) };
    const made = await run.run({ input: { ticker, strategy, execution: executionInput(execution), from: span.from || null, to: span.to || null, adjusted: span.adjusted } });
    if (made) go(`/reporting/backtests/${made.backtest.id}`);
  };
  const shown = ["ticker", "strategy", "execution", "from", "to"];
  return html`<${Head} title="New backtest">While there are no shares only the buying rule is looked at, while there are some only the selling rule.<//>
    <form class="stack" onSubmit=${submit}>
      <${Panel} title="What">
        <div class="form">
          <${TickerField} value=${ticker} onInput=${setTicker} errors=${run.errors} />
          <${Field} label="From" type="date" path="from" errors=${run.errors} value=${span.from} onInput=${(from) => setSpan({ ...span, from })} />
          <${Field} label="To" type="date" path="to" errors=${run.errors} value=${span.to} onInput=${(to) => setSpan({ ...span, to })} />
          <${Check} label="Adjusted prices" checked=${span.adjusted} onInput=${(adjusted) => setSpan({ ...span, adjusted })} />
        </div>
      <//>
      <${Panel} title="Strategy">
        <div class="stack">
          <${Conditions} title="Buy when" name="buy" of=${buy} set=${setBuy} errors=${run.errors} />
          <${Conditions} title="Sell when" name="sell" of=${sell} set=${setSell} errors=${run.errors} />
          <div class="form">
            <${Field} label="Stop loss, %" type="number" min="0" step="any" hint="Below the price paid; empty for none" path="strategy.stopLoss" errors=${run.errors} value=${stops.stopLoss} onInput=${(stopLoss) => setStops({ ...stops, stopLoss })} />
            <${Field} label="Take profit, %" type="number" min="0" step="any" hint="Above the price paid; empty for none" path="strategy.takeProfit" errors=${run.errors} value=${stops.takeProfit} onInput=${(takeProfit) => setStops({ ...stops, takeProfit })} />
          </div>
        </div>
      <//>
      <${Panel} title="Money and orders"><div class="form"><${Execution} of=${execution} set=${setExecution} errors=${run.errors} /></div><//>
      <${Mistakes} errors=${run.errors} paths=${shown} />
      <div class="row">
        <button class="primary" disabled=${run.busy}>${run.busy ? "Running…" : "Run the backtest"}</button>
        ${!operator && html`<span class="muted">Running needs an operator's token: sign in first.</span>`}
      </div>
    </form>`;
}

const ONE = `query($id: ID!, $after: String) { node(id: $id) { ... on Backtest {
  id description from to barCount adjusted stale dataVersion engineVersion createdAt
  pdf: reportUrl(format: PDF) json: reportUrl(format: JSON) symbol { ticker name currency }
  metrics { finalEquity totalReturn buyAndHoldReturn cagr maxDrawdown maxDrawdownDays tradeCount winRate profitFactor bestTrade worstTrade averageTrade exposure volatility sharpe sortino calmar sqn feesPaid }
  trades(first: 50, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { entryDate exitDate entryPrice exitPrice shares profit return exitReason } } } } }`;

const CHARTS = [
  ["equity", "Equity against buy and hold"],
  ["price", "Price, averages and trades"],
  ["drawdown", "Drawdown"],
  ["monthly", "Monthly returns"],
  ["rolling", "Rolling Sharpe ratio and volatility"],
  ["distribution", "Distribution of daily returns"],
];

function Trades({ id }) {
  const [after, setAfter] = useState([null]);
  const page = useQuery(ONE, { id, after: after.at(-1) });
  const trades = page.data?.node.trades;
  if (!trades) return html`<${Waiting} query=${page} />`;
  const columns = [
    { label: "Bought", cell: (t) => html`${t.entryDate} <span class="muted">at ${price(t.entryPrice)}</span>` },
    { label: "Sold", cell: (t) => html`${t.exitDate} <span class="muted">at ${price(t.exitPrice)}</span>` },
    { label: "Shares", num: true, cell: (t) => number(t.shares, t.shares % 1 ? 4 : 0) },
    { label: "Return", num: true, cell: (t) => html`<${Change} of=${t.return} digits=${2} />` },
    { label: "Profit", num: true, cell: (t) => html`<span class=${side(t.profit)}>${number(t.profit)}</span>` },
    { label: "Because of", cell: (t) => words(t.exitReason) },
  ];
  return html`<${Table} label="Trades" columns=${columns} rows=${trades.nodes} keyOf=${(t, i) => i}
      empty=${html`<p class="muted">The rule never bought.</p>`} />
    ${trades.totalCount > 50 &&
    html`<div class="row" style=${{ padding: "24px 0 0" }}>
      <button disabled=${after.length === 1} onClick=${() => setAfter(after.slice(0, -1))}>Earlier</button>
      <span class="muted small">${count((after.length - 1) * 50 + 1)} to ${count(Math.min(after.length * 50, trades.totalCount))} of ${count(trades.totalCount)}</span>
      <button disabled=${!trades.pageInfo.hasNextPage} onClick=${() => setAfter([...after, trades.pageInfo.endCursor])}>Later</button>
    </div>`}`;
}

export function BacktestPage({ part }) {
  const query = useQuery(ONE, { id: part, after: null });
  if (!query.data) return html`<${Head} title="Backtest" /><${Waiting} query=${query} />`;
  const b = query.data.node;
  if (!b?.metrics) return html`<${Head} title="Backtest" /><${Empty} title="There is no such backtest"><${Link} to="/reporting/backtests">All backtests<//><//>`;
  const m = b.metrics;
  const saved = `${b.symbol.ticker}-backtest`;
  return html`<${Head} title=${`${b.symbol.ticker} backtest`}
      actions=${html`<a class="button" href=${local(b.json)} download=${`${saved}.json`}>JSON</a>
        <a class="button" href=${local(b.pdf)} download=${`${saved}.pdf`}>PDF report</a>
        <${Link} class="button primary" to=${`/reporting/backtests/new?symbol=${encodeURIComponent(b.symbol.ticker)}`}>Another one<//>`}>
      ${b.description} ${b.from} to ${b.to}, ${count(b.barCount)} bars, ${b.adjusted ? "adjusted" : "as traded"}.
    <//>
    <div class="stack">
      ${b.stale && html`<div class="notice">The prices have changed since this was run.</div>`}
      <${Figures} of=${[
        ["Total return", html`<${Change} of=${m.totalReturn} digits=${2} />`],
        ["Buy and hold", html`<${Change} of=${m.buyAndHoldReturn} digits=${2} />`],
        ["A year (CAGR)", percent(m.cagr, 2)],
        [`Final equity${b.symbol.currency ? `, ${b.symbol.currency}` : ""}`, number(m.finalEquity)],
        ["Maximum drawdown", percent(m.maxDrawdown, 2)],
        ["Sharpe ratio", number(m.sharpe)],
        ["Sortino ratio", number(m.sortino)],
        ["Volatility", percent(m.volatility)],
        ["Exposure", percent(m.exposure)],
        ["Trades", count(m.tradeCount)],
        ["Winners", percent(m.winRate)],
        ["Profit factor", number(m.profitFactor)],
        ["Best trade", percent(m.bestTrade, 2)],
        ["Worst trade", percent(m.worstTrade, 2)],
        ["Average trade", percent(m.averageTrade, 2)],
        ["Fees paid", number(m.feesPaid)],
      ]} />
      <div class="columns">
        ${CHARTS.map(([name, title]) => html`<${Panel} key=${name} title=${title}><${Picture} src=${`/charts/backtests/${b.id}/${name}.svg`} alt=${title} /><//>`)}
      </div>
      <${Panel} title="Trades" aside=${html`<span class="muted small">${count(m.tradeCount)}</span>`}><${Trades} id=${b.id} /><//>
    </div>`;
}
