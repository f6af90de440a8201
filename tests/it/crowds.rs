//! Many clients that each take a little for long: what they hold of the service's memory has bounds in all.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::{Database, TestApp, until};
use crate::protocol::closed;
use crate::subscriptions::{connect, receive, subscribe};

/// A query of so many bytes.
fn padded(query: &str, bytes: usize) -> String {
    format!("{query}{}", " ".repeat(bytes))
}

async fn code_of(app: &TestApp, query: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client.post(format!("{}/graphql", app.url)).json(&json!({"query": query})).send().await;
    let answer = asked.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["errors"][0]["extensions"]["code"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_that_do_not_end_keep_out_long_ones_alone() {
    let app = TestApp::start(Database::Sqlite).await;
    let address = app.url.trim_start_matches("http://").to_owned();
    let head =
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n{";
    let mut held = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("written");
        held.push(stream);
    }
    let long = padded("{ viewer { role } }", 20_000);
    until(async || code_of(&app, &long).await, |found: &(u16, Value)| *found == (503, json!("OVERLOADED"))).await;
    assert_eq!(code_of(&app, &padded("{ viewer { role } }", 10_000)).await, (200, Value::Null));
    drop(held);
    until(async || code_of(&app, &long).await, |found: &(u16, Value)| *found == (200, Value::Null)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_followed_has_room_for_so_many_texts() {
    let app = TestApp::start(Database::Sqlite).await;
    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    let query = padded("subscription { jobUpdated { id } }", 60_000);
    for id in 0..80 {
        subscribe(&mut socket, &id.to_string(), &query, json!({})).await;
    }
    let refused = receive(&mut socket).await.expect("a message");
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "OVERLOADED", "{refused}");
    let id: usize = refused["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert!((60..75).contains(&id), "{id}");
    // Whoever goes makes room.
    drop(socket);
    let first_answered = async || {
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", &query, json!({})).await;
        subscribe(&mut socket, "2", "{ viewer { role } }", json!({})).await;
        receive(&mut socket).await.expect("a message")["id"].clone()
    };
    until(first_answered, |id: &Value| *id == "2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_says_it_is_long_is_refused_before_it_comes() {
    let app = TestApp::start(Database::Sqlite).await;
    for bytes in [200_u64 << 10, 15 << 20] {
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        let mut begun = vec![0x81_u8, 0xFF];
        begun.extend(bytes.to_be_bytes());
        begun.extend([0, 0, 0, 0]);
        begun.extend(b"{\"type\":");
        socket.get_mut().write_all(&begun).await.expect("written");
        assert_eq!(closed(&mut socket).await.0, 1009, "{bytes}");
    }
}
