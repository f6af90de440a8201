// A symbol's prices: candles, volume, indicators, another symbol beside them, splits and the issue price.

import { CandlestickSeries, HistogramSeries, LineSeries, LineStyle, PriceScaleMode, createSeriesMarkers } from "./vendor/lightweight-charts.js";
import { html, lazy, useEffect, useMemo, useRef, useState, useAddress, isOneOf, useLoaded, useTheme, Waiting, Field, fileName, isoDay, price, decimal, count, number, signed, side, words } from "./ui.js";
import { ask } from "./api.js";
import { save, toCsv } from "./csv.js";
import { begin, Choice, colour, Credit, FullScreen, isRange, keepPicture, MODES, onCrosshair, onKey, placeOf, RANGES, spanOf, useSpan } from "./chartkit.js";
import { asking, draw } from "./indicators.js";
import { rebase } from "./rebase.js";
import { operandName } from "./strategy.js";

const Bars = lazy(() => import("./bars.js"), "Bars");

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
const ask_for = (operands) => `query($t: String!, $from: Date, $adjustment: Adjustment, $interval: Interval!) { symbol(ticker: $t) {
  series(from: $from, adjustment: $adjustment, interval: $interval) { ${COLUMNS} ${asking(operands)} } } }`;

// From the first of a month, so that the address of what is asked for stays the same for a while.
const yearsBefore = (day) => `${Number(day.slice(0, 4)) - FIRST_YEARS}${day.slice(4, 7)}-01`;
const yearBefore = (day) => `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`;
const chosenOf = (text) => (text === "none" ? [] : text.split(",").filter(Boolean));
const operandsOf = (names) => CHOICES.filter(([name]) => names.includes(name)).flatMap(([, , of]) => of);
// Left open, prices are adjusted for what is usual of the symbol.
const variables = (t, from, adjusted, interval) => ({ t, from, adjustment: adjusted ? null : "NONE", interval });
const load = (source, t, { from, adjusted, interval }, of) => source.ask(ask_for(of), variables(t, from, adjusted, interval)).then((data) => data.symbol?.series ?? null);

/** What the address asks for, up to today: good unless the newest bars are older than that. */
export function firstView(ticker, source) {
  const query = new URLSearchParams(location.search);
  const range = query.get("range") ?? "";
  if (["5Y", "All"].includes(range) || spanOf(range)) return null;
  const view = { from: yearsBefore(isoDay(new Date())), adjusted: (query.get("prices") ?? "adjusted") === "adjusted", interval: isOneOf(INTERVALS)(query.get("bars")) ? query.get("bars") : "DAY" };
  const chosen = query.get("with") ?? "sma50,sma200";
  return load(source, ticker, view, operandsOf(chosenOf(chosen))).then((series) => ({ ...view, chosen, series, tag: source.tag }));
}

