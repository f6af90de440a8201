//! The log, on the standard error, and what begins with it: metrics and traces, as the settings want them.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::metrics;
use super::traces::{TraceError, Traces};
use crate::settings::{LogFormat, TelemetrySettings};

/// Crates whose lines below this are no use to an operator.
const QUIET: &str = "usvg=error,apalis=warn,apalis_core=warn";

/// Why the service could not tell of itself.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("traces can't be sent: {0}")]
    Traces(#[from] TraceError),
    #[error("metrics can't be counted: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Starts the log at a level, unless `RUST_LOG` chooses others; traces, if there is somebody to send them to; and metrics,
/// if the process has a role to count for. `quiet` are more of such crates. To be called on a thread of the runtime.
///
/// # Errors
/// When traces can't be sent, or something else counts metrics already.
pub fn start(
    settings: &TelemetrySettings,
    level: &str,
    role: Option<&'static str>,
    quiet: &str,
) -> Result<Option<Traces>, TelemetryError> {
    if let Some(role) = role {
        metrics::install(role)?;
    }
    let traces = match &settings.traces {
        Some(endpoint) => Some(Traces::start(endpoint, &settings.service_name, settings.sampling)?),
        None => None,
    };
    let spans = traces.as_ref().map(|traces| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // A span that is entered would be decided about, and nothing else here asks for the present context.
            .with_context_activation(false)
    });
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{QUIET},{quiet}")));
    // One filter for all: with filters of their own, layers miss lines after another crate has asked what is enabled.
    let started = tracing_subscriber::registry().with(filter).with(lines(settings.log_format)).with(spans).try_init();
    if let Err(error) = started {
        eprintln!("prospectus: the log did not start: {error}");
    }
    Ok(traces)
}

/// Log lines, each with the ids of the spans that it is in: request, trace, job, token.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().with_current_span(false).boxed(),
    }
}
