//! Every model at hand: those of the shelf, and those that were trained here, which come from the database so that
//! each replica has them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::forecast::{Artifact, Conformal, Evaluation, Model, ModelKind, Shelf, Unusable, Volatility};
use crate::store::{Store, StoreError};

/// What is told of a model, and kept with every prediction that it makes.
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
}

impl From<&Model> for ModelInfo {
    fn from(model: &Model) -> Self {
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
        }
    }
}

/// A model that was trained here.
#[derive(Clone)]
struct Trained {
    model: Arc<Model>,
    may_be_default: bool,
}

/// The models of this process; clones share them.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    shelf: Arc<Shelf>,
    /// By row; `None` where a row can't be read, which is said once.
    trained: Arc<RwLock<BTreeMap<i64, Option<Trained>>>>,
}

impl Registry {
    #[must_use]
    pub fn new(store: Store, shelf: Shelf) -> Self {
        Self { store, shelf: Arc::new(shelf), trained: Arc::default() }
    }

    /// What was trained here, the oldest first; what came in since the last look is read.
    async fn trained(&self) -> Result<Vec<Trained>, StoreError> {
        let ids = self.store.models().ids().await?;
        let missing: Vec<i64> = {
            let known = self.trained.read().unwrap_or_else(PoisonError::into_inner);
            ids.iter().copied().filter(|id| !known.contains_key(id)).collect()
        };
        if !missing.is_empty() {
            let rows = self.store.models().get_many(&missing).await?;
            let mut known = self.trained.write().unwrap_or_else(PoisonError::into_inner);
            for row in rows {
                let read = Artifact::read(&row.content)
                    .and_then(|(key, artifact)| artifact.into_model(key, Some(row.created_at)))
                    .inspect_err(|error| tracing::error!(%error, key = row.key, "a stored model can't be used"));
                let trained =
                    read.ok().map(|model| Trained { model: Arc::new(model), may_be_default: row.may_be_default });
                known.insert(row.id, trained);
            }
        }
        let known = self.trained.read().unwrap_or_else(PoisonError::into_inner);
        Ok(ids.iter().filter_map(|id| known.get(id).cloned().flatten()).collect())
    }

    /// The model with this key; with none, the default. `Err` within tells why there's none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, key: Option<&str>) -> Result<Result<Arc<Model>, String>, StoreError> {
        let trained = self.trained().await?;
        let Some(key) = key else { return Ok(Ok(self.default_of(&trained))) };
        let found = self.shelf.models.iter().chain(trained.iter().map(|t| &t.model)).find(|model| model.key == key);
        if let Some(model) = found {
            return Ok(Ok(model.clone()));
        }
        let unusable = self.shelf.unusable.iter().find(|file| file.key == key);
        Ok(Err(unusable.map_or_else(String::new, |file| format!("{} can't be used: {}", file.file, file.reason))))
    }

    /// The newest that was trained here and didn't lose to "no change"; else the one that ships.
    fn default_of(&self, trained: &[Trained]) -> Arc<Model> {
        let newest = trained.iter().rev().find(|t| t.may_be_default);
        newest.map_or_else(|| self.shelf.shipped.clone(), |t| t.model.clone())
    }

    /// All of them, those that can't be used included; the default first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<ModelInfo>, StoreError> {
        let trained = self.trained().await?;
        let default = self.default_of(&trained);
        let mut infos: Vec<ModelInfo> = Vec::new();
        for model in std::iter::once(&default).chain(trained.iter().rev().map(|t| &t.model)).chain(&self.shelf.models) {
            if !infos.iter().any(|known| known.key == model.key) {
                infos.push(model.as_ref().into());
            }
        }
        infos.extend(self.shelf.unusable.iter().map(ModelInfo::from));
        Ok(infos)
    }

    /// How bands are drawn.
    #[must_use]
    pub fn bands(&self) -> (Arc<Volatility>, Arc<Conformal>) {
        (self.shelf.volatility.clone(), self.shelf.conformal.clone())
    }
}
