//! The console in a real browser: what a person does there, and what no page of it may do.

mod browser;
mod charts;
mod edits;
mod frame;
mod kept;
mod loops;
mod runs;
mod views;

use serde_json::{Value, json};

use self::browser::Browser;
use crate::harness::{Database, TestApp, day, state};

const AXE: &str = include_str!("../../fixtures/axe/axe.min.js");

async fn with_history(app: &TestApp) {
    let bars: String = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models/bars.csv"))
        .expect("the fixture");
    let job = app.operator.import("ACME", &bars).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
}

/// A service with a symbol's history, and somebody signed in.
async fn at_work() -> (TestApp, Browser) {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    (app, browser)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_symbol_is_added_and_arrives_while_one_watches() {
    let app = TestApp::start(Database::Sqlite).await;
    let bar = |n: usize, close: &'static str| (day(n), ["160", "170", "150", close], "1000");
    app.provider.daily("IBM", &[bar(0, "164.43"), bar(1, "164.69")]);
    let browser = Browser::open(&app, 1_280, "light").await;
    // Whoever cuts a symbol off the address is at their list.
    browser.go("/reporting/symbols/").await;
    browser.find("//*[contains(., 'No symbols yet')]").await;
    browser.sign_in().await;
    browser.click("//button[normalize-space()='Add symbol…']").await;
    browser.fill("Ticker", "ibm").await;
    browser.click("//button[normalize-space()='Add and fetch prices']").await;
    browser.find("//td[.//strong[normalize-space()='IBM']]").await;
    // The price appears by itself once the job is done.
    browser.find("//td[@data-label='Last close'][contains(., '164.69')]").await;

    browser.click("//button[normalize-space()='Add symbol…']").await;
    browser.fill("Ticker", "no such!").await;
    browser.click("//button[normalize-space()='Add and fetch prices']").await;
    browser.find("//*[@role='alert'][contains(., \"can't be a ticker\")]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_backtest_is_built_with_a_form_and_its_pdf_downloaded() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.sign_in().await;
    browser.go("/reporting/backtests/new?symbol=ACME").await;
    browser.click("//button[normalize-space()='Run the backtest']").await;
    browser.find("//h1[normalize-space()='ACME backtest']").await;
    browser.find("//dt[normalize-space()='Sharpe ratio']").await;
    browser.find("//div[@id='explore']//canvas").await;
    browser.click("//a[normalize-space()='PDF report']").await;
    let file = browser.downloaded("ACME-close-below-SMA-50-to-close-above-SMA-200", ".pdf").await;
    assert!(file.starts_with(b"%PDF-"));
    let told = browser.run("return document.title").await;
    assert_eq!(told, json!("ACME close < SMA 50 → close > SMA 200 · Prospectus"));

    // Too wide a window is told at the form.
    browser.go("/reporting/backtests/new?symbol=ACME").await;
    let days = browser.find("//input[@aria-label='Days of buy when: compared with']").await;
    days.clear().await.expect("an empty field");
    days.send_keys("20000").await.expect("keys");
    browser.click("//button[normalize-space()='Run the backtest']").await;
    browser.find("//*[@role='alert'][normalize-space()='At most 10000 days.']").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn an_administrator_signs_in_and_edits_an_ipo() {
    let app = TestApp::start(Database::Sqlite).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.go("/admin/").await;
    browser.find("//*[contains(., 'This takes an administrator')]").await;
    browser.sign_in().await;
    browser.click("//button[normalize-space()='Add an IPO']").await;
    browser.fill("Name", "Acme Limited").await;
    browser.fill("Symbol", "ACME").await;
    browser.fill("Band from", "90").await;
    browser.fill("Band to", "80").await;
    browser.click("//button[normalize-space()='Add it']").await;
    browser.find("//*[@role='alert']").await;
    browser.fill("Band to", "100").await;
    browser.click("//button[normalize-space()='Add it']").await;
    browser.find("//*[@role='status'][contains(., 'Saved')]").await;
    browser.click("//button[@aria-label='Edit Acme Limited']").await;
    browser.fill("Issue price", "95.50").await;
    browser.click("//button[normalize-space()='Save']").await;
    browser.find("//td[@data-label='Issue price'][contains(., '95.50')]").await;
    let asked = app.anonymous.data("{ ipos { nodes { name issuePrice revisions { totalCount } } } }", json!({})).await;
    assert_eq!(asked["ipos"]["nodes"][0]["issuePrice"], "95.50", "{asked}");

    browser.click("//button[normalize-space()='Delete']").await;
    browser.click("//dialog[@open]//button[normalize-space()='Delete it']").await;
    browser.find("//*[contains(., 'No IPOs here')]").await;
    browser.close().await;
}

/// Everything has come, and nothing moves but what never ends.
const AT_REST: &str = "return document.readyState === 'complete' && !document.querySelector('.skeleton') && \
     document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getTiming().iterations === Infinity)";

/// Every page, in both themes and at both widths: nothing foreign is asked for, the policy has nothing to refuse, nothing
/// is wider than the screen, and axe-core finds no serious fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn every_page_is_accessible_fits_and_stays_within_the_policy() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = app
        .admin
        .data(
            "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 20 } } }) { backtest { id } }
               predict(input: { ticker: \"ACME\" }) { prediction { id } }
               sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 20 }, sellAboveSma: { from: 10, to: 40 } }) { sweep { id } }
               createIpo(input: { name: \"Acme Limited\", exchange: NSE, ticker: \"ACME\", priceBandLow: \"90\", priceBandHigh: \"100\" }) { ipo { id } } }",
            json!({}),
        )
        .await;
    let id = |path: &str| made.pointer(path).and_then(Value::as_str).expect("an id").to_owned();
    let pages = [
        "/reporting/".to_owned(),
        "/reporting/symbols/ACME".to_owned(),
        "/reporting/ipos".to_owned(),
        format!("/reporting/ipos/{}", id("/createIpo/ipo/id")),
        "/reporting/backtests".to_owned(),
        "/reporting/backtests/new".to_owned(),
        format!("/reporting/backtests/{}", id("/runBacktest/backtest/id")),
        format!("/reporting/backtests/compare?ids={}", id("/runBacktest/backtest/id")),
        "/reporting/sweeps/new".to_owned(),
        format!("/reporting/sweeps/{}", id("/sweepBacktests/sweep/id")),
        "/reporting/forecasts".to_owned(),
        format!("/reporting/forecasts/{}", id("/predict/prediction/id")),
        "/reporting/jobs".to_owned(),
        "/reporting/admin/ipos".to_owned(),
        "/reporting/admin/records".to_owned(),
        "/reporting/admin/models".to_owned(),
        "/reporting/admin/tokens".to_owned(),
        "/reporting/nowhere".to_owned(),
        "/graphql".to_owned(),
    ];
    for (width, scheme) in [(1_440, "light"), (500, "dark")] {
        let browser = Browser::open(&app, width, scheme).await;
        browser.signed_in().await;
        browser.complaints().await;
        for page in &pages {
            browser.go(page).await;
            let ready = if page == "/graphql" { "//*[contains(@class, 'graphiql-container')]" } else { "//h1" };
            browser.find(ready).await;
            browser.until(AT_REST).await;
            let foreign = browser
                .run("return performance.getEntriesByType('resource').map((r) => r.name).filter((n) => !n.startsWith(location.origin) && !n.startsWith('data:'))")
                .await;
            assert_eq!(foreign, json!([]), "{page} asks elsewhere");
            let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(wider.as_i64() <= Some(0), "{page} is {wider} pixels wider than the screen");
            let bare = browser
                .run("return [...document.querySelectorAll('.table-box')].filter((box) => !box.querySelector('.table-bar button')).map((box) => box.innerText.slice(0, 80))")
                .await;
            assert_eq!(bare, json!([]), "{page} has tables that don't go out as a file");
            if page != "/graphql" {
                let check = format!(
                    "{AXE}; const done = arguments[arguments.length - 1]; axe.run(document, {{ resultTypes: ['violations'] }}).then((r) => \
                     done(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes[0].html)))"
                );
                let faults = browser.page.execute_async(&check, Vec::new()).await.expect("axe's findings");
                assert_eq!(faults, json!([]), "{page} at {width} in {scheme}");
            }
            let complaints = browser.complaints().await;
            assert_eq!(complaints, Vec::<String>::new(), "{page}");
        }
        browser.close().await;
    }
}

/// The page names this build's assets, all of which are there; what another build's page asks for isn't answered with
/// something else.
#[tokio::test]
async fn assets_are_asked_for_under_their_build() {
    let app = TestApp::start(Database::Sqlite).await;
    let get = async |path: &str| reqwest::get(format!("{}{path}", app.url)).await.expect("an answer");
    let page = get("/reporting/").await.text().await.expect("a page");
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/reporting/assets/")).collect();
    assert!(assets.len() > 5, "{page}");
    let build = assets[0].split('/').nth(3).expect("a build");
    for asset in &assets {
        assert!(asset.starts_with(&format!("/reporting/assets/{build}/")), "{asset}");
        assert_eq!(get(asset).await.status(), 200, "{asset}");
    }
    // What the page at an address imports is named in it.
    let symbol = get("/reporting/symbols/IBM").await.text().await.expect("a page");
    let chart = format!("<link rel=\"modulepreload\" href=\"/reporting/assets/{build}/chart.js\" />");
    assert!(symbol.contains(&chart) && !page.contains(&chart), "{symbol}");
    // The worker is to keep all that the pages ask for, and nothing of GraphiQL.
    let worker = get("/reporting/worker.js").await;
    assert_eq!(worker.headers()["cache-control"], "no-cache");
    let worker = worker.text().await.expect("a script");
    assert!(worker.contains(&format!("const BUILD = \"{build}\";")), "{worker}");
    let (_, files) = worker.split_once("const FILES = [").expect("files");
    let files: Vec<&str> =
        files.split(']').next().expect("files").split(", ").map(|file| file.trim_matches('"')).collect();
    for file in &files {
        assert_eq!(get(&format!("/reporting/assets/{build}/{file}")).await.status(), 200, "{file}");
    }
    assert!(
        files.contains(&"chart.js") && files.contains(&"vendor/inter.woff2") && files.contains(&"style.css"),
        "{files:?}"
    );
    assert!(!files.iter().any(|file| file.contains("graphiql") || file.contains("/react")), "{files:?}");
    assert_eq!(get("/reporting/assets/0123456789abcdef/app.js").await.status(), 404);
    assert_eq!(get("/reporting/assets/app.js").await.status(), 200);
}
