//! Reports and charts over HTTP.

use std::io::Write;
use std::process::{Command, Stdio};

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};

use crate::harness::{Database, TestApp, state};
use crate::on_each_database;

async fn with_history(app: &TestApp) {
    let bars: String = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models/bars.csv"))
        .expect("the fixture");
    let job = app.operator.import("ACME", &bars).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
}

/// A backtest with its metrics.
async fn backtest(app: &TestApp) -> Value {
    let ran = app
        .operator
        .data(
            "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 30 } },
               execution: { commission: 0.002 } }) { backtest { id pdf: reportUrl(format: PDF) json: reportUrl(format: JSON)
               metrics { totalReturn buyAndHoldReturn cagr maxDrawdown maxDrawdownDays sharpe sortino calmar volatility exposure
               tradeCount winRate profitFactor sqn feesPaid finalEquity } } userErrors { message } } }",
            json!({}),
        )
        .await;
    ran["runBacktest"]["backtest"].clone()
}

/// Where a link of the service leads in this test.
fn path(url: &Value) -> String {
    let url = url::Url::parse(url.as_str().expect("a link")).expect("an address");
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

async fn get(app: &TestApp, path: &str, known: Option<&str>) -> Got {
    let mut request = crate::harness::http().get(format!("{}{path}", app.url));
    if let Some(tag) = known {
        request = request.header("if-none-match", tag);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, body: response.bytes().await.expect("a body").to_vec() }
}

/// The text of a PDF, as `pdftotext` reads it.
pub fn text_of(pdf: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    reader.stdin.take().expect("its input").write_all(pdf).expect("it reads");
    let text = String::from_utf8(reader.wait_with_output().expect("it ends").stdout).expect("text");
    // Figures keep on one line by spaces that don't break.
    text.replace('\u{a0}', " ")
}

on_each_database! {
    async fn a_backtest_has_a_report_as_pdf_and_as_json(app: TestApp) {
        with_history(&app).await;
        let made = backtest(&app).await;
        let pdf = get(&app, &path(&made["pdf"]), None).await;
        assert_eq!((pdf.status, &pdf.headers["content-type"]), (200, &"application/pdf".parse().expect("a type")));
        let id = made["id"].as_str().expect("an id");
        assert!(pdf.body.starts_with(b"%PDF-"));
        assert_eq!(pdf.headers["content-disposition"], format!("inline; filename=\"ACME-backtest-{id}.pdf\""));
        let rename = "mutation($id: ID!) { nameBacktest(input: { id: $id, name: \"First try\" }) { userErrors { message } } }";
        assert_eq!(app.operator.data(rename, json!({"id": id})).await["nameBacktest"]["userErrors"], json!([]));
        let named = get(&app, &path(&made["pdf"]), None).await;
        assert_eq!(named.headers["content-disposition"], format!("inline; filename=\"ACME-backtest-First-try-{id}.pdf\""));
        let whole = String::from_utf8_lossy(&pdf.body);
        assert!(whole.contains("/StructTreeRoot") && whole.contains("/Lang"), "tagged, with its language");

        let report: Value = serde_json::from_slice(&get(&app, &path(&made["json"]), None).await.body).expect("JSON");
        assert_eq!((&report["schema"], &report["version"]), (&json!("prospectus-backtest-report"), &json!(1)));
        for (api, json) in [("totalReturn", "total_return"), ("sharpe", "sharpe"), ("maxDrawdown", "max_drawdown"), ("finalEquity", "final_equity")] {
            assert_eq!(made["metrics"][api], report["metrics"][json], "{api}");
        }
        assert_eq!(report["buy_and_hold"]["total_return"], made["metrics"]["buyAndHoldReturn"]);
        assert_eq!((&report["buy_and_hold"]["trade_count"], &report["buy_and_hold"]["exposure"]), (&json!(1), &report["hold_exposure"]));
        assert!(report["buy_and_hold"]["fees_paid"].as_f64() > Some(0.0), "{}", report["buy_and_hold"]);
        assert_eq!(report["trades"].as_array().map(Vec::len), made["metrics"]["tradeCount"].as_u64().map(|n| n as usize));
        assert_eq!(report["curve"]["equity"].as_array().map(Vec::len), report["bars"].as_u64().map(|n| n as usize));
    }

    async fn a_prediction_has_a_report_that_tells_what_happened(app: TestApp) {
        let bars: String = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models/bars.csv")).expect("the fixture");
        let part: String = bars.split_inclusive('\n').take(401).collect();
        let job = app.operator.import("ACME", &part).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let made = app.operator.data("mutation { predict(input: { ticker: \"ACME\" }) { prediction { id pdf: reportUrl(format: PDF) json: reportUrl(format: JSON) } } }", json!({})).await["predict"]["prediction"].clone();
        let before = get(&app, &path(&made["pdf"]), None).await;
        assert!(before.body.starts_with(b"%PDF-"));
        with_history(&app).await;
        // What has happened changes the report, and its tag with it.
        let after = get(&app, &path(&made["pdf"]), Some(before.headers["etag"].to_str().expect("a tag"))).await;
        assert_eq!(after.status, 200);
        let report: Value = serde_json::from_slice(&get(&app, &path(&made["json"]), None).await.body).expect("JSON");
        assert_eq!(report["points"].as_array().map(Vec::len), Some(30));
        assert_eq!(report["fitted_origins"], json!(0), "the model that ships was fitted to other symbols");
        assert!(report["outcome"]["days"].as_u64() > Some(20) && report["verdict"].as_str().is_some_and(|v| v.contains("no change")));
        for chart in ["fan", "actual", "errors", "coverage"] {
            let id = made["id"].as_str().expect("an id");
            assert_eq!(get(&app, &format!("/charts/predictions/{id}/{chart}.svg?theme=dark"), None).await.status, 200);
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_pdftotext), ignore = "pdftotext is not installed")]
async fn the_pages_of_a_report_say_what_the_run_came_to() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let text = text_of(&get(&app, &path(&made["pdf"]), None).await.body);
    let number = |name: &str| made["metrics"][name].as_f64().expect("a figure");
    let percent = |name: &str, decimals: usize| format!("{:.decimals$} %", number(name) * 100.0).replace('-', "−");
    for figure in [percent("totalReturn", 2), percent("maxDrawdown", 2), percent("exposure", 1), percent("winRate", 1)]
    {
        assert!(text.contains(&figure), "{figure} is not in {text}");
    }
    for part in [
        "while holding",
        "Key figures",
        "Buy and hold",
        "Drawdowns",
        "Returns by month and year",
        "Rolling risk",
        "Best trades",
        "all trades",
        "Because of",
        "no investment advice",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // Each page ends with a form feed.
    let pages: Vec<&str> = text.split_terminator('\u{c}').collect();
    for (i, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", i + 1, pages.len())), "{page}");
        assert!(page.contains("Made ") && (i == 0 || page.contains("Backtest report")), "{page}");
    }
    // What a setting says stands in its row, not in the next one's.
    let prices = text.lines().find(|line| line.contains("Prices adjusted for")).expect("a row").trim_end();
    assert!(prices.ends_with("splits") || prices.ends_with("splits and dividends"), "{prices}");
}

/// Closes of weekdays that go up and down.
fn weekdays(from: NaiveDate, count: usize) -> String {
    let days = from.iter_days().filter(|day| day.weekday().number_from_monday() < 6).take(count);
    let rows = days.enumerate().map(|(n, day)| {
        let close = 100.0 + f64::from(u32::try_from((n % 90).abs_diff(45)).expect("small")) / 4.0;
        format!("{day},{close},{},{},{close},1000\n", close + 1.0, close - 1.0)
    });
    format!("date,open,high,low,close,volume\n{}", rows.collect::<String>())
}

#[tokio::test]
#[cfg_attr(not(has_pdftotext), ignore = "pdftotext is not installed")]
async fn a_report_of_a_long_history_a_long_name_and_much_money_loses_nothing() {
    let app = TestApp::start(Database::Sqlite).await;
    let add = "mutation($n: String!) { addSymbol(input: { ticker: \"ACME\", name: $n, refresh: false }) { symbol { name } userErrors { message } } }";
    let added = app.operator.data(add, json!({"n": "W".repeat(200)})).await;
    assert!(added["addSymbol"]["symbol"]["name"].is_string(), "{added}");
    let from: NaiveDate = "1961-01-02".parse().expect("a date");
    let job =
        app.operator.import("ACME", &weekdays(from, 11_500)).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
    let ran = app
        .operator
        .data(
            "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 30 } },
               execution: { initialCash: 1e15 } }) { backtest { pdf: reportUrl(format: PDF) } userErrors { message } } }",
            json!({}),
        )
        .await;
    let text = text_of(&get(&app, &path(&ran["runBacktest"]["backtest"]["pdf"]), None).await.body);
    let is_row = |line: &str, name: &str| line.split_whitespace().next() == Some(name);
    for year in 1961..=2004 {
        assert!(text.lines().any(|line| is_row(line, &year.to_string())), "{year} is not in {text}");
    }
    assert_eq!(text.lines().filter(|line| is_row(line, "Mean")).count(), 1, "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("Jan") && line.contains("Dec")).count(), 2, "{text}");
    // The heading and the first of its years are on one page.
    let page = text.split('\u{c}').find(|page| page.contains("Returns by month and year")).expect("a page");
    assert!(page.lines().any(|line| is_row(line, "1961")), "{page}");
    let cash = text.lines().find(|line| line.contains("Initial investment")).expect("a row").trim_end();
    assert!(cash.ends_with("1.00e15"), "{cash}");
    assert!(text.contains("W… (ACME)") && !text.contains('□'), "{text}");
    assert!(text.lines().all(|line| line.matches('W').count() < 70), "{text}");
}

