// Indicators of the API beside a series: asked for by the operand, drawn over the price or in a pane of their own.

import { LineSeries, LineStyle } from "./vendor/lightweight-charts.js";
import { caption, colour, KEYS } from "./chartkit.js";
import { number } from "./format.js";
import { operandName } from "./strategy.js";

const literal = (value) => {
  if (typeof value !== "object") return String(value);
  return `{ ${Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`).join(", ")} }`;
};
const kindOf = (operand) => Object.keys(operand)[0];
// Lines in one pane are told apart without their colour as well.
const DASHES = [LineStyle.Solid, LineStyle.Dashed, LineStyle.Dotted, LineStyle.LargeDashed, LineStyle.SparseDotted];
const OVER = ["sma", "ema", "highest", "lowest", "bollingerLower", "bollingerUpper"];
export const isDrawn = (operand) => !["price", "constant"].includes(kindOf(operand));

/** The part of a query that asks for these. */
export const asking = (operands) => operands.map((operand, i) => `i${i}: indicator(by: ${literal(operand)})`).join(" ");

/** Indicators of a symbol between two dates, as maps from date to value. */
export async function indicatorsOf({ ticker, from, to, adjustment, operands }, source) {
  if (!operands.length) return [];
  const query = `query($t: String!, $from: Date, $to: Date, $adjustment: Adjustment!) { symbol(ticker: $t) { series(from: $from, to: $to, adjustment: $adjustment) { dates ${asking(operands)} } } }`;
  const series = (await source.ask(query, { t: ticker, from, to, adjustment })).symbol?.series;
  if (!series) return [];
  return operands.map((_, i) => new Map(series.dates.map((day, n) => [day, series[`i${i}`][n]])));
}

/** Labels of an axis, but those that a level's own would cover. */
const uncovered = (line, levels) => (ticks) => {
  const taken = levels.map((level) => line.priceToCoordinate(level));
  return ticks.map((tick) => (taken.some((at) => at !== null && Math.abs(at - line.priceToCoordinate(tick)) < 16) ? "" : number(tick)));
};

/**
 * Draws operands with their values by place. Those on the price's scale go into its pane, others into panes from `next` on.
 * Gives the lines as {name, key, values} and how many panes were added; `levels` are numbers that an operand is compared with.
 */
export function draw(chart, dates, operands, values, next, levels = () => []) {
  const panes = [];
  const lines = operands.map((operand, i) => {
    const over = OVER.includes(kindOf(operand));
    const group = kindOf(operand).startsWith("macd") ? "macd" : kindOf(operand);
    if (!over && !panes.includes(group)) panes.push(group);
    const pane = over ? 0 : next + panes.indexOf(group);
    const key = i % KEYS.length;
    const line = chart.addSeries(LineSeries, { color: colour(KEYS[key]), lineWidth: over ? 1 : 2, lineStyle: DASHES[i % DASHES.length], lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false }, pane);
    line.setData(dates.map((time, n) => (values[i]?.[n] === null || values[i]?.[n] === undefined ? { time } : { time, value: values[i][n] })));
    const marked = levels(operand);
    if (marked.length) line.applyOptions({ priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => number(value), tickmarksFormatter: uncovered(line, marked) } });
    for (const price of marked) line.createPriceLine({ price, color: colour("--muted"), lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true });
    return { name: operandName(operand), key, values: values[i] ?? [], pane, series: line };
  });
  for (const [n, group] of panes.entries()) {
    const named = lines.filter((line) => line.pane === next + n).map((line) => line.name);
    const pane = chart.panes()[next + n];
    caption(pane, named.join(", "));
    pane.setStretchFactor(0.28);
    // Below its name.
    lines.find((line) => line.pane === next + n).series.priceScale().applyOptions({ scaleMargins: { top: 0.26, bottom: 0.08 } });
  }
  return { lines, panes: panes.length };
}
