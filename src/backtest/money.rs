//! Cash, costs and price levels in exact decimals.
//!
//! Whether a price reaches a level, and how many shares some cash buys, must come out as it does on paper: a target of
//! 10 % on 100 is 110, not 110.00000000000001, and 110 buys a hundred shares at 1.10. Doubles decide where they are far
//! enough from a tie; else decimals do. What has more digits than 128 bits hold is left to the doubles.

use std::cmp::Ordering;

use super::strategy::{Execution, Stops};
use crate::market::exact::{self, Decimal};

/// How far a product of a few doubles may be from the true one, as a share of it.
const NEAR: f64 = 8.0 * f64::EPSILON;

/// A rate of price that an order adds or takes off: `1 + share` or `1 - share`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factor {
    value: f64,
    exact: Option<Decimal>,
}

impl Factor {
    pub(super) fn up(share: f64) -> Self {
        Self { value: 1.0 + share, exact: Decimal::shortest(share).and_then(|share| Decimal::ONE.plus(share)) }
    }

    pub(super) fn down(share: f64) -> Self {
        Self { value: 1.0 - share, exact: Decimal::shortest(share).and_then(|share| Decimal::ONE.minus(share)) }
    }

    /// A price times this, for a whole column: exact for short decimals, as doubles multiply for others.
    pub(super) fn column(self, prices: &[f64]) -> Vec<f64> {
        if self.value == 1.0 && self.exact.is_some_and(|e| e.compare(Decimal::ONE) == Some(Ordering::Equal)) {
            return prices.to_vec();
        }
        let product = |price: f64| Decimal::short(price)?.times(self.exact?).map(Decimal::to_f64);
        prices.iter().map(|&price| product(price).unwrap_or(price * self.value)).collect()
    }

    fn times(self, other: Self) -> Self {
        let exact = self.exact.zip(other.exact).and_then(|(a, b)| a.times(b));
        Self { value: self.value * other.value, exact }
    }
}

/// A price that is a product of decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) value: f64,
    exact: Option<Decimal>,
}

impl Level {
    pub(super) fn price(value: f64) -> Self {
        Self { value, exact: Decimal::shortest(value) }
    }

    pub(super) fn times(self, factor: Factor) -> Self {
        let exact = self.exact.zip(factor.exact).and_then(|(a, b)| a.times(b));
        Self { value: exact.map_or(self.value * factor.value, Decimal::to_f64), exact }
    }

    /// How a price stands to it.
    #[inline]
    pub(super) fn of(&self, price: f64) -> Ordering {
        let distance = price - self.value;
        if distance.abs() > self.value * NEAR {
            return if distance > 0.0 { Ordering::Greater } else { Ordering::Less };
        }
        let exact = self.exact.and_then(|level| Decimal::shortest(price)?.compare(level));
        exact.unwrap_or_else(|| price.total_cmp(&self.value))
    }
}

/// How many shares `cash` buys at a price with a commission on it.
pub(super) fn affordable(cash: f64, price: Level, commission: Factor, whole: bool) -> f64 {
    let unit_cost = price.times(commission);
    if !whole {
        return cash / unit_cost.value;
    }
    let exact = || Decimal::shortest(cash)?.whole_quotient(unit_cost.exact?);
    exact().map_or_else(|| floor(cash / unit_cost.value), |shares| shares as f64)
}

/// A cast is an instruction, `f64::floor` may be a call; doubles of this size are whole anyway.
#[inline]
fn floor(shares: f64) -> f64 {
    if shares < 9.0e15 { (shares as i64) as f64 } else { shares }
}

/// A sale's price before slippage: of a bar that orders are filled at, or another one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sold {
    /// At the open or close that the execution fills orders at.
    AtFill(usize),
    At(Level),
}

/// Prices and rates in whole numbers of one small unit of money.
pub(super) struct Ledger {
    /// Digits of each bar's fill price.
    prices: Vec<i128>,
    /// What these are multiplied by for the cost of a share, and for what one brings.
    cost: i128,
    gain: i128,
    /// The same two as rates.
    gain_rate: Decimal,
    places: u32,
    unit: f64,
    initial: i128,
    /// Whoever gets more at once leaves the range of the digits.
    most: f64,
}

/// Digits that sums stay below, with room for one more.
const MOST_DIGITS: f64 = 4e37;
/// Whole numbers up to this are doubles each.
const MOST_SHARES: i128 = 1 << 53;
/// Powers of ten that prices are tried in first.
const SCALES: [(f64, u32); 4] = [(1e2, 2), (1e4, 4), (1e6, 6), (1e8, 8)];

