//! What became of issues: kept as columns by whoever writes, ordered and summed up from there.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::on_each_database;

async fn create(app: &TestApp, ticker: &str, fields: Value) -> String {
    let query = "mutation($i: CreateIpoInput!) { createIpo(input: $i) { ipo { id } userErrors { message } } }";
    let mut input = json!({"name": format!("{ticker} Limited"), "ticker": ticker, "exchange": "NSE"});
    for (name, value) in fields.as_object().expect("fields") {
        input[name] = value.clone();
    }
    let made = app.admin.data(query, json!({"i": input})).await["createIpo"].clone();
    made["ipo"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn update(app: &TestApp, id: &str, fields: Value) -> Value {
    let query = "mutation($i: UpdateIpoInput!) { updateIpo(input: $i) {
        ipo { symbol { ticker } performance { listingGain returnSinceIssue } } userErrors { message } } }";
    let mut input = fields;
    input["id"] = json!(id);
    let made = app.admin.data(query, json!({"i": input})).await["updateIpo"].clone();
    assert_eq!(made["userErrors"], json!([]));
    made["ipo"].clone()
}

async fn import(app: &TestApp, ticker: &str, csv: &str) {
    let job = app.operator.import(ticker, csv).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(app.settled(&job).await["state"], "SUCCEEDED");
}

/// The stock, listing gain, return since issue and drawdown of an issue, as text; "-" where there is none.
async fn figures(app: &TestApp, id: &str) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on Ipo { symbol { ticker }
        performance { listingGain returnSinceIssue maxDrawdownSinceListing asOf } } } }";
    let ipo = app.anonymous.data(query, json!({"id": id})).await["node"].clone();
    let of = &ipo["performance"];
    let figure = |name: &str| of[name].as_f64().map_or("-".to_owned(), |value| format!("{value:.4}"));
    format!(
        "{} {} {} {} {}",
        ipo["symbol"]["ticker"].as_str().unwrap_or("-"),
        figure("listingGain"),
        figure("returnSinceIssue"),
        figure("maxDrawdownSinceListing"),
        of["asOf"].as_str().unwrap_or("-"),
    )
}

/// Changes rows as an older version might have left them.
async fn change(app: &TestApp, sql: &str) {
    let transaction = app.app.store.begin().await.expect("a transaction");
    transaction.execute_unprepared(sql).await.expect("an update");
    transaction.commit().await.expect("an end");
}

const HEAD: &str = "date,open,high,low,close,volume,split_coefficient\n";

