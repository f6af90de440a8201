//! The engine: a walk from trade to trade.
//!
//! A condition is evaluated on a bar with data up to it. While flat only the buy condition is looked at, while in the
//! market only the sell condition, once a bar, at its close. Nothing is decided before every window of the strategy is
//! full. Buying spends all cash. A position that is open at the end is closed at the last close.
//!
//! A bar that opens beyond the stop or the target is sold at its open, before anything else of it; one that reaches
//! both later on is taken to have reached the stop first.

mod stops;

use std::ops::Range;

use super::bits::Signal;
use super::books::{Amount, Order, settle, worth};
use super::metrics::{Metrics, TradeTotals};
use super::money::{Amounts, Factor, Ledger, Level, Purse, Sold, Units, affordable};
use super::signals::evaluate;
use super::strategy::{Execution, Fill, InvalidField, Stops, Strategy};
use super::trade::{ExitReason, Trade};
use crate::market::Columns;
use crate::market::exact::tidy;

/// Grows whenever the same inputs would give other figures.
pub const ENGINE_VERSION: i32 = 3;

/// Why a strategy can't be run over a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BacktestError {
    #[error("{}", .0.message)]
    Invalid(InvalidField),
    #[error("the strategy needs {needed} bars to fill its windows, and there are {have}")]
    TooFewBars { needed: usize, have: usize },
}

impl From<InvalidField> for BacktestError {
    fn from(fault: InvalidField) -> Self {
        Self::Invalid(fault)
    }
}

/// A strategy's run over a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    pub trades: Vec<Trade>,
    /// Cash and the value of shares at each close.
    pub equity: Vec<f64>,
    /// The same for who buys at the first close and sells at the last.
    pub buy_and_hold: Vec<f64>,
    pub metrics: Metrics,
}

/// Runs a strategy over bars.
///
/// # Errors
/// When a parameter can't be what it is, or the windows are longer than the series.
pub fn run(columns: &Columns, strategy: &Strategy, execution: &Execution) -> Result<Backtest, BacktestError> {
    strategy.check()?;
    execution.check()?;
    let first = strategy.first_decision();
    if first >= columns.len() {
        return Err(BacktestError::TooFewBars { needed: first + 1, have: columns.len() });
    }
    let (buy, sell) = (evaluate(&strategy.buy, columns), evaluate(&strategy.sell, columns));
    let stops = Stops { loss: strategy.stop_loss, profit: strategy.take_profit };
    let market = Market::new(columns, execution, stops);
    let rules = Rules { buy: &buy, sell: &sell, first };
    let Record { mut trades, bars_held } = walk(&market, &rules, Record::default);
    let fees = settle(&mut trades, execution);
    let equity = equity_curve(&columns.close, &trades, execution);
    let buy_and_hold = buy_and_hold(&columns.close, execution);
    let totals = TradeTotals::of(&trades, fees, bars_held);
    let metrics = Metrics::new(&columns.days, &equity, &buy_and_hold, execution.initial_cash, &totals);
    Ok(Backtest { trades, equity, buy_and_hold, metrics })
}

/// A series as an execution sees it: what a share costs and brings on each bar.
pub(super) struct Market<'a> {
    columns: &'a Columns,
    execution: &'a Execution,
    /// Bars between a decision and its order's fill.
    delay: usize,
    /// Price of a share bought on this bar.
    buy_price: Vec<f64>,
    /// The same with the commission.
    unit_cost: Vec<f64>,
    /// Price of a share sold on this bar.
    sell_price: Vec<f64>,
    stops: Stops,
    bought: Factor,
    sold: Factor,
    /// The stop and the target as rates of the entry price.
    levels: [Option<Factor>; 2],
    /// What whole shares are counted by.
    ledger: Option<Ledger>,
    /// At the last close, where no signal comes.
    last: Exit,
}

/// When to decide what.
pub(super) struct Rules<'a, S> {
    pub(super) buy: &'a S,
    pub(super) sell: &'a S,
    /// The first bar that a decision is made on.
    pub(super) first: usize,
}

