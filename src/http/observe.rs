//! Each request is seen: a span that the log and the traces know it by, and its metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::actions::{Caller, Credential};
use crate::telemetry::{metrics, traces};

/// Runs a request in a span of its own. A client's `traceparent` makes it a part of the client's trace.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method_of(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let span = span_of(&request, method, route);
    // What comes by POST may change something, which is always traced; whether it does, its body tells.
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let start = traces::begin(&span, header_of(&request, &TRACEPARENT), !is_read);
    let response = traces::within(start, next.run(request)).instrument(span.clone()).await;
    let (status, took) = (response.status(), began.elapsed());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::http_request(method, route, status.as_u16(), took);
    span.in_scope(|| tracing::debug!(status = status.as_u16(), ?took, "answered"));
    response
}

fn header_of<'a>(request: &'a Request, name: &header::HeaderName) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn span_of(request: &Request, method: &'static str, route: &str) -> Span {
    // At the level of errors, so that a log that has nothing else still has the ids.
    tracing::error_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
        request_id = header_of(request, &REQUEST_ID).unwrap_or_default(),
        token_id = Empty,
        trace_id = Empty,
    )
}

pub(super) const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");
const TRACEPARENT: header::HeaderName = header::HeaderName::from_static("traceparent");

/// Tells the log and the trace whose token a request came with.
pub(super) fn name_caller(caller: &Caller) {
    let span = Span::current();
    match caller.credential {
        Credential::None => {}
        Credential::Settings => {
            span.record("token_id", "ADMIN_TOKEN");
        }
        Credential::Token(id) => {
            span.record("token_id", id);
        }
        Credential::Session(id) => {
            span.record("token_id", format!("session {id}"));
        }
    }
}

/// Anybody can make up a method.
fn method_of(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    let names = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.iter().zip(names).find(|(known, _)| *known == method).map_or("other", |(_, name)| name)
}
