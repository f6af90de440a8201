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

/// Costs and gains in whole numbers of one small unit of money.
pub(super) struct Ledger {
    lots: Vec<Lot>,
    /// The same in doubles, where they hold these numbers.
    shares: Option<Vec<Share>>,
    /// What a price is multiplied by for what a share brings.
    gain_rate: Decimal,
    places: u32,
    /// Units in 1, and what one is.
    scale: f64,
    unit: f64,
    initial: i128,
    /// Whoever gets more at once leaves the range of the digits.
    most: f64,
}

/// What a share costs on a bar with the commission, and what it brings after it.
struct Lot {
    cost: i128,
    gain: i128,
    /// How many about one unit buys: a division takes four times as long as a multiplication.
    per_unit: f64,
}

/// The same in doubles.
#[derive(Clone, Copy)]
struct Share {
    cost: f64,
    /// How many one unit buys.
    per_unit: f64,
    gain: f64,
}

/// Digits that sums stay below, with room for one more.
const MOST_DIGITS: f64 = 4e37;
/// Whole numbers up to this are doubles each.
const MOST_WHOLE: i128 = 1 << 53;
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
        let scale = 10.0_f64.powi(i32::try_from(places).ok()?);
        let times = |rate: i128| prices.iter().map(|price| price.checked_mul(rate)).collect::<Option<Vec<i128>>>();
        let (costs, gains) = (times(cost)?, times(gain)?);
        let initial = cash.at(places)?;
        ((initial as f64) < MOST_DIGITS).then(|| Self {
            shares: costs.iter().zip(&gains).map(|(&cost, &gain)| Share::new(cost, gain)).collect(),
            lots: costs.into_iter().zip(gains).map(|(cost, gain)| Lot::new(cost, gain)).collect(),
            gain_rate,
            places,
            scale,
            unit: 1.0 / scale,
            initial,
            most: MOST_DIGITS / scale,
        })
    }

    /// What a share brings that is sold at a level.
    fn gain_at(&self, level: Level) -> Option<i128> {
        level.exact.and_then(|exact| exact.times(self.gain_rate)?.at(self.places))
    }
}

impl Lot {
    fn new(cost: i128, gain: i128) -> Self {
        Self { cost, gain, per_unit: 1.0 / cost as f64 }
    }
}

impl Share {
    fn new(cost: i128, gain: i128) -> Option<Self> {
        let (cost, gain) = (cost < MOST_WHOLE && gain < MOST_WHOLE).then_some((cost as f64, gain as f64))?;
        Some(Self { cost, per_unit: 1.0 / cost, gain })
    }
}

/// The balance of cash, updated with every purchase and sale. The amounts in money are for where nothing better is known.
pub(super) trait Purse {
    /// How many shares it buys on a bar, where a share costs about `unit_cost`.
    fn affordable(&mut self, bar: usize, unit_cost: f64) -> f64;
    /// Takes out what shares cost that it affords, which is about `cost`; answers with what is left.
    fn spend(&mut self, bar: usize, shares: f64, cost: f64) -> f64;
    /// Puts in what shares bring, which is about `gain`; answers with the balance. `None` if it can't hold it.
    fn earn(&mut self, shares: f64, sold: Sold, gain: f64) -> Option<f64>;
}

/// Counts in units fewer than 2^53, so that sums and products of doubles are whole numbers, too. Sweeps have nothing to
/// wait for but this.
pub(super) struct Units<'a> {
    ledger: &'a Ledger,
    shares: &'a [Share],
    cash: f64,
}

impl<'a> Units<'a> {
    /// `None` where the ledger's numbers are larger.
    pub(super) fn new(ledger: &'a Ledger) -> Option<Self> {
        let shares = ledger.shares.as_ref().filter(|_| ledger.initial < MOST_WHOLE)?;
        Some(Self { ledger, shares, cash: ledger.initial as f64 })
    }
}

