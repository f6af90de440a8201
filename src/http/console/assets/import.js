// A file of prices: looked through before anything is stored, and a receipt for what was.

import { html, useState, useAction, Form, Field, Mistakes, Link } from "./ui.js";
import { upload } from "./api.js";
import { JobWatch } from "./jobs.js";

const IMPORT = "mutation($ticker: String!, $file: Upload!) { importPrices(input: { ticker: $ticker, file: $file }) { job { id state message done total } userErrors { message field } } }";

/** The ticker that a file's name begins with: "IBM.csv", "reliance_2024.csv", "Quote-Equity-TCS-EQ-01-01-2024.csv". */
export function tickerOf(name) {
  const parts = name.replace(/\.\w+$/, "").replace(/^Quote-Equity-/i, "").split(/[_\s()]|-(?=\d|EQ\b|daily|historical)/i);
  const first = (parts[0] ?? "").toUpperCase();
  return /^[A-Z0-9][A-Z0-9.&^=-]{0,19}$/.test(first) && !/^(DATA|PRICES|DOWNLOAD|HISTORY|HISTORICAL|EXPORT|TABLE|QUOTES?)$/.test(first) ? first : "";
}

export function ImportFile({ ticker: given = "", done, close }) {
  const [ticker, setTicker] = useState(given);
  const [file, setFile] = useState(null);
  const [job, setJob] = useState(null);
  const add = useAction("importPrices", IMPORT);
  const choose = (chosen) => {
    setFile(chosen);
    setJob(null);
    add.clear();
    if (chosen && !ticker) setTicker(tickerOf(chosen.name));
  };
  const submit = async () => {
    const made = await add.run({ ticker, file: null }, (text, variables) => upload(text, variables, "variables.file", file));
    if (made) setJob({ ...made.job, ticker });
  };
  return html`<${Form} class="form" errors=${add.errors} onSubmit=${submit}>
    <div class="field wide">
      <label for="csv">CSV file</label>
      <input id="csv" type="file" accept=".csv,.txt,.json,text/csv" required data-missing="Choose a file." aria-describedby="csv-d" onChange=${(e) => choose(e.target.files[0] ?? null)} />
      <div id="csv-d" class="hint">date,open,high,low,close[,adjusted_close],volume</div>
    </div>
    <${Field} label="Ticker" path="ticker" value=${ticker} onInput=${setTicker} required data-missing="Type the ticker that these prices are of." placeholder="RELIANCE.BSE" autocomplete="off" />
    <div class="wide"><${Mistakes} />
      ${job && html`<${JobWatch} key=${job.id} id=${job.id} initial=${job} ticker=${job.ticker} done=${done} />`}</div>
    <div class="row wide"><button type="button" onClick=${close}>Close</button>
      ${job && html`<${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(job.ticker.trim().toUpperCase())}`}>Go to ${job.ticker.trim().toUpperCase()}<//>`}
      <button class="primary" disabled=${add.busy}>${add.busy ? "Sending…" : "Import"}</button></div>
  <//>`;
}
