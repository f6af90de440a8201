//! Lists: pages by key in both directions, bounds, resampled bars, indicators.

use serde_json::{Value, json};

use crate::harness::{Database, TestApp, day, state};
use crate::on_each_database;

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String, $o: [SymbolOrder!]) {
    symbols(first: $first, after: $after, last: $last, before: $before, orderBy: $o) {
        nodes { ticker } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }";

async fn add_without_prices(app: &TestApp, ticker: &str) {
    let query = "mutation($t: String!) { addSymbol(input: { ticker: $t, refresh: false }) { userErrors { message } } }";
    let data = app.operator.data(query, json!({"t": ticker})).await;
    assert_eq!(data["addSymbol"]["userErrors"], json!([]));
}

fn tickers(page: &Value) -> Vec<&str> {
    page["symbols"]["nodes"].as_array().expect("nodes").iter().filter_map(|n| n["ticker"].as_str()).collect()
}

/// Walks a whole list in pages of three, forwards or backwards.
async fn walk(app: &TestApp, orders: &Value, forwards: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = if forwards {
            json!({"first": 3, "after": cursor, "o": orders})
        } else {
            json!({"last": 3, "before": cursor, "o": orders})
        };
        let page = app.anonymous.data(PAGE, variables).await;
        let mut rows: Vec<String> = tickers(&page).into_iter().map(str::to_owned).collect();
        let info = page["symbols"]["pageInfo"].clone();
        if forwards {
            found.extend(rows);
        } else {
            rows.extend(found);
            found = rows;
        }
        let (more, next) = if forwards { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
        if info[more] != true {
            return found;
        }
        cursor = info[next].clone();
    }
}

on_each_database! {
    async fn every_order_gives_the_same_list_in_both_directions(app: TestApp) {
        for n in [5, 3, 9, 1, 7, 2, 8, 4, 6, 0] {
            add_without_prices(&app, &format!("S{n}")).await;
        }
        app.provider.daily("S4", &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")]);
        app.refresh("S4").await;
        for field in ["TICKER", "LAST_DATE", "LAST_REFRESHED_AT", "CREATED_AT"] {
            for direction in ["ASC", "DESC"] {
                let orders = json!([{"field": field, "direction": direction}]);
                let forwards = walk(&app, &orders, true).await;
                assert_eq!(forwards.len(), 10, "{orders}");
                assert_eq!(forwards, walk(&app, &orders, false).await, "{orders}");
                let other_way = json!([{"field": field, "direction": if direction == "ASC" { "DESC" } else { "ASC" }}]);
                let mut reversed = walk(&app, &other_way, true).await;
                reversed.reverse();
                if ["TICKER", "CREATED_AT"].contains(&field) {
                    assert_eq!(forwards, reversed, "{orders}");
                } else {
                    assert_eq!(forwards[0], "S4", "{orders}: symbols without bars come last");
                    assert_eq!(forwards[1..], reversed[..9], "{orders}");
                }
            }
        }
    }

    async fn a_cursor_stays_where_it_is_while_rows_come(app: TestApp) {
        for ticker in ["B", "D", "F", "H"] {
            add_without_prices(&app, ticker).await;
        }
        let page = app.anonymous.data(PAGE, json!({"first": 2})).await;
        for ticker in ["A", "C", "E"] {
            add_without_prices(&app, ticker).await;
        }
        let cursor = &page["symbols"]["pageInfo"]["endCursor"];
        let next = app.anonymous.data(PAGE, json!({"first": 2, "after": cursor})).await;
        assert_eq!(tickers(&next), ["E", "F"]);
        assert_eq!(next["symbols"]["totalCount"], 7);
    }

    async fn wrong_pages_are_refused_with_what_they_take(app: TestApp) {
        add_without_prices(&app, "A").await;
        let cursor = app.anonymous.data(PAGE, json!({"first": 1})).await["symbols"]["pageInfo"]["endCursor"].clone();
        let cases = [
            (json!({"first": -1}), "it takes 0 to 500"),
            (json!({"first": 501}), "it takes 0 to 500"),
            (json!({"first": 1, "last": 1}), "not both"),
            (json!({"first": 1, "after": "bm9uc2Vuc2U"}), "not a cursor"),
            (json!({"first": 1, "after": cursor, "o": [{"field": "CREATED_AT"}]}), "another order"),
            (json!({"first": 1, "after": cursor, "o": [{"field": "TICKER", "direction": "DESC"}]}), "another order"),
            // As cursors were spelled once: ["A", 1].
            (json!({"first": 1, "after": "WyJBIiwxXQ"}), "another order"),
        ];
        for (variables, expected) in cases {
            let answer = app.anonymous.graphql(PAGE, variables.clone()).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{variables}: {answer}");
            assert!(error["message"].as_str().is_some_and(|m| m.contains(expected)), "{answer}");
        }
    }

    async fn a_search_takes_wildcards_literally_and_ignores_case(app: TestApp) {
        for ticker in ["ABC", "A_C", "XAB"] {
            add_without_prices(&app, ticker).await;
        }
        let query = "query($s: String!) { symbols(filter: { search: $s }) { nodes { ticker } } }";
        let found = async |search: &str| {
            let page = app.anonymous.data(query, json!({"s": search})).await;
            tickers(&page).join(" ")
        };
        assert_eq!(found("ab").await, "ABC XAB");
        assert_eq!(found(" ab ").await, "ABC XAB", "blanks around it are none of it");
        assert_eq!(found("a_c").await, "A_C");
        assert_eq!(found("%").await, "");
    }

    async fn bars_page_and_resample(app: TestApp) {
        // Two weeks and a day from Monday, 2024-01-01.
        let closes = ["11.0", "12.0", "13.0", "14.0", "15.0", "16.0", "17.0", "18.0", "19.0", "20.0", "21.0"];
        let days: Vec<_> = closes.iter().enumerate().map(|(n, close)| (day(n), [*close, *close, *close, *close], "10")).collect();
        app.provider.daily("ACME", &days);
        assert_eq!(state(&app.add_symbol("ACME").await), "SUCCEEDED");
        let query = "query($first: Int, $last: Int, $before: String, $i: Interval!, $from: Date) { symbol(ticker: \"ACME\") {
            prices(first: $first, last: $last, before: $before, interval: $i, from: $from) {
                nodes { date open close volume } pageInfo { hasNextPage hasPreviousPage startCursor } totalCount } } }";
        let page = async |variables: Value| app.anonymous.data(query, variables).await["symbol"]["prices"].clone();

        let last = page(json!({"last": 2, "i": "DAY"})).await;
        assert_eq!((&last["nodes"][1]["close"], &last["totalCount"]), (&json!(21.0), &json!(11)));
        let before = page(json!({"last": 2, "before": last["pageInfo"]["startCursor"], "i": "DAY"})).await;
        assert_eq!((&before["nodes"][0]["close"], &before["nodes"][1]["close"]), (&json!(18.0), &json!(19.0)));
        let from = page(json!({"first": 1, "i": "DAY", "from": "2024-01-06"})).await;
        assert_eq!(from["nodes"][0]["date"], "2024-01-08");

        let weeks = page(json!({"first": 2, "i": "WEEK"})).await;
        assert_eq!(
            weeks["nodes"],
            json!([{"date": "2024-01-05", "open": 11.0, "close": 15.0, "volume": 50},
                   {"date": "2024-01-12", "open": 16.0, "close": 20.0, "volume": 50}])
        );
        assert_eq!((&weeks["pageInfo"]["hasNextPage"], &weeks["totalCount"]), (&json!(true), &json!(3)));
        let month = page(json!({"first": 2, "i": "MONTH"})).await;
        assert_eq!(month["nodes"], json!([{"date": "2024-01-15", "open": 11.0, "close": 21.0, "volume": 110}]));

        let series = "{ symbol(ticker: \"ACME\") { series(from: \"2024-01-03\", to: \"2024-01-08\") { length dates close
            sma: indicator(by: { sma: 4 }) top: indicator(by: { highest: 3 }) } } }";
        let series = app.anonymous.data(series, json!({})).await["symbol"]["series"].clone();
        assert_eq!(series["dates"], json!(["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]));
        assert_eq!(series["sma"], json!([null, 12.5, 13.5, 14.5]), "the window sees the bars before the range");
        assert_eq!(series["top"], json!([13.0, 14.0, 15.0, 16.0]));

        // Both cut the days before they make weeks of them.
        let both = "{ symbol(ticker: \"ACME\") {
            series(from: \"2024-01-03\", to: \"2024-01-10\", interval: WEEK) { length dates open close volume
                first: indicator(by: { price: OPEN }) top: indicator(by: { highest: 2 }) }
            prices(from: \"2024-01-03\", to: \"2024-01-10\", interval: WEEK) { nodes { date open close volume } } } }";
        let both = app.anonymous.data(both, json!({})).await["symbol"].clone();
        assert_eq!(
            both["prices"]["nodes"],
            json!([{"date": "2024-01-05", "open": 13.0, "close": 15.0, "volume": 30},
                   {"date": "2024-01-10", "open": 16.0, "close": 18.0, "volume": 30}])
        );
        assert_eq!(
            both["series"],
            json!({"length": 2, "dates": ["2024-01-05", "2024-01-10"], "open": [13.0, 16.0], "close": [15.0, 18.0],
                   "volume": [30, 30], "first": [13.0, 16.0], "top": [null, 18.0]})
        );
    }

    async fn deep_and_costly_queries_are_refused(app: TestApp) {
        let deep = (0..30).fold("id".to_owned(), |inner, _| format!("symbol {{ ipo {{ {inner} }} }}"));
        let costly = "{ symbols(first: 500) { nodes { prices(first: 500) { nodes { date open high low close } } } } }";
        let answer = app.anonymous.graphql(&format!("{{ ipos {{ nodes {{ {deep} }} }} }}"), json!({})).await;
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|m| m.contains("20 levels deep")), "{answer}");
        let answer = app.anonymous.graphql(costly, json!({})).await;
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|m| m.contains("cost")), "{answer}");
        let depth = "{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType {
            ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } }
            } } } } } } } } } } } } }";
        let answer = app.anonymous.graphql(depth, json!({})).await;
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|m| m.contains("deep")), "{answer}");
        let long = format!("{{ symbol(ticker: \"{}\") {{ id }} }}", "A".repeat(1_100_000));
        let (status, _) = app.anonymous.post("/graphql", json!({"query": long})).await;
        assert_eq!(status, 413);
    }

    async fn a_node_is_found_by_its_id_and_a_foreign_id_is_nothing(app: TestApp) {
        app.provider.daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")]);
        app.add_symbol("ACME").await;
        let ids = app.anonymous.data("{ symbol(ticker: \"ACME\") { id } jobs { nodes { id } } }", json!({})).await;
        let (symbol, job) = (&ids["symbol"]["id"], &ids["jobs"]["nodes"][0]["id"]);
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Symbol { ticker } ... on Job { kind } } }";
        let found = app.anonymous.data(query, json!({"ids": [job, "nonsense", symbol]})).await;
        assert_eq!(
            found["nodes"],
            json!([{"__typename": "Job", "id": job, "kind": "REFRESH_SYMBOL"}, null,
                   {"__typename": "Symbol", "id": symbol, "ticker": "ACME"}])
        );
    }
}

/// SQLite's own `lower` knows ASCII alone; PostgreSQL's knows what its cluster's locale does.
#[tokio::test]
async fn a_search_on_sqlite_finds_letters_beyond_ascii_in_either_case() {
    let app = TestApp::start(Database::Sqlite).await;
    for (ticker, name) in [("TUV", "TÜV Élève *"), ("OTHER", "Tuv")] {
        let add = "mutation($t: String!, $n: String) {
            addSymbol(input: { ticker: $t, name: $n, refresh: false }) { userErrors { message } } }";
        let added = app.operator.data(add, json!({"t": ticker, "n": name})).await;
        assert_eq!(added["addSymbol"]["userErrors"], json!([]));
    }
    let query = "query($s: String!) { symbols(filter: { search: $s }) { nodes { ticker } } }";
    for (search, found) in
        [("TÜV", "TUV"), ("tüv él", "TUV"), ("V ÉLÈVE *", "TUV"), ("tuv", "OTHER TUV"), ("é?", ""), ("ö", "")]
    {
        let page = app.anonymous.data(query, json!({"s": search})).await;
        assert_eq!(tickers(&page).join(" "), found, "{search}");
    }
}
