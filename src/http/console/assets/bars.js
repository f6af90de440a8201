// The bars of a chart as a table, the newest first: for reading, and for those who don't see the chart.

import { html, useState, Table, count, number, price } from "./ui.js";
import { operandName } from "./strategy.js";

const PAGE = 50;

export function Bars({ series, drawn, saved }) {
  const [shown, setShown] = useState(PAGE);
  const last = series.dates.length - 1;
  const rows = Array.from({ length: Math.min(shown, last + 1) }, (_, n) => last - n);
  const column = (name) => ({ label: name.charAt(0).toUpperCase() + name.slice(1), num: true, key: name === "close", cell: (i) => price(series[name][i]), csv: (i) => series[name][i] });
  const columns = [
    { label: "Date", lead: true, day: true, cell: (i) => series.dates[i], csv: (i) => series.dates[i] },
    ...["open", "high", "low", "close"].map(column),
    { label: "Volume", num: true, prio: 2, cell: (i) => count(series.volume[i]), csv: (i) => series.volume[i] },
    ...drawn.map((operand, n) => ({ label: operandName(operand), num: true, prio: 2, cell: (i) => number(series[`i${n}`]?.[i]), csv: (i) => series[`i${n}`]?.[i] })),
  ];
  return html`<div class="beneath-line"><${Table} label="Bars" columns=${columns} rows=${rows} keyOf=${(i) => series.dates[i]} total=${last + 1} csv=${`${saved}-bars`} all=${async () => series.dates.map((_, n) => last - n)} />
    ${shown <= last && html`<p class="row more-row"><button onClick=${() => setShown(shown + 200)}>Show more</button></p>`}</div>`;
}
