// The list of sweeps: found by name or symbol, named and deleted.

import { html, Head, Table, Empty, Waiting, usePages, More, useAddress, useRole, useTyped, sorted, Confirm, Link, Mistakes, count, moment, many } from "./ui.js";
import { ListSearch, useDeleting } from "./named.js";

const LIST = `query($first: Int, $after: String, $filter: SweepFilter) { sweeps(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { id name combinations from to stale createdAt symbol { ticker } } } }`;

export function Sweeps() {
  const [text, type, search] = useTyped("q");
  const [symbol] = useAddress("symbol");
  const ticker = symbol.toUpperCase();
  const operator = useRole("OPERATOR");
  const [order, setOrder] = useAddress("order");
  // In another order than the newest first, all there are, or the newest 500.
  const list = usePages(LIST, "sweeps", { first: order ? 500 : 30, filter: ticker || search ? { ticker: ticker || undefined, search: search || undefined } : null });
  const drop = useDeleting("Sweep", list.reload);
  const fresh = `/reporting/sweeps/new${ticker ? `?symbol=${encodeURIComponent(ticker)}` : ""}`;
  const called = (s) => s.name ?? `${s.symbol.ticker}, ${many(s.combinations, "pair")}`;
  const columns = [
    {
      label: "Sweep", lead: true, wrap: true, sort: "name", by: called,
      cell: (s) => html`<${Link} to=${`/reporting/sweeps/${s.id}`}><strong>${s.name ?? s.symbol.ticker}</strong> ${!s.name && many(s.combinations, "pair")}<//>
        <div class="small muted">${s.name && s.symbol.ticker}${s.stale ? `${s.name ? " · " : ""}prices have changed since` : ""}</div>`,
      csv: [["name", (s) => s.name], ["symbol", (s) => s.symbol.ticker]],
    },
    { label: "Pairs", num: true, sort: "pairs", by: (s) => s.combinations, prio: 2, cell: (s) => count(s.combinations), csv: (s) => s.combinations },
    { label: "From", day: true, sort: "from", by: (s) => s.from, prio: 2, cell: (s) => s.from, csv: (s) => s.from },
    { label: "To", day: true, sort: "to", by: (s) => s.to, prio: 2, cell: (s) => s.to, csv: (s) => s.to },
    { label: "Run", day: true, sort: "run", by: (s) => s.createdAt, key: true, cell: (s) => moment(s.createdAt), csv: (s) => s.createdAt },
    {
      label: "",
      cell: (s) => operator && html`<${Confirm} label="Delete…" question=${`Delete the sweep ${called(s)}? It is gone for good.`} confirm="Delete it" onConfirm=${() => drop.all([s.id])} tone="" />`,
    },
  ];
  return html`<${Head} title=${ticker ? `Sweeps of ${ticker}` : "Sweeps"} actions=${html`<${Link} class="button primary" to=${fresh}>New sweep<//>`}>
      Every pair of two ranges of windows, to see where a rule holds and where it was luck.
    <//>
    <div class="stack">
      <${ListSearch} text=${text} type=${type} ticker=${ticker} />
      <${Mistakes} errors=${drop.errors} />
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div><${Table} label="Sweeps" columns=${columns} rows=${order ? sorted(list.rows, columns, order) : list.rows} total=${list.total} order=${order || "run DESC"} onOrder=${setOrder} csv="sweeps" all=${list.all}
        empty=${html`<${Empty} title=${search ? "Nothing matches" : ticker ? `No sweeps of ${ticker}` : "No sweeps yet"}><${Link} to=${fresh}>Run one<//>: a thousand pairs take a moment.<//>`} /><${More} of=${list} /></div>`}
    </div>`;
}
