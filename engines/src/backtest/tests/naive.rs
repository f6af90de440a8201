//! The engine again, as slowly and plainly as it can be put: one bar after the other, knowing nothing but the bars up to
//! it. Money, costs and levels are fractions in whole numbers.

use crate::backtest::{Comparison, Condition, Execution, ExitReason, Fill, Strategy};
use crate::market::{Columns, Operand, PriceField};

pub struct Position {
    pub entry: usize,
    /// With slippage, in units of 10^-7.
    pub paid: i128,
    pub entry_price: f64,
    pub shares: f64,
    pub cost: f64,
    pub fee: f64,
    /// Both of a whole number of shares, in units of money.
    spent: i128,
}

#[derive(Debug, PartialEq)]
pub struct Sale {
    pub entry: usize,
    pub exit: usize,
    pub entry_price: f64,
    pub exit_price: f64,
    pub shares: f64,
    pub profit: f64,
    pub reason: ExitReason,
}

pub struct Run {
    pub sales: Vec<Sale>,
    pub equity: Vec<f64>,
    pub bars_held: usize,
}

/// The columns up to and including bar `t`.
fn up_to(columns: &Columns, t: usize) -> Columns {
    Columns {
        days: columns.days[..=t].to_vec(),
        open: columns.open[..=t].to_vec(),
        high: columns.high[..=t].to_vec(),
        low: columns.low[..=t].to_vec(),
        close: columns.close[..=t].to_vec(),
        volume: columns.volume[..=t].to_vec(),
    }
}

fn tick(price: f64) -> i128 {
    (price * 10_000.0).round() as i128
}

/// An operand on the last of these bars, as a fraction of whole numbers where it's one.
fn fraction(seen: &Columns, operand: Operand) -> Option<(i128, i128)> {
    let last = seen.len() - 1;
    let window = |n: usize| (seen.len() >= n).then(|| &seen.close[seen.len() - n..]);
    match operand {
        Operand::Price(PriceField::Open) => Some((tick(seen.open[last]), 1)),
        Operand::Price(PriceField::High) => Some((tick(seen.high[last]), 1)),
        Operand::Price(PriceField::Low) => Some((tick(seen.low[last]), 1)),
        Operand::Price(PriceField::Close) => Some((tick(seen.close[last]), 1)),
        Operand::Constant(value) => Some((tick(value), 1)),
        Operand::Sma(n) => window(n).map(|w| (w.iter().map(|p| tick(*p)).sum(), n as i128)),
        Operand::Highest(n) => window(n)?.iter().map(|p| tick(*p)).max().map(|t| (t, 1)),
        Operand::Lowest(n) => window(n)?.iter().map(|p| tick(*p)).min().map(|t| (t, 1)),
        _ => None,
    }
}

fn is_exact(operand: Operand) -> bool {
    use Operand::{Constant, Highest, Lowest, Price, Sma};
    matches!(operand, Price(_) | Constant(_) | Sma(_) | Highest(_) | Lowest(_))
}

/// How left stands to right on the last bar.
fn order(seen: &Columns, left: Operand, right: Operand) -> Option<std::cmp::Ordering> {
    if is_exact(left) && is_exact(right) {
        let ((a, b), (c, d)) = (fraction(seen, left)?, fraction(seen, right)?);
        return Some((a * d).cmp(&(c * b)));
    }
    let last = |operand: Operand| operand.values(seen).pop().unwrap_or(f64::NAN);
    last(left).partial_cmp(&last(right))
}

fn holds(condition: &Condition, columns: &Columns, t: usize) -> bool {
    use std::cmp::Ordering::{Greater, Less};
    match condition {
        Condition::Compare { left, is, right } => {
            let now = order(&up_to(columns, t), *left, *right);
            let before = if t == 0 { None } else { order(&up_to(columns, t - 1), *left, *right) };
            match is {
                Comparison::Below => now == Some(Less),
                Comparison::Above => now == Some(Greater),
                Comparison::CrossesBelow => now == Some(Less) && before.is_some_and(|o| o != Less),
                Comparison::CrossesAbove => now == Some(Greater) && before.is_some_and(|o| o != Greater),
            }
        }
        Condition::All(inner) => inner.iter().all(|c| holds(c, columns, t)),
        Condition::Any(inner) => inner.iter().any(|c| holds(c, columns, t)),
        Condition::Not(inner) => !holds(inner, columns, t),
    }
}

/// Slippage in whole thousandths, which the tests use no finer one than.
fn thousandths(rate: f64) -> i128 {
    (rate * 1_000.0).round() as i128
}

/// A commission in whole hundred-thousandths.
fn hundred_thousandths(rate: f64) -> i128 {
    (rate * 100_000.0).round() as i128
}

/// Units of money in 1: what a price in ten-thousandths, both slippages, a level of a hundredth and a commission
/// multiply to.
const MONEY: i128 = 100_000_000_000_000_000;

/// The double that the amount reads as.
fn money(units: i128) -> f64 {
    format!("{units}e-17").parse().expect("a number")
}

