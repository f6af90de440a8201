// What all charts share: looks from the theme, wheel only with Ctrl, keys, ranges by date, and pictures to keep.

import { createChart, createTextWatermark, CrosshairMode, TickMarkType } from "./vendor/lightweight-charts.js";
import { html, useEffect, useMemo, useRef, useState } from "./ui.js";
import { save } from "./csv.js";

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const KEYS = ["--accent", "--third", "--second", "--loss", "--gain"];

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const parts = (time) => (typeof time === "string" ? time.split("-").map(Number) : [time.year, time.month, time.day]);
const tick = (time, type) => {
  const [year, month, day] = parts(time);
  if (type === TickMarkType.Year) return String(year);
  return type === TickMarkType.Month ? MONTHS[month - 1] : `${day} ${MONTHS[month - 1]}`;
};

// When a key last moved a chart's crosshair.
const keyed = new WeakMap();

/** An empty chart in the page's looks. The page scrolls over it; Ctrl and the wheel zoom. */
export function begin(holder) {
  const chart = createChart(holder, {
    autoSize: true,
    layout: {
      background: { color: "transparent" }, textColor: colour("--muted"), fontFamily: "Inter, system-ui, sans-serif", fontSize: 12, attributionLogo: false,
      panes: { separatorColor: colour("--rule"), separatorHoverColor: colour("--accent-soft") },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderColor: colour("--rule"), entireTextOnly: true },
    timeScale: { borderColor: colour("--rule"), rightOffset: 2, minBarSpacing: 0.02, tickMarkFormatter: tick, tickMarkMaxCharacterLength: 6 },
    localization: { dateFormat: "yyyy-MM-dd" },
    handleScale: { mouseWheel: false },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    kineticScroll: { touch: !matchMedia("(prefers-reduced-motion: reduce)").matches },
  });
  const wheel = (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(chart, Math.exp(event.deltaY * 0.002), event.clientX - holder.getBoundingClientRect().left);
  };
  holder.addEventListener("wheel", wheel, { passive: false });
  return {
    chart,
    end() {
      keyed.delete(chart);
      holder.removeEventListener("wheel", wheel);
      chart.remove();
    },
  };
}

/** Shows more or less around a place on the screen. */
export function zoom(chart, factor, x) {
  const scale = chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (!range) return;
  const at = (x === undefined ? null : scale.coordinateToLogical(x)) ?? (range.from + range.to) / 2;
  const width = (range.to - range.from) * factor;
  if (width < 5) return;
  scale.setVisibleLogicalRange({ from: at - (at - range.from) * factor, to: at + (range.to - at) * factor });
}

/** A name in a pane's corner. */
export const caption = (pane, text) =>
  createTextWatermark(pane, { horzAlign: "left", vertAlign: "top", lines: [{ text, color: colour("--muted"), fontSize: 12, fontFamily: "Inter, system-ui, sans-serif" }] });

/** Tells which bar the crosshair is on, null when it has left; a finger's tap tells of one as well. */
export function onCrosshair(chart, tell) {
  chart.subscribeClick(({ logical }) => typeof logical === "number" && tell(Math.round(logical)));
  chart.subscribeCrosshairMove(({ logical }) => {
    // While the view moves after a key, the crosshair is told of places that it passes.
    if (performance.now() - (keyed.get(chart) ?? -Infinity) < 400) return;
    tell(typeof logical === "number" ? Math.round(logical) : null);
  });
}

/** Keys move the crosshair along `values` of a series, and zoom. */
export function onKey(event, { chart, series, dates, values, at, setAt, touched }) {
  const last = dates.length - 1;
  const step = event.shiftKey ? 10 : 1;
  const to = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: last, PageUp: at - 21, PageDown: at + 21 }[event.key];
  if (to !== undefined || ["+", "=", "-"].includes(event.key)) touched();
  if (event.key === "+" || event.key === "=") zoom(chart, 0.7);
  else if (event.key === "-") zoom(chart, 1.4);
  else if (to === undefined) return;
  event.preventDefault();
  if (to === undefined) return;
  const i = Math.min(last, Math.max(0, to));
  keyed.set(chart, performance.now());
  const scale = chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (range && (i < range.from || i > range.to)) {
    const shift = i < range.from ? i - range.from - 2 : i - range.to + 2;
    scale.setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  }
  setAt(i);
  // Once the view has moved.
  requestAnimationFrame(() => requestAnimationFrame(() => keyed.has(chart) && chart.setCrosshairPosition(values[i], dates[i], series)));
}

/** Saves what a chart shows. */
export function keepPicture(chart, name) {
  const shot = chart.takeScreenshot(true, false);
  // On the page's ground, since a transparent picture is black in many programs.
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [shot.width, shot.height];
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("--raised");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(shot, 0, 0);
  canvas.toBlob((blob) => blob && save(`${name}.png`, blob));
}

export const RANGES = ["1M", "3M", "6M", "YTD", "1Y", "5Y", "All"];
const AGO = { "1M": 1, "3M": 3, "6M": 6, "1Y": 12, "5Y": 60 };

/** The first date of a range that ends with the last one. */
export function startOfRange(range, first, last) {
  if (range === "YTD") return `${last.slice(0, 4)}-01-01`;
  if (!AGO[range]) return first;
  const at = new Date(`${last}T00:00:00Z`);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() - AGO[range]);
  at.setUTCDate(Math.min(day, new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()));
  return at.toISOString().slice(0, 10);
}

