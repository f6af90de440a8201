//! The money of a run as a ledger on paper has it: each amount is the decimal that prices, costs and shares make,
//! rounded once to a double. Where parts of shares are bought, and beyond the digits that decimals hold, amounts have
//! the fifteen digits that every double holds.

use super::strategy::Execution;
use super::trade::Trade;
use crate::market::exact::{self, Decimal, power_of_ten, tidy};

/// An amount, as a decimal for as long as its digits fit, and as doubles have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    exact: Option<Decimal>,
    about: f64,
}

impl Amount {
    pub(super) fn new(value: f64) -> Self {
        Self { exact: Decimal::shortest(value), about: value }
    }

    /// A price of more than fifteen digits is a quotient, and no decimal.
    fn price(value: f64) -> Self {
        Self { exact: Decimal::fifteen(value), about: value }
    }

    /// The double to be shown.
    pub(super) fn value(self) -> f64 {
        self.exact.map_or_else(|| tidy(self.about), Decimal::to_f64)
    }

    /// Of fifteen digits.
    fn tidied(self) -> Self {
        Self::price(tidy(self.value()))
    }

    fn with(self, other: Self, exact: fn(Decimal, Decimal) -> Option<Decimal>, about: f64) -> Self {
        Self { exact: self.exact.zip(other.exact).and_then(|(a, b)| exact(a, b)), about }
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, Decimal::plus, self.about + other.about)
    }

    fn minus(self, other: Self) -> Self {
        self.with(other, Decimal::minus, self.about - other.about)
    }

    fn times(self, other: Self) -> Self {
        self.with(other, Decimal::times, self.about * other.about)
    }

    /// How much more it is than before. Both are rounded, and what that leaves of none is none.
    fn gain_on(self, before: Self) -> Self {
        const ROUNDING: f64 = 1e-12;
        let gain = self.minus(before);
        if gain.value().abs() <= ROUNDING * before.value().abs() { Self::new(0.0) } else { gain }
    }

    /// Cash after an order was bought with it, of which nothing is left where parts of shares are bought.
    pub(super) fn after_buying(self, order: Order, whole: bool) -> Self {
        let left = self.minus(order.value).minus(order.fee);
        // Shares are counted by costs that may have more digits than a price's double.
        if whole && left.value() >= 0.0 { left } else { Self::new(0.0) }
    }

    /// Cash after an order was sold on top of it.
    pub(super) fn after_selling(self, order: Order, whole: bool) -> Self {
        let after = self.plus(order.value).minus(order.fee);
        if whole && after.exact.is_some() { after } else { after.tidied() }
    }
}

/// What shares cost or bring, and the commission on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    value: Amount,
    fee: Amount,
}

impl Order {
    pub(super) fn new(shares: f64, price: f64, commission: f64) -> Self {
        let value = Amount::price(price).times(Amount::new(shares));
        Self { value, fee: value.times(Amount::new(commission)) }
    }
}

/// Writes the amounts of a run's trades, which are in order; answers with the commissions of all.
pub(super) fn settle(trades: &mut [Trade], execution: &Execution) -> f64 {
    let (whole, commission) = (execution.whole_shares, execution.commission);
    let shown = |amount: Amount| if whole { amount.value() } else { tidy(amount.value()) };
    let mut cash = Amount::new(execution.initial_cash);
    let mut paid = Amount::new(0.0);
    for trade in trades.iter_mut() {
        if !whole {
            trade.shares = tidy(trade.shares);
        }
        let bought = Order::new(trade.shares, trade.entry_price, commission);
        let sold = Order::new(trade.shares, trade.exit_price, commission);
        let left = cash.after_buying(bought, whole);
        let after = left.after_selling(sold, whole);
        let fees = bought.fee.plus(sold.fee);
        // Where all cash was spent, what there is more of it is the profit.
        let profit = if whole { sold.value.minus(bought.value).minus(fees) } else { after.gain_on(cash) };
        (trade.cash, trade.fees, trade.profit) = (left.value(), shown(fees), shown(profit));
        paid = paid.plus(fees);
        cash = after;
    }
    shown(paid)
}

/// Cash and the value of shares at each of these closes, put behind what is there.
pub(super) fn worth(cash: Amount, shares: f64, close: &[f64], whole: bool, equity: &mut Vec<f64>) {
    let left = cash.value();
    let about = |close: f64| tidy(left + shares * close);
    let held = if whole { Holding::new(cash, shares) } else { None };
    match held {
        Some(held) => equity.extend(close.iter().map(|&close| held.at(close).unwrap_or_else(|| about(close)))),
        None => equity.extend(close.iter().map(|&close| about(close))),
    }
}

