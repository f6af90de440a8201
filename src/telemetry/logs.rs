//! The log, on the standard error, and what begins with it: metrics and traces, as the settings want them.

use std::backtrace::{Backtrace, BacktraceStatus};
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
/// What may tell more than `info`: the service itself with its engines, its statements and its queue. Other crates show there
/// what they carry: a message with a token, headers, an address with its password.
const OPEN: [&str; 3] = ["prospectus", "prospectus_engines", "apalis_core"];

/// Why the service could not tell of itself.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("traces can't be sent: {0}")]
    Traces(#[from] TraceError),
    #[error("metrics can't be counted: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Starts the log at a level, unless `RUST_LOG` chooses others; traces, if there is somebody to send them to; and metrics,
/// if the process has a role to count for. `quiet` are more of such crates, and `statements` is what the
/// store's statements are told under. To be called on a thread of the runtime.
///
/// # Errors
/// When traces can't be sent, or something else counts metrics already.
pub fn start(
    settings: &TelemetrySettings,
    level: &str,
    role: Option<&'static str>,
    quiet: &str,
    statements: &'static str,
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
    let usual = || format!("{level},{QUIET},{quiet}");
    let filter = EnvFilter::new(settings.log_filter.clone().unwrap_or_else(usual));
    // One filter for all: with filters of their own, layers miss lines after another crate has asked what is enabled.
    let discreet = filter_fn(move |metadata| is_discreet(*metadata.level(), metadata.target(), statements));
    let lines = lines(settings.log_format);
    let started = tracing_subscriber::registry().with(filter).with(discreet).with(lines).with(spans).try_init();
    if let Err(error) = started {
        eprintln!("prospectus: the log did not start: {error}");
    }
    super::spanless::start();
    tell_panics();
    Ok(traces)
}

/// Has a panic be a line of the log like others, with the ids of what it happened in.
fn tell_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !tracing::enabled!(Level::ERROR) {
            return usual(panic);
        }
        let place = panic.location().map(ToString::to_string);
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(place, backtrace, "panicked: {}", panic.payload_as_str().unwrap_or("without a word"));
    }));
}

/// Whether a line or a span can't hold a secret of what passes through, whatever `RUST_LOG` asks for.
fn is_discreet(level: Level, target: &str, statements: &str) -> bool {
    let is_of = |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    level <= Level::INFO || is_of(statements) || OPEN.into_iter().any(is_of)
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
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("a log").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_a_line_of_the_log_with_the_ids_of_its_request() {
        let (kept, before) = (Kept::default(), std::panic::take_hook());
        let log = kept.clone();
        let layer = tracing_subscriber::fmt::layer().json().with_writer(move || log.clone());
        tell_panics();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _span = tracing::error_span!("request", request_id = "of-mine").entered();
            let _ = std::panic::catch_unwind(|| panic!("of {}", "old age"));
        });
        std::panic::set_hook(before);
        let text = String::from_utf8(kept.0.lock().expect("a log").clone()).expect("text");
        let line: serde_json::Value = serde_json::from_str(&text).expect("one line of JSON");
        assert_eq!(line["fields"]["message"], "panicked: of old age");
        assert!(line["fields"]["place"].as_str().expect("a place").contains("logs.rs:"), "{text}");
        assert_eq!(line["spans"][0]["request_id"], "of-mine");
    }

    #[test]
    fn other_crates_tell_no_more_than_info() {
        for (level, target, is_told) in [
            (Level::TRACE, "prospectus", true),
            (Level::DEBUG, "prospectus::http::observe", true),
            (Level::DEBUG, "a_driver::query", true),
            (Level::INFO, "tungstenite::protocol", true),
            (Level::ERROR, "hyper", true),
            (Level::TRACE, "tungstenite::protocol", false),
            (Level::DEBUG, "h2::codec::framed_read", false),
            (Level::TRACE, "a_driver::pool", false),
            (Level::DEBUG, "a_driver::queryable", false),
            (Level::DEBUG, "prospectus_of_others", false),
        ] {
            assert_eq!(is_discreet(level, target, "a_driver::query"), is_told, "{level} {target}");
        }
    }
}
