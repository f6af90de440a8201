//! The GraphQL endpoint: POST, GET for queries, files by multipart, graphql-transport-ws, server-sent events, and
//! GraphiQL for browsers. Who may send a form at all is decided before any of it is read.

pub(super) mod body;
pub(super) mod documents;
mod events;
mod handshake;
mod socket;
pub(super) mod uploads;
mod wire;

use std::sync::LazyLock;

use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{self, Form, accepted};
use super::auth::asks_for_socket;
use super::backlog;
use super::known::{self, Worth};
use super::packed;
use super::rates::Client;
use super::refusal::failed;
use super::{Service, console};
use crate::actions::Caller;
use crate::graphql::{Code, START, denied, sdl};
use crate::store::Role;

/// `schema.graphql`, as this binary has it.
pub(super) async fn definition(headers: HeaderMap) -> Response {
    static TEXT: LazyLock<(String, Bytes)> = LazyLock::new(|| {
        let text = Bytes::from(sdl());
        (answer::tag_of(&text), text)
    });
    let (tag, text) = &*TEXT;
    // Compressed, it has other bytes, so the tag is a weak one.
    let about = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::ETAG, format!("W/{tag}"))];
    if answer::has(&headers, tag) {
        return (StatusCode::NOT_MODIFIED, about, [(header::VARY, "Accept-Encoding")]).into_response();
    }
    (about, packed::text(&headers, tag, text.clone())).into_response()
}

/// The methods of the endpoint: HEAD would have to do all that GET does, and show nothing of it.
const METHODS: &str = "GET, POST, OPTIONS";

/// Any other method.
pub(super) async fn no_such_method(headers: HeaderMap) -> Response {
    let response = failed(Code::BadRequest, "An operation is sent by POST, a query also by GET");
    let mut answer = answer::with_status(StatusCode::METHOD_NOT_ALLOWED, &response, form(&headers));
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(METHODS));
    answer
}

/// Whether somebody asks for the methods. What lets pages of other origins in answers without them.
pub(super) fn asks_for_methods(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.uri().path() == "/graphql"
}

/// Names the methods.
pub(super) fn name_methods(answer: &mut Response) {
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(METHODS));
}

/// A query in the address, a WebSocket, or GraphiQL for a browser.
pub(super) async fn get(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if asks_for_socket(&parts.headers) {
        return handshake::upgrade(service, caller, &mut parts).await;
    }
    let query = parts.uri.query().unwrap_or_default();
    if query.is_empty() && answer::names(&parts.headers, "text/html") {
        return console::graphiql(&parts.headers);
    }
    let mut answer = match body::query_string(query, &service.gate).await {
        Ok(parsed) => run(service, caller, parsed, &parts.headers, &Method::GET).await,
        Err(error) => malformed(&parts.headers, &error),
    };
    answer::for_one(answer.headers_mut());
    answer
}

/// An operation as JSON, or with files as multipart.
pub(super) async fn post(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    match content_type(&headers) {
        Content::Json => match body::json(body, length(&headers), Client::of(&caller), &service.gate).await {
            Ok((parsed, _room)) => run(service, caller, parsed, &headers, &Method::POST).await,
            Err(error) => malformed(&headers, &error),
        },
        Content::Form(boundary) => {
            if let Some(refusal) = no_upload(&caller, &headers) {
                return refusal;
            }
            let taking = Box::pin(service.uploads.take(Client::of(&caller), boundary, body, &service.gate));
            match taking.await {
                Ok((parsed, _reading)) => run(service, caller, parsed, &headers, &Method::POST).await,
                Err(error) => malformed(&headers, &error),
            }
        }
        Content::Other(message) => {
            let response = failed(Code::BadRequest, message);
            answer::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, &response, form(&headers))
        }
    }
}

/// How long a body is to be, where the client tells.
pub(super) fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What kind of body comes.
enum Content {
    Json,
    Form(String),
    Other(&'static str),
}

fn content_type(headers: &HeaderMap) -> Content {
    const OTHER: &str = "Send the operation as application/json, or as multipart/form-data with files";
    if headers.get(header::CONTENT_ENCODING).is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Content::Other("Send the body as it is: compressed requests are not read");
    }
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(media_type) = named.and_then(answer::media_type) else { return Content::Other(OTHER) };
    match media_type.essence_str() {
        "application/json" | "application/graphql-response+json" | "application/graphql+json" => {
            match media_type.get_param(mime::CHARSET) {
                Some(charset) if charset != mime::UTF_8 && charset != "utf8" => Content::Other("Send JSON in UTF-8"),
                _ => Content::Json,
            }
        }
        "multipart/form-data" => match media_type.get_param(mime::BOUNDARY) {
            Some(boundary) => Content::Form(boundary.as_str().to_owned()),
            None => Content::Other("The multipart form names no boundary"),
        },
        _ => Content::Other(OTHER),
    }
}

