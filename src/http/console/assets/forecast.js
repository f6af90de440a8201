// One forecast: whether to trust it first, then what it says, and how it turned out.

import { html, Head, Panel, Figures, Table, Empty, Waiting, isGone, useQuery, Link, Picture, Download, AsOf, local, price, count, percent, words, fileName } from "./ui.js";
import { FEW } from "./forecasts.js";

const ONE = `query($id: ID!) { node(id: $id) { ... on Prediction { id asOf close horizon stale verdict createdAt
  pdf: reportUrl(format: PDF) json: reportUrl(format: JSON) symbol { ticker name currency } model { name version kind trainedOn features evaluation { origins mae maeNaive skill coverage80 coverage95 } }
  points { date value lower80 upper80 lower95 upper95 actual }
  evaluation { origins mae maeNaive skill coverage80 coverage95 } outcome { days mae maeNaive skill coverage80 coverage95 } } } }`;

/** The range that a share of so many tries may really have, nineteen times in twenty (Wilson's interval). */
function range(shareOfHits, tries) {
  if (!tries) return null;
  const z = 1.96;
  const middle = (shareOfHits + (z * z) / (2 * tries)) / (1 + (z * z) / tries);
  const half = (z / (1 + (z * z) / tries)) * Math.sqrt((shareOfHits * (1 - shareOfHits)) / tries + (z * z) / (4 * tries * tries));
  return [middle - half, middle + half];
}

