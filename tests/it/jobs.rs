//! Jobs: asked for once, run once at a time, cancelled, retried, and never lost.

use std::time::Duration;

use prospectus::store::{Claim, JobKind, NewJob};
use serde_json::{Value, json};

use crate::harness::{Answer, day, provider, state};
use crate::on_each_database;

fn payload() -> String {
    provider::daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")])
}

const REFRESH: &str = "mutation($key: String) { refreshSymbols(input: { tickers: [\"ACME\"], idempotencyKey: $key }) {
                       jobs { id } userErrors { code message field } } }";

const ACTIVE: &str = "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount } }";

fn id_of(data: &Value) -> &str {
    data["refreshSymbols"]["jobs"][0]["id"].as_str().expect("a job")
}

on_each_database! {
    async fn asking_again_while_a_refresh_waits_answers_with_that_one(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(700), payload()));
        let first = app.operator.add_symbol("ACME").await;
        let again = app.operator.data(REFRESH, json!({})).await;
        assert_eq!(id_of(&again), first);
        app.settled(&first).await;
        let later = app.operator.data(REFRESH, json!({})).await;
        assert_ne!(id_of(&later), first, "once it has ended, asking means a new one");
    }

    async fn an_idempotency_key_names_its_job_even_after_it_ended(app: TestApp) {
        app.provider.answer("ACME", Answer::Body(payload()));
        app.add_symbol("ACME").await;
        let first = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        app.settled(id_of(&first)).await;
        let again = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        assert_eq!(id_of(&again), id_of(&first));
    }

    async fn a_running_job_can_be_cancelled_and_started_again(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(900), payload()));
        let id = app.operator.add_symbol("ACME").await;
        app.job_when(&id, |job| state(job) == "RUNNING").await;
        let cancel = "mutation($id: ID!) { cancelJob(input: { id: $id }) { job { id } userErrors { code message } } }";
        let cancelled = app.operator.data(cancel, json!({"id": id})).await;
        assert_eq!(cancelled["cancelJob"]["userErrors"], json!([]));
        let ended = app.settled(&id).await;
        // The job may have been faster than the cancellation; then there is nothing to start again.
        if state(&ended) == "CANCELLED" {
            app.provider.answer("ACME", Answer::Body(payload()));
            let retry = "mutation($id: ID!) { retryJob(input: { id: $id }) { job { state } userErrors { code } } }";
            let retried = app.operator.data(retry, json!({"id": id})).await;
            assert_eq!(retried["retryJob"], json!({"job": {"state": "QUEUED"}, "userErrors": []}));
            assert_eq!(state(&app.settled(&id).await), "SUCCEEDED");
        }
        let refused = app.operator.data(cancel, json!({"id": id})).await;
        assert_eq!(refused["cancelJob"]["userErrors"][0]["code"], "CONFLICT");
    }

    async fn removing_a_symbol_takes_its_bars_and_leaves_its_jobs(app: TestApp) {
        app.provider.answer("ACME", Answer::Body(payload()));
        app.add_symbol("ACME").await;
        let remove = "mutation { removeSymbol(input: { ticker: \"acme\" }) { removedId userErrors { code } } }";
        assert!(app.operator.data(remove, json!({})).await["removeSymbol"]["removedId"].is_string());
        let query = "{ symbol(ticker: \"ACME\") { id } jobs { nodes { state symbol { ticker } } } }";
        let left = app.anonymous.data(query, json!({})).await;
        assert_eq!(left, json!({"symbol": null, "jobs": {"nodes": [{"state": "SUCCEEDED", "symbol": null}]}}));
        let again = app.operator.data(remove, json!({})).await;
        assert_eq!(again["removeSymbol"]["userErrors"][0]["code"], "NOT_FOUND");
    }

    async fn a_dead_worker_s_job_is_taken_back_and_done(app: TestApp) {
        app.provider.answer("ACME", Answer::Body(payload()));
        app.add_symbol("ACME").await;
        // A worker of another process took the job, and was never heard of again.
        let symbol = app.app.store.symbols().by_ticker("ACME").await.expect("a store").expect("a symbol");
        let transaction = app.app.store.begin().await.expect("a transaction");
        let record = NewJob {
            kind: JobKind::RefreshSymbol,
            symbol_id: Some(symbol.id),
            payload: json!({"symbol_id": symbol.id, "full": false}).to_string(),
            dedupe_key: "a test's".to_owned(),
            exclusive_key: Some(format!("prices:{}", symbol.id)),
            idempotency_key: None,
        };
        let (job, _) = app.app.store.jobs().record(&transaction, &[record]).await.expect("a record").remove(0);
        transaction.commit().await.expect("a commit");
        let soon = Duration::from_millis(500);
        let claim = app.app.store.jobs().claim(job.id, "a dead worker", soon).await.expect("a claim");
        let global = app.anonymous.data("{ jobs(first: 1) { nodes { id } } }", json!({})).await;
        let id = global["jobs"]["nodes"][0]["id"].as_str().expect("a job").to_owned();
        let done = app.settled(&id).await;
        assert_eq!(state(&done), "SUCCEEDED");
        // Unless this process's own worker was the quicker one to claim it.
        if matches!(claim, Claim::Taken(_)) {
            assert_eq!(done["attempts"], 2);
        }
    }

    async fn two_jobs_for_one_symbol_never_overlap(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(500), payload()));
        let refresh = app.operator.add_symbol("ACME").await;
        app.job_when(&refresh, |job| state(job) == "RUNNING").await;
        let file = "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n";
        let import = app.operator.import("ACME", file).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&import).await;
        let query = "query($id: ID!) { node(id: $id) { ... on Job { startedAt finishedAt state } } }";
        let refresh = app.anonymous.data(query, json!({"id": refresh})).await["node"].clone();
        let import = app.anonymous.data(query, json!({"id": import})).await["node"].clone();
        assert_eq!((state(&refresh), state(&import)), ("SUCCEEDED", "SUCCEEDED"));
        assert!(import["startedAt"].as_str() >= refresh["finishedAt"].as_str(), "{refresh} {import}");
        assert_eq!(app.bars("ACME").await.len(), 2);
    }

    async fn a_schedule_comes_due_once_and_a_missed_one_is_caught_up(app: TestApp) {
        use chrono::TimeZone;
        app.provider.answer("ACME", Answer::Body(payload()));
        app.add_symbol("ACME").await;
        let at = |day, hour| chrono::Utc.with_ymd_and_hms(2027, 3, day, hour, 0, 0).single().expect("a moment");
        let count = async || {
            app.anonymous.data("{ jobs { totalCount } }", json!({})).await["jobs"]["totalCount"].as_u64().expect("a count")
        };
        // The worker's own clock may have set the mark; this look sets it in any case. 2027-03-01 is a Monday, and the
        // default schedule is 23:30 UTC on weekdays.
        prospectus::jobs::run_due(&app.app, at(1, 12)).await.expect("a look");
        let rest = async || while app.anonymous.data(ACTIVE, json!({})).await["jobs"]["totalCount"] != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        rest().await;
        let before = count().await;
        prospectus::jobs::run_due(&app.app, at(1, 13)).await.expect("a look");
        assert_eq!(count().await, before, "nothing has come due since");
        let replicas = (prospectus::jobs::run_due(&app.app, at(4, 0)), prospectus::jobs::run_due(&app.app, at(4, 0)));
        let (one, other) = tokio::join!(replicas.0, replicas.1);
        one.and(other).expect("both look");
        assert_eq!(count().await, before + 1, "three missed evenings are one refresh, however many replicas look");
        rest().await;
        prospectus::jobs::run_due(&app.app, at(4, 1)).await.expect("a look");
        assert_eq!(count().await, before + 1);
    }
}
