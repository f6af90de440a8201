// A map of a sweep that can be read and opened: hover or arrows for values, a click or Enter for the backtest.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState, useTheme, count, number, percent, signed } from "./ui.js";
import { plateau, pooled } from "./heat.js";

const EDGE = { left: 52, right: 12, top: 8, bottom: 40 };
const MOST_CELLS = 160;

const parse = (hex) => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
const between = (a, b, t) => `rgb(${a.map((x, i) => Math.round(x + (b[i] - x) * t)).join(" ")})`;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** From a value to a colour: zero is the ground, gains one way and losses the other; what has one sign takes one colour. */
function scaleOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { low: 0, high: 0, of: () => colour("--sunken") };
  const ground = parse(colour("--ground"));
  const [gain, loss] = [parse(colour("--gain")), parse(colour("--loss"))];
  const far = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const of = (value) => (Number.isNaN(value) ? colour("--sunken") : between(ground, value < 0 ? loss : gain, 0.06 + 0.94 * Math.min(1, Math.abs(value) / far)));
  return { low, high, of };
}

/** Windows that are written along an axis. */
function marks(windows, room, each) {
  const every = Math.max(1, Math.ceil(windows.length / Math.max(1, Math.floor(room / each))));
  return windows.map((window, i) => [window, i]).filter(([, i]) => i % every === 0);
}

function Legend({ scale, show }) {
  const strip = useRef(null);
  const theme = useTheme();
  const zero = scale.low < 0 && scale.high > 0;
  useEffect(() => {
    const pen = strip.current.getContext("2d");
    for (let x = 0; x < 240; x++) {
      pen.fillStyle = scale.of(scale.low + ((scale.high - scale.low) * x) / 239);
      pen.fillRect(x, 0, 1, 12);
    }
    if (!zero) return;
    pen.fillStyle = colour("--ink");
    pen.fillRect(Math.round((239 * -scale.low) / (scale.high - scale.low)), 0, 2, 12);
  }, [scale, theme]);
  return html`<p class="small muted row">${show(scale.low)}<canvas ref=${strip} width="240" height="12" aria-hidden="true"></canvas>${show(scale.high)}
    ${zero && html`<span>0 at the mark</span>`}</p>`;
}

