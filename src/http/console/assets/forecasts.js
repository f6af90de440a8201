// Forecasts: the list, and the models behind them.

import { html, useState, Head, Panel, Table, Empty, Waiting, useQuery, usePages, More, sorted, useAction, useAddress, useRole, Form, Field, Link, Mistakes, go, percent, moment, useTyped, many } from "./ui.js";
import { TickerField } from "./strategyform.js";
import { JobWatch } from "./jobs.js";
import { MODELS, ModelTable } from "./models.js";

const LIST = `query($first: Int, $after: String, $filter: PredictionFilter) { predictions(first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage endCursor }
  nodes { id asOf horizon createdAt symbol { ticker } model { name } independentOrigins evaluation { origins skill coverage80 coverage95 } outcome { days mae maeNaive coverage80 } } } }`;
const PREDICT = `mutation($input: PredictInput!) { predict(input: $input) { prediction { id } userErrors { message field } } }`;
const TRAIN = `mutation($input: TrainModelInput!) { trainModel(input: $input) { job { id state message done total } userErrors { message field } } }`;

/** Below so many past forecasts that don't overlap, a share of them says little. */
export const FEW = 50;
const skillOf = (outcome) => (outcome?.maeNaive ? 1 - outcome.mae / outcome.maeNaive : null);

function Predict({ models }) {
  const [ticker, setTicker] = useState("");
  const [modelId, setModel] = useState("");
  const [horizon, setHorizon] = useState(30);
  const predict = useAction("predict", PREDICT);
  const submit = async () => {
    const made = await predict.run({ input: { ticker, horizon: Number(horizon), modelId: modelId || null } });
    if (made) go(`/reporting/forecasts/${made.prediction.id}`);
  };
  const options = [["", "The default"], ...models.filter((m) => m.available).map((m) => [m.id, `${m.name} ${m.isDefault ? "(default)" : ""}`])];
  return html`<${Form} class="form" errors=${predict.errors} onSubmit=${submit}>
    <${TickerField} value=${ticker} onInput=${setTicker} />
    <${Field} label="Model" path="modelId" value=${modelId} onInput=${setModel} options=${options} />
    <${Field} label="Trading days" type="number" step="1" min="1" max="30" unit="days" required path="horizon" value=${horizon} onInput=${setHorizon} />
    <div class="field"><span class="small" aria-hidden="true"> </span><button class="primary" disabled=${predict.busy}>Forecast</button></div>
    <div class="wide"><${Mistakes} /></div>
  <//>`;
}

function Train({ done }) {
  const [name, setName] = useState("");
  const [tickers, setTickers] = useState("");
  const [job, setJob] = useState(null);
  const train = useAction("trainModel", TRAIN);
  const submit = async () => {
    const made = await train.run({ input: { name, tickers: tickers.split(/[\s,]+/).filter(Boolean) } });
    if (made) setJob(made.job);
  };
  return html`<${Form} class="form" errors=${train.errors} onSubmit=${submit}>
    <${Field} label="Name" required path="name" value=${name} onInput=${setName} />
    <${Field} label="Symbols" required path="tickers" hint="With 250 bars or more, parted by blanks" value=${tickers} onInput=${setTickers} />
    <div class="field"><span class="small" aria-hidden="true"> </span><button disabled=${train.busy}>Train</button></div>
    <div class="wide"><${Mistakes} />${job && html`<${JobWatch} id=${job.id} initial=${job} done=${done} />`}</div>
  <//>`;
}

export function Forecasts() {
  const [text, type, ticker] = useTyped("symbol");
  const [order, setOrder] = useAddress("order");
  // In another order than the newest first, all there are, or the newest 500.
  const list = usePages(LIST, "predictions", { first: order ? 500 : 20, filter: ticker ? { ticker: ticker.toUpperCase() } : null });
  const models = useQuery(MODELS);
  const operator = useRole("OPERATOR");
  const admin = useRole("ADMIN");
  const all = models.data?.models ?? [];
  const columns = [
    { label: "Forecast", lead: true, sort: "symbol", by: (p) => `${p.symbol.ticker} ${p.asOf}`, cell: (p) => html`<${Link} to=${`/reporting/forecasts/${p.id}`}><strong>${p.symbol.ticker}</strong> from <span class="whole">${p.asOf}</span><//><div class="small muted">${p.model.name}, ${many(p.horizon, "day")}</div>`, csv: [["symbol", (p) => p.symbol.ticker], ["as of", (p) => p.asOf], ["model", (p) => p.model.name], ["days", (p) => p.horizon]] },
    { label: "Skill on history", num: true, key: true, sort: "skill", by: (p) => (p.independentOrigins < FEW ? null : p.evaluation.skill), cell: (p) => (p.independentOrigins < FEW ? html`<span class="muted" title=${`${p.independentOrigins} past forecasts that don't overlap`}>too few</span>` : percent(p.evaluation.skill)), csv: (p) => p.evaluation.skill },
    { label: "In 80 % band", num: true, prio: 2, sort: "in80", by: (p) => p.evaluation.coverage80, cell: (p) => percent(p.evaluation.coverage80), csv: (p) => p.evaluation.coverage80 },
    { label: "In 95 % band", num: true, prio: 2, sort: "in95", by: (p) => p.evaluation.coverage95, cell: (p) => percent(p.evaluation.coverage95), csv: (p) => p.evaluation.coverage95 },
    { label: "Days over", num: true, sort: "over", by: (p) => p.outcome?.days ?? 0, cell: (p) => `${p.outcome?.days ?? 0} of ${p.horizon}`, csv: (p) => p.outcome?.days ?? 0 },
    { label: "Skill so far", num: true, prio: 3, sort: "sofar", by: (p) => skillOf(p.outcome), cell: (p) => percent(skillOf(p.outcome)), csv: (p) => skillOf(p.outcome) },
    { label: "Made", day: true, prio: 3, sort: "made", by: (p) => p.createdAt, cell: (p) => moment(p.createdAt), csv: (p) => p.createdAt },
  ];
  return html`<${Head} title="Forecasts">The next trading days with bands that hold what they promise, beside “no change”.<//>
    <div class="stack">
      ${operator && html`<${Panel} title="Forecast a symbol"><${Predict} models=${all} /><//>`}
      <div class="form"><${Field} label="Symbol" type="search" value=${text} onInput=${type} placeholder="All symbols" /></div>
      <${Waiting} query=${list} lines=${6} />
      ${list.data &&
      html`<div><${Table} label="Forecasts" columns=${columns} rows=${order ? sorted(list.rows, columns, order) : list.rows} total=${list.total} order=${order || "made DESC"} onOrder=${setOrder} csv="forecasts" all=${list.all}
        empty=${html`<${Empty} title="No forecasts yet">${operator ? "Choose a symbol above; it takes a moment." : "Sign in with an operator's token to make one."}<//>`} /><${More} of=${list} /></div>`}
      <${Panel} title="Models" aside=${admin && html`<${Link} to="/reporting/admin/models">Choose, rename, delete<//>`}><${Waiting} query=${models} />${models.data && html`<${ModelTable} models=${all} />`}<//>
      ${operator && html`<${Panel} title="Train a model"><${Train} done=${models.reload} /><//>`}
    </div>`;
}
