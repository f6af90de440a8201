//! What is kept for long enough is forgotten, and the database stops growing.

use chrono::{Duration, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

use crate::harness::{ADMIN_TOKEN, Database, TestApp};
use crate::on_each_database;

const DAY_MS: i64 = 86_400_000;

async fn number(app: &TestApp, sql: &str) -> i64 {
    let queue = app.app.store.queue();
    let row = queue.query_one_raw(Statement::from_string(app.app.store.backend(), sql)).await.expect("an answer");
    row.expect("a row").try_get_by_index(0).expect("a number")
}

/// A day's worth of jobs and flags that ended so many days ago, each with a kilobyte of text.
async fn a_day(app: &TestApp, days_ago: i64) {
    let at = Utc::now().timestamp_millis() - days_ago * DAY_MS;
    let text = "x".repeat(1_000);
    let numbers = match app.app.store.backend() {
        DbBackend::Sqlite => {
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 400) SELECT n FROM n".to_owned()
        }
        _ => "SELECT n FROM generate_series(1, 400) AS n".to_owned(),
    };
    let statements = [
        format!(
            "INSERT INTO job_records (kind, state, payload, message, done, attempts, failures, cancel_requested, run_after, \
             created_at, finished_at) SELECT 'REFRESH_SYMBOL', 'SUCCEEDED', '{{}}', '{text}', 0, 1, 0, false, {at}, {at}, {at} \
             FROM ({numbers}) AS numbers"
        ),
        format!(
            "INSERT INTO data_issues (source, scope, record, reason, raw, fingerprint, first_seen_at, last_seen_at, \
             occurrences, resolved_at) SELECT 'ALPHA_VANTAGE', 's', 'r', 'why', '{text}', '{days_ago}-' || n, {at}, {at}, 1, {at} \
             FROM ({numbers}) AS numbers"
        ),
    ];
    for sql in statements {
        app.app.store.queue().execute_unprepared(&sql).await.expect("rows");
    }
}

