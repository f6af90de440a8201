//! REST routes, each a stored GraphQL operation.

use serde_json::{Value, json};

use crate::harness::day;
use crate::on_each_database;

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

on_each_database! {
    async fn a_symbol_is_added_refreshed_and_read(app: TestApp) {
        app.provider.daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.25"], "7")]);
        let (status, added) = app.operator.post("/financial_data/add", json!({"symbol": "acme"})).await;
        assert_eq!((status, &added["symbol"]["symbol"]), (202, &json!("ACME")), "{added}");
        app.settled(added["job"]["id"].as_str().expect("a job")).await;
        let (status, refreshed) = app.operator.post("/financial_data/refresh", json!({})).await;
        assert_eq!((status, &refreshed["jobs"][0]["symbol"]["symbol"]), (202, &json!("ACME")));
        app.settled(refreshed["jobs"][0]["id"].as_str().expect("a job")).await;
        let (_, refreshed) = app.operator.post("/financial_data/refresh", json!({"symbols": []})).await;
        assert_eq!(refreshed["jobs"][0]["symbol"]["symbol"], "ACME", "a list that names none means all");
        app.settled(refreshed["jobs"][0]["id"].as_str().expect("a job")).await;
        let (status, symbol) = app.anonymous.get("/financial_data/data?symbol=acme").await;
        assert_eq!((status, &symbol["bar_count"], &symbol["data"]["close"]), (200, &json!(1), &json!([1.25])));
        let (status, all) = app.anonymous.get("/financial_data/data").await;
        assert_eq!((status, &all["symbols"][0]["latest"]["close"]), (200, &json!(1.25)));
    }

    async fn errors_have_their_statuses(app: TestApp) {
        app.provider.daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.25"], "7")]);
        app.add_symbol("ACME").await;
        let add = "/financial_data/add";
        assert_eq!(error(&app.anonymous.post(add, json!({"symbol": "X"})).await), (401, "UNAUTHENTICATED"));
        let refused = crate::harness::http().post(format!("{}{add}", app.url)).json(&json!({"symbol": "X"})).send().await;
        assert_eq!(refused.expect("an answer").headers()["www-authenticate"], "Bearer");
        assert_eq!(error(&app.reader.post(add, json!({"symbol": "X"})).await), (403, "FORBIDDEN"));
        assert_eq!(error(&app.operator.post(add, json!({"symbol": "ACME"})).await), (409, "ALREADY_EXISTS"));
        assert_eq!(error(&app.operator.post(add, json!({"symbol": "a b"})).await), (400, "INVALID"));
        assert_eq!(error(&app.operator.post(add, json!({"ticker": "A"})).await), (400, "INVALID"));
        assert_eq!(error(&app.operator.post(add, json!([1])).await), (400, "BAD_REQUEST"));
        assert_eq!(error(&app.anonymous.get("/financial_data/data?symbol=NONE").await), (404, "NOT_FOUND"));
        assert_eq!(error(&app.anonymous.get("/financial_data/data?symbol=ACME&from=soon").await), (400, "INVALID"));
        let unknown = app.operator.post("/financial_data/refresh", json!({"symbols": ["NONE"]})).await;
        assert_eq!(error(&unknown), (404, "NOT_FOUND"));
        assert_eq!(unknown.1["error"]["field"], "symbols");
        for path in [
            "/ipo/companies/%ff/", "/ipo/companies/%ff", "/reports/backtests/%ff.pdf", "/reports/predictions/%ff.json",
            "/charts/backtests/%ff/equity.svg", "/charts/predictions/%ff/fan.svg", "/charts/sweeps/%ff.svg",
            "/charts/symbols/%ff.svg", "/export/%ff.csv", "/export/sweeps/%ff.csv", "/export/backtests/%ff/trades.csv",
            "/reporting/%ff",
        ] {
            assert_eq!(error(&app.admin.get(path).await), (400, "BAD_REQUEST"), "{path}");
        }
        for (method, path) in [
            ("DELETE", "/"), ("DELETE", "/healthz"), ("POST", "/readyz"), ("PUT", "/session"), ("POST", "/schema.graphql"),
            ("POST", "/metrics"), ("PATCH", add), ("POST", "/financial_data/data"), ("DELETE", "/ipo/companies/"),
            ("POST", "/ipo/companies/x/"), ("POST", "/export/prices.csv"), ("POST", "/charts/symbols/A.svg"),
            ("DELETE", "/reports/backtests/x.pdf"), ("POST", "/back_test"), ("POST", "/reporting/"),
        ] {
            let request = crate::harness::http().request(method.parse().expect("a method"), format!("{}{path}", app.url));
            let answer = request.send().await.expect("an answer");
            assert!(answer.headers().get("allow").is_some_and(|allow| !allow.is_empty()), "{method} {path}: {answer:?}");
            let status = answer.status().as_u16();
            let body = answer.json::<Value>().await.expect("JSON");
            assert_eq!(error(&(status, body)), (405, "BAD_REQUEST"), "{method} {path}");
        }
        let (_, malformed) = app.operator.post(add, json!({"symbol": "a b", "exchange": "other"})).await;
        assert_eq!((&malformed["error"]["code"], &malformed["error"]["field"]), (&json!("INVALID"), &json!("symbol")));
    }
}
