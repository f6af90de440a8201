//! The heatmap of a sweep.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{DrawError, SMALL, WIDTH, draw};
use super::theme::Theme;
use super::{percent, ticks, trimmed};
use crate::backtest::{Sweep, SweepMetric};

/// Cells a side at most; beyond, a cell stands for the best of several pairs.
const MOST_CELLS: usize = 120;

/// The value of every pair of windows: the buy window upwards, the sell window to the right.
pub fn heatmap(sweep: &Sweep, by: SweepMetric, ticker: &str, theme: Theme) -> Result<String, DrawError> {
    let name = match by {
        SweepMetric::TotalReturn => "total return",
        SweepMetric::Sharpe => "Sharpe ratio",
        SweepMetric::MaxDrawdown => "maximum drawdown",
    };
    let values = match by {
        SweepMetric::TotalReturn => &sweep.total_return,
        SweepMetric::Sharpe => &sweep.sharpe,
        SweepMetric::MaxDrawdown => &sweep.max_drawdown,
    };
    let label = |v: f64| if by == SweepMetric::Sharpe { trimmed(v).replace('-', "−") } else { percent(v).replace('-', "−") };
    let (buys, sells) = (sweep.buy.count(), sweep.sell.count());
    let height = 1_000;
    let best = sweep.best(by, 1).into_iter().next();
    let description = format!(
        "{name} of {} pairs of windows on {ticker}; the best buys below the {}-day and sells above the {}-day average.",
        values.len(),
        best.as_ref().map_or(0, |b| b.buy_window),
        best.as_ref().map_or(0, |b| b.sell_window)
    );
    draw(height, theme, &format!("{ticker}: {name} by windows"), &description, |canvas| {
        let p = canvas.palette;
        let (left, right, top, bottom) = (128, WIDTH - 210, 112, height - 96);
        let (columns, rows) = (sells.min(MOST_CELLS), buys.min(MOST_CELLS));
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (0.0, 0.0) } else { (low, high) };
        // Around zero where it's crossed; else from one end to the other.
        let reach = low.abs().max(high.abs()).max(1e-9);
        let colour = |v: f64| {
            if low < 0.0 && high > 0.0 {
                p.diverging(v / reach)
            } else if high <= 0.0 {
                p.diverging(-(v / reach).abs())
            } else {
                p.diverging(v / reach)
            }
        };
        let edge = |i: usize, of: usize, from: i32, to: i32| from + (i as i64 * i64::from(to - from) / of as i64) as i32;
        for row in 0..rows {
            for column in 0..columns {
                let pairs = (row * buys / rows..((row + 1) * buys / rows).max(row * buys / rows + 1))
                    .flat_map(|b| (column * sells / columns..((column + 1) * sells / columns).max(column * sells / columns + 1)).map(move |s| b * sells + s));
                let value = pairs.filter_map(|i| values.get(i).copied()).filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
                let from = (edge(column, columns, left, right), edge(rows - row - 1, rows, top, bottom));
                let to = (edge(column + 1, columns, left, right), edge(rows - row, rows, top, bottom));
                if value.is_finite() {
                    canvas.rectangle(from, to, colour(value), 1.0)?;
                }
            }
        }
        for (axis, count, window) in [(true, sells, sweep.sell), (false, buys, sweep.buy)] {
            let span = (f64::from(window.from as i32), f64::from(window.to as i32));
            for tick in ticks::numbers(span.0, span.1, 8) {
                let share = (tick - span.0 + 0.5 * window.step as f64) / (count as f64 * window.step as f64);
                let text = format!("{tick:.0}");
                if axis {
                    let x = left + (f64::from(right - left) * share) as i32;
                    canvas.write(&text, (x, bottom + 12), SMALL, false, p.muted, (HPos::Center, VPos::Top))?;
                } else {
                    let y = bottom - (f64::from(bottom - top) * share) as i32;
                    canvas.write(&text, (left - 12, y), SMALL, false, p.muted, (HPos::Right, VPos::Center))?;
                }
            }
        }
        canvas.write("Buys below the average of so many days (upwards)", (24, 66), SMALL, false, p.muted, (HPos::Left, VPos::Top))?;
        let under = ((left + right) / 2, bottom + 50);
        canvas.write("Sells above the average of so many days", under, SMALL, false, p.muted, (HPos::Center, VPos::Top))?;
        // The scale.
        let (bar, steps) = (right + 36, 60);
        for i in 0..steps {
            let v = low + (high - low) * f64::from(i) / f64::from(steps - 1);
            let y = edge((steps - 1 - i) as usize, steps as usize, top, bottom);
            canvas.rectangle((bar, y), (bar + 34, edge((steps - i) as usize, steps as usize, top, bottom)), colour(v), 1.0)?;
        }
        for (v, y) in [(high, top + 10), ((low + high) / 2.0, (top + bottom) / 2), (low, bottom - 10)] {
            canvas.write(&label(v), (bar + 46, y), SMALL, false, p.muted, (HPos::Left, VPos::Center))?;
        }
        Ok(())
    })
}
