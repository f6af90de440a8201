//! Who may do what.

use serde_json::json;

use crate::harness::{Client, Database, TestApp};
use crate::on_each_database;

const WRITES: [&str; 6] = [
    "mutation { addSymbol(input: { ticker: \"A\", refresh: false }) { symbol { id } } }",
    "mutation { removeSymbol(input: { ticker: \"A\" }) { removedId } }",
    "mutation { refreshSymbols(input: {}) { jobs { id } } }",
    "mutation { cancelJob(input: { id: \"x\" }) { job { id } } }",
    "mutation { retryJob(input: { id: \"x\" }) { job { id } } }",
    "mutation { resolveDataIssue(input: { id: \"x\" }) { dataIssue { id } } }",
];

async fn code(client: &Client, query: &str) -> String {
    let answer = client.graphql(query, json!({})).await;
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
}

on_each_database! {
    async fn writing_needs_a_role(app: TestApp) {
        for write in WRITES {
            assert_eq!(code(&app.anonymous, write).await, "UNAUTHENTICATED", "{write}");
            assert_eq!(code(&app.reader, write).await, "FORBIDDEN", "{write}");
            let admin_only = write.contains("resolveDataIssue");
            assert_eq!(code(&app.operator, write).await, if admin_only { "FORBIDDEN" } else { "none" }, "{write}");
            assert_eq!(code(&app.admin, write).await, "none", "{write}");
        }
    }

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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_can_need_a_token_too() {
    let app = TestApp::start_with(Database::Sqlite, &[("REQUIRE_TOKEN_TO_READ", "true")]).await;
    assert_eq!(code(&app.anonymous, "{ symbols { totalCount } }").await, "UNAUTHENTICATED");
    assert_eq!(app.anonymous.get("/financial_data/data").await.0, 401);
    assert_eq!(app.anonymous.get("/healthz").await.0, 200);
    assert_eq!(code(&app.reader, "{ symbols { totalCount } }").await, "none");
}
