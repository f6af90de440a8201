//! A browser under the tests' hands.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client as Page, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{ADMIN_TOKEN, TestApp};

/// What there is of the worker that keeps the console, for a test that fails.
const KEPT: &str = "return navigator.serviceWorker.getRegistrations().then(async (all) => [await caches.keys(), \
     all.map((one) => [one.installing, one.waiting, one.active].map((worker) => worker?.state ?? null)), \
     sessionStorage.getItem('loaded-for'), document.querySelector('script[type=module]')?.src])";

/// How long anything may take to appear.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with nobody signed in, and a folder that it downloads to.
pub struct Browser {
    pub page: Page,
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

/// A command of the browser's own protocol.
#[derive(Debug)]
struct Cdp(&'static str, Value);

impl fantoccini::wd::WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.0, "params": self.1}).to_string()))
    }
}

/// A driver that listens, and its port. It takes a free port of IPv6 and gives up where that number is taken on IPv4, as it
/// may be by any connection of the tests beside it.
fn started() -> (Child, u16) {
    let mut said = Vec::new();
    for _ in 0..20 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        for line in BufReader::new(driver.stdout.take().expect("its output")).lines().map_while(Result::ok) {
            let port =
                line.split_once("started successfully on port ").map(|(_, port)| port.trim_end_matches('.').parse());
            if let Some(Ok(port)) = port {
                return (driver, port);
            }
            said.push(line);
        }
        let _ = driver.wait();
    }
    panic!("chromedriver doesn't say its port: {said:#?}")
}

impl Browser {
    pub async fn open(app: &TestApp, width: u32, scheme: &str) -> Self {
        Self::open_at(&app.url, width, scheme).await
    }

    pub async fn open_at(url: &str, width: u32, scheme: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (driver, port) = started();
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
        let browser = Self { page, driver, folder, url: url.to_owned() };
        browser.go("/reporting/").await;
        browser.run(&format!("localStorage.setItem('theme', '{scheme}')")).await;
        browser
    }

    /// Makes the page this wide, narrower than a window can be.
    pub async fn be_wide(&self, width: u32) {
        let metrics = json!({"width": width, "height": 1_000, "deviceScaleFactor": 1, "mobile": false});
        self.page.issue_cmd(Cdp("Emulation.setDeviceMetricsOverride", metrics)).await.expect("a width");
    }

    /// Makes every request wait this long.
    pub async fn be_slow(&self, milliseconds: u32) {
        let line = json!({"offline": false, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1});
        self.page.issue_cmd(Cdp("Network.enable", json!({}))).await.expect("a network");
        self.page.issue_cmd(Cdp("Network.emulateNetworkConditions", line)).await.expect("a slow line");
    }

    /// Signs in without the dialog.
    pub async fn signed_in(&self) {
        let token = serde_json::to_string(&json!({"token": ADMIN_TOKEN})).expect("json");
        let sign_in = "const done = arguments[arguments.length - 1]; fetch('/session', { method: 'POST', \
                       headers: { 'x-prospectus-console': '1', 'content-type': 'application/json' }, body: arguments[0] }) \
                       .then((r) => done(r.status))";
        let status = self.page.execute_async(sign_in, vec![json!(token)]).await.expect("a status");
        assert_eq!(status, 200);
    }

    /// Waits until a script's answer is true.
    pub async fn until(&self, script: &str) {
        let started = std::time::Instant::now();
        loop {
            let said = self.page.execute(script, Vec::new()).await;
            // A page that is loaded anew meanwhile takes the script with it, which then is an error and no answer.
            if matches!(&said, Ok(answer) if *answer == json!(true)) {
                return;
            }
            if started.elapsed() > PATIENCE {
                let focus = self.run("return document.activeElement.outerHTML.slice(0, 200)").await;
                let text = self.run("return document.body.innerText").await;
                let kept = self.run(KEPT).await;
                panic!(
                    "never: {script}, but {said:?}; the focus is on {focus}, of the worker is kept {kept}, the page says {text}"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn go(&self, path: &str) {
        self.page.goto(&format!("{}{path}", self.url)).await.expect("a page");
    }

    pub async fn run(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.expect("a script's answer")
    }

    pub async fn find(&self, xpath: &str) -> fantoccini::elements::Element {
        let found = self.page.wait().at_most(PATIENCE).for_element(Locator::XPath(xpath)).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let text = self.run("return document.body.innerText").await;
                panic!("nothing is at {xpath} ({error}); the page says {text}")
            }
        }
    }

    pub async fn click(&self, xpath: &str) {
        self.find(xpath).await.click().await.expect("a click");
    }

    /// Writes into the field with this label.
    pub async fn fill(&self, label: &str, text: &str) {
        self.write(&format!("//label[normalize-space()='{label}']/following-sibling::input"), text).await;
    }

    /// Writes into the field at this place.
    pub async fn write(&self, field: &str, text: &str) {
        let started = std::time::Instant::now();
        loop {
            let element = self.find(field).await;
            element.clear().await.expect("an empty field");
            element.send_keys(text).await.expect("keys");
            // The page may have drawn the field anew between the two. Other kinds of field write down what was typed.
            tokio::time::sleep(Duration::from_millis(60)).await;
            let is_number = element.prop("type").await.expect("a type").as_deref() == Some("number");
            if !is_number || element.prop("value").await.expect("a value").as_deref() == Some(text) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{field} doesn't take {text}");
        }
    }

    pub async fn sign_in(&self) {
        self.click("//header//button[normalize-space()='Sign in']").await;
        self.find("//dialog//input[@type='password']").await.send_keys(ADMIN_TOKEN).await.expect("keys");
        self.click("//dialog//button[normalize-space()='Sign in']").await;
        self.find("//header//button[normalize-space()='Sign out']").await;
    }

    /// A file whose name begins and ends so, once the browser has it whole.
    pub async fn downloaded(&self, begins: &str, ends: &str) -> Vec<u8> {
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

    /// Where it downloads to, and may upload from.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What the browser complained of since it was last asked. That a page took seconds to use what it has loaded ahead says
    /// how busy the machine is.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.page.issue_cmd(ReadLog).await.expect("a log");
        let messages = log.as_array().into_iter().flatten().filter_map(|entry| entry["message"].as_str());
        messages.filter(|message| !message.contains("not used within a few seconds")).map(str::to_owned).collect()
    }

    pub async fn close(self) {
        let _ = self.page.clone().close().await;
    }
}