on_each_database! {
    async fn a_database_stops_growing_once_what_is_old_is_forgotten(app: TestApp) {
        let retention = &app.app.settings.retention;
        let jobs = "SELECT COUNT(*) FROM job_records";
        for day in 91..101 {
            a_day(&app, day).await;
        }
        a_day(&app, 89).await;
        // What hasn't ended, or isn't resolved, stays however old it is.
        let queue = app.app.store.queue();
        queue.execute_unprepared("UPDATE data_issues SET resolved_at = NULL WHERE fingerprint = '95-7'").await.expect("one");
        let forgotten = app.app.store.forget(retention).await.expect("forgotten");
        assert_eq!((forgotten.jobs, forgotten.flags), (4_000, 3_999));
        assert_eq!(number(&app, jobs).await, 400);
        assert_eq!(number(&app, "SELECT COUNT(*) FROM data_issues").await, 401);
        assert_eq!(app.app.store.forget(retention).await.expect("nothing"), prospectus::store::Forgotten::default());

        if app.app.store.backend() == DbBackend::Sqlite {
            let before = number(&app, "PRAGMA page_count").await;
            for _ in 0..3 {
                for day in 101..111 {
                    a_day(&app, day).await;
                }
                app.app.store.forget(retention).await.expect("forgotten");
            }
            let after = number(&app, "PRAGMA page_count").await;
            assert!(after <= before + before / 20, "it grew from {before} to {after} pages");
        }
    }

    async fn it_is_done_by_the_clock_and_once_for_all_processes(app: TestApp) {
        let count = "SELECT COUNT(*) FROM job_records";
        let due = Utc::now() + Duration::days(1);
        a_day(&app, 200).await;
        prospectus::workers::forget_due(&app.app, Utc::now()).await.expect("the mark is set");
        assert_eq!(number(&app, count).await, 400, "the first look forgets nothing");
        prospectus::workers::forget_due(&app.app, due).await.expect("forgotten");
        assert_eq!(number(&app, count).await, 0);
        a_day(&app, 201).await;
        prospectus::workers::forget_due(&app.app, due).await.expect("taken already");
        assert_eq!(number(&app, count).await, 400);
    }

    async fn the_trail_tells_who_did_what(app: TestApp) {
        app.operator.add_symbol("IBM").await;
        let create = "mutation($n: String!) { createIpo(input: { name: $n, exchange: NSE }) { ipo { id } userErrors { code } } }";
        let made = app.admin.data(create, json!({"n": "Acme"})).await;
        let ipo = made["createIpo"]["ipo"]["id"].as_str().expect("an id").to_owned();
        let refused = app.operator.graphql(create, json!({"n": "Other"})).await;
        assert!(refused["errors"].is_array());
        // The first refusal ends the operation: what comes after it is not begun, and leaves no line.
        let several = "mutation { a: addSymbol(input: { ticker: \"MSFT\", refresh: false }) { symbol { id } }
                       b: deleteIpo(input: { id: \"none\" }) { userErrors { code } }
                       c: addSymbol(input: { ticker: \"AAPL\", refresh: false }) { symbol { id } } }";
        assert!(app.operator.graphql(several, json!({})).await["errors"].is_array());
        app.operator.graphql("mutation { runBacktest(input: { ticker: \"IBM\" }) { userErrors { code } } }", json!({})).await;
        app.anonymous.graphql(create, json!({"n": "Nobody"})).await;

        let trail = "query($f: AuditEventFilter) { auditEvents(filter: $f) { totalCount nodes {
                     token action object outcome arguments address doneAt } } }";
        let all = app.admin.data(trail, json!({"f": null})).await["auditEvents"].clone();
        let lines: Vec<String> = all["nodes"].as_array().expect("events").iter().map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("token"), text("action"), text("object"), text("outcome"))
        }).collect();
        assert_eq!(lines, [
            "an operator deleteIpo none FORBIDDEN".to_owned(),
            "an operator addSymbol MSFT OK".to_owned(),
            "an operator createIpo Other FORBIDDEN".to_owned(),
            format!("ADMIN_TOKEN createIpo {ipo} OK"),
            "an operator addSymbol IBM OK".to_owned(),
        ]);
        assert_eq!(all["nodes"][3]["arguments"], r#"{"input":{"exchange":"NSE","name":"Acme"}}"#);
        let filter = json!({"f": {"token": "an operator", "action": ["addSymbol"]}});
        assert_eq!(app.admin.data(trail, filter).await["auditEvents"]["totalCount"], 2);
        assert!(app.operator.graphql(trail, json!({})).await["errors"].is_array());

        let update = "mutation($id: ID!) { updateIpo(input: { id: $id, name: \"Acme Works\" }) { userErrors { code message } } }";
        assert_eq!(app.admin.data(update, json!({"id": ipo})).await["updateIpo"]["userErrors"], json!([]));
        let revisions = "query($id: ID!) { node(id: $id) { ... on Ipo { revisions(first: 1) { nodes { author } } } } }";
        let revisions = app.admin.data(revisions, json!({"id": ipo})).await;
        assert_eq!(revisions["node"]["revisions"]["nodes"][0]["author"], "ADMIN_TOKEN");

        let tokens = "{ tokens { name lastUsedAt } }";
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let tokens = app.admin.data(tokens, json!({})).await["tokens"].clone();
            let used = |name: &str| {
                let token = tokens.as_array().expect("tokens").iter().find(|token| token["name"] == name);
                token.is_some_and(|token| token["lastUsedAt"].is_string())
            };
            assert!(!used("a reader"));
            if used("an operator") {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "no use was noted: {tokens}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_in_the_trail_though_its_client_has_hung_up() {
    let app = TestApp::start(Database::Sqlite).await;
    let client = crate::harness::http();
    let create = json!({"query": "mutation { createIpo(input: { name: \"Acme\", exchange: NSE }) { ipo { id } } }"});
    let request = client.post(format!("{}/graphql", app.url)).bearer_auth(ADMIN_TOKEN).json(&create);
    // Nobody else writes meanwhile, so the mutation waits for longer than its client does.
    let held = app.app.store.begin().await.expect("a transaction");
    let asked = request.timeout(std::time::Duration::from_secs(1)).send().await;
    assert!(asked.is_err_and(|error| error.is_timeout()));
    drop(held);
    let trail = "{ ipos { totalCount } auditEvents(filter: { action: [\"createIpo\"] }) { nodes { outcome } } }";
    let wanted = json!({"ipos": {"totalCount": 1}, "auditEvents": {"nodes": [{"outcome": "OK"}]}});
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let seen = app.admin.data(trail, json!({})).await;
        if seen == wanted {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{seen}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
