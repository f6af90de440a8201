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

/** What is copied out of a page is plain: ASCII minus, no grouped thousands, percentages that a spreadsheet reads. */
export function copyPlainly() {
  document.addEventListener("copy", (event) => {
    const at = document.activeElement;
    if (at && ["INPUT", "TEXTAREA"].includes(at.tagName)) return;
    const text = String(getSelection());
    const plain = text.replaceAll("−", "-").replace(/(?<=\d),(?=\d{3}(?:\D|$))/g, "").replace(/(\d) %/g, "$1%").replace(/(\d)×/g, "$1");
    if (plain === text) return;
    event.clipboardData.setData("text/plain", plain);
    event.preventDefault();
  });
}
