// Prices read from where the chart begins: as percentages, or as 100 beside another symbol. The library's own modes take each
// series' first value for its base, which sets an average off the prices that it's made of.

import { placeOf } from "./chartkit.js";
import { number, percent } from "./format.js";

/** Keeps the base at the left edge of what is seen. `series` read as prices do; `beside`, {line, dates, close}, starts where they do. */
export function rebase(chart, { dates, close }, series, beside) {
  let base = null;
  const say = beside ? (value) => number((value / base) * 100, 1) : (value) => percent(value / base - 1, 1);
  const look = () => {
    const from = chart.timeScale().getVisibleRange()?.from ?? dates[0];
    const next = close[Math.min(placeOf(dates, from), close.length - 1)];
    if (next === base || !next) return;
    base = next;
    if (beside) {
      const start = beside.close[placeOf(beside.dates, from)];
      beside.line.setData(beside.dates.map((time, i) => (start ? { time, value: (beside.close[i] / start) * base } : { time })));
    }
    // Given anew, since labels are remembered.
    const priceFormat = { type: "custom", minMove: 0.0001, formatter: (value) => say(value) };
    for (const of of series) of.applyOptions({ priceFormat });
    beside?.line.applyOptions({ priceFormat });
  };
  chart.timeScale().subscribeVisibleLogicalRangeChange(look);
  look();
}
