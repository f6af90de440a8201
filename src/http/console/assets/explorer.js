// A backtest on one axis of time: price with trades and the strategy's indicators, equity beside hold, drawdown beside hold.

import { BaselineSeries, HistogramSeries, LineSeries, PriceScaleMode, createSeriesMarkers } from "./vendor/lightweight-charts.js";
import { html, useEffect, useMemo, useRef, useState, useAddress, setQuery, useLoaded, useTheme, percent, price, number } from "./ui.js";
import { save, toCsv } from "./csv.js";
import { begin, caption, Choice, colour, Credit, FullScreen, keepPicture, onCrosshair, isRange, onKey, placeOf, RANGES, useSpan } from "./chartkit.js";
import { draw, indicatorsOf, isDrawn } from "./indicators.js";
import { comparisonsOf, operandName, operandsOf } from "./strategy.js";

const MOST_MARKS = 40;

function drawdowns(curve) {
  let peak = -Infinity;
  return curve.map((value) => (peak = Math.max(peak, value)) && value / peak - 1);
}

/** What the strategy looks at and can be drawn, each once. */
function drawn(strategy) {
  const all = [...operandsOf(strategy.buy), ...operandsOf(strategy.sell)].filter(isDrawn);
  return [...new Map(all.map((operand) => [JSON.stringify(operand), operand])).values()].slice(0, 8);
}

/** The numbers that an operand is compared with. */
const levelsOf = (strategy) => {
  const pairs = [...comparisonsOf(strategy.buy), ...comparisonsOf(strategy.sell)];
  return (operand) => {
    const text = JSON.stringify(operand);
    const found = pairs.flatMap(({ left, right }) => [[left, right], [right, left]]).filter(([own, other]) => JSON.stringify(own) === text && other.constant !== undefined);
    return [...new Set(found.map(([, other]) => other.constant))];
  };
};

