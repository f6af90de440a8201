// Sweeps: every pair of two ranges of windows.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, useQuery, useAction, useRole, Field, Link, Mistakes, Picture, go, local, count, number, percent, Change } from "./ui.js";
import { Execution, TickerField, executionInput, startingExecution } from "./backtests.js";
import { JobWatch } from "./jobs.js";

const RUN = `mutation($input: SweepBacktestsInput!) { sweepBacktests(input: $input) { sweep { id } job { id state message done total } userErrors { message field } } }`;

function Range({ title, name, of, set, errors }) {
  const put = (part) => (value) => set({ ...of, [part]: value });
  return html`<fieldset><legend>${title}</legend><div class="form">
    ${[["from", "From, days"], ["to", "To, days"], ["step", "Step"]].map(
      ([part, label]) => html`<${Field} key=${part} label=${label} type="number" min="1" required path=${`${name}.${part}`} errors=${errors} value=${of[part]} onInput=${put(part)} />`,
    )}
  </div></fieldset>`;
}

const whole = ({ from, to, step }) => ({ from: Number(from), to: Number(to), step: Number(step) });
const pairs = ({ from, to, step }) => Math.max(0, Math.floor((to - from) / step) + 1) || 0;

export function NewSweep({ query }) {
  const [ticker, setTicker] = useState(query.get("symbol") ?? "");
  const [buy, setBuy] = useState({ from: 5, to: 100, step: 5 });
  const [sell, setSell] = useState({ from: 20, to: 250, step: 5 });
  const [execution, setExecution] = useState(startingExecution);
  const [job, setJob] = useState(null);
  const operator = useRole("OPERATOR");
  const run = useAction("sweepBacktests", RUN);
  const submit = async (event) => {
    event.preventDefault();
    const made = await run.run({ input: { ticker, buyBelowSma: whole(buy), sellAboveSma: whole(sell), execution: executionInput(execution) } });
    if (made?.sweep) go(`/reporting/sweeps/${made.sweep.id}`);
    else if (made) setJob(made.job);
  };
  return html`<${Head} title="New sweep">Buys below one moving average, sells above another: every pair of windows at once.<//>
    <form class="stack" onSubmit=${submit}>
      <${Panel} title="What"><div class="form"><${TickerField} value=${ticker} onInput=${setTicker} errors=${run.errors} /></div><//>
      <${Panel} title="Windows" aside=${html`<span class="muted small">${count(pairs(whole(buy)) * pairs(whole(sell)))} pairs</span>`}>
        <div class="stack">
          <${Range} title="Buy below the average of" name="buyBelowSma" of=${buy} set=${setBuy} errors=${run.errors} />
          <${Range} title="Sell above the average of" name="sellAboveSma" of=${sell} set=${setSell} errors=${run.errors} />
        </div>
      <//>
      <${Panel} title="Money and orders"><div class="form"><${Execution} of=${execution} set=${setExecution} errors=${run.errors} /></div><//>
      <${Mistakes} errors=${run.errors} paths=${["ticker", "buyBelowSma", "sellAboveSma", "execution"]} />
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${(ended) => ended.sweep && go(`/reporting/sweeps/${ended.sweep.id}`)} />`}
      <div class="row">
        <button class="primary" disabled=${run.busy}>${run.busy ? "Running…" : "Run the sweep"}</button>
        ${!operator && html`<span class="muted">Running needs an operator's token: sign in first.</span>`}
      </div>
    </form>`;
}

const ONE = `query($id: ID!, $by: SweepMetric!) { node(id: $id) { ... on Sweep { id combinations from to stale createdAt symbol { ticker }
  heatmapUrl(by: $by) best(by: $by, first: 15) { buyWindow sellWindow totalReturn maxDrawdown sharpe tradeCount } } } }`;
const METRICS = [["SHARPE", "Sharpe ratio"], ["TOTAL_RETURN", "Total return"], ["MAX_DRAWDOWN", "Maximum drawdown"]];

export function SweepPage({ part }) {
  const [by, setBy] = useState("SHARPE");
  const query = useQuery(ONE, { id: part, by });
  if (!query.data) return html`<${Head} title="Sweep" /><${Waiting} query=${query} />`;
  const sweep = query.data.node;
  if (!sweep?.best) return html`<${Head} title="Sweep" /><${Empty} title="There is no such sweep"><${Link} to="/reporting/sweeps/new">Run one<//><//>`;
  const columns = [
    { label: "Buy below", num: true, cell: (p) => `${p.buyWindow} days` },
    { label: "Sell above", num: true, cell: (p) => `${p.sellWindow} days` },
    { label: "Return", num: true, cell: (p) => html`<${Change} of=${p.totalReturn} />` },
    { label: "Sharpe", num: true, cell: (p) => number(p.sharpe) },
    { label: "Drawdown", num: true, cell: (p) => percent(p.maxDrawdown) },
    { label: "Trades", num: true, cell: (p) => count(p.tradeCount) },
  ];
  const name = METRICS.find(([metric]) => metric === by)[1];
  return html`<${Head} title=${`${sweep.symbol.ticker} sweep`}
      actions=${html`<${Field} label="By" value=${by} onInput=${setBy} options=${METRICS} />`}>
      ${count(sweep.combinations)} pairs of windows from ${sweep.from} to ${sweep.to}.
    <//>
    <div class="columns">
      <${Panel} title=${`${name} of every pair`}><${Picture} src=${local(sweep.heatmapUrl)} alt=${`Heatmap: ${name} by buy and sell window`} /><//>
      <${Panel} title="The best pairs">
        <p class="small muted">The best of many tries look better than they will be: try them on other dates, too.</p>
        <${Table} label="The best pairs" columns=${columns} rows=${sweep.best} keyOf=${(p) => `${p.buyWindow}-${p.sellWindow}`} />
      <//>
    </div>`;
}
