// Trades of a backtest: sorted, paged, and each a way to its place on the chart.

import { html, useAddress, Table, sorted, fileName, count, number, price, side, words, Change } from "./ui.js";

const PAGE = innerWidth > 720 ? 25 : 10;

export function Trades({ of, chosen, choose, saved }) {
  const [order, setOrder] = useAddress("trades", "number ASC");
  const [shown, setShown] = useAddress("shown", String(PAGE));
  const columns = [
    { label: "No.", num: true, prio: 3, sort: "number", by: (t) => t.number, cell: (t) => count(t.number), csv: (t) => t.number },
    { label: "Bought", day: true, lead: true, sort: "bought", by: (t) => t.entry_date, cell: (t) => html`<button class="plain link" onClick=${() => choose(t)} title="Show it on the chart">${t.entry_date}</button>`, csv: (t) => t.entry_date },
    { label: "at", num: true, prio: 2, cell: (t) => price(t.entry_price), csv: [["entry price", (t) => t.entry_price]] },
    { label: "Sold", day: true, sort: "sold", by: (t) => t.exit_date, cell: (t) => t.exit_date, csv: (t) => t.exit_date },
    { label: "at", num: true, prio: 2, cell: (t) => price(t.exit_price), csv: [["exit price", (t) => t.exit_price]] },
    { label: "Days", num: true, prio: 3, sort: "days", by: (t) => t.days, cell: (t) => count(t.days), csv: (t) => t.days },
    { label: "Shares", num: true, prio: 3, sort: "shares", by: (t) => t.shares, cell: (t) => number(t.shares, t.shares % 1 ? 4 : 0), csv: (t) => t.shares },
    { label: "Return", num: true, key: true, sort: "return", by: (t) => t.return, cell: (t) => html`<${Change} of=${t.return} digits=${2} />`, csv: (t) => t.return },
    { label: "Profit", num: true, sort: "profit", by: (t) => t.profit, cell: (t) => html`<span class=${side(t.profit)}>${number(t.profit)}</span>`, csv: (t) => t.profit },
    { label: "Because of", prio: 2, sort: "reason", by: (t) => t.exit_reason, cell: (t) => html`${words(t.exit_reason)}${t.gapped && html`<span class="small muted" title="The day opened below the stop, so the order was filled at the open">, opened below it</span>`}`, csv: [["because of", (t) => t.exit_reason], ["opened below the stop", (t) => (t.gapped ? "yes" : "")]] },
  ];
  const rows = sorted(of, columns, order);
  const limit = Math.max(PAGE, Number(shown) || PAGE);
  return html`<${Table} label="Trades" columns=${columns} rows=${rows.slice(0, limit)} total=${of.length} all=${async () => rows} csv=${fileName(saved, "trades")}
      order=${order} onOrder=${setOrder} keyOf=${(t) => t.number}
      rowProps=${(t) => ({ class: "pick", "aria-current": chosen === t.number ? "true" : undefined, onClick: (e) => e.target.closest("button, a") || choose(t) })}
      empty=${html`<p class="muted">The rule never bought.</p>`} />
    ${limit < of.length && html`<p class="row more-row"><button onClick=${() => setShown(String(limit + 100))}>Show more</button><button onClick=${() => setShown(String(of.length))}>Show all ${count(of.length)}</button></p>`}`;
}
