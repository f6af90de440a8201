//! The console and GraphiQL: pages and scripts within the binary, under a policy that lets nothing else in.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::Embed;

use crate::http::{Service, answer};

#[derive(Embed)]
#[folder = "src/http/console/assets"]
struct Assets;

/// Scripts, styles and fonts come from here alone; nothing is written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// GraphiQL's editor writes styles of its own.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/reporting", get(|| async { Redirect::permanent("/reporting/") }))
        .route("/reporting/", get(|headers: HeaderMap| async move { page("index.html", POLICY, &headers) }))
        .route("/reporting/{*path}", get(asset_or_page))
        .route("/admin", get(to_administration))
        .route("/admin/", get(to_administration))
        .route("/favicon.ico", get(|headers: HeaderMap| async move { page("icon.svg", POLICY, &headers) }))
}

async fn to_administration() -> Redirect {
    Redirect::temporary("/reporting/admin")
}

/// GraphiQL's page.
pub(super) fn graphiql(headers: &HeaderMap) -> Response {
    page("graphiql.html", GRAPHIQL_POLICY, headers)
}

/// A file, or the console's page for an address within it.
async fn asset_or_page(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match path.strip_prefix("assets/") {
        Some(file) => page(file, POLICY, &headers),
        None => page("index.html", POLICY, &headers),
    }
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

fn page(file: &str, policy: &'static str, headers: &HeaderMap) -> Response {
    let Some(asset) = Assets::get(file) else {
        return (StatusCode::NOT_FOUND, "There is no such file\n").into_response();
    };
    let tag = format!("\"{}\"", hex::encode(&asset.metadata.sha256_hash()[..12]));
    // Checked each time, so that a new version is seen at once.
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if answer::has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let body = match asset.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let content = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(file))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    (caching, content, body).into_response()
}
