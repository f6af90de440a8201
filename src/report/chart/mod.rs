//! Charts as SVG, drawn with plotters: legible in print and on screen, in a light and a dark theme, with a title and a
//! description for screen readers. Pure functions of what is to be shown.

mod backtest;
mod canvas;
mod monthly;
mod plot;
mod prediction;
mod sweep;
mod symbol;
mod theme;
mod ticks;

pub use backtest::{distribution, drawdown, equity, price, rolling};
pub(super) use canvas::SCREEN_FONTS;
pub use canvas::{DrawError, Look};
pub use monthly::monthly;
pub(super) use monthly::{monthly_of, sheets_of_years};
pub use prediction::{coverage, error_by_day, fan, what_happened};
pub use sweep::heatmap;
pub use symbol::prices;
pub use theme::Theme;

/// A ratio as percent, with as many decimals as it needs.
fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let rounded = (value * 10.0).round() / 10.0;
    let places = usize::from((rounded - rounded.round()).abs() >= 1e-9);
    format!("{} %", fixed(rounded, places))
}

/// How many decimals tell numbers apart that are a step of 1, 2, 2.5 or 5 times a power of ten apart.
fn decimals(step: f64) -> usize {
    let whole = |&places: &usize| {
        let scaled = step * 10.0_f64.powi(places as i32);
        (scaled - scaled.round()).abs() < 1e-6 && scaled.round() >= 1.0
    };
    (0..=12).find(whole).unwrap_or(2)
}

/// A number of so many decimals, without those that say nothing and without a sign on zero.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    // A real minus sign, as in the text around the chart.
    if text == "-0" { "0".to_owned() } else { text.replace('-', "−") }
}

/// A ratio as percent on an axis with marks `step` apart.
fn percent_mark(ratio: f64, step: f64) -> String {
    format!("{} %", fixed(ratio * 100.0, decimals(step * 100.0)))
}

/// Money or a price on an axis with marks `step` apart, shortened where it's large.
fn amount_mark(value: f64, step: f64) -> String {
    let size = value.abs();
    let (unit, name) = match size {
        1e9.. => (1e9, "bn"),
        1e6.. => (1e6, "m"),
        1e4.. => (1e3, "k"),
        _ => (1.0, ""),
    };
    let places = decimals(step / unit);
    // What is long in print takes a power of ten.
    if size >= 1e15 || size > 0.0 && (places > 5 || step < 1e-12) {
        let digits = (size.log10().floor() - step.log10().floor() + 1.0).clamp(0.0, 6.0) as usize;
        return format!("{value:.digits$e}").replace('-', "−");
    }
    format!("{}{name}", fixed(value / unit, places))
}

/// Up to two decimals.
fn trimmed(value: f64) -> String {
    fixed(value, 2)
}

/// The ends of finite values, with a little room.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    // What hardly moves is a line in the middle, with a scale that has something to say.
    let middle = f64::midpoint(low, high);
    let least = if middle == 0.0 { 0.5 } else { middle.abs() * 0.0025 };
    if high - low < 2.0 * least && (low > 0.0 || high < 0.0 || low == high) {
        return (middle - least, middle + least);
    }
    let room = (high - low) * 0.04;
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Adjustment, Columns};
    use proptest::prelude::*;

    #[test]
    fn marks_say_what_they_stand_for() {
        assert_eq!(percent_mark(-0.0004, 0.0002), "−0.04 %");
        assert_eq!((percent_mark(-0.0, 0.05), percent_mark(-1e-18, 0.05)), ("0 %".to_owned(), "0 %".to_owned()));
        assert_eq!(amount_mark(100.02, 0.02), "100.02");
        assert_eq!((amount_mark(12_500.0, 500.0), amount_mark(2e6, 1e6)), ("12.5k".to_owned(), "2m".to_owned()));
        assert_eq!((amount_mark(10_000.0, 5.0), amount_mark(10_005.0, 5.0)), ("10k".to_owned(), "10.005k".to_owned()));
        assert_eq!(amount_mark(1.25e-7, 5e-9), "1.250e−7");
        assert_eq!(ends([100.0; 4].into_iter()), (99.75, 100.25));
    }

    #[test]
    fn long_marks_stay_on_the_sheet() {
        let columns = Columns { days: (0..50).collect(), close: vec![0.0001; 50], ..Columns::default() };
        let look = Look { theme: Theme::Light, width: 1_200, titled: true };
        let svg = prices(&columns, "Tiny", "", Adjustment::None, look).expect("a chart");
        let at_right = |text: &str| {
            let (x, rest) = text.split_once('"')?;
            let mark = rest.split_once('>')?.1.split('<').next()?.trim().to_owned();
            rest.contains("text-anchor=\"end\"").then_some((x.parse::<i32>().ok()?, mark))
        };
        let marks: Vec<(i32, String)> = svg.split("<text x=\"").skip(1).filter_map(at_right).collect();
        let fits = |(x, mark): &(i32, String)| *x >= canvas::text_width(mark, canvas::SMALL);
        assert!(marks.len() >= 3 && marks.iter().all(fits), "{marks:?}");
        assert!(marks.iter().any(|(_, mark)| mark.len() > 8), "{marks:?}");
    }

    proptest! {
        #[test]
        fn marks_of_an_axis_differ(
            low in -1e6..1e6_f64, power in -8..9_i32, span in prop_oneof![Just(0.0), 0.0..1e-6_f64, 0.0..10.0_f64],
            wanted in 2..12_usize,
        ) {
            let low = low * 10.0_f64.powi(power);
            let (from, to) = ends([low, low + low.abs() * span].into_iter());
            prop_assert!(to > from);
            let (values, step) = ticks::numbers(from, to, wanted);
            prop_assert!(!values.is_empty());
            for label in [percent_mark, amount_mark] {
                let labels: Vec<String> = values.iter().map(|&v| label(v, step)).collect();
                let different: std::collections::HashSet<&String> = labels.iter().collect();
                // Percent are of ratios, which aren't as large or as small as prices can be.
                let sane = label(1.0, 1.0) == "1" || (1e-6..1e6).contains(&low.abs()) && step > 1e-9;
                prop_assert!(!sane || different.len() == labels.len(), "{labels:?}");
                prop_assert!(labels.iter().all(|l| !l.contains('-') && !l.starts_with("−0 ") && l != "−0"));
            }
        }
    }
}
