//! A whole service for a test: its own database, its own provider, a worker, and clients with different rights.

pub mod archive;
pub mod nse;
pub mod postgres;
pub mod provider;
pub mod proxy;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prospectus::app::App;
use prospectus::settings::Settings;
use prospectus::store::{Event, Role};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use provider::{Answer, Provider, day};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    // Without a server installed its tests are listed as ignored.
    #[cfg_attr(not(has_postgres), allow(dead_code))]
    Postgres,
}

/// Makes one test for each database, whose service may have settings of its own. Where PostgreSQL isn't installed, its
/// test is reported as ignored.
#[macro_export]
macro_rules! on_each_database {
    ($(async fn $name:ident($app:ident: TestApp $(, $setting:literal = $value:literal)*) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn test($app: $crate::harness::TestApp) $body

            async fn start(database: $crate::harness::Database) {
                test($crate::harness::TestApp::start_with(database, &[$(($setting, $value)),*]).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                start($crate::harness::Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
            async fn on_postgres() {
                start($crate::harness::Database::Postgres).await;
            }
        })*
    };
}

/// A running service.
pub struct TestApp {
    pub app: App,
    pub url: String,
    pub provider: Provider,
    pub nse: nse::NseStub,
    pub archive: archive::ArchiveStub,
    pub anonymous: Client,
    pub reader: Client,
    pub operator: Client,
    pub admin: Client,
    _folder: TempDir,
}

pub const ADMIN_TOKEN: &str = "an-admin-token-for-tests";
/// How long a test waits for what is to come: a training takes seven seconds of a processor by itself, and many tests run beside it.
const PATIENCE: Duration = Duration::from_secs(150);

static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// The address of a fresh database.
pub fn fresh_database(database: Database, folder: &TempDir) -> String {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    match database {
        Database::Sqlite => format!("sqlite://{}/{number}.db", folder.path().display()),
        Database::Postgres => postgres::fresh_database(number),
    }
}

impl TestApp {
    pub async fn start(database: Database) -> Self {
        Self::start_with(database, &[]).await
    }

    /// Starts with settings of its own on top of those that tests share.
    pub async fn start_with(database: Database, settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let provider = Provider::start().await;
        let nse = nse::NseStub::start().await;
        let nse_url = nse.url();
        let archive = archive::ArchiveStub::start().await;
        let archive_url = archive.url();
        let database_url = fresh_database(database, &folder);
        let base_url = provider.url();
        let source = |name: &'static str| {
            if let Some((_, value)) = settings.iter().find(|(n, _)| *n == name) {
                return Some((*value).to_owned());
            }
            Some(match name {
                "DATABASE_URL" => database_url.clone(),
                "LISTEN" => "127.0.0.1:0".to_owned(),
                "ADMIN_TOKEN" => ADMIN_TOKEN.to_owned(),
                "ALPHA_VANTAGE_BASE_URL" => base_url.clone(),
                "ALPHA_VANTAGE_API_KEY" => "SECRETKEY123".to_owned(),
                "ALPHA_VANTAGE_PER_SECOND" | "ALPHA_VANTAGE_PER_DAY" => "0".to_owned(),
                "PROVIDER_TIMEOUT_SECONDS" => "1".to_owned(),
                "NSE_BASE_URL" => nse_url.clone(),
                "NSE_ARCHIVE_URL" => archive_url.clone(),
                "IPO_SCHEDULE" => "off".to_owned(),
                _ => return None,
            })
        };
        let settings = Settings::read(&source).expect("settings");
        let (app, url) = launch(settings).await;
        tokio::spawn(prospectus::workers::run_worker(app.clone()));
        let (_, operator) = app.store.tokens().create("an operator", Role::Operator, None).await.expect("a token");
        let (_, reader) = app.store.tokens().create("a reader", Role::Reader, None).await.expect("a token");
        let http = http();
        let client = |token| Client::over(http.clone(), &url, token);
        Self {
            anonymous: client(None),
            reader: client(Some(&reader)),
            operator: client(Some(&operator)),
            admin: client(Some(ADMIN_TOKEN)),
            app,
            url,
            provider,
            nse,
            archive,
            _folder: folder,
        }
    }

    /// Another API process on the same database, without a worker.
    pub async fn replica(&self) -> Replica {
        self.replica_at(&self.app.settings.database_url).await
    }

    /// The same, that keeps no answers: each query is run.
    pub async fn forgetful_replica(&self) -> Replica {
        let mut settings = self.app.settings.clone();
        settings.http.response_cache = 0;
        let (app, url) = launch(settings).await;
        Replica { app, url }
    }

    /// Another API process on the same database, whose settings differ.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Settings)) -> Replica {
        let mut settings = self.app.settings.clone();
        change(&mut settings);
        let (app, url) = launch(settings).await;
        Replica { app, url }
    }

    /// Another API process, without a worker, that reaches the database elsewhere.
    pub async fn replica_at(&self, database: &str) -> Replica {
        let mut settings = self.app.settings.clone();
        settings.database_url = database.to_owned().into();
        let (app, url) = launch(settings).await;
        Replica { app, url }
    }

    /// Adds a symbol and answers with its first job once that has ended.
    pub async fn add_symbol(&self, ticker: &str) -> Value {
        let job = self.operator.add_symbol(ticker).await;
        self.settled(&job).await
    }

    /// Refreshes a symbol and answers with the job once that has ended.
    pub async fn refresh(&self, ticker: &str) -> Value {
        let data = self
            .operator
            .data(
                "mutation($t: [String!]) { refreshSymbols(input: { tickers: $t }) { jobs { id } userErrors { message } } }",
                json!({"t": [ticker]}),
            )
            .await;
        let id = data["refreshSymbols"]["jobs"][0]["id"].as_str().expect("a job").to_owned();
        self.settled(&id).await
    }

    /// The job of an import once it has ended.
    pub async fn imported(&self, ticker: &str, csv: &str) -> Value {
        let queued = self.operator.import(ticker, csv).await;
        self.settled(queued["job"]["id"].as_str().unwrap_or_else(|| panic!("a job: {queued}"))).await
    }

    /// The job once it has ended.
    pub async fn settled(&self, id: &str) -> Value {
        self.anonymous.settled(id).await
    }

    /// The job once it is as wanted.
    pub async fn job_when(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.anonymous.job_when(id, wanted).await
    }

    /// A symbol's raw bars, one line each.
    pub async fn bars(&self, ticker: &str) -> Vec<String> {
        let query = "query($t: String!) { symbol(ticker: $t) { prices(first: 500) {
                     nodes { date open high low close adjustedClose volume } } } }";
        let data = self.anonymous.data(query, json!({"t": ticker})).await;
        let line = |b: &Value| {
            let date = b["date"].as_str().unwrap_or_default();
            let [open, high, low, close, adjusted, volume] =
                ["open", "high", "low", "close", "adjustedClose", "volume"].map(|field| b[field].to_string());
            format!("{date} {open} {high} {low} {close} {adjusted} {volume}")
        };
        data["symbol"]["prices"]["nodes"].as_array().map(|bars| bars.iter().map(line).collect()).unwrap_or_default()
    }
}

