// The list of sweeps.

import { html, Head, Table, Empty, Waiting, usePages, More, useTyped, Field, Link, count, moment } from "./ui.js";

const LIST = `query($first: Int, $after: String, $filter: SweepFilter) { sweeps(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { id combinations from to stale createdAt symbol { ticker } } } }`;

export function Sweeps() {
  const [text, type, ticker] = useTyped("symbol");
  const list = usePages(LIST, "sweeps", { first: 30, filter: ticker ? { ticker: ticker.toUpperCase() } : null });
  const fresh = `/reporting/sweeps/new${ticker ? `?symbol=${encodeURIComponent(ticker.toUpperCase())}` : ""}`;
  const columns = [
    {
      label: "Sweep", lead: true,
      cell: (s) => html`<${Link} to=${`/reporting/sweeps/${s.id}`}><strong>${s.symbol.ticker}</strong> ${count(s.combinations)} pairs<//>${s.stale && html`<div class="small muted">prices have changed since</div>`}`,
      csv: [["symbol", (s) => s.symbol.ticker]],
    },
    { label: "Pairs", num: true, cell: (s) => count(s.combinations), csv: (s) => s.combinations },
    { label: "From", day: true, cell: (s) => s.from, csv: (s) => s.from },
    { label: "To", day: true, cell: (s) => s.to, csv: (s) => s.to },
    { label: "Run", day: true, key: true, cell: (s) => moment(s.createdAt), csv: (s) => s.createdAt },
  ];
  return html`<${Head} title=${ticker ? `Sweeps of ${ticker.toUpperCase()}` : "Sweeps"} actions=${html`<${Link} class="button primary" to=${fresh}>New sweep<//>`}>
      Every pair of two ranges of windows, to see where a rule holds and where it was luck.
    <//>
    <div class="stack">
      <div class="form"><${Field} label="Symbol" type="search" value=${text} onInput=${type} placeholder="All symbols" /></div>
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div><${Table} label="Sweeps" columns=${columns} rows=${list.rows} total=${list.total} csv="sweeps" all=${list.all}
        empty=${html`<${Empty} title=${ticker ? `No sweeps of ${ticker.toUpperCase()}` : "No sweeps yet"}><${Link} to=${fresh}>Run one<//>: a thousand pairs take a moment.<//>`} /><${More} of=${list} /></div>`}
    </div>`;
}
