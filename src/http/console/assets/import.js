// A file of prices: looked through before anything is stored, and a receipt for what was.

import { html, useEffect, useRef, useState, useAction, Form, Field, Mistake, Mistakes, Link, Table, count, price, many } from "./ui.js";
import { upload } from "./api.js";
import { JobWatch } from "./jobs.js";

const PREVIEW = `mutation($input: ImportPricesInput!) { previewImport(input: $input) { preview { format rowCount from to adjusted dateOrder doubts columns { heading meaning }
  rows { date open high low close adjustedClose volume } } userErrors { message field } } }`;
const IMPORT = "mutation($input: ImportPricesInput!) { importPrices(input: $input) { job { id state message done total } userErrors { message field } } }";
const send = (file) => (text, variables) => upload(text, variables, "variables.input.file", file);

const ORDERS = [["", "Not clear from the file"], ["DMY", "Day first: 05/02 is the 5th of February"], ["MDY", "Month first: 05/02 is the 2nd of May"], ["YMD", "Year first"]];
const MEANINGS = { date: "Date", open: "Open", high: "High", low: "Low", close: "Close", adjusted_close: "Adjusted close", volume: "Volume", ticker: "Ticker", series: "Series", timestamp: "Date" };

/** The ticker that a file's name begins with: "IBM.csv", "reliance_2024.csv", "Quote-Equity-TCS-EQ-01-01-2024.csv". */
export function tickerOf(name) {
  const parts = name.replace(/\.\w+$/, "").replace(/^Quote-Equity-/i, "").split(/[_\s()]|-(?=\d|EQ\b|daily|historical)/i);
  const first = (parts[0] ?? "").toUpperCase();
  return /^[A-Z0-9][A-Z0-9.&^=-]{0,19}$/.test(first) && !/^(DATA|PRICES|DOWNLOAD|HISTORY|HISTORICAL|EXPORT|TABLE|QUOTES?)$/.test(first) ? first : "";
}

const adjustedSaid = { true: "adjusted for splits, not as traded", false: "as traded", null: "the file doesn't say whether they are adjusted" };

/** What an import would read: nothing of it is stored yet. */
function Preview({ of, order, setOrder }) {
  const undecided = !of.dateOrder && of.rowCount === 0 && of.doubts.some((doubt) => doubt.includes("dateOrder"));
  const doubts = of.doubts.filter((doubt) => !(undecided && doubt.includes("dateOrder")));
  const columns = [
    { label: "Date", lead: true, cell: (bar) => bar.date },
    ...["open", "high", "low", "close"].map((name) => ({ label: MEANINGS[name], num: true, key: name === "close", cell: (bar) => price(bar[name]) })),
    ...(of.rows.some((bar) => bar.adjustedClose !== bar.close) ? [{ label: "Adjusted", num: true, cell: (bar) => price(bar.adjustedClose) }] : []),
    { label: "Volume", num: true, cell: (bar) => count(bar.volume) },
  ];
  const used = of.columns.filter((column) => column.meaning);
  const unused = of.columns.filter((column) => !column.meaning);
  const meaning = (column) => (MEANINGS[column.meaning] ?? column.meaning).toLowerCase();
  return html`<div class="stack preview" role="group" aria-label="What would be imported">
    ${of.rowCount > 0 &&
    html`<p role="status"><strong>${many(of.rowCount, "day")}</strong> from ${of.from} to ${of.to}. Read as a file of ${of.format}; prices: ${adjustedSaid[of.adjusted]}. Nothing is stored yet.</p>`}
    ${(undecided || order || ["DMY", "MDY"].includes(of.dateOrder)) &&
    html`<div class=${undecided ? "notice warn" : ""}>
      ${undecided && html`<p role="alert"><strong>Which number of a date is the day?</strong> No date of this file tells: each could be read either way.</p>`}
      <${Field} label="Dates are written" path="dateOrder" value=${order || of.dateOrder || ""} onInput=${setOrder} options=${ORDERS.filter(([name]) => name || undecided)} />
    </div>`}
    ${doubts.length > 0 &&
    html`<div class="notice warn"><strong>Look at this first</strong><ul class="doubts">${doubts.map((doubt) => html`<li key=${doubt}>${doubt.charAt(0).toUpperCase() + doubt.slice(1)}</li>`)}</ul></div>`}
    <p class="small muted">Columns: ${used.map((column, i) => html`<span key=${i}>${i ? ", " : ""}<strong>${column.heading || "the one without a heading"}</strong>${column.heading.toLowerCase() === meaning(column) ? "" : ` as ${meaning(column)}`}</span>`)}${unused.length > 0 && `; not used: ${unused.map((column) => column.heading || "one without a heading").join(", ")}`}.</p>
    ${of.rows.length > 0 && html`<${Table} label="The first days" columns=${columns} rows=${of.rows} keyOf=${(bar) => bar.date} stays />`}
  </div>`;
}

