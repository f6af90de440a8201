//! A symbol's prices.

use super::canvas::{DrawError, Look, draw};
use super::plot::Plot;
use super::{amount_mark, ends};
use crate::market::{Adjustment, Columns, day};

/// Closes over time.
pub fn prices(
    columns: &Columns,
    title: &str,
    unit: &str,
    adjustment: Adjustment,
    look: Look,
) -> Result<String, DrawError> {
    let height = 560;
    let first = columns.days.first().copied().unwrap_or(0);
    let last = columns.days.last().copied().unwrap_or(1);
    let description = format!("Closing price from {} to {}, {}.", day::iso(first), day::iso(last), adjustment.words());
    draw(height, look, title, &description, |canvas| {
        let p = canvas.palette;
        let mut plot = Plot::whole(canvas, height, (first.into(), last.into()), ends(columns.close.iter().copied()));
        plot.y_axis(amount_mark)?;
        let kind = if adjustment == Adjustment::None { "Close, as traded" } else { "Close, adjusted" };
        plot.y_name(&if unit.is_empty() { kind.to_owned() } else { format!("{kind}, {unit}") })?;
        plot.dates()?;
        plot.line(columns.days.iter().zip(&columns.close).map(|(&d, &c)| (f64::from(d), Some(c))), p.first, 3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_days(days: &[&str], adjustment: Adjustment) -> String {
        let days: Vec<_> = days.iter().map(|text| day::parse_iso(text).expect("a date")).collect();
        let close = vec![100.0; days.len()];
        let columns = Columns { days, close, ..Columns::default() };
        prices(&columns, "ACME", "", adjustment, Look::default()).expect("a chart")
    }

    #[test]
    fn a_chart_says_what_its_prices_are_adjusted_for() {
        for (adjustment, words) in [
            (Adjustment::None, "as traded."),
            (Adjustment::Splits, "adjusted for splits."),
            (Adjustment::TotalReturn, "adjusted for splits and dividends."),
        ] {
            let said = format!("Closing price from 2024-01-02 to 2024-01-03, {words}");
            assert!(of_days(&["2024-01-02", "2024-01-03"], adjustment).contains(&said), "{adjustment:?}");
        }
    }

    #[test]
    fn a_single_day_is_labelled_as_itself() {
        let svg = of_days(&["2024-03-15"], Adjustment::None);
        assert!(svg.contains("15 Mar") && !svg.contains("14 Mar"), "{svg}");
    }
}
