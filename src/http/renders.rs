//! What makes reports and charts: what a response is made of makes its ETag, so a client that has it already is told so
//! before anything is drawn; what is drawn is drawn off the async threads, a few at a time, once for all who ask meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::answer;
use super::failure::failure;
use super::permits::Wanting;
use crate::report::{DrawError, PdfError};
use crate::request::RequestError;
use crate::telemetry::metrics;

/// How many may wait for a permit, and for how long.
const MOST_WAITING: usize = 32;
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Bytes of the cache of rendered reports and charts.
const RENDERED_BYTES: u64 = 16 << 20;

/// Renders a few things at a time, and each only once for all who ask meanwhile.
#[derive(Clone)]
pub(super) struct Renders {
    permits: Arc<Semaphore>,
    /// How many want a permit or have one.
    wanting: Arc<AtomicUsize>,
    rendered: Cache<String, Bytes>,
}

impl Default for Renders {
    fn default() -> Self {
        // Half the processors draw, the others answer.
        let permits = std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        let weigh = |key: &String, body: &Bytes| u32::try_from(key.len() + body.len()).unwrap_or(u32::MAX);
        let rendered = Cache::builder().max_capacity(RENDERED_BYTES).weigher(weigh).build();
        Self { permits: Arc::new(Semaphore::new(permits)), wanting: Arc::default(), rendered }
    }
}

/// Where typst works when there's a crowd: on one thread, so that the other processors answer everybody else.
static ONE_THREAD: LazyLock<Option<rayon::ThreadPool>> =
    LazyLock::new(|| rayon::ThreadPoolBuilder::new().num_threads(1).build().ok());

/// Why there's nothing to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenderError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Pdf(#[from] PdfError),
    #[error("the chart can't be drawn: {0}")]
    Chart(#[from] DrawError),
    #[error("the report can't be written down: {0}")]
    Json(#[from] serde_json::Error),
    #[error("rendering was interrupted: {0}")]
    Interrupted(String),
    #[error("too many reports are asked for at once")]
    Crowded,
}

impl IntoResponse for RenderError {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl RenderError {
    fn response(&self) -> Response {
        match self {
            Self::Request(RequestError::NotFound { what, .. }) => {
                failure("NOT_FOUND", &format!("There is no {what}"), None)
            }
            Self::Request(RequestError::Invalid { field, message }) => failure("INVALID", message, Some(field)),
            Self::Request(error @ RequestError::InsufficientData { field, .. }) => {
                failure("INSUFFICIENT_DATA", &error.to_string(), Some(field))
            }
            Self::Crowded => {
                let mut response = failure("OVERLOADED", "Many reports are being made; try again shortly", None);
                response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
                response
            }
            fault => {
                let id = ulid::Ulid::new().to_string();
                tracing::error!(error = %fault, id, "a report was not rendered");
                failure("INTERNAL", &format!("The service failed; the log tells more under {id}"), None)
            }
        }
    }
}

pub(super) const PDF: &str = "application/pdf";
pub(super) const JSON: &str = "application/json";
pub(super) const SVG: &str = "image/svg+xml";

/// What is wanted: its kind of file, what makes its bytes, a name to save it under, and whether its address names all that
/// makes its bytes, so that a client may keep it for good.
pub(super) struct Wanted {
    pub media_type: &'static str,
    pub key: String,
    pub name: String,
    pub is_final: bool,
}

impl Wanted {
    /// As metrics call it.
    fn kind(&self) -> &'static str {
        match self.media_type {
            PDF => "pdf",
            JSON => "json",
            _ => "chart",
        }
    }
}

impl Renders {
    /// Answers from what the client has, from what was rendered lately, or by rendering.
    pub(super) async fn render<F, R>(
        &self,
        headers: &HeaderMap,
        wanted: Wanted,
        make: F,
    ) -> Result<Response, RenderError>
    where
        F: Future<Output = Result<R, RenderError>>,
        R: FnOnce() -> Result<Vec<u8>, RenderError> + Send + 'static,
    {
        let kind = wanted.kind();
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(wanted.key.as_bytes())[..12]));
        let kept = if wanted.is_final { "private, max-age=31536000, immutable" } else { "private, no-cache" };
        // Kept for whoever has asked, and for nobody who comes after them.
        let caching = [
            // Compressed on its way, it has other bytes.
            (header::ETAG, format!("W/{tag}")),
            (header::CACHE_CONTROL, kept.to_owned()),
            (header::VARY, "Authorization, Cookie, Accept-Encoding".to_owned()),
        ];
        if answer::has(headers, &tag) {
            metrics::render_ended(kind, metrics::Render::Cached);
            return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
        }
        let mut is_new = false;
        let rendering = async {
            is_new = true;
            let waiting = metrics::Present::waiting_to_render();
            let (wanting, waiting_now) = Wanting::new(&self.wanting);
            if waiting_now > MOST_WAITING {
                return Err(RenderError::Crowded);
            }
            let permit = tokio::time::timeout(LONGEST_WAIT, self.permits.clone().acquire_owned());
            let permit = permit.await.map_err(|_| RenderError::Crowded)?;
            // Only the holder of the permit loads, so that those who wait hold no memory and no connection.
            let work = make.await?;
            drop(waiting);
            let crowded = self.wanting.load(Ordering::Relaxed) > 1;
            let ran = tokio::task::spawn_blocking(move || {
                let (_present, began) = (metrics::Present::rendering(), Instant::now());
                let body = match ONE_THREAD.as_ref() {
                    Some(pool) if crowded => pool.install(work),
                    _ => work(),
                };
                drop((permit, wanting));
                metrics::render_took(kind, began.elapsed());
                body
            });
            ran.await.map_err(|e| RenderError::Interrupted(e.to_string()))?.map(Bytes::from)
        };
        let rendered = self.rendered.try_get_with(wanted.key, rendering).await;
        metrics::cache_looked_up("renders", u64::from(!is_new), u64::from(is_new));
        let body = match rendered {
            Ok(body) => {
                let outcome = if is_new { metrics::Render::Rendered } else { metrics::Render::Cached };
                metrics::render_ended(kind, outcome);
                body
            }
            Err(shared) => {
                let is_refusal = matches!(*shared, RenderError::Crowded | RenderError::Request(_));
                let outcome = if is_refusal { metrics::Render::Refused } else { metrics::Render::Failed };
                metrics::render_ended(kind, outcome);
                return Ok(shared.response());
            }
        };
        let content = [
            (header::CONTENT_TYPE, wanted.media_type.to_owned()),
            (header::CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", wanted.name)),
            // A chart that is opened by itself runs nothing.
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'".to_owned()),
        ];
        Ok((caching, content, body).into_response())
    }
}
