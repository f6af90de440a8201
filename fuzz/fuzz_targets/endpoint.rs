//! The whole router on an empty database: whatever the bytes, it answers in time and without a panic, and a fault of
//! the service is never the answer.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use prospectus::app::App;
use prospectus::settings::Settings;
use tokio::runtime::Runtime;
use tower::ServiceExt;

struct Service {
    runtime: Runtime,
    router: Router,
    _folder: tempfile::TempDir,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    // The binary's first step; clients of HTTP can't be built without it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}/fuzz.db", folder.path().display());
    let source = move |name: &'static str| match name {
        "DATABASE_URL" => Some(database.clone()),
        "ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        "RATE_LIMIT" => Some("off".to_owned()),
        _ => None,
    };
    let settings = Settings::read(&source).expect("settings");
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().thread_stack_size(STACK).build().expect("a runtime");
    let router = runtime.block_on(async {
        let app = App::build(settings).await.expect("a database");
        app.store.migrate().await.expect("migrations");
        prospectus::http::router(app)
    });
    Service { runtime, router, _folder: folder }
});

const TOKEN: &str = "a-token-of-the-fuzzer-alone";
const TYPES: [&str; 4] =
    ["application/json", "application/graphql-response+json", "multipart/form-data; boundary=b", "text/plain"];
/// Instrumented code takes several times the stack of the binary's threads, which have 8 MiB.
const STACK: usize = 32 << 20;
const SLOWEST: Duration = Duration::from_secs(10);

fuzz_target!(|data: &[u8]| {
    let Some((&how, body)) = data.split_first() else { return };
    let json;
    // Most inputs are a query by itself: a fuzzer finds that form sooner than the quotes around it.
    let (kind, body) = if how & 0b11 == 0 {
        (TYPES[usize::from(how >> 2) % TYPES.len()], body)
    } else {
        let Ok(query) = std::str::from_utf8(body) else { return };
        json = serde_json::json!({ "query": query }).to_string();
        (TYPES[0], json.as_bytes())
    };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/graphql")
        .header(header::CONTENT_TYPE, kind)
        .header("apollo-require-preflight", "fuzz");
    if how & 0b100 != 0 {
        request = request.header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    }
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let began = Instant::now();
    let answer = SERVICE.runtime.block_on(SERVICE.router.clone().oneshot(request)).expect("an answer");
    let status = answer.status();
    assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
    let read = axum::body::to_bytes(answer.into_body(), 64 << 20);
    let bytes = SERVICE.runtime.block_on(read).expect("a whole answer");
    assert!(!bytes.windows(10).any(|part| part == b"\"INTERNAL\""), "{}", String::from_utf8_lossy(&bytes));
    assert!(began.elapsed() < SLOWEST, "took {:?}", began.elapsed());
});