/// Money as whole numbers, so that nothing is rounded. Parts of shares can't be counted so; their cash is a double.
struct Hand {
    units: i128,
    cash: f64,
    whole: bool,
}

impl Hand {
    fn cash(&self) -> f64 {
        if self.whole { money(self.units) } else { self.cash }
    }
}

pub fn run(columns: &Columns, strategy: &Strategy, execution: &Execution) -> Run {
    let whole = execution.whole_shares;
    let mut hand = Hand { units: execution.initial_cash as i128 * MONEY, cash: execution.initial_cash, whole };
    let mut position: Option<Position> = None;
    let mut sales: Vec<Sale> = Vec::new();
    let mut equity = Vec::new();
    let mut bars_held = 0;
    let (mut buy_order, mut sell_order) = (false, false);
    let at_open = execution.fill == Fill::NextOpen;
    let n = columns.len();
    let (slippage, commission) = (thousandths(execution.slippage), hundred_thousandths(execution.commission));
    let hundredths = |share: Option<f64>| share.map(|s| (s * 100.0).round() as i128);
    let (stop_loss, take_profit) = (hundredths(strategy.stop_loss), hundredths(strategy.take_profit));

    let buy = |hand: &mut Hand, bar: usize, price: f64| -> Option<Position> {
        // In units of 10^-7 and, with the commission, of 10^-12.
        let paid = tick(price) * (1_000 + slippage);
        let each = paid * (100_000 + commission);
        let entry_price = paid as f64 / 1e7;
        let bought = hand.units / (each * 100_000);
        let shares = if whole { bought as f64 } else { hand.cash / (each as f64 / 1e12) };
        if shares == 0.0 {
            return None;
        }
        let cost = shares * entry_price;
        let fee = cost * execution.commission;
        hand.units -= bought * each * 100_000;
        hand.cash -= cost + fee;
        Some(Position { entry: bar, paid, entry_price, shares, cost, fee, spent: bought * each * 100_000 })
    };
    // `price` in units of 10^-9.
    let sell = |hand: &mut Hand, p: &Position, exit: usize, price: i128, reason: ExitReason| {
        let got = price * (1_000 - slippage);
        let exit_price = got as f64 / 1e12;
        let proceeds = p.shares * exit_price;
        let fee = proceeds * execution.commission;
        let mut profit = proceeds - fee - p.cost - p.fee;
        if whole {
            let brought = p.shares as i128 * got * (100_000 - commission);
            hand.units += brought;
            profit = money(brought - p.spent);
        }
        hand.cash += proceeds - fee;
        Sale { entry: p.entry, exit, entry_price: p.entry_price, exit_price, shares: p.shares, profit, reason }
    };
    let fine = |price: f64| tick(price) * 100_000;

    for t in 0..n {
        if at_open && buy_order {
            position = buy(&mut hand, t, columns.open[t]);
        }
        if at_open
            && sell_order
            && let Some(p) = position.take()
        {
            sales.push(sell(&mut hand, &p, t, fine(columns.open[t]), ExitReason::Signal));
        }
        (buy_order, sell_order) = (false, false);

        // The open beyond a level comes first, then the stop inside the bar, then the target.
        if let Some(p) = position.take() {
            let stop = stop_loss.map(|share| p.paid * (100 - share));
            let target = take_profit.map(|share| p.paid * (100 + share));
            let (open, low, high) = (fine(columns.open[t]), fine(columns.low[t]), fine(columns.high[t]));
            let exit = if stop.is_some_and(|stop| open <= stop) {
                Some((open, ExitReason::StopLoss))
            } else if target.is_some_and(|target| open >= target) {
                Some((open, ExitReason::TakeProfit))
            } else if let Some(stop) = stop.filter(|stop| low <= *stop) {
                Some((stop, ExitReason::StopLoss))
            } else {
                target.filter(|target| high >= *target).map(|target| (target, ExitReason::TakeProfit))
            };
            match exit {
                Some((price, reason)) => sales.push(sell(&mut hand, &p, t, price, reason)),
                None => position = Some(p),
            }
        }

        if t >= strategy.first_decision() {
            if let Some(p) = position.take() {
                sell_order = holds(&strategy.sell, columns, t);
                if sell_order && !at_open {
                    sales.push(sell(&mut hand, &p, t, fine(columns.close[t]), ExitReason::Signal));
                } else {
                    position = Some(p);
                }
            } else {
                buy_order = holds(&strategy.buy, columns, t);
                if buy_order && !at_open {
                    position = buy(&mut hand, t, columns.close[t]);
                }
            }
        }
        bars_held += usize::from(position.is_some());
        let shares = position.as_ref().map_or(0.0, |p| p.shares);
        equity.push(if whole {
            money(hand.units + shares as i128 * tick(columns.close[t]) * (MONEY / 10_000))
        } else {
            hand.cash + shares * columns.close[t]
        });
    }
    if let Some(p) = position {
        sales.push(sell(&mut hand, &p, n - 1, fine(columns.close[n - 1]), ExitReason::EndOfData));
        equity[n - 1] = hand.cash();
    }
    Run { sales, equity, bars_held }
}
