//! What stands on the wire beneath HTTP's libraries: how names are spelled, and that a refusal reaches who still sends.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{ADMIN_TOKEN, Database, TestApp};
use crate::subscriptions::{Socket, receive, send};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

fn address(app: &TestApp) -> &str {
    app.url.strip_prefix("http://").expect("an address")
}

/// The head of the answer to some bytes.
async fn head(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(address(app)).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.expect("in time");
        head.push(byte.expect("a byte"));
    }
    String::from_utf8(head).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sockets_answer_spells_names_as_its_client_does() {
    let app = TestApp::start(Database::Sqlite).await;
    let upgrade = |name: &str| {
        format!(
            "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{name}: graphql-ws, graphql-transport-ws\r\n\r\n",
            address(&app)
        )
    };
    for name in ["Sec-WebSocket-Protocol", "sec-websocket-protocol", "SEC-WEBSOCKET-PROTOCOL"] {
        let answer = head(&app, &upgrade(name)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains(&format!("\r\n{name}: graphql-transport-ws\r\n")), "{name}: {answer}");
        assert_eq!(answer.matches("graphql-transport-ws").count(), 1, "{answer}");
    }
    let plain = upgrade("Sec-WebSocket-Protocol");
    let (two, other, version) = (
        plain.replace("graphql-ws, graphql", "soap\r\nSec-WebSocket-Protocol: graphql"),
        plain.replace("graphql-ws, graphql-transport-ws", "GraphQL-Transport-WS"),
        plain.replace("Version: 13", "Version: 8"),
    );
    assert!(head(&app, &two).await.starts_with("HTTP/1.1 101 "), "two headers are one list");
    for wrong in [other, version] {
        let answer = head(&app, &wrong).await;
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/json"), "{answer}");
    }
    // Any other answer is as it always was.
    let plain = format!("GET /healthz HTTP/1.1\r\nHOST: {}\r\nX-Request-ID: seven\r\n\r\n", address(&app));
    assert!(head(&app, &plain).await.contains("\r\nx-request-id: seven\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_elder_protocol_tells_of_the_end_that_was_asked_for() {
    let app = TestApp::start(Database::Sqlite).await;
    let url = format!("{}/graphql", app.url.replace("http://", "ws://"));
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-ws".parse().expect("a header"));
    let mut elder: Socket = tokio_tungstenite::connect_async(request).await.expect("a connection").0;
    send(&mut elder, json!({"type": "connection_init"})).await;
    assert_eq!(receive(&mut elder).await.expect("an answer")["type"], "connection_ack");
    let endless = json!({"query": "subscription { jobUpdated { id } }"});
    send(&mut elder, json!({"id": "1", "type": "start", "payload": endless})).await;
    send(&mut elder, json!({"id": "1", "type": "stop"})).await;
    assert_eq!(receive(&mut elder).await.expect("an end"), json!({"type": "complete", "id": "1"}));
    // What is over already ends no second time.
    send(&mut elder, json!({"id": "1", "type": "stop"})).await;
    send(&mut elder, json!({"id": "2", "type": "start", "payload": {"query": "{ __typename }"}})).await;
    assert_eq!(receive(&mut elder).await.expect("an answer")["type"], "data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_its_client_closes_is_closed_by_both() {
    let app = TestApp::start(Database::Sqlite).await;
    for (protocol, farewell) in [("graphql-transport-ws", Some(4321)), ("graphql-ws", Some(1000)), ("graphql-ws", None)]
    {
        let url = format!("{}/graphql", app.url.replace("http://", "ws://"));
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().expect("a header"));
        let mut socket: Socket = tokio_tungstenite::connect_async(request).await.expect("a connection").0;
        send(&mut socket, json!({"type": "connection_init"})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
        match farewell {
            Some(code) => {
                let frame = CloseFrame { code: code.into(), reason: "".into() };
                socket.send(Message::Close(Some(frame))).await.expect("sent");
            }
            None => send(&mut socket, json!({"type": "connection_terminate"})).await,
        }
        let answer = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("in time");
        let Some(Ok(Message::Close(Some(frame)))) = answer else {
            panic!("{protocol}: cut without a close: {answer:?}")
        };
        assert_eq!(u16::from(frame.code), farewell.unwrap_or(1000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_of_http_2_is_passed_over() {
    let app = TestApp::start(Database::Sqlite).await;
    let request = format!(
        "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n",
        address(&app)
    );
    assert!(head(&app, &request).await.starts_with("HTTP/1.1 200 "));
}

/// The status of the answer to a body that is sent whole before anything is read.
async fn status(app: &TestApp, path: &str, headers: &str, bytes: usize) -> Result<u16, String> {
    let mut stream = TcpStream::connect(address(app)).await.map_err(|e| e.to_string())?;
    let host = address(app);
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {bytes}\r\n{headers}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|e| e.to_string())?;
    let spaces = " ".repeat(1 << 16);
    for _ in 0..bytes >> 16 {
        stream.write_all(spaces.as_bytes()).await.map_err(|e| e.to_string())?;
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.map_err(|e| e.to_string())?;
    String::from_utf8_lossy(&answer[9..]).parse::<u16>().map_err(|e| e.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_still_sends_reads_why_it_is_refused() {
    let app = TestApp::start(Database::Sqlite).await;
    let json = "content-type: application/json";
    let admin = format!("{json}\r\nauthorization: Bearer {ADMIN_TOKEN}");
    let form = "content-type: multipart/form-data; boundary=b\r\napollo-require-preflight: 1";
    for (path, headers, expected) in [
        ("/graphql", "authorization: Bearer wrong", 401),
        ("/graphql", json, 413),
        ("/graphql", "content-type: text/plain", 415),
        ("/graphql", form, 401),
        ("/ipo/companies/", admin.as_str(), 413),
        ("/session", json, 403),
        ("/nowhere", json, 404),
    ] {
        let got = status(&app, path, headers, 8 << 20).await;
        assert_eq!(got, Ok(expected), "{path} {headers}");
    }
    // Nobody waits for what is never sent.
    let more = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\n{json}\r\ncontent-length: 10000000000\r\n\r\n{{}}",
        address(&app)
    );
    let told = tokio::time::timeout(Duration::from_secs(5), head(&app, &more)).await.expect("told before the end");
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    // Whoever asks first is told at once, and sends nothing.
    let asks = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-length: 9000000\r\nexpect: 100-continue\r\nauthorization: Bearer wrong\r\n\r\n",
        address(&app)
    );
    assert!(head(&app, &asks).await.starts_with("HTTP/1.1 401 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_crumbs_is_broken_off() {
    let app = TestApp::start(Database::Sqlite).await;
    let sent = |pieces: &str| {
        let host = address(&app);
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
             {pieces}1a\r\n{{\"query\":\"{{viewer{{name}}}}\"}}\r\n0\r\n\r\n"
        )
    };
    for (pieces, expected) in [("1\r\n \r\n".repeat(4_000), 200), ("1\r\n \r\n".repeat(5_000), 413)] {
        let answer = head(&app, &sent(&pieces)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
    }
    let longer = "10\r\n                \r\n".repeat(8_000);
    assert!(head(&app, &sent(&longer)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_by_get_is_for_one_client_and_other_methods_are_named() {
    let app = TestApp::start(Database::Sqlite).await;
    let client = crate::harness::http();
    for (query, expected) in [
        ("query={viewer{name}}", 200),
        ("query={viewer{name}}&variables=5", 400),
        ("query={viewer{name}}&variables=null&extensions=null", 200),
        ("query=mutation{__typename}", 405),
        ("query=subscription{jobUpdated{id}}", 400),
        ("", 400),
    ] {
        let url = format!("{}/graphql?{query}", app.url);
        let answer = client.get(url).header("accept", "application/graphql-response+json").send().await.expect("one");
        assert_eq!(answer.status().as_u16(), expected, "{query}");
        assert_eq!(answer.headers()["cache-control"], "private, no-cache", "{query}");
        let vary: Vec<_> = answer.headers().get_all("vary").iter().filter_map(|v| v.to_str().ok()).collect();
        let vary = vary.join(", ").to_lowercase();
        assert!(["accept,", "authorization", "cookie"].iter().all(|name| vary.contains(name)), "{query}: {vary}");
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
        assert_eq!(tag.is_some_and(|tag| tag.starts_with("W/\"")), expected == 200, "{query}: {tag:?}");
    }
    for method in [reqwest::Method::HEAD, reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::PATCH] {
        let answer = client.request(method.clone(), format!("{}/graphql", app.url)).send().await.expect("an answer");
        let allow = answer.headers()["allow"].to_str().expect("text").to_owned();
        assert_eq!((answer.status().as_u16(), allow.as_str()), (405, "GET, POST, OPTIONS"), "{method}");
        let text = answer.text().await.expect("a body");
        assert_eq!(text.contains("BAD_REQUEST"), method != reqwest::Method::HEAD, "{method}: {text}");
    }
    let answer = client.request(reqwest::Method::OPTIONS, format!("{}/graphql", app.url)).send().await.expect("one");
    assert_eq!(answer.headers()["allow"], "GET, POST, OPTIONS");
    let answer = client.get(format!("{}/graphql/", app.url)).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"]["code"], "NOT_FOUND");
}
