//! The engine again, as slowly and plainly as it can be put: one bar after the other, with nothing but the bars up to
//! it at hand.

use crate::backtest::{Comparison, Condition, Execution, ExitReason, Fill, Strategy};
use crate::market::{Columns, Operand, PriceField};

pub struct Position {
    pub entry: usize,
    pub entry_price: f64,
    pub shares: f64,
    pub cost: f64,
    pub fee: f64,
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

pub fn run(columns: &Columns, strategy: &Strategy, execution: &Execution) -> Run {
    let mut cash = execution.initial_cash;
    let mut position: Option<Position> = None;
    let mut sales: Vec<Sale> = Vec::new();
    let mut equity = Vec::new();
    let mut bars_held = 0;
    let (mut buy_order, mut sell_order) = (false, false);
    let at_open = execution.fill == Fill::NextOpen;
    let n = columns.len();

    let buy = |cash: &mut f64, bar: usize, price: f64| -> Option<Position> {
        let entry_price = price * (1.0 + execution.slippage);
        let mut shares = *cash / (entry_price * (1.0 + execution.commission));
        if execution.whole_shares {
            shares = shares.floor();
        }
        if shares == 0.0 {
            return None;
        }
        let cost = shares * entry_price;
        let fee = cost * execution.commission;
        *cash -= cost + fee;
        Some(Position { entry: bar, entry_price, shares, cost, fee })
    };
    let sell = |cash: &mut f64, p: &Position, exit: usize, price: f64, reason: ExitReason| {
        let exit_price = price * (1.0 - execution.slippage);
        let proceeds = p.shares * exit_price;
        let fee = proceeds * execution.commission;
        *cash += proceeds - fee;
        let profit = proceeds - fee - p.cost - p.fee;
        Sale { entry: p.entry, exit, entry_price: p.entry_price, exit_price, shares: p.shares, profit, reason }
    };

    for t in 0..n {
        if at_open && buy_order {
            position = buy(&mut cash, t, columns.open[t]);
        }
        if at_open
            && sell_order
            && let Some(p) = position.take()
        {
            sales.push(sell(&mut cash, &p, t, columns.open[t], ExitReason::Signal));
        }
        (buy_order, sell_order) = (false, false);

        // Inside the bar: the stop first, then the target.
        if let Some(p) = position.take() {
            let stop = strategy.stop_loss.map(|share| p.entry_price * (1.0 - share));
            let target = strategy.take_profit.map(|share| p.entry_price * (1.0 + share));
            if let Some(stop) = stop.filter(|s| columns.low[t] <= *s) {
                sales.push(sell(&mut cash, &p, t, stop.min(columns.open[t]), ExitReason::StopLoss));
            } else if let Some(target) = target.filter(|s| columns.high[t] >= *s) {
                sales.push(sell(&mut cash, &p, t, target.max(columns.open[t]), ExitReason::TakeProfit));
            } else {
                position = Some(p);
            }
        }

        if t >= strategy.first_decision() {
            if let Some(p) = position.take() {
                sell_order = holds(&strategy.sell, columns, t);
                if sell_order && !at_open {
                    sales.push(sell(&mut cash, &p, t, columns.close[t], ExitReason::Signal));
                } else {
                    position = Some(p);
                }
            } else {
                buy_order = holds(&strategy.buy, columns, t);
                if buy_order && !at_open {
                    position = buy(&mut cash, t, columns.close[t]);
                }
            }
        }
        bars_held += usize::from(position.is_some());
        equity.push(cash + position.as_ref().map_or(0.0, |p| p.shares * columns.close[t]));
    }
    if let Some(p) = position {
        sales.push(sell(&mut cash, &p, n - 1, columns.close[n - 1], ExitReason::EndOfData));
        equity[n - 1] = cash;
    }
    Run { sales, equity, bars_held }
}
