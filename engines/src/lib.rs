//! The engines of Prospectus: what the field is made of, backtests and forecasts. Pure: nothing here reads a clock, a
//! database or, but for models, a file.
//!
//! They are a crate of their own as they are compiled as one unit, in which the engine's loops are optimised as one, while
//! the service around them is compiled in pieces of which a change makes few anew.

pub mod backtest;
pub mod forecast;
pub mod market;

/// The one part of the store that can't lie in the service: a trait is implemented beside its own definition or beside its
/// type only.
#[cfg(feature = "sea-orm")]
mod store {
    mod texts;
}
