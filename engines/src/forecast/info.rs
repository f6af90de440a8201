//! The description of a model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::WARM_UP;
use super::artifact::{Card, parse_features};
use super::bands::EVALUATION_STEP;
use super::directory::{ModelSource, Unusable};
use super::evaluation::Evaluation;
use super::features::Feature;
use super::model::{ForecastModel, ModelKind};
use crate::market::{Day, day};

/// The description of a model, kept with every prediction that it makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub key: String,
    pub name: String,
    pub version: String,
    pub kind: ModelKind,
    pub features: Vec<String>,
    /// Milliseconds since 1970.
    pub trained_at: Option<i64>,
    pub trained_on: String,
    pub evaluation: Option<Evaluation>,
    /// The model card, as JSON.
    #[serde(default)]
    pub card: Option<Arc<str>>,
    /// Why it can't be used now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Where it comes from; none for a model that was deleted since.
    #[serde(skip)]
    pub source: Option<ModelSource>,
}

impl ModelInfo {
    /// How many of so many past forecasts of a symbol that has or had these tickers, with bars of these days, were made
    /// within data that the model was fitted to; `None` where its card doesn't tell.
    #[must_use]
    pub fn fitted_origins(&self, tickers: &[&str], days: &[Day], origins: u32) -> Option<u32> {
        if matches!(self.kind, ModelKind::Naive | ModelKind::Drift) {
            return Some(0);
        }
        let card: Card = serde_json::from_str(self.card.as_deref()?).ok()?;
        if card.symbols.is_empty() {
            return None;
        }
        let features = parse_features(&self.features).ok()?;
        let first = features.into_iter().map(Feature::first_bar).max().unwrap_or(WARM_UP);
        let made: Vec<Day> = days.iter().copied().skip(first).step_by(EVALUATION_STEP).take(origins as usize).collect();
        if made.len() != origins as usize {
            return None;
        }
        let is_own = |name: &str| tickers.iter().any(|ticker| ticker.eq_ignore_ascii_case(name));
        let own = card.symbols.iter().filter(|symbol| is_own(&symbol.ticker));
        let spans: Vec<(Day, Day)> =
            own.filter_map(|symbol| Some((day::parse_iso(&symbol.from)?, day::parse_iso(&symbol.to)?))).collect();
        let fitted = made.iter().filter(|&&day| spans.iter().any(|&(from, to)| from <= day && day <= to));
        u32::try_from(fitted.count()).ok()
    }
}

impl From<&ForecastModel> for ModelInfo {
    fn from(model: &ForecastModel) -> Self {
        Self {
            key: model.key.clone(),
            name: model.name.clone(),
            version: model.version.clone(),
            kind: model.kind(),
            features: model.features.iter().map(ToString::to_string).collect(),
            trained_at: model.trained_at,
            trained_on: model.trained_on.clone(),
            evaluation: model.evaluation,
            card: model.card.clone(),
            unavailable: None,
            source: None,
        }
    }
}

impl From<&Unusable> for ModelInfo {
    fn from(file: &Unusable) -> Self {
        Self {
            key: file.key.clone(),
            name: file.file.clone(),
            version: String::new(),
            kind: if file.onnx { ModelKind::Onnx } else { ModelKind::Linear },
            features: Vec::new(),
            trained_at: None,
            trained_on: "Not known: the file can't be used".to_owned(),
            evaluation: None,
            card: None,
            unavailable: Some(file.reason.clone()),
            source: Some(ModelSource::File),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(kind: ModelKind, card: Option<&str>) -> ModelInfo {
        ModelInfo {
            key: "linear-test".to_owned(),
            name: "A test".to_owned(),
            version: "1".to_owned(),
            kind,
            features: vec!["momentum_5".to_owned()],
            trained_at: None,
            trained_on: String::new(),
            evaluation: None,
            card: card.map(Arc::from),
            unavailable: None,
            source: None,
        }
    }

    #[test]
    fn origins_within_the_training_are_counted() {
        let days: Vec<Day> = (0..400).collect();
        // Origins are days 60, 70, … 160; the training ends on day 99.
        let card = r#"{"trained_on": "ACME", "symbols": [{"ticker": "ACME", "from": "1970-01-01", "to": "1970-04-10", "bars": 100}]}"#;
        let linear = model(ModelKind::Linear, Some(card));
        assert_eq!(linear.fitted_origins(&["acme"], &days, 11), Some(4));
        assert_eq!(linear.fitted_origins(&["OTHER"], &days, 11), Some(0));
        assert_eq!(
            linear.fitted_origins(&["NEW", "ACME"], &days[..90], 11),
            None,
            "other bars than those of the forecast"
        );
        assert_eq!(model(ModelKind::Naive, None).fitted_origins(&["NEW", "ACME"], &days, 11), Some(0));
        for card in [None, Some(r#"{"trained_on": "my shares"}"#)] {
            assert_eq!(model(ModelKind::Linear, card).fitted_origins(&["NEW", "ACME"], &days, 11), None, "{card:?}");
        }
    }
}
