// Forecasts: what is expected, with honest bands, and how it turned out; and the models behind them.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, useQuery, usePages, More, useAction, useRole, Field, Link, Mistakes, Picture, Chip, go, local, price, count, percent, moment, number, words } from "./ui.js";
import { TickerField } from "./backtests.js";
import { JobWatch } from "./jobs.js";

const LIST = `query($first: Int, $after: String) { predictions(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
  nodes { id asOf horizon createdAt symbol { ticker } model { name } evaluation { skill coverage80 coverage95 } outcome { days mae maeNaive coverage80 } } } }`;
const MODELS = `{ models { id name version kind trainedOn trainedAt isDefault available unavailableReason evaluation { origins skill coverage80 coverage95 } } }`;
const PREDICT = `mutation($input: PredictInput!) { predict(input: $input) { prediction { id } userErrors { message field } } }`;
const TRAIN = `mutation($input: TrainModelInput!) { trainModel(input: $input) { job { id state message done total } userErrors { message field } } }`;

function Predict({ models }) {
  const [ticker, setTicker] = useState("");
  const [modelId, setModel] = useState("");
  const [horizon, setHorizon] = useState(30);
  const predict = useAction("predict", PREDICT);
  const submit = async (event) => {
    event.preventDefault();
    const made = await predict.run({ input: { ticker, horizon: Number(horizon), modelId: modelId || null } });
    if (made) go(`/reporting/forecasts/${made.prediction.id}`);
  };
  const options = [["", "The default"], ...models.filter((m) => m.available).map((m) => [m.id, `${m.name} ${m.isDefault ? "(default)" : ""}`])];
  return html`<form class="form" onSubmit=${submit}>
    <${TickerField} value=${ticker} onInput=${setTicker} errors=${predict.errors} />
    <${Field} label="Model" path="modelId" errors=${predict.errors} value=${modelId} onInput=${setModel} options=${options} />
    <${Field} label="Trading days" type="number" min="1" max="30" required path="horizon" errors=${predict.errors} value=${horizon} onInput=${setHorizon} />
    <div class="field"><span class="small" aria-hidden="true"> </span><button class="primary" disabled=${predict.busy}>Forecast</button></div>
    <div class="wide"><${Mistakes} errors=${predict.errors} paths=${["ticker", "modelId", "horizon"]} /></div>
  </form>`;
}

function Train({ done }) {
  const [name, setName] = useState("");
  const [tickers, setTickers] = useState("");
  const [job, setJob] = useState(null);
  const train = useAction("trainModel", TRAIN);
  const submit = async (event) => {
    event.preventDefault();
    const made = await train.run({ input: { name, tickers: tickers.split(/[\s,]+/).filter(Boolean) } });
    if (made) setJob(made.job);
  };
  return html`<form class="form" onSubmit=${submit}>
    <${Field} label="Name" required path="name" errors=${train.errors} value=${name} onInput=${setName} />
    <${Field} label="Symbols" required path="tickers" errors=${train.errors} hint="With 250 bars or more, parted by blanks" value=${tickers} onInput=${setTickers} />
    <div class="field"><span class="small" aria-hidden="true"> </span><button disabled=${train.busy}>Train</button></div>
    <div class="wide"><${Mistakes} errors=${train.errors} paths=${["name", "tickers"]} />${job && html`<${JobWatch} id=${job.id} initial=${job} done=${done} />`}</div>
  </form>`;
}

