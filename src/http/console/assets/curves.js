// Equity curves of several runs in one chart, each starting at 100.

import { LineSeries, LineStyle, PriceScaleMode } from "./vendor/lightweight-charts.js";
import { html, useEffect, useRef, useState, useAddress, useTheme, number } from "./ui.js";
import { begin, Choice, colour, Credit, keepPicture, KEYS, onCrosshair, onKey, RANGES, show, startOfRange } from "./chartkit.js";

export function Curves({ of, letter }) {
  const holder = useRef(null);
  const made = useRef(null);
  const theme = useTheme();
  const [scale, setScale] = useAddress("scale", "linear");
  const [range, setRange] = useAddress("range", "All");
  const [at, setAt] = useState(null);
  // One calendar of all runs' days.
  const [dates] = useState(() => [...new Set(of.flatMap((r) => r.curve.dates))].sort());
  const [lines] = useState(() =>
    of.map((r) => {
      const value = new Map(r.curve.dates.map((day, i) => [day, (100 * r.curve.equity[i]) / r.execution.initial_cash]));
      return dates.map((day) => value.get(day) ?? null);
    }),
  );
  useEffect(() => {
    const { chart, end } = begin(holder.current);
    const series = lines.map((values, i) => {
      const line = chart.addSeries(LineSeries, { color: colour(KEYS[i % KEYS.length]), lineWidth: 2, lineStyle: i < KEYS.length ? LineStyle.Solid : LineStyle.Dashed, priceLineVisible: false, title: letter(i) });
      line.setData(dates.map((time, n) => (values[n] === null ? { time } : { time, value: values[n] })));
      return line;
    });
    series[0].priceScale().applyOptions({ mode: scale === "log" ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
    onCrosshair(chart, setAt);
    if (RANGES.includes(range)) show(chart, dates, startOfRange(range, dates[0], dates.at(-1)), dates.at(-1));
    made.current = { chart, series };
    return end;
  }, [theme, scale, range]);
  const i = at === null || at < 0 || at >= dates.length ? dates.length - 1 : at;
  return html`<div class="panel-head"><${Choice} label="Range" of=${RANGES.map((name) => [name])} value=${range} set=${setRange} />
      <div class="row"><${Choice} label="Scale" of=${[["linear", "Linear"], ["log", "Log"]]} value=${scale} set=${setScale} />
      <button type="button" class="small" onClick=${() => keepPicture(made.current.chart, "comparison")}>PNG</button></div></div>
    <p class="readout small muted" aria-live="polite"><span>${dates[i]}</span>${lines.map((values, n) => html`<span key=${n} class=${`key-${(n % KEYS.length) + 1}`}>${letter(n)} <strong>${number(values[i], 1)}</strong></span>`)}</p>
    <div class="price-chart" ref=${holder} tabindex="0" role="application" aria-roledescription="chart" aria-label="Equity of the runs, each from 100. Arrows move, plus and minus zoom."
      onKeyDown=${(event) => onKey(event, { ...made.current, series: made.current.series[0], dates, values: lines[0], at: i, setAt })}></div>
    <${Credit} />`;
}
