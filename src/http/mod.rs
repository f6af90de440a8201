//! The outside: the GraphQL endpoint, REST routes over it, reports and charts, the console, health, and the middleware around them.

mod answer;
mod audit;
mod auth;
mod backlog;
mod by_pointer;
mod console;
mod execute;
mod export;
mod failure;
mod gate;
mod graphql;
mod health;
mod known;
mod leftovers;
mod live;
mod metrics;
mod observe;
mod operations;
mod packed;
mod permits;
mod rates;
mod recall;
mod refusal;
mod renders;
mod reports;
mod rest;
mod server;
mod service;
mod shares;
mod streams;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::cors::{AllowCredentials, CorsLayer};
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

use crate::actions::Caller;
use crate::app::App;
use crate::settings::Origins;

pub use metrics::{serve_metrics, tidy_metrics};
pub use server::serve;
pub use service::Service;

use by_pointer::ByPointer;
use observe::{NewId, REQUEST_ID};

/// Bytes of a body outside the GraphQL endpoint.
const LARGEST_BODY: usize = 64 << 10;

/// Everything the service answers to.
pub fn router(app: App) -> Router {
    let service = Service::new(app, rest::texts());
    tokio::spawn(service.gate.live.clone().look(service.app.clone()));
    let streams = streams::Streams::new(service.app.settings.http.trusted_proxies);
    let rest = rest::routes()
        .merge(reports::routes().layer(middleware::from_fn_with_state(service.clone(), reports::paid)))
        .merge(export::routes())
        .layer(middleware::from_fn_with_state(service.clone(), in_time))
        .layer(middleware::from_fn_with_state(service.clone(), until_taken));
    // One layer: the router keeps what is around a route behind a pointer a layer, and copies them all for each of them.
    let around = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(streams, streams::bound))
        .option_layer(service.known.as_ref().map(|_| middleware::from_fn_with_state(service.clone(), recall::recall)))
        .layer(middleware::from_fn(leftovers::pass_over))
        .map_request(observe::plain_request_id)
        .layer(SetRequestIdLayer::x_request_id(NewId))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(middleware::from_fn(observe::observe))
        .layer(middleware::from_fn_with_state(service.clone(), told))
        .layer(layer_fn(ByPointer::new))
        .map_response(in_a_browser)
        .layer(cors(&service.app.settings.http.cors_origins))
        .map_request(answer::some_coding)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(packed::worth_compressing()))
        .layer(middleware::from_fn_with_state(packed::Coders::default(), packed::placed));
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/reporting/") }))
        .route(
            "/graphql",
            get(graphql::get).post(graphql::post).head(graphql::no_such_method).fallback(graphql::no_such_method),
        )
        .route("/schema.graphql", get(graphql::definition))
        .route("/metrics", get(metrics::of_admin))
        .merge(rest)
        .layer(middleware::from_fn_with_state(service.clone(), auth::identify))
        .merge(console::routes())
        .route("/session", post(auth::sign_in).delete(auth::sign_out))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(nowhere)
        .method_not_allowed_fallback(failure::no_such_method)
        .layer(around)
        .with_state(service)
}

/// An address that leads nowhere.
async fn nowhere() -> Response {
    let message = "There is nothing at this address: the API is at /graphql, the console at /reporting/";
    failure::failure("NOT_FOUND", message, None)
}

/// Reads a body before anything else is done with its request: all of it in time, however often a piece of it comes.
async fn in_time(State(service): State<Service>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let client = parts.extensions.get().map_or(rates::Client::Settings, rates::Client::of);
    let whole =
        graphql::body::whole(body, graphql::length(&parts.headers), LARGEST_BODY, client, &service.gate.bodies).await;
    match whole {
        Ok((bytes, _room)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refusal) => {
            let mut answer = failure::failure(refusal.code.name(), &refusal.message, None);
            *answer.status_mut() = refusal.status;
            answer
        }
    }
}

/// Reports, charts and REST's answers take of the room that clients have for what they have not taken yet; an export is
/// written as it is taken.
async fn until_taken(State(service): State<Service>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned();
    let answer = next.run(request).await;
    let Some(caller) = caller else { return answer };
    backlog::within(&service.gate.backlog, &caller, answer).await.unwrap_or_else(|_| {
        let message = "Clients have not taken what was made for them yet; try again shortly";
        failure::failure("OVERLOADED", message, None)
    })
}

/// What each answer tells its client beside what was asked: what is left of its rate, the endpoint's methods, and, while the
/// process drains, to come back over another connection. One layer for all of it, as each keeps a future for a request.
async fn told(State(service): State<Service>, request: Request, next: Next) -> Response {
    let is_first_version = request.version() <= Version::HTTP_11;
    let asks_for_methods = graphql::asks_for_methods(&request);
    let mut response = rates::telling(next.run(request)).await;
    if asks_for_methods {
        graphql::name_methods(&mut response);
    }
    if is_first_version && service.app.shutdown.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What browsers are told of every answer that says nothing else of it.
fn in_a_browser<B>(mut response: axum::http::Response<B>) -> axum::http::Response<B> {
    let told = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in told {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What pages of other origins may send and read.
fn cors(origins: &Origins) -> CorsLayer {
    let allowed = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::ACCEPT,
        header::IF_NONE_MATCH,
        REQUEST_ID,
        HeaderName::from_static("apollo-require-preflight"),
        HeaderName::from_static("graphql-require-preflight"),
        HeaderName::from_static("x-apollo-operation-name"),
        HeaderName::from_static("apollographql-client-name"),
        HeaderName::from_static("apollographql-client-version"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("baggage"),
    ];
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(allowed)
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            REQUEST_ID,
            rates::LIMIT,
            rates::REMAINING,
            rates::RESET,
            rates::POLICY,
        ])
        .max_age(Duration::from_mins(10));
    match origins {
        Origins::Off => CorsLayer::new(),
        Origins::Any => layer.allow_origin(tower_http::cors::Any),
        Origins::These(list) => {
            let list: Vec<HeaderValue> = list.iter().filter_map(|origin| origin.parse().ok()).collect();
            let listed = list.clone();
            let credentials = AllowCredentials::predicate(move |origin, _| listed.contains(origin));
            layer.allow_origin(list).allow_credentials(credentials)
        }
    }
}
