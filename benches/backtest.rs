//! The engine alone: one run, indicators, sweeps. `cargo bench --bench backtest`

mod samples;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prospectus::backtest::{Condition, Execution, Strategy, Sweep, WindowRange, run};
use prospectus::market::{Columns, Operand};

/// Real prices of 2004 to 2013, as traded.
fn google() -> Columns {
    samples::columns(include_str!("../samples/alpha_vantage/GOOG.json"))
}

fn benches(c: &mut Criterion) {
    let google = google();
    let long = samples::longer(&google, 5_000);
    let strategy = Strategy {
        buy: Condition::price_below_sma(50),
        sell: Condition::price_above_sma(200),
        stop_loss: None,
        take_profit: None,
    };
    let execution = Execution { commission: 0.002, ..Execution::default() };
    c.bench_function("one backtest, 5,000 bars", |b| b.iter(|| run(black_box(&long), &strategy, &execution)));

    let mut group = c.benchmark_group("indicator, 5,000 bars");
    let indicators = [
        ("sma 50", Operand::Sma(50)),
        ("ema 50", Operand::Ema(50)),
        ("rsi 14", Operand::Rsi(14)),
        ("bollinger 20", Operand::BollingerLower { window: 20, deviations: 2.0 }),
        ("macd", Operand::Macd { fast: 12, slow: 26, signal: 9 }),
        ("highest 50", Operand::Highest(50)),
        ("atr 14", Operand::Atr(14)),
    ];
    for (name, operand) in indicators {
        group.bench_function(name, |b| b.iter(|| black_box(operand).values(black_box(&long))));
    }
    group.finish();

    let mut group = c.benchmark_group("sweep");
    group.sample_size(20);
    let range = |count: usize| WindowRange { from: 2, to: 2 * count, step: 2 };
    for (bars, columns) in [(2_148, &google), (5_000, &long)] {
        for side in [30, 100, 300] {
            for whole_shares in [true, false] {
                let execution = Execution { whole_shares, ..execution };
                let windows = if side == 300 { WindowRange { from: 2, to: 301, step: 1 } } else { range(side) };
                let pairs = side * side;
                group.throughput(Throughput::Elements(pairs as u64));
                let kind = if whole_shares { "whole" } else { "fractional" };
                group.bench_function(format!("{pairs} pairs, {bars} bars, {kind} shares"), |b| {
                    b.iter(|| Sweep::run(black_box(columns), windows, windows, &execution, &|_| true));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(backtest, benches);
criterion_main!(backtest);
