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

    async fn mistakes_name_the_parameter_as_it_was_sent(app: TestApp) {
        let of = |answer: &(u16, Value)| {
            assert_eq!(error(answer), (400, "INVALID"), "{answer:?}");
            let part = |name: &str| answer.1["error"][name].as_str().unwrap_or_default().to_owned();
            (part("field"), part("message"))
        };
        for (query, field, words) in [
            ("status=bad", "status", "BAD"),
            ("exchange=NSE,LSE", "exchange", "LSE"),
            ("board=x", "board", "X"),
            ("order=zzz", "order", "ZZZ"),
            ("issue_price_min=abc", "issue_price_min", "\"abc\" is not a decimal"),
            ("issue_price_max=1.0000001", "issue_price_max", "issue_price_max is 1.0000001"),
            ("page_size=501", "page_size", "page_size is 501; it takes 0 to 500"),
            ("page_size=x", "page_size", "\"page_size\" must be"),
            ("first=501", "first", "first is 501; it takes 0 to 500"),
            ("first=x", "first", "\"first\" must be"),
            ("after=x", "after", "not a cursor"),
            ("open_from=soon", "open_from", "soon"),
        ] {
            let (found, message) = of(&app.anonymous.get(&format!("/ipo/companies/?{query}")).await);
            assert_eq!(found, field, "{query}: {message}");
            assert!(message.contains(words) && !message.contains('$'), "{query}: {message}");
        }
        assert_eq!(of(&app.anonymous.get("/financial_data/data?first=501").await).0, "first");
        for (field, value) in [
            ("exchange", json!("LSE")), ("lot_size", json!(1.5)), ("symbol", json!(5)), ("board", json!("none")),
            ("issue_price", json!("abc")),
        ] {
            let mut body = json!({"name": "Acme Limited"});
            body[field] = value;
            let (found, message) = of(&app.admin.post("/ipo/companies/", body).await);
            assert_eq!(found, field, "{message}");
        }
    }

    async fn what_cant_be_set_is_refused(app: TestApp) {
        let refused = |answer: &(u16, Value), field: &str| {
            assert_eq!(error(answer), (400, "INVALID"), "{answer:?}");
            assert_eq!(answer.1["error"]["field"], field, "{answer:?}");
        };
        let companies = "/ipo/companies/";
        for (field, value) in [("withdrawn", json!(true)), ("status", json!("LISTED")), ("id", json!("x")), ("created_at", json!("x"))] {
            let mut body = json!({"name": "Wd Limited"});
            body[field] = value;
            refused(&app.admin.post(companies, body).await, field);
        }
        let (status, made) = app.admin.post(companies, json!({"name": "Wd Limited", "withdrawn": false, "status": null})).await;
        assert_eq!((status, &made["exchange"], &made["status"]), (201, &json!("NSE"), &json!("UPCOMING")), "{made}");
        let path = format!("{companies}{}/", made["id"].as_str().expect("an id"));
        for (field, value) in [
            ("exchange", json!("BSE")), ("currency", json!("USD")), ("status", json!("WITHDRAWN")), ("id", json!("x")),
            ("created_at", json!("2001-01-01T00:00:00Z")), ("exchange", Value::Null),
        ] {
            refused(&app.admin.put(&path, json!({field: value})).await, field);
        }
        // As it was read, twice, though the first has made `updated_at` another.
        let mut whole = made.clone();
        whole["lot_size"] = json!(100);
        whole["exchange"] = json!("nse");
        whole["currency"] = json!("INR");
        for _ in 0..2 {
            let (status, put) = app.admin.put(&path, whole.clone()).await;
            assert_eq!((status, &put["lot_size"]), (200, &json!(100)), "{put}");
        }
        let (status, put) = app.admin.put(&path, json!({"withdrawn": true})).await;
        assert_eq!((status, &put["status"]), (200, &json!("WITHDRAWN")), "{put}");
        refused(&app.admin.put(&path, json!({"withdrawn": "yes"})).await, "withdrawn");
        assert_eq!(error(&app.anonymous.put(&path, json!({"exchange": "NSE"})).await), (401, "UNAUTHENTICATED"));
        assert_eq!(error(&app.admin.put("/ipo/companies/x/", json!({"exchange": "NSE"})).await), (404, "NOT_FOUND"));
    }
}
