//! Whether the process lives, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;

use super::Service;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The database answers and has every migration, and the process isn't on its way out.
pub(super) async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    if service.app.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match service.app.store.is_ready().await {
        Ok(true) => (StatusCode::OK, "ready\n"),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "the database lacks migrations: run `prospectus migrate`\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
