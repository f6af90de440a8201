//! Every model that can be used: those of the directory, and those that were trained here, which come from the database so that
//! each replica has them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_recursion::async_recursion as boxed;

use crate::forecast::{Artifact, Conformal, ForecastModel, ModelDirectory, ModelInfo, ModelSource, Volatility};
use crate::store::{Store, StoreError};

/// What was trained here, and which model of all is the default.
struct Snapshot {
    /// The oldest first.
    trained: Vec<Arc<ForecastModel>>,
    /// The key of the model that somebody chose as the default.
    chosen: Option<String>,
}

/// Why there is no model of a key.
#[derive(Debug)]
pub enum NoModel {
    Unknown,
    /// Its file can't be used, for this reason.
    Unusable(String),
}

/// The models of this process; clones share them.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    directory: Arc<ModelDirectory>,
    /// By row; `None` where a row can't be read, which is said once.
    trained: Arc<RwLock<BTreeMap<i64, Option<Arc<ForecastModel>>>>>,
}

impl Registry {
    #[must_use]
    pub fn new(store: Store, directory: ModelDirectory) -> Self {
        Self { store, directory: Arc::new(directory), trained: Arc::default() }
    }

    /// What came in since the last look is read; what was deleted is forgotten.
    #[boxed]
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let heads = self.store.models().heads().await?;
        let missing: Vec<i64> = {
            let known = self.trained.read().unwrap_or_else(PoisonError::into_inner);
            heads.models.iter().map(|(id, _)| *id).filter(|id| !known.contains_key(id)).collect()
        };
        if !missing.is_empty() {
            let rows = self.store.models().get_many(&missing).await?;
            let mut known = self.trained.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|id, _| heads.models.iter().any(|(head, _)| head == id));
            for row in rows {
                let read = Artifact::read(&row.content)
                    .and_then(|(key, artifact)| artifact.into_model(key, Some(row.created_at)))
                    .inspect_err(|error| tracing::error!(%error, key = row.key, "a stored model can't be used"));
                known.insert(row.id, read.ok().map(Arc::new));
            }
        }
        let known = self.trained.read().unwrap_or_else(PoisonError::into_inner);
        let named = |(id, name): &(i64, Option<String>)| {
            let model = known.get(id).cloned().flatten()?;
            Some(match name {
                Some(name) if *name != model.name => {
                    let mut named = model.as_ref().clone();
                    named.name.clone_from(name);
                    Arc::new(named)
                }
                _ => model,
            })
        };
        Ok(Snapshot { trained: heads.models.iter().filter_map(named).collect(), chosen: heads.chosen })
    }

    /// The model with this key; with none, the default.
    pub async fn find(&self, key: Option<&str>) -> Result<Result<Arc<ForecastModel>, NoModel>, StoreError> {
        let snapshot = self.snapshot().await?;
        let Some(key) = key else { return Ok(Ok(self.default_of(&snapshot))) };
        if let Some(model) = self.usable(&snapshot, key) {
            return Ok(Ok(model));
        }
        let unusable = self.directory.unusable.iter().find(|file| file.key == key);
        Ok(Err(unusable.map_or(NoModel::Unknown, |file| {
            NoModel::Unusable(format!("{} can't be used: {}", file.file, file.reason))
        })))
    }

    fn usable(&self, snapshot: &Snapshot, key: &str) -> Option<Arc<ForecastModel>> {
        self.directory.models.iter().chain(&snapshot.trained).find(|model| model.key == key).cloned()
    }

    /// The one that somebody chose; without a choice, or where its file is gone, the one that ships.
    fn default_of(&self, snapshot: &Snapshot) -> Arc<ForecastModel> {
        let chosen = snapshot.chosen.as_deref().and_then(|key| self.usable(snapshot, key));
        chosen.unwrap_or_else(|| self.directory.shipped.clone())
    }

    /// Whether the model was trained here, so that it can be renamed and deleted.
    pub async fn is_trained_here(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.snapshot().await?.trained.iter().any(|model| model.key == key))
    }

    /// All of them, those that can't be used included; the default first.
    pub async fn list(&self) -> Result<Vec<ModelInfo>, StoreError> {
        let snapshot = self.snapshot().await?;
        let default = self.default_of(&snapshot);
        let mut infos: Vec<ModelInfo> = Vec::new();
        for model in std::iter::once(&default).chain(snapshot.trained.iter().rev()).chain(&self.directory.models) {
            if !infos.iter().any(|known| known.key == model.key) {
                let source = if snapshot.trained.iter().any(|trained| trained.key == model.key) {
                    ModelSource::Trained
                } else if self.directory.ships(&model.key) {
                    ModelSource::Shipped
                } else {
                    ModelSource::File
                };
                infos.push(ModelInfo { source: Some(source), ..model.as_ref().into() });
            }
        }
        infos.extend(self.directory.unusable.iter().map(ModelInfo::from));
        Ok(infos)
    }

    /// How the bands of every model are drawn: as those of the shipped one.
    #[must_use]
    pub fn bands(&self) -> (Arc<Volatility>, Arc<Conformal>) {
        (self.directory.volatility.clone(), self.directory.conformal.clone())
    }
}
