//! Following jobs over graphql-transport-ws and server-sent events.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::harness::{ADMIN_TOKEN, Answer, Client, Database, TestApp, day, provider};
use crate::on_each_database;

pub type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

fn payload(ticker: &str) -> String {
    provider::daily(ticker, &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")])
}

pub async fn connect(app: &TestApp, init: Value) -> Socket {
    connect_to(&app.url, init).await
}

/// A socket at a service's address.
pub async fn connect_to(url: &str, init: Value) -> Socket {
    let url = format!("{}/graphql", url.replace("http://", "ws://"));
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a connection");
    send(&mut socket, json!({"type": "connection_init", "payload": init})).await;
    socket
}

pub async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("sent");
}

pub async fn receive(socket: &mut Socket) -> Option<Value> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("in time")?;
        match message.expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

pub async fn subscribe(socket: &mut Socket, id: &str, query: &str, variables: Value) {
    let payload = json!({"query": query, "variables": variables});
    send(socket, json!({"id": id, "type": "subscribe", "payload": payload})).await;
}

pub const JOB: &str = "subscription($id: ID!) { jobUpdated(id: $id) { id state done total outcome { added } } }";

on_each_database! {
    async fn a_job_is_followed_to_its_end_and_the_stream_completes(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(400), payload("ACME")));
        let mut socket = connect(&app, json!({})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
        let id = app.operator.add_symbol("ACME").await;
        subscribe(&mut socket, "1", JOB, json!({"id": id})).await;
        let mut states = Vec::new();
        loop {
            let message = receive(&mut socket).await.expect("a message");
            assert_eq!(message["id"], "1");
            if message["type"] == "complete" {
                break;
            }
            assert!(message["payload"]["errors"].is_null(), "{message}");
            let job = &message["payload"]["data"]["jobUpdated"];
            assert_eq!(job["id"], id.as_str());
            states.push(job["state"].as_str().unwrap_or_default().to_owned());
        }
        assert!(["QUEUED", "RUNNING"].contains(&states[0].as_str()), "{states:?}");
        assert_eq!(states.last().map(String::as_str), Some("SUCCEEDED"));
        states.dedup();
        assert!(states.len() <= 3, "states only go forward: {states:?}");
    }

    async fn an_ended_job_is_told_once(app: TestApp) {
        app.provider.answer("ACME", Answer::Body(payload("ACME")));
        let id = app.operator.add_symbol("ACME").await;
        app.settled(&id).await;
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", JOB, json!({"id": id})).await;
        assert_eq!(receive(&mut socket).await.expect("a job")["payload"]["data"]["jobUpdated"]["state"], "SUCCEEDED");
        assert_eq!(receive(&mut socket).await.expect("an end")["type"], "complete");
    }

    async fn every_refresh_of_a_symbol_is_told_to_who_follows_it(app: TestApp) {
        for ticker in ["ACME", "BETA"] {
            app.provider.answer(ticker, Answer::Body(payload(ticker)));
        }
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        let query = "subscription { refreshCompleted(ticker: \"beta\") { symbol { ticker barCount } outcome { added unchanged } } }";
        subscribe(&mut socket, "1", query, json!({})).await;
        // An answer to a query tells that the subscription before it has begun.
        subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["id"], "2");
        receive(&mut socket).await;
        app.add_symbol("ACME").await;
        app.add_symbol("BETA").await;
        let told = receive(&mut socket).await.expect("news");
        assert_eq!(
            told["payload"]["data"]["refreshCompleted"],
            json!({"symbol": {"ticker": "BETA", "barCount": 1}, "outcome": {"added": 1, "unchanged": 0}})
        );
    }

    async fn a_share_is_followed_by_its_plain_name(app: TestApp) {
        let bars = |day: u32| format!("date,open,high,low,close,volume\n2024-01-{day:02},1,2,0.5,1.5,7\n");
        for ticker in ["ACME.NSE", "BETA.NSE"] {
            app.imported(ticker, &bars(2)).await;
        }
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", "subscription { refreshCompleted(ticker: \"beta\") { symbol { ticker } } }", json!({})).await;
        subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["id"], "2");
        receive(&mut socket).await;
        app.imported("ACME.NSE", &bars(3)).await;
        app.imported("BETA.NSE", &bars(3)).await;
        let told = receive(&mut socket).await.expect("news");
        assert_eq!(told["payload"]["data"]["refreshCompleted"], json!({"symbol": {"ticker": "BETA.NSE"}}));
    }

    async fn three_hundred_followers_hear_of_ten_refreshes_once_each(app: TestApp) {
        for n in 0..=10 {
            app.provider.answer(&format!("S{n}"), Answer::Body(payload("ANY")));
        }
        let query = "subscription { refreshCompleted { symbol { ticker } } }";
        let mut sockets = Vec::new();
        for _ in 0..300 {
            let mut socket = connect(&app, json!({})).await;
            receive(&mut socket).await;
            subscribe(&mut socket, "1", query, json!({})).await;
            subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
            sockets.push(socket);
        }
        for socket in &mut sockets {
            assert_eq!(receive(socket).await.expect("an answer")["id"], "2");
            receive(socket).await;
        }
        let mut jobs = Vec::new();
        for n in 0..10 {
            jobs.push(app.operator.add_symbol(&format!("S{n}")).await);
        }
        for job in jobs {
            app.settled(&job).await;
        }
        // The eleventh comes after them all, and tells that there is nothing more to come.
        app.add_symbol("S10").await;
        let wanted: std::collections::BTreeSet<String> = (0..10).map(|n| format!("S{n}")).collect();
        for socket in &mut sockets {
            let mut heard = Vec::new();
            loop {
                let message = receive(socket).await.expect("news");
                let ticker = message["payload"]["data"]["refreshCompleted"]["symbol"]["ticker"].clone();
                match ticker.as_str() {
                    Some("S10") => break,
                    Some(ticker) => heard.push(ticker.to_owned()),
                    None => panic!("{message}"),
                }
            }
            assert_eq!(heard.len(), 10, "{heard:?}");
            assert_eq!(heard.into_iter().collect::<std::collections::BTreeSet<_>>(), wanted);
        }
    }

    async fn every_change_of_any_job_is_told_once_and_forward(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(300), payload("ACME")));
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", "subscription { jobUpdated { id state done } }", json!({})).await;
        subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
        receive(&mut socket).await;
        receive(&mut socket).await;
        let first = app.operator.add_symbol("ACME").await;
        app.settled(&first).await;
        let second = app.refresh("ACME").await["id"].as_str().expect("an id").to_owned();
        let mut ends = Vec::new();
        while ends.last() != Some(&second) {
            let message = receive(&mut socket).await.expect("news");
            let job = &message["payload"]["data"]["jobUpdated"];
            let id = job["id"].as_str().expect("an id").to_owned();
            assert!(!ends.contains(&id), "nothing comes after the end: {message}");
            if job["state"] == "SUCCEEDED" {
                ends.push(id);
            }
        }
        assert_eq!(ends, [first, second]);
    }

    async fn a_new_and_a_changed_ipo_are_told_once_each(app: TestApp) {
        let mut sockets = Vec::new();
        for _ in 0..5 {
            let mut socket = connect(&app, json!({})).await;
            receive(&mut socket).await;
            subscribe(&mut socket, "1", "subscription { ipoChanged(exchange: NSE) { change ipo { id name } } }", json!({})).await;
            subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
            receive(&mut socket).await;
            receive(&mut socket).await;
            sockets.push(socket);
        }
        let create = "mutation($n: String!) { createIpo(input: { name: $n, exchange: NSE }) { ipo { id } } }";
        let created = app.admin.data(create, json!({"n": "First"})).await;
        let id = created["createIpo"]["ipo"]["id"].clone();
        // Two changes in one go may be told as one.
        assert_eq!(receive(&mut sockets[0]).await.expect("news")["payload"]["data"]["ipoChanged"]["change"], "CREATED");
        let update = "mutation($id: ID!) { updateIpo(input: { id: $id, name: \"Second\" }) { userErrors { message } } }";
        app.admin.data(update, json!({"id": id})).await;
        app.admin.data(create, json!({"n": "Last"})).await;
        for (n, socket) in sockets.iter_mut().enumerate() {
            let mut heard = Vec::new();
            if n == 0 {
                heard.push("CREATED Second".to_owned());
            }
            loop {
                let message = receive(socket).await.expect("news");
                let told = &message["payload"]["data"]["ipoChanged"];
                if told["ipo"]["name"] == "Last" {
                    break;
                }
                heard.push(format!("{} {}", told["change"].as_str().unwrap_or_default(), told["ipo"]["name"].as_str().unwrap_or_default()));
            }
            assert!(!heard.is_empty() && heard.len() <= 2, "{heard:?}");
            assert!(heard.last().expect("one").ends_with("Second"), "{heard:?}");
        }
    }

    async fn server_sent_events_carry_the_same(app: TestApp) {
        app.provider.answer("ACME", Answer::Late(Duration::from_millis(300), payload("ACME")));
        let id = app.operator.add_symbol("ACME").await;
        let response = crate::harness::http()
            .post(format!("{}/graphql", app.url))
            .header("accept", "text/event-stream")
            .json(&json!({"query": JOB, "variables": {"id": id}}))
            .send().await.expect("an answer");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = response.text().await.expect("a stream that ends");
        assert!(text.contains("event: next") && text.contains("\"SUCCEEDED\"") && text.contains("event: complete"), "{text}");
    }

    async fn a_token_comes_with_the_first_message(app: TestApp) {
        let viewer = "{ viewer { role } }";
        for (init, role) in [
            (json!({}), "ANONYMOUS"),
            (json!({"Authorization": format!("Bearer {ADMIN_TOKEN}")}), "ADMIN"),
            (json!({"token": ADMIN_TOKEN}), "ADMIN"),
        ] {
            let mut socket = connect(&app, init).await;
            receive(&mut socket).await;
            subscribe(&mut socket, "1", viewer, json!({})).await;
            let answer = receive(&mut socket).await.expect("an answer");
            assert_eq!(answer["payload"]["data"]["viewer"]["role"], role);
        }
        let mut socket = connect(&app, json!({"token": "prs_wrong"})).await;
        let refusal = receive(&mut socket).await;
        assert!(refusal.is_none_or(|m| m["type"] != "connection_ack"), "a bad token gets no connection");
    }
}

