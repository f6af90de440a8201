//! What the service tells of itself: metrics, traces and the log, of the real binary.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::binary::{Server, prospectus};
use crate::harness::provider::daily;
use crate::harness::{ADMIN_TOKEN, Answer, Client, Database, Provider, TestApp, day, fresh_database};
use crate::subscriptions::{connect_to, receive};

const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "a-key-that-nobody-may-see";
/// Of the database and of the collector.
const PASSWORD: &str = "a-word-that-nobody-may-see";

/// Samples of a scrape by what stands before their value.
fn samples(scrape: &str) -> BTreeMap<&str, f64> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.rsplit_once(' ').expect("a value")).map(|(n, v)| (n, v.parse().expect("a number"))).collect()
}

async fn scrape(url: &str) -> String {
    let response = reqwest::get(format!("{url}/metrics")).await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    response.text().await.expect("a scrape")
}

/// Three bars for whoever asks.
async fn provider() -> Provider {
    let provider = Provider::start().await;
    let days: Vec<_> = (0..3).map(|n| (day(n), ["1.0", "2.0", "0.5", "1.5"], "7")).collect();
    provider.answer("IBM", Answer::Body(daily("IBM", &days)));
    provider
}

mod a_scrape_tells_what_happened {
    use super::*;

    async fn test(database: Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let (url, provider) = (fresh_database(database, &folder), provider().await);
        let settings =
            [("METRICS_LISTEN", "127.0.0.1:0"), ("ALPHA_VANTAGE_API_KEY", KEY), ("ALPHA_VANTAGE_PER_DAY", "25")];
        let server = Server::start(&url, &provider.url(), &[], &settings);
        let metrics = server.logged("at=127.0.0.1:");
        let admin = Client::new(&server.url, Some(ADMIN_TOKEN));

        let job = admin.add_symbol("IBM").await;
        assert_eq!(admin.settled(&job).await["state"], "SUCCEEDED");
        let made_up = "query SomethingMadeUp { symbols { totalCount } }";
        admin.data(made_up, json!({})).await;
        assert!(admin.graphql("{ nothing }", json!({})).await["errors"].is_array());
        assert_eq!(admin.get("/financial_data/data?symbol=IBM").await.0, 200);
        for _ in 0..2 {
            assert_eq!(admin.get("/charts/symbols/IBM.svg").await.0, 200);
        }
        assert_eq!(admin.get("/no/such/place/at/all").await.0, 404);

        let text = scrape(&metrics).await;
        let samples = samples(&text);
        let value = |name: &str| *samples.get(name).unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
        assert_eq!(
            value(
                r#"prospectus_graphql_operations_total{operation_type="query",operation="FinancialDataData",outcome="ok"}"#
            ),
            1.0
        );
        assert_eq!(
            value(
                r#"prospectus_graphql_operations_total{operation_type="query",operation="other",outcome="GRAPHQL_VALIDATION_FAILED"}"#
            ),
            1.0
        );
        assert!(!text.contains("SomethingMadeUp") && !text.contains("no/such/place"), "input must not make labels");
        assert_eq!(value(r#"prospectus_http_requests_total{method="GET",route="other",status="404"}"#), 1.0);
        assert_eq!(
            value(r#"prospectus_http_requests_total{method="GET",route="/charts/symbols/{file}",status="200"}"#),
            2.0
        );
        assert!(value(r#"prospectus_graphql_operation_cost_count{operation_type="query"}"#) >= 2.0);
        assert!(value(r#"prospectus_graphql_phase_duration_seconds_count{phase="resolve"}"#) >= 4.0);
        assert!(
            value(r#"prospectus_database_statement_duration_seconds_count{statement="SELECT",outcome="ok"}"#) > 5.0
        );
        assert_eq!(value(r#"prospectus_job_duration_seconds_count{kind="REFRESH_SYMBOL",outcome="succeeded"}"#), 1.0);
        assert_eq!(value(r#"prospectus_job_wait_seconds_count{kind="REFRESH_SYMBOL"}"#), 1.0);
        assert_eq!(value(r#"prospectus_jobs{kind="REFRESH_SYMBOL",state="QUEUED"}"#), 0.0);
        assert_eq!(value("prospectus_job_queue_age_seconds"), 0.0);
        assert_eq!(value("prospectus_database_up"), 1.0);
        let calls: f64 =
            samples.iter().filter(|(n, _)| n.starts_with("prospectus_provider_calls_total")).map(|(_, v)| v).sum();
        assert!(calls >= 1.0);
        assert_eq!(value(r#"prospectus_provider_budget_left{provider="alpha_vantage"}"#), 25.0 - calls);
        assert_eq!(value(r#"prospectus_renders_total{kind="chart",outcome="rendered"}"#), 1.0);
        assert_eq!(value(r#"prospectus_renders_total{kind="chart",outcome="cached"}"#), 1.0);
        assert_eq!(value(r#"prospectus_cache_hits_total{cache="renders"}"#), 1.0);
        assert_eq!(value("prospectus_websockets"), 0.0);
        let pools = samples.keys().filter(|name| name.starts_with("prospectus_database_pool_connections{"));
        assert!(pools.count() >= 4);
        if cfg!(target_os = "linux") {
            assert!(value("process_resident_memory_bytes") > 1e7);
        }
        well_formed(&text);

        // A worker has no other address, so its health is asked here.
        let health = |listens: &str| {
            let mut command = prospectus();
            let output = command.args(["health", "--worker"]).env("METRICS_LISTEN", listens).output().expect("it runs");
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(health(metrics.trim_start_matches("http://")), (true, String::new()));
        let (well, said) = health("off");
        assert!(!well && said.contains("METRICS_LISTEN"), "{said}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        test(Database::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
    async fn on_postgres() {
        test(Database::Postgres).await;
    }
}

/// Every sample has a help text and a type.
fn well_formed(scrape: &str) {
    let names = |kind: &str| -> BTreeSet<&str> {
        let lines = scrape.lines().filter_map(|line| line.strip_prefix(kind));
        lines.filter_map(|rest| rest.split_whitespace().next()).collect()
    };
    let (help, types) = (names("# HELP "), names("# TYPE "));
    assert!(!types.is_empty());
    assert_eq!(types.difference(&help).collect::<Vec<_>>(), Vec::<&&str>::new(), "these lack a help text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_promtool), ignore = "promtool is not installed")]
async fn prometheus_own_checker_has_nothing_to_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (url, provider) = (fresh_database(Database::Sqlite, &folder), provider().await);
    let server = Server::start(&url, &provider.url(), &[], &[("METRICS_LISTEN", "127.0.0.1:0")]);
    let admin = Client::new(&server.url, Some(ADMIN_TOKEN));
    let job = admin.add_symbol("IBM").await;
    admin.settled(&job).await;
    let scrape = scrape(&server.logged("at=127.0.0.1:")).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(&mut promtool.stdin.take().expect("its input"), scrape.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_serves_metrics_too_and_a_service_without_an_address_for_them_only_to_admins() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = fresh_database(Database::Sqlite, &folder);
    let provider = provider().await;
    let server = Server::start(&url, &provider.url(), &[], &[]);
    let path = "/metrics";
    assert_eq!(Client::new(&server.url, None).get(path).await.0, 401);
    let (status, text) = Client::new(&server.url, Some(ADMIN_TOKEN)).get(path).await;
    assert_eq!(status, 200);
    assert!(text.as_str().expect("text").contains("prospectus_build_info{"));
    drop(server);

    let app = TestApp::start(Database::Sqlite).await;
    assert_eq!(app.operator.get(path).await.0, 403);
}

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, String) {
        async fn take(State(collector): State<Collector>, body: Bytes) -> Vec<u8> {
            let request = ExportTraceServiceRequest::decode(body).expect("what OTLP sends");
            let spans = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
            collector.0.lock().expect("spans").extend(spans.flat_map(|scope| scope.spans));
            ExportTraceServiceResponse::default().encode_to_vec()
        }
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = axum::Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, url)
    }

    /// The spans of a trace once they are as wanted.
    async fn trace(&self, id: &str, wanted: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        self.those(|span| hex(&span.trace_id) == id, wanted).await
    }

    /// All of some spans once they are as wanted.
    async fn those(&self, which: impl Fn(&Span) -> bool, wanted: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans: Vec<Span> = self.0.lock().expect("spans").iter().filter(|span| which(span)).cloned().collect();
            if wanted(&spans) {
                return spans;
            }
            let names: Vec<&String> = spans.iter().map(|span| &span.name).collect();
            assert!(Instant::now() < deadline, "not all that was expected: {names:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

mod one_trace_goes_from_a_mutation_to_its_job {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    async fn test(database: Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let (url, provider) = (fresh_database(database, &folder), provider().await);
        let (collector, endpoint) = Collector::start().await;
        let endpoint = endpoint.replace("http://", &format!("http://me:{PASSWORD}@"));
        let url = url.replace("://tests@", &format!("://tests:{PASSWORD}@"));
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("ALPHA_VANTAGE_API_KEY", KEY),
            ("LOG_FORMAT", "json"),
            ("RUST_LOG", "trace"),
        ];
        let server = Server::start(&url, &provider.url(), &[], &settings);
        let admin = Client::new(&server.url, Some(ADMIN_TOKEN));
        let mut socket = connect_to(&server.url, json!({"authorization": format!("Bearer {ADMIN_TOKEN}")})).await;
        assert_eq!(receive(&mut socket).await.expect("an answer")["type"], "connection_ack");
        let body = json!({"query": "mutation Follow { addSymbol(input: { ticker: \"IBM\" }) { job { id } } }"});
        let (status, answer) = admin
            .send(
                reqwest::Client::new()
                    .post(format!("{}/graphql", server.url))
                    .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
                    .header("x-request-id", "a-request-of-mine")
                    .json(&body),
            )
            .await;
        assert_eq!(status, 200, "{answer}");
        let job = answer["data"]["addSymbol"]["job"]["id"].as_str().expect("a job").to_owned();
        assert_eq!(admin.settled(&job).await["state"], "SUCCEEDED");

        let names = ["POST /graphql", "mutation Follow", "job REFRESH_SYMBOL", "Alpha Vantage"];
        let is_whole = |spans: &[Span]| names.iter().all(|name| spans.iter().any(|span| span.name == *name));
        let spans = collector.trace(TRACE, is_whole).await;
        let named = |name: &str| spans.iter().find(|span| span.name == name).expect("there");
        let parent_of = |span: &Span| hex(&span.parent_span_id);
        let id_of = |name: &str| hex(&named(name).span_id);
        assert_eq!(parent_of(named("POST /graphql")), PARENT);
        assert_eq!(parent_of(named("mutation Follow")), id_of("POST /graphql"));
        assert_eq!(parent_of(named("job REFRESH_SYMBOL")), id_of("mutation Follow"));
        assert_eq!(parent_of(named("Alpha Vantage")), id_of("job REFRESH_SYMBOL"));
        for (statement, within) in
            [("INSERT", "mutation Follow"), ("INSERT", "job REFRESH_SYMBOL"), ("UPDATE", "job REFRESH_SYMBOL")]
        {
            let found = spans.iter().any(|span| span.name == statement && parent_of(span) == id_of(within));
            assert!(found, "no {statement} within {within}");
        }
        let sent = format!("{:?}", collector.0.lock().expect("spans"));
        let has_secret = |text: &str| [KEY, ADMIN_TOKEN, PASSWORD].iter().any(|secret| text.contains(secret));
        assert!(!has_secret(&sent), "a secret is in a trace");

        let log = server.log();
        assert!(!has_secret(&log), "a secret is in the log");
        assert!(log.contains("\"DEBUG\""), "there is all that the log can tell");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let spans_of = |message: &str| {
            let line = lines.iter().find(|line| line["fields"]["message"] == message);
            line.unwrap_or_else(|| panic!("no line {message:?} in {log}"))["spans"][0].clone()
        };
        let done = spans_of("job done");
        assert_eq!(done["trace_id"], TRACE);
        assert!(done["job_id"].as_i64().is_some_and(|id| id > 0));
        let recorded = spans_of("jobs recorded");
        assert_eq!(recorded["request_id"], "a-request-of-mine");
        assert_eq!(recorded["token_id"], "ADMIN_TOKEN");
        assert_eq!(recorded["trace_id"], TRACE);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        test(Database::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
    async fn on_postgres() {
        test(Database::Postgres).await;
    }
}

/// A server that traces as it does unless told otherwise.
async fn tracing_server(folder: &tempfile::TempDir, sampler: &[(&str, &str)]) -> (Server, Collector, Client) {
    let (collector, endpoint) = Collector::start().await;
    let mut settings = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("RATE_LIMIT", "off"),
    ];
    settings.extend(sampler);
    let server = Server::start(&fresh_database(Database::Sqlite, folder), "http://127.0.0.1:9", &[], &settings);
    let admin = Client::new(&server.url, Some(ADMIN_TOKEN));
    (server, collector, admin)
}

const READ: &str = "query Look { symbols { totalCount } }";
const CHANGE: &str = "mutation Change($t: String!) { addSymbol(input: { ticker: $t }) { userErrors { message } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_service_traces_every_change_whole_and_some_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, collector, admin) = tracing_server(&folder, &[]).await;
    let began = Instant::now();
    for _ in 0..200 {
        admin.data(READ, json!({})).await;
    }
    let took = began.elapsed();
    for n in 0..20 {
        admin.data(CHANGE, json!({"t": format!("T{n}")})).await;
    }
    let all = collector
        .those(
            |_| true,
            |all| {
                let changes: Vec<&Span> = all.iter().filter(|span| span.name == "mutation Change").collect();
                let is_whole = |change: &&Span| {
                    let has = |name: &str, parent: &[u8]| {
                        let mut within = all.iter().filter(|span| span.trace_id == change.trace_id);
                        within.any(|span| span.name == name && (parent.is_empty() || span.parent_span_id == parent))
                    };
                    let has_request = all.iter().any(|span| {
                        span.name == "POST /graphql"
                            && span.span_id == change.parent_span_id
                            && span.parent_span_id.is_empty()
                    });
                    has_request && has("INSERT", &change.span_id) && has("job REFRESH_SYMBOL", &[])
                };
                changes.len() == 20 && changes.iter().all(is_whole)
            },
        )
        .await;
    let requests = all.iter().filter(|span| span.name == "POST /graphql").count();
    let reads = requests - 20;
    let most = 20 + 5 * (took.as_secs() as usize + 1);
    assert!((10..=most).contains(&reads) && reads < 200, "{reads} of 200 reads in {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_s_traceparent_decides_unless_the_settings_say_otherwise() {
    let cases: [(&[(&str, &str)], bool); 2] = [(&[], true), (&[("OTEL_TRACES_SAMPLER", "rate")], false)];
    for (sampler, wishes_count) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, collector, admin) = tracing_server(&folder, sampler).await;
        // One client, as the sampler's rate is to be outrun on a slow machine, too.
        let client = reqwest::Client::new();
        let send = async |n: u32, flags: &str, body: Value| {
            let parent = format!("00-{n:032x}-b7ad6b7169203331-{flags}");
            let request = client.post(format!("{}/graphql", server.url));
            let (status, answer) = admin.send(request.header("traceparent", parent).json(&body)).await;
            assert_eq!(status, 200, "{answer}");
        };
        for n in 1..=100 {
            send(n, "01", json!({"query": READ})).await;
        }
        send(201, "00", json!({"query": CHANGE, "variables": {"t": "UNWATCHED"}})).await;
        send(202, "01", json!({"query": CHANGE, "variables": {"t": "WATCHED"}})).await;
        let changes = |all: &[Span]| all.iter().filter(|span| span.name == "mutation Change").count();
        let wanted = if wishes_count { 1 } else { 2 };
        let all = collector.those(|_| true, |all| changes(all) >= wanted).await;
        assert_eq!(changes(&all), wanted);
        let reads =
            all.iter().filter(|span| span.name == "POST /graphql" && hex(&span.trace_id) <= format!("{:032x}", 100));
        let reads = reads.count();
        assert!(if wishes_count { reads == 100 } else { (10..100).contains(&reads) }, "{reads}, {sampler:?}");
    }
}
