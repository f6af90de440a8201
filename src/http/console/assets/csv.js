// Tables as files for a spreadsheet: plain numbers, one value a cell.

/** A cell: numbers as they are, text that a spreadsheet would run as a formula made harmless. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  let text = String(value);
  if (/^[=+@\t\r]/.test(text) || (text.startsWith("-") && Number.isNaN(Number(text)))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const toCsv = (headings, rows) => [headings, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

/** Saves bytes or text under a name. */
export function save(name, content, type = "text/csv;charset=utf-8") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The columns' headings and what each puts into a file: `csv` is a function of the row, or pairs of heading and function. */
export function csvOf(columns, rows) {
  const cells = columns.flatMap((column) => (typeof column.csv === "function" ? [[column.label, column.csv]] : (column.csv ?? [])));
  return toCsv(cells.map(([heading]) => heading), rows.map((row) => cells.map(([, value]) => value(row))));
}

const plain = (text) => text.replaceAll("−", "-").replace(/(?<=\d),(?=\d{3}(?:\D|$))/g, "").replace(/(\d) %/g, "$1%").replace(/(\d)×/g, "$1");

// What stands in a cell beside its value: things to press, the unit, what only a phone or a screen reader says.
const ASIDE = "td button:not(.link), .unit, .phone-only, .skip, [aria-hidden]";

/** A cell's text in one line, as it is on the screen. */
function textOf(cell) {
  const lines = new Map();
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    const at = node.parentElement;
    if (at.closest(ASIDE) || !at.getClientRects().length) continue;
    const line = at.closest("div, p, td, th");
    lines.set(line, (lines.get(line) ?? "") + node.data);
  }
  const text = [...lines.values()].map((line) => line.replace(/\s+/g, " ").trim()).filter(Boolean).join(", ");
  return text === "–" ? "" : text;
}

/** What is selected within one table and reaches over more than one cell: a line a row, a column a cell. */
function selectedRows(selection) {
  const around = selection.rangeCount ? selection.getRangeAt(0).commonAncestorContainer : null;
  const within = around?.nodeType === Node.ELEMENT_NODE ? around : around?.parentElement;
  if (within?.closest("td, th")) return null;
  const rows = [...(within?.closest("table")?.rows ?? [])].filter((row) => selection.containsNode(row, true));
  const cells = (row) => [...row.cells].filter((cell) => selection.containsNode(cell, true) && cell.getClientRects().length);
  return rows.length ? rows.map((row) => cells(row).map((cell) => plain(textOf(cell))).join("\t")).join("\n") : null;
}

/** What is copied out of a page is plain: ASCII minus, no grouped thousands, percentages that a spreadsheet reads, and of a table one value a cell. */
export function copyPlainly() {
  document.addEventListener("copy", (event) => {
    const at = document.activeElement;
    if (at && ["INPUT", "TEXTAREA"].includes(at.tagName)) return;
    const selection = getSelection();
    const text = String(selection);
    const copied = selectedRows(selection) ?? plain(text);
    if (copied === text) return;
    event.clipboardData.setData("text/plain", copied);
    event.preventDefault();
  });
}
