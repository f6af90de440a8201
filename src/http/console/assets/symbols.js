// All symbols, and how to add more.

import { html, useState, Head, Panel, Table, Empty, Waiting, usePages, More, useAction, useRole, Field, Check, Link, Mistakes, price, count, date, moment, Change } from "./ui.js";
import { upload } from "./api.js";
import { Progress, useJobs } from "./jobs.js";

const LIST = `query($first: Int, $after: String, $filter: SymbolFilter) { symbols(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id ticker name exchange currency barCount lastDate lastRefreshedAt latestBar { close date }
    prices(last: 2) { nodes { adjustedClose } } } } }`;
const EXCHANGES = [["", "By the ticker"], ["NSE", "NSE"], ["BSE", "BSE"], ["NYSE", "NYSE"], ["NASDAQ", "Nasdaq"], ["OTHER", "Other"]];

function lastChange(symbol) {
  const [before, now] = symbol.prices.nodes;
  return now ? now.adjustedClose / before.adjustedClose - 1 : null;
}

function AddSymbol({ added }) {
  const [ticker, setTicker] = useState("");
  const [exchange, setExchange] = useState("");
  const add = useAction("addSymbol", "mutation($input: AddSymbolInput!) { addSymbol(input: $input) { symbol { ticker } job { id } userErrors { message field } } }");
  const submit = async (event) => {
    event.preventDefault();
    const made = await add.run({ input: { ticker, exchange: exchange || null } });
    if (made) {
      setTicker("");
      added();
    }
  };
  return html`<form class="form" onSubmit=${submit}>
    <${Field} label="Ticker" path="ticker" errors=${add.errors} value=${ticker} onInput=${setTicker} required placeholder="IBM" autocomplete="off" />
    <${Field} label="Exchange" value=${exchange} onInput=${setExchange} options=${EXCHANGES} />
    <div class="field"><span class="small" aria-hidden="true"> </span><button class="primary" disabled=${add.busy}>Add and fetch prices</button></div>
    <div class="wide"><${Mistakes} errors=${add.errors} paths=${["ticker"]} /></div>
  </form>`;
}

function ImportFile({ added }) {
  const [ticker, setTicker] = useState("");
  const [file, setFile] = useState(null);
  const query = "mutation($ticker: String!, $file: Upload!) { importPrices(input: { ticker: $ticker, file: $file }) { job { id } userErrors { message field } } }";
  const add = useAction("importPrices", query);
  const submit = async (event) => {
    event.preventDefault();
    const via = (text, variables) => upload(text, variables, "variables.file", file);
    if (await add.run({ ticker, file: null }, via)) {
      event.target.reset();
      setTicker("");
      setFile(null);
      added();
    }
  };
  return html`<form class="form" onSubmit=${submit}>
    <${Field} label="Ticker" path="ticker" errors=${add.errors} value=${ticker} onInput=${setTicker} required placeholder="RELIANCE.BSE" autocomplete="off" />
    <div class="field wide">
      <label for="csv">CSV file</label>
      <input id="csv" type="file" accept=".csv,text/csv" required aria-describedby="csv-d" onChange=${(e) => setFile(e.target.files[0] ?? null)} />
      <div id="csv-d" class="hint">date,open,high,low,close[,adjusted_close],volume</div>
    </div>
    <div class="field"><span class="small" aria-hidden="true"> </span><button disabled=${add.busy}>Import</button></div>
    <div class="wide"><${Mistakes} errors=${add.errors} paths=${["ticker"]} /></div>
  </form>`;
}

export function Symbols() {
  const [search, setSearch] = useState("");
  const list = usePages(LIST, "symbols", { first: 50, filter: search ? { search } : null });
  const operator = useRole("OPERATOR");
  const [jobs, setJobs] = useState({});
  const refresh = useAction("refreshSymbols", "mutation($t: [String!]) { refreshSymbols(input: { tickers: $t }) { jobs { id } userErrors { message } } }");
  useJobs(null, (job) => {
    if (!job.symbol) return;
    setJobs((old) => ({ ...old, [job.symbol.ticker]: job }));
    if (["SUCCEEDED", "FAILED"].includes(job.state)) list.reload();
  });
  const busy = (job) => job && ["QUEUED", "RUNNING", "RETRYING", "FAILED"].includes(job.state);
  const columns = [
    {
      label: "Symbol",
      lead: true,
      cell: (s) => html`<${Link} to=${`/reporting/symbols/${encodeURIComponent(s.ticker)}`}><strong>${s.ticker}</strong><//>
        <div class="small muted wrap">${s.name ?? s.exchange}</div>`,
    },
    { label: "Last close", num: true, cell: (s) => html`${price(s.latestBar?.close)} <span class="muted small">${s.currency ?? ""}</span>` },
    { label: "Change", num: true, cell: (s) => html`<${Change} of=${lastChange(s)} digits=${2} />` },
    { label: "Last day", num: true, cell: (s) => date(s.lastDate) },
    { label: "Bars", num: true, cell: (s) => count(s.barCount) },
    { label: "Refreshed", full: true, wrap: true, cell: (s) => (busy(jobs[s.ticker]) ? html`<${Progress} job=${jobs[s.ticker]} />` : moment(s.lastRefreshedAt)) },
    { label: "", full: true, cell: (s) => operator && html`<button onClick=${() => refresh.run({ t: [s.ticker] })} aria-label=${`Refresh ${s.ticker}`}>Refresh</button>` },
  ];
  return html`<${Head} title="Symbols"
      actions=${operator && list.rows.length > 0 && html`<button onClick=${() => refresh.run({ t: null })} disabled=${refresh.busy}>Refresh all</button>`}>
      Shares and indices whose daily prices are kept.
    <//>
    <div class="stack">
      ${operator &&
      html`<div class="columns">
        <${Panel} title="Follow a symbol"><${AddSymbol} added=${list.reload} /><//>
        <${Panel} title="Bring prices of your own"><${ImportFile} added=${list.reload} /><//>
      </div>`}
      <${Mistakes} errors=${refresh.errors} />
      <div class="form"><${Field} label="Search" value=${search} onInput=${setSearch} type="search" placeholder="Ticker or name" /></div>
      <${Waiting} query=${list} />
      ${list.data &&
      html`<${Table} label="Symbols" columns=${columns} rows=${list.rows}
        empty=${html`<${Empty} title=${search ? "Nothing matches" : "No symbols yet"}>
          ${search ? "Try a part of the ticker or the name." : operator ? "Add one above: its prices come in while you watch." : "Sign in with a token to add one."}
        <//>`} /><${More} of=${list} />`}
    </div>`;
}
