//! `/metrics` for Prometheus: what was counted, and what is looked at when somebody asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::failure::failure;
use super::health;
use crate::actions::Caller;
use crate::app::App;
use crate::store::{Role, StoreError};
use crate::telemetry::metrics;

/// How long the database may take to tell what a scrape asks.
const PATIENCE: Duration = Duration::from_secs(3);
/// Scrapes that come within this of each other share one look at the database.
const FRESH: Duration = Duration::from_secs(1);
/// How often histograms are summed up.
const TIDY: Duration = Duration::from_secs(5);
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// When the database was looked at last.
#[derive(Clone, Default)]
pub(super) struct Scrapes(Arc<Mutex<Option<Instant>>>);

impl Scrapes {
    async fn scrape(&self, app: &App) -> Response {
        self.look(app).await;
        match metrics::render() {
            Some(text) => ([(header::CONTENT_TYPE, FORMAT)], text).into_response(),
            None => (StatusCode::NOT_FOUND, "this process counts nothing\n").into_response(),
        }
    }

    async fn look(&self, app: &App) {
        let mut looked = self.0.lock().await;
        if looked.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        app.store.measure_pools();
        match tokio::time::timeout(PATIENCE, measure(app)).await {
            Ok(Ok(())) => metrics::database_up(true),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the database did not tell what a scrape asks");
                metrics::database_up(false);
            }
            Err(_) => metrics::database_up(false),
        }
        *looked = Some(Instant::now());
    }
}

/// What only the database knows: it is the same whichever process is asked.
async fn measure(app: &App) -> Result<(), StoreError> {
    app.store.measure_wait().await?;
    app.store.jobs().measure().await?;
    app.providers.measure_budgets().await
}

/// At the service's own address: for admins, as it tells more than others need to know.
pub(super) async fn of_admin(
    State(app): State<App>,
    State(scrapes): State<Scrapes>,
    Extension(caller): Extension<Caller>,
) -> Response {
    if app.settings.telemetry.metrics_listen.is_some() {
        return failure("NOT_FOUND", "Metrics have an address of their own: METRICS_LISTEN", None);
    }
    match caller.role {
        Role::Admin => scrapes.scrape(&app).await,
        Role::Anonymous => {
            let message = "Metrics need a token of the role ADMIN, or an address of their own: METRICS_LISTEN";
            failure("UNAUTHENTICATED", message, None)
        }
        _ => failure("FORBIDDEN", "Metrics need a token of the role ADMIN", None),
    }
}

/// Serves metrics and health alone, to whoever reaches the address, for as long as the process lives.
///
/// # Errors
/// When the listener fails.
pub async fn serve_metrics(listener: TcpListener, app: App) -> std::io::Result<()> {
    let scrapes = Scrapes::default();
    let router = Router::new()
        .route("/metrics", get(move |State(app): State<App>| async move { scrapes.scrape(&app).await }))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(app);
    axum::serve(listener, router).await
}

/// Sums histograms up now and then, for as long as the process lives.
pub async fn tidy_metrics() {
    let mut ticks = tokio::time::interval(TIDY);
    loop {
        ticks.tick().await;
        metrics::tidy();
    }
}