/// Headers that a page of another origin can't send without asking first; a form can be sent without.
const PREFLIGHT_HEADERS: [&str; 5] = [
    "authorization",
    "x-prospectus-console",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "graphql-require-preflight",
];

/// Why a form is not read at all.
fn no_upload(caller: &Caller, headers: &HeaderMap) -> Option<Response> {
    if !PREFLIGHT_HEADERS.iter().any(|name| headers.contains_key(*name)) {
        let message = "A form needs a header that other sites can't send, such as \"apollo-require-preflight: true\"";
        return Some(answer::with_status(StatusCode::BAD_REQUEST, &failed(Code::BadRequest, message), form(headers)));
    }
    if caller.role >= Role::Operator {
        return None;
    }
    let error = denied(caller.role, Role::Operator).into_server_error(START);
    Some(answer::respond(&async_graphql::Response::from_errors(vec![error]), form(headers)))
}

/// The form of a single answer. Those who take none but events are told of a refusal by its status.
fn form(headers: &HeaderMap) -> Form {
    let accepted = accepted(headers);
    accepted.single.unwrap_or(if accepted.events { Form::GraphQL } else { Form::Json })
}

fn malformed(headers: &HeaderMap, error: &body::Malformed) -> Response {
    answer::with_status(error.status, &failed(error.code, &error.message), form(headers))
}

async fn run(service: Service, caller: Caller, parsed: body::Parsed, headers: &HeaderMap, method: &Method) -> Response {
    let accepted = accepted(headers);
    let form = form(headers);
    let body::Parsed { mut request, document_id, reading } = parsed;
    let keep = match service.gate.documents.resolve(&mut request, document_id.as_deref()) {
        Ok(keep) => keep,
        Err(error) => return answer::respond(&async_graphql::Response::from_errors(vec![error]), form),
    };
    // What a client registers is looked at each time.
    let is_registered = keep.is_some();
    let text = is_registered.then(|| request.query.clone());
    // Boxed, here and below: what they keep while they wait would be copied with every future around them.
    let (admitted, kind) = match Box::pin(service.admit(&caller, request, reading)).await {
        Ok(admitted) => admitted,
        Err(errors) => return answer::respond(&async_graphql::Response::from_errors(errors), form),
    };
    if let (Some(hash), Some(text)) = (keep, text) {
        service.gate.documents.keep(hash, &text);
    }
    match kind {
        OperationType::Mutation if method == Method::GET => {
            let response = failed(Code::BadRequest, "A mutation is sent by POST");
            let mut answer = answer::with_status(StatusCode::METHOD_NOT_ALLOWED, &response, form);
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            answer
        }
        OperationType::Subscription if accepted.events => events::follow(&service, &caller, admitted),
        OperationType::Subscription => {
            let message = "A subscription answers with events: accept text/event-stream, or use a WebSocket";
            answer::respond(&failed(Code::BadRequest, message), form)
        }
        _ if accepted.single.is_none() && accepted.events => events::once(&service, &caller, admitted),
        _ if accepted.single.is_none() => {
            let message = "Accept application/graphql-response+json, application/json or text/event-stream";
            answer::with_status(StatusCode::NOT_ACCEPTABLE, &failed(Code::BadRequest, message), form)
        }
        _ => {
            let (cost, operation) = (admitted.cost, admitted.operation.clone());
            let finished = Box::pin(service.execute(admitted)).await;
            let is_same = kind == OperationType::Query && finished.response.errors.is_empty() && !is_registered;
            let body = Bytes::from(answer::json(&finished.response));
            let answer = answer::with_body(&finished.response, body.clone(), form);
            let mut answer = if method == Method::GET { answer::cacheable(answer, headers).await } else { answer };
            if is_same && service.known.is_some() && body.len() <= known::LONGEST {
                answer.extensions_mut().insert(Worth { cost, operation, body });
            }
            // Others wait for an operation, but not for its client.
            drop(finished);
            within(&service, &caller, answer, headers).await
        }
    }
}

/// The answer within the room that clients have for what they take, or why it is not.
async fn within(service: &Service, caller: &Caller, answer: Response, headers: &HeaderMap) -> Response {
    match backlog::within(&service.gate.backlog, caller, answer).await {
        Ok(answer) => answer,
        Err(error) => answer::respond(&async_graphql::Response::from_errors(vec![error]), form(headers)),
    }
}