/** The place of the first date that isn't before this one. */
export function placeOf(dates, day) {
  let [low, high] = [0, dates.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dates[middle] < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

const HALF_LABEL = 16;
/** Whether a bar is the first of what is labelled: a month, or a year where there are many bars. */
const beginning = (dates, bars) => (i) => i > 0 && i < dates.length && dates[i].slice(0, bars > 900 ? 4 : 7) !== dates[i - 1].slice(0, bars > 900 ? 4 : 7);

/** A first bar near this one, such that no month's name would be cut by the chart's edge. */
function uncut(dates, from, bars, width) {
  const room = Math.ceil((HALF_LABEL / width) * bars);
  const begins = beginning(dates, bars);
  for (let shift = 0; shift <= 2 * room + 1 && from - shift > 0; shift++) {
    let free = true;
    for (let i = from - shift - room; i <= from - shift + room; i++) if (begins(i)) free = false;
    if (free) return from - shift;
  }
  return from;
}

/** Shows the bars between two dates. */
export function show(chart, dates, from, to) {
  const end = placeOf(dates, to);
  const first = placeOf(dates, from);
  const width = Math.max(chart.timeScale().width(), 1);
  // The very first bar has a label of its own, which gets room instead.
  const start = first > 0 ? uncut(dates, first, end - first, width) : -Math.ceil((HALF_LABEL / width) * end);
  let last = Math.min(end, dates.length - 1);
  const edge = last + Math.max(1, (end - start) * 0.02);
  const begins = beginning(dates, end - start);
  while (last > start && !begins(last)) last--;
  // Half a label's room behind the last one.
  const part = Math.min(0.5, HALF_LABEL / width);
  chart.timeScale().setVisibleLogicalRange({ from: start - 0.5, to: Math.max(edge, (last - part * start) / (1 - part)) });
}

const SPAN = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/;
/** The two dates of a range that a hand has moved to. */
export const spanOf = (range) => SPAN.exec(range)?.slice(1) ?? null;
export const isRange = (range) => RANGES.includes(range) || SPAN.test(range);

function showRange(chart, dates, range) {
  const span = spanOf(range);
  if (!span) return show(chart, dates, startOfRange(range, dates[0], dates.at(-1)), dates.at(-1));
  chart.timeScale().setVisibleLogicalRange({ from: placeOf(dates, span[0]) - 0.5, to: placeOf(dates, span[1]) + 0.5 });
}

const RESTS = 400;
/**
 * A chart's range, one of RANGES or, where a hand has moved it, two dates, which `set` is told once the chart rests: what a
 * hand calls, what is called when the view has changed, and what shows the range.
 */
export function useSpan(set) {
  const latest = useRef(set);
  latest.current = set;
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useMemo(() => {
    const now = { byHand: false, range: null, chart: null, view: null, drawn: 0, width: 0, again: null };
    const rest = (dates) => {
      const seen = now.chart.timeScale().getVisibleLogicalRange();
      const last = dates.length - 1;
      const [from, to] = seen ? [Math.max(0, Math.ceil(seen.from)), Math.min(last, Math.floor(seen.to))] : [0, -1];
      if (from > to) return;
      now.range = `${dates[from]}..${dates[to]}`;
      latest.current(now.range);
    };
    return {
      touched: () => void (now.byHand = true),
      moved(chart, dates) {
        if (chart !== now.chart) return;
        now.view = chart.timeScale().getVisibleRange();
        clearTimeout(timer.current);
        // To be put back where it was is no move.
        if (now.byHand && performance.now() > now.drawn + RESTS) timer.current = setTimeout(() => chart === now.chart && rest(dates), RESTS);
      },
      /** Something else than a range, such as a trade, is shown by `how`. */
      show(chart, dates, range, how = showRange) {
        const isNew = chart !== now.chart;
        now.chart = chart;
        // A window that grows or shrinks would show more or fewer bars than the range has.
        if (isNew) chart.timeScale().subscribeSizeChange((width) => Math.abs(width - now.width) > 40 && chart === now.chart && !now.byHand && now.again());
        // What a hand has moved stays where it is, also in a chart that was drawn anew.
        if (now.byHand && range === now.range) {
          if (isNew && now.view) {
            now.drawn = performance.now();
            chart.timeScale().setVisibleRange(now.view);
          }
          return;
        }
        clearTimeout(timer.current);
        now.byHand = false;
        now.range = range;
        now.again = () => {
          now.width = chart.timeScale().width();
          how(chart, dates, range);
        };
        now.again();
      },
    };
  }, []);
}

export const MODES = [["linear", "Linear"], ["log", "Log"], ["percent", "%"]];

/** Buttons of which one is pressed. */
export const Choice = ({ label, of, value, set }) => html`<div class="row tight" role="group" aria-label=${label}>
  ${of.map(([name, text]) => html`<button type="button" key=${name} class="small" aria-pressed=${value === name} onClick=${() => set(name)}>${text ?? name}</button>`)}
</div>`;

/** Fills the screen with the panel that it stands in, and gives it back. */
export function FullScreen() {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const look = () => setOn(Boolean(document.fullscreenElement));
    document.addEventListener("fullscreenchange", look);
    return () => document.removeEventListener("fullscreenchange", look);
  }, []);
  if (!document.fullscreenEnabled) return null;
  const turn = (event) => (document.fullscreenElement ? document.exitFullscreen() : event.currentTarget.closest(".panel").requestFullscreen());
  return html`<button type="button" class="small" aria-pressed=${on} onClick=${turn}>Full screen</button>`;
}

export const Credit = () =>
  html`<p class="small muted">Drawn with <a href="https://www.tradingview.com/" rel="noreferrer">TradingView Lightweight Charts™</a>. Drag to move, Ctrl and the wheel or pinch to zoom; with the keyboard, arrows, Home, End, + and −. On a touch screen, tap or hold to read values.</p>`;
