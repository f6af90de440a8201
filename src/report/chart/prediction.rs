//! The charts of a prediction.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Canvas, DrawError, Look, SMALL, draw};
use super::plot::Plot;
use super::{amount_mark, ends, percent, percent_mark};
use crate::report::PredictionReport;
use crate::report::prediction::ReportPoint;

const HEIGHT: i32 = 560;
const LOWER: i32 = 400;
const NO_CHANGE: &str = "No change";

/// Recent closes, both bands with the expected closes, and what happened where that's known.
pub fn fan(report: &PredictionReport, look: Look) -> Result<String, DrawError> {
    let title = format!("{}: forecast from {}", report.symbol.ticker, report.as_of);
    let last = report.points.last();
    let description = format!(
        "Closes up to {} at {:.2}; the forecast ends on {} at {:.2}, with 80 % of outcomes expected between {:.2} and {:.2}.",
        report.as_of,
        report.close,
        last.map_or("", |p| p.date.as_str()),
        last.map_or(0.0, |p| p.value),
        last.map_or(0.0, |p| p.lower80),
        last.map_or(0.0, |p| p.upper80)
    );
    draw(HEIGHT, look, &title, &description, |canvas| {
        let p = canvas.palette;
        let origin = f64::from(report.origin);
        let from = report.recent.first().map_or(origin, |(d, _)| f64::from(*d));
        let to = report.days.last().map_or(origin + 1.0, |&d| f64::from(d));
        let values = report.points.iter().flat_map(|point| [Some(point.lower95), Some(point.upper95), point.actual]);
        let range = ends(report.recent.iter().map(|(_, close)| *close).chain(values.flatten()));
        let happened: Vec<(f64, Option<f64>)> = report
            .days
            .iter()
            .zip(&report.points)
            .filter_map(|(&d, point)| Some((f64::from(d), Some(point.actual?))))
            .collect();
        let mut names = vec!["80 % within", "95 % within", "Expected", "Last close"];
        if !happened.is_empty() {
            names.push("What happened");
        }
        let mut plot = Plot::whole(canvas, HEIGHT, (from, to), range).naming(&names);
        plot.y_axis(amount_mark)?;
        plot.y_name(report.symbol.unit())?;
        plot.dates()?;
        let banded = |of: fn(&ReportPoint) -> (f64, f64)| -> Vec<(f64, f64, f64)> {
            let days = report.days.iter().zip(&report.points);
            let start = (origin, report.close, report.close);
            std::iter::once(start).chain(days.map(|(&d, point)| (f64::from(d), of(point).0, of(point).1))).collect()
        };
        plot.band(&banded(|point| (point.lower95, point.upper95)), p.first, 0.16)?;
        plot.band(&banded(|point| (point.lower80, point.upper80)), p.first, 0.24)?;
        // Where the past ends, and what "no change" would be.
        plot.dashes([(origin, range.0), (origin, range.1)].into_iter(), p.muted, 2)?;
        let as_of = (plot.px(origin) - 10, plot.py(range.1) + 4);
        canvas.write(&report.as_of, as_of, SMALL, false, p.muted, (HPos::Right, VPos::Top))?;
        plot.line([(origin, Some(report.close)), (to, Some(report.close))].into_iter(), p.hold, 2)?;
        plot.line(report.recent.iter().map(|&(d, close)| (f64::from(d), Some(close))), p.ink, 2)?;
        let expected = report.days.iter().zip(&report.points).map(|(&d, point)| (f64::from(d), point.value));
        plot.dashes(std::iter::once((origin, report.close)).chain(expected), p.first, 2)?;
        let end = last.map_or(f64::NAN, |point| point.value);
        let mut labels = vec![(end, "Expected", p.first), (report.close, "Last close", p.hold)];
        if let Some(last) = last {
            labels.push((last.upper80, "80 % within", p.first));
            labels.push((last.upper95, "95 % within", p.first));
        }
        if let Some(&(_, Some(now))) = happened.last() {
            plot.line(std::iter::once((origin, Some(report.close))).chain(happened.iter().copied()), p.ink, 3)?;
            labels.push((now, "What happened", p.ink));
        }
        plot.name_ends(&labels)
    })
}

/// A plot over the days of a horizon, with what each line counts.
fn by_day<'c, 'a>(
    canvas: &'c Canvas<'a>,
    days: usize,
    range: (f64, f64),
    names: &[&str],
) -> Result<Plot<'c, 'a>, DrawError> {
    let mut plot = Plot::whole(canvas, LOWER, (1.0, days.max(2) as f64), range).naming(names);
    plot.y_axis(percent_mark)?;
    plot.x_axis(|day, step| if step < 1.0 && day.fract() != 0.0 { String::new() } else { format!("day {day:.0}") })?;
    Ok(plot)
}

