//! The log, on the standard error, and what begins with it: metrics and traces, as the settings want them.

use std::io::IsTerminal;

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::metrics;
use super::traces::{TraceError, Traces};
use crate::settings::{LogFormat, TelemetrySettings};

/// Crates whose lines below this are no use to an operator.
const QUIET: &str = "usvg=error,apalis=warn,apalis_core=warn";
/// What may tell more than `info`, which is the service itself, its statements and its queue. Other crates show there what
/// they carry: a message with a token, headers, an address with its password.
const OPEN: [&str; 3] = ["prospectus", "sqlx::query", "apalis_core"];

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
    let discreet = filter_fn(|metadata| is_discreet(*metadata.level(), metadata.target()));
    let lines = lines(settings.log_format);
    let started = tracing_subscriber::registry().with(filter).with(discreet).with(lines).with(spans).try_init();
    if let Err(error) = started {
        eprintln!("prospectus: the log did not start: {error}");
    }
    Ok(traces)
}

/// Whether a line or a span can't hold a secret of what passes through, whatever `RUST_LOG` asks for.
fn is_discreet(level: Level, target: &str) -> bool {
    let is_of = |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    level <= Level::INFO || OPEN.into_iter().any(is_of)
}

/// Log lines, each with the ids of the spans that it is in: request, trace, job, token.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().with_current_span(false).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_tell_no_more_than_info() {
        for (level, target, is_told) in [
            (Level::TRACE, "prospectus", true),
            (Level::DEBUG, "prospectus::http::observe", true),
            (Level::DEBUG, "sqlx::query", true),
            (Level::INFO, "tungstenite::protocol", true),
            (Level::ERROR, "hyper", true),
            (Level::TRACE, "tungstenite::protocol", false),
            (Level::DEBUG, "h2::codec::framed_read", false),
            (Level::TRACE, "sea_orm::database", false),
            (Level::DEBUG, "sqlx::queryable", false),
            (Level::DEBUG, "prospectus_of_others", false),
        ] {
            assert_eq!(is_discreet(level, target), is_told, "{level} {target}");
        }
    }
}
