//! A symbol's bars as columns, oldest first.

use super::bar::Bar;
use super::day::Day;
use super::splits::{self, Split};

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
}

impl Series {
    /// Columns of bars that ascend by day, and the adjusted view that these splits give.
    #[must_use]
    pub fn new(bars: &[Bar], splits: &[Split]) -> Self {
        let raw = Columns {
            days: bars.iter().map(|b| b.day).collect(),
            open: bars.iter().map(|b| b.open).collect(),
            high: bars.iter().map(|b| b.high).collect(),
            low: bars.iter().map(|b| b.low).collect(),
            close: bars.iter().map(|b| b.close).collect(),
            volume: bars.iter().map(|b| b.volume).collect(),
        };
        Self { raw, adjusted_close: splits::adjusted_closes(bars, splits) }
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

    /// Adjusted prices in a range of indices: open, high and low move by the close's factor. Volume stays as traded.
    #[must_use]
    pub fn adjusted(&self, range: std::ops::Range<usize>) -> Columns {
        let mut columns = self.raw(range.clone());
        for (i, &adjusted) in self.adjusted_close[range].iter().enumerate() {
            let close = columns.close[i];
            // Untouched bars keep the provider's decimals to the last one.
            if adjusted.to_bits() != close.to_bits() {
                let factor = adjusted / close;
                columns.open[i] *= factor;
                columns.high[i] *= factor;
                columns.low[i] *= factor;
                columns.close[i] = adjusted;
            }
        }
        columns
    }
}
