//! What can be done with models: train, choose the default, rename, delete.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::errors::{Fault, UserError, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::job::Job;
use super::model::Model;
use crate::actions::models;
use crate::app::App;

/// The model to be the default.
#[derive(Debug, InputObject)]
pub struct SetDefaultModelInput {
    /// The model's id, as `models` lists it.
    id: ID,
}

/// The model as it stands now.
#[derive(SimpleObject)]
pub struct SetDefaultModelPayload {
    /// The model; null if it was refused.
    model: Option<Model>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Another name for a model that was trained here.
#[derive(Debug, InputObject)]
pub struct RenameModelInput {
    /// The model's id, as `models` lists it.
    id: ID,
    /// 1 to 200 characters.
    name: String,
}

/// The model as it stands now.
#[derive(SimpleObject)]
pub struct RenameModelPayload {
    /// The model; null if it was refused.
    model: Option<Model>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A model that was trained here, to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteModelInput {
    /// The model's id, as `models` lists it.
    id: ID,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeleteModelPayload {
    /// The id that was given; null if nothing was deleted.
    deleted_model_id: Option<ID>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A model to train.
#[derive(Debug, InputObject)]
pub struct TrainModelInput {
    /// What it is to be called, 1 to 200 characters.
    name: String,
    /// What to train it on: 1 to 200 symbols with 250 bars or more, a million bars in all at most.
    tickers: Vec<String>,
}

/// The job that trains the model.
#[derive(SimpleObject)]
pub struct TrainModelPayload {
    /// The job that trains it; null if there are errors.
    job: Option<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct ModelMutation;

#[Object]
impl ModelMutation {
    /// Trains a model on stored symbols as a job. It's used where it is named, and where nobody names a model only once
    /// `setDefaultModel` has chosen it.
    async fn train_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to call it, and what to train it on.")] input: TrainModelInput,
    ) -> Result<TrainModelPayload> {
        let app = ctx.data_unchecked::<App>();
        let done = models::train(app, &caller(ctx), &input.name, &input.tickers).await;
        Ok(payload!(TrainModelPayload, done, job => { job: Some(Job(job)) }))
    }

    /// Chooses the model that is used where nobody names one, for everybody.
    async fn set_default_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which model.")] input: SetDefaultModelInput,
    ) -> Result<SetDefaultModelPayload> {
        let app = ctx.data_unchecked::<App>();
        let key = key_of(&input.id);
        let done = models::choose_default(app, &caller(ctx), &key).await;
        Ok(payload!(SetDefaultModelPayload, done, () => { model: fresh_model(app, &key).await? }))
    }

    /// Gives a model that was trained here another name. Predictions keep the name of their time.
    async fn rename_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which model, and what it is to be called.")] input: RenameModelInput,
    ) -> Result<RenameModelPayload> {
        let app = ctx.data_unchecked::<App>();
        let key = key_of(&input.id);
        let done = models::rename(app, &caller(ctx), &key, &input.name).await;
        Ok(payload!(RenameModelPayload, done, () => { model: fresh_model(app, &key).await? }))
    }

    /// Deletes a model that was trained here; the default can't be deleted. Predictions that it made stay.
    async fn delete_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which model.")] input: DeleteModelInput,
    ) -> Result<DeleteModelPayload> {
        let app = ctx.data_unchecked::<App>();
        let done = models::delete(app, &caller(ctx), &key_of(&input.id)).await;
        Ok(payload!(DeleteModelPayload, done, () => { deleted_model_id: Some(input.id) }))
    }
}

/// The key of a model's id; an empty one, which no model has, if it's none.
fn key_of(id: &ID) -> String {
    ids::decode_key(Kind::Model, id).unwrap_or_default()
}

/// A model after a change: what was loaded for this request before may be older.
async fn fresh_model(app: &App, key: &str) -> Result<Option<Model>> {
    let models = app.models.list().await.map_err(Fault::from)?;
    Ok(models.into_iter().find(|model| model.key == key).map(Model))
}
