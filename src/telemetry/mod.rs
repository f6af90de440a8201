//! Observability: metrics by name, traces, and the log.
//!
//! A process has one log, one set of metrics and one tracer, so these alone are global. Where a setting has switched them
//! off, a metric or a span costs next to nothing.

mod handles;
mod logs;
pub mod metrics;
mod process;
mod sampling;
mod spanless;
pub mod traces;

pub use logs::{TelemetryError, start};
pub use spanless::spanless;
pub use traces::Traces;
