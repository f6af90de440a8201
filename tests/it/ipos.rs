//! IPOs: fetched, flagged, edited, joined to their stocks.

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, provider, state, summary, until};
use crate::on_each_database;

const PAST: &str = r#######"[
  {"company": "Acme Foods Limited", "symbol": "ACMEFOODS", "ipoStartDate": "04-MAR-2024", "ipoEndDate": "06-MAR-2024",
   "listingDate": "12-MAR-2024", "priceRange": "Rs.95 to Rs.100 ", "issuePrice": "   100", "securityType": "EQ"},
  {"companyName": "Beta Tools Limited-Issue Withdrawn", "company": "x", "symbol": "BETA", "ipoStartDate": "05-MAR-2024",
   "ipoEndDate": "07-MAR-2024", "listingDate": "-", "priceRange": "RS.64 to RS.66", "issuePrice": "######", "securityType": "SME"},
  {"company": "Gamma Bonds Limited", "symbol": "GAMMA1", "ipoStartDate": "05-MAR-2024", "ipoEndDate": "07-MAR-2024",
   "listingDate": "-", "priceRange": "Rs.1000", "issuePrice": "1000", "securityType": "N1"},
  {"company": "Delta Limited", "symbol": "DELTA", "ipoStartDate": "08-MAR-2024", "ipoEndDate": "01-MAR-2024",
   "listingDate": "-", "priceRange": "-", "issuePrice": "-", "securityType": "EQ"},
  {"company": "Epsilon Limited", "symbol": "EPS", "ipoStartDate": "08-MAR-2024", "ipoEndDate": "11-MAR-2024",
   "listingDate": "-", "priceRange": "Rs.10 to Rs.12", "issuePrice": "13", "securityType": "EQ"}
]"#######;

const UPCOMING: &str = r#"[{"companyName": "Zeta Dairy Limited", "symbol": "ZETA", "series": "EQ", "status": "Active",
  "issueStartDate": "11-Aug-2099", "issueEndDate": "13-Aug-2099", "issuePrice": "Rs.133 to Rs.140", "issueSize": "8.1798244E7"}]"#;

const DETAIL: &str = r#"{"companyName": "ZETA", "bidDetails": [], "issueInfo": {"dataList": [
  {"title": "Face Value", "value": "Rs. 2 per Equity Share"}, {"title": "Bid Lot", "value": "Minimum 107 Equity shares and in multiples thereof"},
  {"title": "Name of the Registrar", "value": "\"KFin Technologies Limited\""}]},
  "activeCat": {"dataList": [{"category": "Total", "noOfTotalMeant": "0.79", "srNo": null},
    {"category": "Retail Individual Investors(RIIs)", "noOfTotalMeant": "0.95", "srNo": "3"}], "updateTime": "Updated as on 11-Aug-2099 17:00:00"}}"#;

pub async fn refresh(app: &TestApp) -> Value {
    let query = "mutation { refreshIpos(input: {}) { job { id } userErrors { message } } }";
    let data = app.operator.data(query, json!({})).await;
    app.settled(data["refreshIpos"]["job"]["id"].as_str().expect("a job")).await
}

pub fn serve(app: &TestApp) {
    app.nse.page("/api/public-past-issues", PAST);
    app.nse.page("/api/all-upcoming-issues", UPCOMING);
    app.nse.page("/api/ipo-detail", DETAIL);
}

pub async fn ipo(app: &TestApp, ticker: &str, fields: &str) -> Value {
    let query =
        format!("query($t: String!) {{ ipo(by: {{ listing: {{ exchange: NSE, ticker: $t }} }}) {{ {fields} }} }}");
    app.anonymous.data(&query, json!({"t": ticker})).await["ipo"].clone()
}

