//! Every pair of two moving-average windows over one series: below the one buys, above the other sells.
//!
//! What pairs share is done once: a bit for every bar and window. A pair then is a walk from trade to trade by the same
//! engine as a single run, with a recorder that keeps sums instead of curves. A long position costs a few lookups in
//! tables of ranges, where those can show that it has no new low.

mod tally;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::tally::{Closes, Tally};
use super::bits::{BitSet, NextBars};
use super::compare::CloseTicks;
use super::engine::{BacktestError, Market, Rules, walk};
use super::signals::evaluate;
use super::strategy::{Condition, Execution, InvalidField, Stops};
use crate::market::Columns;
use crate::market::names::names;
use crate::market::operand::LONGEST_WINDOW;

/// Pairs that one sweep may have.
pub const MOST_COMBINATIONS: usize = 1_000_000;

/// Buy and sell windows at most whose pairs are run together, with a table for each.
const TILE: (usize, usize) = (8, 8);

/// What a thread fills in for its tile.
#[derive(Default)]
struct Tables {
    buys: Vec<NextBars>,
    sells: Vec<NextBars>,
}

/// Windows from `from` to `to`, `step` apart, both ends included where they are met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRange {
    pub from: usize,
    pub to: usize,
    pub step: usize,
}

impl WindowRange {
    /// How many windows there are.
    #[must_use]
    pub fn count(self) -> usize {
        if self.step == 0 || self.to < self.from { 0 } else { (self.to - self.from) / self.step + 1 }
    }

    /// The windows, ascending.
    pub fn windows(self) -> impl Iterator<Item = usize> + Clone {
        (0..self.count()).map(move |i| self.from + i * self.step)
    }

    fn longest(self) -> usize {
        self.windows().last().unwrap_or(0)
    }

    fn check(self, field: &str) -> Result<(), InvalidField> {
        let fault = |part: &str, message: String| Err(InvalidField { field: format!("{field}.{part}"), message });
        if self.from < 1 || self.from > LONGEST_WINDOW {
            return fault("from", format!("a window is 1 to {LONGEST_WINDOW} days, not {}", self.from));
        }
        if self.to < self.from || self.to > LONGEST_WINDOW {
            return fault("to", format!("the last window is {} to {LONGEST_WINDOW} days, not {}", self.from, self.to));
        }
        if self.step < 1 {
            return fault("step", "the step is at least 1".to_owned());
        }
        Ok(())
    }
}

/// What pairs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum SweepMetric {
    /// The largest total return is the best.
    TotalReturn,
    /// The largest Sharpe ratio is the best; what has none comes last.
    Sharpe,
    /// The smallest drawdown is the best.
    MaxDrawdown,
}

names!(SweepMetric { TotalReturn => "TOTAL_RETURN", Sharpe => "SHARPE", MaxDrawdown => "MAX_DRAWDOWN" });

/// The results of a sweep: a row a pair, the sell window running fastest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sweep {
    pub buy: WindowRange,
    pub sell: WindowRange,
    pub total_return: Vec<f64>,
    pub max_drawdown: Vec<f64>,
    /// `NaN` where undefined.
    pub sharpe: Vec<f64>,
    pub trade_count: Vec<i32>,
}

/// One pair's results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepRow {
    pub buy_window: usize,
    pub sell_window: usize,
    pub total_return: f64,
    pub max_drawdown: f64,
    pub sharpe: Option<f64>,
    pub trade_count: i32,
}

impl Sweep {
    /// Checks the ranges and how many pairs they make.
    ///
    /// # Errors
    /// The first field that can't be what it is.
    pub fn check(buy: WindowRange, sell: WindowRange, execution: &Execution) -> Result<usize, InvalidField> {
        buy.check("buyBelowSma")?;
        sell.check("sellAboveSma")?;
        execution.check()?;
        let combinations = buy.count() * sell.count();
        if combinations > MOST_COMBINATIONS {
            let message =
                format!("{combinations} pairs are more than {MOST_COMBINATIONS}; take larger steps or shorter ranges");
            return Err(InvalidField { field: "buyBelowSma".to_owned(), message });
        }
        Ok(combinations)
    }

    /// Checks that every window fits into a series; answers with the longest one.
    ///
    /// # Errors
    /// When one doesn't.
    pub fn check_length(buy: WindowRange, sell: WindowRange, bars: usize) -> Result<usize, BacktestError> {
        let longest = buy.longest().max(sell.longest());
        if longest > bars {
            return Err(BacktestError::TooFewBars { needed: longest, have: bars });
        }
        Ok(longest)
    }

