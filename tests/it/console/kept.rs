//! The worker that keeps the console in the browser: what it draws without the service, what it never holds, how a new
//! release takes over, and how the worker goes.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use serde_json::json;

use super::browser::Browser;
use super::with_history;
use crate::harness::proxy::Proxy;
use crate::harness::{Database, TestApp};

const WORKER: &str = "/reporting/worker.js";
const HAS_TAKEN_OVER: &str = "return navigator.serviceWorker.controller !== null";
/// What the worker holds, as paths and statuses.
const HELD: &str = "return (async () => { const held = []; for (const name of await caches.keys()) { const cache = await caches.open(name); \
     for (const request of await cache.keys()) { const answer = await cache.match(request); \
       held.push([new URL(request.url).pathname, answer.status, await answer.text()]); } } return held; })()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_page_is_drawn_while_the_service_is_gone_and_nothing_of_a_person_is_held() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let port = app.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let line = Proxy::to(port).await;
    let browser = Browser::open_at(&format!("http://127.0.0.1:{}", line.port), 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/nowhere").await;
    browser.find("//header//button[normalize-space()='Sign out']").await;
    browser.until(HAS_TAKEN_OVER).await;
    browser.go("/reporting/symbols/ACME").await;
    let chart = "//*[contains(@class, 'price-chart')]//canvas";
    browser.find(chart).await;
    // The frame that is kept names what the page imports.
    let named = "return document.querySelector(\"link[rel=modulepreload][href$='/chart.js']\") !== null";
    assert_eq!(browser.run(named).await, true);
    let read = "performance.getEntriesByType('resource').map((r) => r.name)";
    browser.until(&format!("return {read}.filter((name) => name.includes('series')).length > 1")).await;

    line.cut();
    browser.page.refresh().await.expect("a page");
    browser.find(chart).await;
    browser.find("//*[contains(., 'Connection lost')]").await;
    let tab = browser.page.new_window(true).await.expect("a tab");
    browser.page.switch_to_window(tab.handle).await.expect("a tab");
    browser.go("/reporting/symbols/ACME").await;
    browser.find(chart).await;
    line.mend();
    browser.until("return !document.body.innerText.includes('Connection lost')").await;

    let held = browser.run(HELD).await;
    let held = held.as_array().expect("a list");
    assert!(held.len() > 40, "{}", held.len());
    for one in held {
        let (path, text) = (one[0].as_str().expect("a path"), one[2].as_str().expect("text"));
        assert!(path.starts_with("/reporting/") && !path.contains("ACME"), "{path}");
        assert_eq!(one[1], 200, "{path}");
        assert!(!path.contains("graphiql") && !text.contains("ACME Limited"), "{path}");
    }
    // To whoever comes next, the same page says nothing of who was here.
    browser.click("//header//button[normalize-space()='Sign out']").await;
    browser.find("//header//button[normalize-space()='Sign in']").await;
    browser.go("/reporting/admin/tokens").await;
    browser.find("//*[contains(., 'This takes an administrator') or contains(., 'needs an administrator')]").await;
    browser.close().await;
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Release {
    #[default]
    Own,
    /// The same under another build's name.
    Next,
    /// One whose console has no worker.
    Without,
    /// The same, one of its parts gone.
    Broken,
}

/// A service that is released anew while its address stays.
#[derive(Clone)]
struct Front {
    app: String,
    build: String,
    release: Arc<Mutex<Release>>,
    client: reqwest::Client,
}

const NEXT: &str = "fedcba9876543210";

impl Front {
    async fn of(app: &TestApp) -> (Self, String) {
        let page = reqwest::get(format!("{}/reporting/", app.url)).await.expect("a page").text().await.expect("text");
        let (_, named) = page.split_once("/reporting/assets/").expect("an asset");
        let build = named.split('/').next().expect("a build").to_owned();
        let front = Self { app: app.url.clone(), build, release: Arc::default(), client: reqwest::Client::new() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = axum::Router::new().fallback(pass).with_state(front.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (front, url)
    }

    fn release(&self, release: Release) {
        *self.release.lock().expect("a release") = release;
    }
}

async fn pass(State(front): State<Front>, request: Request) -> Response<Body> {
    let release = *front.release.lock().expect("a release");
    let (mut parts, body) = request.into_parts();
    let mut target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let of_before = release == Release::Next && target.contains(&front.build);
    let is_gone = release == Release::Broken && target.ends_with("/ui.js");
    if of_before || is_gone || (release == Release::Without && target == WORKER) {
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).expect("an answer");
    }
    if release == Release::Next {
        target = target.replace(NEXT, &front.build);
    }
    let is_of_console = target.starts_with("/reporting/");
    for name in [header::ACCEPT_ENCODING, header::HOST] {
        parts.headers.remove(name);
    }
    if is_of_console {
        parts.headers.remove(header::IF_NONE_MATCH);
    }
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let asked = front.client.request(parts.method, format!("{}{target}", front.app)).headers(parts.headers).body(body);
    let Ok(answer) = asked.send().await else {
        return Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).expect("an answer");
    };
    let mut given = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(name) {
            given = given.header(name, value);
        }
    }
    let bytes = answer.bytes().await.unwrap_or_default();
    let body = match std::str::from_utf8(&bytes) {
        Ok(text) if is_of_console && release == Release::Next => Body::from(text.replace(&front.build, NEXT)),
        _ => Body::from(bytes),
    };
    given.body(body).expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_new_release_takes_over_at_once_and_one_without_a_worker_is_let_alone() {
    let app = TestApp::start(Database::Sqlite).await;
    let (front, url) = Front::of(&app).await;
    let browser = Browser::open_at(&url, 1_280, "light").await;
    let drawn_by =
        |build: &str| format!("return document.querySelector('script[type=module]').src.includes('{build}')");
    browser.until(HAS_TAKEN_OVER).await;
    browser.go("/reporting/ipos").await;
    browser.find("//*[contains(., 'No IPOs here')]").await;
    browser.until(&drawn_by(&front.build)).await;

    // What is open and untouched is loaded anew by itself; what the build before had stays for whoever still has it open.
    front.release(Release::Next);
    browser.go("/reporting/ipos").await;
    // A look that began before the release says nothing of it; the next one does.
    let looked = "return navigator.serviceWorker.getRegistration().then((worker) => worker.update()).catch(() => null)";
    browser
        .until(&format!("{looked}.then(() => document.querySelector('script[type=module]').src.includes('{NEXT}'))"))
        .await;
    browser.find("//*[contains(., 'No IPOs here')]").await;
    let names = json!([format!("console {}", front.build), format!("console {NEXT}")]);
    assert_eq!(browser.run("return caches.keys()").await, names);

    front.release(Release::Without);
    browser.go("/reporting/ipos").await;
    browser
        .until("return Promise.all([caches.keys(), navigator.serviceWorker.getRegistrations()]).then(([names, workers]) => names.length + workers.length === 0)")
        .await;
    browser.go("/reporting/ipos").await;
    browser.until(&drawn_by(&front.build)).await;
    browser.find("//*[contains(., 'No IPOs here')]").await;
    browser.until("return navigator.serviceWorker.controller === null").await;
    browser.close().await;
}

/// A page on which somebody has begun is left alone; the next one that they go to is the new release's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_new_release_waits_for_the_next_page_where_somebody_has_begun() {
    let app = TestApp::start(Database::Sqlite).await;
    let (front, url) = Front::of(&app).await;
    let browser = Browser::open_at(&url, 1_280, "light").await;
    browser.until(HAS_TAKEN_OVER).await;
    browser.go("/reporting/ipos").await;
    browser.fill("Search", "kav").await;
    browser.run("navigator.serviceWorker.addEventListener('message', (told) => (window.told = told.data.build))").await;
    front.release(Release::Next);
    // Asked for again: a look that began before the release says nothing of it.
    let told = format!(
        "return navigator.serviceWorker.getRegistration().then((worker) => worker.update()).catch(() => null).then(() => window.told === '{NEXT}')"
    );
    browser.until(&told).await;
    let typed = "return document.querySelector('input[type=search], main input').value";
    assert_eq!(browser.run(typed).await, json!("kav"));
    browser.click("//header//nav//a[normalize-space()='Backtests']").await;
    browser.find("//h1[normalize-space()='Backtests']").await;
    browser.until(&format!("return document.querySelector('script[type=module]').src.includes('{NEXT}')")).await;
    browser.close().await;
}

/// A page whose parts don't come is not left at "Loading…": it is loaded anew by itself, and where that doesn't help, says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_page_whose_parts_do_not_come_is_loaded_anew_and_says_so_in_the_end() {
    let app = TestApp::start(Database::Sqlite).await;
    let (front, url) = Front::of(&app).await;
    front.release(Release::Broken);
    let browser = Browser::open_at(&url, 1_280, "light").await;
    browser.until("return sessionStorage.getItem('loaded-anew') !== null").await;
    front.release(Release::Own);
    browser.find("//h1[normalize-space()='Symbols']").await;
    browser.close().await;

    front.release(Release::Broken);
    let browser = Browser::open_at(&url, 1_280, "light").await;
    browser.find("//*[@role='alert'][contains(., 'The console could not be loaded.')]").await;
    assert_eq!(browser.run("return JSON.parse(sessionStorage.getItem('loaded-anew')).length").await, 3);
    front.release(Release::Own);
    browser.click("//button[normalize-space()='Load it again']").await;
    browser.find("//h1[normalize-space()='Symbols']").await;
    browser.close().await;
}
