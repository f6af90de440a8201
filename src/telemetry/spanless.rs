//! The log without the spans that one is in, for code that enters the current span again and again.

use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_core::span::Current;

static SPANLESS: OnceLock<Dispatch> = OnceLock::new();

/// The log of the process, to which there is no current span: code that runs with it carries none along. What it tells has
/// the ids of the spans that it is in all the same. `None` before the log has started.
#[must_use]
pub fn spanless() -> Option<&'static Dispatch> {
    SPANLESS.get()
}

/// To be called once the log has started.
pub(super) fn start() {
    let log = tracing::dispatcher::get_default(Clone::clone);
    SPANLESS.get_or_init(|| Dispatch::new(Spanless(log)));
}

/// Passes everything on but the question for the current span.
struct Spanless(Dispatch);

impl Subscriber for Spanless {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.register_callsite(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // What the log said when it started, which it tells the library alone.
        Some(LevelFilter::current())
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.0.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.0.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }

    fn enter(&self, span: &Id) {
        self.0.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.0.exit(span);
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.0.clone_span(span)
    }

    fn try_close(&self, span: Id) -> bool {
        self.0.try_close(span)
    }

    fn current_span(&self) -> Current {
        Current::none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::sync::Arc;

    use tracing::Span;
    use tracing::dispatcher::with_default;

    use super::*;

    #[test]
    fn there_is_no_current_span_and_what_is_told_has_its_ids() {
        let mut file = tempfile::tempfile().expect("a file");
        let written = Arc::new(file.try_clone().expect("a file"));
        let log = Dispatch::new(tracing_subscriber::fmt().with_ansi(false).with_writer(written).finish());
        with_default(&log, || {
            tracing::error_span!("request", request_id = "one").in_scope(|| {
                assert!(!Span::current().is_none());
                with_default(&Dispatch::new(Spanless(log.clone())), || {
                    assert!(Span::current().is_none());
                    tracing::error!("a line");
                });
                assert!(!Span::current().is_none());
            });
        });
        let mut lines = String::new();
        file.rewind().expect("its start");
        file.read_to_string(&mut lines).expect("what is told");
        assert!(lines.contains("request_id=\"one\"") && lines.contains("a line"), "{lines}");
    }
}
