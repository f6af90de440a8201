//! What a run came to.
//!
//! Sources: Sharpe (1994), "The Sharpe Ratio"; Sortino and Price (1994), with zero as the target return; Young (1991)
//! for Calmar, here over the whole run; Tharp (2008) for the system quality number. Ratios are annualised with 252
//! trading days and a risk-free rate of zero.

use serde::{Deserialize, Serialize};

use super::drawdown::{deepest, longest_drawdown};
use super::figure;
use super::trade::Trade;
use crate::market::Day;
use crate::market::exact::{change, snap};

/// Trading days of a year.
const YEAR: f64 = 252.0;
/// Calendar days of a year.
const CALENDAR_YEAR: f64 = 365.25;

/// A spread of daily returns below this is what rounding leaves of none.
const ROUNDING: f64 = 1e-12;

/// Figures of a run. Returns, drawdowns and shares are ratios, not percent; `None` where undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Cash after the last bar, in the symbol's currency.
    #[serde(deserialize_with = "figure::one")]
    pub final_equity: f64,
    /// Final equity over initial cash, less 1.
    #[serde(deserialize_with = "figure::one")]
    pub total_return: f64,
    /// The same for buying at the first close and selling at the last, with the same costs.
    #[serde(deserialize_with = "figure::one")]
    pub buy_and_hold_return: f64,
    /// Compound annual growth rate: (1 + total return)^(365.25 / calendar days) − 1.
    #[serde(deserialize_with = "figure::maybe")]
    pub cagr: Option<f64>,
    /// The lowest of equity over its highest value so far, less 1; at most 0. At closes; the first peak is the initial
    /// cash.
    #[serde(deserialize_with = "figure::one")]
    pub max_drawdown: f64,
    /// Calendar days of the longest way from a peak back to it, or to the end.
    pub max_drawdown_days: i32,
    pub trade_count: i32,
    /// Share of trades with a profit after fees.
    #[serde(deserialize_with = "figure::maybe")]
    pub win_rate: Option<f64>,
    /// Money won over money lost; none without a loss.
    #[serde(deserialize_with = "figure::maybe")]
    pub profit_factor: Option<f64>,
    /// The highest, lowest and arithmetic mean of the trades' returns.
    #[serde(deserialize_with = "figure::maybe")]
    pub best_trade: Option<f64>,
    #[serde(deserialize_with = "figure::maybe")]
    pub worst_trade: Option<f64>,
    #[serde(deserialize_with = "figure::maybe")]
    pub average_trade: Option<f64>,
    /// Share of bars that close with a position.
    #[serde(deserialize_with = "figure::one")]
    pub exposure: f64,
    /// Standard deviation (n − 1) of daily returns × √252.
    #[serde(deserialize_with = "figure::maybe")]
    pub volatility: Option<f64>,
    /// Mean of daily returns over their standard deviation (n − 1), × √252.
    #[serde(deserialize_with = "figure::maybe")]
    pub sharpe: Option<f64>,
    /// Mean of daily returns over the root mean square of min(return, 0) of all days, × √252.
    #[serde(deserialize_with = "figure::maybe")]
    pub sortino: Option<f64>,
    /// CAGR over the size of the maximum drawdown.
    #[serde(deserialize_with = "figure::maybe")]
    pub calmar: Option<f64>,
    /// System quality number: √n × mean / standard deviation (n − 1) of the trades' profits.
    #[serde(deserialize_with = "figure::maybe")]
    pub sqn: Option<f64>,
    /// Commissions, in the symbol's currency.
    #[serde(deserialize_with = "figure::one")]
    pub fees_paid: f64,
}

/// Sums over trades.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TradeTotals {
    count: usize,
    wins: usize,
    won: f64,
    lost: f64,
    returns: f64,
    best: f64,
    worst: f64,
    profit_mean: f64,
    /// Sum of squared distances of profits from their mean, by Welford's method.
    profit_squares: f64,
    fees: f64,
    bars_held: usize,
}

impl TradeTotals {
    /// Of all trades of a run, and what was paid for them.
    pub(super) fn of(trades: &[Trade], fees: f64, bars_held: usize) -> Self {
        let mut totals = Self { fees, bars_held, ..Self::default() };
        for trade in trades {
            totals.add(trade);
        }
        totals
    }