/// The prices' digits, and how many of them are places.
fn digits(prices: &[f64]) -> Option<(Vec<i128>, u32)> {
    let short = |&(scale, places): &(f64, u32)| {
        let ticks: Option<Vec<i128>> = prices.iter().map(|&p| exact::decimal(p, scale).map(i128::from)).collect();
        ticks.map(|ticks| (ticks, places))
    };
    SCALES.iter().find_map(short).or_else(|| {
        let decimals: Vec<Decimal> = prices.iter().map(|&p| Decimal::shortest(p)).collect::<Option<_>>()?;
        let places = decimals.iter().map(|d| d.places()).max()?;
        let digits: Option<_> = decimals.into_iter().map(|d| d.at(places)).collect();
        Some((digits?, places))
    })
}

impl Ledger {
    /// `None` for fractions of shares, whose number needs no rounding, and where the digits don't fit.
    pub(super) fn new(prices: &[f64], execution: &Execution, stops: Stops) -> Option<Self> {
        if !execution.whole_shares {
            return None;
        }
        let (prices, price_places) = digits(prices)?;
        let bought = Factor::up(execution.slippage);
        let cost_rate = bought.times(Factor::up(execution.commission)).exact?;
        let gain_rate = Factor::down(execution.slippage).times(Factor::down(execution.commission)).exact?;
        // A sale at a level has the entry's slippage and the level's share in it, too.
        let mut more = 0;
        for share in [stops.loss, stops.profit].into_iter().flatten() {
            more = more.max(Decimal::shortest(share)?.places() + bought.exact?.places());
        }
        let cash = Decimal::shortest(execution.initial_cash)?;
        let places = cash.places().max(price_places + cost_rate.places().max(gain_rate.places()) + more);
        let (cost, gain) = (cost_rate.at(places - price_places)?, gain_rate.at(places - price_places)?);
        let unit = 10.0_f64.powi(-i32::try_from(places).ok()?);
        let highest = prices.iter().copied().max()?;
        highest.checked_mul(cost.max(gain))?;
        let initial = cash.at(places)?;
        ((initial as f64) < MOST_DIGITS).then_some(Self {
            prices,
            cost,
            gain,
            gain_rate,
            places,
            unit,
            initial,
            most: MOST_DIGITS * unit,
        })
    }
}

/// The balance of cash, updated with every purchase and sale.
pub(super) struct Purse<'a> {
    /// `None` where doubles have to do.
    ledger: Option<&'a Ledger>,
    cash: i128,
    whole: bool,
}

impl<'a> Purse<'a> {
    pub(super) fn new(ledger: Option<&'a Ledger>, whole: bool) -> Self {
        Self { ledger, cash: ledger.map_or(0, |l| l.initial), whole }
    }

    /// How many shares it buys on a bar. The cash and the cost of a share come as doubles, too.
    #[inline]
    pub(super) fn affordable(&mut self, bar: usize, cash: f64, unit_cost: f64) -> f64 {
        if !self.whole {
            return cash / unit_cost;
        }
        let Some(ledger) = self.ledger else { return floor(cash / unit_cost) };
        let about = self.cash as f64 * ledger.unit / unit_cost;
        let shares = floor(about);
        let above = about - shares;
        if above > about * NEAR && 1.0 - above > about * NEAR {
            return shares;
        }
        match self.cash.checked_div(ledger.prices[bar] * ledger.cost) {
            Some(shares) if shares < MOST_SHARES => shares as f64,
            _ => {
                self.ledger = None;
                shares
            }
        }
    }

    /// Takes out what shares cost that it affords.
    #[inline]
    pub(super) fn spend(&mut self, bar: usize, shares: f64) {
        if let Some(ledger) = self.ledger {
            self.cash -= i128::from(shares as i64) * (ledger.prices[bar] * ledger.cost);
        }
    }

    /// Puts in what they bring; `proceeds` is about as much.
    #[inline]
    pub(super) fn earn(&mut self, shares: f64, sold: Sold, proceeds: f64) {
        let Some(ledger) = self.ledger else { return };
        let each = match sold {
            Sold::AtFill(bar) => Some(ledger.prices[bar] * ledger.gain),
            Sold::At(level) => level.exact.and_then(|e| e.times(ledger.gain_rate)?.at(ledger.places)),
        };
        match each {
            Some(each) if proceeds < ledger.most && self.cash as f64 * ledger.unit < ledger.most => {
                self.cash += i128::from(shares as i64) * each;
            }
            _ => self.ledger = None,
        }
    }
}
