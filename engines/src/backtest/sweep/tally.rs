//! Sums of one pair's run, of which nothing else is kept.

use std::ops::Range;

use wide::f64x4;

use crate::backtest::engine::Recorder;
use crate::backtest::metrics::ReturnTotals;
use crate::backtest::trade::Trade;
use crate::market::exact::{change, snap, tidy};

/// Returns are added up so many at a time.
const LANES: usize = 4;
/// Which of them count, by how many are left.
const LEFT: [f64x4; LANES + 1] = [
    f64x4::ZERO,
    f64x4::new([1.0, 0.0, 0.0, 0.0]),
    f64x4::new([1.0, 1.0, 0.0, 0.0]),
    f64x4::new([1.0, 1.0, 1.0, 0.0]),
    f64x4::ONE,
];

/// A series' closes, and the highest and the lowest one of any range by tables of powers of two.
pub(super) struct Closes {
    /// Behind the last one it stands a few times more, so that lanes have what to load.
    close: Vec<f64>,
    /// For each power, for each bar: over `2^power` bars from it on.
    levels: Vec<Vec<Extremes>>,
    /// In the same order, the lowest quotient of a close and an earlier one.
    drops: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, Copy)]
struct Extremes {
    highest: f64,
    lowest: f64,
}

impl Extremes {
    #[inline]
    fn join(self, other: Self) -> Self {
        Self {
            highest: if other.highest > self.highest { other.highest } else { self.highest },
            lowest: if other.lowest < self.lowest { other.lowest } else { self.lowest },
        }
    }
}

impl Closes {
    pub(super) fn new(close: &[f64]) -> Self {
        let mut levels = vec![close.iter().map(|&c| Extremes { highest: c, lowest: c }).collect::<Vec<_>>()];
        let mut drops = vec![vec![1.0_f64; close.len()]];
        let mut width = 1;
        while 2 * width <= close.len() {
            let (below, drop) = (&levels[levels.len() - 1], &drops[drops.len() - 1]);
            let starts = 0..=close.len() - 2 * width;
            let level = starts.clone().map(|t| below[t].join(below[t + width])).collect();
            let across = |t: usize| below[t + width].lowest / below[t].highest;
            let drop = starts.map(|t| drop[t].min(drop[t + width]).min(across(t))).collect();
            levels.push(level);
            drops.push(drop);
            width *= 2;
        }
        let more = close.last().copied().unwrap_or_default();
        let close = close.iter().copied().chain([more; LANES]).collect();
        Self { close, levels, drops }
    }

    /// The table for ranges of this length, and where in it a range's two halves are: they may overlap.
    #[inline]
    fn halves(bars: &Range<usize>) -> (usize, [usize; 2]) {
        let power = bars.len().ilog2() as usize;
        (power, [bars.start, bars.end - (1 << power)])
    }

    #[inline]
    fn extremes(&self, bars: &Range<usize>) -> Extremes {
        let (power, [first, second]) = Self::halves(bars);
        let level = &self.levels[power];
        level[first].join(level[second])
    }

    /// A bound on the lowest quotient of a close and an earlier one: where the halves overlap, it may be too low.
    fn drop(&self, bars: &Range<usize>) -> f64 {
        let (power, [first, second]) = Self::halves(bars);
        let (level, drop) = (&self.levels[power], &self.drops[power]);
        drop[first].min(drop[second]).min(level[second].lowest / level[first].highest)
    }
}

/// Sums of one pair's run.
pub(super) struct Tally<'a> {
    closes: &'a Closes,
    equity: f64,
    peak: f64,
    /// The lowest quotient of equity and its peak.
    lowest: f64,
    /// Daily returns: how many, and sums of them and of their squares.
    count: usize,
    returns: (f64, f64),
    sum: f64x4,
    squares: f64x4,
    trades: i32,
    begun: bool,
}

impl<'a> Tally<'a> {
    pub(super) fn new(closes: &'a Closes, initial_cash: f64) -> Self {
        Self {
            closes,
            equity: initial_cash,
            peak: initial_cash,
            lowest: 1.0,
            count: 0,
            returns: (0.0, 0.0),
            sum: f64x4::ZERO,
            squares: f64x4::ZERO,
            trades: 0,
            begun: false,
        }
    }

    pub(super) fn row(&self, initial_cash: f64) -> (f64, f64, f64, i32) {
        let returns = ReturnTotals {
            count: self.count,
            sum: self.returns.0 + self.sum.reduce_add(),
            squares: self.returns.1 + self.squares.reduce_add(),
            ..ReturnTotals::default()
        };
        let total_return = change(initial_cash, tidy(self.equity));
        (total_return, snap((self.lowest - 1.0).min(0.0)), returns.sharpe().unwrap_or(f64::NAN), self.trades)
    }

    #[inline]
    fn step(&mut self, equity: f64) {
        if self.begun {
            let r = equity / self.equity - 1.0;
            self.count += 1;
            self.returns.0 += r;
            self.returns.1 += r * r;
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

    /// Daily returns from the second of these bars on; the first one's day is counted already.
    #[inline]
    fn add_returns(&mut self, bars: &Range<usize>, unspent: f64) {
        let mut left = bars.len() - 1;
        self.count += left;
        let mut from = &self.closes.close[bars.start..];
        while left > 0
            && let Some(&[a, b, c, d, e]) = from.first_chunk()
        {
            let (before, after) = (f64x4::new([a, b, c, d]), f64x4::new([b, c, d, e]));
            let r = (after - before) / (before + unspent) * LEFT[left.min(LANES)];
            self.sum += r;
            self.squares += r * r;
            left = left.saturating_sub(LANES);
            from = &from[LANES..];
        }
    }

    /// Looks for a new peak or low among these bars but the first, where the tables can't tell.
    #[cold]
    fn see_all(&mut self, bars: &Range<usize>, cash: f64, shares: f64) {
        for close in &self.closes.close[bars.start + 1..bars.end] {
            self.see(cash + shares * close);
        }
    }
}

impl Recorder for Tally<'_> {
    #[inline]
    fn flat(&mut self, bars: Range<usize>, cash: f64) {
        if !bars.is_empty() {
            self.step(cash);
            self.count += bars.len() - 1;
        }
    }

    #[inline]
    fn held(&mut self, bars: Range<usize>, close: &[f64], cash: f64, shares: f64) {
        if bars.is_empty() {
            return;
        }
        self.step(cash + shares * close[bars.start]);
        if bars.len() == 1 {
            return;
        }
        // Cash left over a share: what each close is to be seen with.
        self.add_returns(&bars, cash / shares);
        self.equity = cash + shares * close[bars.end - 1];
        let extremes = self.closes.extremes(&bars);
        let (top, bottom) = (cash + shares * extremes.highest, cash + shares * extremes.lowest);
        if top <= self.peak {
            self.see(bottom);
        } else if bottom >= self.lowest * self.peak && self.closes.drop(&bars) >= self.lowest {
            // With cash beside them, shares fall by less than their price: no new low in here.
            self.peak = top;
        } else {
            self.see_all(&bars, cash, shares);
        }
    }

    #[inline]
    fn trade(&mut self, _: Trade) {
        self.trades += 1;
    }
}
