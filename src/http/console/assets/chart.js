// A symbol's prices: candles, volume, indicators, another symbol beside them, splits and the issue price.

import { CandlestickSeries, HistogramSeries, LineSeries, LineStyle, PriceScaleMode, createSeriesMarkers } from "./vendor/lightweight-charts.js";
import { html, useEffect, useMemo, useRef, useState, useAddress, useLoaded, useTheme, Waiting, Field, fileName, isoDay, price, count, number, signed, side } from "./ui.js";
import { ask } from "./api.js";
import { save, toCsv } from "./csv.js";
import { begin, Choice, colour, Credit, keepPicture, MODES, onCrosshair, onKey, RANGES, show, startOfRange } from "./chartkit.js";
import { asking, draw } from "./indicators.js";
import { operandName } from "./strategy.js";

const CHOICES = [
  ["sma50", "SMA 50", [{ sma: 50 }]], ["sma200", "SMA 200", [{ sma: 200 }]], ["ema20", "EMA 20", [{ ema: 20 }]],
  ["bands", "Bollinger 20", [{ bollingerLower: { window: 20, deviations: 2 } }, { bollingerUpper: { window: 20, deviations: 2 } }]],
  ["rsi14", "RSI 14", [{ rsi: 14 }]],
  ["macd", "MACD", [{ macd: { fast: 12, slow: 26, signal: 9 } }, { macdSignal: { fast: 12, slow: 26, signal: 9 } }]],
  ["atr14", "ATR 14", [{ atr: 14 }]],
];
const LEVELS = (operand) => (operand.rsi ? [30, 70] : operand.macd ? [0] : []);
const INTERVALS = [["DAY", "Day"], ["WEEK", "Week"], ["MONTH", "Month"]];
// What is shown at first needs no more than this; the rest is asked for when it's wanted.
const FIRST_YEARS = 2;

const COLUMNS = "dates open high low close volume";
const ask_for = (operands) => `query($t: String!, $from: Date, $adjusted: Boolean!, $interval: Interval!) { symbol(ticker: $t) {
  series(from: $from, adjusted: $adjusted, interval: $interval) { ${COLUMNS} ${asking(operands)} } } }`;

const daysBefore = (day) => `${Number(day.slice(0, 4)) - FIRST_YEARS}${day.slice(4).replace("-02-29", "-02-28")}`;
const yearBefore = (day) => `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`;
const chosenOf = (text) => (text === "none" ? [] : text.split(",").filter(Boolean));
const operandsOf = (names) => CHOICES.filter(([name]) => names.includes(name)).flatMap(([, , of]) => of);
const load = (t, { from, adjusted, interval }, of, signal) => ask(ask_for(of), { t, from, adjusted, interval }, signal).then((data) => data.symbol?.series ?? null);

/** What the address asks for, up to today: good unless the newest bars are older than that. */
export function firstView(ticker) {
  const query = new URLSearchParams(location.search);
  if (["5Y", "All"].includes(query.get("range") ?? "")) return null;
  const view = { from: daysBefore(isoDay(new Date())), adjusted: (query.get("prices") ?? "adjusted") === "adjusted", interval: query.get("bars") ?? "DAY" };
  const chosen = query.get("with") ?? "sma50,sma200";
  return load(ticker, view, operandsOf(chosenOf(chosen))).then((series) => ({ ...view, chosen, series }));
}

function Compare({ value, set }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return html`<form class="row tight" onSubmit=${(e) => { e.preventDefault(); set(text.trim().toUpperCase()); }}>
    <${Field} quiet label="Compare with a symbol" value=${text} onInput=${setText} placeholder="Compare with…" autocomplete="off" class="narrow" />
    ${value ? html`<button type="button" class="small" onClick=${() => set("")}>Without ${value}</button>` : text && html`<button class="small">Compare</button>`}
  </form>`;
}

