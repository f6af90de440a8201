//! How an answer goes out: in the form that the client prefers, with the status that belongs to it.

use std::io;
use std::time::Instant;

use async_graphql::{Response as GraphQLResponse, ServerError, Value};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mime::Mime;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::refusal::is_refused;
use crate::graphql::Code;
use crate::graphql::limits::budget::LARGEST_ANSWER;
pub(super) use crate::graphql::wire::apart;
use crate::graphql::wire::{Wire, written_bytes};
use crate::telemetry::metrics;

/// Forms that an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/graphql-response+json`, where the status tells of request errors.
    GraphQL,
    /// `application/json`, for clients that came before the other.
    Json,
}

/// What a client takes, by its `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The form of a single answer.
    pub single: Option<Form>,
    /// Whether events are taken.
    pub events: bool,
}

/// A media type with its parameters; blanks around its semicolons mean nothing.
pub(super) fn media_type(text: &str) -> Option<Mime> {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    parts.join(";").parse().ok()
}

/// Ranges of `Accept` that are read.
const MOST_RANGES: usize = 64;

/// What stands in `Accept`, in order; a comma in quotes parts nothing.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = Mime> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| {
        let mut is_quoted = false;
        let parts = value.split(move |c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        parts.filter_map(media_type)
    });
    ranges.take(MOST_RANGES)
}

/// Reads `Accept` with its weights. Events are for subscriptions, or where nothing else is taken.
pub(super) fn accepted(headers: &HeaderMap) -> Accepted {
    let weighed = |range: Mime| {
        let weight =
            range.get_param("q").and_then(|q| q.as_str().parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
        (range, weight.unwrap_or(1.0))
    };
    let ranges: Vec<(Mime, f32)> = ranges(headers).map(weighed).collect();
    if ranges.is_empty() {
        return Accepted { single: Some(Form::Json), events: false };
    }
    // The range that names something most closely says how much it is wanted: its weight, and its place.
    let wanted = |names: &[&str]| {
        let found = names.iter().find_map(|name| ranges.iter().position(|(range, _)| range.essence_str() == *name));
        found.map(|at| (ranges[at].1, at)).filter(|(weight, _)| *weight > 0.0)
    };
    let graphql = wanted(&["application/graphql-response+json", "application/*", "*/*"]);
    let single = match (graphql, wanted(&["application/json", "application/*", "*/*"])) {
        // The one that is preferred; of equals, the one that is named first, and JSON where one range stands for both.
        (Some((weight, at)), Some((other, place))) if weight > other || (weight >= other && at < place) => {
            Some(Form::GraphQL)
        }
        (_, Some(_)) => Some(Form::Json),
        (Some(_), None) => Some(Form::GraphQL),
        (None, None) => None,
    };
    Accepted { single, events: wanted(&["text/event-stream", "text/*"]).is_some() }
}

/// Whether a media type is asked for by its name.
pub(super) fn names(headers: &HeaderMap, essence: &str) -> bool {
    ranges(headers).any(|range| range.essence_str() == essence)
}

/// An answer in the order that people read it; `data` is left out where nothing was run.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Wire<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a std::collections::BTreeMap<String, Value>>,
}

impl<'a> Written<'a> {
    pub(super) fn new(response: &'a GraphQLResponse) -> Self {
        Self {
            data: (!is_refused(response)).then_some(Wire(&response.data)),
            errors: &response.errors,
            extensions: (!response.extensions.is_empty()).then_some(&response.extensions),
        }
    }
}

/// From here on an answer is written where nobody else waits for the thread, in bytes.
const LONG: usize = 1 << 20;

/// The JSON of an answer; one that is too long becomes an error that says so.
pub(super) fn json(response: &GraphQLResponse) -> Vec<u8> {
    let bytes = written_bytes(&response.data);
    if bytes > LONG { apart(|| write(response, bytes)) } else { write(response, bytes) }
}

