//! The console and GraphiQL: pages and scripts within the binary, under a policy that lets nothing else in.

mod ahead;
mod files;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

pub(super) use self::files::build;
use self::files::{Assets, Content, POLICY};
use crate::http::rest::path::Path;
use crate::http::{Service, answer, packed};

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Checked each time, so that a new version is seen at once.
    Checked,
    /// A year: the address is of this version alone. In debug builds files are read anew each time, so they are checked.
    ForGood,
}

impl Kept {
    fn header(self) -> &'static str {
        match self {
            Self::ForGood if !cfg!(debug_assertions) => "public, max-age=31536000, immutable",
            Self::Checked | Self::ForGood => "no-cache",
        }
    }
}

/// Where the worker's script is. A browser lets it answer for what lies beside and below it.
const WORKER: &str = "/reporting/worker.js";

/// GraphiQL's editor writes styles of its own.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/reporting", get(|| async { Redirect::permanent("/reporting/") }))
        .route("/reporting/", get(|headers: HeaderMap| async move { console("", &headers) }))
        .route(WORKER, get(|headers: HeaderMap| async move { worker(&headers) }))
        .route("/reporting/{*path}", get(asset_or_page))
        .route("/admin", get(to_administration))
        .route("/admin/", get(to_administration))
        .route(
            "/favicon.ico",
            get(|headers: HeaderMap| async move { page("icon.svg", POLICY, &headers, Kept::Checked) }),
        )
}

async fn to_administration() -> Redirect {
    Redirect::temporary("/reporting/admin")
}

/// GraphiQL's page.
pub(super) fn graphiql(headers: &HeaderMap) -> Response {
    page("graphiql.html", GRAPHIQL_POLICY, headers, Kept::Checked)
}

/// A file, or the console's page for an address within it.
async fn asset_or_page(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match path.strip_prefix("assets/") {
        Some(file) => match file.strip_prefix(&format!("{}/", build())) {
            Some(file) => page(file, POLICY, &headers, Kept::ForGood),
            None => page(file, POLICY, &headers, Kept::Checked),
        },
        None => console(&path, &headers),
    }
}

/// The console's page for an address within it. Its assets are those of this build, and those that the address needs come along.
fn console(path: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = Assets::get("index.html") else {
        return (StatusCode::NOT_FOUND, "There is no such file\n").into_response();
    };
    let assets = format!("/reporting/assets/{}/", build());
    let text = String::from_utf8_lossy(&asset.data);
    let script = "    <script type=\"module\"";
    let text = text.replacen(script, &format!("{}{script}", ahead::links(path)), 1);
    let text = text.replace("/reporting/assets/", &assets);
    let tag = hex::encode(&Sha256::digest(&text)[..12]);
    respond("index.html", Bytes::from(text), &tag, POLICY, headers, Kept::Checked)
}

/// The script that keeps the console in a browser, with what it is to keep. Its place is above all that it serves.
fn worker(headers: &HeaderMap) -> Response {
    let Some(asset) = Assets::get("worker.js") else {
        return (StatusCode::NOT_FOUND, "There is no such file\n").into_response();
    };
    let files: Vec<_> = Assets::iter().filter(|name| is_of_console(name)).collect();
    let text = String::from_utf8_lossy(&asset.data);
    let text = text.replace("[\"%AHEAD%\"]", &ahead::table());
    let text = text.replace("%BUILD%", &build()).replace("%FILES%", &files.join("\", \""));
    let tag = hex::encode(&Sha256::digest(&text)[..12]);
    respond("worker.js", Bytes::from(text), &tag, POLICY, headers, Kept::Checked)
}

/// Whether a file is asked for by the console's pages.
fn is_of_console(name: &str) -> bool {
    let others = ["graphiql", "vendor/react", "worker.js"];
    let is_asked_for = [".js", ".css", ".svg", ".woff2"].iter().any(|end| name.ends_with(end));
    is_asked_for && !others.iter().any(|begins| name.starts_with(begins))
}

fn media_type(file: &str) -> &'static str {
    match file.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

fn page(file: &str, policy: &'static str, headers: &HeaderMap, kept: Kept) -> Response {
    let Some((hash, content)) = files::file(file) else {
        return (StatusCode::NOT_FOUND, "There is no such file\n").into_response();
    };
    let tag = hex::encode(&hash[..12]);
    match content {
        Content::Text(text) => respond(file, text, &tag, policy, headers, kept),
        Content::Packed(bytes) if answer::takes_gzip(headers) => {
            sent(file, &tag, policy, headers, kept, || packed::packed(bytes))
        }
        Content::Packed(_) => sent(file, &tag, policy, headers, kept, || packed::whole(files::inflated(file))),
    }
}

fn respond(file: &str, text: Bytes, tag: &str, policy: &'static str, headers: &HeaderMap, kept: Kept) -> Response {
    sent(file, tag, policy, headers, kept, || match media_type(file) {
        // A font is compressed by itself.
        "font/woff2" => packed::whole(text),
        _ => packed::text(headers, tag, text),
    })
}

fn sent(
    file: &str,
    tag: &str,
    policy: &'static str,
    headers: &HeaderMap,
    kept: Kept,
    body: impl FnOnce() -> Response,
) -> Response {
    let tag = format!("\"{tag}\"");
    // Compressed, it has other bytes, so the tag is a weak one.
    let caching = [(header::ETAG, format!("W/{tag}")), (header::CACHE_CONTROL, kept.header().to_owned())];
    if answer::has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching, [(header::VARY, "Accept-Encoding")]).into_response();
    }
    let content = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(file))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    (caching, content, body()).into_response()
}
