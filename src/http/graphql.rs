//! The GraphQL endpoint: POST, GET for queries, graphql-transport-ws, server-sent events, and GraphiQL for browsers.

use std::time::Duration;

use async_graphql::http::{ALL_WEBSOCKET_PROTOCOLS, MultipartOptions, receive_body};
use async_graphql::parser::types::OperationType;
use async_graphql::{Data, ErrorExtensions, Request as GraphQLRequest, Response as GraphQLResponse};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Service, auth, console};
use crate::graphql::{Caller, loaders, sdl};

/// A query and its variables; files come by multipart and have a bound of their own.
const LARGEST_JSON: usize = 1 << 20;
const LARGEST_UPLOAD: usize = 64 << 20;
/// How long one operation may take.
const LONGEST_OPERATION: Duration = Duration::from_secs(30);

/// `schema.graphql`, as this binary has it.
pub(super) async fn definition() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sdl())
}

/// A query in the address, a WebSocket, or GraphiQL for a browser.
pub(super) async fn get(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        return websocket(service, caller, &mut parts).await;
    }
    let query = parts.uri.query().unwrap_or_default();
    if query.is_empty() && accepts(&parts.headers, "text/html") {
        return console::graphiql(&parts.headers);
    }
    match async_graphql::http::parse_query_string(query) {
        Ok(request) => respond(service, caller, request, &parts).await,
        Err(error) => malformed(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// An operation as JSON, or with files as multipart.
pub(super) async fn post(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let is_upload = content_type.as_deref().is_some_and(|t| t.starts_with("multipart/"));
    let is_json = content_type.as_deref().is_some_and(|t| t.contains("json"));
    if !is_upload && !is_json {
        let message = "Send the operation as application/json, or as multipart/form-data with files";
        return malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let limit = if is_upload { LARGEST_UPLOAD } else { LARGEST_JSON };
    let bytes = match read(body, limit).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let options = MultipartOptions::default().max_file_size(LARGEST_UPLOAD).max_num_files(1);
    let reader = futures_util::io::Cursor::new(bytes);
    match receive_body(content_type, reader, options).await {
        Ok(request) => respond(service, caller, request, &parts).await,
        Err(error) => malformed(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Response> {
    axum::body::to_bytes(body, limit).await.map_err(|_| {
        let message = format!("The request is longer than {} KiB, or broke off", limit >> 10);
        malformed(StatusCode::PAYLOAD_TOO_LARGE, &message)
    })
}

async fn respond(service: Service, caller: Caller, mut request: GraphQLRequest, parts: &Parts) -> Response {
    if parts.method == Method::GET && is_mutation(&mut request) {
        return malformed(StatusCode::METHOD_NOT_ALLOWED, "A mutation is sent by POST");
    }
    let request = request.data(caller).data(loaders(&service.app));
    if accepts(&parts.headers, "text/event-stream") {
        return events(&service, request);
    }
    let response = execute(&service, request).await;
    let media_type = if accepts(&parts.headers, "application/graphql-response+json") {
        "application/graphql-response+json"
    } else {
        "application/json"
    };
    json_response(StatusCode::OK, media_type, &response)
}

/// Runs one operation, within the time that one may take.
pub(super) async fn execute(service: &Service, request: GraphQLRequest) -> GraphQLResponse {
    let running = service.schema.execute(request);
    tokio::time::timeout(LONGEST_OPERATION, running).await.unwrap_or_else(|_| {
        let seconds = LONGEST_OPERATION.as_secs();
        let error = async_graphql::Error::new(format!("The operation took longer than {seconds} seconds"))
            .extend_with(|_, extensions| extensions.set("code", "TIMEOUT"));
        GraphQLResponse::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
    })
}

/// Each result as an event `next`, then `complete`: the distinct-connections mode of graphql-sse.
fn events(service: &Service, request: GraphQLRequest) -> Response {
    let results = service.schema.execute_stream(request);
    let stop = service.app.shutdown.clone();
    let next =
        results.take_until(stop.cancelled_owned()).map(|result| Event::default().event("next").json_data(result));
    let complete = futures_util::stream::once(async { Ok(Event::default().event("complete").data("")) });
    Sse::new(next.chain(complete).into_stream()).keep_alive(KeepAlive::new()).into_response()
}

async fn websocket(service: Service, caller: Caller, parts: &mut Parts) -> Response {
    let protocol = match GraphQLProtocol::from_request_parts(parts, &()).await {
        Ok(protocol) => protocol,
        Err(status) => return malformed(status, "Ask for the WebSocket protocol graphql-transport-ws"),
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let upgrade = upgrade.protocols(ALL_WEBSOCKET_PROTOCOLS).max_message_size(LARGEST_JSON);
    upgrade.on_upgrade(move |stream| async move {
        let app = service.app.clone();
        let stop = app.shutdown.clone();
        let mut data = Data::default();
        data.insert(caller);
        data.insert(loaders(&app));
        let socket = GraphQLWebSocket::new(stream, service.schema, protocol)
            .with_data(data)
            .on_connection_init(move |payload| async move { connection_data(&app, &payload).await })
            .keepalive_timeout(Some(Duration::from_mins(10)));
        let _ = stop.run_until_cancelled(socket.serve()).await;
    })
}

/// A browser can't set headers on a WebSocket, so the token may come with the first message.
async fn connection_data(app: &crate::app::App, payload: &Value) -> async_graphql::Result<Data> {
    let mut data = Data::default();
    let field = ["Authorization", "authorization"].into_iter().find_map(|name| payload.get(name)?.as_str());
    let token = field.and_then(auth::bearer).or_else(|| payload.get("token")?.as_str());
    if let Some(token) = token {
        match auth::caller_of(app, token).await {
            Ok(Some(caller)) => {
                data.insert(caller);
            }
            Ok(None) => return Err("The token is unknown, revoked or expired".into()),
            Err(error) => return Err(crate::graphql::internal(&error)),
        }
    }
    Ok(data)
}

fn is_mutation(request: &mut GraphQLRequest) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    document
        .operations
        .iter()
        .filter(|(operation, _)| name.is_none() || operation.map(async_graphql::Name::as_str) == name.as_deref())
        .any(|(_, operation)| operation.node.ty == OperationType::Mutation)
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).any(|v| v.contains(media_type))
}

fn json_response(status: StatusCode, media_type: &'static str, response: &GraphQLResponse) -> Response {
    match serde_json::to_vec(response) {
        Ok(body) => (status, [(header::CONTENT_TYPE, media_type)], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "a response could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn malformed(status: StatusCode, message: &str) -> Response {
    let error = async_graphql::Error::new(message)
        .extend_with(|_, extensions| extensions.set("code", "BAD_REQUEST"))
        .into_server_error(async_graphql::Pos::default());
    json_response(status, "application/json", &GraphQLResponse::from_errors(vec![error]))
}