on_each_database! {
    async fn every_writer_keeps_the_figures(app: TestApp) {
        let id = create(&app, "ACME", json!({"issuePrice": "100", "openDate": "2024-03-01"})).await;
        assert_eq!(figures(&app, &id).await, "- - - - -");
        // Bars: the first ones, more of them with a split, and a correction of the past.
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-12,120,125,105,110,9,1\n2024-03-13,112,160,112,150,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE - - - -", "the listing day isn't known");
        assert_eq!(update(&app, &id, json!({"listingDate": "2024-03-12"})).await["performance"], json!({"listingGain": 0.2, "returnSinceIssue": 0.5}));
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-14,76,76,60,66,9,2\n2024-03-15,62,63,58,60,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 0.2000 -0.2000 2024-03-15");
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-13,112,170,112,160,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 0.2000 -0.2500 2024-03-15");
        // Edits: price, listing day, ticker.
        update(&app, &id, json!({"issuePrice": "60"})).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 1.0000 1.0000 -0.2500 2024-03-15");
        update(&app, &id, json!({"listingDate": "2024-03-14"})).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2667 0.0000 -0.0909 2024-03-15");
        update(&app, &id, json!({"listingDate": null})).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE - - - -");
        update(&app, &id, json!({"listingDate": "2024-03-12", "issuePrice": "100"})).await;
        assert_eq!(update(&app, &id, json!({"ticker": "OTHER"})).await, json!({"symbol": null, "performance": null}));
        assert_eq!(update(&app, &id, json!({"ticker": "ACME"})).await["symbol"], json!({"ticker": "ACME.BSE"}));
        // Another stock of the ticker takes over when the first one goes.
        import(&app, "ACME.NS", &format!("{HEAD}2024-03-12,130,131,129,130,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 0.2000 -0.2500 2024-03-15");
        let remove = "mutation($t: String!) { removeSymbol(input: { ticker: $t }) { userErrors { message } } }";
        app.operator.data(remove, json!({"t": "ACME.BSE"})).await;
        assert_eq!(figures(&app, &id).await, "ACME.NS 0.3000 0.3000 0.0000 2024-03-12");
        app.operator.data(remove, json!({"t": "ACME.NS"})).await;
        assert_eq!(figures(&app, &id).await, "- - - - -");
        let add = "mutation { addSymbol(input: { ticker: \"ACME.BSE\", refresh: false }) { userErrors { message } } }";
        app.operator.data(add, json!({})).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE - - - -");
    }

    async fn prices_of_another_currency_say_nothing_and_pence_are_parts_of_pounds(app: TestApp) {
        let issue = json!({"issuePrice": "100", "openDate": "2024-03-01", "listingDate": "2024-03-12", "currency": "USD"});
        let id = create(&app, "ACME", issue).await;
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-12,120,125,105,110,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE - - - -", "rupees against dollars");
        change(&app, "UPDATE ipos SET currency = 'INR' WHERE ticker = 'ACME'").await;
        assert_eq!(app.app.store.ipos().measure_all().await.expect("measured"), 1);
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 0.1000 0.0000 2024-03-12");

        let issue = json!({"issuePrice": "2", "openDate": "2024-03-01", "listingDate": "2024-03-12", "currency": "GBP", "exchange": "OTHER"});
        let id = create(&app, "TSCO", issue).await;
        import(&app, "TSCO", &format!("{HEAD}2024-03-12,250,260,215,220,9,1\n")).await;
        change(&app, "UPDATE symbols SET currency = 'GBX', exchange = 'OTHER' WHERE ticker = 'TSCO'").await;
        assert_eq!(app.app.store.ipos().measure_all().await.expect("measured"), 1, "pence that were taken for pounds");
        assert_eq!(figures(&app, &id).await, "TSCO 0.2500 0.1000 0.0000 2024-03-12");
        import(&app, "TSCO", &format!("{HEAD}2024-03-13,200,200,198,198,9,1\n")).await;
        assert_eq!(figures(&app, &id).await, "TSCO 0.2500 -0.0100 -0.1000 2024-03-13");
    }

    async fn what_an_older_version_has_left_is_worked_out_at_the_start(app: TestApp) {
        let id = create(&app, "ACME", json!({"issuePrice": "100", "openDate": "2024-03-01", "listingDate": "2024-03-12"})).await;
        let bare = create(&app, "BARE", json!({"issuePrice": "100", "openDate": "2024-03-01"})).await;
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-12,120,125,105,110,9,1\n")).await;
        for forget in ["symbol_id = NULL, listing_gain = NULL, performance_version = NULL", "performance_version = 0, listing_gain = 7"] {
            let transaction = app.app.store.begin().await.expect("a transaction");
            transaction.execute_unprepared(&format!("UPDATE ipos SET {forget} WHERE ticker = 'ACME'")).await.expect("an update");
            transaction.commit().await.expect("an end");
            assert_ne!(figures(&app, &id).await, "ACME.BSE 0.2000 0.1000 0.0000 2024-03-12");
            assert_eq!(app.app.store.ipos().measure_all().await.expect("measured"), 1);
            assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 0.1000 0.0000 2024-03-12");
        }
        assert_eq!(app.app.store.ipos().measure_all().await.expect("measured"), 0, "nothing is left to do");
        assert_eq!(figures(&app, &bare).await, "- - - - -");
    }

    async fn appended_bars_carry_the_figures_on(app: TestApp) {
        let id = create(&app, "ACME", json!({"issuePrice": "100", "openDate": "2024-03-01", "listingDate": "2024-03-12"})).await;
        import(&app, "ACME.BSE", &format!("{HEAD}2024-03-12,120,125,105,110,9,1\n2024-03-13,112,160,112,150,9,1\n")).await;
        let store = &app.app.store;
        let append = async |sql: &str, since: Option<i32>| {
            let symbol = store.symbols().by_ticker("ACME.BSE").await.expect("a look").expect("a symbol");
            let transaction = store.begin().await.expect("a transaction");
            for sql in sql.split(';') {
                transaction.execute_unprepared(&sql.replace("SYMBOL", &symbol.id.to_string())).await.expect(sql);
            }
            store.ipos().measure_symbols(&transaction, &[symbol.id], since).await.expect("measured");
            transaction.commit().await.expect("an end");
        };
        // 2024-03-14 is day 19,796.
        let bar = |day: i32, close: f64| format!("INSERT INTO price_bars (symbol_id, day, open, high, low, close, volume, source)
            VALUES (SYMBOL, {day}, {close}, {close}, {close}, {close}, 1, 1);
            UPDATE symbols SET data_version = data_version + 1, bar_count = bar_count + 1, last_day = {day} WHERE id = SYMBOL");
        append(&bar(19_796, 75.0), Some(19_796)).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 -0.2500 -0.5000 2024-03-14");
        let split = r#"UPDATE symbols SET splits = '[{"day":19797,"ratio":2.0,"detected":false}]' WHERE id = SYMBOL"#;
        append(&format!("{};{split}", bar(19_797, 100.0)), Some(19_797)).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 1.0000 -0.5000 2024-03-15");
        // A split before what has been counted, found late: everything is counted anew.
        let split = r#"UPDATE symbols SET splits = '[{"day":19795,"ratio":0.5,"detected":true},{"day":19797,"ratio":2.0,"detected":false}]' WHERE id = SYMBOL"#;
        append(&format!("{};{split}", bar(19_800, 90.0)), Some(19_800)).await;
        assert_eq!(figures(&app, &id).await, "ACME.BSE 0.2000 -0.1000 -0.6591 2024-03-18");
    }

    async fn lists_are_ordered_by_figures_and_what_has_none_comes_last(app: TestApp) {
        for (n, gain) in [Some(130), None, Some(90), Some(110), None, Some(110)].into_iter().enumerate() {
            let ticker = format!("T{n}");
            let fields = json!({"issuePrice": "100", "openDate": "2024-03-01", "listingDate": format!("2024-03-1{n}"),
                                "issueSize": gain.map(|g| g * 1_000_000_000_i64)});
            create(&app, &ticker, fields).await;
            if let Some(open) = gain {
                let close = open + if n == 3 { 40 } else { 0 };
                import(&app, &format!("{ticker}.BSE"), &format!("{HEAD}2024-03-1{n},{open},200,50,{close},9,1\n")).await;
            }
        }
        create(&app, "U", json!({})).await;
        let query = "query($o: [IpoOrder!], $after: String, $before: String, $first: Int, $last: Int, $f: IpoFilter) {
            ipos(orderBy: $o, after: $after, before: $before, first: $first, last: $last, filter: $f) {
                nodes { ticker } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } totalCount } }";
        let walk = async |order: Value, forwards: bool| {
            let (mut found, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let variables = if forwards { json!({"o": [order], "first": 2, "after": cursor, "last": null, "before": null}) } else { json!({"o": [order], "last": 2, "before": cursor, "first": null, "after": null}) };
                let page = app.anonymous.data(query, variables).await["ipos"].clone();
                let mut rows: Vec<String> = page["nodes"].as_array().expect("nodes").iter().map(|n| n["ticker"].as_str().unwrap_or_default().to_owned()).collect();
                if forwards { found.extend(rows) } else { rows.append(&mut found); found = rows; }
                let (more, next) = if forwards { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
                if page["pageInfo"][more] == false { return found.join(" "); }
                cursor = page["pageInfo"][next].clone();
            }
        };
        for (field, up, down) in [
            ("LISTING_GAIN", "T2 T3 T5 T0 T1 T4 U", "T0 T5 T3 T2 U T4 T1"),
            ("RETURN_SINCE_ISSUE", "T2 T5 T0 T3 T1 T4 U", "T3 T0 T5 T2 U T4 T1"),
            ("ISSUE_SIZE", "T2 T3 T5 T0 T1 T4 U", "T0 T5 T3 T2 U T4 T1"),
            ("SUBSCRIPTION", "T0 T1 T2 T3 T4 T5 U", "U T5 T4 T3 T2 T1 T0"),
            ("LISTING_DATE", "T0 T1 T2 T3 T4 T5 U", "T5 T4 T3 T2 T1 T0 U"),
            ("OPEN_DATE", "T0 T1 T2 T3 T4 T5 U", "T5 T4 T3 T2 T1 T0 U"),
            ("ISSUE_PRICE", "T0 T1 T2 T3 T4 T5 U", "T5 T4 T3 T2 T1 T0 U"),
        ] {
            for (direction, expected) in [("ASC", up), ("DESC", down)] {
                let order = json!({"field": field, "direction": direction});
                assert_eq!(walk(order.clone(), true).await, expected, "{order}");
                assert_eq!(walk(order.clone(), false).await, expected, "{order} backwards");
            }
        }
        let filtered = async |filter: Value| {
            let page = app.anonymous.data(query, json!({"f": filter, "o": [{"field": "NAME"}], "first": null, "last": null})).await["ipos"].clone();
            let nodes = page["nodes"].as_array().expect("nodes");
            assert_eq!(page["totalCount"], nodes.len());
            nodes.iter().filter_map(|n| n["ticker"].as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(filtered(json!({"listedFrom": "2024-03-14"})).await, "T4 T5");
        assert_eq!(filtered(json!({"listedTo": "2024-03-10"})).await, "T0");
        assert_eq!(filtered(json!({"listedFrom": "2024-03-11", "listedTo": "2024-03-12"})).await, "T1 T2");

        let statistics = "query($f: IpoFilter) { ipoStatistics(filter: $f) { count withPerformance meanListingGain medianListingGain
            shareListedAboveIssue medianReturnSinceIssue } }";
        let of = async |filter: Value| app.anonymous.data(statistics, json!({"f": filter})).await["ipoStatistics"].clone();
        let near = |value: &Value, expected: f64| value.as_f64().is_some_and(|v| (v - expected).abs() < 1e-12);
        let all = of(json!({})).await;
        assert_eq!((&all["count"], &all["withPerformance"], &all["shareListedAboveIssue"]), (&json!(7), &json!(4), &json!(0.75)));
        assert!(near(&all["meanListingGain"], 0.1) && near(&all["medianListingGain"], 0.1) && near(&all["medianReturnSinceIssue"], 0.2), "{all}");
        let three = of(json!({"listedTo": "2024-03-14"})).await;
        assert!(near(&three["medianListingGain"], 0.1) && near(&three["medianReturnSinceIssue"], 0.3), "{three}");
        let none = of(json!({"listedFrom": "2025-01-01"})).await;
        assert_eq!(none, json!({"count": 0, "withPerformance": 0, "meanListingGain": null, "medianListingGain": null,
                                "shareListedAboveIssue": null, "medianReturnSinceIssue": null}));
    }
}

/// How large the market of the measurement is.
const ISSUES: usize = 20_000;
const STOCKS: usize = 2_000;
const BARS: usize = 5_000;

/// Run by hand: `cargo test --test it -- --ignored figures_over_a_whole_market --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills a database with ten million bars"]
async fn figures_over_a_whole_market_come_in_milliseconds() {
    let app = TestApp::start(crate::harness::Database::Sqlite).await;
    let store = &app.app.store;
    let began = std::time::Instant::now();
    let transaction = store.begin().await.expect("a transaction");
    let upto = |n: usize| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})");
    for sql in [
        format!(
            "{} INSERT INTO symbols (ticker, exchange, currency, source, first_day, last_day, bar_count, data_version, splits, created_at)
             SELECT 'T' || i || '.BSE', 'BSE', 'INR', 'CSV', 10000, {}, {BARS}, 1, '[]', 0 FROM n",
            upto(STOCKS),
            10_000 + BARS - 1,
        ),
        format!(
            "{} INSERT INTO price_bars (symbol_id, day, open, high, low, close, volume, source)
             SELECT s.id, 9999 + i, 50 + (s.id * 7919 + i * 31) % 100, 200, 1, 50 + (s.id * 104729 + i * 17) % 100, 1, 2
             FROM symbols AS s CROSS JOIN n ORDER BY s.id, i",
            upto(BARS),
        ),
        format!(
            "{} INSERT INTO ipos (exchange, name, name_key, ticker, board, issue_price, issue_price_units, currency, open_day, listing_day,
                                  source, seen, created_at, updated_at)
             SELECT 'NSE', 'T' || i || ' Limited', 't' || i, 'T' || i, 'SME', '80', 80000000, 'INR', 9990, 10000, 'NSE', '{{}}', 0, 0 FROM n",
            upto(ISSUES),
        ),
    ] {
        transaction.execute_unprepared(&sql).await.expect("rows");
    }
    transaction.commit().await.expect("an end");
    println!("filled in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    let measured = store.ipos().measure_all().await.expect("measured");
    println!("{measured} issues measured for the first time in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    assert_eq!(store.ipos().measure_all().await.expect("measured"), 0);
    println!("looked through again in {:?}", began.elapsed());
    let query =
        "query($f: IpoFilter) { ipoStatistics(filter: $f) { count withPerformance meanListingGain medianListingGain
        shareListedAboveIssue medianReturnSinceIssue } }";
    let before = own_memory();
    for filter in [json!({}), json!({"board": ["SME"]}), json!({"search": "limited"})] {
        let mut took = Vec::new();
        for _ in 0..20 {
            let began = std::time::Instant::now();
            let found = app.anonymous.data(query, json!({"f": filter})).await["ipoStatistics"].clone();
            took.push(began.elapsed());
            assert_eq!((&found["count"], &found["withPerformance"]), (&json!(ISSUES), &json!(STOCKS)));
        }
        took.sort();
        println!("ipoStatistics {filter}: median {:?}, slowest {:?}", took[10], took[19]);
        assert!(took[10].as_millis() < 500, "{took:?}");
    }
    println!("memory of its own: {} before the figures, {} after", before, own_memory());
    for query in [
        "{ symbols(first: 500) { nodes { latestBar { close } } } }",
        "{ symbols(first: 500) { nodes { prices(first: 3) { totalCount nodes { close } } } } }",
        "{ symbols(first: 500) { nodes { backtests(first: 1) { totalCount } } } }",
        "{ ipos(first: 500) { nodes { symbol { ticker } revisions(first: 1) { nodes { at } } } } }",
    ] {
        let (began, sent) = (std::time::Instant::now(), store.statements());
        app.anonymous.data(query, json!({})).await;
        println!("{query}: {} statements, {:?}", store.statements() - sent, began.elapsed());
    }
}

/// What the process has allocated, file pages not counted.
fn own_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.map(|line| line.trim().to_owned()).unwrap_or_default()
}
