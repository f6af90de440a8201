// A backtest to explore: four figures, linked panes, every figure beside holding, and trades that lead to the chart.

import { html, lazy, useQuery, useLoaded, useAddress, useMemo, useState, Head, Panel, Figures, Table, Empty, Waiting, Link, Menu, Picture, Download, isGone, count, number, percent, signed, side, shortRun, fileName, Change, many } from "./ui.js";
import { runAddress, storedRun, strategyName } from "./strategy.js";
import { costsOf, pricesSaid } from "./strategyform.js";
import { Trades } from "./trades.js";
import { Deleting, Naming } from "./named.js";

const Explorer = lazy(() => import("./explorer.js"), "Explorer", 760);

const ABOUT = `query($id: ID!) { node(id: $id) { ... on Backtest { id name stale description from to barCount symbol { ticker firstDate lastDate currency backtests(first: 1) { totalCount } }
  metrics { totalReturn buyAndHoldReturn maxDrawdown sharpe tradeCount winRate } } } }`;

/** The stored run whole: its inputs, figures, curves and trades. */
export const reportOf = (id) => (source) => source.read(`/reports/backtests/${encodeURIComponent(id)}.json`).then(JSON.parse);

/** Where the form is that runs this again, with the dates left open where they were the whole history. */
export function againAddress(report, symbol) {
  const whole = symbol?.firstDate === report.from;
  const last = symbol?.lastDate === report.to;
  return runAddress({ ticker: report.symbol.ticker, from: whole ? "" : report.from, to: last ? "" : report.to, ...storedRun(report) });
}

const ROWS = [
  ["Total return", "total_return", (v) => signed(v, 2), 1],
  ["A year (CAGR)", "cagr", (v) => signed(v, 2), 1],
  ["Final equity", "final_equity", number, 1],
  ["Volatility", "volatility", (v) => percent(v), -1],
  ["Maximum drawdown", "max_drawdown", (v) => percent(v, 2), 1],
  ["Longest drawdown, days", "max_drawdown_days", count, -1],
  ["Sharpe ratio", "sharpe", number, 1],
  ["Sortino ratio", "sortino", number, 1],
  ["Calmar ratio", "calmar", number, 1],
  ["Fees paid", "fees_paid", number, -1],
];
const OF_TRADES = [
  ["Trades", "trade_count", count], ["Winners", "win_rate", percent], ["Profit factor", "profit_factor", number], ["Average trade", "average_trade", (v) => signed(v, 2)],
  ["Best trade", "best_trade", (v) => signed(v, 2)], ["Worst trade", "worst_trade", (v) => signed(v, 2)], ["Exposure", "exposure", percent], ["SQN", "sqn", number],
];

const known = (value) => value !== null && value !== undefined;