export function Explorer({ report, run, focus, saved }) {
  const holder = useRef(null);
  const made = useRef(null);
  const theme = useTheme();
  const [range] = useAddress("range", "All", isRange);
  const [scale, setScale] = useAddress("scale", "linear");
  const [at, setAt] = useState(null);
  // A trade that is looked at takes the place of the range until a range is asked for again.
  const choose = (name) => setQuery({ trade: "", range: name === "All" ? "" : name });
  const span = useSpan(choose);
  const { dates, close, equity, buy_and_hold: hold } = report.curve;
  const operands = useMemo(() => drawn(run.strategy), [report.id]);
  const fall = useMemo(() => [drawdowns(equity), drawdowns(hold)], [report.id]);
  const found = useLoaded(`indicators ${report.id}`, (source) => indicatorsOf({ ticker: report.symbol.ticker, from: report.from, to: report.to, adjustment: report.adjustment, operands }, source));
  const values = useMemo(() => (found.data ?? []).map((of) => dates.map((day) => of.get(day) ?? null)), [found.data]);

  useEffect(() => {
    if (!found.data && !found.error) return undefined;
    const { chart, end } = begin(holder.current);
    const mode = scale === "log" ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    const plain = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: true };
    const line = (of, pane, options) => {
      const series = chart.addSeries(LineSeries, { lineWidth: 2, ...plain, ...options }, pane);
      series.setData(dates.map((time, i) => ({ time, value: of[i] })));
      return series;
    };
    // Where shares were held is shaded behind the price.
    const held = chart.addSeries(HistogramSeries, { priceScaleId: "held", color: colour("--accent-soft"), ...plain, base: 0 }, 0);
    held.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    const inside = new Uint8Array(dates.length);
    for (const trade of report.trades) inside.fill(1, placeOf(dates, trade.entry_date), placeOf(dates, trade.exit_date) + 1);
    held.setData(dates.map((time, i) => (inside[i] ? { time, value: 1 } : { time })));
    const closes = line(close, 0, { color: colour("--ink"), lineWidth: 1 });
    const { lines, panes } = draw(chart, dates, values.length ? operands : [], values, 1, levelsOf(run.strategy));
    const money = { priceFormat: { type: "custom", minMove: 1, formatter: (v) => number(v, 0) } };
    const wealth = line(equity, panes + 1, { color: colour("--accent"), ...money });
    line(hold, panes + 1, { color: colour("--hold"), lineWidth: 1, ...money });
    const share = { priceFormat: { type: "custom", minMove: 0.0001, formatter: (v) => percent(v, 0) } };
    // Filled between the fall and 0, never above it.
    const [lost, soft] = [colour("--loss"), colour("--loss-soft")];
    const sides = { topLineColor: lost, topFillColor1: soft, topFillColor2: soft, bottomLineColor: lost, bottomFillColor1: soft, bottomFillColor2: soft };
    const depth = chart.addSeries(BaselineSeries, { baseValue: { type: "price", price: 0 }, ...sides, lineWidth: 1, ...plain, ...share }, panes + 2);
    depth.setData(dates.map((time, i) => ({ time, value: fall[0][i] })));
    line(fall[1], panes + 2, { color: colour("--hold"), lineWidth: 1, ...share });
    for (const series of [closes, wealth]) series.priceScale().applyOptions({ mode });
    closes.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0.05 } });
    wealth.priceScale().applyOptions({ scaleMargins: { top: 0.2, bottom: 0.05 } });
    depth.priceScale().applyOptions({ scaleMargins: { top: 0.25, bottom: 0.02 } });
    const all = chart.panes();
    caption(all[panes + 1], "Equity, holding in grey");
    caption(all[panes + 2], "Drawdown, holding in grey");
    all[0].setStretchFactor(1);
    all[panes + 1].setStretchFactor(0.6);
    all[panes + 2].setStretchFactor(0.4);

    // Marks of single trades are legible only where there are few.
    const marks = createSeriesMarkers(closes, []);
    const places = report.trades.map((t) => [placeOf(dates, t.entry_date), placeOf(dates, t.exit_date), t]);
    const mark = (view) => {
      const seen = view ? places.filter(([from, to]) => to >= view.from && from <= view.to) : [];
      marks.setMarkers(
        seen.length > MOST_MARKS
          ? []
          : seen
              .flatMap(([from, to, t]) => [
                { time: dates[from], position: "belowBar", shape: "arrowUp", color: colour("--accent"), size: 1 },
                { time: dates[to], position: "aboveBar", shape: "arrowDown", color: colour(t.profit > 0 ? "--gain" : "--loss"), size: 1, text: seen.length <= 12 ? percent(t.return, 1) : undefined },
              ])
              .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)),
      );
    };
    chart.timeScale().subscribeVisibleLogicalRangeChange((view) => {
      mark(view);
      span.moved(chart, dates);
    });
    onCrosshair(chart, setAt);
    made.current = { chart, closes, lines };
    return () => {
      made.current = null;
      end();
    };
  }, [report.id, theme, scale, values, found.error]);

  const showTrade = (chart) => {
    const [from, to] = [placeOf(dates, focus.from), placeOf(dates, focus.to)];
    const room = Math.max(15, Math.round((to - from) * 0.6));
    chart.timeScale().setVisibleLogicalRange({ from: from - room, to: to + room });
    setAt(from);
  };
  useEffect(() => {
    if (!made.current || !dates.length) return;
    span.show(made.current.chart, dates, focus ?? range, focus ? showTrade : undefined);
  }, [range, focus, theme, scale, values, found.error]);

  const i = at === null || at < 0 || at >= dates.length ? dates.length - 1 : at;
  const download = () => {
    const names = values.length ? operands.map(operandName) : [];
    const rows = dates.map((day, n) => [day, close[n], equity[n], hold[n], fall[0][n], fall[1][n], ...names.map((_, k) => values[k][n])]);
    save(`${saved}-curves.csv`, toCsv(["date", "close", "equity", "buy and hold", "drawdown", "drawdown of holding", ...names], rows));
  };
  return html`<div class="panel-head">
      <${Choice} label="Range" of=${RANGES.map((name) => [name])} value=${focus ? "" : range} set=${choose} />
      <div class="row"><${Choice} label="Scale" of=${[["linear", "Linear"], ["log", "Log"]]} value=${scale} set=${setScale} />
        <button type="button" class="small" onClick=${() => made.current && keepPicture(made.current.chart, saved)}>PNG</button>
        <button type="button" class="small" onClick=${download} aria-label="Download the curves as CSV">CSV</button><${FullScreen} /></div>
    </div>
    <p class="readout small muted" aria-live="polite">
      <span>${dates[i]}</span><span>close <strong>${price(close[i])}</strong></span>
      ${(made.current?.lines ?? []).map((line) => html`<span key=${line.name} class=${`key-${line.key + 1}`}>${line.name} ${number(line.values[i])}</span>`)}
      <span class="key-1">equity <strong>${number(equity[i], 0)}</strong></span><span class="key-hold">holding ${number(hold[i], 0)}</span>
      <span class="key-4">drawdown ${percent(fall[0][i])}</span><span class="key-hold">of holding ${percent(fall[1][i])}</span>
    </p>
    <div class="price-chart tall" ref=${holder} tabindex="0" role="application" aria-roledescription="chart" onPointerDown=${span.touched} onWheel=${(event) => event.ctrlKey && span.touched()}
      aria-label=${`Closes, trades, equity and drawdown of ${report.symbol.ticker} from ${report.from} to ${report.to}. Arrows move, plus and minus zoom.`}
      onKeyDown=${(event) => made.current && onKey(event, { chart: made.current.chart, series: made.current.closes, dates, values: close, at: i, setAt, touched: span.touched })}></div>
    ${found.error && html`<p class="small muted">The strategy's indicators could not be loaded: ${found.error.message}</p>`}
    <p class="small muted">Shaded while shares are held; single trades are marked once fewer than ${MOST_MARKS} are in view.</p>
    <${Credit} />`;
}