    /// Runs every pair, on all of rayon's threads. `go_on` is called now and then with the number of pairs done; `None` comes
    /// back if it says no.
    ///
    /// # Errors
    /// When a parameter can't be what it is, or a window is longer than the series.
    pub fn run(
        columns: &Columns,
        buy: WindowRange,
        sell: WindowRange,
        execution: &Execution,
        go_on: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<Option<Self>, BacktestError> {
        let combinations = Self::check(buy, sell, execution)?;
        let longest = Self::check_length(buy, sell, columns.len())?;
        let ticks = CloseTicks::of(&columns.close, longest);
        let signals = |range: WindowRange, side: i8| -> Vec<BitSet> {
            let windows: Vec<usize> = range.windows().collect();
            windows.into_par_iter().map(|window| signal(columns, ticks.as_ref(), window, side)).collect()
        };
        let (buys, sells) = (signals(buy, -1), signals(sell, 1));
        let market = Market::new(columns, execution, Stops::default());
        let closes = Closes::new(&columns.close);
        let pair = |(buy_window, buy): (usize, &NextBars), (sell_window, sell): (usize, &NextBars)| {
            let rules = Rules { buy, sell, first: buy_window.max(sell_window) - 1 };
            walk(&market, &rules, || Tally::new(&closes, execution.initial_cash)).row(execution.initial_cash)
        };
        let (buy_windows, sell_windows): (Vec<_>, Vec<_>) = (buy.windows().collect(), sell.windows().collect());
        let done = AtomicUsize::new(0);
        let mut results = vec![(0.0, 0.0, 0.0, 0); combinations];
        // Where there are few, a thread still finds some to take.
        let tile = (buys.len() / (4 * rayon::current_num_threads())).clamp(1, TILE.0);
        let rows = results.par_chunks_mut(tile * sells.len());
        let tiles = rows.zip(buys.par_chunks(tile)).zip(buy_windows.par_chunks(tile));
        let finished = tiles.try_for_each_init(Tables::default, |tables, ((rows, buys), buy_windows)| {
            tables.buys.resize_with(buys.len(), NextBars::default);
            tables.buys.iter_mut().zip(buys).for_each(|(table, set)| table.fill(set));
            for (at, sells) in sells.chunks(TILE.1).enumerate() {
                let first = at * TILE.1;
                tables.sells.resize_with(sells.len(), NextBars::default);
                tables.sells.iter_mut().zip(sells).for_each(|(table, set)| table.fill(set));
                for (row, buy) in rows.chunks_mut(sell_windows.len()).zip(buy_windows.iter().copied().zip(&tables.buys))
                {
                    let sells = sell_windows[first..].iter().copied().zip(&tables.sells);
                    row[first..].iter_mut().zip(sells).for_each(|(slot, sell)| *slot = pair(buy, sell));
                }
                let pairs = buys.len() * sells.len();
                go_on(done.fetch_add(pairs, Ordering::Relaxed) + pairs).then_some(())?;
            }
            Some(())
        });
        Ok(finished.map(|()| Self {
            buy,
            sell,
            total_return: results.iter().map(|r| r.0).collect(),
            max_drawdown: results.iter().map(|r| r.1).collect(),
            sharpe: results.iter().map(|r| r.2).collect(),
            trade_count: results.iter().map(|r| r.3).collect(),
        }))
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trade_count.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trade_count.is_empty()
    }

    /// The windows of every row: (buy, sell).
    pub fn windows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.buy.windows().flat_map(|buy| self.sell.windows().map(move |sell| (buy, sell)))
    }

    /// The best pairs by a metric, the best first; of equals, the one with the shorter windows.
    #[must_use]
    pub fn best(&self, by: SweepMetric, count: usize) -> Vec<SweepRow> {
        // Sums in another order differ in their last digits, which rank nothing.
        let rounded = |figure: f64| (figure * 1e12).round();
        let value = |i: usize| match by {
            SweepMetric::TotalReturn => rounded(self.total_return[i]),
            SweepMetric::MaxDrawdown => rounded(self.max_drawdown[i]),
            SweepMetric::Sharpe if self.sharpe[i].is_nan() => f64::NEG_INFINITY,
            SweepMetric::Sharpe => rounded(self.sharpe[i]),
        };
        let better = |a: &usize, b: &usize| value(*b).total_cmp(&value(*a)).then(a.cmp(b));
        let mut order: Vec<usize> = (0..self.len()).collect();
        let count = count.min(order.len());
        if count > 0 && count < order.len() {
            order.select_nth_unstable_by(count - 1, better);
        }
        order.truncate(count);
        order.sort_unstable_by(better);
        let sells = self.sell.count();
        let row = |i: usize| SweepRow {
            buy_window: self.buy.from + i / sells * self.buy.step,
            sell_window: self.sell.from + i % sells * self.sell.step,
            total_return: self.total_return[i],
            max_drawdown: self.max_drawdown[i],
            sharpe: Some(self.sharpe[i]).filter(|s| !s.is_nan()),
            trade_count: self.trade_count[i],
        };
        order.into_iter().map(row).collect()
    }
}

/// The bars on which the close is on one side of its average.
fn signal(columns: &Columns, ticks: Option<&CloseTicks>, window: usize, side: i8) -> BitSet {
    let Some(ticks) = ticks else {
        let condition = if side < 0 { Condition::price_below_sma(window) } else { Condition::price_above_sma(window) };
        return evaluate(&condition, columns);
    };
    let mut found = Vec::with_capacity(columns.len());
    ticks.sides(window, |s| found.push(s == side));
    BitSet::from_fn(found.len(), |t| found[t])
}
