// The list of backtests: filtered, sorted, and ticked to be compared.

import { html, useState, Head, Table, Empty, Waiting, usePages, More, useAddress, useTyped, useRole, sorted, Confirm, Link, Mistakes, go, count, number, percent, moment, shortRun, Change, whole } from "./ui.js";
import { ListSearch, useDeleting } from "./named.js";

const LIST = `query($first: Int, $after: String, $filter: BacktestFilter) { backtests(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id name description from to stale createdAt symbol { ticker } metrics { totalReturn buyAndHoldReturn maxDrawdown sharpe tradeCount } } } }`;
const MOST_COMPARED = 8;

export function Backtests({ query }) {
  const [text, type, search] = useTyped("q");
  const [symbol] = useAddress("symbol");
  const ticker = symbol.toUpperCase();
  const operator = useRole("OPERATOR");
  const [order, setOrder] = useAddress("order");
  const [picked, setPicked] = useState([]);
  // A sort by a figure is of all there are, or of the newest 500.
  const list = usePages(LIST, "backtests", { first: order ? 500 : 30, filter: ticker || search ? { ticker: ticker || undefined, search: search || undefined } : null });
  const drop = useDeleting("Backtest", () => {
    setPicked([]);
    list.reload();
  });
  const pick = (id) => setPicked(picked.includes(id) ? picked.filter((other) => other !== id) : [...picked, id].slice(-MOST_COMPARED));
  const columns = [
    { label: "Tick", tick: true, cell: (b) => html`<input type="checkbox" checked=${picked.includes(b.id)} onChange=${() => pick(b.id)} aria-label=${`Tick ${b.name ?? `${b.symbol.ticker} ${shortRun(b.description)}`}`} />` },
    {
      label: "Strategy", lead: true, wrap: true,
      cell: (b) => html`<${Link} to=${`/reporting/backtests/${b.id}`} title=${b.description}><strong>${b.name ?? b.symbol.ticker}</strong> ${!b.name && shortRun(b.description)}<//>
        <div class="small muted">${b.name && `${b.symbol.ticker} ${shortRun(b.description)} · `}${whole(`${b.from} to ${b.to}`)}${b.stale ? " · prices have changed since" : ""}</div>`,
      csv: [["name", (b) => b.name], ["symbol", (b) => b.symbol.ticker], ["strategy", (b) => shortRun(b.description)], ["description", (b) => b.description], ["from", (b) => b.from], ["to", (b) => b.to]],
    },
    { label: "Return", num: true, key: true, sort: "return", by: (b) => b.metrics.totalReturn, cell: (b) => html`<${Change} of=${b.metrics.totalReturn} />`, csv: (b) => b.metrics.totalReturn },
    { label: "Buy and hold", num: true, prio: 2, sort: "hold", by: (b) => b.metrics.buyAndHoldReturn, cell: (b) => html`<${Change} of=${b.metrics.buyAndHoldReturn} />`, csv: (b) => b.metrics.buyAndHoldReturn },
    { label: "Drawdown", num: true, prio: 2, sort: "drawdown", by: (b) => b.metrics.maxDrawdown, cell: (b) => percent(b.metrics.maxDrawdown), csv: (b) => b.metrics.maxDrawdown },
    { label: "Sharpe", num: true, sort: "sharpe", by: (b) => b.metrics.sharpe, cell: (b) => number(b.metrics.sharpe), csv: (b) => b.metrics.sharpe },
    { label: "Trades", num: true, prio: 3, sort: "trades", by: (b) => b.metrics.tradeCount, cell: (b) => count(b.metrics.tradeCount), csv: (b) => b.metrics.tradeCount },
    { label: "Run", day: true, prio: 3, sort: "run", by: (b) => b.createdAt, cell: (b) => moment(b.createdAt), csv: (b) => b.createdAt },
  ];
  const rows = order ? sorted(list.rows, columns, order) : list.rows;
  const fresh = `/reporting/backtests/new${ticker ? `?symbol=${encodeURIComponent(ticker)}` : ""}`;
  const compare = () => go(`/reporting/backtests/compare?ids=${picked.join(",")}`);
  const also = html`${picked.length > 0 && html`<button onClick=${compare} disabled=${picked.length < 2}>${picked.length < 2 ? "Tick another to compare" : `Compare these ${picked.length}`}</button>
    ${operator && html`<${Confirm} label=${picked.length === 1 ? "Delete it…" : `Delete these ${picked.length}…`} question=${picked.length === 1 ? "Delete this backtest? It is gone for good." : `Delete these ${picked.length} backtests? They are gone for good.`}
      confirm=${picked.length === 1 ? "Delete it" : "Delete them"} onConfirm=${() => drop.all(picked)} />`}`}`;
  return html`<${Head} title=${ticker ? `Backtests of ${ticker}` : "Backtests"} actions=${html`<${Link} class="button primary" to=${fresh}>New backtest<//>`}>
      Rules over prices, and what would have come of them.
    <//>
    <div class="stack">
      <${ListSearch} text=${text} type=${type} ticker=${ticker} />
      <${Mistakes} errors=${drop.errors} />
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div><${Table} label="Backtests" columns=${columns} rows=${rows} total=${list.total} order=${order || "run DESC"} onOrder=${setOrder} csv="backtests" all=${list.all} aside=${also}
        empty=${html`<${Empty} title=${search ? "Nothing matches" : ticker ? `No backtests of ${ticker}` : "No backtests yet"}><${Link} to=${fresh}>Try a rule<//>: buy below the 50-day average, sell above the 200-day one.<//>`} />
        <${More} of=${list} /></div>`}
    </div>`;
}
