//! What a batch adds to what is stored.

use crate::market::Bar;
use crate::store::UpsertCounts;

/// Stored bars and a batch's, put together.
#[derive(Debug, Default)]
pub struct Merged {
    /// The whole series, ascending by day.
    pub bars: Vec<Bar>,
    /// The bars among them that weren't stored.
    pub new: Vec<Bar>,
    /// Those that are stored differently.
    pub different: Vec<Bar>,
    pub counts: UpsertCounts,
    /// Whether a bar before the newest stored one is different: a correction, or a new adjustment of the past.
    pub past_changed: bool,
    /// Days that stay as a source has them that is believed first.
    pub kept: u32,
    /// Those of them on which the closes disagree: what stays, and what the batch has.
    pub disputed: Vec<(Bar, Bar)>,
}

/// Two sources' prices that differ by less are the same; the exchange's tick.
const TICK: f64 = 0.05;

/// Whether two sources' closes of one day can't both be right.
#[must_use]
pub fn disagree(a: f64, b: f64) -> bool {
    (a - b).abs() > TICK + 1e-9
}

/// Merges two series that ascend by day. Where a source says nothing of an adjusted close or a split, what is known
/// stays, as long as the close is the same.
#[must_use]
pub fn merge(stored: &[Bar], batch: &[Bar]) -> Merged {
    let mut merged = Merged { bars: Vec::with_capacity(stored.len() + batch.len()), ..Merged::default() };
    let newest = stored.last().map(|bar| bar.day);
    let mut stored = stored.iter().copied().peekable();
    for &new in batch {
        while let Some(old) = stored.next_if(|old| old.day < new.day) {
            merged.bars.push(old);
        }
        let Some(old) = stored.next_if(|old| old.day == new.day) else {
            merged.counts.added += 1;
            merged.bars.push(new);
            merged.new.push(new);
            continue;
        };
        if old.source.outranks(new.source) {
            merged.bars.push(old);
            merged.kept += 1;
            if disagree(old.close, new.close) {
                merged.disputed.push((old, new));
            } else {
                merged.counts.unchanged += 1;
            }
            continue;
        }
        let same_close = old.close == new.close;
        let completed = Bar {
            adjusted_close: new.adjusted_close.or(old.adjusted_close.filter(|_| same_close)),
            split: new.split.or(old.split.filter(|_| same_close)),
            ..new
        };
        if (Bar { source: old.source, ..completed }) == old && !new.source.outranks(old.source) {
            merged.counts.unchanged += 1;
            merged.bars.push(old);
        } else {
            merged.counts.changed += 1;
            merged.past_changed |= newest.is_some_and(|newest| new.day < newest);
            merged.bars.push(completed);
            merged.different.push(completed);
        }
    }
    merged.bars.extend(stored);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::DataSource;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn bar(day: i32, close: f64) -> Bar {
        Bar {
            day,
            open: close,
            high: close,
            low: close,
            close,
            adjusted_close: None,
            volume: 1,
            split: None,
            source: DataSource::AlphaVantage,
        }
    }

    fn series() -> impl Strategy<Value = Vec<Bar>> {
        proptest::collection::btree_map(0..40_i32, 1..4_u8, 0..30)
            .prop_map(|days| days.into_iter().map(|(day, close)| bar(day, f64::from(close))).collect())
    }

    proptest! {
        #[test]
        fn merging_is_what_a_map_would_do(stored in series(), batch in series()) {
            let merged = merge(&stored, &batch);
            let mut map: BTreeMap<i32, Bar> = stored.iter().map(|b| (b.day, *b)).collect();
            let mut expected = UpsertCounts::default();
            for b in &batch {
                match map.insert(b.day, *b) {
                    None => expected.added += 1,
                    Some(old) if old == *b => expected.unchanged += 1,
                    Some(_) => expected.changed += 1,
                }
            }
            prop_assert_eq!(&merged.bars, &map.into_values().collect::<Vec<_>>());
            prop_assert_eq!(merged.counts, expected);
            prop_assert_eq!((merged.new.len() as u32, merged.different.len() as u32), (expected.added, expected.changed));
            let again = merge(&merged.bars, &batch);
            prop_assert_eq!(again.counts.unchanged as usize, batch.len());
        }
    }

    #[test]
    fn a_source_that_is_believed_first_keeps_its_days_and_differences_are_told() {
        let exchange = Bar { source: DataSource::Nse, ..bar(1, 1.0) };
        let merged = merge(&[exchange, Bar { day: 2, ..exchange }], &[bar(1, 1.04), bar(2, 1.1), bar(3, 1.0)]);
        assert_eq!((merged.kept, merged.counts.unchanged, merged.disputed.len()), (2, 1, 1));
        assert_eq!((merged.new, merged.different), (vec![bar(3, 1.0)], Vec::new()));
        let adjusted = Bar { source: DataSource::AdjustedCsv, ..bar(1, 0.5) };
        assert_eq!(merge(&[bar(1, 1.0)], &[adjusted]).bars, [bar(1, 1.0)]);
        assert_eq!(
            merge(&[adjusted], &[bar(1, 1.0)]).bars,
            [bar(1, 1.0)],
            "prices as traded take the place of adjusted ones"
        );
    }

    #[test]
    fn a_raw_bar_keeps_the_adjusted_close_that_is_known() {
        let known = Bar { adjusted_close: Some(0.9), ..bar(1, 1.0) };
        assert_eq!(merge(&[known], &[bar(1, 1.0)]).counts.unchanged, 1);
        let corrected = merge(&[known], &[bar(1, 1.1)]);
        assert_eq!((corrected.counts.changed, corrected.bars[0].adjusted_close), (1, None));
    }
}