export function Forecasts() {
  const list = usePages(LIST, "predictions", { first: 20 });
  const models = useQuery(MODELS);
  const operator = useRole("OPERATOR");
  const all = models.data?.models ?? [];
  const columns = [
    { label: "Forecast", lead: true, cell: (p) => html`<${Link} to=${`/reporting/forecasts/${p.id}`}><strong>${p.symbol.ticker}</strong> from ${p.asOf}<//><div class="small muted">${p.model.name}, ${p.horizon} days</div>` },
    { label: "Skill so far", num: true, cell: (p) => (p.outcome && p.outcome.maeNaive ? percent(1 - p.outcome.mae / p.outcome.maeNaive) : "–") },
    { label: "Days over", num: true, cell: (p) => `${p.outcome?.days ?? 0} of ${p.horizon}` },
    { label: "Skill on history", num: true, cell: (p) => percent(p.evaluation.skill) },
    { label: "In 80 % band", num: true, cell: (p) => percent(p.evaluation.coverage80) },
    { label: "In 95 % band", num: true, cell: (p) => percent(p.evaluation.coverage95) },
    { label: "Made", num: true, cell: (p) => moment(p.createdAt) },
  ];
  const modelColumns = [
    { label: "Model", lead: true, wrap: true, cell: (m) => html`<strong>${m.name}</strong> ${m.isDefault && html`<${Chip} of="default" tone="good" />`} ${!m.available && html`<${Chip} of="not usable" tone="bad" />`}<div class="small muted">${m.unavailableReason ?? m.trainedOn}</div>` },
    { label: "Kind", cell: (m) => words(m.kind) },
    { label: "Skill on unseen data", num: true, cell: (m) => percent(m.evaluation?.skill) },
    { label: "In 80 % band", num: true, cell: (m) => percent(m.evaluation?.coverage80) },
    { label: "Trained", num: true, cell: (m) => moment(m.trainedAt) },
  ];
  return html`<${Head} title="Forecasts">The next trading days with bands that hold what they promise, beside “no change”.<//>
    <div class="stack">
      ${operator && html`<${Panel} title="Forecast a symbol"><${Predict} models=${all} /><//>`}
      <${Waiting} query=${list} />
      ${list.data &&
      html`<${Table} label="Forecasts" columns=${columns} rows=${list.rows}
        empty=${html`<${Empty} title="No forecasts yet">${operator ? "Choose a symbol above; it takes a moment." : "Sign in with an operator's token to make one."}<//>`} /><${More} of=${list} />`}
      <${Panel} title="Models"><${Waiting} query=${models} />${models.data && html`<${Table} label="Models" columns=${modelColumns} rows=${all} />`}<//>
      ${operator && html`<${Panel} title="Train a model"><${Train} done=${models.reload} /><//>`}
    </div>`;
}

const ONE = `query($id: ID!) { node(id: $id) { ... on Prediction { id asOf close horizon stale verdict createdAt
  pdf: reportUrl(format: PDF) json: reportUrl(format: JSON) symbol { ticker name currency } model { name version kind trainedOn features }
  points { date value lower80 upper80 lower95 upper95 actual }
  evaluation { origins mae maeNaive skill coverage80 coverage95 } outcome { days mae maeNaive skill coverage80 coverage95 } } } }`;

export function ForecastPage({ part }) {
  const query = useQuery(ONE, { id: part });
  if (!query.data) return html`<${Head} title="Forecast" /><${Waiting} query=${query} />`;
  const p = query.data.node;
  if (!p?.points) return html`<${Head} title="Forecast" /><${Empty} title="There is no such forecast"><${Link} to="/reporting/forecasts">All forecasts<//><//>`;
  const saved = `${p.symbol.ticker}-forecast`;
  const last = p.points.at(-1);
  const columns = [
    { label: "Date", lead: true, cell: (d) => d.date },
    { label: "95 % from", num: true, cell: (d) => price(d.lower95) },
    { label: "80 % from", num: true, cell: (d) => price(d.lower80) },
    { label: "Expected", num: true, cell: (d) => html`<strong>${price(d.value)}</strong>` },
    { label: "80 % to", num: true, cell: (d) => price(d.upper80) },
    { label: "95 % to", num: true, cell: (d) => price(d.upper95) },
    { label: "Actual", num: true, cell: (d) => (d.actual === null ? "–" : price(d.actual)) },
  ];
  return html`<${Head} title=${`${p.symbol.ticker} forecast`}
      actions=${html`<a class="button" href=${local(p.json)} download=${`${saved}.json`}>JSON</a>
        <a class="button" href=${local(p.pdf)} download=${`${saved}.pdf`}>PDF report</a>
        <${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(p.symbol.ticker)}`}>The symbol<//>`}>
      ${p.horizon} trading days from ${p.asOf}, by ${p.model.name}.
    <//>
    <div class="stack">
      <div class="notice">${p.verdict}</div>
      <${Figures} of=${[
        ["Last close", price(p.close)],
        [`Expected ${last.date}`, price(last.value)],
        ["80 % band then", `${price(last.lower80)} – ${price(last.upper80)}`],
        ["Skill on history", percent(p.evaluation.skill)],
        ["Past closes in 80 %", percent(p.evaluation.coverage80)],
        ["Past closes in 95 %", percent(p.evaluation.coverage95)],
      ]} />
      <${Panel} title="Expected closes"><${Picture} src=${`/charts/predictions/${p.id}/fan.svg`} alt="Recent closes, the expected ones, and the 80 and 95 % bands" /><//>
      ${p.outcome &&
      html`<${Panel} title="What happened">
        <${Figures} of=${[
          ["Days over", `${p.outcome.days} of ${p.horizon}`],
          ["Mean error", percent(p.outcome.mae, 2)],
          ["Of “no change”", percent(p.outcome.maeNaive, 2)],
          ["In the 80 % band", percent(p.outcome.coverage80, 0)],
          ["In the 95 % band", percent(p.outcome.coverage95, 0)],
        ]} />
        <p></p>
        <${Picture} src=${`/charts/predictions/${p.id}/actual.svg`} alt="Expected against actual closes" />
      <//>`}
      <${Panel} title="Day by day"><${Table} label="Day by day" columns=${columns} rows=${p.points} keyOf=${(d) => d.date} /><//>
      <${Panel} title="The model"><p>${p.model.name}, ${words(p.model.kind)}, version ${p.model.version}. ${p.model.trainedOn}.</p>
        <p class="muted small wrap">${p.model.features.length ? `Features: ${p.model.features.join(", ")}.` : ""} Evaluated on ${count(p.evaluation.origins)} past forecasts of this symbol.</p><//>
    </div>`;
}