/// An app on an up-to-date database, and where it answers.
async fn launch(settings: Settings) -> (App, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_postgres = settings.database_url.starts_with("postgres");
    let app = App::build(settings).await.expect("an app");
    app.store.migrate().await.expect("migrations");
    prospectus::workers::setup_queue(&app).await.expect("a queue");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = prospectus::http::router(app.clone());
    tokio::spawn(prospectus::http::serve(listener, router, app.clone()));
    let is_told = is_postgres.then(|| app.store.events().subscribe());
    let events = app.clone();
    tokio::spawn(async move { events.store.events().listen().await });
    if let Some(mut events) = is_told {
        // Who follows before there is a connection that listens hears that changes may have been missed.
        let heard = tokio::time::timeout(PATIENCE, events.recv()).await.expect("a listener");
        assert_eq!(heard.expect("an event"), Event::Resync);
    }
    (app, url)
}

/// An API process beside the first.
pub struct Replica {
    pub app: App,
    pub url: String,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.app.shutdown.cancel();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.shutdown.cancel();
    }
}

/// What is asked again and again, once it is as wanted.
pub async fn until<T: std::fmt::Debug>(mut ask: impl AsyncFnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = ask().await;
        if wanted(&found) {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it has not come as far as expected: {found:?}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// A job's state.
pub fn state(job: &Value) -> &str {
    job["state"].as_str().unwrap_or_default()
}

/// "STATE: message".
pub fn summary(job: &Value) -> String {
    format!("{}: {}", state(job), job["message"].as_str().unwrap_or_default())
}

/// A client without proxies and without the system's certificates, which take long to read: nothing here is encrypted.
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client")
}

/// Somebody with or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    pub fn new(url: &str, token: Option<&str>) -> Self {
        Self::over(http(), url, token)
    }

    fn over(http: reqwest::Client, url: &str, token: Option<&str>) -> Self {
        Self { http, url: url.to_owned(), token: token.map(str::to_owned) }
    }

    /// The whole answer to an operation.
    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        let request =
            self.http.post(format!("{}/graphql", self.url)).json(&json!({"query": query, "variables": variables}));
        self.send(request).await.1
    }

    /// The data of an operation that succeeds.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.graphql(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    /// Adds a symbol and answers with its job's id.
    pub async fn add_symbol(&self, ticker: &str) -> String {
        let query =
            "mutation($t: String!) { addSymbol(input: { ticker: $t }) { job { id } userErrors { code message } } }";
        let data = self.data(query, json!({"t": ticker})).await;
        data["addSymbol"]["job"]["id"].as_str().unwrap_or_else(|| panic!("no job: {data}")).to_owned()
    }

    /// A job once it has ended.
    pub async fn settled(&self, id: &str) -> Value {
        self.job_when(id, |job| ["SUCCEEDED", "FAILED", "CANCELLED"].contains(&state(job))).await
    }

    /// A job once it is as wanted.
    pub async fn job_when(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on Job { id state message attempts done total
                     outcome { added changed unchanged flagged } } } }";
        until(async || self.data(query, json!({"id": id})).await["node"].clone(), wanted).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.http.get(format!("{}{path}", self.url))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.http.post(format!("{}{path}", self.url)).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.http.put(format!("{}{path}", self.url)).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(self.http.delete(format!("{}{path}", self.url))).await
    }

    /// Imports a CSV file.
    pub async fn import(&self, ticker: &str, csv: &str) -> Value {
        let query = "mutation($file: Upload!, $t: String!) { importPrices(input: { ticker: $t, file: $file }) {
                      job { id } symbol { ticker source } userErrors { code message field } } }";
        self.upload(query, json!({"file": null, "t": ticker}), csv).await["data"]["importPrices"].clone()
    }

    /// The whole answer to an operation whose variable `file` is a CSV file, sent by the GraphQL multipart request
    /// specification.
    pub async fn upload(&self, query: &str, variables: Value, csv: &str) -> Value {
        let boundary = "a-boundary-between-parts";
        let operations = json!({"query": query, "variables": variables});
        let part = |name: &str, extra: &str, body: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{body}\r\n")
        };
        let body = [
            part("operations", "", &operations.to_string()),
            part("map", "", r#"{"0": ["variables.file"]}"#),
            part("0", "; filename=\"prices.csv\"\r\nContent-Type: text/csv", csv),
            format!("--{boundary}--\r\n"),
        ]
        .concat();
        let request = self
            .http
            .post(format!("{}/graphql", self.url))
            .header("content-type", format!("multipart/form-data; boundary={boundary}"))
            .header("apollo-require-preflight", "true")
            .body(body);
        self.send(request).await.1
    }

    pub async fn send(&self, mut request: reqwest::RequestBuilder) -> (u16, Value) {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}
