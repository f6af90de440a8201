// One symbol: its prices, and what to do with them.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, useQuery, useAction, useRole, Link, Mistakes, Chip, Confirm, go, price, count, date, percent, moment, Change } from "./ui.js";
import { PriceChart } from "./chart.js";
import { JobWatch } from "./jobs.js";

const SYMBOL = `query($ticker: String!) { symbol(ticker: $ticker) { id ticker name exchange currency barCount firstDate lastDate dataVersion lastRefreshedAt source
  latestBar { close date } splits { date ratio detected } gaps { from to }
  ipo { id name issuePrice listingDate performance { listingGain returnSinceIssue } }
  latestPrediction { id asOf verdict }
  backtests(first: 5) { nodes { id description createdAt metrics { totalReturn buyAndHoldReturn tradeCount } } }
  series { dates open high low close volume } } }`;

export function SymbolPage({ part }) {
  const query = useQuery(SYMBOL, { ticker: part });
  const operator = useRole("OPERATOR");
  const [job, setJob] = useState(null);
  const refresh = useAction("refreshSymbols", "mutation($t: [String!], $full: Boolean!) { refreshSymbols(input: { tickers: $t, full: $full }) { jobs { id state message done total } userErrors { message } } }");
  const predict = useAction("predict", "mutation($t: String!) { predict(input: { ticker: $t }) { prediction { id } userErrors { message } } }");
  const remove = useAction("removeSymbol", "mutation($t: String!) { removeSymbol(input: { ticker: $t }) { removedId userErrors { message } } }");
  if (!query.data) return html`<${Head} title=${part} /><${Waiting} query=${query} />`;
  const s = query.data.symbol;
  if (!s)
    return html`<${Head} title=${part} /><${Empty} title=${`${part} is not followed`}><${Link} to="/reporting/">Add it to the symbols<//>.<//>`;
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
  const close = s.series.close;
  const over = (bars) => (close.length > bars ? close.at(-1) / close.at(-1 - bars) - 1 : null);
  const to = encodeURIComponent(s.ticker);
  return html`<${Head} title=${s.ticker}
      actions=${operator &&
      html`<button onClick=${() => again(false)} disabled=${refresh.busy}>Refresh</button>
        <${Link} class="button" to=${`/reporting/sweeps/new?symbol=${to}`}>Sweep<//>
        <${Link} class="button" to=${`/reporting/backtests/new?symbol=${to}`}>Backtest<//>
        <button class="primary" onClick=${forecast} disabled=${predict.busy}>Forecast 30 days</button>`}>
      ${s.name ?? ""} ${s.exchange !== "OTHER" ? s.exchange : ""} ${s.currency ? `· ${s.currency}` : ""}
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${query.reload} />`}
      <${Mistakes} errors=${[...refresh.errors, ...predict.errors, ...remove.errors]} />
      <${Figures} of=${[
        ["Last close", price(s.latestBar?.close)],
        ["Day", html`<${Change} of=${over(1)} digits=${2} />`],
        ["Month", html`<${Change} of=${over(21)} />`],
        ["Year", html`<${Change} of=${over(252)} />`],
        ["Bars", count(s.barCount)],
        ["Last day", date(s.lastDate)],
      ]} />
      ${close.length
        ? html`<${Panel} title="Prices, adjusted"><${PriceChart} series=${s.series} label=${`Adjusted daily prices of ${s.ticker} from ${s.firstDate} to ${s.lastDate}`} /><//>`
        : html`<${Empty} title="No prices yet">Refresh it, or import a CSV file on the page of all symbols.<//>`}
      <div class="columns">
        <${Panel} title="Backtests" aside=${html`<${Link} to=${`/reporting/backtests?symbol=${to}`}>All<//>`}>
          <${Table} label="Backtests of this symbol" rows=${s.backtests.nodes}
            columns=${[
              { label: "Strategy", lead: true, wrap: true, cell: (b) => html`<${Link} to=${`/reporting/backtests/${b.id}`}>${b.description}<//>` },
              { label: "Return", num: true, cell: (b) => html`<${Change} of=${b.metrics.totalReturn} />` },
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
          <${Figures} of=${[["Issue price", price(s.ipo.issuePrice)], ["Listing gain", percent(s.ipo.performance?.listingGain)], ["Since issue", percent(s.ipo.performance?.returnSinceIssue)]]} />
        <//>`}
        <${Panel} title="The data">
          <p class="muted">From ${s.source === "CSV" ? "a file" : "Alpha Vantage"}, ${date(s.firstDate)} to ${date(s.lastDate)}, version ${s.dataVersion}, refreshed ${moment(s.lastRefreshedAt)}.</p>
          ${s.splits.length > 0 && html`<p>Splits: ${s.splits.map((split) => html`<span key=${split.date}>${split.date} (${split.ratio}:1${split.detected ? ", detected" : ""}) </span>`)}</p>`}
          ${s.gaps.length > 0 && html`<p>${s.gaps.length} stretches of trading days are missing, the last from ${s.gaps.at(-1).from} to ${s.gaps.at(-1).to}.</p>`}
          ${operator &&
          html`<div class="row">
            <button onClick=${() => again(true)}>Fetch all anew</button>
            <${Confirm} label="Remove" question=${`Remove ${s.ticker} with its prices, backtests and forecasts?`} confirm="Remove it" onConfirm=${drop} />
          </div>`}
        <//>
      </div>
    </div>`;
}
