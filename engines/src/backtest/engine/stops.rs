//! Where a stop-loss or a target ends a position.

use std::ops::Range;

use super::{Exit, Market};
use crate::backtest::money::Level;
use crate::backtest::trade::ExitReason;
use crate::market::Columns;

impl Market<'_> {
    /// The first stop or target that is reached: at the open where that is beyond it, whichever it is. Of both inside
    /// one bar, the stop.
    pub(super) fn stopped(&self, entry: usize, bars: Range<usize>) -> Option<Exit> {
        let paid = Level::price(self.prices()[entry]).times(self.bought);
        let [floor, ceiling] = self.levels.map(|share| share.map(|share| paid.times(share)));
        let fallen = |price: f64| floor.filter(|floor| floor.of(price).is_le());
        let risen = |price: f64| ceiling.filter(|ceiling| ceiling.of(price).is_ge());
        let Columns { open, high, low, .. } = self.columns;
        for bar in bars {
            let (stop, target) = (fallen(low[bar]), risen(high[bar]));
            if stop.is_none() && target.is_none() {
                continue;
            }
            if fallen(open[bar]).is_some() {
                return Some(self.sale(bar, Level::price(open[bar]), ExitReason::StopLoss));
            }
            if risen(open[bar]).is_some() {
                return Some(self.sale(bar, Level::price(open[bar]), ExitReason::TakeProfit));
            }
            let at_stop = stop.map(|floor| self.sale(bar, floor, ExitReason::StopLoss));
            return at_stop.or_else(|| target.map(|ceiling| self.sale(bar, ceiling, ExitReason::TakeProfit)));
        }
        None
    }
}
