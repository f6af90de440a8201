//! Round places on a scale.

use chrono::{Datelike, NaiveDate};

use crate::market::{Day, day};

/// Round numbers between two ends, about so many, and how far they are apart: 1, 2, 2.5 or 5 times a power of ten.
pub fn numbers(from: f64, to: f64, wanted: usize) -> (Vec<f64>, f64) {
    let rough = (to - from) / wanted.max(1) as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return (vec![from], from.abs().max(1.0));
    }
    let power = 10.0_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|s| s * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    ((first..=last).map(|n| n as f64 * step).collect(), step)
}

/// Round numbers of a logarithmic scale, each with the step that its decimals are of: 1, 2 and 5 times powers of ten, or
/// evenly spaced ones where the scale has few of those.
pub fn ratios(from: f64, to: f64, wanted: usize) -> Vec<(f64, f64)> {
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let of = |multiples: &[f64]| -> Vec<(f64, f64)> {
        let each = |power: i32| multiples.iter().map(move |m| (m * 10.0_f64.powi(power), 10.0_f64.powi(power)));
        powers.clone().flat_map(each).filter(|(value, _)| (from..=to).contains(value)).collect()
    };
    for multiples in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0][..], &[1.0][..]] {
        let found = of(multiples);
        if found.len() < 3 {
            break;
        }
        if found.len() <= wanted.max(3) + 1 {
            return found;
        }
    }
    // Where even the powers of ten are too many, every second, third and so on: evenly spaced ones would all be at the
    // upper end.
    let tens = of(&[1.0]);
    let most = wanted.max(3) + 1;
    if tens.len() > most {
        let every = tens.len().div_ceil(most) as i32;
        return tens.into_iter().filter(|(value, _)| (value.log10().round() as i32).rem_euclid(every) == 0).collect();
    }
    let (values, step) = numbers(from, to, wanted);
    values.into_iter().map(|value| (value, step)).collect()
}

/// First days of years, quarters, months or weeks between two ends, at most so many, with what to call them.
pub fn dates(from: Day, to: Day, most: usize) -> Vec<(Day, String)> {
    let start = day::to_date(from);
    let months = ((to - from) / 30).max(1) as usize;
    if months <= 2 {
        let step = ((to - from) as usize / most).max(1) as i32;
        return (from..=to)
            .step_by(step.max(7) as usize)
            .map(|d| (d, day::to_date(d).format("%-d %b").to_string()))
            .collect();
    }
    let step = [1, 2, 3, 6, 12, 24, 60, 120, 240].into_iter().find(|step| months / step <= most).unwrap_or(600);
    let mut ticks = Vec::new();
    let mut month = start.year() * 12 + start.month0() as i32;
    let step = step as i32;
    month += (step - month.rem_euclid(step)).rem_euclid(step);
    while let Some(first) = NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1) {
        let d = day::from_date(first);
        if d > to {
            break;
        }
        if d >= from {
            let label = if step >= 12 || first.month() == 1 { first.format("%Y") } else { first.format("%b %y") };
            ticks.push((d, label.to_string()));
        }
        month += step;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_round_and_as_many_as_fit() {
        let values = |from, to, wanted| ratios(from, to, wanted).into_iter().map(|(v, _)| v).collect::<Vec<_>>();
        assert_eq!(values(900.0, 60_000.0, 7), [1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0, 50_000.0]);
        assert_eq!(values(0.9, 1100.0, 4), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(values(21.0, 90.0, 4), [40.0, 60.0, 80.0], "too few powers of ten");
    }

    #[test]
    fn marks_of_many_decades_are_evenly_spread() {
        let powers = |from, to, wanted| -> Vec<i32> {
            let marks = ratios(from, to, wanted);
            assert!(marks.iter().all(|&(value, step)| value.to_bits() == step.to_bits()), "{marks:?}");
            marks.iter().map(|(value, _)| value.log10().round() as i32).collect()
        };
        assert_eq!(powers(0.9, 2_f64.powi(30), 6), [0, 2, 4, 6, 8]);
        assert_eq!(powers(1e-40, 1.1e4, 6), [-35, -28, -21, -14, -7, 0]);
        for decades in 5..300 {
            let marks = powers(0.9 * 10.0_f64.powi(-decades), 1.1, 6);
            let apart: Vec<i32> = marks.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!((3..=7).contains(&marks.len()) && apart.iter().all(|gap| *gap == apart[0]), "{marks:?}");
        }
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(numbers(0.0, 10.0, 5), (vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 2.0));
        assert_eq!(numbers(-0.13, 0.07, 4), (vec![-0.1, -0.05, 0.0, 0.05], 0.05));
        assert_eq!(numbers(3.0, 3.0, 4), (vec![3.0], 3.0));
        let label = |from: &str, to: &str| -> Vec<String> {
            let d = |text| day::parse_iso(text).expect("a date");
            dates(d(from), d(to), 9).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(
            label("2004-08-19", "2013-03-01"),
            ["2005", "2006", "2007", "2008", "2009", "2010", "2011", "2012", "2013"]
        );
        assert_eq!(label("2012-11-05", "2013-03-01"), ["Dec 12", "2013", "Feb 13", "Mar 13"]);
        assert_eq!(label("2013-03-01", "2013-03-20"), ["1 Mar", "8 Mar", "15 Mar"]);
    }
}
