//! What became of an issue: its price against the stock's, from the first day on.

use super::day::Day;
use super::exact::{change, tidy};
use super::splits::Split;

/// Ratios to the issue price, less 1: 0.25 is a quarter above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Performance {
    /// The first day's open, in the issue's currency.
    pub listing_open: f64,
    /// First open / issue price − 1.
    pub listing_gain: f64,
    /// First close / issue price − 1.
    pub first_day_return: f64,
    /// Last close × new shares for an old one since / issue price − 1.
    pub return_since_issue: f64,
    /// The lowest close over the highest one before it, less 1, for splits adjusted.
    pub max_drawdown: f64,
    pub as_of: Day,
}

/// Prices may begin so many days after the listing date and still hold the first day: weekends and holidays.
pub const LATE_START: Day = 7;

/// What the shares that one has become are worth.
fn worth(close: f64, shares: f64) -> f64 {
    if shares == 1.0 { close } else { tidy(close * shares) }
}

/// A performance with what it takes to carry it on when bars are appended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walk {
    pub performance: Performance,
    /// The first bar's day.
    pub first_day: Day,
    /// Shares that one of the issue has become.
    pub shares: f64,
    /// The highest close so far, for splits adjusted.
    pub peak: f64,
}

impl Walk {
    /// Begins with the first bar on or after the listing. `None` if it's too late to be the first day, or the price
    /// isn't one.
    #[must_use]
    pub fn begin(issue_price: f64, listing: Day, (day, open, close): (Day, f64, f64)) -> Option<Self> {
        if issue_price <= 0.0 || day < listing || day > listing.saturating_add(LATE_START) {
            return None;
        }
        let performance = Performance {
            listing_open: open,
            listing_gain: change(issue_price, open),
            first_day_return: change(issue_price, close),
            return_since_issue: change(issue_price, close),
            max_drawdown: 0.0,
            as_of: day,
        };
        Some(Self { performance, first_day: day, shares: 1.0, peak: close })
    }

    /// Carries on with later bars, ascending; `splits` ascend, too.
    pub fn extend(&mut self, issue_price: f64, bars: impl IntoIterator<Item = (Day, f64)>, splits: &[Split]) {
        let counted = self.performance.as_of;
        let mut splits = splits.iter().skip_while(|split| split.day <= counted).peekable();
        for (day, close) in bars {
            while let Some(split) = splits.next_if(|split| split.day <= day) {
                self.shares *= split.ratio;
            }
            let worth = worth(close, self.shares);
            self.peak = self.peak.max(worth);
            self.performance.max_drawdown = self.performance.max_drawdown.min(change(self.peak, worth));
            self.performance.return_since_issue = change(issue_price, worth);
            self.performance.as_of = day;
        }
    }

    /// Whether these splits have made as many shares up to the last bar as the walk has counted.
    #[must_use]
    pub fn agrees_with(&self, splits: &[Split]) -> bool {
        let counted = self.first_day + 1..=self.performance.as_of;
        let shares: f64 = splits.iter().filter(|split| counted.contains(&split.day)).map(|split| split.ratio).product();
        shares.to_bits() == self.shares.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Ohlc = (Day, f64, f64);

    fn walked(price: f64, listing: Day, bars: &[Ohlc], splits: &[Split], pause: usize) -> Option<Performance> {
        let first = bars.partition_point(|bar| bar.0 < listing);
        let mut walk = Walk::begin(price, listing, *bars.get(first)?)?;
        let rest = &bars[first + 1..];
        let (before, after) = rest.split_at(pause.min(rest.len()));
        for part in [before, after] {
            assert!(walk.agrees_with(splits));
            walk.extend(price, part.iter().map(|bar| (bar.0, bar.2)), splits);
        }
        Some(walk.performance)
    }

    /// The definition, written down as it reads.
    fn defined(price: f64, listing: Day, bars: &[Ohlc], splits: &[Split]) -> Option<Performance> {
        let first = bars.iter().position(|bar| bar.0 >= listing && bar.0 <= listing + LATE_START)?;
        let bars = &bars[first..];
        let first_day = bars[0].0;
        let shares =
            |day: Day| splits.iter().filter(|s| s.day > first_day && s.day <= day).map(|s| s.ratio).product::<f64>();
        let worth: Vec<f64> = bars.iter().map(|bar| super::worth(bar.2, shares(bar.0))).collect();
        let below_peak = |t: usize| change(worth[..=t].iter().copied().fold(f64::MIN, f64::max), worth[t]);
        Some(Performance {
            listing_open: bars[0].1,
            listing_gain: change(price, bars[0].1),
            first_day_return: change(price, bars[0].2),
            return_since_issue: change(price, *worth.last()?),
            max_drawdown: (0..worth.len()).map(below_peak).fold(0.0, f64::min),
            as_of: bars.last()?.0,
        })
    }

    #[test]
    fn returns_count_the_shares_that_a_split_has_made() {
        let bars = [(9, 1.0, 1.0), (10, 120.0, 110.0), (11, 130.0, 140.0), (12, 65.0, 60.0), (13, 50.0, 55.0)];
        let split = Split { day: 12, ratio: 2.0, detected: false };
        let found = walked(100.0, 10, &bars, &[split], 1).expect("a performance");
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(
            near(found.listing_gain, 0.2) && near(found.first_day_return, 0.1) && near(found.return_since_issue, 0.1)
        );
        assert!(near(found.max_drawdown, 110.0 / 140.0 - 1.0) && found.as_of == 13);
        assert_eq!(walked(100.0, 1, &bars, &[], 0), None, "the first day is not among the bars");
        assert_eq!(walked(100.0, 14, &bars, &[], 0), None, "not listed yet");
        assert_eq!(walked(0.0, 10, &bars, &[], 0), None, "no price");
    }

    proptest! {
        #[test]
        fn the_walk_is_the_definition_wherever_it_pauses(
            steps in proptest::collection::vec((1_i32..4, 0.01_f64..500.0, 0.01_f64..500.0), 1..60),
            splits in proptest::collection::btree_map(0_i32..120, 0.05_f64..10.0, 0..4),
            listing in 0_i32..40,
            price in 0.5_f64..300.0,
            pause in 0_usize..60,
        ) {
            let mut day = 0;
            let bars: Vec<Ohlc> = steps.iter().map(|&(gap, open, close)| { day += gap; (day, open, close) }).collect();
            let splits: Vec<Split> = splits.into_iter().map(|(day, ratio)| Split { day, ratio, detected: false }).collect();
            prop_assert_eq!(walked(price, listing, &bars, &splits, pause), defined(price, listing, &bars, &splits));
        }
    }
}
