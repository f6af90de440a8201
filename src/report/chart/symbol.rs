//! A symbol's prices.

use super::canvas::{DrawError, Look, draw};
use super::plot::Plot;
use super::{amount_mark, ends};
use crate::market::{Columns, day};

/// Closes over time.
pub fn prices(columns: &Columns, title: &str, unit: &str, adjusted: bool, look: Look) -> Result<String, DrawError> {
    let height = 560;
    let first = columns.days.first().copied().unwrap_or(0);
    let last = columns.days.last().copied().unwrap_or(1);
    let description = format!(
        "Closing price from {} to {}, {}.",
        day::iso(first),
        day::iso(last),
        if adjusted { "adjusted for splits and dividends" } else { "as traded" }
    );
    draw(height, look, title, &description, |canvas| {
        let p = canvas.palette;
        let mut plot = Plot::whole(canvas, height, (first.into(), last.into()), ends(columns.close.iter().copied()));
        plot.y_axis(amount_mark)?;
        let kind = if adjusted { "Close, adjusted" } else { "Close, as traded" };
        plot.y_name(&if unit.is_empty() { kind.to_owned() } else { format!("{kind}, {unit}") })?;
        plot.dates()?;
        plot.line(columns.days.iter().zip(&columns.close).map(|(&d, &c)| (f64::from(d), Some(c))), p.first, 3)
    })
}
