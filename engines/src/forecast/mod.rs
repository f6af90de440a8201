//! Forecasts of daily closes: what a model expects of the next trading days, and how wide to draw the band around it.
//!
//! A [`ForecastModel`] gives the centre: the log return from the last close to each of the next days. The band around it is
//! the same for all models: [`Volatility`] says from the bars' ranges how wild the days to come are, [`Conformal`]
//! how far closes have really strayed in that measure. [`forecast`] puts both together and scores the model on the
//! symbol's own history, where every step sees only prices that were known then; what is fitted was fitted once.
//!
//! Everything here is pure, but for reading the files of models.

mod artifact;
mod bands;
mod card;
mod conformal;
mod directory;
mod errors;
mod evaluation;
mod features;
mod info;
mod linear;
mod model;
mod onnx;
mod outcome;
mod record;
mod train;
mod verdict;
mod volatility;

pub use artifact::{ARTIFACT_VERSION, Artifact, ArtifactError, Card, FORMAT};
pub use bands::{Band, Forecast, apart, bars_needed, forecast};
pub use conformal::Conformal;
pub use directory::{ModelDirectory, ModelSource, Unusable};
pub use errors::ModelError;
pub use evaluation::Evaluation;
pub use features::{Feature, Prepared, UnknownFeature};
pub use info::ModelInfo;
pub use linear::{Linear, Target};
pub use model::{About, ForecastModel, ModelKind};
pub use onnx::OnnxModel;
pub use outcome::{Outcome, Point};
pub use record::{DayRecord, Record};
pub use train::{Stage, TrainError, Training, train};
pub use verdict::{FEWEST_APART, verdict};
pub use volatility::Volatility;

/// The furthest day that is forecast, in trading days.
pub const HORIZON: usize = 30;
/// Daily returns that a symbol's volatility needs before anything is said of it.
pub const WARM_UP: usize = 60;
/// Bars that a forecast needs at least; as many as Alpha Vantage gives without a premium key.
pub const FEWEST_BARS: usize = 100;