/// Receives the walk: every bar once, in order, as flat or held at its close, and every trade.
pub(super) trait Recorder {
    fn flat(&mut self, bars: Range<usize>, cash: f64);
    fn held(&mut self, bars: Range<usize>, close: &[f64], cash: f64, shares: f64);
    fn trade(&mut self, trade: Trade);
}

#[derive(Clone, Copy)]
struct Exit {
    bar: usize,
    /// After slippage.
    price: f64,
    /// Before it.
    sold: Sold,
    reason: ExitReason,
}

impl Exit {
    fn at(bar: usize, level: Level, slippage: Factor, reason: ExitReason) -> Self {
        Self { bar, price: level.times(slippage).value, sold: Sold::At(level), reason }
    }
}

impl<'a> Market<'a> {
    pub(super) fn new(columns: &'a Columns, execution: &'a Execution, stops: Stops) -> Self {
        let (delay, prices) = match execution.fill {
            Fill::NextOpen => (1, &columns.open),
            Fill::SameClose => (0, &columns.close),
        };
        let (bought, sold) = (Factor::up(execution.slippage), Factor::down(execution.slippage));
        let buy_price = bought.column(prices);
        let end = Level::price(columns.close.last().copied().unwrap_or_default());
        Self {
            columns,
            execution,
            delay,
            unit_cost: buy_price.iter().map(|p| p * (1.0 + execution.commission)).collect(),
            sell_price: sold.column(prices),
            buy_price,
            stops,
            bought,
            sold,
            levels: [stops.loss.map(Factor::down), stops.profit.map(Factor::up)],
            ledger: Ledger::new(prices, execution, stops),
            last: Exit::at(columns.len().saturating_sub(1), end, sold, ExitReason::EndOfData),
        }
    }

    fn len(&self) -> usize {
        self.columns.len()
    }

    fn prices(&self) -> &[f64] {
        if self.delay == 1 { &self.columns.open } else { &self.columns.close }
    }

    fn sale(&self, bar: usize, at: Level, reason: ExitReason) -> Exit {
        Exit::at(bar, at, self.sold, reason)
    }

    /// Where a position that was bought on bar `entry` is sold.
    #[inline]
    fn exit(&self, rules: &Rules<'_, impl Signal>, entry: usize) -> Exit {
        let (n, delay) = (self.len(), self.delay);
        let signal = rules.sell.next(entry + 1 - delay, n - delay).map(|decision| decision + delay);
        if self.stops.loss.is_some() || self.stops.profit.is_some() {
            // A sale at the open comes before anything inside its bar, one at the close after it.
            let end = signal.map_or(n, |bar| bar + 1 - delay);
            if let Some(exit) = self.stopped(entry, entry + 1 - delay..end) {
                return exit;
            }
        }
        match signal {
            Some(bar) => Exit { bar, price: self.sell_price[bar], sold: Sold::AtFill(bar), reason: ExitReason::Signal },
            None => self.last,
        }
    }
}

/// Trades from the first decision to the end; the recorder is made anew where the run has to be. Answers with the last one.
pub(super) fn walk<R: Recorder>(market: &Market<'_>, rules: &Rules<'_, impl Signal>, recorder: impl Fn() -> R) -> R {
    if let Some(units) = market.ledger.as_ref().and_then(Units::new)
        && let Some(recorder) = walk_with(units, market, rules, recorder())
    {
        return recorder;
    }
    let amounts = Amounts::new(market.ledger.as_ref(), market.execution);
    // They hold everything.
    walk_with(amounts, market, rules, recorder()).unwrap_or_else(recorder)
}

