// One symbol: its prices, and what to do with them.

import { html, lazy, useMemo, useState, Head, Panel, Figures, Table, Empty, Waiting, isGone, useQuery, useAction, useRole, Link, Mistakes, Menu, Confirm, Dialog, AsOf, go, price, decimal, count, number, date, moment, shortRun, signed, words, whole, Change, unit, isFetched } from "./ui.js";
import { Source } from "./api.js";
import { JobWatch } from "./jobs.js";
import { ImportFile } from "./import.js";

const chart = () => import("./chart.js");
const PriceChart = lazy(chart, "PriceChart", 640);

const SYMBOL = `query($ticker: String!, $records: String!) { symbol(ticker: $ticker) { id ticker name exchange currency quotationUnit barCount firstDate lastDate dataVersion lastRefreshedAt source
  latestBar { close date adjustedClose } splits { date ratio detected } gaps { from to } isin delisted formerTickers { ticker until }
  corporateActions { kind exDate amount ratio applied doubt text }
  prices(last: 253) { nodes { adjustedClose } }
  ipo { id name issuePrice listingDate performance { listingGain returnSinceIssue } }
  latestPrediction { id asOf verdict }
  backtests(first: 5) { nodes { id description createdAt metrics { totalReturn buyAndHoldReturn tradeCount } } } }
  jobs(first: 1, filter: { ticker: $ticker }) { nodes { id state message finishedAt createdAt } }
  dataIssues(first: 1, filter: { resolved: false, search: $records }) { totalCount } }`;

const ADJUSTED = { title: "Adjusted for splits and dividends" };

/** What the company did to its shares: dividends, bonuses, splits, rights; what prices don't agree with says so. */
function Actions({ of, saved }) {
  if (!of.length) return null;
  const columns = [
    { label: "Ex-date", day: true, lead: true, cell: (a) => a.exDate, csv: (a) => a.exDate },
    { label: "What", key: true, cell: (a) => html`${words(a.kind)}${a.amount !== null && a.amount !== undefined ? ` ${decimal(a.amount)}` : a.ratio ? ` ${number(a.ratio, a.ratio % 1 ? 2 : 0)}:1` : ""}`, csv: [["kind", (a) => a.kind], ["amount", (a) => a.amount], ["ratio", (a) => a.ratio]] },
    { label: "In the adjusted prices", wrap: true, cell: (a) => (a.applied ? "yes" : (a.doubt ?? "–")), csv: [["applied", (a) => (a.applied ? "yes" : "no")], ["doubt", (a) => a.doubt]] },
    { label: "As announced", prio: 2, full: true, wrap: true, cell: (a) => html`<span class="small muted">${a.text}</span>`, csv: (a) => a.text },
  ];
  return html`<${Panel} title="Corporate actions"><${Table} label="Corporate actions" columns=${columns} rows=${of} keyOf=${(a, i) => `${a.exDate} ${i}`} total=${of.length} csv=${`${saved}-corporate-actions`} /><//>`;
}

/** Why there are no prices, or why they are not newer: what the last fetch said. */
function LastJob({ job }) {
  if (job?.state !== "FAILED") return null;
  return html`<div class="notice bad"><strong>The last fetch failed</strong> (${moment(job.finishedAt ?? job.createdAt)}): ${job.message} <${Link} to="/reporting/jobs?state=FAILED">See the jobs<//></div>`;
}