/** In plain words whether the centre and the bands can be trusted. */
function Trust({ p }) {
  const { evaluation: own, horizon } = p;
  // Origins of one history overlap; what doesn't overlap is far less.
  const apart = Math.max(1, Math.floor(own.origins / Math.max(1, horizon / 5)));
  const few = own.origins < FEW;
  const last = p.points.at(-1);
  const width = (last.upper80 - last.lower80) / 2 / p.close;
  const span = range(own.coverage80, apart);
  const better = Math.abs(own.skill) < 0.02 ? "no better than “no change”" : own.skill > 0 ? `${percent(own.skill)} closer than “no change”, which could be chance` : `${percent(-own.skill)} worse than “no change”`;
  return html`<div class=${`notice ${few || own.skill < 0 ? "warn" : ""}`}>
    <p><strong>${few ? `Too few past forecasts to judge: ${count(own.origins)} on this symbol's own history.` : `Treat the centre as “no change”: it was ${better}.`}</strong></p>
    <p>The band says more. On day ${horizon}, 4 of 5 closes are expected within ±${percent(width, 0)} of ${price(p.close)}; in the past ${percent(own.coverage80, 0)} were${span ? ` (with so many tries, ${percent(span[0], 0)} to ${percent(Math.min(1, span[1]), 0)})` : ""}.</p>
    <p class="small muted">${p.verdict}</p>
  </div>`;
}

function Evaluations({ p }) {
  const rows = [
    p.model.evaluation && ["On data the model had not seen, all symbols", p.model.evaluation],
    ["On this symbol's own history", p.evaluation],
    p.outcome && [`So far, ${p.outcome.days} of ${p.horizon} days`, p.outcome],
  ].filter(Boolean);
  const columns = [
    { label: "Tried", lead: true, cell: ([name]) => name, csv: ([name]) => name },
    { label: "Past forecasts", num: true, cell: ([, e]) => count(e.origins), csv: ([, e]) => e.origins },
    { label: "Mean error", num: true, prio: 2, cell: ([, e]) => percent(e.mae, 2), csv: ([, e]) => e.mae },
    { label: "Of “no change”", num: true, prio: 2, cell: ([, e]) => percent(e.maeNaive, 2), csv: ([, e]) => e.maeNaive },
    { label: "Skill", num: true, key: true, cell: ([, e]) => (e.origins < FEW ? html`<span class="muted">too few</span>` : percent(e.skill)), csv: ([, e]) => e.skill },
    { label: "In 80 %", num: true, cell: ([, e]) => percent(e.coverage80), csv: ([, e]) => e.coverage80 },
    { label: "In 95 %", num: true, cell: ([, e]) => percent(e.coverage95), csv: ([, e]) => e.coverage95 },
  ];
  return html`<${Table} label="How good it was" columns=${columns} rows=${rows} keyOf=${([name]) => name} csv=${fileName(p.symbol.ticker, "evaluation")} />`;
}

const BOX = { width: 640, height: 220, left: 44, bottom: 28, top: 8, right: 90 };

/** Error by day, the forecast's beside that of "no change", as lines with their names at their ends. */
function ErrorByDay({ p }) {
  const over = p.points.filter((point) => point.actual !== null);
  if (over.length < 2) return null;
  const ours = over.map((point) => Math.abs(point.value / point.actual - 1));
  const naive = over.map((point) => Math.abs(p.close / point.actual - 1));
  const most = Math.max(...ours, ...naive, 0.001);
  const x = (i) => BOX.left + (i * (BOX.width - BOX.left - BOX.right)) / (over.length - 1);
  const y = (value) => BOX.top + (1 - value / most) * (BOX.height - BOX.top - BOX.bottom);
  const path = (values) => values.map((value, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const ends = [ours, naive].map((values) => y(values.at(-1)));
  if (Math.abs(ends[0] - ends[1]) < 14) ends[ends[0] <= ends[1] ? 0 : 1] -= 14 - Math.abs(ends[0] - ends[1]);
  return html`<div class="picture-box"><svg class="picture error-by-day" viewBox=${`0 0 ${BOX.width} ${BOX.height}`} role="img" aria-label=${`Error by day: on day ${over.length} the forecast was ${percent(ours.at(-1))} off, no change ${percent(naive.at(-1))}`}>
    ${[0, most / 2, most].map((value) => html`<g key=${value}><line class="grid" x1=${BOX.left} x2=${BOX.width - BOX.right} y1=${y(value)} y2=${y(value)} /><text x=${BOX.left - 6} y=${y(value) + 4} text-anchor="end">${percent(value)}</text></g>`)}
    <path class="naive" d=${path(naive)} /><path class="ours" d=${path(ours)} />
    <text class="naive" x=${BOX.width - BOX.right + 6} y=${ends[1] + 4}>no change</text><text class="ours" x=${BOX.width - BOX.right + 6} y=${ends[0] + 4}>forecast</text>
    <text x=${BOX.left} y=${BOX.height - 8}>day 1</text><text x=${BOX.width - BOX.right} y=${BOX.height - 8} text-anchor="end">day ${over.length}</text>
  </svg></div>`;
}

export function ForecastPage({ part }) {
  const query = useQuery(ONE, { id: part });
  const p = query.data?.node;
  if (isGone(query) || (query.data && !p?.points)) return html`<${Head} title="Forecast" /><${Empty} title="There is no such forecast"><${Link} to="/reporting/forecasts">All forecasts<//><//>`;
  if (!p) return html`<${Head} title="Forecast" /><${Waiting} query=${query} lines=${8} />`;
  const saved = fileName(p.symbol.ticker, "forecast", p.asOf);
  const last = p.points.at(-1);
  const columns = [
    { label: "Date", lead: true, day: true, cell: (d) => d.date, csv: (d) => d.date },
    { label: "95 % from", num: true, prio: 2, cell: (d) => price(d.lower95), csv: (d) => d.lower95 },
    { label: "80 % from", num: true, cell: (d) => price(d.lower80), csv: (d) => d.lower80 },
    { label: "Expected", num: true, key: true, cell: (d) => html`<strong>${price(d.value)}</strong>`, csv: (d) => d.value },
    { label: "80 % to", num: true, cell: (d) => price(d.upper80), csv: (d) => d.upper80 },
    { label: "95 % to", num: true, prio: 2, cell: (d) => price(d.upper95), csv: (d) => d.upper95 },
    { label: "Actual", num: true, cell: (d) => (d.actual === null ? "–" : price(d.actual)), csv: (d) => d.actual },
  ];
  return html`<${Head} title=${`${p.symbol.ticker} forecast`} named=${`${p.symbol.ticker} forecast from ${p.asOf}`}
      actions=${html`<${Download} href=${local(p.pdf)} name=${`${saved}.pdf`}>PDF report<//>
        <${Download} href=${local(p.json)} name=${`${saved}.json`}>JSON<//>
        <${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(p.symbol.ticker)}`}>The symbol<//>`}>
      ${p.horizon} trading days from ${p.asOf}, by ${p.model.name}.
    <//>
    <div class="stack">
      ${p.stale && html`<div class="notice">The prices have changed since this was made.</div>`}
      <${Trust} p=${p} />
      <${Figures} of=${[
        ["Last close, adjusted", price(p.close), { note: html`<${AsOf} day=${p.asOf} />` }],
        [`Expected ${last.date}`, price(last.value)],
        ["80 % band then", `${price(last.lower80)} – ${price(last.upper80)}`],
        ["95 % band then", `${price(last.lower95)} – ${price(last.upper95)}`],
      ]} />
      <${Panel} title="Expected closes"><${Picture} src=${`/charts/predictions/${p.id}/fan.svg`} alt="Recent closes, the expected ones, and the 80 and 95 % bands" /><//>
      <${Panel} title="How good it was"><${Evaluations} p=${p} /><//>
      ${p.outcome && p.outcome.days > 1 && html`<${Panel} title="Error by day"><${ErrorByDay} p=${p} /><//>`}
      <${Panel} title="Day by day"><${Table} label="Day by day" columns=${columns} rows=${p.points} keyOf=${(d) => d.date} csv=${saved} /><//>
      <${Panel} title="The model"><p>${p.model.name}, ${words(p.model.kind)}, version ${p.model.version}. ${p.model.trainedOn}.</p>
        <p class="muted small wrap">${p.model.features.length ? `Looks at: ${p.model.features.map((name) => name.replaceAll("_", " ")).join(", ")}.` : ""} Evaluated on ${count(p.evaluation.origins)} past forecasts of this symbol, which overlap.</p><//>
    </div>`;
}