#[tokio::test]
async fn the_same_report_is_the_same_bytes_and_is_not_sent_twice() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let (url, other) = (path(&made["pdf"]), app.replica().await);
    let first = get(&app, &url, None).await;
    let tag = first.headers["etag"].to_str().expect("a tag").to_owned();
    let again = get(&app, &url, Some(&tag)).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    for got in [&first, &again] {
        let vary: Vec<_> =
            got.headers.get_all("vary").iter().map(|v| v.to_str().expect("text").to_lowercase()).collect();
        assert!(tag.starts_with("W/") && vary.iter().any(|vary| vary.contains("accept-encoding")), "{vary:?}");
    }
    // Another replica renders the same bytes under the same tag.
    let elsewhere = reqwest::get(format!("{}{url}", other.url)).await.expect("an answer");
    assert_eq!(elsewhere.headers()["etag"].to_str().expect("a tag"), tag);
    assert!(elsewhere.bytes().await.expect("a body") == first.body, "the same bytes");
}

#[tokio::test]
async fn what_is_drawn_of_a_renamed_share_has_its_new_ticker() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let id = made["id"].as_str().expect("an id");
    let (report, chart) = (path(&made["json"]), format!("/charts/backtests/{id}/price.svg"));
    let before = [get(&app, &report, None).await, get(&app, &chart, None).await];
    let transaction = app.app.store.begin().await.expect("a transaction");
    let renamed = "UPDATE symbols SET ticker = 'RENAMED'";
    sea_orm::ConnectionTrait::execute_unprepared(&transaction, renamed).await.expect("renamed");
    transaction.commit().await.expect("a commit");
    for (address, before) in [report, chart].iter().zip(before) {
        let after = get(&app, address, before.headers["etag"].to_str().ok()).await;
        let text = String::from_utf8(after.body).expect("text");
        assert!(after.status == 200 && text.contains("RENAMED"), "{address}: {} {text:.300}", after.status);
    }
}