export function SymbolPage({ part }) {
  const query = useQuery(SYMBOL, { ticker: part, records: `${part} ` });
  // The chart and what it shows first are on their way while the page is asked for.
  const early = useMemo(() => {
    const view = (kept) => chart().then((module) => module.firstView(part, new Source(kept))).catch(() => null);
    // One after the other: a browser that is asking for an address keeps what it has of it to itself until it is answered.
    const kept = view(true);
    const views = { kept, fresh: kept.then(() => view(false)) };
    // Each is good for one time: later it would be old.
    return async (kept) => {
      const name = kept ? "kept" : "fresh";
      const first = await views[name];
      views[name] = null;
      return first;
    };
  }, [part]);
  const operator = useRole("OPERATOR");
  const [job, setJob] = useState(null);
  const refresh = useAction("refreshSymbols", "mutation($t: [String!], $full: Boolean!) { refreshSymbols(input: { tickers: $t, full: $full }) { jobs { id state message done total } userErrors { message } } }");
  const predict = useAction("predict", "mutation($t: String!) { predict(input: { ticker: $t }) { prediction { id } userErrors { message } } }");
  const remove = useAction("removeSymbol", "mutation($t: String!) { removeSymbol(input: { ticker: $t, withResearch: true }) { removedId userErrors { message } } }");
  const s = query.data?.symbol;
  if ((query.data && !s) || isGone(query))
    return html`<${Head} title=${part} /><${Empty} title=${`${part} is not followed`}><${Link} to="/reporting/">Add it to the symbols<//>.<//>`;
  if (!s) return html`<${Head} title=${part} waiting /><${Waiting} query=${query} lines=${8} />`;
  const again = async (full) => {
    const made = await refresh.run({ t: [s.ticker], full });
    if (made) setJob(made.jobs[0]);
  };
  const forecast = async () => {
    const made = await predict.run({ t: s.ticker });
    if (made) go(`/reporting/forecasts/${made.prediction.id}`);
  };
  const drop = async () => {
    if (await remove.run({ t: s.ticker })) go("/reporting/");
  };
  const closes = s.prices.nodes.map((bar) => bar.adjustedClose);
  const over = (bars) => (closes.length > bars ? closes.at(-1) / closes.at(-1 - bars) - 1 : null);
  const to = encodeURIComponent(s.ticker);
  const ofFile = s.source === "CSV";
  const flagged = query.data.dataIssues.totalCount;
  const newer = html`<${Dialog} label="Import a newer file…" title="Import a newer file" wide>${(close) => html`<h2>Import a newer file</h2><${ImportFile} ticker=${s.ticker} done=${query.reload} close=${close} />`}<//>`;
  return html`<${Head} title=${s.ticker} named=${s.name ? `${s.ticker}, ${s.name}` : s.ticker}
      actions=${operator &&
      html`${s.barCount > 0 &&
        html`<button class="primary" onClick=${forecast} disabled=${predict.busy}>Forecast 30 days</button>
        <${Link} class="button" to=${`/reporting/backtests/new?symbol=${to}`}>Backtest<//>
        <${Link} class="button" to=${`/reporting/sweeps/new?symbol=${to}`}>Sweep<//>`}
        ${ofFile ? newer : isFetched(s) && html`<button onClick=${() => again(false)} disabled=${refresh.busy}>Refresh</button>`}
        <${Menu}>
          ${isFetched(s) && html`<button onClick=${() => again(true)}>Fetch all anew</button>`}
          <${Confirm} label="Remove…" question=${`Remove ${s.ticker} with its prices, backtests and forecasts?`} confirm="Remove it" onConfirm=${drop} />
        <//>`}>
      ${[s.name, s.exchange !== "OTHER" ? words(s.exchange) : null, unit(s)].filter(Boolean).join(" · ")}
      ${s.barCount > 0 && html`<span class="narrow-only"><br /><strong>${price(s.latestBar?.close)}</strong> as traded <${Change} of=${over(1)} digits=${2} /> <${AsOf} day=${s.lastDate} /></span>`}
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} key=${job.id} id=${job.id} initial=${job} ticker=${s.ticker} done=${query.reload} />`}
      ${!job && html`<${LastJob} job=${query.data.jobs.nodes[0]} />`}
      <${Mistakes} errors=${[...refresh.errors, ...predict.errors, ...remove.errors]} />
      ${s.barCount > 0
        ? html`<${Figures} of=${[
              ["Last close, as traded", price(s.latestBar?.close), { note: html`<${AsOf} day=${s.lastDate} />` }],
              ["Last day", html`<${Change} of=${over(1)} digits=${2} />`, ADJUSTED],
              ["Month", html`<${Change} of=${over(21)} />`, ADJUSTED],
              ["Year", html`<${Change} of=${over(252)} />`, ADJUSTED],
              ["Bars", count(s.barCount)],
              ["From", date(s.firstDate)],
            ]} />
            <div class="chart-first"><${Panel} title="Prices"><${PriceChart} key=${s.dataVersion} symbol=${s} early=${early} /><//></div>`
        : html`<${Empty} title="No prices yet">${ofFile ? "Import a file of them." : !isFetched(s) ? "They come with the exchange's daily files." : operator ? "Refresh it, or import a file on the page of all symbols." : "Sign in with an operator's token to fetch them."}<//>`}
      <div class="columns">
        <${Panel} title="Backtests" aside=${html`<${Link} to=${`/reporting/backtests?symbol=${to}`}>All<//>`}>
          <${Table} label="Backtests of this symbol" rows=${s.backtests.nodes} csv=${`${s.ticker}-backtests`}
            columns=${[
              { label: "Strategy", lead: true, wrap: true, cell: (b) => html`<${Link} to=${`/reporting/backtests/${b.id}`} title=${b.description}>${shortRun(b.description)}<//><div class="small muted">holding ${signed(b.metrics.buyAndHoldReturn)}</div>`, csv: [["strategy", (b) => shortRun(b.description)], ["trades", (b) => b.metrics.tradeCount], ["buy and hold", (b) => b.metrics.buyAndHoldReturn]] },
              { label: "Return", num: true, key: true, cell: (b) => html`<${Change} of=${b.metrics.totalReturn} />`, csv: (b) => b.metrics.totalReturn },
            ]}
            empty=${html`<p class="muted">None yet. Try a rule on these prices with “Backtest”.</p>`} />
        <//>
        <${Panel} title="Forecast">
          ${s.latestPrediction
            ? html`<p>${s.latestPrediction.verdict}</p><p><${Link} to=${`/reporting/forecasts/${s.latestPrediction.id}`}>The forecast from ${s.latestPrediction.asOf}<//></p>`
            : html`<p class="muted">None yet. “Forecast 30 days” takes a moment.</p>`}
        <//>
        ${s.ipo &&
        html`<${Panel} title="Its IPO">
          <p><${Link} to=${`/reporting/ipos/${s.ipo.id}`}>${s.ipo.name}<//></p>
          <${Figures} of=${[["Issue price", decimal(s.ipo.issuePrice)], ["Listing gain", html`<${Change} of=${s.ipo.performance?.listingGain} />`], ["Since issue", html`<${Change} of=${s.ipo.performance?.returnSinceIssue} />`]]} />
        <//>`}
        ${s.barCount > 0 &&
        html`<${Panel} title="The data">
          <p class="muted">From ${ofFile ? "a file" : words(s.source)}, ${whole(date(s.firstDate))} to ${whole(date(s.lastDate))}, version ${s.dataVersion}, refreshed ${whole(moment(s.lastRefreshedAt))}.</p>
          ${flagged > 0 && html`<p><${Link} to=${`/reporting/admin/records?q=${to}`}>${count(flagged)} ${flagged === 1 ? "record was" : "records were"} left out<//></p>`}
          ${s.splits.length > 0 && html`<p>Splits: ${s.splits.map((split) => html`<span key=${split.date}>${split.date} (${split.ratio}:1${split.detected ? ", detected" : ""}) </span>`)}</p>`}
          ${s.formerTickers.length > 0 && html`<p>Formerly ${s.formerTickers.map((f, i) => html`<span key=${f.ticker}>${i ? ", " : ""}${f.ticker} until ${whole(f.until)}</span>`)}.</p>`}
          ${s.delisted && html`<p>It has left the exchange's list of shares.</p>`}
          ${s.isin && html`<p class="muted">ISIN ${s.isin}.</p>`}
          ${s.gaps.length > 0 && html`<p>${count(s.gaps.length)} stretches of trading days are missing, the last from ${s.gaps.at(-1).from} to ${s.gaps.at(-1).to}.</p>`}
        <//>`}
      </div>
      <${Actions} of=${s.corporateActions} saved=${s.ticker} />
    </div>`;
}
