//! What the engine promises, on random strategies and prices.

mod given;
mod naive;

use proptest::prelude::*;

use self::given::{bars, executions, scaled_columns, scaled_condition, scales, strategies};
use super::{
    Backtest, BacktestError, Comparison, Condition, Execution, ExitReason, Fill, Strategy, Sweep, WindowRange,
    equity_curve, run,
};
use crate::market::{Columns, Operand, PriceField};

fn close_to(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let m = mean(values);
    (values.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (values.len() as f64 - 1.0)).sqrt()
}

/// A figure that is there in one if and only if it's there in the other, and equal. Zero deviations that rounding
/// makes into tiny ones are let pass.
fn same(ours: Option<f64>, theirs: f64) -> bool {
    divided(ours, theirs, 1.0, 0.0)
}

/// The same for a quotient: where the divisor is hardly more than the rounding of what it comes from, so much of the
/// quotient is rounding, too.
fn divided(ours: Option<f64>, theirs: f64, divisor: f64, rounding: f64) -> bool {
    let slack = f64::max(1e-9, rounding / divisor.abs());
    match ours {
        Some(ours) => (ours - theirs).abs() <= slack * theirs.abs().max(1.0) || theirs.abs() > 1e6,
        None => !theirs.is_finite() || theirs.abs() > 1e6,
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(600)
}

proptest! {
    // `PROPTEST_CASES=20000` for a thorough run.
    #![proptest_config(ProptestConfig { cases: cases(), max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_trades_as_the_naive_one_does(
        columns in bars(60), strategy in strategies(), execution in executions(), scale in scales(),
    ) {
        prop_assume!(strategy.first_decision() < columns.len());
        let columns = scaled_columns(&columns, scale);
        let strategy = Strategy {
            buy: scaled_condition(&strategy.buy, scale),
            sell: scaled_condition(&strategy.sell, scale),
            ..strategy
        };
        let ours = run(&columns, &strategy, &execution).expect("a run");
        let theirs = naive::run(&columns, &strategy, &execution);
        prop_assert_eq!(ours.trades.len(), theirs.sales.len());
        for (ours, theirs) in ours.trades.iter().zip(&theirs.sales) {
            prop_assert_eq!((ours.entry, ours.exit, ours.exit_reason), (theirs.entry, theirs.exit, theirs.reason));
            prop_assert_eq!((ours.entry_price, ours.exit_price), (theirs.entry_price, theirs.exit_price));
            let same_shares =
                if execution.whole_shares { ours.shares == theirs.shares } else { close_to(ours.shares, theirs.shares) };
            prop_assert!(same_shares);
            // Whole shares make decimals, to the last digit; their parts have all but the rounding of fifteen digits.
            let same = |a: f64, b: f64| if execution.whole_shares { a == b } else { close_to(a, b) };
            prop_assert!(same(ours.profit, theirs.profit), "{} {}", ours.profit, theirs.profit);
        }
        if execution.whole_shares {
            prop_assert_eq!(&ours.equity, &theirs.equity);
        }
        prop_assert_eq!(ours.equity.len(), columns.len());
        prop_assert!(ours.equity.iter().zip(&theirs.equity).all(|(a, b)| close_to(*a, *b)));

        let m = ours.metrics;
        let r: Vec<f64> = theirs.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let year = 252.0_f64.sqrt();
        let profits: Vec<f64> = theirs.sales.iter().map(|s| s.profit).collect();
        let returns: Vec<f64> = theirs.sales.iter().map(|s| s.profit / (s.shares * s.entry_price)).collect();
        let last = theirs.equity[columns.len() - 1];
        prop_assert!(close_to(m.final_equity, last) && close_to(m.total_return, last / execution.initial_cash - 1.0));
        prop_assert!(close_to(m.exposure, theirs.bars_held as f64 / columns.len() as f64));
        if r.len() > 1 {
            let spread = if deviation(&r) < 1e-12 { 0.0 } else { deviation(&r) };
            prop_assert!(divided(m.sharpe, mean(&r) / spread * year, spread, 1e-14), "{:?}", m);
            prop_assert!(same(m.volatility, spread * year));
        }
        let losses: Vec<f64> = r.iter().map(|r| r.min(0.0) * r.min(0.0)).collect();
        let downside = if mean(&losses).sqrt() < 1e-12 { 0.0 } else { mean(&losses).sqrt() };
        prop_assert!(divided(m.sortino, mean(&r) / downside * year, downside, 1e-14));
        prop_assert!(same(m.average_trade, mean(&returns)));
        prop_assert!(same(m.best_trade, returns.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
        prop_assert!(same(m.worst_trade, returns.iter().copied().fold(f64::INFINITY, f64::min)));
        // A trade that comes out even may do so by a rounding error more or less.
        if profits.iter().all(|p| p.abs() > 1e-9) {
            let wins = profits.iter().filter(|p| **p > 0.0).count();
            prop_assert!(same(m.win_rate, wins as f64 / profits.len() as f64));
        }
        // Parts of shares that are sold for what they cost: the plain engine's doubles make a tiny profit of it.
        let won: f64 = profits.iter().filter(|p| **p > 1e-9).sum();
        let lost: f64 = -profits.iter().filter(|p| **p < -1e-9).sum::<f64>();
        let rounding = 1e-13 * execution.initial_cash;
        let near = divided(m.profit_factor, won / lost, lost, rounding);
        prop_assert!(won + lost == 0.0 || near, "{:?} {won} {lost}", m);
        if profits.len() > 1 {
            let spread = deviation(&profits);
            let theirs = (profits.len() as f64).sqrt() * mean(&profits) / spread;
            // Each profit has the rounding of what was paid and of what was got for the shares.
            let near = divided(m.sqn, theirs, spread, 4e-14 * execution.initial_cash);
            prop_assert!(near, "{m:?} {theirs} {profits:?}");
        }
        // Our own equity, which is the same to rounding: a rounding error can make or break a tie of two peaks.
        let mut deepest = 0.0_f64;
        let mut longest = 0;
        // The initial cash is a peak of the first day.
        let regained = |e: &f64| *e >= execution.initial_cash * (1.0 - 1e-12);
        if !regained(&ours.equity[0]) {
            let back = ours.equity.iter().position(regained).unwrap_or(columns.len() - 1);
            longest = columns.days[back] - columns.days[0];
        }
        for (i, &e) in ours.equity.iter().enumerate() {
            let peak = ours.equity[..=i].iter().copied().fold(execution.initial_cash, f64::max);
            deepest = deepest.min(e / peak - 1.0);
            // From a peak to the first close at or above it, or to the end, if anything lies between.
            let at_peak = |e: f64| e >= peak * (1.0 - 1e-12);
            if at_peak(e) {
                let back = (i + 1..columns.len()).find(|&j| at_peak(ours.equity[j])).unwrap_or(columns.len() - 1);
                if ours.equity[i + 1..].first().is_some_and(|next| !at_peak(*next)) {
                    longest = longest.max(columns.days[back] - columns.days[i]);
                }
            }
        }
        prop_assert!(close_to(m.max_drawdown, deepest));
        // What rounding makes of none.
        let deepest = if deepest > -1e-12 { 0.0 } else { deepest };
        prop_assert_eq!(m.max_drawdown_days, longest);
        let years = f64::from(columns.days[columns.len() - 1] - columns.days[0]) / 365.25;
        let cagr = (last / execution.initial_cash).powf(1.0 / years) - 1.0;
        prop_assert!(same(m.cagr, cagr));
        prop_assert!(divided(m.calmar, cagr / -deepest, deepest, 1e-13));
    }

    #[test]
    fn nothing_looks_ahead(
        columns in bars(60), strategy in strategies(), execution in executions(), cut in 1..60_usize, factor in 2..9_i32,
    ) {
        let first = strategy.first_decision();
        prop_assume!(first < columns.len() && cut < columns.len());
        let mut other = columns.clone();
        for t in cut..columns.len() {
            for column in [&mut other.open, &mut other.high, &mut other.low, &mut other.close] {
                column[t] *= f64::from(factor) * 0.5;
            }
        }
        let one = run(&columns, &strategy, &execution).expect("a run");
        let two = run(&other, &strategy, &execution).expect("a run");
        prop_assert_eq!(&one.equity[..cut], &two.equity[..cut]);
        let before = |run: &Backtest| {
            run.trades.iter().filter(|t| t.exit < cut).map(|t| (t.entry, t.exit, t.profit)).collect::<Vec<_>>()
        };
        prop_assert_eq!(before(&one), before(&two));
    }

    #[test]
    fn money_is_neither_made_nor_lost(columns in bars(60), strategy in strategies(), execution in executions()) {
        prop_assume!(strategy.first_decision() < columns.len());
        let ran = run(&columns, &strategy, &execution).expect("a run");
        let profits: f64 = ran.trades.iter().map(|t| t.profit).sum();
        prop_assert!(close_to(ran.metrics.final_equity, execution.initial_cash + profits));
        prop_assert_eq!(&equity_curve(&columns.close, &ran.trades, &execution), &ran.equity, "the curve follows from the trades");
        for trade in &ran.trades {
            prop_assert!(trade.cash >= -1e-9 && trade.shares > 0.0);
            prop_assert!(!execution.whole_shares || trade.shares.fract() == 0.0);
        }
    }

    #[test]
    fn fees_only_lower_the_equity(columns in bars(60), strategy in strategies(), execution in executions()) {
        prop_assume!(strategy.first_decision() < columns.len());
        // With whole shares a fee can leave cash that happens to miss a loss.
        let with_fees = Execution { whole_shares: false, ..execution };
        let without = Execution { commission: 0.0, ..with_fees };
        let with_fees = run(&columns, &strategy, &with_fees).expect("a run");
        let without = run(&columns, &strategy, &without).expect("a run");
        let lower = |(a, b): (&f64, &f64)| *a <= *b * (1.0 + 1e-12);
        prop_assert!(with_fees.equity.iter().zip(&without.equity).all(lower));
    }

    #[test]
    fn a_sweep_s_row_is_the_single_run_s(
        columns in bars(160), execution in executions(), from in 1..6_usize, step in 1..4_usize,
    ) {
        prop_assume!(columns.len() > 12);
        let buy = WindowRange { from, to: from + 5, step };
        let sell = WindowRange { from: 1, to: 9, step: 2 };
        let sweep = Sweep::run(&columns, buy, sell, &execution, &|_| true).expect("a sweep").expect("all of it");
        prop_assert_eq!(sweep.len(), buy.count() * sell.count());
        for (i, (b, s)) in sweep.windows().enumerate() {
            let strategy = Strategy {
                buy: Condition::price_below_sma(b),
                sell: Condition::price_above_sma(s),
                stop_loss: None,
                take_profit: None,
            };
            let single = run(&columns, &strategy, &execution).expect("a run").metrics;
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(1.0);
            prop_assert_eq!(sweep.trade_count[i], single.trade_count);
            prop_assert!(near(sweep.total_return[i], single.total_return));
            prop_assert!(near(sweep.max_drawdown[i], single.max_drawdown), "{b} {s}: {} {}", sweep.max_drawdown[i], single.max_drawdown);
            match single.sharpe {
                Some(sharpe) => prop_assert!((sweep.sharpe[i] - sharpe).abs() <= 1e-9 * sharpe.abs().max(1.0)),
                None => prop_assert!(sweep.sharpe[i].is_nan()),
            }
        }
    }
}

#[test]
fn both_conditions_may_hold_on_one_day_and_each_is_looked_at_in_its_turn() {
    // Below the long average and above the short one all the way: bought, sold, bought, sold.
    let close = [10.0, 9.0, 8.0, 7.0, 7.1, 7.2, 7.3, 7.4];
    let columns = Columns {
        days: (0..8).collect(),
        open: close.to_vec(),
        high: close.to_vec(),
        low: close.to_vec(),
        close: close.to_vec(),
        volume: vec![1; 8],
    };
    let strategy = Strategy {
        buy: Condition::price_below_sma(4),
        sell: Condition::price_above_sma(2),
        stop_loss: None,
        take_profit: None,
    };
    let ran = run(&columns, &strategy, &Execution::default()).expect("a run");
    let spans: Vec<_> = ran.trades.iter().map(|t| (t.entry, t.exit, t.exit_reason)).collect();
    assert_eq!(spans, [(4, 5, ExitReason::Signal), (6, 7, ExitReason::Signal)]);
}

#[test]
fn a_series_that_is_too_short_is_refused_with_what_is_needed() {
    let columns = Columns { days: vec![1, 2], close: vec![1.0, 2.0], ..Columns::default() };
    let strategy = Strategy {
        buy: Condition::price_below_sma(3),
        sell: Condition::price_above_sma(2),
        stop_loss: None,
        take_profit: None,
    };
    let refused = run(&columns, &strategy, &Execution::default());
    assert_eq!(refused, Err(BacktestError::TooFewBars { needed: 3, have: 2 }));
}

/// Bars as (open, high, low, close).
fn candles(bars: &[(f64, f64, f64, f64)]) -> Columns {
    Columns {
        days: (0..bars.len() as i32).collect(),
        open: bars.iter().map(|b| b.0).collect(),
        high: bars.iter().map(|b| b.1).collect(),
        low: bars.iter().map(|b| b.2).collect(),
        close: bars.iter().map(|b| b.3).collect(),
        volume: vec![1; bars.len()],
    }
}

/// Buys on the first bar and waits for a level.
fn held(stop_loss: Option<f64>, take_profit: Option<f64>) -> Strategy {
    let close =
        |is, right| Condition::Compare { left: Operand::Price(PriceField::Close), is, right: Operand::Constant(right) };
    Strategy { buy: close(Comparison::Above, 0.0), sell: close(Comparison::Below, 0.0), stop_loss, take_profit }
}

fn at_close(initial_cash: f64) -> Execution {
    Execution { initial_cash, fill: Fill::SameClose, ..Execution::default() }
}

#[test]
fn a_level_that_is_touched_is_reached_and_filled_at_its_decimals() {
    for (entry, share, level) in
        [(100.0, 0.1, 110.0), (1.1, 0.1, 1.21), (0.7, 0.1, 0.77), (4.35, 0.2, 5.22), (33.3, 0.01, 33.633)]
    {
        let bars = candles(&[(entry, entry, entry, entry), (entry, level, entry, entry)]);
        let trade = run(&bars, &held(None, Some(share)), &at_close(10_000.0)).expect("a run").trades[0];
        assert_eq!((trade.exit_reason, trade.exit_price), (ExitReason::TakeProfit, level), "{entry} {share}");
    }
    for (entry, share, level) in [(1.1, 0.1, 0.99), (100.0, 0.29, 71.0), (0.3, 0.1, 0.27), (19.9, 0.07, 18.507)] {
        let bars = candles(&[(entry, entry, entry, entry), (entry, entry, level, entry)]);
        let trade = run(&bars, &held(Some(share), None), &at_close(10_000.0)).expect("a run").trades[0];
        assert_eq!((trade.exit_reason, trade.exit_price), (ExitReason::StopLoss, level), "{entry} {share}");
    }
}

#[test]
fn a_gap_fills_at_the_open_whichever_level_it_passed() {
    let exit = |second: (f64, f64, f64, f64)| {
        let bars = candles(&[(100.0, 100.0, 100.0, 100.0), second]);
        let trade = run(&bars, &held(Some(0.1), Some(0.2)), &at_close(10_000.0)).expect("a run").trades[0];
        (trade.exit_price, trade.exit_reason)
    };
    assert_eq!(exit((125.0, 126.0, 80.0, 85.0)), (125.0, ExitReason::TakeProfit));
    assert_eq!(exit((120.0, 126.0, 80.0, 85.0)), (120.0, ExitReason::TakeProfit));
    assert_eq!(exit((85.0, 130.0, 80.0, 125.0)), (85.0, ExitReason::StopLoss));
    assert_eq!(exit((100.0, 130.0, 80.0, 125.0)), (90.0, ExitReason::StopLoss), "of both inside a bar, the stop");
}

#[test]
fn cash_buys_as_many_shares_as_on_paper() {
    let shares = |cash: f64, price: f64, commission: f64, slippage: f64| {
        let bars = candles(&[(price, price, price, price); 2]);
        let execution = Execution { commission, slippage, ..at_close(cash) };
        let ran = run(&bars, &held(None, None), &execution).expect("a run");
        assert!(ran.trades[0].cash >= 0.0 && ran.buy_and_hold[0] >= 0.0);
        ran.trades[0].shares
    };
    assert_eq!(shares(110.0, 1.1, 0.0, 0.0), 100.0);
    assert_eq!(shares(1_001.0, 10.0, 0.001, 0.0), 100.0);
    assert_eq!(shares(100.2001, 1.0, 0.001, 0.001), 100.0);
    assert_eq!(shares(100.2, 1.0, 0.001, 0.001), 99.0);
    assert_eq!(shares(0.3, 0.1, 0.0, 0.0), 3.0);
    assert!(close_to(shares(1e15, 1e-4, 0.0, 0.0), 1e19), "beyond whole doubles, doubles");
}

#[test]
fn costs_of_the_first_bar_are_in_the_drawdown() {
    let bars = candles(&[(100.0, 100.0, 100.0, 100.0); 2]);
    let execution = Execution { commission: 0.01, whole_shares: false, ..at_close(10_000.0) };
    let metrics = run(&bars, &held(None, None), &execution).expect("a run").metrics;
    assert!(close_to(metrics.max_drawdown, metrics.total_return) && metrics.max_drawdown < -0.019);
    assert_eq!(metrics.max_drawdown_days, 1);
}
