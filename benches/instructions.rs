//! How many instructions the hot paths take, each with a limit 5 % above what it took: times are noisy, counts aren't.
//! `cargo install gungraun-runner --version 0.20.0 && cargo bench --bench instructions`; needs valgrind.

#![allow(clippy::must_use_candidate, reason = "the macro's functions are its own affair")]

#[allow(dead_code, reason = "the other benches use the rest")]
mod samples;

use std::hint::black_box;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use prospectus::app::App;
use prospectus::backtest::{Condition, Execution, Strategy, Sweep, WindowRange, run};
use prospectus::forecast::{Artifact, forecast};
use prospectus::market::Columns;
use prospectus::report::{BacktestReport, BacktestSource, Printer, Subject};
use prospectus::settings::Settings;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const TOKEN: &str = "a token of the benches";

/// At most so many instructions, in thousands.
fn at_most(thousands: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, thousands * 1_000)]));
    config
}

fn bars(count: usize) -> Columns {
    samples::longer(&samples::columns(include_str!("../samples/alpha_vantage/GOOG.json")), count)
}

fn strategy() -> Strategy {
    Strategy {
        buy: Condition::price_below_sma(50),
        sell: Condition::price_above_sma(200),
        stop_loss: None,
        take_profit: None,
    }
}

fn execution() -> Execution {
    Execution { commission: 0.002, ..Execution::default() }
}

#[library_benchmark(config = at_most(10_000))]
#[bench::of_5000_bars(args = (5_000), setup = bars)]
fn backtest(columns: Columns) {
    let _ = black_box(run(black_box(&columns), &strategy(), &execution()));
}

/// On this thread alone: the others' work would not be counted.
fn bars_for_one_thread(count: usize) -> Columns {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("a pool of this thread");
    bars(count)
}

#[library_benchmark(config = at_most(100_000))]
#[bench::of_900_pairs(args = (2_000), setup = bars_for_one_thread)]
fn sweep(columns: Columns) {
    let windows = WindowRange { from: 2, to: 60, step: 2 };
    let _ = black_box(Sweep::run(black_box(&columns), windows, windows, &execution(), &|_| true));
}

fn report_of(bars: usize) -> (BacktestReport, Printer) {
    let columns = bars_for_one_thread(bars);
    let ran = run(&columns, &strategy(), &execution()).expect("a run");
    let report = |id: &str| {
        BacktestReport::new(BacktestSource {
            id: id.to_owned(),
            subject: Subject {
                ticker: "GOOG".to_owned(),
                name: None,
                exchange: "NASDAQ".to_owned(),
                currency: None,
                unit: None,
            },
            strategy: strategy(),
            execution: execution(),
            metrics: ran.metrics,
            days: columns.days.clone(),
            close: columns.close.clone(),
            trades: ran.trades.clone(),
            adjustment: prospectus::market::Adjustment::None,
            data_version: 1,
            engine_version: 1,
            created_at: "2026-01-01T00:00:00Z".to_owned(),
        })
    };
    let printer = Printer::default();
    // The first report reads the fonts and the templates, once a process.
    let _ = printer.backtest(&report("first"));
    (report("next"), printer)
}

#[library_benchmark(config = at_most(1_000_000))]
#[bench::of_2000_bars(args = (2_000), setup = report_of)]
fn report((report, printer): (BacktestReport, Printer)) {
    let _ = black_box(printer.backtest(&report));
}

fn prediction_of(count: usize) -> Box<dyn FnOnce()> {
    let text = include_str!("../models/pooled-linear.json");
    let (key, artifact) = Artifact::read(text).expect("the model that ships");
    let volatility = artifact.volatility.clone().expect("its volatility");
    let conformal = artifact.conformal.clone().expect("its quantiles");
    let (columns, model) = (bars(count), artifact.into_model(key, None).expect("a model"));
    Box::new(move || {
        let _ = black_box(forecast(black_box(&columns), &model, &volatility, &conformal, 30));
    })
}

#[library_benchmark(config = at_most(100_000))]
#[bench::of_5000_bars(args = (5_000), setup = prediction_of)]
fn prediction(run: Box<dyn FnOnce()>) {
    run();
}

/// A service in this process, with issues in a database of its own.
struct Served {
    router: Router,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Served {
    fn ask(&self, query: &str, variables: &Value) -> Value {
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Body::from(body))
            .expect("a request");
        let router = self.router.clone();
        self.runtime.block_on(async {
            let answer = router.oneshot(request).await.expect("an answer");
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            serde_json::from_slice(&body).expect("JSON")
        })
    }
}

fn served(issues: usize) -> Served {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}/bench.db", folder.path().display());
    let settings = Settings::read(&|name: &'static str| match name {
        "DATABASE_URL" => Some(database.clone()),
        "ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        "RATE_LIMIT" | "RESPONSE_CACHE" => Some("off".to_owned()),
        _ => None,
    });
    let router = runtime.block_on(async {
        rustls::crypto::ring::default_provider().install_default().expect("a provider of ciphers");
        let app = App::build(settings.expect("settings")).await.expect("an app");
        app.store.migrate().await.expect("migrations");
        prospectus::http::router(app)
    });
    let served = Served { router, runtime, _folder: folder };
    for i in 0..issues {
        let input = json!({"name": format!("Issue {i} Limited"), "ticker": format!("ISSUE{i}"), "exchange": "NSE",
            "issuePrice": "120.50", "openDate": "2026-01-05", "listingDate": "2026-01-14"});
        let query = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { userErrors { message } } }";
        let made = served.ask(query, &json!({"input": input}));
        assert_eq!(made["data"]["createIpo"]["userErrors"], json!([]), "{made}");
    }
    // Statements are prepared by the first.
    served.ask(PAGE, &json!({"first": 50}));
    served
}

const PAGE: &str = "query($first: Int) { ipos(first: $first) { nodes { id name ticker exchange status issuePrice openDate \
     listingDate } pageInfo { endCursor hasNextPage } } }";

#[library_benchmark(config = at_most(10_000))]
#[bench::of_50_issues(args = (50), setup = served)]
fn page(served: Served) {
    black_box(served.ask(PAGE, &json!({"first": 50})));
}

library_benchmark_group!(name = hot_paths, benchmarks = [backtest, sweep, report, prediction, page]);
main!(library_benchmark_groups = hot_paths);
