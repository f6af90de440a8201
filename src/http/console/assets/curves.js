// Equity curves of several runs in one chart, each from 100 on the first day that all have.

import { LineSeries, LineStyle, PriceScaleMode } from "./vendor/lightweight-charts.js";
import { html, useEffect, useMemo, useRef, useState, useAddress, useTheme, number } from "./ui.js";
import { save, toCsv } from "./csv.js";
import { begin, Choice, colour, Credit, isRange, keepPicture, KEYS, onCrosshair, onKey, RANGES, useSpan } from "./chartkit.js";

const hundred = (values) => values.map((value) => 100 * value);

/** The curves by run, and holding in grey where all runs are of one symbol. */
function linesOf(curves, runs, letter) {
  const lines = curves.runs.map((run, i) => ({ name: letter(i), values: hundred(run.equity), key: i % KEYS.length, dashed: i >= KEYS.length }));
  const one = new Set(runs.map((run) => run.symbol.ticker)).size === 1;
  return one ? [...lines, { name: "holding", values: hundred(curves.runs[0].buyAndHold), hold: true }] : lines;
}

export function Curves({ of, runs, letter, saved }) {
  const holder = useRef(null);
  const made = useRef(null);
  const theme = useTheme();
  const [scale, setScale] = useAddress("scale", "linear");
  const [range, setRange] = useAddress("range", "All", isRange);
  const span = useSpan(setRange);
  const [at, setAt] = useState(null);
  const { dates } = of;
  const lines = useMemo(() => linesOf(of, runs, letter), [of]);
  useEffect(() => {
    const { chart, end } = begin(holder.current);
    const series = lines.map(({ name, values, key, dashed, hold }) => {
      const line = chart.addSeries(LineSeries, { color: colour(hold ? "--hold" : KEYS[key]), lineWidth: hold ? 1 : 2, lineStyle: dashed ? LineStyle.Dashed : LineStyle.Solid, priceLineVisible: false, title: name });
      line.setData(dates.map((time, n) => ({ time, value: values[n] })));
      return line;
    });
    series[0].priceScale().applyOptions({ mode: scale === "log" ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
    onCrosshair(chart, setAt);
    chart.timeScale().subscribeVisibleLogicalRangeChange(() => span.moved(chart, dates));
    made.current = { chart, series };
    return () => {
      made.current = null;
      end();
    };
  }, [theme, scale, lines]);
  useEffect(() => {
    if (made.current) span.show(made.current.chart, dates, range);
  }, [theme, scale, lines, range]);
  const i = at === null || at < 0 || at >= dates.length ? dates.length - 1 : at;
  const download = () => save(`${saved}-curves.csv`, toCsv(["date", ...lines.map((line) => line.name)], dates.map((day, n) => [day, ...lines.map((line) => line.values[n])])));
  return html`<div class="panel-head"><${Choice} label="Range" of=${RANGES.map((name) => [name])} value=${range} set=${setRange} />
      <div class="row"><${Choice} label="Scale" of=${[["linear", "Linear"], ["log", "Log"]]} value=${scale} set=${setScale} />
      <button type="button" class="small" onClick=${() => made.current && keepPicture(made.current.chart, saved)}>PNG</button>
      <button type="button" class="small" onClick=${download} aria-label="Download the curves as CSV">CSV</button></div></div>
    <p class="readout small muted" aria-live="polite"><span>${dates[i]}</span>${lines.map((line) => html`<span key=${line.name} class=${line.hold ? "key-hold" : `key-${line.key + 1}`}>${line.name} <strong>${number(line.values[i], 1)}</strong></span>`)}</p>
    <div class="price-chart" ref=${holder} tabindex="0" role="application" aria-roledescription="chart" aria-label="Equity of the runs, each from 100. Arrows move, plus and minus zoom."
      onPointerDown=${span.touched} onWheel=${(event) => event.ctrlKey && span.touched()}
      onKeyDown=${(event) => made.current && onKey(event, { chart: made.current.chart, series: made.current.series[0], dates, values: lines[0].values, at: i, setAt, touched: span.touched })}></div>
    <${Credit} />`;
}
