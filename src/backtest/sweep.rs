//! Every pair of two moving-average windows over one series: below the one buys, above the other sells.
//!
//! What pairs share is done once: a bit for every bar and window. A pair then is a walk from trade to trade by the same
//! engine as a single run, with a recorder that keeps sums instead of curves. A long position costs a few lookups in
//! tables of ranges, where those can show that it has no new low.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bits::BitSet;
use super::compare::CloseTicks;
use super::engine::{BacktestError, Market, Recorder, Rules, walk};
use super::metrics::ReturnTotals;
use super::signals::evaluate;
use super::strategy::{Condition, Execution, InvalidField, Stops};
use super::trade::Trade;
use crate::market::Columns;
use crate::market::exact::{change, snap, tidy};
use crate::market::names::names;
use crate::market::operand::LONGEST_WINDOW;

/// Pairs that one sweep may have.
pub const MOST_COMBINATIONS: usize = 1_000_000;

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
        let ranges = Ranges::new(&columns.close);
        let done = AtomicUsize::new(0);
        let rows = sell.count();
        let mut results = vec![(0.0, 0.0, 0.0, 0); combinations];
        let finished = results.par_chunks_mut(rows).zip(buy.windows().collect::<Vec<_>>()).zip(&buys).try_for_each(
            |((chunk, buy_window), buy)| {
                for ((slot, sell_window), sell) in chunk.iter_mut().zip(sell.windows()).zip(&sells) {
                    let first = buy_window.max(sell_window) - 1;
                    let mut tally = Tally::new(&ranges, execution.initial_cash);
                    walk(&market, &Rules { buy, sell, first }, &mut tally);
                    *slot = tally.row(execution.initial_cash);
                }
                go_on(done.fetch_add(rows, Ordering::Relaxed) + rows).then_some(())
            },
        );
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
        let value = |i: usize| match by {
            SweepMetric::TotalReturn => self.total_return[i],
            SweepMetric::MaxDrawdown => self.max_drawdown[i],
            SweepMetric::Sharpe if self.sharpe[i].is_nan() => f64::NEG_INFINITY,
            SweepMetric::Sharpe => self.sharpe[i],
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

/// Shorter positions are walked bar by bar.
const SHORT: usize = 24;

/// Highest and lowest closes of ranges, and a bound on the drawdown inside them, by tables of powers of two.
struct Ranges {
    /// For each power, for each bar: over `2^power` bars from it on.
    levels: Vec<Vec<Extremes>>,
}

#[derive(Debug, Clone, Copy)]
struct Extremes {
    highest: f64,
    lowest: f64,
    /// The lowest quotient of a close and an earlier one.
    drop: f64,
}

impl Extremes {
    /// Of two ranges where the second begins no earlier. Where they overlap, `drop` may come out too low: a bound.
    fn join(self, later: Self) -> Self {
        Self {
            highest: self.highest.max(later.highest),
            lowest: self.lowest.min(later.lowest),
            drop: self.drop.min(later.drop).min(later.lowest / self.highest),
        }
    }
}

impl Ranges {
    fn new(close: &[f64]) -> Self {
        let mut levels = vec![close.iter().map(|&c| Extremes { highest: c, lowest: c, drop: 1.0 }).collect::<Vec<_>>()];
        let mut width = 1;
        while 2 * width <= close.len() {
            let below = &levels[levels.len() - 1];
            let level = (0..=close.len() - 2 * width).map(|t| below[t].join(below[t + width])).collect();
            levels.push(level);
            width *= 2;
        }
        Self { levels }
    }

    fn of(&self, bars: &Range<usize>) -> Extremes {
        let power = bars.len().ilog2() as usize;
        let level = &self.levels[power];
        level[bars.start].join(level[bars.end - (1 << power)])
    }
}

/// Sums of one pair's run.
struct Tally<'a> {
    ranges: &'a Ranges,
    equity: f64,
    peak: f64,
    /// The lowest quotient of equity and its peak.
    lowest: f64,
    returns: ReturnTotals,
    trades: i32,
    begun: bool,
}

impl<'a> Tally<'a> {
    fn new(ranges: &'a Ranges, initial_cash: f64) -> Self {
        let returns = ReturnTotals::default();
        Self { ranges, equity: initial_cash, peak: initial_cash, lowest: 1.0, returns, trades: 0, begun: false }
    }

    fn row(&self, initial_cash: f64) -> (f64, f64, f64, i32) {
        let total_return = change(initial_cash, tidy(self.equity));
        (total_return, snap((self.lowest - 1.0).min(0.0)), self.returns.sharpe().unwrap_or(f64::NAN), self.trades)
    }

    #[inline]
    fn step(&mut self, equity: f64) {
        if self.begun {
            let r = equity / self.equity - 1.0;
            self.returns.count += 1;
            self.returns.sum += r;
            self.returns.squares += r * r;
        }
        self.begun = true;
        self.equity = equity;
        self.see(equity);
    }

    #[inline]
    fn see(&mut self, equity: f64) {
        if equity > self.peak {
            self.peak = equity;
        } else if equity < self.lowest * self.peak {
            self.lowest = equity / self.peak;
        }
    }

    /// Daily returns from the second of these closes on; the first one's day is counted already.
    #[inline]
    fn add_returns(&mut self, close: &[f64], unspent: f64) {
        let (mut sum, mut squares) = ([0.0; 4], [0.0; 4]);
        let (before, after) = (&close[..close.len() - 1], &close[1..]);
        let mut before_chunks = before.chunks_exact(4);
        let mut after_chunks = after.chunks_exact(4);
        for (b, a) in (&mut before_chunks).zip(&mut after_chunks) {
            for lane in 0..4 {
                let r = (a[lane] - b[lane]) / (b[lane] + unspent);
                sum[lane] += r;
                squares[lane] += r * r;
            }
        }
        for (b, a) in before_chunks.remainder().iter().zip(after_chunks.remainder()) {
            let r = (a - b) / (b + unspent);
            sum[0] += r;
            squares[0] += r * r;
        }
        self.returns.count += before.len();
        self.returns.sum += sum.iter().sum::<f64>();
        self.returns.squares += squares.iter().sum::<f64>();
    }
}

impl Recorder for Tally<'_> {
    #[inline]
    fn flat(&mut self, bars: Range<usize>, cash: f64) {
        if !bars.is_empty() {
            self.step(cash);
            self.returns.count += bars.len() - 1;
        }
    }

    #[inline]
    fn held(&mut self, bars: Range<usize>, close: &[f64], cash: f64, shares: f64) {
        if bars.is_empty() {
            return;
        }
        let held = &close[bars.clone()];
        self.step(cash + shares * held[0]);
        // Cash left over a share: what each close is to be seen with.
        let unspent = cash / shares;
        self.add_returns(held, unspent);
        let last = held[held.len() - 1];
        self.equity = cash + shares * last;
        if held.len() > SHORT {
            let extremes = self.ranges.of(&bars);
            let (top, bottom) = (cash + shares * extremes.highest, cash + shares * extremes.lowest);
            if top <= self.peak {
                self.see(bottom);
                return;
            }
            // With cash beside them, shares fall by less than their price: no new low in here.
            if bottom >= self.lowest * self.peak && extremes.drop >= self.lowest {
                self.peak = top;
                return;
            }
        }
        for c in &held[1..] {
            self.see(cash + shares * c);
        }
    }

    #[inline]
    fn trade(&mut self, _: Trade) {
        self.trades += 1;
    }
}
