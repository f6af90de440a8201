//! Lists of IPOs: filtered, ordered, read by the columns that are asked for, followed, and by REST.

use serde_json::{Value, json};

use crate::harness::state;
use crate::ipos::{ipo, refresh, serve};
use crate::on_each_database;

on_each_database! {
    async fn lists_filter_order_and_page(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        let query = "query($f: IpoFilter, $o: [IpoOrder!]) { ipos(filter: $f, orderBy: $o) { nodes { ticker } totalCount } }";
        let list = async |filter: Value, order: Value| {
            let page = app.anonymous.data(query, json!({"f": filter, "o": order})).await["ipos"].clone();
            let nodes = page["nodes"].as_array().expect("nodes");
            assert_eq!(page["totalCount"], nodes.len());
            nodes.iter().filter_map(|n| n["ticker"].as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(list(json!({}), json!([{"field": "NAME"}])).await, "ACMEFOODS BETA ZETA");
        assert_eq!(list(json!({}), json!([{"field": "OPEN_DATE", "direction": "DESC"}])).await, "ZETA BETA ACMEFOODS");
        assert_eq!(list(json!({}), json!([{"field": "ISSUE_PRICE"}])).await, "ACMEFOODS ZETA BETA");
        assert_eq!(list(json!({"status": ["WITHDRAWN", "UPCOMING"]}), json!([{"field": "NAME"}])).await, "BETA ZETA");
        assert_eq!(list(json!({"status": ["LISTED"]}), json!([])).await, "ACMEFOODS");
        assert_eq!(list(json!({"status": ["OPEN", "CLOSED", "POSTPONED"]}), json!([])).await, "");
        assert_eq!(list(json!({"search": "FOODS lim"}), json!([])).await, "ACMEFOODS");
        assert_eq!(list(json!({"board": ["SME"]}), json!([])).await, "BETA");
        assert_eq!(list(json!({"openTo": "2024-03-04"}), json!([])).await, "ACMEFOODS");
        assert_eq!(list(json!({"issuePriceMin": "99.99", "issuePriceMax": "100"}), json!([])).await, "ACMEFOODS");
        assert_eq!(list(json!({"exchange": ["NASDAQ"]}), json!([])).await, "");
    }

    async fn a_name_is_found_by_its_own_text_and_a_bound_may_be_below_zero(app: TestApp) {
        let create = "mutation($n: String!) { createIpo(input: { name: $n, exchange: NSE, issuePrice: \"71.50\" }) { userErrors { message } } }";
        for name in ["İstanbul 1", "STRAẞE_%", "ΟΔΟΣ"] {
            assert_eq!(app.admin.data(create, json!({"n": name})).await["createIpo"]["userErrors"], json!([]));
        }
        let query = "query($f: IpoFilter) { ipos(filter: $f) { nodes { name } totalCount } }";
        for (search, found) in [
            ("İstanbul", "İstanbul 1"), ("İSTANBUL 1", "İstanbul 1"), ("İ", "İstanbul 1"), ("STRAẞE", "STRAẞE_%"),
            ("ẞE_%", "STRAẞE_%"), ("ΟΔΟΣ", "ΟΔΟΣ"),
        ] {
            let page = app.anonymous.data(query, json!({"f": {"search": search}})).await["ipos"].clone();
            assert_eq!((&page["nodes"], &page["totalCount"]), (&json!([{"name": found}]), &json!(1)), "{search}");
        }
        for (bounds, count) in [
            (json!({"issuePriceMin": "-1"}), 3), (json!({"issuePriceMax": "-0.5"}), 0),
            (json!({"issuePriceMin": "-1", "issuePriceMax": "71.5"}), 3),
        ] {
            assert_eq!(app.anonymous.data(query, json!({"f": bounds})).await["ipos"]["totalCount"], count, "{bounds}");
        }
    }

    async fn a_list_reads_what_each_field_of_an_issue_is_made_of(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        let csv = "date,open,high,low,close,volume\n2024-03-12,120,125,105,110,100\n2024-03-13,112,160,112,150,100\n";
        let job = app.operator.import("ACMEFOODS.BSE", csv).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let edit = "mutation($id: ID!) { updateIpo(input: { id: $id, issueSize: 1000000 }) { userErrors { message } } }";
        let id = ipo(&app, "ACMEFOODS", "id").await["id"].clone();
        assert_eq!(app.admin.data(edit, json!({"id": id})).await["updateIpo"]["userErrors"], json!([]));
        let kind = "{ __type(name: \"Ipo\") { fields { name type { name kind ofType { name kind } } } } }";
        let kind = app.anonymous.data(kind, json!({})).await;
        // One issue is read whole, a list by the columns of its fields: each field is asked for alone, under each order.
        let orders = ["NAME", "OPEN_DATE", "CLOSE_DATE", "LISTING_DATE", "ISSUE_PRICE", "CREATED_AT", "UPDATED_AT",
                      "LISTING_GAIN", "RETURN_SINCE_ISSUE", "SUBSCRIPTION", "ISSUE_SIZE"];
        for (i, field) in kind["__type"]["fields"].as_array().expect("fields").iter().enumerate() {
            let name = field["name"].as_str().expect("a name");
            let named = if field["type"]["name"].is_null() { &field["type"]["ofType"] } else { &field["type"] };
            let inner = match named["name"].as_str().expect("a type") {
                "IpoSubscription" => "{ scope total retail asOf }",
                "IpoPerformance" => "{ listingOpen listingGain firstDayReturn returnSinceIssue maxDrawdownSinceListing asOf }",
                "Symbol" => "{ ticker }",
                "IpoRevisionConnection" => "(first: 5) { totalCount nodes { source author changes { field before after } } }",
                other => { assert_ne!(named["kind"], "OBJECT", "{other} needs a selection here"); "" }
            };
            let order = orders[i % orders.len()];
            let list = format!("query($o: IpoOrderField!) {{ ipos(first: 5, orderBy: [{{ field: $o }}]) {{ edges {{ cursor }} nodes {{ id {name} {inner} }} }} }}");
            let list = app.anonymous.data(&list, json!({"o": order})).await["ipos"].clone();
            assert_eq!(list["nodes"].as_array().expect("nodes").len(), 3);
            for node in list["nodes"].as_array().expect("nodes") {
                let one = format!("query($id: ID!) {{ ipo(by: {{ id: $id }}) {{ id {name} {inner} }} }}");
                assert_eq!(app.anonymous.data(&one, json!({"id": node["id"]})).await["ipo"], *node, "{name}");
            }
            // Its cursors are those of a page that is read whole.
            let rest = "query($o: IpoOrderField!, $c: String) { ipos(orderBy: [{ field: $o }], after: $c) { totalCount edges { cursor node { id } } } }";
            let rest = app.anonymous.data(rest, json!({"o": order, "c": list["edges"][0]["cursor"]})).await["ipos"].clone();
            assert_eq!(rest["edges"].as_array().expect("edges").len(), 2, "{order}");
            assert_eq!(rest["edges"][0]["cursor"], list["edges"][1]["cursor"], "{order}");
        }
    }

    async fn a_fetch_is_followed_issue_by_issue(app: TestApp) {
        serve(&app);
        let url = format!("{}/graphql", app.url);
        let query = "subscription { ipoChanged(exchange: NSE) { change ipo { ticker } } }";
        let mut stream = crate::harness::http().post(url)
            .header("accept", "text/event-stream").json(&json!({"query": query})).send().await.expect("a stream");
        let mut heard = String::new();
        let listening = async {
            while heard.matches("CREATED").count() < 3 {
                let chunk = stream.chunk().await.expect("news").expect("more");
                heard.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        let (job, ()) = tokio::join!(refresh(&app), async {
            tokio::time::timeout(std::time::Duration::from_secs(30), listening).await.expect("in time");
        });
        assert_eq!(state(&job), "SUCCEEDED");
        for ticker in ["ACMEFOODS", "BETA", "ZETA"] {
            assert!(heard.contains(ticker), "{heard}");
        }
    }

    async fn companies_by_rest(app: TestApp) {
        let body = json!({"name": "Rest Limited", "symbol": "REST", "issue_price": "71.50", "lot_size": 200,
                          "open_date": "2099-02-02", "close_date": "2099-02-04"});
        let code = |answer: &(u16, Value)| (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default().to_owned());
        assert_eq!(code(&app.anonymous.post("/ipo/companies/", body.clone()).await), (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(code(&app.operator.post("/ipo/companies/", body.clone()).await), (403, "FORBIDDEN".to_owned()));
        let (status, made) = app.admin.post("/ipo/companies/", body.clone()).await;
        assert_eq!((status, &made["issue_price"], &made["symbol"]), (201, &json!("71.50"), &json!("REST")), "{made}");
        assert_eq!(made, app.anonymous.get(&format!("/ipo/companies/{}/", made["id"].as_str().expect("an id"))).await.1, "as GET has it");
        assert_eq!(code(&app.admin.post("/ipo/companies/", body).await), (409, "ALREADY_EXISTS".to_owned()));
        assert_eq!(code(&app.admin.post("/ipo/companies/", json!({"colour": 1, "name": "x"})).await), (400, "INVALID".to_owned()));
        let path = format!("/ipo/companies/{}/", made["id"].as_str().expect("an id"));
        let (status, read) = app.anonymous.get(&path).await;
        assert_eq!((status, &read["name"], &read["lot_size"], &read["close_date"]), (200, &json!("Rest Limited"), &json!(200), &json!("2099-02-04")));
        let (status, list) = app.anonymous.get("/ipo/companies/?search=rest&page_size=10&order=-open_date&status=upcoming").await;
        assert_eq!((status, &list["total"], &list["companies"][0]["symbol"]), (200, &json!(1), &json!("REST")), "{list}");
        let (status, put) = app.admin.put(&path, json!({"lot_size": 100, "close_date": null})).await;
        assert_eq!((status, &put["lot_size"], &put["close_date"]), (200, &json!(100), &Value::Null));
        let early = app.admin.put(&path, json!({"close_date": "2099-01-01"})).await;
        assert_eq!((code(&early), &early.1["error"]["field"]), ((400, "INVALID".to_owned()), &json!("close_date")));
        let (status, lower) = app.admin.post("/ipo/companies/", json!({"name": "Lower Limited", "exchange": "bse", "board": "sme"})).await;
        assert_eq!((status, &lower["exchange"], &lower["board"]), (201, &json!("BSE"), &json!("SME")), "{lower}");
        assert_eq!(code(&app.anonymous.get("/ipo/companies/nonsense/").await), (404, "NOT_FOUND".to_owned()));
        assert_eq!(code(&app.anonymous.get("/ipo/companies/?status=sleeping").await), (400, "INVALID".to_owned()));
        assert_eq!(app.admin.delete(&path).await.0, 204);
        assert_eq!(app.anonymous.get(&path).await.0, 404);
        assert_eq!(app.admin.delete(&path).await.0, 404);
    }
}
