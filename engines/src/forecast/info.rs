//! The description of a model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::directory::{ModelSource, Unusable};
use super::evaluation::Evaluation;
use super::model::{ForecastModel, ModelKind};

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
