//! The heatmap of a sweep.

use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Canvas, DrawError, Look, SMALL, draw};
use super::{percent, ticks, trimmed};
use crate::backtest::{Sweep, SweepMetric, WindowRange};

const HEIGHT: i32 = 1_000;
/// Cells a side at most; beyond, a cell stands for the median of several pairs: the best of them would brighten the map
/// where many were tried.
const MOST_CELLS: usize = 120;
/// Steps of the scale beside the map.
const SCALE_STEPS: usize = 60;

/// Where the map is on the sheet.
#[derive(Clone, Copy)]
struct Frame {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

/// The values, and what their colours mean.
struct Field<'a> {
    sweep: &'a Sweep,
    values: &'a [f64],
    by: SweepMetric,
    low: f64,
    high: f64,
}

impl<'a> Field<'a> {
    fn new(sweep: &'a Sweep, by: SweepMetric) -> Self {
        let values = match by {
            SweepMetric::TotalReturn => &sweep.total_return,
            SweepMetric::Sharpe => &sweep.sharpe,
            SweepMetric::MaxDrawdown => &sweep.max_drawdown,
        };
        let finite = values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (0.0, 0.0) } else { (low, high) };
        Self { sweep, values, by, low, high }
    }

    /// Losses one way and gains the other from zero; what can only be a loss goes from none to the deepest.
    fn colour(&self, canvas: &Canvas<'_>, value: f64) -> RGBColor {
        let share = value / self.low.abs().max(self.high.abs()).max(1e-9);
        match self.by {
            SweepMetric::MaxDrawdown => canvas.palette.sequential(canvas.palette.hold, -share),
            SweepMetric::TotalReturn | SweepMetric::Sharpe => canvas.palette.diverging(share),
        }
    }

    fn label(&self, value: f64) -> String {
        if self.by == SweepMetric::Sharpe { trimmed(value) } else { percent(value) }
    }

    /// The median of the pairs that a cell stands for.
    fn cell(&self, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Option<f64> {
        let (buys, sells) = (self.sweep.buy.count(), self.sweep.sell.count());
        let part = |i: usize, of: usize, count: usize| i * count / of..((i + 1) * count / of).max(i * count / of + 1);
        let mut values: Vec<f64> = part(row, rows, buys)
            .flat_map(|buy| part(column, columns, sells).map(move |sell| buy * sells + sell))
            .filter_map(|i| self.values.get(i).copied())
            .filter(|v| v.is_finite())
            .collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            n if n % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
    }
}

/// The place of the i-th of so many parts of a stretch.
fn edge(i: usize, of: usize, from: i32, to: i32) -> i32 {
    from + (i as i64 * i64::from(to - from) / of.max(1) as i64) as i32
}

/// The value of every pair of windows: the buy window upwards, the sell window to the right.
pub fn heatmap(sweep: &Sweep, by: SweepMetric, ticker: &str, look: Look) -> Result<String, DrawError> {
    let name = match by {
        SweepMetric::TotalReturn => "total return",
        SweepMetric::Sharpe => "Sharpe ratio",
        SweepMetric::MaxDrawdown => "maximum drawdown",
    };
    let field = Field::new(sweep, by);
    let best = sweep.best(by, 1).into_iter().next();
    let description = format!(
        "{name} of {} pairs of windows on {ticker}; the best buys below the {}-day and sells above the {}-day average.",
        field.values.len(),
        best.as_ref().map_or(0, |b| b.buy_window),
        best.as_ref().map_or(0, |b| b.sell_window)
    );
    draw(HEIGHT, look, &format!("{ticker}: {name} by windows"), &description, |canvas| {
        let frame = Frame { left: 128, right: canvas.width - 190, top: 72, bottom: HEIGHT - 96 };
        map(canvas, &field, frame)?;
        if let Some(best) = &best {
            outline(canvas, sweep, (best.buy_window, best.sell_window), frame)?;
        }
        windows(canvas, sweep, frame)?;
        scale(canvas, &field, frame)
    })
}

fn map(canvas: &Canvas<'_>, field: &Field<'_>, frame: Frame) -> Result<(), DrawError> {
    let (rows, columns) = (field.sweep.buy.count().min(MOST_CELLS), field.sweep.sell.count().min(MOST_CELLS));
    for row in 0..rows {
        for column in 0..columns {
            let Some(value) = field.cell((row, rows), (column, columns)) else { continue };
            let x = |i: usize| edge(i, columns, frame.left, frame.right);
            let y = |i: usize| edge(rows - i, rows, frame.top, frame.bottom);
            // Over the edge into the next, which covers it: between small cells the ground would shimmer through.
            let to = ((x(column + 1) + 1).min(frame.right), y(row));
            let from = (x(column), (y(row + 1) - 1).max(frame.top));
            canvas.rectangle(from, to, field.colour(canvas, value), 1.0)?;
        }
    }
    Ok(())
}

