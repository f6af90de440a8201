//! A symbol's bars as columns, oldest first.

use std::borrow::Cow;

use super::adjustment::{Adjustment, Dividend, Factors, adjusted_closes};
#[cfg(test)]
use super::bar::Bar;
use super::day::Day;
use super::exact::quotient;
use super::splits::Split;

/// Equal-length columns, oldest first. Prices in the symbol's currency, volume in shares as traded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    pub days: Vec<Day>,
    pub open: Vec<f64>,
    pub high: Vec<f64>,
    pub low: Vec<f64>,
    pub close: Vec<f64>,
    pub volume: Vec<i64>,
}

/// Everything stored of one symbol, raw and adjusted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Prices as traded.
    pub raw: Columns,
    /// The close adjusted for splits, and for dividends where the provider does so.
    pub adjusted_close: Vec<f64>,
    splits: Vec<Split>,
    dividends: Vec<Dividend>,
    /// Whether any bar has an adjusted close of its provider's.
    provided: bool,
}

impl Columns {
    /// How many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Gives back the room for further bars, which may be as much again.
    fn shrink_to_fit(&mut self) {
        let Self { days, open, high, low, close, volume } = self;
        days.shrink_to_fit();
        [open, high, low, close].into_iter().for_each(Vec::shrink_to_fit);
        volume.shrink_to_fit();
    }
}

impl Series {
    /// Bars that ascend by day, and what their adjusted views follow from: the provider's adjusted closes, if it has any,
    /// splits and dividends.
    #[must_use]
    pub fn new(mut raw: Columns, provided: &[Option<f64>], splits: Vec<Split>, dividends: Vec<Dividend>) -> Self {
        raw.shrink_to_fit();
        let adjusted_close = adjusted_closes(&raw.days, &raw.close, provided, &splits, &dividends);
        let provided = provided.iter().any(Option::is_some);
        Self { raw, adjusted_close, splits, dividends, provided }
    }

    /// The same of bars one by one.
    #[cfg(test)]
    #[must_use]
    pub fn of_bars(bars: &[Bar], splits: &[Split], dividends: &[Dividend]) -> Self {
        let raw = Columns {
            days: bars.iter().map(|b| b.day).collect(),
            open: bars.iter().map(|b| b.open).collect(),
            high: bars.iter().map(|b| b.high).collect(),
            low: bars.iter().map(|b| b.low).collect(),
            close: bars.iter().map(|b| b.close).collect(),
            volume: bars.iter().map(|b| b.volume).collect(),
        };
        let provided: Vec<Option<f64>> = bars.iter().map(|bar| bar.adjusted_close).collect();
        Self::new(raw, &provided, splits.to_vec(), dividends.to_vec())
    }

