//! Naming and deleting stored research.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::backtest::Backtest;
use super::errors::{UserError, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::sweep::Sweep;
use crate::actions::{backtests, predictions, sweeps};
use crate::app::App;

/// A backtest to name.
#[derive(Debug, InputObject)]
pub struct NameBacktestInput {
    /// Its id.
    id: ID,
    /// Up to 100 characters; null takes the name away.
    name: Option<String>,
}

/// A sweep to name.
#[derive(Debug, InputObject)]
pub struct NameSweepInput {
    /// Its id.
    id: ID,
    /// Up to 100 characters; null takes the name away.
    name: Option<String>,
}

/// A backtest to delete.
#[derive(Debug, InputObject)]
pub struct DeleteBacktestInput {
    /// Its id.
    id: ID,
}

/// A sweep to delete.
#[derive(Debug, InputObject)]
pub struct DeleteSweepInput {
    /// Its id.
    id: ID,
}

/// A prediction to delete.
#[derive(Debug, InputObject)]
pub struct DeletePredictionInput {
    /// Its id.
    id: ID,
}

/// The backtest under its name.
#[derive(SimpleObject)]
pub struct NameBacktestPayload {
    /// As it stands now.
    backtest: Option<Backtest>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

/// The sweep under its name.
#[derive(SimpleObject)]
pub struct NameSweepPayload {
    /// As it stands now.
    sweep: Option<Sweep>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeleteBacktestPayload {
    /// The id that names nothing any more.
    deleted_id: Option<ID>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeleteSweepPayload {
    /// The id that names nothing any more.
    deleted_id: Option<ID>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeletePredictionPayload {
    /// The id that names nothing any more.
    deleted_id: Option<ID>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct ResearchMutation;

#[Object]
impl ResearchMutation {
    /// Gives a stored backtest a name to find it by.
    async fn name_backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which backtest, and what it is to be called.")] input: NameBacktestInput,
    ) -> Result<NameBacktestPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Backtest, &input.id));
        let done = backtests::name(app, &caller(ctx), id, input.name).await;
        Ok(payload!(NameBacktestPayload, done, row => { backtest: Some(Backtest(row)) }))
    }

    /// Gives a stored sweep a name to find it by.
    async fn name_sweep(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sweep, and what it is to be called.")] input: NameSweepInput,
    ) -> Result<NameSweepPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Sweep, &input.id));
        let done = sweeps::name(app, &caller(ctx), id, input.name).await;
        Ok(payload!(NameSweepPayload, done, row => { sweep: Some(row.into()) }))
    }

    /// Deletes a stored backtest for good; the same inputs run it again.
    async fn delete_backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which backtest.")] input: DeleteBacktestInput,
    ) -> Result<DeleteBacktestPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Backtest, &input.id));
        let done = backtests::delete(app, &caller(ctx), id).await;
        Ok(payload!(DeleteBacktestPayload, done, () => { deleted_id: Some(input.id) }))
    }

    /// Deletes a stored sweep for good; the same inputs run it again.
    async fn delete_sweep(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sweep.")] input: DeleteSweepInput,
    ) -> Result<DeleteSweepPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Sweep, &input.id));
        let done = sweeps::delete(app, &caller(ctx), id).await;
        Ok(payload!(DeleteSweepPayload, done, () => { deleted_id: Some(input.id) }))
    }

    /// Deletes a stored prediction for good.
    async fn delete_prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which prediction.")] input: DeletePredictionInput,
    ) -> Result<DeletePredictionPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Prediction, &input.id));
        let done = predictions::delete(app, &caller(ctx), id).await;
        Ok(payload!(DeletePredictionPayload, done, () => { deleted_id: Some(input.id) }))
    }
}