/// `None` where the purse can't hold what is earned.
fn walk_with<R: Recorder>(
    mut purse: impl Purse,
    market: &Market<'_>,
    rules: &Rules<'_, impl Signal>,
    mut recorder: R,
) -> Option<R> {
    let Execution { initial_cash, commission, .. } = *market.execution;
    let (n, delay) = (market.len(), market.delay);
    let close = &market.columns.close;
    let mut cash = initial_cash;
    // Bars recorded, and the next bar to decide on.
    let (mut recorded, mut at) = (0, rules.first);
    while let Some(decision) = rules.buy.next(at, n - delay) {
        let entry = decision + delay;
        let shares = purse.affordable(entry, market.unit_cost[entry]);
        if shares <= 0.0 {
            at = decision + 1;
            continue;
        }
        let entry_price = market.buy_price[entry];
        let cost = shares * entry_price;
        let entry_fee = cost * commission;
        let left = purse.spend(entry, shares, cost + entry_fee);
        recorder.flat(recorded..entry, cash);

        let exit = market.exit(rules, entry);
        recorder.held(entry..exit.bar, close, left, shares);
        let proceeds = shares * exit.price;
        let exit_fee = proceeds * commission;
        cash = purse.earn(shares, exit.sold, proceeds - exit_fee)?;
        recorder.trade(Trade {
            entry,
            exit: exit.bar,
            entry_price,
            exit_price: exit.price,
            shares,
            profit: proceeds - cost - entry_fee - exit_fee,
            exit_reason: exit.reason,
            fees: entry_fee + exit_fee,
            cash: left,
        });
        recorded = exit.bar;
        at = match exit.reason {
            ExitReason::EndOfData => break,
            // The bar's one decision was to sell.
            ExitReason::Signal => exit.bar + 1 - delay,
            // Whoever was stopped inside the bar is flat at its close, and looks at the buy condition there.
            ExitReason::StopLoss | ExitReason::TakeProfit => exit.bar,
        };
    }
    recorder.flat(recorded..n, cash);
    Some(recorder)
}

/// Keeps every trade, from which all else follows.
#[derive(Default)]
struct Record {
    trades: Vec<Trade>,
    bars_held: usize,
}

impl Recorder for Record {
    fn flat(&mut self, _: Range<usize>, _: f64) {}

    fn held(&mut self, bars: Range<usize>, _: &[f64], _: f64, _: f64) {
        self.bars_held += bars.len();
    }

    fn trade(&mut self, trade: Trade) {
        // The last bar still closes with the position that only the end of the data ends.
        self.bars_held += usize::from(trade.exit_reason == ExitReason::EndOfData);
        self.trades.push(trade);
    }
}

/// Cash and the value of shares at each close, from the trades of a run.
#[must_use]
pub fn equity_curve(close: &[f64], trades: &[Trade], execution: &Execution) -> Vec<f64> {
    let mut equity = Vec::with_capacity(close.len());
    let (whole, commission) = (execution.whole_shares, execution.commission);
    let mut cash = Amount::new(execution.initial_cash);
    for trade in trades {
        equity.resize(trade.entry.clamp(equity.len(), close.len()), cash.value());
        let left = cash.after_buying(Order::new(trade.shares, trade.entry_price, commission), whole);
        let held = close.get(trade.entry..trade.exit).unwrap_or_default();
        worth(left, trade.shares, held, whole, &mut equity);
        cash = left.after_selling(Order::new(trade.shares, trade.exit_price, commission), whole);
    }
    equity.resize(close.len(), cash.value());
    equity
}

/// Whether the cash buys any share at a price: of whole ones, the first may cost more than all of it.
#[must_use]
pub fn affords(price: f64, execution: &Execution) -> bool {
    let price = Level::price(price).times(Factor::up(execution.slippage));
    affordable(execution.initial_cash, price, Factor::up(execution.commission), execution.whole_shares) > 0.0
}

/// The equity of buying at the first close and selling at the last, with the same costs and the same rule for whole
/// shares.
#[must_use]
pub fn buy_and_hold(close: &[f64], execution: &Execution) -> Vec<f64> {
    let (Some(first), Some(last)) = (close.first(), close.last()) else { return Vec::new() };
    let price = Level::price(*first).times(Factor::up(execution.slippage));
    let (whole, commission) = (execution.whole_shares, execution.commission);
    let shares = affordable(execution.initial_cash, price, Factor::up(commission), whole);
    let shares = if whole { shares } else { tidy(shares) };
    let left = Amount::new(execution.initial_cash).after_buying(Order::new(shares, price.value, commission), whole);
    let mut equity = Vec::with_capacity(close.len());
    worth(left, shares, close, whole, &mut equity);
    let sold = Level::price(*last).times(Factor::down(execution.slippage)).value;
    if let Some(end) = equity.last_mut() {
        *end = left.after_selling(Order::new(shares, sold, commission), whole).value();
    }
    equity
}