/// A second process, as far as the database can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_paid_for() {
    // Two hundred units at once, twenty a second.
    let app = TestApp::start_with(Database::Sqlite, &[("RATE_LIMIT", "20")]).await;
    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    let costly = "subscription { ipoChanged { ipo { name symbol { backtests(first: 150) { nodes { id } } } } } }";
    subscribe(&mut socket, "1", costly, json!({})).await;
    let create = "mutation($n: String!) { createIpo(input: { name: $n, exchange: NSE }) { ipo { id } } }";
    let mut heard = 0;
    let ended = loop {
        assert!(heard < 5, "it goes on");
        app.admin.data(create, json!({"n": format!("Company {heard}")})).await;
        let message = receive(&mut socket).await.expect("a message");
        if message["type"] == "error" {
            break message;
        }
        heard += 1;
    };
    assert_eq!((heard, &ended["payload"][0]["extensions"]["code"]), (1, &json!("RATE_LIMITED")), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn a_subscriber_at_one_replica_hears_of_another_s_jobs() {
    let app = TestApp::start(crate::harness::Database::Postgres).await;
    app.provider.answer("ACME", Answer::Late(Duration::from_millis(300), payload("ACME")));
    let replica = app.replica().await;
    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    let id = Client::new(&replica.url, Some(ADMIN_TOKEN)).add_symbol("ACME").await;
    subscribe(&mut socket, "1", JOB, json!({"id": id})).await;
    let mut last = Value::Null;
    while let Some(message) = receive(&mut socket).await.filter(|m| m["type"] == "next") {
        last = message["payload"]["data"]["jobUpdated"]["state"].clone();
    }
    assert_eq!(last, "SUCCEEDED");
}
