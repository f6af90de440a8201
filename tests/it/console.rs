//! The console in a real browser: what a person does there, and what no page of it may do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client as Page, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{ADMIN_TOKEN, Database, TestApp, day, state};

const PATIENCE: Duration = Duration::from_secs(20);
const AXE: &str = include_str!("../fixtures/axe/axe.min.js");

/// A browser with nobody signed in, and a folder that it downloads to.
struct Browser {
    page: Page,
    driver: Child,
    folder: TempDir,
    url: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The browser's log since it was last asked for.
#[derive(Debug)]
struct ReadLog;

impl fantoccini::wd::WebDriverCompatibleCommand for ReadLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

impl Browser {
    async fn open(app: &TestApp, width: u32, scheme: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("chromedriver says its port");
        let profile = folder.path().join("profile");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            format!("--window-size={width},1000"),
        ];
        let mut capabilities = serde_json::Map::new();
        capabilities.insert(
            "goog:chromeOptions".to_owned(),
            json!({"args": arguments, "prefs": {"download.default_directory": folder.path()}}),
        );
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser");
        let browser = Self { page, driver, folder, url: app.url.clone() };
        browser.go("/reporting/").await;
        browser.run(&format!("localStorage.setItem('theme', '{scheme}')")).await;
        browser
    }

    async fn go(&self, path: &str) {
        self.page.goto(&format!("{}{path}", self.url)).await.expect("a page");
    }

    async fn run(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.expect("a script's answer")
    }

    async fn find(&self, xpath: &str) -> fantoccini::elements::Element {
        let found = self.page.wait().at_most(PATIENCE).for_element(Locator::XPath(xpath)).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let text = self.run("return document.body.innerText").await;
                panic!("nothing is at {xpath} ({error}); the page says {text}")
            }
        }
    }

    async fn click(&self, xpath: &str) {
        self.find(xpath).await.click().await.expect("a click");
    }

    /// Writes into the field with this label.
    async fn fill(&self, label: &str, text: &str) {
        let field = format!("//label[normalize-space()='{label}']/following-sibling::input");
        let element = self.find(&field).await;
        element.clear().await.expect("an empty field");
        element.send_keys(text).await.expect("keys");
    }

    async fn sign_in(&self) {
        self.click("//header//button[normalize-space()='Sign in']").await;
        self.find("//dialog//input[@type='password']").await.send_keys(ADMIN_TOKEN).await.expect("keys");
        self.click("//dialog//button[normalize-space()='Sign in']").await;
        self.find("//header//button[normalize-space()='Sign out']").await;
    }

    /// A file whose name begins and ends so, once the browser has it whole.
    async fn downloaded(&self, begins: &str, ends: &str) -> Vec<u8> {
        let started = std::time::Instant::now();
        loop {
            let files = std::fs::read_dir(self.folder.path()).expect("the folder").filter_map(Result::ok);
            let found = files.map(|file| file.path()).find(|path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.starts_with(begins) && name.ends_with(ends)
            });
            if let Some(path) = found {
                return std::fs::read(path).expect("the file");
            }
            assert!(started.elapsed() < PATIENCE, "{begins}…{ends} was not downloaded");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the browser complained of since it was last asked.
    async fn complaints(&self) -> Vec<String> {
        let log = self.page.issue_cmd(ReadLog).await.expect("a log");
        log.as_array().into_iter().flatten().filter_map(|entry| Some(entry["message"].as_str()?.to_owned())).collect()
    }

    async fn close(self) {
        let _ = self.page.clone().close().await;
    }
}

async fn with_history(app: &TestApp) {
    let bars: String = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models/bars.csv"))
        .expect("the fixture");
    let job = app.operator.import("ACME", &bars).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_symbol_is_added_and_arrives_while_one_watches() {
    let app = TestApp::start(Database::Sqlite).await;
    let bar = |n: usize, close: &'static str| (day(n), ["160", "170", "150", close], "1000");
    app.provider.daily("IBM", &[bar(0, "164.43"), bar(1, "164.69")]);
    let browser = Browser::open(&app, 1_280, "light").await;
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
        "/reporting/admin/tokens".to_owned(),
        "/reporting/nowhere".to_owned(),
        "/graphql".to_owned(),
    ];
    for (width, scheme) in [(1_440, "light"), (500, "dark")] {
        let browser = Browser::open(&app, width, scheme).await;
        let token = serde_json::to_string(&json!({"token": ADMIN_TOKEN})).expect("json");
        let sign_in = "const done = arguments[arguments.length - 1]; fetch('/session', { method: 'POST', \
                       headers: { 'x-prospectus-console': '1' }, body: arguments[0] }).then((r) => done(r.status))";
        let status = browser.page.execute_async(sign_in, vec![json!(token)]).await.expect("a status");
        assert_eq!(status, 200);
        browser.complaints().await;
        for page in &pages {
            browser.go(page).await;
            let ready = if page == "/graphql" { "//*[contains(@class, 'graphiql-container')]" } else { "//h1" };
            browser.find(ready).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
            let foreign = browser
                .run("return performance.getEntriesByType('resource').map((r) => r.name).filter((n) => !n.startsWith(location.origin) && !n.startsWith('data:'))")
                .await;
            assert_eq!(foreign, json!([]), "{page} asks elsewhere");
            let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(wider.as_i64() <= Some(0), "{page} is {wider} pixels wider than the screen");
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
