//! Who may do what.

use serde_json::json;

use crate::harness::{Client, Database, TestApp};
use crate::on_each_database;
use crate::protocol::closed;
use crate::subscriptions::{connect, receive, subscribe};

async fn code(client: &Client, query: &str) -> String {
    let answer = client.graphql(query, json!({})).await;
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
}

on_each_database! {
    async fn a_revoked_or_unknown_token_is_refused(app: TestApp) {
        let tokens = app.app.store.tokens();
        let (token, secret) = tokens.create("gone", prospectus::store::Role::Admin, None).await.expect("a token");
        let past = prospectus::store::now() - 1;
        let (_, expired) = tokens.create("old", prospectus::store::Role::Admin, Some(past)).await.expect("a token");
        let viewer = "{ viewer { name role } }";
        let holder = Client::new(&app.url, Some(&secret));
        let seen = holder.data(viewer, json!({})).await;
        assert_eq!(seen["viewer"], json!({"name": "gone", "role": "ADMIN"}));
        assert!(tokens.revoke(token.id).await.expect("a store"));
        for client in [holder, Client::new(&app.url, Some(&expired)), Client::new(&app.url, Some("prs_nonsense"))] {
            assert_eq!(code(&client, viewer).await, "UNAUTHENTICATED");
        }
    }

    async fn a_token_that_is_revoked_closes_its_open_sockets(app: TestApp) {
        let tokens = app.app.store.tokens();
        let (token, secret) = tokens.create("gone soon", prospectus::store::Role::Operator, None).await.expect("a token");
        let mut socket = connect(&app, json!({"token": secret})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
        subscribe(&mut socket, "1", "subscription { jobUpdated { id } }", json!({})).await;
        assert!(tokens.revoke(token.id).await.expect("a store"));
        assert_eq!(closed(&mut socket).await.0, 4403);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_can_need_a_token_too() {
    let app = TestApp::start_with(Database::Sqlite, &[("REQUIRE_TOKEN_TO_READ", "true")]).await;
    assert_eq!(code(&app.anonymous, "{ symbols { totalCount } }").await, "UNAUTHENTICATED");
    assert_eq!(app.anonymous.get("/financial_data/data").await.0, 401);
    assert_eq!(app.anonymous.get("/healthz").await.0, 200);
    // Pages and their scripts are no secret; what they ask for is.
    for (path, status) in
        [("/reporting/", 200), ("/graphql", 200), ("/charts/symbols/A.svg", 401), ("/graphql?query={__typename}", 401)]
    {
        let client = crate::harness::http();
        let got =
            client.get(format!("{}{path}", app.url)).header("accept", "text/html").send().await.expect("an answer");
        assert_eq!(got.status(), status, "{path}");
    }
    assert_eq!(code(&app.reader, "{ symbols { totalCount } }").await, "none");
    // A browser can't set a socket's headers: its token comes with the first message.
    assert_eq!(closed(&mut connect(&app, json!({})).await).await.0, 4403);
    let tokens = app.app.store.tokens();
    let (_, secret) = tokens.create("a browser", prospectus::store::Role::Reader, None).await.expect("a token");
    let mut socket = connect(&app, json!({"token": secret})).await;
    assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
    subscribe(&mut socket, "1", "{ symbols { totalCount } }", json!({})).await;
    assert_eq!(receive(&mut socket).await.expect("an answer")["payload"]["data"]["symbols"]["totalCount"], 0);
}

#[tokio::test]
async fn the_console_s_cookie_writes_only_for_the_console() {
    let app = TestApp::start(Database::Sqlite).await;
    let client = crate::harness::http();
    let session = format!("{}/session", app.url);
    let body = json!({"token": crate::harness::ADMIN_TOKEN}).to_string();
    let without = client.post(&session).body(body.clone()).send().await.expect("an answer");
    assert_eq!(without.status(), 403, "another site's form can't sign anybody in");
    let wrong = client.post(&session).header("x-prospectus-console", "1").body("{\"token\":\"no\"}").send().await;
    assert_eq!(wrong.expect("an answer").status(), 401);
    let signed_in =
        client.post(&session).header("x-prospectus-console", "1").body(body).send().await.expect("an answer");
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();

    let write = json!({"query": "mutation { createToken(input: { name: \"x\", role: READER }) { secret userErrors { message } } }"});
    let ask = |headed: bool, body: &serde_json::Value| {
        let mut request = client.post(format!("{}/graphql", app.url)).header("cookie", &cookie).json(body);
        if headed {
            request = request.header("x-prospectus-console", "1");
        }
        async { request.send().await.expect("an answer").json::<serde_json::Value>().await.expect("JSON") }
    };
    assert_eq!(ask(false, &write).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    // Nor is an answer known to the one that was made for the other.
    let viewer = json!({"query": "{ viewer { role } }"});
    for _ in 0..4 {
        assert_eq!(ask(true, &viewer).await["data"]["viewer"]["role"], "ADMIN");
        assert_eq!(ask(false, &viewer).await["data"]["viewer"]["role"], "READER");
    }
    let made = ask(true, &write).await;
    let secret = made["data"]["createToken"]["secret"].as_str().expect("a secret");
    assert_eq!(app.anonymous.data("{ viewer { role } }", json!({})).await["viewer"]["role"], "ANONYMOUS");

    let reader = crate::harness::Client::new(&app.url, Some(secret));
    assert_eq!(
        reader.data("{ viewer { name role } }", json!({})).await["viewer"],
        json!({"name": "x", "role": "READER"})
    );
    let tokens = app.admin.data("{ tokens { id name } }", json!({})).await;
    let id = tokens["tokens"].as_array().expect("tokens").iter().find(|t| t["name"] == "x").expect("it")["id"].clone();
    let paged = app.admin.data("{ apiTokens(first: 1) { totalCount nodes { id name } } }", json!({})).await;
    assert_eq!(paged["apiTokens"]["nodes"], json!([{"id": id, "name": "x"}]), "the newest first");
    let one = app.admin.data("query($id: ID!) { token(id: $id) { name role } }", json!({"id": id})).await;
    assert_eq!(one["token"], json!({"name": "x", "role": "READER"}));
    let refused = app
        .reader
        .graphql(
            "{ viewer { role } apiTokens { totalCount } auditEvents { totalCount } deletedIpos { id } }",
            json!({}),
        )
        .await;
    assert_eq!(
        refused["data"],
        json!({"viewer": {"role": "READER"}, "apiTokens": null, "auditEvents": null, "deletedIpos": null})
    );
    let revoke = "mutation($id: ID!) { revokeToken(input: { id: $id }) { revokedId userErrors { code } } }";
    assert_eq!(app.admin.data(revoke, json!({"id": id})).await["revokeToken"]["revokedId"], id);
    assert_eq!(reader.get("/financial_data/data").await.0, 401);
    assert_eq!(app.admin.data(revoke, json!({"id": id})).await["revokeToken"]["userErrors"][0]["code"], "NOT_FOUND");
    assert_eq!(
        app.operator.graphql("{ tokens { id } }", json!({})).await["errors"][0]["extensions"]["code"],
        "FORBIDDEN"
    );
}