/// A frame around the best pair's cell.
fn outline(canvas: &Canvas<'_>, sweep: &Sweep, (buy, sell): (usize, usize), frame: Frame) -> Result<(), DrawError> {
    let cell = |window: usize, range: WindowRange| {
        let count = range.count();
        let cells = count.min(MOST_CELLS);
        (window.saturating_sub(range.from) / range.step.max(1) * cells / count.max(1), cells)
    };
    let ((row, rows), (column, columns)) = (cell(buy, sweep.buy), cell(sell, sweep.sell));
    let x = |i: usize| edge(i, columns, frame.left, frame.right);
    let y = |i: usize| edge(rows - i, rows, frame.top, frame.bottom);
    let (left, right, top, bottom) = (x(column) - 2, x(column + 1) + 2, y(row + 1) - 2, y(row) + 2);
    let around = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    canvas.path(around, canvas.palette.ink, 4)
}

/// The windows along both sides.
fn windows(canvas: &Canvas<'_>, sweep: &Sweep, frame: Frame) -> Result<(), DrawError> {
    let muted = canvas.palette.muted;
    let places = |window: WindowRange| {
        let (from, to, step) = (window.from as f64, window.to as f64, window.step as f64);
        let length = window.count() as f64 * step;
        let whole = ticks::numbers(from, to, 8).0.into_iter().filter(|tick| tick.fract() == 0.0);
        whole.map(move |tick| (tick, (tick - from + 0.5 * step) / length))
    };
    for (tick, share) in places(sweep.sell) {
        let x = frame.left + (f64::from(frame.right - frame.left) * share) as i32;
        let anchor = (HPos::Center, VPos::Top);
        canvas.write(&format!("{tick:.0}"), (x, frame.bottom + 12), SMALL, false, muted, anchor)?;
    }
    for (tick, share) in places(sweep.buy) {
        let y = frame.bottom - (f64::from(frame.bottom - frame.top) * share) as i32;
        let anchor = (HPos::Right, VPos::Center);
        canvas.write(&format!("{tick:.0}"), (frame.left - 12, y), SMALL, false, muted, anchor)?;
    }
    let (upwards, across) = if canvas.is_narrow() {
        ("buys below, days", "sells above, days")
    } else {
        ("buys below the average of so many days", "sells above the average of so many days")
    };
    canvas.write_upwards(upwards, (34, i32::midpoint(frame.top, frame.bottom)), muted)?;
    let under = (i32::midpoint(frame.left, frame.right), frame.bottom + 50);
    canvas.write(across, under, SMALL, false, muted, (HPos::Center, VPos::Top))
}

/// What the colours mean.
fn scale(canvas: &Canvas<'_>, field: &Field<'_>, frame: Frame) -> Result<(), DrawError> {
    let left = frame.right + 30;
    for i in 0..SCALE_STEPS {
        let value = field.low + (field.high - field.low) * i as f64 / (SCALE_STEPS - 1) as f64;
        let y = |step: usize| edge(SCALE_STEPS - step, SCALE_STEPS, frame.top, frame.bottom);
        // Into the next step, as on the map.
        let top = (y(i + 1) - 1).max(frame.top);
        canvas.rectangle((left, top), (left + 34, y(i)), field.colour(canvas, value), 1.0)?;
    }
    // Zero stands where it is, and the ends where they don't cover it.
    let height = f64::from(frame.bottom - frame.top);
    let place = |value: f64| frame.bottom - ((value - field.low) / (field.high - field.low).max(1e-12) * height) as i32;
    let zero = (field.low < 0.0 && field.high > 0.0).then(|| (0.0, place(0.0)));
    let middle = (f64::midpoint(field.low, field.high), i32::midpoint(frame.top, frame.bottom));
    let ends = [(field.high, frame.top + 10), (field.low, frame.bottom - 10)];
    let apart = |y: i32| ends.iter().all(|end| (end.1 - y).abs() > 30);
    let between = zero.unwrap_or(middle);
    let mut written: Vec<String> = Vec::new();
    for (value, y) in ends.into_iter().chain(Some(between).filter(|between| apart(between.1))) {
        let label = field.label(value);
        // Where all is the same, one mark says so.
        if written.contains(&label) {
            continue;
        }
        canvas.write(&label, (left + 44, y), SMALL, false, canvas.palette.muted, (HPos::Left, VPos::Center))?;
        written.push(label);
    }
    if zero.is_some() {
        canvas.path(vec![(left, between.1), (left + 34, between.1)], canvas.palette.ink, 2)?;
    }
    Ok(())
}
