//! How well a model has done.

use serde::{Deserialize, Serialize};

/// How a model has done by rolling origin: from many past days, forecast with the prices that were known then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Days that were forecast from.
    pub origins: u32,
    /// Trading days ahead, all of them counted.
    pub horizon: u32,
    /// Mean absolute error, as a share of the close at the origin.
    pub mae: f64,
    /// The same for "no change".
    pub mae_naive: f64,
    /// Share of closes within the 80 % band.
    pub coverage80: f64,
    /// Share of closes within the 95 % band.
    pub coverage95: f64,
}

impl Evaluation {
    /// 1 − MAE / MAE of "no change": below 0 is worse than that. −1 where "no change" had no error and the model had.
    #[must_use]
    pub fn skill(&self) -> f64 {
        if self.mae_naive > 0.0 {
            1.0 - self.mae / self.mae_naive
        } else if self.mae > 0.0 {
            -1.0
        } else {
            0.0
        }
    }
}
