//! Lists that are written in one pass say what the library would say: every query is asked both ways. A query that asks for
//! the same object twice has parts to merge, which only the library does.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::harness::{TestApp, http};
use crate::on_each_database;

/// Queries a list.
const QUERIES: u32 = 60;

const BAR: &[&str] = &["date", "open", "high", "low", "close", "adjustedClose", "volume", "__typename"];
const IPO: &[&str] = &[
    "id",
    "name",
    "ticker",
    "exchange",
    "board",
    "status",
    "issuePrice",
    "issuePriceDerived",
    "priceBandLow",
    "priceBandHigh",
    "currency",
    "lotSize",
    "issueSize",
    "openDate",
    "closeDate",
    "listingDate",
    "minimumInvestment",
    "faceValue",
    "registrar",
    "source",
    "createdAt",
    "updatedAt",
    "__typename",
    "performance { listingOpen listingGain asOf __typename }",
    "performance { firstDayReturn returnSinceIssue maxDrawdownSinceListing }",
    // These need the library, and so does every row they stand in.
    "subscription { total scope }",
    "symbol { ticker }",
    "revisions(first: 1) { totalCount }",
];

/// A selection of a type's fields: plain, under other names, in fragments, with directives, and again.
fn selection(fields: &'static [&'static str], of: &'static str) -> impl Strategy<Value = String> {
    let one = (0..fields.len(), 0..8_u8).prop_map(move |(field, form)| {
        let field = fields[field];
        // An object that is asked for twice has another name each time.
        let name = format!("a{}", fields.iter().position(|f| *f == field).unwrap_or(0));
        let is_object = field.contains('{');
        match form {
            _ if is_object => format!("{name}: {field}"),
            0 => format!("{name}: {field}"),
            1 => format!("... on {of} {{ {field} }}"),
            2 => format!("... {{ {field} {field} }}"),
            3 => format!("{field} @include(if: true)"),
            4 => format!("{name}: {field} @skip(if: true) __typename"),
            5 => format!("... on {of} @include(if: false) {{ {field} }} __typename"),
            6 => "...F".to_owned(),
            _ => field.to_owned(),
        }
    });
    proptest::collection::vec(one, 1..8).prop_map(|chosen| {
        let mut seen = std::collections::HashSet::new();
        chosen
            .into_iter()
            .filter(|f| !f.contains('{') || f.starts_with("...") || seen.insert(f.clone()))
            .collect::<Vec<_>>()
            .join(" ")
    })
}

async fn text(client: &reqwest::Client, app: &TestApp, query: &str) -> String {
    let answer = client.post(format!("{}/graphql", app.url)).json(&json!({"query": query})).send().await;
    let text = answer.expect("an answer").text().await.expect("a text");
    // The cost counts what was asked twice.
    text.split(",\"extensions\"").next().unwrap_or_default().to_owned()
}

/// Asks random selections of a list's nodes and edges both ways.
async fn compare(app: &TestApp, list: &str, of: &'static str, fields: &'static [&'static str], all: &str) {
    let mut runner = TestRunner::deterministic();
    let client = http();
    for _ in 0..QUERIES {
        let chosen = selection(fields, of).new_tree(&mut runner).expect("a value").current();
        for rows in [
            "nodes { S }",
            "edges { cursor node { S } __typename }",
            "e: edges { n: node { S } c: cursor } nodes { S }",
        ] {
            let rows = rows.replace('S', &chosen);
            let fragment =
                if chosen.contains("...F") { format!(" fragment F on {of} {{ {all} }}") } else { String::new() };
            let ask = |info: &str| list.replace("ROWS", &format!("{rows} {info}")) + &fragment;
            let at_once = text(&client, app, &ask("pageInfo { endCursor }")).await;
            let merged = text(&client, app, &ask("pageInfo { endCursor } pageInfo { endCursor }")).await;
            assert!(at_once.starts_with("{\"data\":{") && !at_once.contains("\"errors\""), "{}\n{at_once}", ask(""));
            assert_eq!(at_once, merged, "{}", ask(""));
        }
    }
}

on_each_database! {
    async fn both_ways_of_writing_a_list_say_the_same(app: TestApp) {
        let create = "mutation($i: CreateIpoInput!) { createIpo(input: $i) { userErrors { message } } }";
        for (n, fields) in [
            json!({"issuePrice": "100", "openDate": "2024-03-01", "listingDate": "2024-03-12", "lotSize": 13}),
            json!({"priceBandLow": "90.50", "priceBandHigh": "101"}),
            json!({}),
        ].into_iter().enumerate() {
            let mut input = json!({"name": format!("Acme {n} \"Quoted\" & Söhne Limited"), "exchange": "NSE"});
            if n == 0 {
                input["ticker"] = json!("ACME");
            }
            for (name, value) in fields.as_object().expect("fields") {
                input[name] = value.clone();
            }
            let made = app.admin.data(create, json!({"i": input})).await;
            assert_eq!(made["createIpo"]["userErrors"], json!([]));
        }
        let csv = "date,open,high,low,close,volume,split_coefficient\n2024-03-12,120,125,105,110.1,9,1\n\
                   2024-03-13,112,160,112,150,9007199254740000,1\n2024-03-14,76,76,60,66.6667,0,2\n";
        let job = app.operator.import("ACME.BSE", csv).await["job"]["id"].as_str().expect("a job").to_owned();
        assert_eq!(app.settled(&job).await["state"], "SUCCEEDED");
        compare(&app, "{ ipos { ROWS } }", "Ipo", IPO, "name issuePrice status").await;
        compare(&app, "{ symbol(ticker: \"ACME.BSE\") { prices(last: 2) { ROWS } } }", "PriceBar", BAR, "date volume").await;
        compare(&app, "{ symbol(ticker: \"ACME.BSE\") { prices(interval: MONTH) { ROWS } } }", "PriceBar", BAR, "date volume").await;
    }

    async fn parts_of_a_list_asked_for_twice_are_merged(app: TestApp) {
        let csv = "date,open,high,low,close,volume\n2024-03-12,120,125,105,110.1,9\n";
        let job = app.operator.import("ACME.BSE", csv).await["job"]["id"].as_str().expect("a job").to_owned();
        assert_eq!(app.settled(&job).await["state"], "SUCCEEDED");
        for query in [
            "{ symbol(ticker: \"ACME.BSE\") { prices { nodes { open } nodes { close } } } }",
            "{ symbol(ticker: \"ACME.BSE\") { prices { nodes { open } } prices { nodes { close } } } }",
            "{ symbol(ticker: \"ACME.BSE\") { prices { nodes { open } } } ...F } fragment F on Query {
                symbol(ticker: \"ACME.BSE\") { ...G } } fragment G on Symbol { prices { nodes { close } } }",
        ] {
            let answer = app.anonymous.data(query, json!({})).await;
            assert_eq!(answer["symbol"]["prices"]["nodes"], json!([{"open": 120.0, "close": 110.1}]), "{query}");
        }
    }
}
