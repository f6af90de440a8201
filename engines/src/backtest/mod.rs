//! What would have come of a rule: a strategy as data, the engine that trades it over a series of bars, the metrics of
//! the result, and sweeps over many windows at once. Pure: nothing here reads a clock, a file or a database.

mod bits;
mod books;
mod compare;
mod describe;
mod drawdown;
mod engine;
mod figure;
mod metrics;
mod money;
mod signals;
mod strategy;
mod sweep;
mod trade;

pub use bits::BitSet;
pub use describe::{describe, describe_condition};
pub use drawdown::drawdowns;
pub use engine::{Backtest, BacktestError, ENGINE_VERSION, affords, buy_and_hold, equity_curve, run};
pub use metrics::Metrics;
pub use strategy::{Comparison, Condition, Execution, Fill, InvalidField, Strategy};
pub use sweep::{MOST_COMBINATIONS, Sweep, SweepMetric, SweepRow, WindowRange};
pub use trade::{ExitReason, Trade};

#[cfg(test)]
mod tests;