/// Of an answer that is mostly written already: so long, and a little for what stands around it.
fn write(response: &GraphQLResponse, bytes: usize) -> Vec<u8> {
    let mut body = Bounded(Vec::with_capacity((bytes + bytes / 64 + 512).min(LARGEST_ANSWER)));
    let began = Instant::now();
    let written = serde_json::to_writer(&mut body, &Written::new(response));
    metrics::phase(metrics::Phase::Write, began.elapsed());
    if written.is_ok() {
        // As long as its client takes, so no more than it needs.
        body.0.shrink_to_fit();
        return body.0;
    }
    drop(body);
    let mebibytes = LARGEST_ANSWER >> 20;
    let message = format!("The answer is longer than {mebibytes} MiB: ask for fewer fields or shorter pages at a time");
    let error = GraphQLResponse::from_errors(vec![Code::AnswerTooLarge.refusal(message)]);
    serde_json::to_vec(&Written::new(&error)).unwrap_or_default()
}

/// Takes as many bytes as an answer may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_ANSWER {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The status of an answer.
fn status(response: &GraphQLResponse, form: Form) -> StatusCode {
    if !is_refused(response) {
        return StatusCode::OK;
    }
    match response.errors.first().and_then(Code::of) {
        Some(Code::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        Some(Code::Overloaded | Code::Timeout | Code::StorageFull) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Code::Unauthenticated) => StatusCode::UNAUTHORIZED,
        Some(Code::Forbidden | Code::DocumentNotTrusted) => StatusCode::FORBIDDEN,
        Some(Code::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(Code::BadRequest) => StatusCode::BAD_REQUEST,
        // Older clients take any other status than 200 for a broken connection.
        _ if form == Form::Json => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// An answer as HTTP.
pub(super) fn respond(response: &GraphQLResponse, form: Form) -> Response {
    let status = status(response, form);
    with_status(status, response, form)
}

/// The same with a status that the request itself asks for.
pub(super) fn with_status(status: StatusCode, response: &GraphQLResponse, form: Form) -> Response {
    with_json(status, response, json(response), form)
}

/// An answer whose JSON is at hand.
pub(super) fn with_body(response: &GraphQLResponse, body: Bytes, form: Form) -> Response {
    with_json(status(response, form), response, body, form)
}

fn with_json(status: StatusCode, response: &GraphQLResponse, body: impl IntoResponse, form: Form) -> Response {
    let mut answer = written(status, body, form);
    let retry = response.errors.first().and_then(|error| match error.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    });
    let is_overloaded = response.errors.first().and_then(Code::of) == Some(Code::Overloaded);
    if let Some(seconds) = retry.or(is_overloaded.then_some(5)) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// The JSON of an answer as HTTP.
pub(super) fn written(status: StatusCode, body: impl IntoResponse, form: Form) -> Response {
    let media_type = match form {
        Form::GraphQL => "application/graphql-response+json; charset=utf-8",
        Form::Json => "application/json; charset=utf-8",
    };
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// The codings that a client names, and whether it takes them; nothing where its weight is none (RFC 9110, 12.4.2).
fn codings(headers: &HeaderMap) -> impl Iterator<Item = (&str, Option<bool>)> {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).take(MOST_RANGES).map(|coding| match coding.split_once(';') {
        None => (coding.trim(), Some(true)),
        Some((name, weight)) => (name.trim(), is_above_zero(weight.trim())),
    })
}

fn is_above_zero(weight: &str) -> Option<bool> {
    let value = weight.strip_prefix(['q', 'Q'])?.strip_prefix('=')?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_weight = matches!(whole, "0" | "1") && decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    is_weight.then(|| value.bytes().any(|b| (b'1'..=b'9').contains(&b)))
}

/// Whether a client takes gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    codings(headers).any(|(name, takes)| takes != Some(false) && name.eq_ignore_ascii_case("gzip"))
}

/// Passes over a wish for codings that leaves none: the answer comes as it is then (RFC 9110, 12.5.3). Where it is to be
/// compressed, what was asked for has been done, and nobody could be told so by a 406.
pub(super) fn some_coding(mut request: Request) -> Request {
    let (mut any, mut plain, mut others) = (false, None, true);
    for (name, takes) in codings(request.headers()) {
        let Some(takes) = takes else { continue };
        match name.to_ascii_lowercase().as_str() {
            "identity" => plain = Some(takes),
            "*" => others = takes,
            "gzip" | "x-gzip" | "br" | "zstd" => any |= takes,
            _ => {}
        }
    }
    if !any && !plain.unwrap_or(others) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    request
}

/// Whether a client has this version already.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    known.flat_map(|v| v.split(',')).any(|v| v.trim().trim_start_matches("W/") == tag || v.trim() == "*")
}

/// A strong tag of some bytes; of what is compressed on its way a weak one, `W/` before it.
pub(super) fn tag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..12]))
}

