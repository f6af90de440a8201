//! Models that forecast, and how they have done.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::batch::DataLoader;
use super::errors::internal;
use super::ids::{self, Kind};
use super::loaders::{AllModels, Rows};
use super::scalars::DateTime;
use crate::forecast::{Evaluation, ModelInfo, ModelKind, ModelSource};

/// Something that forecasts.
#[derive(Debug, Clone)]
pub struct Model(pub ModelInfo);

/// Something that forecasts.
#[Object]
impl Model {
    /// An opaque global id; another version has another.
    pub async fn id(&self) -> ID {
        ids::encode_key(Kind::Model, &self.0.key)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Which version of it: the same name and version always forecast the same.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// What makes the centre of its forecasts.
    async fn kind(&self) -> ModelKind {
        self.0.kind
    }

    /// Names of its inputs, in order; the documentation says how each is computed.
    async fn features(&self) -> &[String] {
        &self.0.features
    }

    /// Null for what ships with the service and for files.
    async fn trained_at(&self) -> Option<DateTime> {
        self.0.trained_at.map(DateTime)
    }

    /// What it was fitted to, in a sentence.
    async fn trained_on(&self) -> &str {
        &self.0.trained_on
    }

    /// Rolling origin, on data that it was not fitted to; null where nobody has measured it. Its coverage is that of
    /// bands fitted for this; forecasts draw those of the model that ships.
    async fn evaluation(&self) -> Option<ModelEvaluation> {
        self.0.evaluation.map(ModelEvaluation::from)
    }

    /// Whether it is used where no model is named.
    async fn is_default(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(all_models(ctx).await?.first().is_some_and(|default| default.key == self.0.key))
    }

    /// Where it comes from; null for one that isn't there any more, of which forecasts still tell.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<ModelSource>> {
        Ok(all_models(ctx).await?.iter().find(|model| model.key == self.0.key).and_then(|model| model.source))
    }

    /// Whether it can be used now.
    async fn available(&self) -> bool {
        self.0.unavailable.is_none()
    }

    /// Why it can't be used, and what to do.
    async fn unavailable_reason(&self) -> Option<&str> {
        self.0.unavailable.as_deref()
    }

    /// The model card as JSON: its data, and what a user should know.
    async fn card(&self) -> Option<&str> {
        self.0.card.as_deref()
    }
}

/// How a model has done by rolling origin: from many past days, forecast with the prices that were known then.
#[derive(Debug, Clone, SimpleObject)]
pub struct ModelEvaluation {
    /// Days that were forecast from.
    origins: i32,
    /// Trading days ahead, all of them counted.
    horizon: i32,
    /// Mean absolute error, as a share of the close at the origin.
    mae: f64,
    /// The same for "no change".
    mae_naive: f64,
    /// 1 − mae / maeNaive; below 0 is worse than "no change", and −1 where "no change" alone had no error.
    skill: f64,
    /// Share of closes within the 80 % band.
    #[graphql(name = "coverage80")]
    coverage80: f64,
    /// Share of closes within the 95 % band.
    #[graphql(name = "coverage95")]
    coverage95: f64,
}

impl From<Evaluation> for ModelEvaluation {
    fn from(e: Evaluation) -> Self {
        Self {
            origins: i32::try_from(e.origins).unwrap_or(i32::MAX),
            horizon: i32::try_from(e.horizon).unwrap_or(i32::MAX),
            mae: e.mae,
            mae_naive: e.mae_naive,
            skill: e.skill(),
            coverage80: e.coverage80,
            coverage95: e.coverage95,
        }
    }
}

#[derive(Default)]
pub struct ModelQuery;

#[Object]
impl ModelQuery {
    /// All models, the default first; those that can't be used say why.
    async fn models(&self, ctx: &Context<'_>) -> Result<Vec<Model>> {
        Ok(all_models(ctx).await?.iter().cloned().map(Model).collect())
    }
}

/// Every model, the default first, read once for all who ask together.
async fn all_models(ctx: &Context<'_>) -> Result<Arc<Vec<ModelInfo>>> {
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    Ok(loader.load_one(AllModels).await.map_err(|e| internal(&e))?.unwrap_or_default())
}

/// The model with this key, for `node`.
pub(super) async fn load_model(ctx: &Context<'_>, key: &str) -> Result<Option<Model>> {
    Ok(all_models(ctx).await?.iter().find(|model| model.key == key).cloned().map(Model))
}
