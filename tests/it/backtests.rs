//! Backtests and sweeps as stored objects.

use prospectus::backtest::{Execution, WindowRange};
use prospectus::request::RequestError;
use prospectus::research::{Span, SweepRequest, prepare_sweep, run_sweep};
use prospectus::store::StoreError;
use serde_json::{Value, json};

use crate::harness::{Database, TestApp, state};
use crate::on_each_database;

/// Real closes would do as well; these rise and fall, so that the rule trades.
fn csv(bars: usize) -> String {
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    let start = chrono::NaiveDate::from_ymd_opt(2015, 1, 5).expect("a date");
    for n in 0..bars {
        let date = start + chrono::Days::new((n / 5 * 7 + n % 5) as u64);
        let wave = ((n * 37) % 97) as f64 / 10.0 + (n as f64 / 40.0).sin() * 8.0 + 40.0;
        let close = (wave * 100.0).round() / 100.0;
        let open = ((wave + ((n * 13) % 7) as f64 / 10.0 - 0.3) * 100.0).round() / 100.0;
        let (high, low) = (open.max(close) + 0.25, open.min(close) - 0.25);
        text += &format!("{date},{open:.2},{high:.2},{low:.2},{close:.2},1000\n");
    }
    text
}

async fn with_bars(app: &TestApp, bars: usize) {
    let job = app.operator.import("ACME", &csv(bars)).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
}

const RUN: &str = "mutation($input: RunBacktestInput!) { runBacktest(input: $input) {
    backtest { id stale dataVersion description barCount metrics { finalEquity totalReturn maxDrawdown sharpe tradeCount }
        equity { dates equity drawdown buyAndHold } trades(first: 500) { totalCount nodes {
            entryDate exitDate entryPrice exitPrice shares profit return exitReason } } }
    userErrors { code field message } } }";

fn rule(buy: i32, sell: i32) -> Value {
    json!({"buy": {"priceBelowSma": buy}, "sell": {"priceAboveSma": sell}})
}

async fn refused(app: &TestApp, input: Value) -> (String, String, String) {
    let answer = app.operator.data(RUN, json!({"input": input})).await["runBacktest"].clone();
    assert_eq!(answer["backtest"], Value::Null, "{answer}");
    let error = &answer["userErrors"][0];
    let path: Vec<&str> = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("code"), path.join("."), text("message"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_wait_for_a_processor_that_computes_none() {
    let app = TestApp::start(Database::Sqlite).await;
    with_bars(&app, 300).await;
    let places = u32::try_from(app.app.computing.available_permits()).expect("places");
    let taken = app.app.computing.clone().acquire_many_owned(places).await.expect("all places");
    let variables = json!({"input": {"ticker": "ACME", "strategy": rule(10, 20)}});
    let mut run = std::pin::pin!(app.operator.data(RUN, variables));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), run.as_mut()).await.is_err());
    drop(taken);
    assert_eq!(run.await["runBacktest"]["userErrors"], json!([]));
    assert_eq!(app.app.computing.available_permits(), places as usize);
}

