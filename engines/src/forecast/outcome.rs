//! The days of a prediction, and what became of them.

use serde::{Deserialize, Serialize};

use super::bands::Band;
use crate::market::Day;

/// One day of a prediction as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub day: Day,
    #[serde(flatten)]
    pub band: Band,
}

/// How a prediction has turned out so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Days that have a close by now.
    pub days: u32,
    /// Mean absolute error, as a share of the close that it was made from.
    pub mae: f64,
    /// The same for "no change".
    pub mae_naive: f64,
    pub coverage80: f64,
    pub coverage95: f64,
}
