//! Sessions of the console: what they end with.

use prospectus::store::Role;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::{ADMIN_TOKEN, TestApp, http};
use crate::on_each_database;
use crate::protocol::closed;
use crate::subscriptions::{receive, send};

const HEADER: &str = "x-prospectus-console";

/// The answer to a sign-in.
async fn sign_in(url: &str, token: &str) -> reqwest::Response {
    let body = json!({"token": token}).to_string();
    http().post(format!("{url}/session")).header(HEADER, "1").body(body).send().await.expect("an answer")
}

/// The cookie of a new session.
async fn cookie(url: &str, token: &str) -> String {
    let answer = sign_in(url, token).await;
    assert_eq!(answer.status(), 200);
    let cookie = answer.headers()["set-cookie"].to_str().expect("text");
    cookie.split(';').next().expect("a cookie").to_owned()
}

/// Who a cookie belongs to.
async fn role(url: &str, cookie: &str) -> Value {
    let body = json!({"query": "{ viewer { role } }"});
    let request = http().post(format!("{url}/graphql")).header("cookie", cookie).header(HEADER, "1").json(&body);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["data"]["viewer"]["role"].clone()
}

on_each_database! {
    async fn a_session_of_the_settings_token_ends_where_that_is_another(app: TestApp) {
        const NEW: &str = "another-admin-token-for-tests";
        let old = cookie(&app.url, ADMIN_TOKEN).await;
        let same = app.replica().await;
        let changed = app.replica_with(|settings| settings.admin_token = Some(NEW.to_owned().into())).await;
        let gone = app.replica_with(|settings| settings.admin_token = None).await;
        for (url, expected) in
            [(&app.url, "ADMIN"), (&same.url, "ADMIN"), (&changed.url, "ANONYMOUS"), (&gone.url, "ANONYMOUS")]
        {
            assert_eq!(role(url, &old).await, expected, "{url}");
        }
        let new = cookie(&changed.url, NEW).await;
        assert_eq!((role(&changed.url, &new).await, role(&app.url, &new).await), (json!("ADMIN"), json!("ANONYMOUS")));

        let mut request = format!("{}/graphql", app.url.replace("http://", "ws://")).into_client_request().expect("a request");
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().expect("a header"));
        request.headers_mut().insert("cookie", old.parse().expect("a header"));
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a connection");
        send(&mut socket, json!({"type": "connection_init"})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
        // As a session is that was opened before it was noted by which token.
        let transaction = app.app.store.begin().await.expect("a transaction");
        transaction.execute_unprepared("UPDATE sessions SET settings_hash = NULL").await.expect("a change");
        transaction.commit().await.expect("an end");
        assert_eq!(closed(&mut socket).await.0, 4403);
        assert_eq!(role(&app.url, &old).await, "ANONYMOUS");
    }

    async fn a_token_has_so_many_sessions_and_a_new_one_ends_its_oldest(app: TestApp) {
        let (_, reader) = app.app.store.tokens().create("a person", Role::Reader, None).await.expect("a token");
        let (of_reader, of_settings) = (cookie(&app.url, &reader).await, cookie(&app.url, ADMIN_TOKEN).await);
        for (token, of_other, name, other) in
            [(ADMIN_TOKEN, &of_reader, "ADMIN", "READER"), (reader.as_str(), &of_settings, "READER", "ANONYMOUS")]
        {
            let mut cookies = Vec::new();
            for _ in 0..21 {
                cookies.push(cookie(&app.url, token).await);
            }
            assert_eq!(role(&app.url, &cookies[0]).await, "ANONYMOUS");
            for good in [&cookies[1], &cookies[20]] {
                assert_eq!(role(&app.url, good).await, name);
            }
            assert_eq!(role(&app.url, of_other).await, other);
        }
    }

    async fn a_session_spends_what_its_token_has(app: TestApp, "RATE_LIMIT" = "20") {
        let tokens = app.app.store.tokens();
        let (_, secret) = tokens.create("a person", Role::Reader, None).await.expect("a token");
        let (_, other) = tokens.create("another", Role::Reader, None).await.expect("a token");
        // It takes all that can be saved up in ten seconds.
        let session = cookie(&app.url, &secret).await;
        let query = json!({"query": "{ ipos(first: 100) { nodes { name ticker } } }"});
        let ask = || http().post(format!("{}/graphql", app.url)).json(&query);
        let by_cookie = ask().header("cookie", &session).send().await.expect("an answer");
        let by_header = ask().bearer_auth(&secret).send().await.expect("an answer");
        assert_eq!((by_cookie.status().as_u16(), by_header.status().as_u16()), (429, 429));
        let again = sign_in(&app.url, &secret).await;
        assert!(again.status() == 429 && again.headers().contains_key("retry-after"), "{again:?}");
        assert_eq!(again.json::<Value>().await.expect("JSON")["error"]["code"], "RATE_LIMITED");
        assert_eq!(ask().bearer_auth(&other).send().await.expect("an answer").status(), 200);
    }

    async fn only_the_console_ends_a_session(app: TestApp) {
        let session = cookie(&app.url, ADMIN_TOKEN).await;
        let end = || http().delete(format!("{}/session", app.url)).header("cookie", &session);
        let refused = end().send().await.expect("an answer");
        assert_eq!(refused.status(), 403);
        assert_eq!(refused.json::<Value>().await.expect("JSON")["error"]["code"], "FORBIDDEN");
        assert_eq!(role(&app.url, &session).await, "ADMIN");
        assert_eq!(end().header(HEADER, "1").send().await.expect("an answer").status(), 204);
        assert_eq!(role(&app.url, &session).await, "ANONYMOUS");
    }
}