#[tokio::test]
async fn charts_are_drawn_with_names_for_screen_readers_in_both_themes() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let id = made["id"].as_str().expect("an id");
    let mut drawn = Vec::new();
    for chart in ["equity", "price", "drawdown", "monthly", "rolling", "distribution"] {
        for look in ["", "?theme=dark", "?width=640&title=no"] {
            let got = get(&app, &format!("/charts/backtests/{id}/{chart}.svg{look}"), None).await;
            let svg = String::from_utf8(got.body).expect("text");
            assert!(got.status == 200 && svg.starts_with("<svg role=\"img\""), "{chart}{look}: {svg:.200}");
            assert!(
                svg.contains("<title id=\"t\">") && svg.contains("<desc id=\"d\">") && svg.ends_with("</svg>\n"),
                "{chart}"
            );
            drawn.push(svg);
        }
    }
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 18, "each is another picture");

    let sweep = app.operator.data(
        "mutation { sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 20 }, sellAboveSma: { from: 10, to: 40 } }) { sweep { heatmapUrl(by: TOTAL_RETURN) } } }",
        json!({}),
    ).await;
    let heatmap = path(&sweep["sweepBacktests"]["sweep"]["heatmapUrl"]);
    assert!(heatmap.ends_with("by=TOTAL_RETURN") && get(&app, &heatmap, None).await.status == 200);

    // Under an address that names this build, the picture of a stored run is kept for good, by whoever has asked.
    let page = String::from_utf8(get(&app, "/reporting/", None).await.body).expect("text");
    let build = page.split("/reporting/assets/").nth(1).and_then(|rest| rest.split('/').next()).expect("a build");
    for (chart, version, is_kept) in [
        (format!("/charts/backtests/{id}/rolling.svg?"), format!("{build}.2026"), true),
        (format!("{heatmap}&"), format!("{build}.2026"), true),
        (format!("/charts/backtests/{id}/rolling.svg?"), "0123456789abcdef.2026".to_owned(), false),
        (format!("/charts/backtests/{id}/rolling.svg?"), String::new(), false),
        ("/charts/symbols/ACME.svg?".to_owned(), format!("{build}.2026"), false),
    ] {
        let got = get(&app, &format!("{chart}v={version}"), None).await;
        let caching = got.headers["cache-control"].to_str().expect("text").to_owned();
        assert_eq!((got.status, caching.contains("immutable")), (200, is_kept), "{chart} {version}: {caching}");
        assert!(caching.starts_with("private"), "{chart}: {caching}");
        let differs = got.headers.get_all("vary").iter().any(|by| by.to_str().is_ok_and(|by| by.contains("Cookie")));
        assert!(differs, "{chart}");
    }
    let series = app
        .anonymous
        .data("{ symbol(ticker: \"ACME\") { series(from: \"2001-01-01\", interval: WEEK) { chartUrl } } }", json!({}))
        .await;
    let chart = path(&series["symbol"]["series"]["chartUrl"]);
    assert_eq!(chart, "/charts/symbols/ACME.svg?adjusted=true&from=2001-01-01&interval=WEEK");
    assert_eq!(get(&app, &chart, None).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_as_json() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let id = made["id"].as_str().expect("an id");
    for (path, status) in [
        ("/reports/backtests/nonsense.pdf".to_owned(), 404),
        (format!("/reports/predictions/{id}.pdf"), 404),
        (format!("/reports/backtests/{id}.docx"), 400),
        (format!("/charts/backtests/{id}/pie.svg"), 404),
        (format!("/charts/backtests/{id}/equity.svg?theme=pink"), 400),
        (format!("/charts/backtests/{id}/equity.svg?width=99999"), 400),
        ("/charts/symbols/NOBODY.svg".to_owned(), 404),
        ("/charts/symbols/ACME.svg?from=soon".to_owned(), 400),
        ("/charts/symbols/ACME.svg?from=2003-01-01&to=2002-01-01".to_owned(), 400),
        ("/charts/symbols/ACME.svg?from=2090-01-01".to_owned(), 422),
    ] {
        let got = get(&app, &path, None).await;
        let body: Value = serde_json::from_slice(&got.body).expect("JSON");
        assert!(got.status == status && body["error"]["message"].is_string(), "{path}: {} {body}", got.status);
    }
}

#[tokio::test]
async fn the_rest_route_answers_with_the_pdf_itself() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let (status, _) = app.operator.get("/back_test?format=pdf&symbol=ACME&winbuy=10&winsell=30").await;
    assert_eq!(status, 200);
    assert_eq!(app.anonymous.get("/back_test?format=pdf&symbol=ACME").await.0, 401);
    assert_eq!(app.operator.get("/back_test?format=docx&symbol=ACME").await.0, 400);
    assert_eq!(app.operator.get("/back_test?format=pdf&symbol=NOBODY").await.0, 404);
}

#[tokio::test]
async fn many_who_ask_at_once_all_get_their_report() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = backtest(&app).await;
    let (pdf, id) = (path(&made["pdf"]), made["id"].as_str().expect("an id").to_owned());
    let asked = (0..32).map(|n| {
        let (app, path) = (
            &app,
            if n % 2 == 0 { pdf.clone() } else { format!("/charts/backtests/{id}/equity.svg?width={}", 600 + n * 20) },
        );
        async move { get(app, &path, None).await.status }
    });
    assert_eq!(futures_util::future::join_all(asked).await, vec![200; 32]);
}
