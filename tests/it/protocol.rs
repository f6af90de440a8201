//! GraphQL over HTTP and over `WebSockets` to the letter: forms, statuses, close codes.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::{Database, TestApp};
use crate::subscriptions::{Socket, connect, receive, send, subscribe};

pub fn client() -> reqwest::Client {
    crate::harness::http()
}

pub const GRAPHQL: &str = "application/graphql-response+json";

/// What came: status, media type, body.
pub async fn sent(request: reqwest::RequestBuilder) -> (u16, String, Value) {
    let answer = request.send().await.expect("an answer");
    let (status, media_type) = (answer.status().as_u16(), answer.headers().get("content-type").cloned());
    let media_type = media_type.and_then(|v| v.to_str().ok().map(str::to_owned)).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
    let text = answer.text().await.unwrap_or_default();
    (status, media_type, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_errors_have_a_status_a_code_and_no_data() {
    let app = TestApp::start(Database::Sqlite).await;
    let url = format!("{}/graphql", app.url);
    let text = "query($t: String!) { symbol(ticker: $t) { name } }";
    for (body, expected) in [
        (json!({}), "BAD_REQUEST"),
        (json!({"query": ""}), "BAD_REQUEST"),
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nonsense }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "{ __typename @aa }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": text}), "BAD_USER_INPUT"),
        (json!({"query": text, "variables": {"t": 5}}), "BAD_USER_INPUT"),
        (json!({"query": "query A { __typename } query B { __typename }"}), "OPERATION_RESOLUTION_FAILED"),
        (json!({"query": "{ __typename }", "operationName": "B"}), "OPERATION_RESOLUTION_FAILED"),
        (json!({"query": "subscription { jobUpdated { id } }"}), "BAD_REQUEST"),
    ] {
        let (status, media_type, answer) = sent(client().post(&url).header("accept", GRAPHQL).json(&body)).await;
        assert_eq!((status, media_type.as_str(), code(&answer)), (400, GRAPHQL, expected), "{body}: {answer}");
        assert_eq!(answer.get("data"), None, "{answer}");
        let at = &answer["errors"][0]["locations"][0];
        assert!(at["line"].as_u64() >= Some(1) && at["column"].as_u64() >= Some(1), "{answer}");
        let (status, media_type, answer) =
            sent(client().post(&url).header("accept", "application/json").json(&body)).await;
        let older = if expected == "BAD_REQUEST" { 400 } else { 200 };
        assert_eq!((status, media_type.as_str(), code(&answer)), (older, "application/json", expected), "{body}");
    }
    // An error of a field is no request error.
    let (status, _, answer) = sent(
        client().post(&url).header("accept", GRAPHQL).json(&json!({"query": "{ viewer { name } tokens { id } }"})),
    )
    .await;
    assert_eq!((status, &answer["data"]), (200, &json!({"viewer": {"name": "anonymous"}, "tokens": null})), "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["tokens"]));
}