/** Splits, and what else was done to the shares from a date on, as {day, mark, key, said}. */
function eventsOf(symbol, from) {
  const splits = symbol.splits.map(({ date, ratio }) => ({ day: date, mark: `S ${ratio}:1`, key: "--second", said: `split ${ratio}:1` }));
  const known = new Set(symbol.splits.map(({ date }) => date));
  const others = symbol.corporateActions
    .filter(({ kind, exDate }) => kind === "DIVIDEND" || (kind === "RIGHTS" && !known.has(exDate)))
    .map(({ kind, exDate, amount }) => ({ day: exDate, mark: kind === "DIVIDEND" ? "D" : "R", key: "--third", said: `${words(kind).toLowerCase()} ${amount === null ? "" : decimal(amount)}` }));
  return [...splits, ...others].filter(({ day }) => day >= from);
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
  const theme = useTheme();
  const [range, setRange] = useAddress("range", "1Y", isRange);
  const [scale, setScale] = useAddress("scale", "linear");
  const [interval, setInterval] = useAddress("bars", "DAY", isOneOf(INTERVALS));
  const [kind, setKind] = useAddress("prices", "adjusted");
  const [chosen, setChosen] = useAddress("with", "sma50,sma200");
  const [beside, setBeside] = useAddress("beside");
  const [table, setTable] = useAddress("table");
  const [whole, setWhole] = useState(false);
  const [at, setAt] = useState(null);
  const span = useSpan(setRange);
  const names = chosenOf(chosen);
  const operands = useMemo(() => operandsOf(names), [chosen]);
  const adjusted = kind === "adjusted";
  const cut = yearsBefore(symbol.lastDate);
  const all = whole || ["5Y", "All"].includes(range) || spanOf(range)?.[0] < cut || cut <= symbol.firstDate;
  const from = all ? null : cut;
  const wanted = { from, adjusted, interval };
  const key = `${symbol.ticker} ${symbol.dataVersion} ${from} ${adjusted} ${interval}`;
  const query = useLoaded(`prices ${key} ${chosen}`, async (source) => {
    // What was asked for before the page was there, if it holds a year or more up to the newest bar.
    const first = await early(source.kept);
    const same = first?.series && from !== null && first.adjusted === adjusted && first.interval === interval && first.chosen === chosen;
    if (same && first.series.dates.at(-1) === symbol.lastDate && first.series.dates[0] <= yearBefore(symbol.lastDate)) {
      source.tags.push(first.tag);
      return first.series;
    }
    return load(source, symbol.ticker, wanted, operands);
  });
  const other = useLoaded(beside ? `beside ${beside} ${key}` : null, (source) => load(source, beside, wanted, []).then((found) => found ?? false));
  // What is on the screen stays until what takes its place is there.
  const kept = useRef(null);
  if (query.data) kept.current = { series: query.data, operands };
  const series = kept.current?.series;
  const drawn = kept.current?.operands ?? [];

  useEffect(() => {
    if (!series?.dates.length) return undefined;
    const { dates, open, high, low, close, volume } = series;
    const { chart, end } = begin(holder.current);
    // The direction shows without colour: candles that went up are hollow, and where they are too narrow for that, lighter or
    // darker than the others, as volume is.
    const [rose, fell] = [colour("--rise"), colour("--fall")];
    const candles = chart.addSeries(CandlestickSeries, {
      upColor: colour("--raised"), borderUpColor: rose, wickUpColor: rose,
      downColor: fell, borderDownColor: fell, wickDownColor: fell,
      lastValueVisible: false, priceLineVisible: false,
    });
    candles.setData(dates.map((time, i) => ({ time, open: open[i], high: high[i], low: low[i], close: close[i] })));
    candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
    const bars = chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    bars.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    bars.setData(dates.map((time, i) => ({ time, value: Number(volume[i]), color: close[i] < open[i] ? fell : rose })));
    const { lines } = draw(chart, dates, drawn, drawn.map((_, i) => series[`i${i}`]), 1, LEVELS);
    const against = beside && other.data ? { line: chart.addSeries(LineSeries, { color: colour("--second"), lineWidth: 2, priceLineVisible: false, title: beside }), ...other.data } : null;
    if (against || scale === "percent") rebase(chart, series, [candles, ...lines.filter(({ pane }) => pane === 0).map((line) => line.series)], against);
    else candles.priceScale().applyOptions({ mode: scale === "log" ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
    const marks = eventsOf(symbol, dates[0])
      .map(({ day, mark, key }) => ({ time: dates[placeOf(dates, day)], text: mark, color: colour(key) }))
      .filter(({ time }) => time)
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    createSeriesMarkers(candles, marks.map((mark) => ({ ...mark, position: "belowBar", shape: "circle", size: 0.6 })));
    if (symbol.ipo?.issuePrice && (!adjusted || !symbol.splits.length))
      candles.createPriceLine({ price: Number(symbol.ipo.issuePrice), color: colour("--muted"), lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelColor: colour("--muted"), axisLabelTextColor: colour("--raised"), title: "issue price" });
    // A label of its own: that of a hollow candle would be of the ground's colour.
    const newest = candles.createPriceLine({ price: close.at(-1), color: colour(close.at(-1) < open.at(-1) ? "--loss" : "--gain"), lineVisible: false, axisLabelVisible: true, title: "" });
    let labelled = true;
    onCrosshair(chart, (bar) => {
      const over = bar !== null;
      setAt(bar);
      // The last price's label would cover the crosshair's.
      if (labelled === over) {
        labelled = !over;
        newest.applyOptions({ axisLabelVisible: labelled });
      }
    });
    made.current = { chart, candles, lines, dates, close };
    chart.timeScale().subscribeVisibleLogicalRangeChange((seen) => {
      span.moved(chart, dates);
      if (seen && seen.from < -3 && from) setWhole(true);
    });
    return () => {
      made.current = null;
      end();
    };
  }, [series, drawn, theme, scale, other.data]);

  useEffect(() => {
    if (made.current) span.show(made.current.chart, made.current.dates, range);
  }, [series, drawn, theme, scale, other.data, range]);

  if (!series) return html`<div class="chart-place"><${Waiting} query=${query} /></div>`;
  const { dates, open, high, low, close, volume } = series;
  const i = at === null || at < 0 || at >= dates.length ? dates.length - 1 : at;
  const change = i > 0 ? close[i] / close[i - 1] - 1 : null;
  const toggle = (name) => {
    const next = names.includes(name) ? names.filter((n) => n !== name) : [...names, name];
    setChosen(next.join(",") || "none");
  };
  const saved = fileName(symbol.ticker, adjusted ? "adjusted" : "as-traded", interval.toLowerCase());
  const download = async () => {
    const every = await ask(ask_for(operands), variables(symbol.ticker, null, adjusted, interval));
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
        <button type="button" class="small" onClick=${download} aria-label="Download the prices as CSV">CSV</button>
        <button type="button" class="small" aria-pressed=${table === "yes"} onClick=${() => setTable(table === "yes" ? "" : "yes")}>Table</button><${FullScreen} /></div>
    </div>
    ${beside && !other.data && html`<p class="small muted" role="status">${other.error?.message ?? (other.data === false ? `${beside} isn't followed: only symbols that are can be compared.` : `Looking for ${beside}…`)}</p>`}
    ${differs && html`<p class="small muted">Adjusted for later splits and dividends: the last close, ${price(close.at(-1))} here, was ${price(traded)} as traded.</p>`}
    <p class="readout small muted" aria-live="polite">
      <span>${dates[i]}</span><span>open ${price(open[i])}</span><span>high ${price(high[i])}</span><span>low ${price(low[i])}</span>
      <span>close <strong>${price(close[i])}</strong></span><span class=${side(change)}>${signed(change, 2)}</span><span>volume ${count(volume[i])}</span>
      ${drawn.map((operand, n) => html`<span key=${n} class=${`key-${(n % 5) + 1}`}>${operandName(operand)} ${number(series[`i${n}`]?.[i])}</span>`)}
      ${eventsOf(symbol, dates[0]).filter(({ day }) => dates[placeOf(dates, day)] === dates[i]).map(({ said }) => html`<span key=${said} class="key-2">${said}</span>`)}
      ${beside && other.data && html`<span class="key-3">${beside} against it, both 100 at the left edge</span>`}
    </p>
    <div class=${`price-chart ${drawn.some((operand) => operand.rsi || operand.macd || operand.atr) ? "tall" : ""}`} ref=${holder} tabindex="0" role="application" aria-roledescription="chart"
      aria-label=${`${adjusted ? "Adjusted" : "Traded"} prices of ${symbol.ticker} from ${symbol.firstDate} to ${symbol.lastDate}. Arrows move from bar to bar, plus and minus zoom.`}
      onPointerDown=${span.touched} onWheel=${(event) => event.ctrlKey && span.touched()}
      onKeyDown=${(event) => made.current && onKey(event, { chart: made.current.chart, series: made.current.candles, dates, values: close, at: i, setAt, touched: span.touched })}></div>
    ${table === "yes" && html`<${Bars} series=${series} drawn=${drawn} saved=${saved} />`}
    <${Credit} />`;
}
