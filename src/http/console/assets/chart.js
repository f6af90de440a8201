// Candles, volume and averages that can be zoomed and read off.

import { createChart, CandlestickSeries, HistogramSeries, LineSeries, CrosshairMode } from "./vendor/lightweight-charts.js";
import { html, useEffect, useRef, useState, useTheme, price, count } from "./ui.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const AVERAGES = [
  ["sma50", 50, "#c66b00"],
  ["sma200", 200, "#a64a82"],
];

function average(close, window) {
  let sum = 0;
  return close.map((value, i) => {
    sum += value - (i >= window ? close[i - window] : 0);
    return i + 1 >= window ? sum / window : null;
  });
}

/** A first bar near this one, such that no month's label would be cut by the edge. */
function clear(dates, from, bars, width) {
  const room = Math.ceil((26 / Math.max(width, 1)) * bars);
  const begins = (i) => i > 0 && i < dates.length && dates[i].slice(0, 7) !== dates[i - 1].slice(0, 7);
  for (let shift = 0; shift < 30; shift++) {
    let free = true;
    for (let i = from - shift - room; i <= from - shift + room; i++) if (begins(i)) free = false;
    if (free) return from - shift;
  }
  return from;
}

const RANGES = [["3M", 63], ["6M", 126], ["1Y", 252], ["5Y", 1260], ["All", Infinity]];

/** Columns of a series as an interactive chart. */
export function PriceChart({ series, label }) {
  const holder = useRef(null);
  const chart = useRef(null);
  const theme = useTheme();
  const [shown, setShown] = useState({ sma50: true, sma200: true });
  const [range, setRange] = useState("1Y");
  const [at, setAt] = useState(null);

  useEffect(() => {
    const made = createChart(holder.current, {
      autoSize: true,
      layout: { background: { color: "transparent" }, textColor: colour("--muted"), fontFamily: "Inter, system-ui, sans-serif", fontSize: 12, attributionLogo: false },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderColor: colour("--rule"), entireTextOnly: true },
      timeScale: { borderColor: colour("--rule"), minBarSpacing: 0.05 },
      handleScroll: { vertTouchDrag: false },
    });
    const up = colour("--gain"), down = colour("--loss");
    const candles = made.addSeries(CandlestickSeries, { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
    const { dates, open, high, low, close, volume } = series;
    candles.setData(dates.map((time, i) => ({ time, open: open[i], high: high[i], low: low[i], close: close[i] })));
    const bars = made.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    made.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    bars.setData(dates.map((time, i) => ({ time, value: Number(volume[i]), color: colour("--rule") })));
    for (const [name, window, tone] of AVERAGES) {
      if (!shown[name]) continue;
      const line = made.addSeries(LineSeries, { color: tone, lineWidth: 2, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false });
      line.setData(average(close, window).map((value, i) => (value === null ? { time: dates[i] } : { time: dates[i], value })));
    }
    made.subscribeCrosshairMove((event) => setAt(event.logical === undefined || event.logical === null ? null : Math.round(event.logical)));
    chart.current = made;
    return () => made.remove();
  }, [series, theme, shown.sma50, shown.sma200]);

  useEffect(() => {
    const bars = RANGES.find(([name]) => name === range)?.[1] ?? Infinity;
    const last = series.dates.length;
    if (bars >= last) chart.current?.timeScale().fitContent();
    else chart.current?.timeScale().setVisibleLogicalRange({ from: clear(series.dates, last - bars, bars, holder.current.clientWidth), to: last + 2 });
  }, [series, range, theme, shown.sma50, shown.sma200]);

  const i = at === null || at < 0 || at >= series.dates.length ? series.dates.length - 1 : at;
  return html`<div class="panel-head">
      <div class="row" role="group" aria-label="Range">
        ${RANGES.map(([name]) => html`<button key=${name} aria-pressed=${range === name} onClick=${() => setRange(name)}>${name}</button>`)}
      </div>
      <div class="row" role="group" aria-label="Averages">
        ${AVERAGES.map(([name, window]) => html`<button key=${name} aria-pressed=${shown[name]} onClick=${() => setShown({ ...shown, [name]: !shown[name] })}>${window}-day average</button>`)}
      </div>
    </div>
    <p class="readout small muted">
      ${series.dates[i]} · open ${price(series.open[i])} · high ${price(series.high[i])} · low ${price(series.low[i])} · close${" "}
      <strong>${price(series.close[i])}</strong> · volume ${count(series.volume[i])}
    </p>
    <div class="price-chart" ref=${holder} role="img" aria-label=${label}></div>
    <p class="small muted">Drawn with <a href="https://www.tradingview.com/" rel="noreferrer">TradingView Lightweight Charts™</a>. Scroll or pinch to zoom, drag to move.</p>`;
}