on_each_database! {
    async fn issues_come_in_with_every_field_and_bad_ones_are_flagged(app: TestApp) {
        serve(&app);
        let job = refresh(&app).await;
        assert_eq!(summary(&job), "SUCCEEDED: 3 added, 0 changed, 0 unchanged, 2 flagged and left out; 1 that isn't a share left out: 1 of a bond (N1)");
        let fields = "name ticker exchange board status issuePrice priceBandLow priceBandHigh currency lotSize issueSize
            openDate closeDate listingDate minimumInvestment faceValue registrar source
            subscription { scope asOf total retail employee }";
        assert_eq!(
            ipo(&app, "ZETA", fields).await,
            json!({"name": "Zeta Dairy Limited", "ticker": "ZETA", "exchange": "NSE", "board": "MAINBOARD", "status": "UPCOMING",
                   "issuePrice": null, "priceBandLow": "133", "priceBandHigh": "140", "currency": "INR", "lotSize": 107,
                   "issueSize": 81_798_244, "openDate": "2099-08-11", "closeDate": "2099-08-13", "listingDate": null,
                   "minimumInvestment": "14980", "faceValue": "2", "registrar": "KFin Technologies Limited", "source": "NSE",
                   "subscription": {"scope": "ALL_EXCHANGES", "asOf": "2099-08-11T11:30:00+00:00", "total": 0.79, "retail": 0.95,
                                    "employee": null}})
        );
        let short = "name board status issuePrice priceBandLow listingDate";
        assert_eq!(
            ipo(&app, "ACMEFOODS", short).await,
            json!({"name": "Acme Foods Limited", "board": "MAINBOARD", "status": "LISTED", "issuePrice": "100",
                   "priceBandLow": "95", "listingDate": "2024-03-12"})
        );
        assert_eq!(
            ipo(&app, "BETA", short).await,
            json!({"name": "Beta Tools Limited", "board": "SME", "status": "WITHDRAWN", "issuePrice": null,
                   "priceBandLow": "64", "listingDate": null})
        );
        let issues = app.anonymous.data("{ dataIssues(filter: { source: [NSE] }) { nodes { record field reason raw } } }", json!({})).await;
        let nodes = issues["dataIssues"]["nodes"].as_array().expect("issues");
        let mut shown: Vec<String> = nodes.iter().map(|n| format!("{} {} {}", n["record"], n["field"], n["reason"])).collect();
        shown.sort();
        assert_eq!(shown.remove(2), "\"GAMMA1 05-MAR-2024\" \"securityType\" \"a bond (N1), which isn't a share\"");
        assert_eq!(shown, [
            "\"DELTA 08-MAR-2024\" \"closeDate\" \"2024-03-01 is before the open date 2024-03-08\"",
            "\"EPS 08-MAR-2024\" \"issuePrice\" \"13 is outside the band 10 to 12\"",
        ]);

        let again = refresh(&app).await;
        assert_eq!(summary(&again), "SUCCEEDED: 0 added, 0 changed, 3 unchanged, 2 flagged and left out; 1 that isn't a share left out: 1 of a bond (N1)");
        assert_eq!(app.nse.visits(), 1, "one session serves both");
    }

    async fn a_source_s_change_leaves_a_revision_and_an_edit_stays_until_then(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        let id = ipo(&app, "ZETA", "id").await["id"].clone();
        let edit = "mutation($input: UpdateIpoInput!) { updateIpo(input: $input) { ipo { lotSize priceBandHigh } userErrors { code field } } }";
        let edited = app.admin.data(edit, json!({"input": {"id": id, "lotSize": 100, "priceBandHigh": "150.50"}})).await;
        assert_eq!(edited["updateIpo"]["ipo"], json!({"lotSize": 100, "priceBandHigh": "150.50"}));

        // The same old values again: the edit stays. Then the source says something new of one of them.
        assert_eq!(summary(&refresh(&app).await), "SUCCEEDED: 0 added, 0 changed, 3 unchanged, 2 flagged and left out; 1 that isn't a share left out: 1 of a bond (N1)");
        assert_eq!(ipo(&app, "ZETA", "priceBandHigh lotSize").await, json!({"priceBandHigh": "150.50", "lotSize": 100}));
        app.nse.page("/api/all-upcoming-issues", &UPCOMING.replace("Rs.140", "Rs.145"));
        assert_eq!(summary(&refresh(&app).await), "SUCCEEDED: 0 added, 1 changed, 2 unchanged, 2 flagged and left out; 1 that isn't a share left out: 1 of a bond (N1)");
        let seen = ipo(&app, "ZETA", "priceBandHigh lotSize revisions { totalCount nodes { source changes { field before after } } }").await;
        assert_eq!((&seen["priceBandHigh"], &seen["lotSize"]), (&json!("145"), &json!(100)));
        assert_eq!(
            seen["revisions"],
            json!({"totalCount": 2, "nodes": [
                {"source": "NSE", "changes": [{"field": "priceBandHigh", "before": "150.50", "after": "145"}]},
                {"source": "MANUAL", "changes": [{"field": "priceBandHigh", "before": "140", "after": "150.50"},
                                                 {"field": "lotSize", "before": "107", "after": "100"}]}]})
        );
    }

    async fn a_ticker_that_is_assigned_late_finds_its_issue(app: TestApp) {
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id ticker source } userErrors { code field } } }";
        let input = json!({"name": "ZETA Dairy Ltd.", "exchange": "NSE", "openDate": "2099-08-10", "issuePrice": "71.50"});
        let made = app.admin.data(create, json!({"input": input})).await["createIpo"]["ipo"].clone();
        assert_eq!((&made["ticker"], &made["source"]), (&Value::Null, &json!("MANUAL")));
        serve(&app);
        assert_eq!(summary(&refresh(&app).await), "SUCCEEDED: 2 added, 1 changed, 0 unchanged, 2 flagged and left out; 1 that isn't a share left out: 1 of a bond (N1)");
        let found = ipo(&app, "ZETA", "id name issuePrice openDate closeDate").await;
        // What was typed in stays; what was missing is filled in.
        assert_eq!(found, json!({"id": made["id"], "name": "ZETA Dairy Ltd.", "issuePrice": "71.50",
                                 "openDate": "2099-08-10", "closeDate": "2099-08-13"}));
    }

    async fn only_an_administrator_edits_and_mistakes_are_named(app: TestApp) {
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { code field message } } }";
        let good = json!({"name": "New Limited", "exchange": "NSE", "ticker": "new", "openDate": "2099-01-05", "closeDate": "2099-01-07"});
        for (client, code) in [(&app.anonymous, "UNAUTHENTICATED"), (&app.reader, "FORBIDDEN"), (&app.operator, "FORBIDDEN")] {
            let answer = client.graphql(create, json!({"input": good})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code);
        }
        assert_eq!(app.anonymous.data("{ ipos { totalCount } }", json!({})).await["ipos"]["totalCount"], 0);
        let made = app.admin.data(create, json!({"input": good})).await["createIpo"].clone();
        assert_eq!(made["userErrors"], json!([]));
        let mut cases = vec![("ALREADY_EXISTS", "ticker", good.clone())];
        for (field, value, code) in [
            ("closeDate", json!("2099-01-01"), "INVALID"),
            ("listingDate", json!("2099-01-01"), "INVALID"),
            ("issuePrice", json!("0"), "INVALID"),
            ("lotSize", json!(0), "INVALID"),
            ("name", json!("  "), "INVALID"),
        ] {
            let mut wrong = good.clone();
            wrong["ticker"] = json!("OTHER");
            wrong[field] = value;
            cases.push((code, field, wrong));
        }
        for (code, field, input) in cases {
            let answer = app.admin.data(create, json!({"input": input})).await["createIpo"].clone();
            let error = &answer["userErrors"][0];
            assert_eq!((&answer["ipo"], &error["code"], &error["field"]), (&Value::Null, &json!(code), &json!([field])), "{answer}");
        }
        let delete = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId userErrors { code } } }";
        let gone = app.admin.data(delete, json!({"id": made["ipo"]["id"]})).await;
        assert_eq!(gone["deleteIpo"]["deletedId"], made["ipo"]["id"]);
        let again = app.admin.data(delete, json!({"id": made["ipo"]["id"]})).await;
        assert_eq!(again["deleteIpo"]["userErrors"][0]["code"], "NOT_FOUND");
    }

    async fn what_was_deleted_is_not_fetched_back(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        let id = ipo(&app, "BETA", "id").await["id"].clone();
        let delete = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId } }";
        app.admin.data(delete, json!({"id": id})).await;
        refresh(&app).await;
        assert_eq!(ipo(&app, "BETA", "id").await, Value::Null);
    }

    async fn what_was_deleted_comes_back_with_its_history(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        let whole = "id name issuePrice createdAt revisions { totalCount nodes { at author source changes { field after } } }";
        let id = ipo(&app, "ACMEFOODS", "id").await["id"].clone();
        let edit = "mutation($input: UpdateIpoInput!) { updateIpo(input: $input) { userErrors { message } } }";
        app.admin.data(edit, json!({"input": {"id": id, "issuePrice": "97.50"}})).await;
        let before = ipo(&app, "ACMEFOODS", whole).await;
        let author = &before["revisions"]["nodes"][0]["author"];
        assert_eq!((author, &before["issuePrice"]), (&json!("ADMIN_TOKEN"), &json!("97.50")), "{before}");

        let restore = "mutation($id: ID!) { restoreIpo(input: { id: $id }) { ipo { id } userErrors { code field } } }";
        let early = app.admin.data(restore, json!({"id": id})).await;
        assert_eq!(early["restoreIpo"]["userErrors"], json!([{"code": "NOT_FOUND", "field": ["id"]}]), "it isn't deleted");
        app.admin.data("mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId } }", json!({"id": id})).await;
        let list = "{ deletedIpos { id name ticker exchange author } }";
        let gone = app.admin.data(list, json!({})).await;
        let row = json!({"id": id, "name": "Acme Foods Limited", "ticker": "ACMEFOODS", "exchange": "NSE", "author": "ADMIN_TOKEN"});
        assert_eq!(gone["deletedIpos"], json!([row]));
        assert_eq!(app.operator.graphql(list, json!({})).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_eq!(app.operator.graphql(restore, json!({"id": id})).await["errors"][0]["extensions"]["code"], "FORBIDDEN");

        let back = app.admin.data(restore, json!({"id": id})).await;
        assert_eq!(back["restoreIpo"]["ipo"]["id"], id, "{back}");
        assert_eq!(ipo(&app, "ACMEFOODS", whole).await, before);
        assert_eq!(app.admin.data(list, json!({})).await["deletedIpos"], json!([]));
        // It's edited and fetched as before.
        refresh(&app).await;
        assert_eq!(ipo(&app, "ACMEFOODS", whole).await, before);
        app.admin.data(edit, json!({"input": {"id": id, "issuePrice": "98.00"}})).await;
        assert_eq!(ipo(&app, "ACMEFOODS", "revisions { totalCount }").await["revisions"]["totalCount"], 2);
    }

    async fn what_was_deleted_gives_way_to_what_took_its_place(app: TestApp) {
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { code } } }";
        let remove = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId } }";
        let restore = "mutation($id: ID!) { restoreIpo(input: { id: $id }) { ipo { id } userErrors { code } } }";
        let mut ids = Vec::new();
        for name in ["One Limited", "Two Limited"] {
            let made = app.admin.data(create, json!({"input": {"name": name, "exchange": "NSE", "openDate": "2024-03-04"}})).await;
            ids.push(made["createIpo"]["ipo"]["id"].clone());
        }
        for id in &ids {
            app.admin.data(remove, json!({"id": id})).await;
        }
        // Another of the first one's name takes its place; the second one's mark stays, though both have no symbol.
        app.admin.data(create, json!({"input": {"name": "One Limited", "exchange": "NSE", "openDate": "2024-03-04"}})).await;
        let first = app.admin.data(restore, json!({"id": ids[0]})).await;
        assert_eq!(first["restoreIpo"]["userErrors"], json!([{"code": "NOT_FOUND"}]));
        let second = app.admin.data(restore, json!({"id": ids[1]})).await;
        assert_eq!(second["restoreIpo"]["ipo"]["id"], ids[1]);
    }

    async fn another_issue_of_a_company_leaves_the_deleted_one_restorable(app: TestApp) {
        let create = "mutation($day: Date!) { createIpo(input: { name: \"Acme Limited\", ticker: \"ACME\", exchange: NSE, openDate: $day }) { ipo { id } userErrors { code } } }";
        let made = app.admin.data(create, json!({"day": "2019-03-04"})).await["createIpo"]["ipo"]["id"].clone();
        app.admin.data("mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId } }", json!({"id": made})).await;
        app.admin.data(create, json!({"day": "2024-03-04"})).await;
        let restore = "mutation($id: ID!) { restoreIpo(input: { id: $id }) { ipo { id } userErrors { code } } }";
        assert_eq!(app.admin.data(restore, json!({"id": made})).await["restoreIpo"]["ipo"]["id"], made);
    }

    async fn what_is_wrong_with_one_field_keeps_nobody_from_mending_another(app: TestApp) {
        let input = json!({"name": "Acme Limited", "ticker": "ACME", "exchange": "NSE", "openDate": "2024-03-04",
                           "priceBandLow": "90", "priceBandHigh": "100"});
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { code } } }";
        let id = app.admin.data(create, json!({"input": input})).await["createIpo"]["ipo"]["id"].clone();
        // As a source left it: priced anew, outside the band of before.
        let transaction = app.app.store.begin().await.expect("a transaction");
        let stored = "UPDATE ipos SET issue_price = '105', issue_price_units = 105000000, name = 'Acme Limited'";
        sea_orm::ConnectionTrait::execute_unprepared(&transaction, stored).await.expect("stored");
        transaction.commit().await.expect("a commit");
        let update = "mutation($input: UpdateIpoInput!) { updateIpo(input: $input) { ipo { lotSize issuePrice } userErrors { field code } } }";
        let edited = app.admin.data(update, json!({"input": {"id": id, "lotSize": 25}})).await;
        assert_eq!(edited["updateIpo"], json!({"ipo": {"lotSize": 25, "issuePrice": "105"}, "userErrors": []}));
        let refused = app.admin.data(update, json!({"input": {"id": id, "issuePrice": "106"}})).await;
        assert_eq!(refused["updateIpo"]["userErrors"], json!([{"field": ["issuePrice"], "code": "INVALID"}]));
        let mended = app.admin.data(update, json!({"input": {"id": id, "priceBandHigh": "105"}})).await;
        assert_eq!(mended["updateIpo"]["userErrors"], json!([]));
    }

    async fn denials_are_respected_and_a_lost_session_is_renewed(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        app.nse.forget_sessions();
        assert_eq!(state(&refresh(&app).await), "SUCCEEDED");
        assert_eq!(app.nse.visits(), 2);

        let page = "<h1>Access Restricted</h1><p>Please try accessing this page again after 10 minutes.</p>";
        app.nse.deny(Some((403, page)));
        let query = "mutation { refreshIpos(input: {}) { job { id } } }";
        let data = app.operator.data(query, json!({})).await;
        let id = data["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
        let job = app.job_when(&id, |job| state(job) == "RETRYING").await;
        assert!(job["message"].as_str().is_some_and(|m| m.contains("asks to be left alone; next try")), "{job}");
        let asked = app.nse.asked();
        app.operator.data("mutation($id: ID!) { cancelJob(input: { id: $id }) { job { id } } }", json!({"id": id})).await;
        let data = app.operator.data(query, json!({})).await;
        let id = data["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
        app.job_when(&id, |job| state(job) == "RETRYING").await;
        assert_eq!(app.nse.asked(), asked, "nobody asks before the ten minutes are over");
    }

    async fn a_bot_wall_leaves_the_job_retrying_with_a_message(app: TestApp) {
        app.nse.deny(Some((403, "<HTML><H1>Access Denied</H1></HTML>")));
        let data = app.operator.data("mutation { refreshIpos(input: {}) { job { id } } }", json!({})).await;
        let id = data["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
        let job = app.job_when(&id, |job| state(job) == "RETRYING").await;
        assert!(job["message"].as_str().is_some_and(|m| m.contains("NSE_PROXY")), "{job}");
        assert_eq!(app.anonymous.data("{ ipos { totalCount } }", json!({})).await["ipos"]["totalCount"], 0);
    }

    async fn an_issue_is_joined_to_its_stock(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        // Listed at 120, closing at 110; a 2:1 split on the third day; 60 at the end is 120 of the old ones.
        let csv = "date,open,high,low,close,volume,split_coefficient\n\
                   2024-03-12,120,125,105,110,100,1\n2024-03-13,112,160,112,150,100,1\n2024-03-14,76,76,60,66,200,2\n2024-03-15,62,63,58,60,200,1\n";
        let job = app.operator.import("ACMEFOODS.BSE", csv).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let fields = "symbol { ticker ipo { ticker } } performance { listingOpen listingGain firstDayReturn returnSinceIssue maxDrawdownSinceListing asOf }";
        let found = ipo(&app, "ACMEFOODS", fields).await;
        assert_eq!(found["symbol"], json!({"ticker": "ACMEFOODS.BSE", "ipo": {"ticker": "ACMEFOODS"}}));
        let figure = |name: &str| found["performance"][name].as_f64().expect("a figure");
        let expected = [("listingOpen", 120.0), ("listingGain", 0.2), ("firstDayReturn", 0.1), ("returnSinceIssue", 0.2),
                        ("maxDrawdownSinceListing", 120.0 / 150.0 - 1.0)];
        for (name, value) in expected {
            assert!((figure(name) - value).abs() < 1e-12, "{name}: {}", figure(name));
        }
        assert_eq!(found["performance"]["asOf"], "2024-03-15");
        let statistics = app.anonymous.data("{ ipoStatistics(filter: { exchange: [NSE] }) { count withPerformance
            meanListingGain medianListingGain shareListedAboveIssue medianReturnSinceIssue } }", json!({})).await["ipoStatistics"].clone();
        assert_eq!((&statistics["count"], &statistics["withPerformance"], &statistics["shareListedAboveIssue"]), (&json!(3), &json!(1), &json!(1.0)));
        assert_eq!(ipo(&app, "ZETA", "symbol { id } performance { asOf }").await, json!({"symbol": null, "performance": null}));
    }

    async fn adding_a_symbol_from_an_issue_is_one_step(app: TestApp) {
        serve(&app);
        refresh(&app).await;
        app.provider.answer("ACMEFOODS.BSE", Answer::Body(provider::daily("ACMEFOODS.BSE", &[("2024-03-12".to_owned(), ["1", "2", "1", "2"], "5")])));
        let query = "mutation { addSymbol(input: { ticker: \"ACMEFOODS\", exchange: NSE }) { symbol { ticker name } job { id } } }";
        let added = app.operator.data(query, json!({})).await["addSymbol"].clone();
        assert_eq!(added["symbol"], json!({"ticker": "ACMEFOODS.BSE", "name": "Acme Foods Limited"}));
        assert_eq!(state(&app.settled(added["job"]["id"].as_str().expect("a job")).await), "SUCCEEDED");
    }

    async fn a_date_is_read_the_way_it_was_meant_or_flagged_and_stays_one_issue(app: TestApp) {
        let row = |open: &str, close: &str, listing: &str| format!(
            r#"[{{"company": "Naman Limited", "symbol": "NAMAN", "ipoStartDate": "{open}", "ipoEndDate": "{close}",
                "listingDate": "{listing}", "priceRange": "Rs.84 to Rs.89", "issuePrice": "89", "securityType": "SME"}}]"#);
        let fields = "openDate closeDate listingDate status";
        let expected = json!({"openDate": "2024-03-22", "closeDate": "2024-03-27", "listingDate": "2024-04-02", "status": "LISTED"});
        let issues = "{ dataIssues { nodes { record reason resolvedAt } } ipos { totalCount } }";
        for (open, listing) in [("22-MAR-202", "02-APR-2024"), ("22-MAR-1024", "02-APR-2024"), ("22-MAR-2024", "31-DEC-1899"), ("22-MAR-2024", "02-APR-2924")] {
            app.nse.page("/api/public-past-issues", &row(open, "27-MAR-2024", listing));
            let job = refresh(&app).await;
            assert_eq!(summary(&job), "SUCCEEDED: 0 added, 0 changed, 0 unchanged, 1 flagged and left out", "{open} {listing}");
        }
        // The record is gone from the source: nobody has made it good.
        app.nse.page("/api/public-past-issues", "[]");
        refresh(&app).await;
        let found = app.anonymous.data(issues, json!({})).await;
        let nodes = found["dataIssues"]["nodes"].as_array().expect("flags");
        assert_eq!((nodes.len(), nodes.iter().filter(|n| n["resolvedAt"].is_null()).count(), &found["ipos"]["totalCount"]), (4, 4, &json!(0)));
        // Another issue of the symbol, years before, makes it no better.
        app.nse.page("/api/public-past-issues", &row("22-MAR-2014", "27-MAR-2014", "02-APR-2014"));
        refresh(&app).await;
        let found = app.anonymous.data(issues, json!({})).await;
        assert!(found["dataIssues"]["nodes"].as_array().expect("flags").iter().all(|n| n["resolvedAt"].is_null()), "{found}");
        for year in ["24", "2024"] {
            app.nse.page("/api/public-past-issues", &row(&format!("22-MAR-{year}"), &format!("27-MAR-{year}"), &format!("02-APR-{year}")));
            refresh(&app).await;
            assert_eq!(ipo(&app, "NAMAN", fields).await, expected, "{year}");
            let found = app.anonymous.data(issues, json!({})).await;
            assert_eq!(found["ipos"]["totalCount"], 2, "one issue, however its year is written, beside the older one");
            assert!(found["dataIssues"]["nodes"].as_array().expect("flags").iter().all(|n| !n["resolvedAt"].is_null()), "{found}");
        }
        // The same rule for people.
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { code field } } }";
        for (field, value) in [("openDate", "1024-03-22"), ("closeDate", "1899-12-31"), ("listingDate", "2924-03-22")] {
            let mut input = json!({"name": "X Limited", "exchange": "NSE"});
            input[field] = json!(value);
            let answer = app.admin.data(create, json!({"input": input})).await["createIpo"].clone();
            assert_eq!((&answer["ipo"], &answer["userErrors"][0]), (&Value::Null, &json!({"code": "INVALID", "field": [field]})), "{field}");
        }
        let rest = |open: &str| json!({"name": "By REST Limited", "open_date": open});
        let (status, made) = app.admin.post("/ipo/companies/", rest("22-MAR-24")).await;
        assert_eq!((status, &made["open_date"]), (201, &json!("2024-03-22")), "{made}");
        for open in ["22-MAR-202", "05/02/2024", "1899-12-31", "soon"] {
            let (status, refused) = app.admin.post("/ipo/companies/", rest(open)).await;
            assert_eq!((status, &refused["error"]["code"]), (400, &json!("INVALID")), "{open}: {refused}");
        }
    }

    async fn the_calendar_of_the_american_exchanges_comes_in_too(app: TestApp) {
        let calendar = "symbol,name,ipoDate,priceRangeLow,priceRangeHigh,currency,exchange\r\n\
                        CNXU,Conexeu Sciences Inc.,2099-05-21,0,0,USD,NASDAQ\r\nRIKU,RIKU DINING GROUP Ltd,2099-05-27,4,6,USD,NASDAQ\r\n\
                        HOME,Some Realty Trust,2099-05-18,0,0,USD,NYSE\r\nRITE,Right At Hand Care Inc,2099-05-19,7,8,USD,NYSE\r\n\
                        APURU,Aperture AC Unit,2099-05-19,10,10,USD,NASDAQ\r\nBAD,Bad Date Inc.,soon,4,6,USD,NYSE\r\n";
        app.provider.answer("", Answer::Body(calendar.to_owned()));
        let query = "mutation { refreshIpos(input: { source: ALPHA_VANTAGE }) { job { id } userErrors { message } } }";
        let data = app.operator.data(query, json!({})).await;
        let job = app.settled(data["refreshIpos"]["job"]["id"].as_str().expect("a job")).await;
        assert_eq!(summary(&job), "SUCCEEDED: 4 added, 0 changed, 0 unchanged, 1 flagged and left out; 1 that isn't a share left out: 1 of units (UNIT)");
        let query = "{ ipo(by: { listing: { exchange: NASDAQ, ticker: \"riku\" } }) { name status currency priceBandLow priceBandHigh openDate listingDate source } }";
        assert_eq!(
            app.anonymous.data(query, json!({})).await["ipo"],
            json!({"name": "RIKU DINING GROUP Ltd", "status": "UPCOMING", "currency": "USD", "priceBandLow": "4", "priceBandHigh": "6",
                   "openDate": null, "listingDate": "2099-05-27", "source": "ALPHA_VANTAGE"})
        );
        // One key for two sources means two jobs.
        serve(&app);
        let query = "mutation($s: DataSource!) { refreshIpos(input: { source: $s, idempotencyKey: \"monday\" }) { job { id } } }";
        let asked = async |source: &str| app.operator.data(query, json!({"s": source})).await["refreshIpos"]["job"]["id"].clone();
        let first = asked("NSE").await;
        assert_ne!(asked("ALPHA_VANTAGE").await, first);
        assert_eq!(asked("NSE").await, first);
    }

}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issues_are_fetched_by_the_clock_from_the_first_start_on() {
    let app = TestApp::start_with(crate::harness::Database::Sqlite, &[("IPO_SCHEDULE", "30 0 * * *")]).await;
    let query = "{ jobs(filter: { kind: [REFRESH_IPOS] }) { totalCount } }";
    // The NSE and the calendar.
    until(async || app.anonymous.data(query, json!({})).await, |found| found["jobs"]["totalCount"] == 2).await;
    prospectus::workers::run_due(&app.app, chrono::Utc::now()).await.expect("a look");
    assert_eq!(app.anonymous.data(query, json!({})).await["jobs"]["totalCount"], 2, "once");
}
