//! The charts of a prediction.

use super::canvas::{DrawError, Look, Mark, Plot, draw};
use super::{amount_mark, ends};
use crate::report::PredictionReport;

const HEIGHT: i32 = 600;

/// Recent closes, the expected ones, both bands, and what happened where that's known.
///
/// # Errors
/// When the drawing library refuses.
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
        let plot = Plot::whole(canvas, HEIGHT, (from, to), range);
        plot.y_axis(amount_mark)?;
        plot.y_name(&report.symbol.unit())?;
        plot.dates()?;
        let start = (origin, report.close, report.close);
        let banded = |lower: fn(&super::super::prediction::ReportPoint) -> (f64, f64)| -> Vec<(f64, f64, f64)> {
            let days = report.days.iter().zip(&report.points);
            std::iter::once(start)
                .chain(days.map(|(&d, point)| (f64::from(d), lower(point).0, lower(point).1)))
                .collect()
        };
        plot.band(&banded(|point| (point.lower95, point.upper95)), p.first, 0.16)?;
        plot.band(&banded(|point| (point.lower80, point.upper80)), p.first, 0.24)?;
        plot.line(report.recent.iter().map(|&(d, close)| (f64::from(d), Some(close))), p.ink, 3)?;
        let expected = report.days.iter().zip(&report.points).map(|(&d, point)| (f64::from(d), Some(point.value)));
        plot.line(std::iter::once((origin, Some(report.close))).chain(expected), p.first, 4)?;
        let happened: Vec<_> = report
            .days
            .iter()
            .zip(&report.points)
            .filter_map(|(&d, point)| Some((f64::from(d), Some(point.actual?))))
            .collect();
        let mut legend = vec![
            (Mark::Line(p.ink), "Close".to_owned()),
            (Mark::Line(p.first), "Expected".to_owned()),
            (Mark::Area(p.first, 0.40), "80 %".to_owned()),
            (Mark::Area(p.first, 0.16), "95 %".to_owned()),
        ];
        if !happened.is_empty() {
            plot.line(std::iter::once((origin, Some(report.close))).chain(happened), p.second, 4)?;
            legend.push((Mark::Line(p.second), "What happened".to_owned()));
        }
        canvas.legend(&legend)
    })
}

/// What was expected against what happened, a dot a day; on the diagonal both are the same.
///
/// # Errors
/// When the drawing library refuses.
pub fn against_actual(report: &PredictionReport, look: Look) -> Result<String, DrawError> {
    let known: Vec<(f64, f64)> = report.points.iter().filter_map(|p| Some((p.value, p.actual?))).collect();
    let description = format!("Expected close against the actual one for {} days that are over.", known.len());
    draw(HEIGHT, look, "Predicted against actual", &description, |canvas| {
        let p = canvas.palette;
        let range = ends(known.iter().flat_map(|&(value, actual)| [value, actual]).chain([report.close]));
        let plot = Plot::whole(canvas, HEIGHT, range, range);
        plot.y_axis(amount_mark)?;
        plot.y_name(&format!("actual, {}", report.symbol.unit()))?;
        plot.x_axis(amount_mark)?;
        plot.line([(range.0, Some(range.0)), (range.1, Some(range.1))].into_iter(), p.muted, 2)?;
        for &(value, actual) in &known {
            canvas.dot((plot.px(value), plot.py(actual)), 7, p.first)?;
        }
        let note =
            if known.is_empty() { "No predicted day is over yet" } else { "A day; along the line both are equal" };
        canvas.legend(&[(Mark::Dot(p.first), format!("{note} (across: expected)"))])
    })
}