function Beside({ of, hold, ticker }) {
  const columns = [
    { label: "Figure", lead: true, cell: ([name]) => name, csv: ([name]) => name },
    { label: "Strategy", num: true, cell: ([, key, show]) => show(of[key]), csv: ([, key]) => of[key] },
    { label: "Buy and hold", num: true, cell: ([, key, show]) => show(hold[key]), csv: ([, key]) => hold[key] },
    { label: "Better", prio: 3, cell: ([, key, , good]) => (!known(of[key]) || !known(hold[key]) ? "–" : (of[key] - hold[key]) * good > 0 ? "Strategy" : of[key] === hold[key] ? "Same" : "Hold") },
  ];
  return html`<${Table} label="Figures beside buy and hold" columns=${columns} rows=${ROWS} keyOf=${([, key]) => key} stays csv=${fileName(ticker, "figures")} />`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const mean = (values) => {
  const there = values.filter(known);
  return there.length ? there.reduce((sum, value) => sum + value, 0) / there.length : null;
};
const meanOf = (years) => ({ year: "Mean", months: MONTHS.map((_, i) => mean(years.map((y) => y.months[i]))), total: mean(years.map((y) => y.total)), buy_and_hold: mean(years.map((y) => y.buy_and_hold)) });

/** Months in and out of the market; one without a position shows a dot, not a zero. */
function Monthly({ years, ticker }) {
  const month = (year, i) => {
    const value = year.months[i];
    if (value === null || value === undefined) return "–";
    return value === 0 ? html`<span class="muted" title="Out of the market">·</span>` : html`<span class=${side(value)}>${number(value * 100, 1)}</span>`;
  };
  const columns = [
    { label: "Year", lead: true, cell: (y) => y.year, csv: (y) => y.year },
    ...MONTHS.map((name, i) => ({ label: name, num: true, cell: (y) => month(y, i), csv: (y) => y.months[i] })),
    { label: "Year, %", num: true, key: true, cell: (y) => html`<strong><${Change} of=${y.total} /></strong>`, csv: (y) => y.total },
    { label: "Buy and hold", num: true, cell: (y) => html`<${Change} of=${y.buy_and_hold} />`, csv: (y) => y.buy_and_hold },
  ];
  return html`<div class="months"><${Table} label="Monthly returns, %" columns=${columns} rows=${years.length > 1 ? [...years, meanOf(years)] : years} keyOf=${(y) => y.year} csv=${fileName(ticker, "monthly-returns")} /></div>`;
}

/** The figures of a report under the names of the API. */
const figuresOf = (m) => ({ totalReturn: m.total_return, buyAndHoldReturn: m.buy_and_hold_return, maxDrawdown: m.max_drawdown, sharpe: m.sharpe, tradeCount: m.trade_count, winRate: m.win_rate });

/** The four figures that matter, with holding's beside them once the whole report is there. */
function Headline({ m, hold, shortage }) {
  const beside = (show) => (hold ? `holding ${show(hold)}` : "holding …");
  return html`<${Figures} big of=${[
    ["Total return", html`<${Change} of=${m.totalReturn} digits=${2} />`, { note: `holding ${signed(m.buyAndHoldReturn, 2)}` }],
    ["Maximum drawdown", percent(m.maxDrawdown, 2), { note: beside((h) => percent(h.max_drawdown, 2)) }],
    ["Sharpe ratio", number(m.sharpe), { note: beside((h) => number(h.sharpe)) }],
    ["Trades", count(m.tradeCount), { note: m.tradeCount ? `${percent(m.winRate, 0)} won` : shortage ? "the rule never bought, or the cash didn’t reach" : "the rule never bought" }],
  ]} />`;
}

export function BacktestPage({ part }) {
  const about = useQuery(ABOUT, { id: part });
  const query = useLoaded(`backtest ${part}`, reportOf(part));
  // The trade that is looked at, and how often one was asked for: the same one again comes back into view.
  const [looked, look] = useAddress("trade");
  const [asked, setAsked] = useState(0);
  const focus = useMemo(() => {
    const trade = query.data?.trades.find(({ number }) => String(number) === looked);
    return trade ? { from: trade.entry_date, to: trade.exit_date, number: trade.number } : null;
  }, [query.data, looked, asked]);
  if (isGone(query) || isGone(about) || (about.data && !about.data.node?.symbol))
    return html`<${Head} title="Backtest" /><${Empty} title="There is no such backtest"><${Link} to="/reporting/backtests">All backtests<//><//>`;
  // What is small comes first: the figures stand while the curves are on their way.
  const first = about.data?.node;
  if (!query.data)
    return first && !query.error
      ? html`<${Head} title=${first.name ?? `${first.symbol.ticker} backtest`} waiting named=${`${first.symbol.ticker} ${shortRun(first.description)}`}><strong class="rule">${shortRun(first.description)}</strong><br />${first.from} to ${first.to}, ${many(first.barCount, "bar")}.<//>
          <div class="stack"><${Headline} m=${first.metrics} /><${Waiting} query=${query} lines=${12} /></div>`
      : html`<${Head} title="Backtest" waiting /><${Waiting} query=${query.error ? query : about} lines=${8} />`;
  const report = query.data;
  const symbol = about.data?.node.symbol;
  const { metrics: m, buy_and_hold: hold } = report;
  const { ticker, unit: currency } = report.symbol;
  const run = storedRun(report);
  const name = strategyName(run.strategy);
  const called = about.data?.node.name;
  const tries = symbol?.backtests.totalCount ?? 0;
  const saved = fileName(ticker, name, report.from, report.to);
  const worst = report.trades.reduce((least, t) => (least === null || t.return < least.return ? t : least), null);
  const zoom = (trade) => {
    setAsked(asked + 1);
    look(String(trade.number));
    document.getElementById("explore")?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  return html`<${Head} title=${called ?? `${ticker} backtest`} named=${called ? `${called}, ${ticker} ${name}` : `${ticker} ${name}`}
      actions=${html`<${Link} class="button primary" to=${againAddress(report, symbol)}>Edit and run again<//>
        <${Link} class="button" to=${`/reporting/backtests/compare?ids=${part}`}>Compare<//>
        <${Download} href=${`/reports/backtests/${part}.pdf`} name=${`${saved}.pdf`}>PDF report<//>
        <${Download} href=${`/reports/backtests/${part}.json`} name=${`${saved}.json`}>JSON<//>
        <${Naming} kind="Backtest" id=${part} name=${called} done=${about.reload} />
        <${Menu}><${Deleting} kind="Backtest" id=${part} named=${called ?? `${ticker} ${name}`} /><//>`}>
      <strong class="rule">${name}</strong><br />${report.from} to ${report.to}, ${many(report.bars, "bar")}, ${pricesSaid(report.adjustment)}, ${costsOf(run.execution)}.
    <//>
    <div class="stack">
      ${about.data?.node.stale && html`<div class="notice">The prices have changed since this was run. <${Link} to=${againAddress(report, symbol)}>Run it again<//></div>`}
      <${Headline} m=${figuresOf(m)} hold=${hold} shortage=${report.shortage} />
      <div id="explore"><${Panel} title="Prices, trades, equity and drawdown"><${Explorer} report=${report} run=${run} focus=${focus} saved=${saved} /><//></div>
      <${Panel} title="Beside buy and hold"><${Beside} of=${m} hold=${hold} ticker=${saved} />
        <p class="small muted beneath">${currency ? `Money in ${currency}. ` : ""}Holding buys at the first close and sells at the last, with the same costs.${tries > 1 ? ` One of ${count(tries)} stored runs of ${ticker}: the best of many tries looks better than it will be.` : ""}</p><//>
      <${Panel} title="Its trades in figures">
        <${Figures} of=${OF_TRADES.map(([label, key, show]) => [label, key === "worst_trade" && worst ? html`<button class="plain link" onClick=${() => zoom(worst)}>${show(m[key])}</button>` : show(m[key], key === "win_rate" || key === "exposure" ? 1 : undefined)])} />
      <//>
      <${Panel} title="Trades" aside=${html`<span class="muted small">Returns and profits are after costs. Click a trade to see it on the chart</span>`}><${Trades} of=${report.trades} chosen=${focus?.number} choose=${zoom} saved=${saved} /><//>
      <${Panel} title="Monthly returns, %"><${Monthly} years=${report.years} ticker=${saved} /><//>
      <${Panel} title=${`Rolling Sharpe ratio and volatility${report.rolling ? `, ${report.rolling.window} days` : ""}`}><${Picture} src=${`/charts/backtests/${part}/rolling.svg`} version=${`${report.created_at} ${report.symbol.ticker}`} alt="Rolling Sharpe ratio and volatility" units=${592} /><//>
      <${Panel} title="Distribution of daily returns"><${Picture} src=${`/charts/backtests/${part}/distribution.svg`} version=${`${report.created_at} ${report.symbol.ticker}`} alt="Distribution of daily returns" units=${392} />
        ${report.distribution.idle > 0 && html`<p class="small muted">${many(report.distribution.idle, "day")} out of the market ${report.distribution.idle === 1 ? "is" : "are"} left out.</p>`}<//>
      <p class="small muted">${report.description} Data version ${report.data_version}, engine ${report.engine_version}. ${report.disclaimer}</p>
    </div>`;
}