export function Heatmap({ grid, columns, values, title, show, hold, open, label, small }) {
  const canvas = useRef(null);
  const holder = useRef(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(null);
  const theme = useTheme();
  useLayoutEffect(() => {
    setWidth(holder.current.clientWidth);
    const observer = new ResizeObserver(() => holder.current && setWidth(holder.current.clientWidth));
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  const pool = useMemo(() => pooled(grid, values, MOST_CELLS), [grid, values]);
  const scale = useMemo(() => scaleOf(pool.values), [pool, theme]);
  const returns = useMemo(() => {
    const plain = Float64Array.from(grid.row, (i) => (i < 0 ? Number.NaN : columns.totalReturn[i]));
    return pooled(grid, plain, MOST_CELLS);
  }, [grid, columns]);
  const outline = useMemo(() => (hold === null || hold === undefined ? null : plateau({ buys: { length: pool.width }, sells: { length: pool.height } }, returns.values, hold)), [pool, returns, hold]);
  const height = Math.max(180, Math.min(small ? 300 : 460, Math.round(width * 0.72)));
  const room = { w: Math.max(1, width - EDGE.left - EDGE.right), h: Math.max(1, height - EDGE.top - EDGE.bottom) };
  const x0 = (x) => EDGE.left + Math.round((x * room.w) / pool.width);
  const y0 = (y) => EDGE.top + room.h - Math.round((y * room.h) / pool.height);

  const base = useMemo(() => {
    if (!width) return null;
    const dense = devicePixelRatio || 1;
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = [width * dense, height * dense];
    const pen = sheet.getContext("2d");
    pen.scale(dense, dense);
    for (let x = 0; x < pool.width; x++)
      for (let y = 0; y < pool.height; y++) {
        pen.fillStyle = scale.of(pool.values[x * pool.height + y]);
        pen.fillRect(x0(x), y0(y + 1), x0(x + 1) - x0(x), y0(y) - y0(y + 1));
      }
    if (outline?.size > 1) {
      const inside = (x, y) => x >= 0 && y >= 0 && x < pool.width && y < pool.height && outline.mask[x * pool.height + y];
      pen.strokeStyle = colour("--ink");
      pen.lineWidth = 1.5;
      pen.beginPath();
      const side = (ax, ay, bx, by) => (pen.moveTo(ax, ay), pen.lineTo(bx, by));
      for (let x = 0; x < pool.width; x++)
        for (let y = 0; y < pool.height; y++) {
          if (!inside(x, y)) continue;
          const [l, r, t, b] = [x0(x), x0(x + 1), y0(y + 1), y0(y)];
          if (!inside(x - 1, y)) side(l, t, l, b);
          if (!inside(x + 1, y)) side(r, t, r, b);
          if (!inside(x, y - 1)) side(l, b, r, b);
          if (!inside(x, y + 1)) side(l, t, r, t);
        }
      pen.stroke();
    }
    pen.fillStyle = colour("--muted");
    pen.font = "12px Inter, system-ui, sans-serif";
    pen.textAlign = "center";
    for (const [window, i] of marks(grid.buys, room.w, 44)) pen.fillText(window, (x0(i / pool.bx) + x0((i + 1) / pool.bx)) / 2, EDGE.top + room.h + 16);
    pen.fillText("buy below the average of, days", EDGE.left + room.w / 2, height - 4);
    pen.textAlign = "right";
    for (const [window, i] of marks(grid.sells, room.h, 26)) pen.fillText(window, EDGE.left - 6, (y0(i / pool.by) + y0((i + 1) / pool.by)) / 2 + 4);
    pen.save();
    pen.translate(12, EDGE.top + room.h / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText("sell above, days", 0, 0);
    pen.restore();
    return sheet;
  }, [width, height, pool, scale, outline, theme]);

  useEffect(() => {
    if (!base || !canvas.current) return;
    const dense = devicePixelRatio || 1;
    [canvas.current.width, canvas.current.height] = [base.width, base.height];
    Object.assign(canvas.current.style, { width: `${width}px`, height: `${height}px` });
    const pen = canvas.current.getContext("2d");
    pen.drawImage(base, 0, 0);
    if (!at) return;
    pen.scale(dense, dense);
    pen.strokeStyle = colour("--accent");
    pen.lineWidth = 3;
    pen.strokeRect(x0(at.x) - 1, y0(at.y + 1) - 1, x0(at.x + 1) - x0(at.x) + 2, y0(at.y) - y0(at.y + 1) + 2);
  }, [base, at]);

  const place = (event) => {
    const box = canvas.current.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left - EDGE.left) / room.w) * pool.width);
    const y = Math.floor(((EDGE.top + room.h - (event.clientY - box.top)) / room.h) * pool.height);
    return x >= 0 && y >= 0 && x < pool.width && y < pool.height ? { x, y } : null;
  };
  /** The pair in the middle of what a cell stands for. */
  const cellOf = ({ x, y }) => {
    const i = Math.min(grid.buys.length - 1, x * pool.bx + (pool.bx >> 1));
    const j = Math.min(grid.sells.length - 1, y * pool.by + (pool.by >> 1));
    return i * grid.sells.length + j;
  };
  const openAt = (spot) => {
    const row = spot ? grid.row[cellOf(spot)] : -1;
    if (row >= 0) open(columns.buyWindow[row], columns.sellWindow[row]);
  };
  const key = (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (event.key === "Enter" || event.key === " ") openAt(at);
    else if (!dx && !dy) return;
    event.preventDefault();
    const from = at ?? { x: 0, y: 0 };
    if (dx || dy) setAt(at ? { x: Math.min(pool.width - 1, Math.max(0, from.x + dx)), y: Math.min(pool.height - 1, Math.max(0, from.y + dy)) } : from);
  };
  const touched = useRef(null);
  const click = (event) => {
    const spot = place(event);
    // A finger has no hover: its first tap reads, its second on the same cell opens.
    const same = touched.current && spot && touched.current.x === spot.x && touched.current.y === spot.y;
    if (event.pointerType === "touch" && !same) {
      touched.current = spot;
      setAt(spot);
    } else openAt(spot);
  };
  const row = at ? grid.row[cellOf(at)] : -1;
  const many = pool.bx > 1 || pool.by > 1;
  return html`<div class="heatmap" ref=${holder}>
    <p class="readout small muted" aria-live="polite">${row >= 0
      ? html`<span>buy below <strong>${columns.buyWindow[row]}</strong></span><span>sell above <strong>${columns.sellWindow[row]}</strong></span>
          <span>${title} ${show(pool.values[at.x * pool.height + at.y])}${many ? " (median here)" : ""}</span><span>return ${signed(columns.totalReturn[row])}</span>
          <span>Sharpe ${number(columns.sharpe[row])}</span><span>drawdown ${percent(columns.maxDrawdown[row])}</span><span>${count(columns.tradeCount[row])} trades</span>`
      : matchMedia("(hover: none)").matches
        ? "Tap a cell for its figures, and once more for the backtest."
        : "Point at a cell for its figures; click it for the backtest."}</p>
    <canvas ref=${canvas} tabindex="0" role="application" aria-roledescription="heatmap" aria-label=${`${label}. Arrows move from cell to cell, Enter opens one as a backtest.`}
      onPointerMove=${(e) => e.pointerType !== "touch" && setAt(place(e))} onPointerLeave=${(e) => e.pointerType !== "touch" && setAt(null)} onClick=${click} onKeyDown=${key}></canvas>
    <${Legend} scale=${scale} show=${show} />
    ${many && html`<p class="small muted">A cell of the map stands for ${pool.bx} × ${pool.by} pairs and shows their median.</p>`}
  </div>`;
}