on_each_database! {
    async fn a_backtest_is_stored_with_its_curves_and_trades(app: TestApp) {
        with_bars(&app, 300).await;
        let input = json!({"ticker": "acme", "strategy": rule(10, 20), "execution": {"commission": 0.002}});
        let ran = app.operator.data(RUN, json!({"input": input})).await["runBacktest"].clone();
        assert_eq!(ran["userErrors"], json!([]));
        let backtest = &ran["backtest"];
        assert_eq!((&backtest["stale"], &backtest["barCount"]), (&json!(false), &json!(300)));
        let trades = backtest["trades"]["nodes"].as_array().expect("trades");
        assert!(trades.len() > 5 && backtest["trades"]["totalCount"] == trades.len());
        let equity: Vec<f64> = backtest["equity"]["equity"].as_array().expect("a curve").iter().filter_map(Value::as_f64).collect();
        assert_eq!(equity.len(), 300);
        let profits: f64 = trades.iter().filter_map(|t| t["profit"].as_f64()).sum();
        let last = backtest["metrics"]["finalEquity"].as_f64().expect("an equity");
        assert!((last - 10_000.0 - profits).abs() < 1e-6 && (equity[299] - last).abs() < 1e-9);
        let deepest = backtest["equity"]["drawdown"].as_array().expect("a curve").iter().filter_map(Value::as_f64).fold(0.0, f64::min);
        assert!((deepest - backtest["metrics"]["maxDrawdown"].as_f64().expect("a drawdown")).abs() < 1e-12);

        let query = "query($id: ID!) { node(id: $id) { ... on Backtest { id stale dataVersion description barCount
            metrics { finalEquity totalReturn maxDrawdown sharpe tradeCount } equity { dates equity drawdown buyAndHold }
            trades(first: 500) { totalCount nodes { entryDate exitDate entryPrice exitPrice shares profit return exitReason } } } } }";
        let stored = app.anonymous.data(query, json!({"id": backtest["id"]})).await["node"].clone();
        assert_eq!(&stored, backtest, "what was answered is what is stored");

        // A bar that the data gains makes it stale; the stored curve stays as it was.
        let more = format!("{}2030-01-01,1,1,1,1,1\n2021-01-04,44,44.5,43.5,44,1000\n", csv(300));
        let job = app.operator.import("ACME", &more).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let later = app.anonymous.data(query, json!({"id": backtest["id"]})).await["node"].clone();
        assert_eq!((&later["stale"], &later["equity"]), (&json!(true), &backtest["equity"]));
    }

    async fn a_mistake_is_named_and_nothing_is_stored(app: TestApp) {
        with_bars(&app, 60).await;
        let nested = (0..50).fold(json!({"priceBelowSma": 5}), |inner, _| json!({"not": inner}));
        let cases = [
            (json!({"ticker": "NONE", "strategy": rule(5, 10)}), "NOT_FOUND", "ticker"),
            (json!({"ticker": "ACME", "strategy": rule(5, 61)}), "INSUFFICIENT_DATA", "ticker"),
            (json!({"ticker": "ACME", "strategy": rule(0, 10)}), "INVALID", "strategy.buy"),
            (json!({"ticker": "ACME", "strategy": rule(5, -10)}), "INVALID", "strategy.sell"),
            (json!({"ticker": "ACME", "strategy": rule(5, 10), "execution": {"initialCash": -1}}), "INVALID", "execution.initialCash"),
            (json!({"ticker": "ACME", "strategy": rule(5, 10), "execution": {"commission": 1.5}}), "INVALID", "execution.commission"),
            (json!({"ticker": "ACME", "strategy": rule(5, 10), "from": "2015-03-01", "to": "2015-02-01"}), "INVALID", "from"),
            (json!({"ticker": "ACME", "strategy": rule(5, 10), "from": "2001-01-01", "to": "2001-02-01"}), "INSUFFICIENT_DATA", "ticker"),
            (json!({"ticker": "ACME", "strategy": {"buy": nested, "sell": {"priceAboveSma": 5}}}), "INVALID",
                "strategy.buy.not.not.not.not.not.not.not.not"),
            (json!({"ticker": "ACME", "strategy": {"buy": {"all": []}, "sell": {"priceAboveSma": 5}}}), "INVALID", "strategy.buy"),
            (json!({"ticker": "ACME", "strategy": {"buy": {"any": [{"priceBelowSma": 5}, {"compare": {"left": {"rsi": 1},
                "is": "BELOW", "right": {"constant": 30}}}]}, "sell": {"priceAboveSma": 5}}}), "INVALID", "strategy.buy.any.1.compare.left"),
            (json!({"ticker": "ACME", "strategy": {"buy": {"priceBelowSma": 5}, "sell": {"priceAboveSma": 5}, "stopLoss": 2}}),
                "INVALID", "strategy.stopLoss"),
        ];
        for (input, code, field) in cases {
            let (found_code, found_field, message) = refused(&app, input.clone()).await;
            assert_eq!((found_code.as_str(), found_field.as_str()), (code, field), "{input}: {message}");
            assert!(message.len() > 20, "{message}");
        }
        let inline = format!("mutation {{ runBacktest(input: {{ ticker: \"ACME\", strategy: {{ buy: {}{{ priceBelowSma: 5 }}{},
            sell: {{ priceAboveSma: 5 }} }} }}) {{ userErrors {{ code }} }} }}", "{ not: ".repeat(50), " }".repeat(50));
        let answer = app.operator.data(&inline, json!({})).await;
        assert_eq!(answer["runBacktest"]["userErrors"][0]["code"], "INVALID");
        let stored = app.anonymous.data("{ backtests { totalCount } }", json!({})).await;
        assert_eq!(stored["backtests"]["totalCount"], 0);
    }

    async fn lists_of_backtests_filter_and_page(app: TestApp) {
        with_bars(&app, 60).await;
        for window in [3, 4, 5] {
            let input = json!({"ticker": "ACME", "strategy": rule(window, 5)});
            app.operator.data(RUN, json!({"input": input})).await;
        }
        let query = "query($f: BacktestFilter) { backtests(first: 2, filter: $f) { totalCount nodes { description } pageInfo { hasNextPage } }
            symbol(ticker: \"ACME\") { backtests(last: 1) { nodes { description } } } }";
        let listed = app.anonymous.data(query, json!({"f": {"ticker": "ACME"}})).await;
        assert_eq!((&listed["backtests"]["totalCount"], &listed["backtests"]["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
        assert!(listed["backtests"]["nodes"][0]["description"].as_str().is_some_and(|d| d.contains("5-day")), "{listed}");
        assert!(listed["symbol"]["backtests"]["nodes"][0]["description"].as_str().is_some_and(|d| d.contains("3-day")));
        let none = app.anonymous.data(query, json!({"f": {"ticker": "NONE"}})).await;
        assert_eq!(none["backtests"]["totalCount"], 0);
        let past = app.anonymous.data(query, json!({"f": {"createdTo": "2020-01-01T00:00:00Z"}})).await;
        assert_eq!(past["backtests"]["totalCount"], 0);
    }

    async fn a_small_sweep_answers_at_once_and_its_rows_are_single_runs(app: TestApp) {
        with_bars(&app, 200).await;
        let sweep = "mutation($input: SweepBacktestsInput!) { sweepBacktests(input: $input) { job { id } userErrors { code field }
            sweep { id combinations columns { buyWindow sellWindow totalReturn maxDrawdown sharpe tradeCount }
                best(by: TOTAL_RETURN, first: 3) { buyWindow sellWindow totalReturn } } } }";
        let input = json!({"ticker": "ACME", "buyBelowSma": {"from": 5, "to": 15, "step": 5}, "sellAboveSma": {"from": 10, "to": 20, "step": 10}});
        let ran = app.operator.data(sweep, json!({"input": input})).await["sweepBacktests"].clone();
        assert_eq!((&ran["job"], &ran["userErrors"]), (&Value::Null, &json!([])));
        let columns = &ran["sweep"]["columns"];
        assert_eq!((&columns["buyWindow"], &columns["sellWindow"]), (&json!([5, 5, 10, 10, 15, 15]), &json!([10, 20, 10, 20, 10, 20])));
        for (i, (buy, sell)) in [(5, 10), (5, 20), (10, 10), (10, 20), (15, 10), (15, 20)].into_iter().enumerate() {
            let input = json!({"ticker": "ACME", "strategy": rule(buy, sell)});
            let single = app.operator.data(RUN, json!({"input": input})).await["runBacktest"]["backtest"]["metrics"].clone();
            assert_eq!(columns["tradeCount"][i], single["tradeCount"]);
            for name in ["totalReturn", "maxDrawdown", "sharpe"] {
                let (of_sweep, of_run) = (columns[name][i].as_f64().expect("a figure"), single[name].as_f64().expect("a figure"));
                assert!((of_sweep - of_run).abs() < 1e-12 * of_run.abs().max(1.0), "{name}: {of_sweep} {of_run}");
            }
        }
        let part = "query($id: ID!) { sweep(id: $id) { name: columns { __typename } columns { ...type ...count } } }
            fragment type on SweepColumns { __typename } fragment count on SweepColumns { tradeCount }";
        let read = app.anonymous.data(part, json!({"id": ran["sweep"]["id"]})).await["sweep"].clone();
        assert_eq!(read["name"], json!({"__typename": "SweepColumns"}));
        assert_eq!(read["columns"], json!({"__typename": "SweepColumns", "tradeCount": columns["tradeCount"]}));
        let none = "query($id: ID!) { sweep(id: $id) { best(first: -1) { sharpe } } }";
        let none = app.anonymous.graphql(none, json!({"id": ran["sweep"]["id"]})).await;
        assert!(none["errors"][0]["message"].as_str().is_some_and(|m| m.contains("first is -1")), "{none}");
        let best = ran["sweep"]["best"].as_array().expect("points");
        assert!(best.len() == 3 && best[0]["totalReturn"].as_f64() >= best[1]["totalReturn"].as_f64());
        let wrong = json!({"ticker": "ACME", "buyBelowSma": {"from": 1, "to": 2000}, "sellAboveSma": {"from": 1, "to": 2000}});
        let refused = app.operator.data(sweep, json!({"input": wrong})).await["sweepBacktests"].clone();
        assert_eq!(refused["userErrors"], json!([{"code": "INVALID", "field": ["buyBelowSma"]}]));
    }

    async fn what_is_computed_of_a_symbol_that_is_removed_meanwhile_finds_none(app: TestApp) {
        with_bars(&app, 60).await;
        let windows = WindowRange { from: 5, to: 6, step: 1 };
        let (execution, span) = (Execution::default(), Span::default());
        let request = SweepRequest { ticker: "ACME".to_owned(), buy: windows, sell: windows, execution, span };
        let (bars, _) = prepare_sweep(&app.app, &request).await.expect("bars");
        let removed = app.operator.data("mutation { removeSymbol(input: { ticker: \"ACME\" }) { userErrors { code } } }", json!({})).await;
        assert_eq!(removed["removeSymbol"]["userErrors"], json!([]));
        let ran = run_sweep(&app.app, request, bars, None, |_| true).await;
        assert!(matches!(ran, Err(RequestError::Store(StoreError::Orphaned(_)))), "{ran:?}");
    }

    async fn runs_are_named_found_again_and_deleted(app: TestApp) {
        with_bars(&app, 250).await;
        let mut runs = Vec::new();
        for (buy, sell) in [(10, 20), (20, 50)] {
            let input = json!({"ticker": "ACME", "strategy": rule(buy, sell)});
            runs.push(app.operator.data(RUN, json!({"input": input})).await["runBacktest"]["backtest"]["id"].clone());
        }
        let swept = app.operator.data("mutation { sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 6 }, sellAboveSma: { from: 5, to: 6 } }) { sweep { id name } } }", json!({})).await;
        let sweep = swept["sweepBacktests"]["sweep"]["id"].clone();
        let name = "mutation($input: NameBacktestInput!) { nameBacktest(input: $input) { backtest { id name } userErrors { code field } } }";
        let named = app.operator.data(name, json!({"input": {"id": runs[0], "name": "  Slow  100% dip "}})).await;
        assert_eq!(named["nameBacktest"], json!({"backtest": {"id": runs[0], "name": "Slow 100% dip"}, "userErrors": []}));
        let long = app.operator.data(name, json!({"input": {"id": runs[0], "name": "x".repeat(101)}})).await;
        assert_eq!(long["nameBacktest"]["userErrors"], json!([{"code": "INVALID", "field": ["name"]}]));
        let of_sweep = "mutation($input: NameSweepInput!) { nameSweep(input: $input) { sweep { name } userErrors { code } } }";
        app.operator.data(of_sweep, json!({"input": {"id": sweep, "name": "Wide"}})).await;
        let wrong = app.operator.data(of_sweep, json!({"input": {"id": runs[0], "name": "Wide"}})).await;
        assert_eq!(wrong["nameSweep"]["userErrors"], json!([{"code": "NOT_FOUND"}]));

        let find = "query($b: BacktestFilter, $s: SweepFilter) { backtests(filter: $b) { totalCount nodes { id name } } sweeps(filter: $s) { totalCount } }";
        let found = async |b: &str, s: &str| app.anonymous.data(find, json!({"b": {"search": b}, "s": {"search": s}})).await;
        let by_name = found("100% DIP", "wid").await;
        assert_eq!((&by_name["backtests"]["nodes"][0]["id"], &by_name["backtests"]["totalCount"], &by_name["sweeps"]["totalCount"]), (&runs[0], &json!(1), &json!(1)));
        let by_symbol = found("acm", "acm").await;
        assert_eq!((&by_symbol["backtests"]["totalCount"], &by_symbol["sweeps"]["totalCount"]), (&json!(2), &json!(1)));
        assert_eq!(found("10_%", "%").await["backtests"]["totalCount"], 0, "wildcards are letters");
        app.operator.data(name, json!({"input": {"id": runs[0], "name": null}})).await;
        assert_eq!(found("dip", "").await["backtests"]["totalCount"], 0);

        let made = app.operator.data("mutation { predict(input: { ticker: \"ACME\" }) { prediction { id } } }", json!({})).await;
        let prediction = made["predict"]["prediction"]["id"].clone();
        for (kind, id) in [("Backtest", &runs[0]), ("Sweep", &sweep), ("Prediction", &prediction)] {
            let drop = format!("mutation($id: ID!) {{ gone: delete{kind}(input: {{ id: $id }}) {{ deletedId userErrors {{ code }} }} }}");
            assert_eq!(app.reader.graphql(&drop, json!({"id": id})).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
            let gone = app.operator.data(&drop, json!({"id": id})).await;
            assert_eq!(gone["gone"], json!({"deletedId": id, "userErrors": []}), "{kind}");
            let again = app.operator.data(&drop, json!({"id": id})).await;
            assert_eq!(again["gone"], json!({"deletedId": null, "userErrors": [{"code": "NOT_FOUND"}]}), "{kind}");
            assert_eq!(app.anonymous.data("query($id: ID!) { node(id: $id) { id } }", json!({"id": id})).await["node"], Value::Null);
        }
        assert_eq!(found("", "").await["backtests"]["totalCount"], 1);
        let (status, _) = app.operator.get(&format!("/reports/backtests/{}.pdf", runs[0].as_str().expect("an id"))).await;
        assert_eq!(status, 404);
    }

    async fn a_large_sweep_is_a_job_with_progress_and_ends_in_a_sweep(app: TestApp) {
        with_bars(&app, 150).await;
        let sweep = "mutation { sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 1, to: 120 },
            sellAboveSma: { from: 1, to: 120 } }) { job { id kind } sweep { id } userErrors { message } } }";
        let asked = app.operator.data(sweep, json!({})).await["sweepBacktests"].clone();
        assert_eq!((&asked["sweep"], &asked["job"]["kind"]), (&Value::Null, &json!("SWEEP")), "{asked}");
        let job = app.settled(asked["job"]["id"].as_str().expect("a job")).await;
        assert_eq!((state(&job), &job["done"], &job["total"], &job["outcome"]), ("SUCCEEDED", &json!(14_400), &json!(14_400), &Value::Null));
        let query = "query($id: ID!) { node(id: $id) { ... on Job { sweep { combinations columns { tradeCount } best(first: 1) { sharpe } } } } }";
        let found = app.anonymous.data(query, json!({"id": asked["job"]["id"]})).await["node"]["sweep"].clone();
        assert_eq!(found["combinations"], 14_400);
        assert_eq!(found["columns"]["tradeCount"].as_array().map(Vec::len), Some(14_400));
        assert!(found["best"][0]["sharpe"].is_number());
        // Read once, however many fields ask; 500 copies of the results would take 200 MB.
        let ask = |i| format!("a{i}: columns {{ __typename }} b{i}: best(first: 1) {{ sharpe }}");
        let again = (0..250).map(ask).collect::<Vec<_>>().join(" ");
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Job {{ sweep {{ {again} }} }} }} }}");
        let all = app.anonymous.graphql(&query, json!({"id": asked["job"]["id"]})).await;
        let (last, code) = (&all["data"]["node"]["sweep"]["b249"], &all["errors"][0]["extensions"]["code"]);
        assert!(*last == found["best"] || *code == "QUERY_TOO_COMPLEX", "{code}");
    }

    async fn a_backtest_by_rest(app: TestApp) {
        with_bars(&app, 250).await;
        let (status, ran) = app.operator.get("/back_test?symbol=ACME&winbuy=20&winsell=50&initial=5000&format=json").await;
        assert_eq!(status, 200, "{ran}");
        assert_eq!(ran["backtest"]["equity"]["equity"][0], 5000.0);
        assert!(ran["backtest"]["metrics"]["trade_count"].is_number());
        let code = |answer: (u16, Value)| (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default().to_owned());
        assert_eq!(code(app.anonymous.get("/back_test?symbol=ACME").await), (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(code(app.operator.get("/back_test?symbol=NONE").await), (404, "NOT_FOUND".to_owned()));
        assert_eq!(code(app.operator.get("/back_test?symbol=ACME&winsell=900").await), (422, "INSUFFICIENT_DATA".to_owned()));
        assert_eq!(code(app.operator.get("/back_test?symbol=ACME&winbuy=ten").await), (400, "INVALID".to_owned()));
        assert_eq!(code(app.operator.get("/back_test").await), (400, "INVALID".to_owned()));
        for (query, field) in [("ACME&initial=-5", "initial"), ("ACME&winbuy=0", "winbuy"), ("NONE", "symbol"), ("ACME&winsell=900", "symbol")] {
            let (_, refused) = app.operator.get(&format!("/back_test?symbol={query}")).await;
            assert_eq!(refused["error"]["field"], field, "{query}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_has_one_of_the_largest_sweeps() {
    let app = TestApp::start(Database::Sqlite).await;
    let mut csv = "date,open,high,low,close,volume\n".to_owned();
    let start = chrono::NaiveDate::from_ymd_opt(1960, 1, 4).expect("a date");
    for n in 0..15_100 {
        let date = start + chrono::Days::new((n / 5 * 7 + n % 5) as u64);
        // Always above its averages, so that nothing is bought.
        let price = 1.0 + f64::from(n) / 100.0;
        csv += &format!("{date},{price:.2},{price:.2},{price:.2},{price:.2},1\n");
    }
    let job = app.operator.import("ACME", &csv).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
    let sweep = "sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 2, to: 101 }, sellAboveSma: { from: 2, to: 101 } })
        { sweep { combinations } userErrors { code } }";
    let swept = app.operator.data(&format!("mutation {{ a: {sweep} b: {sweep} }}"), json!({})).await;
    assert_eq!(swept["a"], json!({"sweep": {"combinations": 10_000}, "userErrors": []}));
    assert_eq!(swept["b"], json!({"sweep": null, "userErrors": [{"code": "LIMIT_EXCEEDED"}]}));
    let stored = app.anonymous.data("{ sweeps { totalCount } }", json!({})).await;
    assert_eq!(stored["sweeps"]["totalCount"], 1);
}
