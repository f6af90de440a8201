//! A position from its purchase to its sale.

use serde::{Deserialize, Serialize};

use crate::market::exact::{Decimal, snap};

/// Why a position was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum ExitReason {
    /// The sell condition.
    Signal,
    /// The price fell to the stop.
    StopLoss,
    /// The price rose to the target.
    TakeProfit,
    /// There were no more bars.
    EndOfData,
}

/// One position from its purchase to its sale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Index of the bar that it was bought on.
    pub entry: usize,
    /// Index of the bar that it was sold on.
    pub exit: usize,
    /// Price paid for a share, slippage included, commission not.
    pub entry_price: f64,
    /// Price got for a share.
    pub exit_price: f64,
    pub shares: f64,
    /// Money gained after both commissions.
    pub profit: f64,
    pub exit_reason: ExitReason,
    /// Both commissions.
    pub fees: f64,
    /// Cash that was not spent, while the position is held.
    pub cash: f64,
}

impl Trade {
    /// Profit after fees as a share of what the shares cost.
    #[must_use]
    pub fn return_(&self) -> f64 {
        let cost = || Decimal::shortest(self.shares)?.times(Decimal::shortest(self.entry_price)?);
        let exact = || Decimal::shortest(self.profit)?.ratio(cost()?);
        snap(exact().unwrap_or(self.profit / (self.shares * self.entry_price)))
    }
}
