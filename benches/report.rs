//! A backtest's report with six charts and two hundred trades. `cargo bench --bench report`

#[allow(dead_code, reason = "the other benches use the rest")]
mod samples;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use prospectus::backtest::{Condition, Execution, Strategy, run};
use prospectus::market::Columns;
use prospectus::report::{BacktestReport, BacktestSource, Look, Printer, Subject, chart};

/// Real prices of 2004 to 2013, as traded.
fn google() -> Columns {
    samples::columns(include_str!("../samples/alpha_vantage/GOOG.json"))
}

fn source(columns: &Columns, commission: f64) -> BacktestSource {
    let strategy = Strategy {
        buy: Condition::price_below_sma(50),
        sell: Condition::price_above_sma(200),
        stop_loss: None,
        take_profit: None,
    };
    let execution = Execution { commission, ..Execution::default() };
    let ran = run(columns, &strategy, &execution).expect("a run");
    BacktestSource {
        id: "bench".to_owned(),
        subject: Subject {
            ticker: "GOOG".to_owned(),
            name: None,
            exchange: "NASDAQ".to_owned(),
            currency: None,
            unit: None,
        },
        strategy,
        execution,
        metrics: ran.metrics,
        days: columns.days.clone(),
        close: columns.close.clone(),
        trades: ran.trades,
        adjustment: prospectus::market::Adjustment::None,
        data_version: 1,
        engine_version: 1,
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

fn reports(c: &mut Criterion) {
    let columns = google();
    let report = BacktestReport::new(source(&columns, 0.002));
    assert!(report.trades.len() > 200);
    c.bench_function("report/analysis", |b| b.iter(|| BacktestReport::new(black_box(source(&columns, 0.002)))));
    c.bench_function("report/price chart", |b| b.iter(|| chart::price(black_box(&report), Look::PRINT)));
    let printer = Printer::default();
    let mut group = c.benchmark_group("report");
    group.sample_size(20);
    // Another commission each time, so that nothing is remembered from the last.
    let mut commission = 0.002;
    group.bench_function("PDF", |b| {
        b.iter_batched(
            || {
                commission += 1e-6;
                BacktestReport::new(source(&columns, commission))
            },
            |report| printer.backtest(&report),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
