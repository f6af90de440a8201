//! A backtest's returns by month and year, as a table of colours.

use std::ops::Range;

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{DrawError, Look, SMALL, draw};
use crate::report::{BacktestReport, text};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Years that fit on a page, with each month's mean and the heading.
const YEARS_OF_A_SHEET: usize = 35;

/// The years in parts that fit on a page each; one part at least.
pub fn sheets_of_years(report: &BacktestReport) -> impl Iterator<Item = Range<usize>> + use<> {
    sheets(report.years.len())
}

fn sheets(years: usize) -> impl Iterator<Item = Range<usize>> {
    let count = years.div_ceil(YEARS_OF_A_SHEET).max(1);
    (0..count).map(move |sheet| sheet * YEARS_OF_A_SHEET..years.min((sheet + 1) * YEARS_OF_A_SHEET))
}

/// Returns by month, a row a year, and each month's mean.
pub fn monthly(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    monthly_of(report, 0..report.years.len(), look)
}

/// The same of some of the years; each month's mean, which is of all years, stands below the last.
pub fn monthly_of(report: &BacktestReport, part: Range<usize>, look: Look) -> Result<String, DrawError> {
    let (top, row) = (112, 42);
    let is_last = part.end >= report.years.len();
    let years = report.years.get(part).unwrap_or_default();
    let rows = years.len() as i32;
    let height = top + row * (rows + i32::from(is_last)) + 20;
    let mut description =
        "Return of the strategy in each month, a row a year, with the year's total and that of buying \
                           and holding beside it"
            .to_owned();
    description += if is_last { ", and each month's mean below." } else { "." };
    description += " A dot is a month out of the market.";
    if let (Some(first), Some(last)) = (years.first(), years.last())
        && years.len() < report.years.len()
    {
        description += &format!(" The years {} to {}.", first.year, last.year);
    }
    draw(height.max(200), look, "Monthly returns", &description, |canvas| {
        let p = canvas.palette;
        let all = || report.years.iter().flat_map(|year| year.months.iter().flatten());
        let reach = all().fold(0.0_f64, |most, r| most.max(r.abs())).max(0.005);
        let narrow = canvas.is_narrow();
        let left = if narrow { 76 } else { 104 };
        // What's left of the totals: one column where there's little room, else two.
        let cell = ((canvas.width - left - if narrow { 92 } else { 300 }) / 12).min(90);
        let total_at = left + 12 * cell + if narrow { 86 } else { 110 };
        let size = if narrow { 20 } else { 22 };
        let centre = |column: i32| left + column * cell + cell / 2;
        for (i, month) in MONTHS.iter().enumerate() {
            let name = if narrow { &month[..1] } else { month };
            canvas.write(name, (centre(i as i32), 76), SMALL, false, p.muted, (HPos::Center, VPos::Top))?;
        }
        canvas.write("%", (24, 76), SMALL, false, p.muted, (HPos::Left, VPos::Top))?;
        canvas.write("Year", (total_at, 76), SMALL, true, p.ink, (HPos::Right, VPos::Top))?;
        if !narrow {
            canvas.write("Buy & hold", (total_at + 160, 76), SMALL, false, p.hold, (HPos::Right, VPos::Top))?;
        }
        let short = |r: f64, room: f64| text::number_within(r * 100.0, usize::from(!narrow), room);
        // A little over its edges is read well: nothing else stands there.
        let in_cell = if narrow { 4.5 } else { 6.0 };
        let value = |month: usize, middle: i32, r: f64| {
            // The root makes small returns visible beside large ones.
            let colour = p.diverging((r.abs() / reach).min(1.0).sqrt() * 0.9 * r.signum());
            let x = left + month as i32 * cell;
            let half = row / 2;
            canvas.rectangle((x + 2, middle - half + 2), (x + cell - 2, middle + half - 2), colour, 1.0)?;
            let within = (HPos::Center, VPos::Center);
            canvas.write(&short(r, in_cell), (centre(month as i32), middle), size, false, p.on(colour), within)
        };
        let right = (HPos::Right, VPos::Center);
        for (i, year) in years.iter().enumerate() {
            let middle = top + i as i32 * row + row / 2;
            canvas.write(&year.year.to_string(), (left - 10, middle), SMALL, false, p.muted, right)?;
            for (month, r) in year.months.iter().enumerate() {
                match *r {
                    None => {}
                    // Nothing moves to the last bit only where nothing was held.
                    Some(0.0) => {
                        let at = (centre(month as i32), middle);
                        canvas.write("·", at, size, false, p.muted, (HPos::Center, VPos::Center))?;
                    }
                    Some(r) => value(month, middle, r)?,
                }
            }
            canvas.write(&short(year.total, 6.5), (total_at, middle), SMALL, true, p.ink, right)?;
            if !narrow {
                canvas.write(&short(year.buy_and_hold, 9.0), (total_at + 160, middle), SMALL, false, p.hold, right)?;
            }
        }
        if !is_last {
            return Ok(());
        }
        let middle = top + rows * row + row / 2 + 6;
        canvas.write("Mean", (left - 10, middle), SMALL, false, p.muted, right)?;
        for month in 0..12 {
            let known: Vec<f64> = report.years.iter().filter_map(|year| year.months[month]).collect();
            if !known.is_empty() {
                value(month, middle, known.iter().sum::<f64>() / known.len() as f64)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_year_is_on_one_sheet() {
        let ends = |years| sheets(years).map(|part| (part.start, part.end)).collect::<Vec<_>>();
        assert_eq!((ends(0), ends(35)), (vec![(0, 0)], vec![(0, 35)]));
        assert_eq!(ends(77), [(0, 35), (35, 70), (70, 77)]);
    }
}
