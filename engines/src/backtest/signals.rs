//! Conditions, evaluated on every bar at once.

use super::bits::BitSet;
use super::compare::{NO_SIGN, signs};
use super::strategy::{Comparison, Condition};
use crate::market::Columns;

/// The bars that a condition is true on. Before its operands have values, comparisons are false.
pub(super) fn evaluate(condition: &Condition, columns: &Columns) -> BitSet {
    match condition {
        Condition::Compare { left, is, right } => {
            let signs = signs(columns, left, right);
            let before = |t: usize| if t == 0 { NO_SIGN } else { signs[t - 1] };
            let on = |bit: &dyn Fn(usize) -> bool| BitSet::from_fn(columns.len(), bit);
            match is {
                Comparison::Below => BitSet::from_fn(columns.len(), |t| signs[t] == -1),
                Comparison::Above => BitSet::from_fn(columns.len(), |t| signs[t] == 1),
                Comparison::CrossesBelow => on(&|t| signs[t] == -1 && before(t) >= 0),
                Comparison::CrossesAbove => on(&|t| signs[t] == 1 && (-1..=0).contains(&before(t))),
            }
        }
        Condition::All(inner) => fold(inner, columns, BitSet::and),
        Condition::Any(inner) => fold(inner, columns, BitSet::or),
        Condition::Not(inner) => evaluate(inner, columns).inverted(),
    }
}

fn fold(inner: &[Condition], columns: &Columns, join: fn(BitSet, &BitSet) -> BitSet) -> BitSet {
    let mut sets = inner.iter().map(|c| evaluate(c, columns));
    let first = sets.next().unwrap_or_else(|| BitSet::from_fn(columns.len(), |_| false));
    sets.fold(first, |all, set| join(all, &set))
}