/// Rules are held against a document once; what its variables hold is checked each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_was_validated_before_is_answered_like_a_new_one() {
    let app = TestApp::start(Database::Sqlite).await;
    let url = format!("{}/graphql", app.url);
    let ask = async |text: &str, variables: &Value| {
        let body = json!({"query": text, "variables": variables});
        let (status, _, answer) = sent(client().post(&url).header("accept", GRAPHQL).json(&body)).await;
        (status, answer)
    };
    let any = [
        json!(null),
        json!(true),
        json!(5),
        json!(-1.5),
        json!(3e9),
        json!("NOPE"),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let of_filters = [
        json!({"nope": 1}),
        json!({"board": "MAINBOARD"}),
        json!({"board": ["NOPE"]}),
        json!({"board": [null]}),
        json!({"board": 5}),
        json!({"closeFrom": "2024-02-30"}),
        json!({"closeFrom": 20_240_230}),
        json!({"closeFrom": null, "closeTo": "2024-01-01"}),
    ];
    let of_issues = [
        json!({"exchange": "NSE"}),
        json!({"exchange": "NSE", "name": "A", "issuePrice": "ten"}),
        json!({"exchange": "NSE", "name": "A", "issuePrice": "1e999"}),
        json!({"exchange": "NSE", "name": 5}),
        json!({"exchange": "NSE", "name": "A", "issueSize": "12"}),
        json!({"exchange": "NSE", "name": "A", "issueSize": 1.5}),
        json!({"exchange": "NSE", "name": "A", "issueSize": 9_007_199_254_740_993_i64}),
    ];
    let cases: [(&str, Value, &[Value]); 7] = [
        ("query($v: Int) { ipos(first: $v) { totalCount } }", json!(1), &[]),
        ("query($v: ID!) { node(id: $v) { id } }", json!("x"), &[]),
        ("query($v: Boolean = true) { viewer { name @include(if: $v) role } }", json!(false), &[]),
        ("query($v: String) { ipos(first: 1, after: $v) { totalCount } }", json!(null), &[]),
        (
            "query($v: Date) { symbol(ticker: \"A\") { prices(first: 1, from: $v) { totalCount } } }",
            json!("2024-01-01"),
            &[],
        ),
        ("query($v: IpoFilter) { ipos(first: 1, filter: $v) { totalCount } }", json!({}), &of_filters),
        (
            "mutation($v: CreateIpoInput!) { createIpo(input: $v) { ipo { id } } }",
            json!({"exchange": "NSE", "name": "A"}),
            &of_issues,
        ),
    ];
    let mut refused = 0;
    for (text, valid, wrong) in cases {
        for _ in 0..2 {
            let (status, answer) = ask(text, &json!({"v": valid})).await;
            assert_eq!(status, 200, "{text}: {answer}");
        }
        let given = any.iter().chain(wrong).map(|value| json!({"v": value}));
        for (n, variables) in given.chain([json!({}), json!({"other": 1})]).enumerate() {
            let known = ask(text, &variables).await;
            let new = ask(&format!("{text}{}", " ".repeat(n + 1)), &variables).await;
            assert_eq!(known, new, "{text} {variables}");
            refused += usize::from(known.0 == 400);
        }
    }
    assert!(refused > 40, "{refused}");
    // Of two operations, one that is sound says nothing of the other.
    let two = "query A { viewer { name } } query B { nonsense }";
    for name in ["A", "B", "A"] {
        let body = json!({"query": two, "operationName": name});
        let (status, _, answer) = sent(client().post(&url).header("accept", GRAPHQL).json(&body)).await;
        assert_eq!((status, code(&answer)), (400, "GRAPHQL_VALIDATION_FAILED"), "{name}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_of_an_answer_is_the_one_that_is_asked_for() {
    let app = TestApp::start(Database::Sqlite).await;
    let url = format!("{}/graphql", app.url);
    let ask = |accept: &str| client().post(&url).header("accept", accept).json(&json!({"query": "{ __typename }"}));
    for (accept, status, media_type) in [
        ("application/json", 200, "application/json"),
        ("*/*", 200, "application/json"),
        (GRAPHQL, 200, GRAPHQL),
        ("application/graphql-response+json;q=0.1, application/json", 200, "application/json"),
        ("application/json;q=0.1, application/graphql-response+json;q=0.2", 200, GRAPHQL),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", 200, GRAPHQL),
        ("application/json, text/event-stream", 200, "application/json"),
        ("text/event-stream", 200, "text/event-stream"),
        ("image/png", 406, "application/json"),
    ] {
        let (got, found, body) = sent(ask(accept)).await;
        assert_eq!((got, found.as_str()), (status, media_type), "{accept}: {body}");
    }
    let body = json!({"query": "{ __typename }"}).to_string();
    for (media_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/graphql", 415),
    ] {
        let (got, _, answer) = sent(client().post(&url).header("content-type", media_type).body(body.clone())).await;
        assert_eq!(got, status, "{media_type}: {answer}");
        assert_eq!(code(&answer), if status == 415 { "BAD_REQUEST" } else { "" });
    }
    let request = client().post(&url).header("content-type", "application/json").header("content-encoding", "gzip");
    assert_eq!(sent(request.body(body.clone())).await.0, 415, "a compressed body");
    for (wrong, part) in [
        ("{", "breaks off"),
        ("{\"query\": 5}", "texts"),
        ("{\"query\": \"{a}\", \"variables\": []}", "objects"),
        ("nonsense", "JSON object"),
        ("[]", "Batches"),
        ("[{\"query\":\"{__typename}\"}]", "Batches"),
        ("[\"{__typename}\"]", "Batches"),
    ] {
        let (status, _, answer) =
            sent(client().post(&url).header("content-type", "application/json").body(wrong)).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!((status, code(&answer)), (400, "BAD_REQUEST"), "{wrong}");
        assert!(message.contains(part) && !message.contains("expected"), "{wrong}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn execution_is_as_the_specification_has_it() {
    let app = TestApp::start(Database::Sqlite).await;
    app.admin.import("ACME", "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n").await;
    for (query, variables, data) in [
        ("{ viewer @skip(if: true) { name } }", json!({}), json!({})),
        ("query($no: Boolean = false) { viewer @include(if: $no) { name } }", json!({}), json!({})),
        ("query($no: Boolean!) { viewer @include(if: $no) { name } }", json!({"no": false}), json!({})),
        ("{ viewer { name @skip(if: true) } }", json!({}), json!({"viewer": {}})),
        ("{ ... @skip(if: true) { viewer { name } } }", json!({}), json!({})),
        (
            "{ symbol(ticker: \"ACME\") { ticker prices(first: -1) { totalCount } } }",
            json!({}),
            json!({"symbol": null}),
        ),
        (
            "{ a: symbol(ticker: \"NONE\") { name } b: viewer { role } }",
            json!({}),
            json!({"a": null, "b": {"role": "ANONYMOUS"}}),
        ),
    ] {
        let answer = app.anonymous.graphql(query, variables).await;
        assert_eq!(answer["data"], data, "{query}: {answer}");
    }
    // An error within a list tells the whole way to its field.
    let answer =
        app.anonymous.graphql("{ symbols { nodes { ticker prices(first: -1) { totalCount } } } }", json!({})).await;
    assert_eq!(answer["errors"][0]["path"], json!(["symbols", "nodes", 0, "prices"]), "{answer}");
    // The order is the query's, every time.
    let query = "{ symbols { totalCount nodes { ticker } } viewer { role name } models { name } ipos { totalCount } jobs(first: 1) { totalCount } }";
    let url = format!("{}/graphql", app.url);
    for _ in 0..20 {
        let text = client()
            .post(&url)
            .json(&json!({"query": query}))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        let places: Vec<_> =
            ["\"symbols\"", "\"nodes\"", "\"viewer\"", "\"role\"", "\"name\"", "\"models\"", "\"ipos\"", "\"jobs\""]
                .iter()
                .map(|name| text.find(name).expect("there"))
                .collect();
        assert!(places.is_sorted(), "{text}");
    }
}

/// The code that the service closes a socket with, and its reason.
pub async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("in time");
        match message.expect("a close").expect("a message") {
            Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
            Message::Close(None) => panic!("a close without a code"),
            _ => {}
        }
    }
}

async fn opened(app: &TestApp, protocols: &str) -> Socket {
    let mut request =
        format!("{}/graphql", app.url.replace("http://", "ws://")).into_client_request().expect("a request");
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocols.parse().expect("a header"));
    tokio_tungstenite::connect_async(request).await.expect("a connection").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_closed_with_the_code_that_the_protocol_has() {
    let app = TestApp::start(Database::Sqlite).await;
    let long =
        format!("{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{{\"query\":\"{}\"}}}}", " ".repeat(1_200_000));
    let endless = "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"subscription{jobUpdated{id}}\"}}";
    let init = "{\"type\":\"connection_init\"}";
    for (messages, code) in [
        (vec![init, "nonsense"], 4400),
        (vec![init, "{\"type\":\"whatever\"}"], 4400),
        (vec![init, "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{__typename}\"}}"], 4400),
        (vec![init, "{\"type\":\"subscribe\",\"id\":1,\"payload\":{\"query\":\"{__typename}\"}}"], 4400),
        (vec![init, "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{}}"], 4400),
        (vec![endless], 4401),
        (vec!["{\"type\":\"connection_init\",\"payload\":{\"token\":\"wrong\"}}"], 4403),
        (vec!["{\"type\":\"connection_init\",\"payload\":{\"Authorization\":\"Basic eDp5\"}}"], 4403),
        (vec!["{\"type\":\"connection_init\",\"payload\":{\"headers\":{\"Authorization\":\"wrong\"}}}"], 4403),
        (vec![init, endless, endless], 4409),
        (vec![init, init], 4429),
        (vec![init, &long], 1009),
    ] {
        let mut socket = opened(&app, "graphql-transport-ws").await;
        for message in &messages {
            let _ = socket.send(Message::text(*message)).await;
        }
        let (got, reason) = closed(&mut socket).await;
        assert_eq!(got, code, "{messages:.200?}: {reason}");
        assert!(!reason.is_empty() && reason.len() <= 123, "{reason}");
    }
    let mut silent = opened(&app, "graphql-transport-ws").await;
    assert_eq!(closed(&mut silent).await.0, 4408, "nothing said");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_speaks_one_protocol_and_answers_request_errors_as_errors() {
    let app = TestApp::start(Database::Sqlite).await;
    let mut both = opened(&app, "graphql-ws, graphql-transport-ws").await;
    send(&mut both, json!({"type": "connection_init"})).await;
    assert_eq!(receive(&mut both).await.expect("an answer")["type"], "connection_ack");
    subscribe(&mut both, "1", "{ __typename }", json!({})).await;
    assert_eq!(receive(&mut both).await.expect("an answer")["type"], "next", "the newer one is spoken");
    assert_eq!(receive(&mut both).await.expect("an end")["type"], "complete");

    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { jobUpdated { nonsense } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { jobUpdated { id } ipoChanged { change } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($id: ID!) { jobUpdated(id: $id) { id } }", "BAD_USER_INPUT"),
        ("subscription { jobUpdated(id: \"Sm9iOjk5\") { id } }", "BAD_USER_INPUT"),
    ] {
        subscribe(&mut socket, "1", query, json!({})).await;
        let message = receive(&mut socket).await.expect("a message");
        assert_eq!(
            (&message["type"], &message["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!(code)),
            "{query}"
        );
    }
    // The id is free again after each error, and no `complete` follows one.
    subscribe(&mut socket, "1", "{ viewer { role } }", json!({})).await;
    assert_eq!(receive(&mut socket).await.expect("a message")["type"], "next");
    assert_eq!(receive(&mut socket).await.expect("a message")["type"], "complete");
    send(&mut socket, json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(receive(&mut socket).await.expect("a message"), json!({"type": "pong", "payload": {"a": 1}}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_may_stand_in_a_fragment() {
    let app = TestApp::start(Database::Sqlite).await;
    let mut socket = connect(&app, json!({})).await;
    receive(&mut socket).await;
    let query = "subscription { ...Followed } fragment Followed on Subscription { ipoChanged { change ipo { name } } }";
    subscribe(&mut socket, "1", query, json!({})).await;
    subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
    receive(&mut socket).await;
    receive(&mut socket).await;
    let create = "mutation { createIpo(input: { name: \"Acme\", exchange: NSE }) { ipo { id } } }";
    app.admin.data(create, json!({})).await;
    let told = receive(&mut socket).await.expect("news");
    assert_eq!(told["payload"]["data"]["ipoChanged"], json!({"change": "CREATED", "ipo": {"name": "Acme"}}), "{told}");
}