    fn add(&mut self, trade: &Trade) {
        let (profit, return_) = (trade.profit, trade.return_());
        if self.count == 0 {
            (self.best, self.worst) = (return_, return_);
        }
        self.count += 1;
        self.wins += usize::from(profit > 0.0);
        self.won += profit.max(0.0);
        self.lost -= profit.min(0.0);
        self.returns += return_;
        self.best = self.best.max(return_);
        self.worst = self.worst.min(return_);
        let distance = profit - self.profit_mean;
        self.profit_mean += distance / self.count as f64;
        self.profit_squares += distance * (profit - self.profit_mean);
    }

    fn sqn(&self) -> Option<f64> {
        let n = self.count as f64;
        let deviation = (self.profit_squares / (n - 1.0)).sqrt();
        ratio(n.sqrt() * self.profit_mean, deviation)
    }
}

/// Sums over daily returns.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ReturnTotals {
    pub(super) count: usize,
    pub(super) sum: f64,
    pub(super) squares: f64,
    /// Squares of the negative ones.
    pub(super) downside: f64,
}

impl ReturnTotals {
    pub(super) fn of(equity: &[f64]) -> Self {
        let mut totals = Self::default();
        for pair in equity.windows(2) {
            let r = pair[1] / pair[0] - 1.0;
            totals.count += 1;
            totals.sum += r;
            totals.squares += r * r;
            let loss = r.min(0.0);
            totals.downside += loss * loss;
        }
        totals
    }

    /// Standard deviation (n − 1). Daily returns' mean is so small beside their spread that sums of squares lose
    /// nothing that shows.
    fn deviation(&self) -> Option<f64> {
        let n = self.count as f64;
        let squares = self.squares - self.sum * self.sum / n;
        let deviation = (squares.max(0.0) / (n - 1.0)).sqrt();
        (self.count > 1).then_some(if deviation < ROUNDING { 0.0 } else { deviation })
    }

    pub(super) fn sharpe(&self) -> Option<f64> {
        ratio(self.sum / self.count as f64, self.deviation()?).map(|s| s * YEAR.sqrt())
    }

    fn sortino(&self) -> Option<f64> {
        let n = self.count as f64;
        let downside = (self.downside / n).sqrt();
        ratio(self.sum / n, if downside < ROUNDING { 0.0 } else { downside }).map(|s| s * YEAR.sqrt())
    }
}

/// A quotient, if it's one.
fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    let quotient = numerator / denominator;
    (denominator > 0.0 && quotient.is_finite()).then_some(quotient)
}

impl Metrics {
    /// The figures of a curve alone, such as that of buying and holding; those of trades are empty.
    #[must_use]
    pub fn of_curve(days: &[Day], equity: &[f64], initial_cash: f64) -> Self {
        Self::new(days, equity, equity, initial_cash, &TradeTotals::default())
    }

    pub(super) fn new(
        days: &[Day],
        equity: &[f64],
        buy_and_hold: &[f64],
        initial_cash: f64,
        trades: &TradeTotals,
    ) -> Self {
        let last = |curve: &[f64]| curve.last().copied().unwrap_or(initial_cash);
        let final_equity = last(equity);
        let total_return = change(initial_cash, final_equity);
        let years = days.first().zip(days.last()).map_or(0.0, |(from, to)| f64::from(to - from) / CALENDAR_YEAR);
        let cagr = (years > 0.0).then(|| (final_equity / initial_cash).powf(1.0 / years) - 1.0);
        let max_drawdown = deepest(equity, initial_cash);
        let returns = ReturnTotals::of(equity);
        let n = trades.count as f64;
        let any = |value: f64| (trades.count > 0).then_some(value);
        Self {
            final_equity,
            total_return,
            buy_and_hold_return: change(initial_cash, last(buy_and_hold)),
            cagr,
            max_drawdown,
            max_drawdown_days: longest_drawdown(days, equity, initial_cash),
            trade_count: i32::try_from(trades.count).unwrap_or(i32::MAX),
            win_rate: any(trades.wins as f64 / n),
            profit_factor: ratio(trades.won, trades.lost),
            best_trade: any(trades.best),
            worst_trade: any(trades.worst),
            average_trade: any(snap(trades.returns / n)),
            exposure: if equity.is_empty() { 0.0 } else { trades.bars_held as f64 / equity.len() as f64 },
            volatility: returns.deviation().map(|d| d * YEAR.sqrt()),
            sharpe: returns.sharpe(),
            sortino: returns.sortino(),
            calmar: cagr.and_then(|cagr| ratio(cagr, -max_drawdown)),
            sqn: if trades.count > 1 { trades.sqn() } else { None },
            fees_paid: trades.fees,
        }
    }
}
