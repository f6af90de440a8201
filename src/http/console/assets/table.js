// Tables: columns give way by importance, headings sort, rows fold on a phone, and each goes out as a file.

import { html, useState } from "./vendor/preact-htm.js";
import { csvOf, save } from "./csv.js";
import { count } from "./format.js";

const kind = (c, phone) =>
  [c.num && "num", c.day && "day", c.lead && "lead", c.full && "full", c.wrap && "wrap", c.tick && "tick", c.prio && `p${c.prio}`, phone && (c.key ? "key" : !c.lead && !c.full && !c.tick && "fold")]
    .filter(Boolean)
    .join(" ");

function Heading({ column, order, onOrder, phone }) {
  if (!column.label) return html`<th scope="col" class=${kind(column, phone)}><span class="skip">Actions</span></th>`;
  if (!column.sort || !onOrder) return html`<th scope="col" class=${kind(column, phone)}>${column.label}</th>`;
  const [field, direction] = order.split(" ");
  const on = field === column.sort;
  // Figures are looked at from the top, names from A.
  const next = on ? (direction === "ASC" ? "DESC" : "ASC") : column.num || column.day ? "DESC" : "ASC";
  return html`<th scope="col" class=${kind(column, phone)} aria-sort=${on ? (direction === "ASC" ? "ascending" : "descending") : undefined}>
    <button type="button" class="sort" onClick=${() => onOrder(`${column.sort} ${next}`)}>${column.label}<span aria-hidden="true">${on ? (direction === "ASC" ? "↑" : "↓") : ""}</span></button>
  </th>`;
}

/** On a phone there are no headings to press. */
function Sorting({ label, columns, order, onOrder }) {
  const ways = columns.flatMap((c) => [["DESC", "↓"], ["ASC", "↑"]].map(([direction, arrow]) => [`${c.sort} ${direction}`, `${c.label} ${arrow}`]));
  return html`<select class="phone-only" aria-label=${`Sort ${label}`} value=${order} onChange=${(event) => onOrder(event.target.value)}>
    ${ways.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === order}>${text}</option>`)}
  </select>`;
}

function Row({ row, i, columns, phone, hides, ...rest }) {
  const [open, setOpen] = useState(false);
  return html`<tr ...${rest} class=${[open && "open", rest.class].filter(Boolean).join(" ")}>
    ${columns.map((c) => {
      const cell = c.cell(row, i);
      return html`<td class=${`${kind(c, phone)} ${cell === "–" ? "none" : ""}`} data-label=${c.label}>${cell}</td>`;
    })}
    ${hides && html`<td class="more" data-label=""><button type="button" class="plain" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Less" : "Details"}</button></td>`}
  </tr>`;
}

/**
 * Columns are {label, cell(row), num, day, lead, full, wrap, tick, prio, key, sort, csv}: of `prio` 2 and 3 go first where it's narrow, `key` is what a
 * phone shows beside the lead; a table that `stays` is one on a phone, too. `csv` as a name makes a file of `all()` or of the rows; `order` and `onOrder` make headings sort.
 */
export function Table({ label, columns, rows, empty, keyOf = (row) => row.id, order, onOrder, csv, all, total, aside, rowProps, stays }) {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  if (!rows.length) return empty ?? null;
  const phone = columns.some((c) => c.key);
  const hides = phone && columns.some((c) => kind(c, phone).includes("fold"));
  const sortable = onOrder && !stays ? columns.filter((c) => c.sort && c.label) : [];
  const download = async () => {
    setBusy(true);
    setFailed(null);
    try {
      save(`${csv}.csv`, csvOf(columns, all ? await all() : rows));
    } catch (error) {
      setFailed(error.message);
    }
    setBusy(false);
  };
  const shown = total === undefined ? null : total > rows.length ? `${count(rows.length)} of ${count(total)}` : `${count(total)} in all`;
  return html`<div class="table-box">
    ${(csv || shown || aside || sortable.length > 0) &&
    html`<div class="table-bar">
      <span class="small muted" role="status">${shown}</span>
      <span class="row">${sortable.length > 0 && html`<${Sorting} label=${label} columns=${sortable} order=${order ?? ""} onOrder=${onOrder} />`}${aside}${failed && html`<span class="error" role="alert">${failed}</span>`}
        ${csv && html`<button type="button" class="small" disabled=${busy} onClick=${download} aria-label=${`Download ${label} as CSV`}>CSV</button>`}</span>
    </div>`}
    <div class=${`table ${phone ? "folds" : ""} ${stays ? "stays" : ""}`} tabindex="0" role="region" aria-label=${`${label}, table`}>
      <table>
        <thead><tr>
          ${columns.map((c) => html`<${Heading} column=${c} order=${order ?? ""} onOrder=${onOrder} phone=${phone} />`)}
          ${hides && html`<th class="more"><span class="skip">Details</span></th>`}
        </tr></thead>
        <tbody>
          ${rows.map((row, i) => html`<${Row} key=${keyOf(row, i)} row=${row} i=${i} columns=${columns} phone=${phone} hides=${hides} ...${rowProps?.(row, i)} />`)}
        </tbody>
      </table>
    </div>
  </div>`;
}

/** Rows in the order of a column's own figure; what is unknown comes last either way. */
export function sorted(rows, columns, order) {
  const [field, direction] = order.split(" ");
  const by = columns.find((c) => c.sort === field)?.by;
  if (!by) return rows;
  const sign = direction === "DESC" ? -1 : 1;
  const unknown = (value) => value === null || value === undefined;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (unknown(x) || unknown(y)) return unknown(x) - unknown(y);
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
}

/** What loads the next page of a list. */
export const More = ({ of }) =>
  (of.loadMore || of.failed) &&
  html`<p class="row more-row"><button onClick=${of.loadMore} disabled=${of.busy}>${of.busy ? "Loading…" : "Show more"}</button>
    ${of.failed && html`<span class="error" role="alert">${of.failed.message}</span>`}</p>`;
