//! Jobs: asked for once, run once at a time, cancelled, retried, and never lost.

use std::time::Duration;

use prospectus::graphql::{Kind, global_id};
use prospectus::store::{JobKind, JobState, NewJob, RunAfter, now};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, day, provider, state, until};
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

/// Waits until no job is active.
async fn at_rest(app: &TestApp) {
    until(async || app.anonymous.data(ACTIVE, json!({})).await, |found| found["jobs"]["totalCount"] == 0).await;
}

on_each_database! {
    async fn removing_a_symbol_takes_its_research_only_if_it_is_said(app: TestApp) {
        let rows: Vec<_> = (0..260).map(|n| format!("{},10,11,9,10.{},5\n", day(n), n % 7)).collect();
        let rows = rows.concat();
        let job = app.operator.import("ACME", &format!("date,open,high,low,close,volume\n{rows}")).await["job"]["id"].clone();
        app.settled(job.as_str().expect("a job")).await;
        let run = "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 5 }, sell: { priceAboveSma: 9 } } }) { backtest { id } userErrors { message } }
            predict(input: { ticker: \"ACME\" }) { prediction { id } userErrors { message } } }";
        let made = app.operator.data(run, json!({})).await;
        assert!(made["runBacktest"]["backtest"]["id"].is_string() && made["predict"]["prediction"]["id"].is_string(), "{made}");
        let remove = "mutation($with: Boolean!) { removeSymbol(input: { ticker: \"ACME\", withResearch: $with }) { removedId
            removedResearch { backtests sweeps predictions } userErrors { code message } } }";
        let refused = app.operator.data(remove, json!({"with": false})).await["removeSymbol"].clone();
        assert_eq!((&refused["removedId"], &refused["removedResearch"], &refused["userErrors"][0]["code"]), (&Value::Null, &Value::Null, &json!("CONFLICT")));
        let said = refused["userErrors"][0]["message"].as_str().expect("a sentence");
        assert!(said.contains("1 backtest, 1 prediction of ACME") && said.contains("withResearch"), "{said}");
        assert_eq!(app.anonymous.data("{ backtests { totalCount } symbol(ticker: \"ACME\") { barCount } }", json!({})).await,
            json!({"backtests": {"totalCount": 1}, "symbol": {"barCount": 260}}));
        let removed = app.operator.data(remove, json!({"with": true})).await["removeSymbol"].clone();
        assert_eq!((removed["removedId"].is_string(), &removed["removedResearch"]), (true, &json!({"backtests": 1, "sweeps": 0, "predictions": 1})));
        assert_eq!(app.anonymous.data("{ backtests { totalCount } predictions { totalCount } }", json!({})).await,
            json!({"backtests": {"totalCount": 0}, "predictions": {"totalCount": 0}}));
    }

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

    async fn a_key_that_was_answered_with_another_s_job_names_it_even_after_it_ended(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(700), payload()));
        let first = app.operator.add_symbol("ACME").await;
        let joined = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        assert_eq!(id_of(&joined), first);
        app.settled(&first).await;
        let again = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        assert_eq!(id_of(&again), first, "asking again means the same request");
        let other = app.operator.data(REFRESH, json!({"key": "tuesday"})).await;
        assert_ne!(id_of(&other), first);

        // It goes with its job.
        let transaction = app.app.store.begin().await.expect("a transaction");
        transaction.execute_unprepared("DELETE FROM job_records").await.expect("jobs are forgotten");
        transaction.commit().await.expect("a commit");
        let later = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        assert!(id_of(&later) != first && later["refreshSymbols"]["userErrors"] == json!([]), "{later}");
    }

    async fn a_key_is_one_caller_s_and_one_mutation_s(app: TestApp) {
        app.provider.answer("ACME", Answer::Body(payload()));
        app.add_symbol("ACME").await;
        let first = app.operator.data(REFRESH, json!({"key": "monday"})).await;
        app.settled(id_of(&first)).await;
        let of_another = app.admin.data(REFRESH, json!({"key": "monday"})).await;
        assert_ne!(id_of(&of_another), id_of(&first));
        app.settled(id_of(&of_another)).await;
        assert_eq!(id_of(&app.operator.data(REFRESH, json!({"key": "monday"})).await), id_of(&first));

        let symbol = app.app.store.symbols().by_ticker("ACME").await.expect("a store").expect("a symbol").id;
        let prices = app.operator.data(REFRESH, json!({"key": "ipos:NSE:x"})).await;
        let query = "mutation($key: String) { refreshIpos(input: { source: NSE, idempotencyKey: $key }) { job { id } } }";
        let issues = app.operator.data(query, json!({"key": format!("x:{symbol}")})).await;
        let issues = issues["refreshIpos"]["job"]["id"].as_str().expect("a job");
        assert_ne!(issues, id_of(&prices));
    }

    async fn a_running_job_can_be_cancelled_and_started_again(app: TestApp, "PROVIDER_TIMEOUT_SECONDS" = "200") {
        // Longer than anybody waits for the cancellation.
        app.provider.answer("ACME", Answer::Late(Duration::from_mins(3), payload()));
        let id = app.operator.add_symbol("ACME").await;
        app.job_when(&id, |job| state(job) == "RUNNING").await;
        let cancel = "mutation($id: ID!) { cancelJob(input: { id: $id }) { job { id } userErrors { code message } } }";
        let cancelled = app.operator.data(cancel, json!({"id": id})).await;
        assert_eq!(cancelled["cancelJob"]["userErrors"], json!([]));
        assert_eq!(state(&app.settled(&id).await), "CANCELLED");
        app.provider.answer("ACME", Answer::Body(payload()));
        let retry = "mutation($id: ID!) { retryJob(input: { id: $id }) { job { state } userErrors { code } } }";
        let retried = app.operator.data(retry, json!({"id": id})).await;
        assert_eq!(retried["retryJob"], json!({"job": {"state": "QUEUED"}, "userErrors": []}));
        assert_eq!(state(&app.settled(&id).await), "SUCCEEDED");
        let refused = app.operator.data(cancel, json!({"id": id})).await;
        assert_eq!(refused["cancelJob"]["userErrors"][0]["code"], "CONFLICT");
    }

    async fn a_cancelled_job_ends_though_its_attempt_failed_or_its_worker_died(app: TestApp) {
        let jobs = app.app.store.jobs();
        let record = |key: &str| NewJob {
            kind: JobKind::ImportPrices,
            symbol_id: None,
            payload: "{}".to_owned(),
            dedupe_key: key.to_owned(),
            exclusive_key: None,
            idempotency_key: None,
        };
        let transaction = app.app.store.begin().await.expect("a transaction");
        let recorded = jobs.record(&transaction, &[record("fails"), record("dies")]).await.expect("records");
        let ids: Vec<i64> = recorded.iter().map(|(job, _)| job.id).collect();
        // Both are a worker's that isn't this process's.
        for &id in &ids {
            let sql = format!("UPDATE job_records SET state = 'RUNNING', worker = 'another', lease_until = {} WHERE id = {id}",
                              now() + 60_000);
            transaction.execute_unprepared(&sql).await.expect("a claim");
            let sql = format!("INSERT INTO job_files (job_id, content) VALUES ({id}, {})",
                              if app.app.store.backend() == sea_orm::DbBackend::Postgres { "'a'::bytea" } else { "'a'" });
            transaction.execute_unprepared(&sql).await.expect("a file");
        }
        transaction.commit().await.expect("a commit");
        for &id in &ids {
            let (job, was_left) = jobs.cancel(id).await.expect("a store").expect("a job");
            assert_eq!((job.state, was_left), (JobState::Running, true));
        }
        let dies = format!("UPDATE job_records SET lease_until = 0 WHERE id = {}", ids[1]);
        let transaction = app.app.store.begin().await.expect("a transaction");
        transaction.execute_unprepared(&dies).await.expect("its end");
        transaction.commit().await.expect("a commit");
        let wait = RunAfter::In(Duration::ZERO);
        assert!(jobs.retry_later(ids[0], "another", wait, "the provider was away", true).await.expect("a store"));
        for &id in &ids {
            let ended = app.settled(&global_id(Kind::Job, id)).await;
            assert_eq!((state(&ended), &ended["message"]), ("CANCELLED", &json!("Cancelled")));
            let files = format!("SELECT 1 FROM job_files WHERE job_id = {id}");
            let statement = sea_orm::Statement::from_string(app.app.store.backend(), files);
            assert!(app.app.store.begin().await.expect("one").query_one_raw(statement).await.expect("a store").is_none());
        }
    }

    async fn a_symbol_is_removed_by_its_very_ticker(app: TestApp) {
        for ticker in ["ACME", "ACME.NSE"] {
            app.imported(ticker, "date,open,high,low,close,volume\n2024-07-22,1,1,1,1,5\n2024-07-23,1,1,1,1,5\n").await;
        }
        let remove = "mutation { removeSymbol(input: { ticker: \"acme\" }) { removedId userErrors { code message } } }";
        assert!(app.operator.data(remove, json!({})).await["removeSymbol"]["removedId"].is_string());
        let again = app.operator.data(remove, json!({})).await["removeSymbol"].clone();
        assert_eq!(again["userErrors"][0]["code"], "NOT_FOUND");
        assert!(again["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("ACME.NSE")), "{again}");
        assert_eq!(app.anonymous.data("{ symbols { nodes { ticker } } }", json!({})).await["symbols"]["nodes"], json!([{"ticker": "ACME.NSE"}]));
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
        // A worker of another process took the job before this one could, and was never heard of again.
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
        let taken = format!("UPDATE job_records SET state = 'RUNNING', worker = 'a dead worker', attempts = 1, lease_until = {} \
                             WHERE id = {}", now() + 500, job.id);
        transaction.execute_unprepared(&taken).await.expect("a claim");
        transaction.commit().await.expect("a commit");
        let global = app.anonymous.data("{ jobs(first: 1) { nodes { id } } }", json!({})).await;
        let id = global["jobs"]["nodes"][0]["id"].as_str().expect("a job").to_owned();
        let done = app.settled(&id).await;
        assert_eq!((state(&done), &done["attempts"]), ("SUCCEEDED", &json!(2)));
    }

    async fn a_full_refresh_asked_for_while_a_lesser_one_runs_comes_after_it(app: TestApp) {
        let full = "mutation { refreshSymbols(input: { tickers: [\"ACME\"], full: true }) { jobs { id } } }";
        // Recent days, so that the next refresh needs the newest bars alone.
        let today = chrono::Utc::now().date_naive();
        let days: Vec<_> = (0..30)
            .map(|n| ((today - chrono::Days::new(40 - n)).to_string(), ["1.0", "2.0", "0.5", "1.5"], "7"))
            .collect();
        app.provider.daily("ACME", &days);
        app.add_symbol("ACME").await;
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(700), provider::daily("ACME", &days)));
        let plain = app.operator.data(REFRESH, json!({})).await;
        app.job_when(id_of(&plain), |job| state(job) == "RUNNING").await;
        let greater = app.operator.data(full, json!({})).await;
        assert_ne!(id_of(&greater), id_of(&plain), "the one that runs has begun with the newest bars");
        let again = app.operator.data(full, json!({})).await;
        assert_eq!(id_of(&again), id_of(&greater), "asked for once more, it's the same");
        assert_eq!(state(&app.settled(id_of(&plain)).await), "SUCCEEDED");
        assert_eq!(state(&app.settled(id_of(&greater)).await), "SUCCEEDED");
        let asked = app.provider.asked();
        let sizes: Vec<&str> = asked.iter().filter_map(|a| a.strip_prefix("TIME_SERIES_DAILY ACME ")).collect();
        assert_eq!(sizes, ["full", "compact", "full"]);
    }

    async fn an_import_that_failed_can_be_started_again(app: TestApp) {
        let file = "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n";
        let job = app.operator.import("ACME", file).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let stored = async || {
            let id = prospectus::graphql::decode_id(prospectus::graphql::Kind::Job, &async_graphql::ID::from(job.as_str())).expect("an id");
            app.app.store.jobs().attachment(id).await.expect("a store").is_some()
        };
        assert!(!stored().await, "a job that has succeeded needs its file no more");

        // The symbol goes while the import waits for a refresh of it to end.
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(800), payload()));
        let refresh = app.operator.data(REFRESH, json!({})).await;
        app.job_when(id_of(&refresh), |job| state(job) == "RUNNING").await;
        let failed = app.operator.import("ACME", file).await["job"]["id"].as_str().expect("a job").to_owned();
        let remove = "mutation { removeSymbol(input: { ticker: \"ACME\" }) { removedId userErrors { code message } } }";
        assert!(app.admin.data(remove, json!({})).await["removeSymbol"]["removedId"].is_string());
        assert_eq!(state(&app.settled(&failed).await), "FAILED");
        let retry = "mutation($id: ID!) { retryJob(input: { id: $id }) { job { id } userErrors { message } } }";
        assert_eq!(app.operator.data(retry, json!({"id": failed})).await["retryJob"]["userErrors"], json!([]));
        let again = app.settled(&failed).await;
        let message = again["message"].as_str().expect("a message");
        assert!(message.contains("removed") && !message.contains("upload it again"), "the file is still there: {message}");
    }

    async fn batches_in_different_orders_don_t_stop_each_other(app: TestApp) {
        let tickers: Vec<String> = (0..40).map(|n| format!("S{n}")).collect();
        for ticker in &tickers {
            app.provider.answer(ticker, Answer::Body(payload()));
            app.operator.data("mutation($t: String!) { addSymbol(input: { ticker: $t, refresh: false }) { symbol { id } } }", json!({"t": ticker})).await;
        }
        let query = "mutation($t: [String!], $f: Boolean!) { refreshSymbols(input: { tickers: $t, full: $f }) { jobs { id } } }";
        let ask = async |round: usize| {
            let mut order = tickers.clone();
            order.rotate_left(round * 7 % 40);
            if round % 2 == 1 {
                order.reverse();
            }
            let data = app.operator.data(query, json!({"t": order, "f": round.is_multiple_of(3)})).await;
            assert_eq!(data["refreshSymbols"]["jobs"].as_array().map(Vec::len), Some(40));
        };
        for _ in 0..5 {
            tokio::join!(ask(0), ask(1), ask(2), ask(3), ask(4), ask(5), ask(6), ask(7));
        }
        at_rest(&app).await;
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
        prospectus::workers::run_due(&app.app, at(1, 12)).await.expect("a look");
        at_rest(&app).await;
        let before = count().await;
        prospectus::workers::run_due(&app.app, at(1, 13)).await.expect("a look");
        assert_eq!(count().await, before, "nothing has come due since");
        let replicas = (prospectus::workers::run_due(&app.app, at(4, 0)), prospectus::workers::run_due(&app.app, at(4, 0)));
        let (one, other) = tokio::join!(replicas.0, replicas.1);
        one.and(other).expect("both look");
        assert_eq!(count().await, before + 1, "three missed evenings are one refresh, however many replicas look");
        at_rest(&app).await;
        prospectus::workers::run_due(&app.app, at(4, 1)).await.expect("a look");
        assert_eq!(count().await, before + 1);
    }
}
