//! What companies do to their shares: kind, ratio, amount; and what of it the day's prices show.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::names;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
pub enum CorporateActionKind {
    /// Money for every share.
    Dividend,
    /// A smaller face value, and as many more shares.
    Split,
    /// New shares for nothing.
    Bonus,
    /// New shares for money, offered to those who hold some.
    Rights,
    /// A greater face value, and as many fewer shares.
    Consolidation,
    /// Anything else: demergers, schemes, buy-backs, meetings.
    Other,
}

names!(CorporateActionKind { Dividend => "DIVIDEND", Split => "SPLIT", Bonus => "BONUS", Rights => "RIGHTS", Consolidation => "CONSOLIDATION", Other => "OTHER" });

/// One clause of a subject. A subject may hold several: "Bonus 1:1/Face Value Split …".
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    pub kind: CorporateActionKind,
    /// New shares for an old one: a bonus of 1:1 is 2, a split of 10 to 2 is 5.
    pub ratio: Option<f64>,
    /// In rupees a share: of a dividend the sum of those named, of rights the issue price.
    pub amount: Option<Decimal>,
    /// Why the prices can't be adjusted for it, where they should be.
    pub doubt: Option<&'static str>,
}

/// What the price is multiplied by on the ex-date for a clause, given the close before; `None` where it isn't known.
#[must_use]
pub fn price_factor(clause: &Clause, previous_close: f64) -> Option<f64> {
    let ratio = clause.ratio.filter(|_| clause.doubt.is_none())?;
    match clause.kind {
        CorporateActionKind::Rights => {
            use rust_decimal::prelude::ToPrimitive;
            let price = clause.amount?.to_f64()?;
            // Rights at or above the market's price aren't taken up.
            (price < previous_close).then(|| (previous_close + (ratio - 1.0) * price) / (ratio * previous_close))
        }
        CorporateActionKind::Bonus | CorporateActionKind::Split | CorporateActionKind::Consolidation => {
            Some(1.0 / ratio)
        }
        CorporateActionKind::Dividend | CorporateActionKind::Other => None,
    }
}

/// A price moves this far overnight at most, as a log ratio; circuit limits are 20 %.
const FARTHEST_MOVE: f64 = 0.30;
/// On a plausible day it moves no farther than this: so near to what was to be expected, no change tells nothing against it.
const PLAUSIBLE_MOVE: f64 = 0.06;
/// Up to this part of the close before, a dividend hides in what a price moves anyway.
const SMALL_DIVIDEND: f64 = 0.15;

/// Whether a dividend is so much of the close before that the open must show it.
#[must_use]
pub fn must_show(dividend: f64, previous_close: f64) -> bool {
    dividend > SMALL_DIVIDEND * previous_close
}

/// What an open shows of all that was announced of its day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Which of the factors, if any.
    pub factor: Option<usize>,
    /// Whether the large dividends, too.
    pub large: bool,
}

/// Holds an open against what was announced. `factors` are those that may hold, of which one does or none; `before` is the
/// close before less the small dividends, `large` the sum of those that must show. What is announced is believed where the
/// open is within a plausible move of it, else where nothing is nearer and no factor is farther than prices move.
#[must_use]
pub fn shown(factors: &[f64], large: f64, before: f64, open: f64) -> Shown {
    let moved = (open / before).ln();
    let paid = (1.0 - large / before).ln();
    let distance = |shown: &Shown| {
        let factor = shown.factor.and_then(|at| factors.get(at)).map_or(0.0, |factor| factor.ln());
        (moved - factor - if shown.large { paid } else { 0.0 }).abs()
    };
    let of = |large: bool| {
        let each = (0..factors.len()).map(move |at| Shown { factor: Some(at), large });
        each.min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    // One of several factors first: whichever is the nearest, with the dividends or without.
    let (with, without) = (of(true), of(false));
    let nearest = match (with, without) {
        (Some(a), Some(b)) if distance(&b) < distance(&a) => b.factor,
        (with, _) => with.and_then(|shown| shown.factor),
    };
    let mut may_be: Vec<Shown> = Vec::new();
    for factor in [nearest, None] {
        may_be.extend([true, false].map(|large| Shown { factor, large }));
    }
    may_be.retain(|shown| {
        let distance = distance(shown);
        distance.is_finite() && (shown.factor.is_none() || distance <= FARTHEST_MOVE)
    });
    let plausible = may_be.iter().find(|shown| distance(shown) <= PLAUSIBLE_MOVE);
    let found = plausible.or_else(|| may_be.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))));
    found.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees(factor: f64, open: f64, before: f64) -> bool {
        shown(&[factor], 0.0, before, open).factor.is_some()
    }

    #[test]
    fn a_factor_is_believed_only_where_the_open_is_nearer_to_it_than_to_no_change() {
        assert!(agrees(0.25, 86.0, 329.05), "a bonus of 3:1");
        assert!(!agrees(0.5, 99.0, 100.0), "it never happened");
        assert!(!agrees(0.5, 10.0, 100.0), "another ratio did");
        assert!(agrees(0.909, 90.0, 100.0));
    }

    #[test]
    fn a_small_factor_is_believed_on_any_plausible_day() {
        let rights =
            |new: f64, held: f64, price: f64, close: f64| (held * close + new * price) / ((held + new) * close);
        assert!(agrees(rights(1.0, 15.0, 1257.0, 1480.0), 1500.0, 1480.0));
        assert!(agrees(rights(3.0, 25.0, 510.0, 640.0), 646.0, 640.0));
        assert!(agrees(20.0 / 21.0, 985.0, 1000.0) && agrees(10.0 / 11.0, 960.0, 1000.0));
        assert!(!agrees(10.0 / 11.0, 1000.0, 1000.0), "far from it, and nothing changed");
        assert!(!agrees(20.0 / 21.0, 1100.0, 1000.0));
    }

    #[test]
    fn a_large_dividend_is_believed_where_the_price_fell_by_it() {
        let paid = |dividend: f64, open: f64| shown(&[], dividend, 1000.0, open).large;
        assert!(must_show(500.0, 1000.0) && !must_show(80.0, 1000.0));
        assert!(paid(500.0, 500.0) && paid(500.0, 560.0) && paid(100.0, 930.0));
        assert!(!paid(500.0, 1002.0) && !paid(100.0, 990.0) && !paid(1500.0, 1000.0));
    }

    #[test]
    fn a_factor_and_a_dividend_are_held_against_the_open_together() {
        let both = |open: f64| shown(&[10.0 / 11.0], 400.0, 1000.0, open);
        assert_eq!(both(545.0), Shown { factor: Some(0), large: true });
        assert_eq!(both(905.0), Shown { factor: Some(0), large: false });
        assert_eq!(both(1005.0), Shown { factor: None, large: false });
        assert_eq!(shown(&[0.5], 400.0, 1000.0, 605.0), Shown { factor: None, large: true });
    }

    #[test]
    fn of_several_factors_the_nearest_is_believed() {
        assert_eq!(shown(&[0.4, 0.8, 0.5], 0.0, 1000.0, 500.0).factor, Some(2));
        assert_eq!(shown(&[0.4, 0.8, 0.5], 0.0, 1000.0, 405.0).factor, Some(0));
        assert_eq!(shown(&[0.4, 0.8, 0.5], 0.0, 1000.0, 1000.0).factor, None);
        assert_eq!(shown(&[], 0.0, 1000.0, f64::NAN), Shown::default());
    }
}
