// All symbols, and how to add more.

import { html, useState, Head, Table, Empty, Waiting, usePages, More, useAction, useAddress, useRole, useThrottled, useTyped, Form, Field, Link, Mistakes, AsOf, Dialog, price, count, date, moment, Change, unit, weekdaysSince, isFetched } from "./ui.js";
import { Progress, useJobs, HAS_ENDED } from "./jobs.js";
import { ImportFile } from "./import.js";

const LIST = `query($first: Int, $after: String, $filter: SymbolFilter, $orderBy: [SymbolOrder!]) { symbols(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id ticker name exchange currency quotationUnit source barCount firstDate lastDate lastRefreshedAt latestBar { close date }
    prices(last: 2) { nodes { adjustedClose } } } } pricesUnavailableReason }`;
const EXCHANGES = [["", "By the ticker"], ["NSE", "NSE"], ["BSE", "BSE"], ["NYSE", "NYSE"], ["NASDAQ", "Nasdaq"], ["OTHER", "Other"]];

const START = "TICKER ASC";
const ORDER = /^(TICKER|LAST_DATE|LAST_REFRESHED_AT) (ASC|DESC)$/;

function lastChange(symbol) {
  const [before, now] = symbol.prices.nodes;
  return now ? now.adjustedClose / before.adjustedClose - 1 : null;
}

function AddSymbol({ added, close }) {
  const [ticker, setTicker] = useState("");
  const [exchange, setExchange] = useState("");
  const add = useAction("addSymbol", "mutation($input: AddSymbolInput!) { addSymbol(input: $input) { symbol { ticker } job { id } userErrors { message field } } }");
  const submit = async () => {
    const made = await add.run({ input: { ticker, exchange: exchange || null } });
    if (made) {
      setTicker("");
      added();
      close();
    }
  };
  return html`<${Form} class="form" errors=${add.errors} onSubmit=${submit}>
    <${Field} label="Ticker" path="ticker" value=${ticker} onInput=${setTicker} required data-missing="Type a ticker, such as IBM." placeholder="IBM" autocomplete="off" autofocus />
    <${Field} label="Exchange" path="exchange" value=${exchange} onInput=${setExchange} options=${EXCHANGES} />
    <div class="wide"><${Mistakes} /></div>
    <div class="row wide"><button type="button" onClick=${close}>Cancel</button><button class="primary" disabled=${add.busy}>Add and fetch prices</button></div>
  <//>`;
}

export function Symbols() {
  const [text, type, search] = useTyped("q");
  const [order, setOrder] = useAddress("order", START, (given) => ORDER.test(given));
  const [field, direction] = order.split(" ");
  const list = usePages(LIST, "symbols", { first: 50, filter: search ? { search } : null, orderBy: [{ field, direction }] });
  const operator = useRole("OPERATOR");
  const [jobs, setJobs] = useState({});
  const refresh = useAction("refreshSymbols", "mutation($t: [String!]) { refreshSymbols(input: { tickers: $t }) { jobs { id } userErrors { message } } }");
  const reload = useThrottled(list.reload, 1000);
  // Events come by the hundred when all are refreshed: they are gathered, and the list is asked for at most once a second.
  const [gathered] = useState(() => new Map());
  const show = useThrottled(() => {
    setJobs((old) => ({ ...old, ...Object.fromEntries(gathered) }));
    gathered.clear();
  }, 250);
  useJobs(null, (job) => {
    if (!job.symbol) return;
    gathered.set(job.symbol.ticker, job);
    show();
    if (HAS_ENDED.includes(job.state)) reload();
  });
  // What can be done here is told with the list: buttons that went again would move all below them.
  const shut = list.data?.pricesUnavailableReason;
  const busy = (job) => job && ["QUEUED", "RUNNING", "RETRYING", "FAILED"].includes(job.state);
  const columns = [
    {
      label: "Symbol",
      lead: true,
      sort: "TICKER",
      cell: (s) => html`<${Link} to=${`/reporting/symbols/${encodeURIComponent(s.ticker)}`}><strong>${s.ticker}</strong><//>
        <div class="small muted wrap">${s.name ?? s.exchange}</div>
        ${busy(jobs[s.ticker]) && html`<div class="small status"><${Progress} job=${jobs[s.ticker]} /></div>`}`,
      csv: [["ticker", (s) => s.ticker], ["name", (s) => s.name], ["exchange", (s) => s.exchange]],
    },
    { label: "Last close", num: true, key: true, cell: (s) => html`${price(s.latestBar?.close)} <span class="muted small unit">${unit(s) ?? ""}</span>${s.lastDate && html` <span class="small phone-only"><${AsOf} day=${s.lastDate} /></span>`}`, csv: [["last close", (s) => s.latestBar?.close], ["currency", (s) => unit(s)]] },
    { label: "Change", num: true, cell: (s) => html`<${Change} of=${lastChange(s)} digits=${2} />`, csv: lastChange },
    { label: "As of", day: true, sort: "LAST_DATE", cell: (s) => (s.lastDate ? html`<span class=${weekdaysSince(s.lastDate) > 5 ? "old" : ""}>${s.lastDate}</span>` : date(null)), csv: (s) => s.lastDate },
    { label: "From", day: true, prio: 3, cell: (s) => date(s.firstDate), csv: (s) => s.firstDate },
    { label: "Bars", num: true, prio: 2, cell: (s) => count(s.barCount), csv: (s) => s.barCount },
    { label: "Refreshed", day: true, prio: 3, sort: "LAST_REFRESHED_AT", cell: (s) => moment(s.lastRefreshedAt), csv: (s) => s.lastRefreshedAt },
    {
      label: "",
      cell: (s) => operator && !shut && isFetched(s) && html`<button onClick=${() => refresh.run({ t: [s.ticker] })} aria-label=${`Refresh ${s.ticker}`}>Refresh</button>`,
    },
  ];
  const some = list.rows.some(isFetched) || list.loadMore;
  return html`<${Head} title="Symbols"
      actions=${operator &&
      (list.data || list.error) &&
      html`${!shut && some && html`<button onClick=${() => refresh.run({ t: null })} disabled=${refresh.busy}>Refresh all</button>`}
        <${Dialog} label="Import a file…" title="Bring prices of your own" wide tone=${shut ? "primary" : ""}>${(close) => html`<h2>Bring prices of your own</h2><${ImportFile} done=${list.reload} close=${close} />`}<//>
        ${!shut && html`<${Dialog} label="Add symbol…" title="Follow a symbol" tone="primary">${(close) => html`<h2>Follow a symbol</h2><${AddSymbol} added=${list.reload} close=${close} />`}<//>`}`}>
      Shares and indices whose daily prices are kept. Closes are as traded, changes are adjusted for splits and dividends.
    <//>
    <div class="stack">
      ${operator && shut && html`<div class="notice">Prices can't be fetched: ${shut}, or import files of them.</div>`}
      <${Mistakes} errors=${refresh.errors} />
      <div class="form"><${Field} label="Search" value=${text} onInput=${type} type="search" placeholder="Ticker or name" /></div>
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div><${Table} label="Symbols" columns=${columns} rows=${list.rows} total=${list.total} order=${order} onOrder=${setOrder} csv="symbols" all=${list.all}
        empty=${html`<${Empty} title=${search ? "Nothing matches" : "No symbols yet"}>
          ${search ? "Try a part of the ticker or the name." : shut && operator ? "Import a file of prices above." : operator ? "Add one above: its prices come in while you watch." : "Sign in with a token to add one."}
        <//>`} /><${More} of=${list} /></div>`}
    </div>`;
}
