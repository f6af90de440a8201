//! What a model's past forecasts of one symbol tell beyond their mean: each day ahead by itself, and how sure the skill is.

use serde::{Deserialize, Serialize};

/// The record of a model on one symbol's history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// A day ahead each.
    pub days: Vec<DayRecord>,
    /// Where the skill lies nineteen times in twenty, by how it differs between stretches that don't overlap; none where
    /// these are too few.
    pub skill: Option<(f64, f64)>,
}

/// How forecasts of one day ahead have done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DayRecord {
    /// Mean absolute error, as a share of the close at the origin.
    pub mae: f64,
    /// The same for "no change".
    pub mae_naive: f64,
    /// Share of closes within the 80 % band.
    pub coverage80: f64,
    /// Share of closes within the 95 % band.
    pub coverage95: f64,
}

/// Stretches that a range takes: fewer vary too much to tell by how much they vary.
const FEWEST_STRETCHES: usize = 10;

/// Sums of a record under way.
pub(super) struct Tally {
    days: Vec<Sums>,
    /// The errors of each origin, ours and those of "no change".
    origins: Vec<(f64, f64)>,
    open: (f64, f64),
}

#[derive(Clone, Copy, Default)]
struct Sums {
    error: f64,
    naive: f64,
    within80: u32,
    within95: u32,
}

impl Tally {
    pub(super) fn new(horizon: usize) -> Self {
        Self { days: vec![Sums::default(); horizon], origins: Vec::new(), open: (0.0, 0.0) }
    }

    /// Counts a day of an origin, in log returns from its close.
    pub(super) fn add(&mut self, day: usize, outcome: f64, centre: f64, (narrow, wide): (bool, bool)) {
        let moved = outcome.exp();
        let (error, naive) = ((moved - centre.exp()).abs(), (moved - 1.0).abs());
        let sums = &mut self.days[day];
        sums.error += error;
        sums.naive += naive;
        sums.within80 += u32::from(narrow);
        sums.within95 += u32::from(wide);
        self.open = (self.open.0 + error, self.open.1 + naive);
    }

    pub(super) fn end_origin(&mut self) {
        self.origins.push(std::mem::take(&mut self.open));
    }

    /// The record of origins so many bars apart.
    pub(super) fn record(&self, step: usize) -> Record {
        let count = self.origins.len().max(1) as f64;
        let day = |sums: &Sums| DayRecord {
            mae: sums.error / count,
            mae_naive: sums.naive / count,
            coverage80: f64::from(sums.within80) / count,
            coverage95: f64::from(sums.within95) / count,
        };
        // Origins that share days are one stretch.
        let stretches: Vec<(f64, f64)> = self
            .origins
            .chunks(self.days.len().div_ceil(step).max(1))
            .map(|origins| origins.iter().fold((0.0, 0.0), |(a, b), (error, naive)| (a + error, b + naive)))
            .collect();
        Record { days: self.days.iter().map(day).collect(), skill: range_of_skill(&stretches) }
    }
}

/// 1 − the ratio of two sums, with two standard errors either way: the ratio estimator (Cochran, "Sampling Techniques",
/// chapter 6).
fn range_of_skill(stretches: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (error, naive) = stretches.iter().fold((0.0, 0.0), |(a, b), (error, naive)| (a + error, b + naive));
    if stretches.len() < FEWEST_STRETCHES || naive <= 0.0 {
        return None;
    }
    let count = stretches.len() as f64;
    let ratio = error / naive;
    let squares: f64 = stretches.iter().map(|(error, naive)| (error - ratio * naive).powi(2)).sum();
    let deviation = (count / (count - 1.0) * squares).sqrt() / naive;
    let (skill, reach) = (1.0 - ratio, 1.96 * deviation);
    Some((skill - reach, skill + reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_apart_and_the_range_holds_the_skill() {
        let mut tally = Tally::new(2);
        for i in 0..40 {
            let outcome = if i % 2 == 0 { 0.1 } else { -0.05 };
            tally.add(0, outcome, 0.0, (true, true));
            tally.add(1, outcome, outcome / 2.0, (i % 4 == 0, i % 2 == 0));
            tally.end_origin();
        }
        let record = tally.record(10);
        assert_eq!(record.days.len(), 2);
        assert!((record.days[0].mae - record.days[0].mae_naive).abs() < 1e-12);
        assert!(record.days[1].mae < record.days[1].mae_naive * 0.6);
        assert_eq!((record.days[1].coverage80, record.days[1].coverage95), (0.25, 0.5));
        let (low, high) = record.skill.expect("forty stretches");
        let skill =
            1.0 - record.days.iter().map(|d| d.mae).sum::<f64>() / record.days.iter().map(|d| d.mae_naive).sum::<f64>();
        assert!(low < skill && skill < high && high - low < 0.1, "{low} {skill} {high}");
    }

    #[test]
    fn few_stretches_have_no_range() {
        let mut tally = Tally::new(30);
        for _ in 0..27 {
            (0..30).for_each(|day| tally.add(day, 0.02, 0.01, (true, true)));
            tally.end_origin();
        }
        assert_eq!(tally.record(10).skill, None, "27 origins ten bars apart are nine stretches of thirty days");
        assert_eq!(tally.record(30).skill.map(|(low, high)| high - low < 1e-9), Some(true), "all alike");
    }
}