    /// The close of every bar in a view.
    #[must_use]
    pub fn closes(&self, adjustment: Adjustment) -> Cow<'_, [f64]> {
        let of_all = |dividends: &[Dividend]| {
            let mut factors = Factors::new(&self.splits, dividends);
            let mut closes = self.raw.close.clone();
            for (close, day) in closes.iter_mut().zip(&self.raw.days).rev() {
                *close = factors.apply(*day, *close);
            }
            closes
        };
        match adjustment {
            Adjustment::None => Cow::Borrowed(&self.raw.close),
            Adjustment::Splits if !self.provided => Cow::Borrowed(&self.adjusted_close),
            Adjustment::Splits => Cow::Owned(of_all(&[])),
            // A provider's figures have its dividends in them, and what it left out is adjusted as they are.
            Adjustment::TotalReturn if self.provided || self.dividends.is_empty() => {
                Cow::Borrowed(&self.adjusted_close)
            }
            Adjustment::TotalReturn => Cow::Owned(of_all(&self.dividends)),
        }
    }

    /// Indices of the bars from `from` to `to`, both included.
    #[must_use]
    pub fn range(&self, from: Option<Day>, to: Option<Day>) -> std::ops::Range<usize> {
        let start = from.map_or(0, |d| self.raw.days.partition_point(|&x| x < d));
        let end = to.map_or(self.raw.len(), |d| self.raw.days.partition_point(|&x| x <= d));
        start..end.max(start)
    }

    /// Prices as traded in a range of indices.
    #[must_use]
    pub fn raw(&self, range: std::ops::Range<usize>) -> Columns {
        let r = &self.raw;
        Columns {
            days: r.days[range.clone()].to_vec(),
            open: r.open[range.clone()].to_vec(),
            high: r.high[range.clone()].to_vec(),
            low: r.low[range.clone()].to_vec(),
            close: r.close[range.clone()].to_vec(),
            volume: r.volume[range].to_vec(),
        }
    }

    /// Whether a view is anything but the prices as traded.
    #[must_use]
    pub fn is_moved_by(&self, adjustment: Adjustment) -> bool {
        let is_plain = self.splits.is_empty() && self.dividends.is_empty() && !self.provided;
        adjustment != Adjustment::None && !is_plain
    }

    /// Prices of a view in a range of indices. Splits divide every price, as decimals; by what else has moved the close,
    /// open, high and low move, too. Volume stays as traded.
    #[must_use]
    pub fn view(&self, adjustment: Adjustment, range: std::ops::Range<usize>) -> Columns {
        let mut columns = self.raw(range.clone());
        if adjustment == Adjustment::None {
            return columns;
        }
        let closes = self.closes(adjustment);
        let dividends: &[Dividend] = if adjustment == Adjustment::TotalReturn { &self.dividends } else { &[] };
        let mut factors = Factors::new(&self.splits, dividends);
        for (i, at) in range.enumerate().rev() {
            let (close, adjusted) = (columns.close[i], closes[at]);
            // Untouched bars keep the provider's decimals to the last one.
            if adjusted.to_bits() == close.to_bits() {
                continue;
            }
            let is_split = |ratio: &f64| quotient(close, *ratio).to_bits() == adjusted.to_bits();
            let divisor = factors.divisor(columns.days[i]).filter(is_split);
            let factor = adjusted / close;
            let moved = |price: f64| match divisor {
                Some(ratio) => quotient(price, ratio),
                None if price.to_bits() == close.to_bits() => adjusted,
                None => price * factor,
            };
            for column in [&mut columns.open, &mut columns.high, &mut columns.low] {
                column[i] = moved(column[i]);
            }
            columns.close[i] = adjusted;
        }
        columns
    }

    /// What "adjusted" means of these prices where no more is said.
    #[must_use]
    pub fn usual(&self) -> Adjustment {
        if self.provided { Adjustment::TotalReturn } else { Adjustment::Splits }
    }

    /// The one asked for, or what a plain yes or no stands for.
    #[must_use]
    pub fn chosen(&self, asked: Option<Adjustment>, adjusted: bool) -> Adjustment {
        asked.unwrap_or(if adjusted { self.usual() } else { Adjustment::None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::DataSource;
    use crate::market::adjustment::adjusted_close;

    fn bar(day: Day, close: f64, adjusted_close: Option<f64>) -> Bar {
        let (open, high, low) = (close, close, close);
        Bar { day, open, high, low, close, adjusted_close, volume: 1, split: None, source: DataSource::Nse }
    }

    #[test]
    fn each_view_is_continuous_across_what_it_adjusts_for() {
        let bars = [bar(1, 200.0, None), bar(2, 100.0, None), bar(3, 96.0, None)];
        let splits = [Split { day: 2, ratio: 2.0, detected: false }];
        let dividends = [Dividend::new(3, 4.0, 100.0).expect("a dividend")];
        let series = Series::of_bars(&bars, &splits, &dividends);
        assert_eq!(*series.closes(Adjustment::None), [200.0, 100.0, 96.0]);
        assert_eq!(*series.closes(Adjustment::Splits), [100.0, 100.0, 96.0]);
        assert_eq!(*series.closes(Adjustment::TotalReturn), [96.0, 96.0, 96.0]);
        assert_eq!(series.view(Adjustment::TotalReturn, 0..2).open, [96.0, 96.0]);
        assert_eq!(series.usual(), Adjustment::Splits);
    }

    #[test]
    fn every_price_before_a_split_is_a_quotient_of_decimals() {
        let before = |open: f64, high: f64, low: f64, close: f64, adjusted_close: Option<f64>| Bar {
            open,
            high,
            low,
            ..bar(1, close, adjusted_close)
        };
        let split = |day: Day, ratio: f64| Split { day, ratio, detected: false };
        for adjusted_close in [None, Some(99.011)] {
            let after = bar(2, 99.0, adjusted_close.map(|_| 99.0));
            let bars = [before(693.0826, 693.105, 693.0581, 693.077, adjusted_close), after];
            let series = Series::of_bars(&bars, &[split(2, 7.0)], &[]);
            let view = series.view(series.usual(), 0..2);
            let first = (view.open[0], view.high[0], view.low[0], view.close[0]);
            assert_eq!(first, (99.0118, 99.015, 99.0083, 99.011), "not 99.01180000000001");
        }
        // 6 for 5, then 3 for 2: 1.8, not 1.7999999999999998.
        let bars = [before(18.09, 18.18, 17.91, 18.0, None), bar(2, 15.0, None), bar(3, 10.0, None)];
        let series = Series::of_bars(&bars, &[split(2, 1.2), split(3, 1.5)], &[]);
        let view = series.view(Adjustment::Splits, 0..1);
        assert_eq!((view.open[0], view.high[0], view.low[0], view.close[0]), (10.05, 10.1, 9.95, 10.0));
        assert_eq!(series.view(Adjustment::Splits, 0..3).open, [10.05, 10.0, 10.0]);
        // A dividend has no decimals, and equal prices stay equal.
        let bars = [before(30.0, 30.0, 29.0, 30.0, None), bar(2, 29.0, None)];
        let series = Series::of_bars(&bars, &[], &[Dividend::new(2, 0.7, 30.0).expect("a dividend")]);
        let view = series.view(Adjustment::TotalReturn, 0..1);
        assert!(view.open[0].to_bits() == view.close[0].to_bits() && view.high[0].to_bits() == view.close[0].to_bits());
    }

    #[test]
    fn a_providers_adjusted_closes_stand_and_what_came_later_is_added() {
        let bars = [bar(1, 100.0, Some(90.0)), bar(2, 100.0, Some(95.0)), bar(3, 50.0, None), bar(4, 48.0, None)];
        let splits = [Split { day: 3, ratio: 2.0, detected: false }];
        let dividends = [Dividend::new(2, 5.0, 100.0), Dividend::new(4, 2.0, 50.0)];
        let series = Series::of_bars(&bars, &splits, &dividends.map(|d| d.expect("a dividend")));
        let total: Vec<String> = series.closes(Adjustment::TotalReturn).iter().map(|c| format!("{c:.9}")).collect();
        assert_eq!(total, ["43.200000000", "45.600000000", "48.000000000", "48.000000000"]);
        assert_eq!(*series.closes(Adjustment::Splits), [50.0, 50.0, 50.0, 48.0]);
        assert_eq!(series.usual(), Adjustment::TotalReturn);
        // The close beside a bar is the usual view's, whether it's taken from the whole series or worked out alone.
        assert_eq!(series.adjusted_close, *series.closes(Adjustment::TotalReturn));
        let alone = |bar: &Bar| adjusted_close(bar, &series.splits, &series.dividends, Some(2));
        assert_eq!(bars.each_ref().map(alone).to_vec(), series.adjusted_close);
    }
}
