//! Traces over OTLP, as protobuf over HTTP. One trace goes from a request through its operation and statements to the job
//! that it has recorded, whose record carries the trace to the worker. Nothing of it goes on to a provider.
//!
//! Whether a request is traced is decided when its span is first asked for its context. One whose kind its body alone tells
//! stays undecided until then, so that a change is traced however many reads aren't.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;

use super::sampling::{Chosen, KEPT};
use crate::settings::Sampling;

/// How long the collector may take to take a batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Spans that wait to be sent; more than that are dropped.
const QUEUE: usize = 16_384;
const QUEUE_SETTING: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
/// Characters of a statement that are sent along.
const LONGEST_STATEMENT: usize = 2_000;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Why traces can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// The exporter of traces, until it is shut down.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send traces to a collector. To be called on a thread of the runtime.
    ///
    /// # Errors
    /// When the system has no usable TLS.
    pub(super) fn start(endpoint: &Url, service: &str, sampling: Sampling) -> Result<Self, TraceError> {
        let client = reqwest::Client::builder().timeout(SEND_TIMEOUT).build()?;
        let sender = Sender { client, runtime: Handle::current(), is_failing: AtomicBool::new(false) };
        let exporter =
            SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(endpoint.as_str()).build()?;
        let mut batches = BatchConfigBuilder::default();
        if std::env::var_os(QUEUE_SETTING).is_none_or(|value| value.is_empty()) {
            batches = batches.with_max_queue_size(QUEUE);
        }
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service.to_owned()).with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Chosen::new(sampling))
            .with_span_processor(processor)
            .with_resource(resource)
            .build();
        let _ = TRACER.set(provider.tracer("prospectus"));
        Ok(Self(provider))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer("prospectus")
    }

    /// Sends what is left.
    pub async fn end(self) {
        // It waits for the collector, which no thread of the runtime may.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The exporter works on a thread of its own, where no client of the runtime's would run.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    is_failing: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let mut answer = client.execute(request.try_into()?).await?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, reqwest::Error>(response)
        });
        // The address may hold a password, and so may the error's text.
        let sent = sending.await.map_err(HttpError::from).and_then(|sent| sent.map_err(|e| e.without_url().into()));
        let is_failing = !matches!(&sent, Ok(response) if response.status().is_success());
        if is_failing != self.is_failing.swap(is_failing, Ordering::Relaxed) {
            match &sent {
                _ if !is_failing => tracing::info!("traces are sent again"),
                Ok(response) => tracing::warn!(status = response.status().as_u16(), "the collector refuses traces"),
                Err(error) => tracing::warn!(%error, "traces can't be sent, and are dropped meanwhile"),
            }
        }
        sent
    }
}

/// A field of a span that is for traces alone: nothing where none are sent, as the log writes all that a span has.
#[must_use]
pub fn only<T>(field: impl FnOnce() -> T) -> Option<T> {
    TRACER.get().map(|_| field())
}

/// The field of a span that holds the trace's id, for the log.
pub const TRACE_ID: &str = "trace_id";

/// How a request's trace stands.
pub struct Start {
    /// Whether it is undecided if there is one.
    is_open: Cell<bool>,
    /// Whether the log knows its id.
    is_named: bool,
}

tokio::task_local! {
    static START: Start;
}

/// Makes a span, which is new, a part of the trace that a `traceparent` names, and tells the log the trace's id.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    let _ = begin(span, traceparent, false);
}

/// The same for a request, which is decided about at once or, if it is open, by [`decide`].
#[must_use]
pub fn begin(span: &Span, traceparent: Option<&str>, is_open: bool) -> Start {
    let remote = traceparent.map(|value| TraceContextPropagator::new().extract(&Carrier(value)));
    let remote = remote.filter(|context| context.span().span_context().is_valid());
    let is_named = remote.is_some();
    if let Some(remote) = remote {
        name(span, remote.span().span_context());
        if TRACER.get().is_some() {
            // It fails where the filter leaves the span out of traces.
            let _ = span.set_parent(remote);
        }
    }
    let start = Start { is_open: Cell::new(is_open && TRACER.get().is_some()), is_named };
    if !start.is_open.get() {
        start.settle(span);
    }
    start
}

