//! The outside: the GraphQL endpoint, REST routes over it, reports and charts, the console, health, and the middleware around them.

mod auth;
mod console;
mod graphql;
mod health;
mod reports;
mod rest;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::CompressionLevel;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};

use crate::app::App;
use crate::graphql::{Schema, schema};

/// What handlers share.
#[derive(Clone)]
pub struct Service {
    pub app: App,
    pub schema: Schema,
    renders: reports::Renders,
}

/// Everything the service answers to.
pub fn router(app: App) -> Router {
    let schema = schema(Some(&app));
    let service = Service { app, schema, renders: reports::Renders::default() };
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/reporting/") }))
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/schema.graphql", get(graphql::definition))
        .merge(rest::routes())
        .merge(reports::routes())
        .layer(middleware::from_fn_with_state(service.clone(), auth::identify))
        .merge(console::routes())
        .route("/session", post(auth::sign_in).delete(auth::sign_out))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(header::REFERRER_POLICY, "same-origin"))
        .layer(header_layer(header::X_FRAME_OPTIONS, "DENY"))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(tracing::Level::DEBUG))
                .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG)),
        )
        .layer(CatchPanicLayer::new())
        .with_state(service)
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
