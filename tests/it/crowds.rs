//! Many clients that each take a little for long: what they hold of the service's memory has bounds in all.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Database, TestApp, state, until};
use crate::protocol::closed;
use crate::subscriptions::{connect, receive, subscribe};

/// A query of so many bytes.
fn padded(query: &str, bytes: usize) -> String {
    format!("{query}{}", " ".repeat(bytes))
}

async fn code_of(app: &TestApp, query: &str) -> (u16, Value) {
    let client = crate::harness::http();
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
    assert!((38..46).contains(&id), "{id}");
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
        // A client that is reset while it sends may never look at the close.
        for _ in 0..3 {
            socket.get_mut().write_all(&[0; 1 << 10]).await.expect("a connection that is still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A query for so many columns, of which thirty have about a megabyte.
async fn long_query(app: &TestApp, columns: usize) -> String {
    let mut csv = String::from("date,open,high,low,close,volume\n");
    let monday = chrono::NaiveDate::from_ymd_opt(2000, 1, 3).expect("a date");
    for i in 0..5_000 {
        let day = monday + chrono::Days::new(i / 5 * 7 + i % 5);
        let _ = writeln!(csv, "{day},1000.25,1000.75,1000.25,1000.50,7");
    }
    let job = app.operator.import("LONG", &csv).await;
    let job = app.settled(job["job"]["id"].as_str().expect("a job")).await;
    assert_eq!(state(&job), "SUCCEEDED", "{job}");
    let columns = (0..columns).fold(String::new(), |text, i| text + &format!("a{i}: close "));
    format!("{{ symbol(ticker: \"LONG\") {{ series {{ {columns} }} }} }}")
}

/// Asks, and takes nothing of the answer but its beginning.
async fn asked(app: &TestApp, query: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = app.url.trim_start_matches("http://").parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let body = json!({"query": query}).to_string();
    let length = body.len();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes()).await.expect("written");
    let mut begun = [0; 15];
    stream.read_exact(&mut begun).await.expect("a status");
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_long_answers_keeps_nobody_else_from_them() {
    let app = TestApp::start(Database::Sqlite).await;
    let query = long_query(&app, 290).await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        unread.push(asked(&app, &query).await);
    }
    let length = |answer: Value| answer["data"]["symbol"]["series"]["a289"].as_array().map(Vec::len);
    assert_eq!(length(app.operator.graphql(&query, json!({})).await), Some(5_000), "another client has its own share");
    assert_eq!(length(app.anonymous.graphql(&query, json!({})).await), Some(5_000), "in time so has the same one");
    // What was let go is broken off.
    let mut rest = Vec::new();
    let _ = unread[0].read_to_end(&mut rest).await;
    assert!(rest.len() < 10_000_000, "{}", rest.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_have_room_for_so_many_long_answers_until_they_end() {
    let app = TestApp::start(Database::Sqlite).await;
    let query = long_query(&app, 100).await;
    let ask = async |init: Value| {
        let mut socket = connect(&app, init).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", &query, json!({})).await;
        let message = receive(&mut socket).await.expect("a message");
        (message["type"] == "next", message["payload"][0]["extensions"]["code"].clone(), socket)
    };
    let mut open = Vec::new();
    let refused = loop {
        let (is_answered, code, socket) = ask(json!({})).await;
        if !is_answered {
            break code;
        }
        open.push(socket);
    };
    assert_eq!(refused, "OVERLOADED");
    assert!((7..13).contains(&open.len()), "32 MiB for some three each: {}", open.len());
    let admin = json!({"Authorization": format!("Bearer {}", crate::harness::ADMIN_TOKEN)});
    assert!(ask(admin).await.0, "another client");
    let mut small = connect(&app, json!({})).await;
    receive(&mut small).await;
    subscribe(&mut small, "1", "{ viewer { role } }", json!({})).await;
    assert_eq!(receive(&mut small).await.expect("a message")["type"], "next");
    open.pop();
    until(async || ask(json!({})).await.0, |is_answered| *is_answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_too_long_for_a_socket_goes_by_post() {
    let app = TestApp::start(Database::Sqlite).await;
    let query = long_query(&app, 200).await;
    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    subscribe(&mut socket, "1", &query, json!({})).await;
    let refused = receive(&mut socket).await.expect("a message");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{refused}");
    let answer = app.anonymous.graphql(&query, json!({})).await;
    assert_eq!(answer["data"]["symbol"]["series"]["a199"].as_array().map(Vec::len), Some(5_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_half_of_the_connections() {
    let app = TestApp::start_with(Database::Sqlite, &[("MAX_CONNECTIONS", "16")]).await;
    let address = app.url.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.expect("written");
        held.push(stream);
    }
    // Those past the half are let go at once; the others are still waited for.
    let mut rest = Vec::new();
    for stream in &mut held[8..] {
        let _ = stream.read_to_end(&mut rest).await;
    }
    assert!(rest.is_empty());
    held[0].write_all(b"host: x\r\nconnection: close\r\n\r\n").await.expect("written");
    held[0].read_to_end(&mut rest).await.expect("an answer");
    assert!(rest.starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_has_half_of_the_sockets_and_streams() {
    let app = TestApp::start_with(Database::Sqlite, &[("MAX_CONNECTIONS", "32")]).await;
    let client = crate::harness::http();
    let follow = async |token: Option<&str>| {
        let mut request = client.post(format!("{}/graphql", app.url)).header("accept", "text/event-stream");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.json(&json!({"query": "subscription { jobUpdated { id } }"})).send().await.expect("an answer")
    };
    // Half of the connections may be sockets and streams, and half of those one client's.
    let mut sockets = Vec::new();
    for _ in 0..7 {
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        sockets.push(socket);
    }
    let stream = follow(None).await;
    assert_eq!(stream.status(), 200);
    let refused = follow(None).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].as_bytes()), (503, &b"5"[..]));
    assert_eq!(follow(Some(crate::harness::ADMIN_TOKEN)).await.status(), 200, "another client");
    drop((stream, sockets));
    until(async || follow(None).await.status().as_u16(), |status| *status == 200).await;
}
