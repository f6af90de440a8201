//! Conditions, evaluated on every bar at once.

use super::bits::BitSet;
use super::compare::signs;
use super::strategy::{Comparison, Condition};
use crate::market::Columns;

/// The bars that a condition is true on. Before its operands have values, comparisons are false.
pub(super) fn evaluate(condition: &Condition, columns: &Columns) -> BitSet {
    match condition {
        Condition::Compare { left, is, right } => {
            let signs = signs(columns, left, right);
            let before = |t: usize| t.checked_sub(1).and_then(|t| signs[t]);
            BitSet::from_fn(columns.len(), |t| match is {
                Comparison::Below => signs[t] == Some(-1),
                Comparison::Above => signs[t] == Some(1),
                Comparison::CrossesBelow => signs[t] == Some(-1) && before(t).is_some_and(|s| s >= 0),
                Comparison::CrossesAbove => signs[t] == Some(1) && before(t).is_some_and(|s| s <= 0),
            })
        }
        Condition::All(inner) => fold(inner, columns, BitSet::and),
        Condition::Any(inner) => fold(inner, columns, BitSet::or),
        Condition::Not(inner) => evaluate(inner, columns).not(),
    }
}

fn fold(inner: &[Condition], columns: &Columns, join: fn(BitSet, &BitSet) -> BitSet) -> BitSet {
    let mut sets = inner.iter().map(|c| evaluate(c, columns));
    let first = sets.next().unwrap_or_else(|| BitSet::from_fn(columns.len(), |_| false));
    sets.fold(first, |all, set| join(all, &set))
}