/// Cash and shares, counted so that a price of four places takes one multiplication.
struct Holding {
    cash: Decimal,
    shares: Decimal,
    places: u32,
    /// The cash in these places, and what the shares are worth by a price of one ten-thousandth.
    units: i128,
    each: i128,
    /// Both again, and the power of ten of the places, where they are short.
    short: Option<(i64, i64, f64)>,
}

impl Holding {
    const PRICE_PLACES: u32 = 4;
    /// Whole numbers below are doubles each.
    const SHORT: i64 = 1 << 53;

    fn new(cash: Amount, shares: f64) -> Option<Self> {
        let (cash, shares) = (cash.exact?, Decimal::shortest(shares)?);
        let places = cash.places().max(Self::PRICE_PLACES);
        let (units, each) = (cash.at(places)?, shares.at(places - Self::PRICE_PLACES)?);
        let short = || Some((i64::try_from(units).ok()?, i64::try_from(each).ok()?, power_of_ten(places)?));
        Some(Self { cash, shares, places, units, each, short: short() })
    }

    #[inline]
    fn at(&self, close: f64) -> Option<f64> {
        let Some(ticks) = exact::decimal(close, 1e4) else {
            return Some(Decimal::fifteen(close)?.times(self.shares)?.plus(self.cash)?.to_f64());
        };
        if let Some((units, each, power)) = self.short
            && let Some(worth) = each.checked_mul(ticks).and_then(|held| units.checked_add(held))
            && worth < Self::SHORT
        {
            return Some(worth as f64 / power);
        }
        let worth = self.units.checked_add(self.each.checked_mul(ticks.into())?)?;
        Some(Decimal::new(worth, self.places).to_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::{ExitReason, Fill};
    use proptest::prelude::*;

    fn bought(shares: f64, entry_price: f64, exit_price: f64) -> Trade {
        let exit_reason = ExitReason::Signal;
        Trade { entry: 0, exit: 1, entry_price, exit_price, shares, profit: 0.0, exit_reason, fees: 0.0, cash: 0.0 }
    }

    fn execution(initial_cash: f64, commission: f64, whole_shares: bool) -> Execution {
        Execution { initial_cash, fill: Fill::SameClose, commission, slippage: 0.0, whole_shares }
    }

    #[test]
    fn amounts_are_those_of_paper() {
        let mut trades = [bought(100.0, 1.1, 1.21), bought(100.0, 1.2, 1.2)];
        assert_eq!(settle(&mut trades, &execution(110.0, 0.0, true)), 0.0);
        assert_eq!((trades[0].cash, trades[0].profit, trades[1].cash, trades[1].profit), (0.0, 11.0, 1.0, 0.0));
        let mut trades = [bought(50.0, 19.9199, 21.2787)];
        assert_eq!(settle(&mut trades, &execution(1_000.0, 0.002, true)), 4.119_86);
        assert_eq!((trades[0].profit, trades[0].fees, trades[0].cash), (63.820_14, 4.119_86, 2.013_01));
        let mut equity = Vec::new();
        worth(Amount::new(0.0), 3.0, &[0.1, 0.2, 1.0 / 3.0], true, &mut equity);
        assert_eq!(equity, [0.3, 0.6, 1.0]);
        let mut trades = [bought(0.3 / 0.1, 0.1, 0.1)];
        settle(&mut trades, &execution(0.3, 0.0, false));
        assert_eq!((trades[0].shares, trades[0].profit, trades[0].cash), (3.0, 0.0, 0.0));
    }

    proptest! {
        #[test]
        fn amounts_are_near_what_doubles_give_however_large(
            cash in 0.01..1e15_f64, price in 1e-6..1e9_f64, up in 0.5..2.0_f64, commission in 0.0..0.5_f64, whole: bool,
        ) {
            let shares = cash / (price * (1.0 + commission));
            let shares = if whole { shares.floor() } else { shares };
            prop_assume!(shares > 0.0);
            let execution = execution(cash, commission, whole);
            let mut trades = [bought(shares, price, price * up)];
            let fees = settle(&mut trades, &execution);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * cash;
            prop_assert!(near(fees, shares * price * (1.0 + up) * commission) && trades[0].cash >= 0.0);
            prop_assert!(near(trades[0].profit, shares * price * (up - 1.0) - fees), "{:?}", trades[0]);
        }
    }
}
