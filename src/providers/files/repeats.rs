//! Days that a table has more than once with other prices: where that is the rule, its rows don't belong together.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// One day is a slip, which is flagged; of more, a share of this many of a hundred is the table's way.
const FEWEST: usize = 2;
const PERCENT: usize = 25;

#[derive(Debug, Default)]
pub(super) struct Days {
    hasher: RandomState,
    /// Of each day the first prices, and whether there are others.
    known: HashMap<u64, (u64, bool)>,
    repeated: usize,
}

impl Days {
    pub(super) fn add(&mut self, date: &str, prices: [&str; 4]) {
        if date.is_empty() {
            return;
        }
        let (day, prices) = (self.hasher.hash_one(date), self.hasher.hash_one(prices));
        let (first, others) = self.known.entry(day).or_insert((prices, false));
        if *first != prices && !*others {
            *others = true;
            self.repeated += 1;
        }
    }

    /// Why the rows can't be one share's daily prices.
    pub(super) fn fault(&self) -> Option<String> {
        let (repeated, all) = (self.repeated, self.known.len());
        (repeated >= FEWEST && repeated * 100 >= all * PERCENT).then(|| {
            format!(
                "{repeated} of its {all} days stand in it more than once with other prices, so that it holds several shares, \
                 or times of a day; name the column that tells the shares apart \"symbol\", or leave one row a day"
            )
        })
    }
}
