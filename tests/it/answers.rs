//! Dates, names and units: the sessions of an exchange, currencies, text in any script, the smallest bid.

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestApp, state};
use crate::on_each_database;

/// Weekdays up to a day, the oldest first.
fn weekdays(until: &str, count: usize) -> Vec<NaiveDate> {
    let last: NaiveDate = until.parse().expect("a date");
    let days = (0..).map(|n| last - chrono::Days::new(n)).filter(|day| day.weekday().number_from_monday() < 6);
    let mut days: Vec<NaiveDate> = days.take(count).collect();
    days.reverse();
    days
}

fn csv<'a>(days: impl IntoIterator<Item = &'a NaiveDate>) -> String {
    let rows = days.into_iter().enumerate().map(|(n, day)| {
        let close = 100.0 + f64::from(u32::try_from(n % 11).expect("small")) / 4.0;
        format!("{day},{close},{},{},{close},1000\n", close + 1.0, close - 1.0)
    });
    format!("date,open,high,low,close,volume\n{}", rows.collect::<String>())
}

async fn import(app: &TestApp, ticker: &str, csv: &str) {
    let job = app.operator.import(ticker, csv).await["job"]["id"].as_str().expect("a job").to_owned();
    let job = app.settled(&job).await;
    assert_eq!(state(&job), "SUCCEEDED", "{job}");
}

async fn predict(app: &TestApp, ticker: &str) -> (Value, Vec<String>) {
    let query = "mutation($t: String!) { predict(input: { ticker: $t, horizon: 5 }) { prediction { id points { date } } userErrors { message } } }";
    let made = app.operator.data(query, json!({"t": ticker})).await["predict"].clone();
    let points = made["prediction"]["points"].as_array().unwrap_or_else(|| panic!("{made}")).clone();
    let dates = points.iter().filter_map(|point| point["date"].as_str().map(str::to_owned)).collect();
    (made["prediction"]["id"].clone(), dates)
}

async fn points(app: &TestApp, id: &Value) -> Vec<(String, bool)> {
    let query = "query($id: ID!) { node(id: $id) { ... on Prediction { points { date actual } } } }";
    let found = app.anonymous.data(query, json!({"id": id})).await["node"]["points"].clone();
    let points = found.as_array().expect("points").iter();
    points.map(|p| (p["date"].as_str().expect("a date").to_owned(), p["actual"].is_number())).collect()
}

/// No figure has more than the fifteen digits that every decimal keeps in a double.
fn is_short(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(is_short),
        Value::Object(fields) => fields.values().for_each(is_short),
        Value::Number(number) => {
            let value = number.as_f64().expect("a number");
            let text = format!("{:e}", value.abs());
            let digits = text.split('e').next().map_or(0, |digits| digits.replace('.', "").len());
            assert!(digits <= 15, "{value}");
        }
        other => panic!("{other} is no figure"),
    }
}