impl Purse for Units<'_> {
    #[inline]
    fn affordable(&mut self, bar: usize, _: f64) -> f64 {
        // To the nearest whole number, which is what a double of this size is, from a half below. No cast, which would be
        // slower.
        const ROUND: f64 = (1_u64 << 52) as f64;
        let share = &self.shares[bar];
        let about = self.cash * share.per_unit;
        let shares = (about + (ROUND - 0.5)) - ROUND;
        let above = about - shares;
        if about < ROUND / 2.0 && above > about * NEAR && 1.0 - above > about * NEAR {
            return shares;
        }
        // Both are whole, and neither is negative.
        (self.cash as u64).checked_div(share.cost as u64).unwrap_or_default() as f64
    }

    #[inline]
    fn spend(&mut self, bar: usize, shares: f64, _: f64) -> f64 {
        self.cash -= shares * self.shares[bar].cost;
        self.cash / self.ledger.scale
    }

    #[inline]
    fn earn(&mut self, shares: f64, sold: Sold, _: f64) -> Option<f64> {
        let each = match sold {
            Sold::AtFill(bar) => self.shares[bar].gain,
            Sold::At(level) => self.ledger.gain_at(level).filter(|&each| each < MOST_WHOLE)? as f64,
        };
        self.cash += shares * each;
        (self.cash < MOST_WHOLE as f64).then_some(self.cash / self.ledger.scale)
    }
}

/// Counts in units of any size, and where digits end in doubles.
pub(super) struct Amounts<'a> {
    balance: Balance<'a>,
    whole: bool,
}

enum Balance<'a> {
    Units(Held<'a>),
    Money(f64),
}

/// A balance in units, and as a double.
struct Held<'a> {
    ledger: &'a Ledger,
    units: i128,
    about: f64,
}

impl<'a> Held<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, units: ledger.initial, about: about(ledger.initial) }
    }

    #[inline]
    fn add(&mut self, units: i128) {
        self.units += units;
        self.about = about(self.units);
    }

    #[inline]
    fn cash(&self) -> f64 {
        self.about * self.ledger.unit
    }
}

/// A balance, which is never negative, as a double, within its last place: a cast rounds, and is a call for 128 bits.
#[inline]
fn about(units: i128) -> f64 {
    const UPPER: f64 = (1_u128 << 64) as f64;
    (units >> 64) as i64 as f64 * UPPER + units as u64 as f64
}

impl<'a> Amounts<'a> {
    pub(super) fn new(ledger: Option<&'a Ledger>, execution: &Execution) -> Self {
        let balance = ledger.map_or(Balance::Money(execution.initial_cash), |l| Balance::Units(Held::new(l)));
        Self { balance, whole: execution.whole_shares }
    }

    #[inline]
    fn cash(&self) -> f64 {
        match &self.balance {
            Balance::Units(held) => held.cash(),
            Balance::Money(cash) => *cash,
        }
    }
}

impl Purse for Amounts<'_> {
    #[inline]
    fn affordable(&mut self, bar: usize, unit_cost: f64) -> f64 {
        let about = match &self.balance {
            Balance::Units(held) => held.about * held.ledger.lots[bar].per_unit,
            Balance::Money(cash) => *cash / unit_cost,
        };
        if !self.whole {
            return about;
        }
        let shares = floor(about);
        let Balance::Units(held) = &self.balance else { return shares };
        let above = about - shares;
        if above > about * NEAR && 1.0 - above > about * NEAR {
            return shares;
        }
        match held.units.checked_div(held.ledger.lots[bar].cost) {
            Some(shares) if shares < MOST_WHOLE => shares as f64,
            _ => {
                self.balance = Balance::Money(self.cash());
                shares
            }
        }
    }

    #[inline]
    fn spend(&mut self, bar: usize, shares: f64, cost: f64) -> f64 {
        match &mut self.balance {
            Balance::Units(held) => held.add(-(i128::from(shares as i64) * held.ledger.lots[bar].cost)),
            // What is spent to the last cent may leave a rounding error.
            Balance::Money(cash) => *cash = if self.whole { (*cash - cost).max(0.0) } else { 0.0 },
        }
        self.cash()
    }

    #[inline]
    fn earn(&mut self, shares: f64, sold: Sold, gain: f64) -> Option<f64> {
        if let Balance::Units(held) = &mut self.balance {
            let each = match sold {
                Sold::AtFill(bar) => Some(held.ledger.lots[bar].gain),
                Sold::At(level) => held.ledger.gain_at(level),
            };
            match each {
                Some(each) if gain < held.ledger.most && held.about < MOST_DIGITS => {
                    held.add(i128::from(shares as i64) * each);
                }
                _ => self.balance = Balance::Money(self.cash() + gain),
            }
        } else {
            self.balance = Balance::Money(self.cash() + gain);
        }
        Some(self.cash())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn balances_are_about_what_a_cast_makes_of_them(units in 0..i128::MAX, shorter in 0..127_u32) {
            let units = units >> shorter;
            let cast = units as f64;
            prop_assert!((about(units) - cast).abs() <= cast.abs() * f64::EPSILON, "{}", units);
        }
    }
}