impl Start {
    /// Has it decided, and the log told of a trace that there will be.
    fn settle(&self, span: &Span) {
        if TRACER.get().is_none() {
            return;
        }
        let context = span.context();
        let context = context.span().span_context().clone();
        if !self.is_named && context.is_valid() && context.is_sampled() {
            name(span, &context);
        }
    }
}

fn name(span: &Span, context: &SpanContext) {
    span.record(TRACE_ID, tracing::field::display(context.trace_id()));
}

/// Runs what a request that has begun so does.
pub async fn within<F: Future>(start: Start, work: F) -> F::Output {
    START.scope(start, work).await
}

/// Decides whether the present request, if that is open, is traced: always if it is to be kept, else as the sampler says. Its
/// span must be the present one.
pub fn decide(keeps: bool) {
    let _ = START.try_with(|start| {
        if start.is_open.replace(false) {
            let span = Span::current();
            if keeps {
                keep(&span);
            }
            start.settle(&span);
        }
    });
}

/// Has a span traced that is the first of its trace here, and hasn't been decided about.
pub fn keep(span: &Span) {
    if TRACER.get().is_some() {
        span.set_attribute(KEPT, 1_i64);
    }
}

/// Names the present span to whoever goes on with its trace.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = present()?;
    let span = context.span();
    Some(written(span.span_context()))
}

fn written(context: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags())
}

/// The context of the present span, if there are traces and it is in one.
fn present() -> Option<Context> {
    TRACER.get()?;
    let context = Span::current().context();
    let is_valid = context.span().span_context().is_valid();
    is_valid.then_some(context)
}

/// A statement that has just ended, as a part of the present span.
pub fn statement(system: &'static str, verb: &'static str, text: &str, failed: bool, took: Duration) {
    // To ask for the context would decide; only the look-up of a token comes before that.
    if START.try_with(|start| start.is_open.get()).unwrap_or(false) {
        return;
    }
    let (Some(tracer), Some(context)) = (TRACER.get(), present()) else { return };
    if !context.span().span_context().is_sampled() {
        return;
    }
    let end = SystemTime::now();
    let shown: String = text.chars().take(LONGEST_STATEMENT).collect();
    let attributes = [
        KeyValue::new("db.system.name", system),
        KeyValue::new("db.operation.name", verb),
        KeyValue::new("db.query.text", shown),
    ];
    let builder = SpanBuilder::from_name(verb)
        .with_kind(SpanKind::Client)
        .with_start_time(end.checked_sub(took).unwrap_or(end))
        .with_attributes(attributes);
    let mut span = tracer.build_with_context(builder, &context);
    if failed {
        span.set_status(Status::error("the statement failed"));
    }
    span.end_with_timestamp(end);
}

/// What a trace tells of a request that was answered from memory.
pub struct Ended {
    pub method: &'static str,
    pub route: &'static str,
    pub status: u16,
    pub request_id: String,
    pub token_id: Option<TokenId>,
}

/// How a token is named: by its row, or in words.
pub enum TokenId {
    Number(i64),
    Name(Cow<'static, str>),
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A request that has just been answered from memory, as a span with nothing in it.
pub fn request_ended(traceparent: Option<&str>, took: Duration, request: impl FnOnce() -> Ended) {
    let Some(tracer) = TRACER.get() else { return };
    let Ended { method, route, status, request_id, token_id } = request();
    let context = traceparent.map(|value| TraceContextPropagator::new().extract(&Carrier(value))).unwrap_or_default();
    let end = SystemTime::now();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", i64::from(status)),
        KeyValue::new("request_id", request_id),
    ];
    attributes.extend(token_id.map(|id| match id {
        TokenId::Number(id) => KeyValue::new("token_id", id),
        TokenId::Name(name) => KeyValue::new("token_id", name),
    }));
    let builder = SpanBuilder::from_name(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_start_time(end.checked_sub(took).unwrap_or(end))
        .with_attributes(attributes);
    tracer.build_with_context(builder, &context).end_with_timestamp(end);
}

struct Carrier<'a>(&'a str);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContextPropagator::new().extract(&Carrier(text));
        assert_eq!(written(context.span().span_context()), text);
        for wrong in ["", "00-0-0-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "🦀"] {
            let context = TraceContextPropagator::new().extract(&Carrier(wrong));
            assert!(!context.span().span_context().is_valid(), "{wrong}");
        }
    }
}
