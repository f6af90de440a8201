//! The same query again is answered from memory, and never with what a write has changed since, whoever wrote.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Database, TestApp};
use crate::on_each_database;

const NAMES: &str = "query($s: String) { ipos(first: 5, filter: { search: $s }) { totalCount nodes { name } } }";

async fn create(app: &TestApp, name: &str) -> Value {
    let query =
        "mutation($n: String!) { createIpo(input: { name: $n, exchange: NSE }) { ipo { id } userErrors { message } } }";
    app.admin.data(query, json!({"n": name})).await["createIpo"]["ipo"]["id"].clone()
}

/// Waits until the workers have nothing to write, then asks often enough for an answer to be kept.
async fn known(app: &TestApp, client: &Client, variables: &Value) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..20 {
        let before = app.app.store.statements();
        client.data(NAMES, variables.clone()).await;
        least = least.min(app.app.store.statements() - before);
        if least <= 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    least
}

on_each_database! {
    async fn the_same_query_again_is_answered_without_running_it(app: TestApp) {
        create(&app, "Acme Limited").await;
        // On PostgreSQL the version is one statement of the same pool.
        assert!(known(&app, &app.anonymous, &json!({"s": "acme"})).await <= 1, "it was run each time");
    }

    async fn a_write_is_seen_by_the_next_query(app: TestApp) {
        for n in 0..12 {
            known(&app, &app.anonymous, &json!({"s": "acme"})).await;
            create(&app, &format!("Acme {n} Limited")).await;
            let found = app.anonymous.data(NAMES, json!({"s": "acme"})).await;
            assert_eq!(found["ipos"]["totalCount"], n + 1);
        }
    }

    async fn an_answer_is_for_the_one_who_asked(app: TestApp) {
        let viewer = "{ viewer { name role } }";
        for _ in 0..3 {
            assert_eq!(app.admin.data(viewer, json!({})).await["viewer"]["role"], "ADMIN");
            assert_eq!(app.reader.data(viewer, json!({})).await["viewer"]["name"], "a reader");
            assert_eq!(app.anonymous.data(viewer, json!({})).await["viewer"]["name"], "anonymous");
            let refused = app.reader.graphql("{ tokens { name } }", json!({})).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
            assert!(app.admin.data("{ tokens { name } }", json!({})).await["tokens"].is_array());
        }
        for n in 1..4 {
            let page = app.anonymous.data("query($n: Int) { ipos(first: $n) { pageInfo { hasNextPage } nodes { id } } }", json!({"n": n})).await;
            assert_eq!(page["ipos"]["nodes"], json!([]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn a_write_of_one_replica_is_seen_by_the_next_query_of_another() {
    let app = TestApp::start(Database::Postgres).await;
    let replica = app.replica().await;
    let elsewhere = Client::new(&replica.url, None);
    for n in 0..20 {
        for _ in 0..3 {
            elsewhere.data(NAMES, json!({"s": "acme"})).await;
        }
        create(&app, &format!("Acme {n} Limited")).await;
        assert_eq!(elsewhere.data(NAMES, json!({"s": "acme"})).await["ipos"]["totalCount"], n + 1);
    }
}