/// Says that an answer is for whoever asked, and for nobody else behind the same cache.
pub(super) fn for_one(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.append(header::VARY, HeaderValue::from_static("Accept, Authorization, Cookie"));
    }
}

/// A query's answer by GET: kept by its client alone, and asked for again under its tag.
pub(super) async fn cacheable(answer: Response, headers: &HeaderMap) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, LARGEST_ANSWER + 1024).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    for_one(&mut parts.headers);
    if parts.status == StatusCode::OK {
        let tag = if bytes.len() > LONG { apart(|| tag_of(&bytes)) } else { tag_of(&bytes) };
        // Compressed, the same answer has other bytes, so the tag is a weak one.
        if let Ok(value) = HeaderValue::from_str(&format!("W/{tag}")) {
            parts.headers.insert(header::ETAG, value);
        }
        if has(headers, &tag) {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            // What compresses it says so of the whole answer alone.
            parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
            return Response::from_parts(parts, Body::empty());
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Accepted {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        accepted(&headers)
    }

    #[test]
    fn events_are_for_those_who_take_nothing_else() {
        let urql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed";
        assert_eq!(of(urql), Accepted { single: Some(Form::GraphQL), events: true });
        assert_eq!(of("text/event-stream"), Accepted { single: None, events: true });
        assert!(!of("application/json, text/event-stream;q=0").events);
        assert!(of("text/*").events && !of("*/*").events);
    }

    #[test]
    fn gzip_is_taken_where_it_is_named_with_a_weight() {
        for (coding, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("br, gzip;q=0", false),
            ("br, zstd", false),
            ("gzip ; q=x", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, coding.parse().expect("a header"));
            assert_eq!(takes_gzip(&headers), takes, "{coding}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_wish_that_nothing_meets_is_passed_over() {
        for (coding, stays) in [
            ("*;q=0", false),
            ("identity;q=0", false),
            ("identity;q=0, deflate", false),
            ("*;Q=0", false),
            ("gzip;q=x, identity;q=0", false),
            ("*;q=0, gzip;q=0.0005", false),
            ("*;q=0, gzip;q=0.5", true),
            ("*;q=0, gzip", true),
            ("identity;q=0, br;q=0.1", true),
            ("*;q=0, identity", true),
            ("gzip;q=0", true),
            ("deflate", true),
        ] {
            let request = Request::builder().header(header::ACCEPT_ENCODING, coding).body(Body::empty());
            let request = some_coding(request.expect("a request"));
            assert_eq!(request.headers().contains_key(header::ACCEPT_ENCODING), stays, "{coding}");
        }
    }

    #[test]
    fn weights_decide_and_then_the_order() {
        assert_eq!(of("application/graphql-response+json;q=0.1, application/json").single, Some(Form::Json));
        assert_eq!(of("application/json;q=0.9, application/graphql-response+json").single, Some(Form::GraphQL));
        assert_eq!(of("application/json, application/graphql-response+json").single, Some(Form::Json));
        assert_eq!(of("*/*").single, Some(Form::Json));
        assert_eq!(of("application/json;q=0.2, */*;q=0.9").single, Some(Form::GraphQL));
        assert_eq!(of("*/*;q=0.1, application/json").single, Some(Form::Json));
        assert_eq!(
            of("application/json ; q=0.1 , application/graphql-response+json ;q=0.2").single,
            Some(Form::GraphQL)
        );
        assert_eq!(of("application/json;profile=\"a,b\", image/png").single, Some(Form::Json));
        assert_eq!(of("application/json;q=much").single, Some(Form::Json));
        assert_eq!(of("application/json;q=0, */*").single, Some(Form::GraphQL));
        assert_eq!(of("image/png").single, None);
        assert_eq!(accepted(&HeaderMap::new()).single, Some(Form::Json));
    }
}