/// The PDFs of backtests and predictions of companies with such names, each with what its text must show of the name.
async fn reports_in_any_script(app: &TestApp) -> Vec<(&'static str, Vec<u8>)> {
    let cases = [
        ("CN", "腾讯控股有限公司", "TengXun"),
        ("HI", "टाटा मोटर्स लिमिटेड", "CO.HI"),
        ("AR", "شركة أرامكو", "CO.AR"),
        ("EM", "Rocket 🚀 Ltd", "Rocket"),
        ("CC", "Bell\u{7}\u{1b}[31m Works\u{85}", "Bell[31m Works"),
        ("HE", "טבע", "CO.HE"),
        ("TH", "ปตท", "CO.TH"),
        ("XX", "\u{10ffff}\u{e000}Odd", "Odd"),
    ];
    let (days, mut reports) = (weekdays("2024-06-14", 300), Vec::new());
    for (code, name, shown) in cases {
        let ticker = format!("CO.{code}");
        let add = "mutation($t: String!, $n: String!) { addSymbol(input: { ticker: $t, name: $n, refresh: false }) { symbol { name } userErrors { message } } }";
        let added =
            app.operator.data(add, json!({"t": ticker, "n": name})).await["addSymbol"]["symbol"]["name"].clone();
        let kept = added.as_str().expect("a name");
        assert!(!kept.chars().any(char::is_control), "{kept:?}");
        import(app, &ticker, &csv(&days)).await;
        let run = "mutation($t: String!) { runBacktest(input: { ticker: $t, strategy: { buy: { priceBelowSma: 5 }, sell: { priceAboveSma: 9 } } }) { backtest { reportUrl(format: PDF) } }
            predict(input: { ticker: $t }) { prediction { reportUrl(format: PDF) } } }";
        let made = app.operator.data(run, json!({"t": ticker})).await;
        for url in [&made["runBacktest"]["backtest"]["reportUrl"], &made["predict"]["prediction"]["reportUrl"]] {
            let path = url.as_str().and_then(|url| url.split_once("/reports")).expect("an address").1;
            let client = crate::harness::http();
            let response = client.get(format!("{}/reports{path}", app.url)).send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), 200, "{ticker} {name}");
            let body = response.bytes().await.expect("a body").to_vec();
            assert!(body.starts_with(b"%PDF-"), "{ticker} {name}");
            reports.push((shown, body));
        }
    }
    reports
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_pdftotext), ignore = "pdftotext is not installed")]
async fn reports_show_names_in_any_script_or_the_ticker() {
    let app = TestApp::start(Database::Sqlite).await;
    for (shown, report) in reports_in_any_script(&app).await {
        let text = crate::reports::text_of(&report);
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
}

on_each_database! {
    async fn a_session_on_a_sunday_is_a_day_of_a_prediction_and_gets_its_actual(app: TestApp) {
        // The budget of 2026 was read on a Sunday; two weeks before, elections closed the exchange.
        let known = weekdays("2026-01-14", 160);
        import(&app, "ONE.BSE", &csv(&known)).await;
        let (_, dates) = predict(&app, "ONE.BSE").await;
        assert_eq!(dates, ["2026-01-16", "2026-01-19", "2026-01-20", "2026-01-21", "2026-01-22"]);
        let known = weekdays("2026-01-30", 160);
        import(&app, "TWO.BSE", &csv(&known)).await;
        let (id, dates) = predict(&app, "TWO.BSE").await;
        assert_eq!(dates, ["2026-02-01", "2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05"]);
        let sunday: NaiveDate = "2026-02-01".parse().expect("a date");
        import(&app, "TWO.BSE", &csv(known.iter().chain([&sunday]))).await;
        let settled = points(&app, &id).await;
        assert_eq!((settled[0].0.as_str(), settled[0].1, settled[1].1), ("2026-02-01", true, false));
    }

    async fn a_session_that_nobody_expected_takes_the_next_step(app: TestApp) {
        // No list has the 15th of June 2019, a Saturday.
        let known = weekdays("2019-06-14", 160);
        import(&app, "ONE.BSE", &csv(&known)).await;
        let (id, dates) = predict(&app, "ONE.BSE").await;
        assert_eq!(dates, ["2019-06-17", "2019-06-18", "2019-06-19", "2019-06-20", "2019-06-21"]);
        let saturday: NaiveDate = "2019-06-15".parse().expect("a date");
        import(&app, "ONE.BSE", &csv(known.iter().chain([&saturday]))).await;
        let settled = points(&app, &id).await;
        let days: Vec<&str> = settled.iter().map(|(day, _)| day.as_str()).collect();
        assert_eq!(days, ["2019-06-15", "2019-06-17", "2019-06-18", "2019-06-19", "2019-06-20"]);
        assert!(settled[0].1 && !settled[1].1);
        // What one share has traded on, another of the exchange may expect.
        import(&app, "TWO.BSE", &csv(&known)).await;
        assert_eq!(predict(&app, "TWO.BSE").await.1[0], "2019-06-15");
    }

    async fn the_exchange_s_own_list_of_holidays_goes_before_the_almanac(app: TestApp) {
        let list = r#"{"CM": [{"tradingDate": "17-Jul-2029", "weekDay": "Tuesday", "description": "Muharram", "Sr_no": 1}]}"#;
        app.nse.page("/api/holiday-master", list);
        let data = app.operator.data("mutation { refreshIpos(input: {}) { job { id } } }", json!({})).await;
        assert_eq!(state(&app.settled(data["refreshIpos"]["job"]["id"].as_str().expect("a job")).await), "SUCCEEDED");
        let known = app.app.store.market_days().known(&[prospectus::market::Exchange::Nse], 21_700, 21_800).await.expect("days");
        let days: Vec<String> = known.rests.iter().map(|day| prospectus::market::day::iso(*day)).collect();
        assert_eq!(days, ["2029-07-17"]);
    }

    async fn currencies_are_iso_4217_and_pence_a_unit(app: TestApp) {
        let search = json!({"bestMatches": [{"1. symbol": "TSCO.LON", "2. name": "Tesco PLC", "4. region": "United Kingdom", "8. currency": "GBX"}]});
        let daily = crate::harness::provider::daily("TSCO.LON", &[(crate::harness::day(0), ["250.1", "251", "249", "250.5"], "7")]);
        app.provider.answer("TSCO.LON", Answer::Body(daily));
        app.provider.answer("search TSCO.LON", Answer::Body(search.to_string()));
        app.add_symbol("TSCO.LON").await;
        let query = "query($t: String!) { symbol(ticker: $t) { currency quotationUnit latestBar { close } } }";
        let found = app.anonymous.data(query, json!({"t": "TSCO.LON"})).await["symbol"].clone();
        assert_eq!(found, json!({"currency": "GBP", "quotationUnit": "0.01", "latestBar": {"close": 250.5}}), "as quoted");
        for ticker in ["ONE.NSE", "TWO.BSE"] {
            let add = "mutation($t: String!) { addSymbol(input: { ticker: $t, refresh: false }) { symbol { currency quotationUnit } } }";
            let added = app.operator.data(add, json!({"t": ticker})).await["addSymbol"]["symbol"].clone();
            assert_eq!(added, json!({"currency": "INR", "quotationUnit": "1"}), "{ticker}");
        }
        let create = "mutation($c: String!) { createIpo(input: { name: \"A plc\", exchange: OTHER, currency: $c }) { ipo { currency } userErrors { field } } }";
        let refused = app.admin.data(create, json!({"c": "GBX"})).await["createIpo"].clone();
        assert_eq!(refused, json!({"ipo": null, "userErrors": [{"field": ["currency"]}]}));
        assert_eq!(app.admin.data(create, json!({"c": "GBP"})).await["createIpo"]["ipo"]["currency"], "GBP");
    }

    async fn names_in_any_script_are_kept_and_have_their_reports(app: TestApp) {
        assert_eq!(reports_in_any_script(&app).await.len(), 16);
    }

    async fn the_smallest_bid_of_an_sme_issue_follows_the_rule_of_its_day(app: TestApp) {
        let create = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { minimumInvestment } userErrors { message } } }";
        for (ticker, board, open, least) in [
            ("A", "SME", "2025-06-30", "138000"), ("B", "SME", "2025-07-01", "276000"), ("C", "MAINBOARD", "2025-07-01", "138000"),
        ] {
            let input = json!({"name": format!("{ticker} Ltd"), "exchange": "NSE", "ticker": ticker, "board": board, "openDate": open, "lotSize": 1200, "issuePrice": "115"});
            let made = app.admin.data(create, json!({"input": input})).await["createIpo"].clone();
            assert_eq!(made["ipo"]["minimumInvestment"], least, "{made}");
        }
    }

    async fn money_is_decimals_wherever_it_is_shown(app: TestApp) {
        let days = weekdays("2024-06-14", 90);
        let rows = days.iter().enumerate().map(|(n, day)| {
            // From 10.00 to 10.96, up and down.
            let close = f64::from(u32::try_from(n * 37 % 97).expect("small") + 1_000) / 100.0;
            format!("{day},{close},{:.2},{:.2},{close},1000\n", close * 1.2, close * 0.8)
        });
        import(&app, "DEC.BSE", &format!("date,open,high,low,close,volume\n{}", rows.collect::<String>())).await;
        let flat = days.iter().fold(String::new(), |text, day| text + &format!("{day},0.1,0.1,0.1,0.1,1000\n"));
        import(&app, "TEN.BSE", &format!("date,open,high,low,close,volume\n{flat}")).await;
        let run = "mutation($t: String!, $e: ExecutionInput, $s: StrategyInput!) { runBacktest(input: { ticker: $t, adjustment: NONE, execution: $e, strategy: $s }) {
            backtest { id metrics { finalEquity totalReturn feesPaid } equity { equity buyAndHold } trades(first: 100) { nodes { entryPrice exitPrice profit } } } } }";
        let always = |is: &str| json!({"compare": {"left": {"price": "CLOSE"}, "is": is, "right": {"constant": 0}}});
        let held = json!({"buy": always("ABOVE"), "sell": always("BELOW")});
        let three = json!({"initialCash": 0.3, "fill": "SAME_CLOSE"});
        let made = app.operator.data(run, json!({"t": "TEN.BSE", "s": held, "e": three})).await["runBacktest"]["backtest"].clone();
        assert_eq!(made["equity"]["equity"][0], json!(0.3), "three shares at 0.10 are 0.30");
        let stops = json!({"buy": {"priceBelowSma": 3}, "sell": {"priceAboveSma": 2}, "stopLoss": 0.07, "takeProfit": 0.13});
        let signals = json!({"buy": {"priceBelowSma": 3}, "sell": {"priceAboveSma": 2}});
        for (whole, slippage, strategy) in [(true, 0.001, &signals), (true, 0.0, &stops), (false, 0.001, &stops)] {
            let costs = json!({"initialCash": 1_000.1, "commission": 0.002, "slippage": slippage, "wholeShares": whole});
            let made = app.operator.data(run, json!({"t": "DEC.BSE", "s": strategy, "e": costs})).await["runBacktest"]["backtest"].clone();
            let id = made["id"].as_str().expect("an id").to_owned();
            assert!(made["trades"]["nodes"].as_array().expect("trades").len() > 5, "{made}");
            let (_, report) = app.anonymous.get(&format!("/reports/backtests/{id}.json")).await;
            let money = [&made["equity"], &made["trades"], &made["metrics"]["finalEquity"], &made["metrics"]["feesPaid"],
                &report["curve"]["equity"], &report["curve"]["buy_and_hold"], &report["metrics"]["final_equity"]];
            money.into_iter().for_each(is_short);
            for trade in report["trades"].as_array().expect("trades") {
                for key in ["entry_price", "exit_price", "shares", "profit"] {
                    is_short(&trade[key]);
                }
            }
            for path in [format!("/export/backtests/{id}.csv"), format!("/export/backtests/{id}/trades.csv")] {
                let table = reqwest::get(format!("{}{path}", app.url)).await.expect("an answer").text().await.expect("text");
                assert!(table.lines().count() > 5, "{path}: {table}");
                let head: Vec<&str> = table.lines().next().expect("headings").split(',').collect();
                for row in table.lines().skip(1) {
                    for (cell, name) in row.split(',').zip(&head) {
                        if !["drawdown", "return"].contains(name) && let Ok(value) = cell.parse::<f64>() {
                            is_short(&json!(value));
                        }
                    }
                }
            }
            if whole {
                let figure = |name: &str| made["metrics"][name].as_f64().expect("a figure");
                let expected = prospectus::market::exact::change(1_000.1, figure("finalEquity"));
                assert!((figure("totalReturn") - expected).abs() < 1e-15, "{made}");
            }
        }
    }

    async fn a_figure_is_the_double_that_its_digits_name(app: TestApp) {
        let rows = weekdays("2024-06-14", 6).iter().map(|day| format!("{day},1.106,1.106,1.106,1.106,1000")).collect::<Vec<_>>();
        import(&app, "ONE.BSE", &format!("date,open,high,low,close,volume\n{}\n", rows.join("\n"))).await;
        let strategy = |is: &str, level: f64| format!("{{ buy: {{ compare: {{ left: {{ price: CLOSE }}, is: {is}, right: {{ constant: {level:?} }} }} }}, sell: {{ priceAboveSma: 2 }} }}");
        for figure in [99.999_999_999_999_97, 15.014_999_999_999_997, 1.105_999_999_999_999_9, 426_935.459_006_287_16_f64] {
            // By a variable, in the text, and read again from the store.
            let run = |head: &str, cash: &str| format!("mutation{head} {{ runBacktest(input: {{ ticker: \"ONE.BSE\", execution: {{ initialCash: {cash}, fill: SAME_CLOSE }},
                strategy: {} }}) {{ backtest {{ id metrics {{ finalEquity }} equity {{ equity }} }} }} }}", strategy("BELOW", 0.0));
            for (query, variables) in [(run("($c: Float!)", "$c"), json!({"c": figure})), (run("", &format!("{figure:?}")), json!({}))] {
                let made = app.operator.data(&query, variables).await["runBacktest"]["backtest"].clone();
                let read = "query($id: ID!) { node(id: $id) { ... on Backtest { metrics { finalEquity } equity { equity } } } }";
                let again = app.anonymous.data(read, json!({"id": made["id"]})).await["node"].clone();
                for told in [&made, &again] {
                    let told = (told["metrics"]["finalEquity"].as_f64(), told["equity"]["equity"][0].as_f64());
                    assert_eq!(told, (Some(figure), Some(figure)));
                }
            }
        }
        // The neighbours of a price are not the price.
        for (is, level, trades) in [("ABOVE", 1.105_999_999_999_999_9, 1), ("BELOW", 1.106_000_000_000_000_3, 1), ("ABOVE", 1.106, 0)] {
            let query = format!("mutation {{ runBacktest(input: {{ ticker: \"ONE.BSE\", strategy: {} }}) {{ backtest {{ metrics {{ tradeCount }} }} }} }}", strategy(is, level));
            let made = app.operator.data(&query, json!({})).await["runBacktest"]["backtest"].clone();
            assert_eq!(made["metrics"]["tradeCount"], trades, "{is} {level:?}");
        }
        let beyond = r#"{"query": "query($c: Float) { viewer(c: $c) { name } }", "variables": {"c": 1e400}}"#;
        let client = crate::harness::http();
        let request = client.post(format!("{}/graphql", app.url)).header("content-type", "application/json").body(beyond);
        let said = request.send().await.expect("an answer").text().await.expect("a text");
        assert!(said.contains("has a number that is too large (line 1, column "), "{said}");
    }

    async fn whoever_was_a_fund_in_the_calendar_is_one_again(app: TestApp) {
        let fetched = async |rows: &str| {
            let calendar = format!("symbol,name,ipoDate,priceRangeLow,priceRangeHigh,currency,exchange\r\n{rows}");
            app.provider.answer("", Answer::Body(calendar));
            let data = app.operator.data("mutation { refreshIpos(input: { source: ALPHA_VANTAGE }) { job { id } } }", json!({})).await;
            app.settled(data["refreshIpos"]["job"]["id"].as_str().expect("a job")).await["message"].clone()
        };
        // The calendar names no kind of security: a fund's first row may be a share.
        let told = fetched("CVGD,\"Elevated Series Trust, The\",2099-05-18,0,0,USD,NYSE\r\nONLY,Lonely Trust,2099-05-18,0,0,USD,NYSE\r\nCVSM,\"Elevated Series Trust, The\",2099-05-18,0,0,USD,NYSE\r\n").await;
        assert_eq!(told, "1 added, 0 changed, 0 unchanged; 2 that aren't shares left out: 2 of a series of a fund (FUND)");
        let told = fetched("CVQT,\"Elevated Series Trust, The\",2099-06-18,0,0,USD,NYSE\r\nCVGO,Elevated Series Trustees Inc,2099-06-18,0,0,USD,NYSE\r\n").await;
        assert_eq!(told, "1 added, 0 changed, 0 unchanged; 1 that isn't a share left out: 1 of a series of a fund (FUND)");
        let found = app.anonymous.data("{ ipos { nodes { ticker } } dataIssues { nodes { record resolvedAt } } }", json!({})).await;
        let tickers: Vec<&str> = found["ipos"]["nodes"].as_array().expect("issues").iter().filter_map(|ipo| ipo["ticker"].as_str()).collect();
        assert_eq!(tickers, ["CVGO", "ONLY"]);
        let listed = found["dataIssues"]["nodes"].as_array().expect("records");
        assert!(listed.len() == 3 && listed.iter().all(|record| record["resolvedAt"].is_string()), "{listed:?}");
    }

    async fn names_of_runs_pass_the_one_gate_for_text(app: TestApp) {
        import(&app, "ONE.BSE", &csv(&weekdays("2024-06-14", 60))).await;
        let run = "mutation { runBacktest(input: { ticker: \"ONE.BSE\", strategy: { buy: { priceBelowSma: 5 }, sell: { priceAboveSma: 9 } } }) { backtest { id } } }";
        let id = app.operator.data(run, json!({})).await["runBacktest"]["backtest"]["id"].clone();
        let name = "mutation($id: ID!, $n: String) { nameBacktest(input: { id: $id, name: $n }) { backtest { name } userErrors { message } } }";
        for (given, kept) in [("Bell\u{7} \u{202e}one", json!("Bell one")), ("\u{200b}\u{1b}", Value::Null), ("腾讯 🚀\n", json!("腾讯 🚀"))] {
            let named = app.operator.data(name, json!({"id": id, "n": given})).await["nameBacktest"].clone();
            assert_eq!(named, json!({"backtest": {"name": kept}, "userErrors": []}), "{given:?}");
        }
    }
}
