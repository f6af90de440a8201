//! Each request is seen: a span that the log and the traces know it by, and its metrics.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::{MakeRequestId, RequestId};
use tracing::field::{self, Empty};
use tracing::{Instrument, Span};

use crate::actions::{Caller, Credential};
use crate::telemetry::traces::TokenId;
use crate::telemetry::{metrics, traces};

/// Runs a request in a span of its own. A client's `traceparent` makes it a part of the client's trace.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = request.extensions().get().map_or_else(Instant::now, |Began(began)| *began);
    let method = method_of(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let span = span_of(request.headers(), method, route);
    // What comes by POST may change something, which is always traced; whether it does, its body tells.
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let start = traces::begin(&span, header_of(request.headers(), &TRACEPARENT), !is_read);
    let response = traces::within(start, next.run(request)).instrument(span.clone()).await;
    let (status, took) = (response.status(), began.elapsed());
    if let Some(status) = traces::only(|| status.as_u16()) {
        span.record("http.response.status_code", status);
    }
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::http_request(method, route, status.as_u16(), took);
    span.in_scope(|| tracing::debug!(status = status.as_u16(), ?took, "answered"));
    response
}

/// Ids of requests that bring none.
#[derive(Clone, Copy)]
pub(super) struct NewId;

impl MakeRequestId for NewId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        new_id().map(RequestId::new)
    }
}

fn new_id() -> Option<HeaderValue> {
    HeaderValue::from_str(&ulid::Ulid::new().to_string()).ok()
}

/// An id goes back to the client and into the log: one that isn't plain is replaced.
pub(super) fn plain_request_id(mut request: Request) -> Request {
    if request.headers().get(&REQUEST_ID).is_some_and(|id| !is_plain(id)) {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

fn is_plain(id: &HeaderValue) -> bool {
    id.len() <= LONGEST_REQUEST_ID && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// The id of a request: the client's own, or a new one.
pub(super) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(&REQUEST_ID).filter(|id| is_plain(id)).cloned().or_else(new_id)
}

/// When a request came, where something was done with it before it is seen here.
#[derive(Clone, Copy)]
pub(super) struct Began(pub Instant);

/// An answer that was at hand: nothing was done within it that a span would be around, so it has none but in traces.
pub(super) fn known(
    head: &Parts,
    route: &'static str,
    caller: &Caller,
    id: Option<&HeaderValue>,
    status: StatusCode,
    took: Duration,
) {
    let (method, status) = (method_of(&head.method), status.as_u16());
    metrics::http_request(method, route, status, took);
    let request_id = || id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let token_id = || token_id(caller);
    tracing::debug!(
        method,
        route,
        request_id = request_id(),
        token_id = token_id().map(field::display),
        status,
        ?took,
        "answered from memory"
    );
    traces::request_ended(header_of(&head.headers, &TRACEPARENT), took, || traces::Ended {
        method,
        route,
        status,
        request_id: request_id().to_owned(),
        token_id: token_id(),
    });
}

fn header_of<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn span_of(headers: &HeaderMap, method: &'static str, route: &str) -> Span {
    // At the level of errors, so that a log that has nothing else still has the ids.
    tracing::error_span!(
        "request",
        otel.name = traces::only(|| format!("{method} {route}")),
        otel.kind = traces::only(|| "server"),
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
        request_id = header_of(headers, &REQUEST_ID).unwrap_or_default(),
        token_id = Empty,
        trace_id = Empty,
    )
}

pub(super) const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");
/// Bytes of an id that a client brings.
const LONGEST_REQUEST_ID: usize = 128;
const TRACEPARENT: header::HeaderName = header::HeaderName::from_static("traceparent");

/// Tells the log and the trace whose token a request came with.
pub(super) fn name_caller(caller: &Caller) {
    let span = Span::current();
    match token_id(caller) {
        None => {}
        Some(TokenId::Number(id)) => {
            span.record("token_id", id);
        }
        Some(TokenId::Name(name)) => {
            span.record("token_id", &*name);
        }
    }
}

fn token_id(caller: &Caller) -> Option<TokenId> {
    match caller.credential {
        Credential::None => None,
        Credential::Settings => Some(TokenId::Name("ADMIN_TOKEN".into())),
        Credential::Token(id) => Some(TokenId::Number(id)),
        Credential::Session { id, .. } => Some(TokenId::Name(format!("session {id}").into())),
    }
}

/// Anybody can make up a method.
fn method_of(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    let names = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.iter().zip(names).find(|(known, _)| *known == method).map_or("other", |(_, name)| name)
}
