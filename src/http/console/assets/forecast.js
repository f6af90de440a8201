// One forecast: whether to trust it first, then what it says, and how it turned out.

import { html, Head, Panel, Figures, Table, Empty, Waiting, isGone, useQuery, Link, Menu, Picture, Download, AsOf, local, price, count, percent, words, fileName, many, whole } from "./ui.js";
import { FEW } from "./forecasts.js";
import { Deleting } from "./named.js";

const ONE = `query($id: ID!) { node(id: $id) { ... on Prediction { id asOf close horizon stale verdict createdAt
  pdf: reportUrl(format: PDF) json: reportUrl(format: JSON) symbol { ticker name currency } model { name version kind trainedOn features evaluation { origins mae maeNaive skill coverage80 coverage95 } }
  points { date value lower80 upper80 lower95 upper95 actual } independentOrigins skillRange { low high } evaluationByDay { day }
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
  const { evaluation: own, horizon, independentOrigins: apart, skillRange: skill } = p;
  const last = p.points.at(-1);
  const span = range(own.coverage80, apart);
  const [headline, rest] = p.verdict.split(/(?<=[.:]) (?=[A-Z])|: (?=it was)/, 2);
  const warn = apart < FEW || (skill && skill.high < 0);
  return html`<div class=${`notice ${warn ? "warn" : ""}`}>
    <p><strong>${rest ? `${headline.replace(/[.:]$/, "")}.` : headline}</strong> ${rest && rest.charAt(0).toUpperCase() + rest.slice(1)}</p>
    <p>The band says more. On day ${horizon}, 4 of 5 closes are expected between ${price(last.lower80)} and ${price(last.upper80)}; the last one was ${price(p.close)}.
      ${" "}In the past ${percent(own.coverage80, 0)} were within the 80 % band${span ? ` (with ${count(apart)} that don't overlap, anything from ${percent(span[0], 0)} to ${percent(Math.min(1, span[1]), 0)})` : ""}.</p>
  </div>`;
}

function Evaluations({ p }) {
  const rows = [
    p.model.evaluation && ["On data the model had not seen, all symbols", p.model.evaluation],
    [`On this symbol's own history${p.model.trainedOn.includes(p.symbol.ticker) ? ", which it was trained on" : ""}`, p.evaluation, p.independentOrigins < FEW],
    p.outcome && [`So far, ${p.outcome.days} of ${many(p.horizon, "day")}`, p.outcome],
  ].filter(Boolean);
  const columns = [
    { label: "Tried", lead: true, wrap: true, cell: ([name]) => name, csv: ([name]) => name },
    { label: "Past forecasts", num: true, cell: ([, e]) => count(e.origins), csv: ([, e]) => e.origins },
    { label: "Mean error", num: true, prio: 2, cell: ([, e]) => percent(e.mae, 2), csv: ([, e]) => e.mae },
    { label: "Of “no change”", num: true, prio: 2, cell: ([, e]) => percent(e.maeNaive, 2), csv: ([, e]) => e.maeNaive },
    { label: "Skill", num: true, key: true, cell: ([, e, few]) => (few ? html`<span class="muted">too few</span>` : percent(e.skill)), csv: ([, e]) => e.skill },
    { label: "In 80 %", num: true, cell: ([, e]) => percent(e.coverage80), csv: ([, e]) => e.coverage80 },
    { label: "In 95 %", num: true, cell: ([, e]) => percent(e.coverage95), csv: ([, e]) => e.coverage95 },
  ];
  return html`<${Table} label="How good it was" columns=${columns} rows=${rows} keyOf=${([name]) => name} csv=${fileName(p.symbol.ticker, "evaluation")} />`;
}

export function ForecastPage({ part }) {
  const query = useQuery(ONE, { id: part });
  const p = query.data?.node;
  if (isGone(query) || (query.data && !p?.points)) return html`<${Head} title="Forecast" /><${Empty} title="There is no such forecast"><${Link} to="/reporting/forecasts">All forecasts<//><//>`;
  if (!p) return html`<${Head} title="Forecast" waiting /><${Waiting} query=${query} lines=${8} />`;
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
        <${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(p.symbol.ticker)}`}>The symbol<//>
        <${Menu}><${Deleting} kind="Prediction" id=${p.id} named=${`the forecast of ${p.symbol.ticker} from ${p.asOf}`} /><//>`}>
      ${many(p.horizon, "trading day")} from ${p.asOf}, by ${p.model.name}.
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
      <${Panel} title="Expected closes"><${Picture} src=${`/charts/predictions/${p.id}/fan.svg`} alt="Recent closes, the expected ones, and the 80 and 95 % bands" units=${512} /><//>
      <${Panel} title="How good it was"><${Evaluations} p=${p} /><//>
      ${p.evaluationByDay.length > 1 &&
      html`<div class="columns">
        <${Panel} title="Past closes within the bands, by day"><${Picture} src=${`/charts/predictions/${p.id}/coverage.svg`} alt="Share of past closes within the bands by day ahead" units=${352} /><//>
        <${Panel} title="Error of past forecasts, by day"><${Picture} src=${`/charts/predictions/${p.id}/errors.svg`} alt="Mean error of past forecasts by day ahead, beside no change" units=${352} /><//>
      </div>`}
      ${p.outcome && p.outcome.days > 1 && html`<${Panel} title="How far off it was so far, by day"><${Picture} src=${`/charts/predictions/${p.id}/actual.svg`} alt="How far off each day was, beside no change" units=${352} /><//>`}
      <${Panel} title="Day by day"><${Table} label="Day by day" columns=${columns} rows=${p.points} keyOf=${(d) => d.date} csv=${saved} /><//>
      <${Panel} title="The model"><p>${p.model.name}, ${words(p.model.kind)}, version ${p.model.version}. ${whole(p.model.trainedOn)}.</p>
        <p class="muted small wrap">${p.model.features.length ? `Looks at: ${p.model.features.map((name) => name.replaceAll("_", " ")).join(", ")}.` : ""} Evaluated on ${count(p.evaluation.origins)} past forecasts of this symbol, of which ${count(p.independentOrigins)} don't overlap.</p><//>
    </div>`;
}
