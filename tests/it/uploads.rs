//! Files by the GraphQL multipart request specification: what is right, and each mistake in a sentence of its own.

use std::time::Duration;

use prospectus::store::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{ADMIN_TOKEN, Database, TestApp};
use crate::protocol::{GRAPHQL, client, code, sent};
use crate::subscriptions::{connect, receive, subscribe};

/// A form of parts, as the GraphQL multipart request specification has them.
fn form(parts: &[(&str, &str, bool)]) -> String {
    let mut body = String::new();
    for (name, content, is_file) in parts {
        let file = if *is_file { "; filename=\"prices.csv\"" } else { "" };
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n");
    }
    body + "--b--\r\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines)] // A table.
async fn every_mistake_with_a_file_has_its_own_sentence_and_code() {
    let app = TestApp::start(Database::Sqlite).await;
    let one = r#"{"query":"mutation($f:Upload!){importPrices(input:{ticker:\"ACME\",file:$f}){job{id} userErrors{message}}}","variables":{"f":null}}"#;
    let two = r#"{"query":"mutation($f:Upload!,$g:Upload!){a:importPrices(input:{ticker:\"A\",file:$f}){job{id}} b:importPrices(input:{ticker:\"B\",file:$g}){job{id}}}","variables":{"f":null,"g":null}}"#;
    let forged = r##"{"query":"mutation($f:Upload!){importPrices(input:{ticker:\"A\",file:$f}){job{id}}}","variables":{"f":"#__graphql_file__:7"}}"##;
    let text = r#"{"query":"mutation($i:CreateIpoInput!){createIpo(input:$i){ipo{name}}}","variables":{"i":{"name":null,"exchange":"NSE"}}}"#;
    let csv = "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n";
    let place = r#"{"0":["variables.f"]}"#;
    let mut sentences = std::collections::HashSet::new();
    for (name, parts, expected) in [
        (
            "one file at two places",
            vec![
                ("operations", two, false),
                ("map", r#"{"0":["variables.f","variables.g"]}"#, false),
                ("0", csv, true),
            ],
            "UPLOAD_FILE_REUSED",
        ),
        (
            "two files",
            vec![
                ("operations", two, false),
                ("map", r#"{"0":["variables.f"],"1":["variables.g"]}"#, false),
                ("0", csv, true),
                ("1", csv, true),
            ],
            "UPLOAD_TOO_MANY_FILES",
        ),
        (
            "a file without a place",
            vec![("operations", one, false), ("map", "{}", false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
        (
            "an empty place",
            vec![("operations", one, false), ("map", r#"{"0":[]}"#, false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
        (
            "a place that isn't there",
            vec![("operations", one, false), ("map", r#"{"0":["variables.g"]}"#, false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
        (
            "a map that is no JSON",
            vec![("operations", one, false), ("map", "nonsense", false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
        (
            "a place of another type",
            vec![("operations", text, false), ("map", r#"{"0":["variables.i.name"]}"#, false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
        (
            "two operations",
            vec![("operations", one, false), ("operations", one, false), ("map", place, false), ("0", csv, true)],
            "BAD_REQUEST",
        ),
        (
            "two maps",
            vec![("operations", one, false), ("map", place, false), ("map", place, false), ("0", csv, true)],
            "BAD_REQUEST",
        ),
        ("no map", vec![("operations", one, false), ("0", csv, true)], "UPLOAD_MAP_INVALID"),
        ("no such file", vec![("operations", one, false), ("map", place, false)], "UPLOAD_FILE_MISSING"),
        ("no operations", vec![("map", place, false), ("0", csv, true)], "BAD_REQUEST"),
        ("a forged handle", vec![("operations", forged, false), ("map", "{}", false)], "UPLOAD_HANDLE_FORGED"),
        (
            "a forged handle beside a file",
            vec![("operations", forged, false), ("map", place, false), ("0", csv, true)],
            "UPLOAD_MAP_INVALID",
        ),
    ] {
        let request = client()
            .post(format!("{}/graphql", app.url))
            .bearer_auth(ADMIN_TOKEN)
            .header("content-type", "multipart/form-data; boundary=b")
            .header("accept", GRAPHQL)
            .body(form(&parts));
        let (status, _, answer) = sent(request).await;
        assert_eq!((status, code(&answer)), (400, expected), "{name}: {answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(
            message.len() > 20 && sentences.insert(message.clone()) || name.starts_with("a forged"),
            "{name}: {message}"
        );
        assert!(!message.contains("__graphql_file__"), "{name}: {message}");
    }
    // One variable may stand in two fields, and each reads the whole file.
    let twice = r#"{"query":"mutation($f:Upload!){a:previewImport(input:{ticker:\"A\",file:$f}){preview{rowCount}} b:previewImport(input:{ticker:\"B\",file:$f}){preview{rowCount}}}","variables":{"f":null}}"#;
    let request = client().post(format!("{}/graphql", app.url)).bearer_auth(ADMIN_TOKEN);
    let body = form(&[("operations", twice, false), ("map", place, false), ("0", csv, true)]);
    let (_, _, answer) = sent(request.header("content-type", "multipart/form-data; boundary=b").body(body)).await;
    let read = json!({"preview": {"rowCount": 1}});
    assert_eq!(answer["data"], json!({"a": read, "b": read}), "{answer}");
    // A form that breaks off.
    let request = client().post(format!("{}/graphql", app.url)).bearer_auth(ADMIN_TOKEN);
    let body = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\"";
    let (status, _, answer) = sent(request.header("content-type", "multipart/form-data; boundary=b").body(body)).await;
    assert_eq!((status, code(&answer)), (400, "BAD_REQUEST"), "{answer}");
    assert!(answer["errors"][0]["message"].as_str().is_some_and(|m| m.contains("breaks off")), "{answer}");
    // The same by JSON, in a variable and in the text, over HTTP and over a socket.
    let import = "mutation($f: Upload!) { importPrices(input: {ticker: \"A\", file: $f}) { job { id } } }";
    for (query, variables, expected) in [
        (import, json!({"f": "#__graphql_file__:0"}), "UPLOAD_HANDLE_FORGED"),
        (import, json!({"f": "prices.csv"}), "BAD_USER_INPUT"),
        (import, json!({"f": null}), "BAD_USER_INPUT"),
        (
            "mutation { importPrices(input: {ticker: \"A\", file: \"#__graphql_file__:0\"}) { job { id } } }",
            json!({}),
            "UPLOAD_HANDLE_FORGED",
        ),
        (
            "mutation { importPrices(input: {ticker: \"A\", file: \"prices.csv\"}) { job { id } } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        let answer = app.admin.graphql(query, variables.clone()).await;
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        let mut socket = connect(&app, json!({"token": ADMIN_TOKEN})).await;
        receive(&mut socket).await;
        subscribe(&mut socket, "1", query, variables).await;
        let message = receive(&mut socket).await.expect("a message");
        assert_eq!(message["payload"][0]["extensions"]["code"], expected, "{message}");
    }
    let right = form(&[("operations", one, false), ("map", place, false), ("0", csv, true)]);
    let request = client().post(format!("{}/graphql", app.url)).bearer_auth(ADMIN_TOKEN);
    let (_, _, answer) = sent(request.header("content-type", "multipart/form-data; boundary=b").body(right)).await;
    assert!(answer["data"]["importPrices"]["job"]["id"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_forms_and_falls_silent_keeps_out_nobody_else() {
    let app = TestApp::start(Database::Sqlite).await;
    let (_, token) = app.app.store.tokens().create("silent", Role::Operator, None).await.expect("a token");
    let address = app.url.trim_start_matches("http://");
    let begun = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n--b\r\n"
    );
    let mut silent = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(begun.as_bytes()).await.expect("sent");
        silent.push(stream);
    }
    // Time enough for each to have come as far as it may.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let sent = app.admin.import("ACME", "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n");
    let imported = tokio::time::timeout(Duration::from_secs(4), sent).await.expect("an answer while others are silent");
    assert!(imported["job"]["id"].is_string(), "{imported}");
    for mut stream in silent {
        let mut status = [0; 12];
        tokio::time::timeout(Duration::from_secs(30), stream.read_exact(&mut status))
            .await
            .expect("in time")
            .expect("it");
        assert_eq!(&status[9..], b"408");
    }
}
