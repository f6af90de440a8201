//! Thousands of jobs through one long-running worker, none left behind.

use std::time::{Duration, Instant};

use prospectus::market::{DataSource, Exchange};
use prospectus::store::{JobFilter, JobState, NewSymbol};
use serde_json::json;

use crate::harness::{Answer, Database, TestApp, day, provider};

/// `SOAK_JOBS` asks for more.
const JOBS: usize = 1_000;
const PATIENCE: Duration = Duration::from_mins(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_by_the_thousand_pass_through_one_sqlite_worker() {
    let jobs = std::env::var("SOAK_JOBS").map_or(JOBS, |jobs| jobs.parse().expect("SOAK_JOBS is a number"));
    let app = TestApp::start_with(Database::Sqlite, &[("WORKER_CONCURRENCY", "16")]).await;
    let payload = provider::daily("ANY", &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")]);
    let store = &app.app.store;
    let transaction = store.begin().await.expect("a transaction");
    for n in 0..jobs {
        let ticker = format!("S{n}");
        app.provider.answer(&ticker, Answer::Body(payload.clone()));
        let new = NewSymbol {
            ticker,
            name: Some("named".to_owned()),
            exchange: Exchange::Other,
            source: DataSource::AlphaVantage,
        };
        store.symbols().insert(&transaction, new).await.expect("a symbol").expect("a new one");
    }
    transaction.commit().await.expect("a commit");
    let all = "mutation { refreshSymbols(input: {}) { jobs { id } userErrors { message } } }";
    let asked = app.operator.data(all, json!({})).await;
    assert_eq!(asked["refreshSymbols"]["jobs"].as_array().map(Vec::len), Some(jobs));

    let deadline = Instant::now() + PATIENCE;
    let done = JobFilter { state: Some(vec![JobState::Succeeded]), ..JobFilter::default() };
    loop {
        let count = store.jobs().count(&done).await.expect("a count");
        if count == jobs as u64 {
            break;
        }
        assert!(Instant::now() < deadline, "{count} of {jobs} jobs are done");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let again = app
        .anonymous
        .data("{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING, FAILED] }) { totalCount } }", json!({}));
    assert_eq!(again.await["jobs"]["totalCount"], 0);
    let attempts = app.anonymous.data("{ jobs(first: 500) { nodes { attempts } } }", json!({})).await;
    assert!(
        attempts["jobs"]["nodes"].as_array().expect("jobs").iter().all(|job| job["attempts"] == 1),
        "each ran once"
    );
}