export function PriceChart({ symbol, early }) {
  const holder = useRef(null);
  const made = useRef(null);
  const view = useRef(null);
  const theme = useTheme();
  const [range, setRange] = useAddress("range", "1Y");
  const [scale, setScale] = useAddress("scale", "linear");
  const [interval, setInterval] = useAddress("bars", "DAY");
  const [kind, setKind] = useAddress("prices", "adjusted");
  const [chosen, setChosen] = useAddress("with", "sma50,sma200");
  const [beside, setBeside] = useAddress("beside");
  const [whole, setWhole] = useState(false);
  const [at, setAt] = useState(null);
  const names = chosenOf(chosen);
  const operands = useMemo(() => operandsOf(names), [chosen]);
  const adjusted = kind === "adjusted";
  const cut = daysBefore(symbol.lastDate);
  const all = whole || ["5Y", "All"].includes(range) || cut <= symbol.firstDate;
  const from = all ? null : cut;
  const wanted = { from, adjusted, interval };
  const key = `${symbol.ticker} ${symbol.dataVersion} ${from} ${adjusted} ${interval}`;
  const query = useLoaded(`prices ${key} ${chosen}`, async (signal) => {
    // What was asked for before the page was there, if it holds a year or more up to the newest bar.
    const first = await early;
    const same = first?.series && from !== null && first.adjusted === adjusted && first.interval === interval && first.chosen === chosen;
    if (same && first.series.dates.at(-1) === symbol.lastDate && first.series.dates[0] <= yearBefore(symbol.lastDate)) return first.series;
    return load(symbol.ticker, wanted, operands, signal);
  });
  const other = useLoaded(beside ? `beside ${beside} ${key}` : null, (signal) => load(beside, wanted, [], signal));
  // What is on the screen stays until what takes its place is there.
  const kept = useRef(null);
  if (query.data) kept.current = { series: query.data, operands };
  const series = kept.current?.series;
  const drawn = kept.current?.operands ?? [];

  useEffect(() => {
    if (!series?.dates.length) return undefined;
    const { dates, open, high, low, close, volume } = series;
    const { chart, end } = begin(holder.current);
    // Candles that went up are hollow, so the direction shows without colour.
    const candles = chart.addSeries(CandlestickSeries, {
      upColor: colour("--raised"), borderUpColor: colour("--gain"), wickUpColor: colour("--gain"),
      downColor: colour("--loss"), borderDownColor: colour("--loss"), wickDownColor: colour("--loss"),
    });
    candles.setData(dates.map((time, i) => ({ time, open: open[i], high: high[i], low: low[i], close: close[i] })));
    candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
    const bars = chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    bars.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    bars.setData(dates.map((time, i) => ({ time, value: Number(volume[i]), color: colour("--bars") })));
    const { lines } = draw(chart, dates, drawn, drawn.map((_, i) => series[`i${i}`]), 1, LEVELS);
    if (beside && other.data) {
      const line = chart.addSeries(LineSeries, { color: colour("--second"), lineWidth: 2, priceLineVisible: false, title: beside });
      line.setData(other.data.dates.map((time, i) => ({ time, value: other.data.close[i] })));
    }
    const mode = beside && other.data ? PriceScaleMode.IndexedTo100 : (MODES.find(([name]) => name === scale)?.[2] ?? PriceScaleMode.Normal);
    candles.priceScale().applyOptions({ mode });
    const known = new Set(dates);
    const split = symbol.splits.map(({ date, ratio }) => ({ time: dates.find((day) => day >= date), text: `S ${ratio}:1` })).filter(({ time }) => time && known.has(time));
    createSeriesMarkers(candles, split.map((mark) => ({ ...mark, position: "belowBar", shape: "circle", color: colour("--second"), size: 0.6 })));
    if (symbol.ipo?.issuePrice && (!adjusted || !symbol.splits.length))
      candles.createPriceLine({ price: Number(symbol.ipo.issuePrice), color: colour("--muted"), lineWidth: 1, lineStyle: LineStyle.Dotted, axisLabelVisible: false, title: "issue price" });
    let labelled = true;
    onCrosshair(chart, (bar) => {
      const over = bar !== null;
      setAt(bar);
      // The last price's label would cover the crosshair's.
      if (labelled === over) {
        labelled = !over;
        candles.applyOptions({ lastValueVisible: labelled });
      }
    });
    made.current = { chart, candles, lines, dates, close };
    if (view.current) chart.timeScale().setVisibleRange(view.current);
    chart.timeScale().subscribeVisibleLogicalRangeChange((seen) => {
      view.current = chart.timeScale().getVisibleRange();
      if (seen && seen.from < -3 && from) setWhole(true);
    });
    return () => {
      made.current = null;
      end();
    };
  }, [series, drawn, theme, scale, other.data]);

  useEffect(() => {
    if (made.current && RANGES.includes(range)) {
      const { chart, dates } = made.current;
      show(chart, dates, startOfRange(range, dates[0], dates.at(-1)), dates.at(-1));
    }
  }, [series, range]);

  if (!series) return html`<div class="chart-place"><${Waiting} query=${query} /></div>`;
  const { dates, open, high, low, close, volume } = series;
  const i = at === null || at < 0 || at >= dates.length ? dates.length - 1 : at;
  const change = i > 0 ? close[i] / close[i - 1] - 1 : null;
  const free = () => RANGES.includes(range) && setRange("free");
  const toggle = (name) => {
    const next = names.includes(name) ? names.filter((n) => n !== name) : [...names, name];
    setChosen(next.join(",") || "none");
  };
  const saved = fileName(symbol.ticker, adjusted ? "adjusted" : "as-traded", interval.toLowerCase());
  const download = async () => {
    const every = await ask(ask_for(operands), { t: symbol.ticker, from: null, adjusted, interval });
    const s = every.symbol.series;
    const rows = s.dates.map((day, n) => [day, s.open[n], s.high[n], s.low[n], s.close[n], s.volume[n], ...operands.map((_, k) => s[`i${k}`][n])]);
    save(`${saved}.csv`, toCsv(["date", "open", "high", "low", "close", "volume", ...operands.map(operandName)], rows));
  };
  const traded = symbol.latestBar?.close;
  const differs = adjusted && interval === "DAY" && traded && Math.abs(close.at(-1) / traded - 1) > 0.005;
  return html`<div class="panel-head chart-ranges"><${Choice} label="Range" of=${RANGES.map((name) => [name])} value=${range} set=${setRange} />
      <div class="row chart-tools"><${Choice} label="Bars" of=${INTERVALS} value=${interval} set=${setInterval} />
        <${Choice} label="Scale" of=${MODES} value=${scale} set=${setScale} />
        <${Choice} label="Prices" of=${[["adjusted", "Adjusted"], ["traded", "As traded"]]} value=${kind} set=${setKind} /></div>
    </div>
    <div class="panel-head chart-tools">
      <div class="row tight" role="group" aria-label="Indicators">${CHOICES.map(([name, text]) => html`<button key=${name} class="small" aria-pressed=${names.includes(name)} onClick=${() => toggle(name)}>${text}</button>`)}</div>
      <div class="row"><${Compare} value=${beside} set=${setBeside} />
        <button type="button" class="small" onClick=${() => made.current && keepPicture(made.current.chart, saved)}>PNG</button>
        <button type="button" class="small" onClick=${download} aria-label="Download the prices as CSV">CSV</button></div>
    </div>
    ${beside && (other.error || (other.data === null && !other.error)) && html`<p class="small muted" role="status">${other.error ? other.error.message : `Looking for ${beside}; only symbols that are followed can be compared.`}</p>`}
    ${differs && html`<p class="small muted">Adjusted for later splits and dividends: the last close, ${price(close.at(-1))} here, was ${price(traded)} as traded.</p>`}
    <p class="readout small muted" aria-live="polite">
      <span>${dates[i]}</span><span>open ${price(open[i])}</span><span>high ${price(high[i])}</span><span>low ${price(low[i])}</span>
      <span>close <strong>${price(close[i])}</strong></span><span class=${side(change)}>${signed(change, 2)}</span><span>volume ${count(volume[i])}</span>
      ${drawn.map((operand, n) => html`<span key=${n} class=${`key-${(n % 5) + 1}`}>${operandName(operand)} ${number(series[`i${n}`]?.[i])}</span>`)}
      ${beside && other.data && html`<span class="key-3">${beside} against it, both 100 at the left edge</span>`}
    </p>
    <div class=${`price-chart ${drawn.some((operand) => operand.rsi || operand.macd || operand.atr) ? "tall" : ""}`} ref=${holder} tabindex="0" role="application" aria-roledescription="chart"
      aria-label=${`${adjusted ? "Adjusted" : "Traded"} prices of ${symbol.ticker} from ${symbol.firstDate} to ${symbol.lastDate}. Arrows move from bar to bar, plus and minus zoom.`}
      onPointerDown=${free} onWheel=${(event) => event.ctrlKey && free()}
      onKeyDown=${(event) => made.current && onKey(event, { chart: made.current.chart, series: made.current.candles, dates, values: close, at: i, setAt })}></div>
    <${Credit} />`;
}