export function ImportFile({ ticker: given = "", done, close }) {
  const [ticker, setTicker] = useState(given);
  const [file, setFile] = useState(null);
  const [order, setOrder] = useState("");
  const [preview, setPreview] = useState(null);
  const [job, setJob] = useState(null);
  const look = useAction("previewImport", PREVIEW);
  const add = useAction("importPrices", IMPORT);
  const turn = useRef(0);
  const named = ticker.trim();
  const choose = (chosen) => {
    setFile(chosen);
    setPreview(null);
    setOrder("");
    setJob(null);
    add.clear();
    look.clear();
    if (chosen && !named) setTicker(tickerOf(chosen.name));
  };
  const input = () => ({ ticker: named, file: null, dateOrder: order || null });
  // As soon as both are there, and again when the ticker or the order of dates changes.
  useEffect(() => {
    if (!file || !named || job) return undefined;
    const mine = ++turn.current;
    const timer = setTimeout(async () => {
      const made = await look.run({ input: input() }, send(file));
      if (mine === turn.current) setPreview(made?.preview ?? null);
    }, 250);
    return () => clearTimeout(timer);
  }, [file, named, order, job]);
  const submit = async () => {
    if (!preview?.rowCount) return;
    const made = await add.run({ input: input() }, send(file));
    if (made) setJob({ ...made.job, ticker: named.toUpperCase() });
  };
  const to = job && `/reporting/symbols/${encodeURIComponent(job.ticker)}`;
  return html`<${Form} class="form" errors=${[...look.errors, ...add.errors]} onSubmit=${submit}>
    <div class="field wide">
      <label for="csv">CSV file</label>
      <input id="csv" type="file" accept=".csv,.txt,.json,text/csv" required data-missing="Choose a file." aria-describedby="csv-d" onChange=${(e) => choose(e.target.files[0] ?? null)} />
      <div id="csv-d" class="hint">Daily prices as an exchange, Yahoo, Nasdaq, Investing.com, Stooq, Kite or Alpha Vantage give them, or with the headings date, open, high, low, close, volume.</div>
      <${Mistake} path="file" />
    </div>
    <${Field} label="Ticker" path="ticker" value=${ticker} onInput=${setTicker} required data-missing="Type the ticker that these prices are of." placeholder="RELIANCE.BSE" autocomplete="off" />
    <div class="wide">
      ${look.busy && !preview && html`<p class="muted" role="status">Looking through the file…</p>`}
      ${preview && !job && html`<${Preview} of=${preview} order=${order} setOrder=${setOrder} />`}
      <${Mistakes} />
      ${job && html`<${JobWatch} key=${job.id} id=${job.id} initial=${job} ticker=${job.ticker} done=${done} />`}</div>
    <div class="row wide"><button type="button" onClick=${close}>${job ? "Close" : "Cancel"}</button>
      ${job
        ? html`<${Link} class="button primary" to=${to}>Go to ${job.ticker}<//>`
        : html`<button class="primary" disabled=${add.busy || look.busy || !preview?.rowCount}>${add.busy ? "Sending…" : preview?.rowCount ? `Import ${many(preview.rowCount, "day")}` : "Import"}</button>`}</div>
  <//>`;
}
