//! The same query again is answered from memory, and never with what a write has changed since, whoever wrote.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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

/// A way to ask: its method, its headers, and the status of its answer.
type Kind<'a> = (Method, &'a [(&'a str, &'a str)], u16);

/// What an answer says, but for what differs each time.
struct Said {
    status: u16,
    headers: HeaderMap,
    id: String,
    body: Vec<u8>,
}

async fn said(app: &TestApp, method: Method, headers: &[(&str, &str)]) -> Said {
    let url = format!("{}/graphql", app.url);
    let variables = json!({"s": "acme"});
    // What is compressed stays so.
    let client = reqwest::Client::builder().no_gzip().no_brotli().build().expect("a client");
    let mut request = match method {
        Method::GET => client.get(&url).query(&[("query", NAMES), ("variables", &variables.to_string())]),
        _ => client.post(&url).json(&json!({"query": NAMES, "variables": variables})),
    };
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, mut headers) = (answer.status().as_u16(), answer.headers().clone());
    // How long it is stands at its head or in its pieces.
    for name in ["date", "content-length", "transfer-encoding"] {
        headers.remove(name);
    }
    let id = headers.remove("x-request-id").expect("an id").to_str().expect("text").to_owned();
    Said { status, headers, id, body: answer.bytes().await.expect("a body").to_vec() }
}

on_each_database! {
    async fn the_same_query_again_is_answered_without_running_it(app: TestApp) {
        create(&app, "Acme Limited").await;
        // On PostgreSQL the version is one statement of the same pool.
        assert!(known(&app, &app.anonymous, &json!({"s": "acme"})).await <= 1, "it was run each time");
    }

    async fn an_answer_from_memory_says_all_that_the_first_one_said(app: TestApp) {
        for n in 0..5 {
            create(&app, &format!("Acme {n} Limited")).await;
        }
        let tag = said(&app, Method::GET, &[]).await.headers["etag"].to_str().expect("text").to_owned();
        let kinds: [Kind; 6] = [
            (Method::POST, &[("accept", "application/json")], 200),
            (Method::POST, &[("accept", "application/graphql-response+json")], 200),
            (Method::POST, &[("accept-encoding", "gzip")], 200),
            (Method::POST, &[("origin", "https://elsewhere.test")], 200),
            (Method::GET, &[], 200),
            (Method::GET, &[("if-none-match", &tag)], 304),
        ];
        let mut answers = Vec::new();
        for (method, headers, status) in kinds {
            let first = said(&app, method.clone(), headers).await;
            assert_eq!(first.status, status, "{headers:?}");
            let mut ids = vec![first.id];
            let mut least = u64::MAX;
            // Until the workers have had nothing to write for a while.
            for n in 0..60 {
                let (before, id) = (app.app.store.statements(), format!("of-{n}"));
                let named: Vec<_> = headers.iter().copied().chain((n % 2 == 0).then_some(("x-request-id", &*id))).collect();
                let again = said(&app, method.clone(), &named).await;
                least = least.min(app.app.store.statements() - before);
                assert_eq!((again.status, &again.headers, &again.body), (first.status, &first.headers, &first.body));
                assert_eq!(again.id == id, n % 2 == 0, "{id}");
                ids.push(again.id);
                if n >= 8 && least <= 1 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(least <= 1, "{headers:?}: it was run each time");
            let asked = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), asked, "each has an id of its own");
            answers.push((first.headers, first.body));
        }
        let types: Vec<_> = answers.iter().map(|(headers, _)| headers.get("content-type")).collect();
        assert_ne!(types[0], types[1]);
        assert!(answers[2].0["content-encoding"] == "gzip" && answers[2].1.len() < answers[0].1.len());
    }

    async fn http_2_has_known_answers_too(app: TestApp) {
        create(&app, "Acme Limited").await;
        let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
        let mut least = u64::MAX;
        for _ in 0..60 {
            let before = app.app.store.statements();
            let query = json!({"query": NAMES, "variables": {"s": "acme"}});
            let answer = client.post(format!("{}/graphql", app.url)).json(&query).send().await.expect("an answer");
            assert_eq!((answer.version(), answer.status().as_u16()), (reqwest::Version::HTTP_2, 200));
            let found: Value = answer.json().await.expect("JSON");
            assert_eq!(found["data"]["ipos"]["nodes"], json!([{"name": "Acme Limited"}]));
            least = least.min(app.app.store.statements() - before);
            if least <= 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(least <= 1, "it was run each time");
    }

    async fn a_query_that_comes_in_pieces_is_answered(app: TestApp) {
        create(&app, "Acme Limited").await;
        let body = json!({"query": NAMES, "variables": {"s": "acme"}}).to_string();
        let address = app.url.strip_prefix("http://").expect("an address");
        let head = format!("POST /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        for pause in [0, 0, 0, 20, 250] {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            let (one, two) = body.split_at(body.len() / 2);
            for piece in [&head, one, two] {
                stream.write_all(piece.as_bytes()).await.expect("sent");
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"name\":\"Acme Limited\""), "{answer}");
        }
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
