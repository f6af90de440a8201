//! What companies do to their shares: kind, ratio, amount; and whether the day's prices agree.

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

/// Whether a day's open agrees with a factor: nearer to it than to no change, and no farther than prices move.
#[must_use]
pub fn prices_agree(factor: f64, open: f64, previous_close: f64) -> bool {
    let moved = (open / previous_close).ln();
    let (to_factor, to_none) = ((moved - factor.ln()).abs(), moved.abs());
    to_factor.is_finite() && to_factor <= to_none && to_factor <= FARTHEST_MOVE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_believed_only_where_the_open_is_nearer_to_it_than_to_no_change() {
        assert!(prices_agree(0.25, 86.0, 329.05), "a bonus of 3:1");
        assert!(!prices_agree(0.5, 99.0, 100.0), "it never happened");
        assert!(!prices_agree(0.5, 10.0, 100.0), "another ratio did");
        assert!(prices_agree(0.909, 90.0, 100.0));
    }
}
