//! Models of every make behind one type.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::errors::ModelError;
use super::evaluation::Evaluation;
use super::features::{Feature, Prepared};
use super::{HORIZON, Linear, OnnxModel, Target, WARM_UP};

/// What makes the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum ModelKind {
    /// Coefficients, ours or scikit-learn's.
    Linear,
    /// A file for ONNX Runtime.
    Onnx,
    /// The last close, every day.
    Naive,
    /// The mean daily log return so far, every day.
    Drift,
}

/// Where the band lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Around the last close: for a centre that leans away from it by much less than the band is wide.
    NoChange,
    /// Around the centre.
    Centre,
}

/// Something that forecasts, and what is known of it.
#[derive(Debug, Clone)]
pub struct ForecastModel {
    /// Names it for good: another file has another key.
    pub key: String,
    pub name: String,
    pub version: String,
    pub trained_on: String,
    /// Milliseconds since 1970; not known of files.
    pub trained_at: Option<i64>,
    /// Rolling origin, on data that it was not fitted to.
    pub evaluation: Option<Evaluation>,
    pub features: Vec<Feature>,
    pub about: About,
    /// The model card, as JSON.
    pub card: Option<Arc<str>>,
    pub(super) maker: Maker,
}

#[derive(Debug, Clone)]
pub(super) enum Maker {
    Naive,
    Drift,
    Linear(Linear),
    Onnx { model: Arc<OnnxModel>, target: Target },
}

/// A larger move than this in a month is a fault of the model: e^5 is 148-fold.
const LARGEST_LOG_RETURN: f64 = 5.0;

impl ForecastModel {
    /// The last close, every day: what others are measured against.
    #[must_use]
    pub fn naive() -> Self {
        Self::baseline("naive", "No change", "Nothing: it expects the last close every day", Maker::Naive)
    }

    /// The mean daily log return of the symbol so far, every day.
    #[must_use]
    pub fn drift() -> Self {
        Self::baseline("drift", "Drift", "Nothing: it goes on with the symbol's mean daily log return", Maker::Drift)
    }

    fn baseline(key: &str, name: &str, trained_on: &str, maker: Maker) -> Self {
        Self {
            key: key.to_owned(),
            name: name.to_owned(),
            version: "1".to_owned(),
            trained_on: trained_on.to_owned(),
            trained_at: None,
            evaluation: None,
            features: Vec::new(),
            about: About::Centre,
            card: None,
            maker,
        }
    }

    /// What makes the centre.
    #[must_use]
    pub fn kind(&self) -> ModelKind {
        match self.maker {
            Maker::Naive => ModelKind::Naive,
            Maker::Drift => ModelKind::Drift,
            Maker::Linear(_) => ModelKind::Linear,
            Maker::Onnx { .. } => ModelKind::Onnx,
        }
    }

    /// How many days ahead it sees.
    #[must_use]
    pub fn horizon(&self) -> usize {
        match &self.maker {
            Maker::Naive | Maker::Drift => HORIZON,
            Maker::Linear(linear) => linear.horizon(),
            Maker::Onnx { model, .. } => model.horizon(),
        }
    }

    /// Whether it lost to "no change" on data that it had not seen.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.evaluation.as_ref().is_some_and(|evaluation| evaluation.skill() < 0.0)
    }

    /// The first bar, counted from 0, that it can forecast from.
    #[must_use]
    pub fn first_bar(&self) -> usize {
        self.features.iter().map(|feature| feature.first_bar()).max().unwrap_or(WARM_UP)
    }

    /// The expected log returns to the next days at these bars, a row of [`Self::horizon`] numbers each.
    ///
    /// # Errors
    /// When a model of somebody's own fails or answers with what can't be returns.
    pub(super) fn centres(&self, prepared: &Prepared, bars: &[usize]) -> Result<Vec<f64>, ModelError> {
        let mut centres = Vec::with_capacity(bars.len() * self.horizon());
        match &self.maker {
            Maker::Naive => centres.resize(bars.len() * HORIZON, 0.0),
            Maker::Drift => {
                for &bar in bars {
                    let daily = (prepared.log_close[bar] - prepared.log_close[0]) / bar as f64;
                    centres.extend((1..=HORIZON).map(|day| daily * day as f64));
                }
            }
            Maker::Linear(linear) => {
                for &bar in bars {
                    linear.predict(&self.features, prepared, bar, &mut centres);
                }
            }
            Maker::Onnx { model, target } => {
                let mut rows = Vec::with_capacity(bars.len() * self.features.len());
                for &bar in bars {
                    prepared.row(&self.features, bar, &mut rows);
                }
                centres = model.predict(&self.name, &rows, bars.len(), self.features.len())?;
                for (row, &bar) in centres.chunks_exact_mut(model.horizon()).zip(bars) {
                    for (h, centre) in row.iter_mut().enumerate() {
                        *centre *= target.unit(prepared, bar, h + 1);
                    }
                }
            }
        }
        if centres.iter().any(|c| !c.is_finite() || c.abs() > LARGEST_LOG_RETURN) {
            return Err(ModelError::NotFinite(self.name.clone()));
        }
        Ok(centres)
    }
}