fn points(values: &[f64]) -> impl Iterator<Item = (f64, Option<f64>)> {
    values.iter().enumerate().map(|(i, &v)| ((i + 1) as f64, Some(v)))
}

fn nothing(canvas: &Canvas<'_>, sentence: &str) -> Result<(), DrawError> {
    let at = (canvas.width / 2, LOWER / 2);
    canvas.write(sentence, at, SMALL, false, canvas.palette.muted, (HPos::Center, VPos::Center))
}

/// Two lines of errors: ours, and those of "no change".
fn errors(canvas: &Canvas<'_>, name: &str, ours: &[f64], naive: &[f64]) -> Result<(), DrawError> {
    let p = canvas.palette;
    let most = ours.iter().chain(naive).copied().fold(0.001, f64::max);
    let plot = by_day(canvas, ours.len(), (0.0, most * 1.06), &["Forecast", NO_CHANGE])?;
    plot.y_name(name)?;
    plot.line(points(naive), p.hold, 2)?;
    plot.line(points(ours), p.first, 3)?;
    let end = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
    plot.name_ends(&[(end(ours), "Forecast", p.first), (end(naive), NO_CHANGE, p.hold)])
}

/// How far off the days that are over were, beside "no change".
pub fn what_happened(report: &PredictionReport, look: Look) -> Result<String, DrawError> {
    let known: Vec<(f64, f64)> = report.points.iter().filter_map(|point| Some((point.value, point.actual?))).collect();
    let off = |expected: f64, actual: f64| (expected - actual).abs() / report.close;
    let ours: Vec<f64> = known.iter().map(|&(value, actual)| off(value, actual)).collect();
    let naive: Vec<f64> = known.iter().map(|&(_, actual)| off(report.close, actual)).collect();
    let description = match (ours.last(), naive.last()) {
        (Some(ours), Some(naive)) => format!(
            "How far off each of {} days that are over was; on the last the forecast {}, \"no change\" {}.",
            known.len(),
            percent(*ours),
            percent(*naive)
        ),
        _ => "No predicted day is over yet.".to_owned(),
    };
    draw(LOWER, look, "How far off each day was", &description, |canvas| {
        if known.is_empty() {
            return nothing(canvas, "No predicted day is over yet");
        }
        errors(canvas, "Off by, of the last close", &ours, &naive)
    })
}

/// The mean error of past forecasts by the day ahead, beside "no change".
pub fn error_by_day(report: &PredictionReport, look: Look) -> Result<String, DrawError> {
    let ours: Vec<f64> = report.by_day.iter().map(|day| day.mae).collect();
    let naive: Vec<f64> = report.by_day.iter().map(|day| day.mae_naive).collect();
    let description = format!(
        "Mean error of {} past forecasts by the day ahead: on day {} {} of the price, {} for \"no change\".",
        report.evaluation.origins,
        ours.len(),
        percent(ours.last().copied().unwrap_or(0.0)),
        percent(naive.last().copied().unwrap_or(0.0))
    );
    draw(LOWER, look, "Error of past forecasts by day", &description, |canvas| {
        if ours.is_empty() {
            return nothing(canvas, "Not kept for forecasts as old as this one");
        }
        errors(canvas, "Off by on average, of the price", &ours, &naive)
    })
}

/// How many past closes were within the bands by the day ahead, beside what the bands promise.
pub fn coverage(report: &PredictionReport, look: Look) -> Result<String, DrawError> {
    let narrow: Vec<f64> = report.by_day.iter().map(|day| day.coverage80).collect();
    let wide: Vec<f64> = report.by_day.iter().map(|day| day.coverage95).collect();
    let description = format!(
        "Share of past closes within each band by the day ahead: on day {} {} within the 80 % band, {} within the 95 % one.",
        narrow.len(),
        percent(narrow.last().copied().unwrap_or(0.0)),
        percent(wide.last().copied().unwrap_or(0.0))
    );
    draw(LOWER, look, "Past closes within the bands by day", &description, |canvas| {
        let p = canvas.palette;
        if narrow.is_empty() {
            return nothing(canvas, "Not kept for forecasts as old as this one");
        }
        let least = narrow.iter().chain(&wide).copied().fold(0.7, f64::min);
        let plot = by_day(canvas, narrow.len(), ((least - 0.05).max(0.0), 1.0), &["80 % band", "95 % band"])?;
        plot.y_name("Closes within, and what was promised (dashed)")?;
        let to = narrow.len().max(2) as f64;
        for promised in [0.8, 0.95] {
            plot.dashes([(1.0, promised), (to, promised)].into_iter(), p.muted, 2)?;
        }
        plot.line(points(&narrow), p.first, 3)?;
        plot.line(points(&wide), p.first, 2)?;
        let end = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
        plot.name_ends(&[(end(&narrow), "80 % band", p.first), (end(&wide), "95 % band", p.first)])
    })
}
