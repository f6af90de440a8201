//! Naming and deleting stored research.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::backtest::Backtest;
use super::errors::{UserError, sort_out};
use super::guard::RoleGuard;
use super::ids::{self, Kind};
use super::sweep::Sweep;
use crate::app::App;
use crate::request::RequestError;
use crate::research;
use crate::store::Role;
use crate::store::entity::{backtest, sweep};

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

/// The number behind an id of this kind.
fn number(kind: Kind, what: &str, id: &ID) -> Result<i64, RequestError> {
    let missing = || RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") };
    ids::decode_as(kind, id).ok_or_else(missing)
}

async fn name_backtest(app: &App, input: NameBacktestInput) -> Result<backtest::Model, RequestError> {
    research::name_backtest(app, number(Kind::Backtest, "backtest", &input.id)?, input.name).await
}

async fn name_sweep(app: &App, input: NameSweepInput) -> Result<sweep::Model, RequestError> {
    research::name_sweep(app, number(Kind::Sweep, "sweep", &input.id)?, input.name).await
}

async fn delete_backtest(app: &App, id: &ID) -> Result<(), RequestError> {
    research::delete_backtest(app, number(Kind::Backtest, "backtest", id)?).await
}

async fn delete_sweep(app: &App, id: &ID) -> Result<(), RequestError> {
    research::delete_sweep(app, number(Kind::Sweep, "sweep", id)?).await
}

async fn delete_prediction(app: &App, id: &ID) -> Result<(), RequestError> {
    research::delete_prediction(app, number(Kind::Prediction, "prediction", id)?).await
}

#[derive(Default)]
pub struct ResearchMutation;

#[Object]
impl ResearchMutation {
    /// Gives a stored backtest a name to find it by.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn name_backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which backtest, and what it is to be called.")] input: NameBacktestInput,
    ) -> Result<NameBacktestPayload> {
        Ok(match sort_out(name_backtest(ctx.data_unchecked::<App>(), input).await)? {
            Ok(row) => NameBacktestPayload { backtest: Some(Backtest(row)), user_errors: Vec::new() },
            Err(user_errors) => NameBacktestPayload { backtest: None, user_errors },
        })
    }

    /// Gives a stored sweep a name to find it by.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn name_sweep(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sweep, and what it is to be called.")] input: NameSweepInput,
    ) -> Result<NameSweepPayload> {
        Ok(match sort_out(name_sweep(ctx.data_unchecked::<App>(), input).await)? {
            Ok(row) => NameSweepPayload { sweep: Some(row.into()), user_errors: Vec::new() },
            Err(user_errors) => NameSweepPayload { sweep: None, user_errors },
        })
    }

    /// Deletes a stored backtest for good; the same inputs run it again.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn delete_backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which backtest.")] input: DeleteBacktestInput,
    ) -> Result<DeleteBacktestPayload> {
        Ok(match sort_out(delete_backtest(ctx.data_unchecked::<App>(), &input.id).await)? {
            Ok(()) => DeleteBacktestPayload { deleted_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => DeleteBacktestPayload { deleted_id: None, user_errors },
        })
    }

    /// Deletes a stored sweep for good; the same inputs run it again.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn delete_sweep(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sweep.")] input: DeleteSweepInput,
    ) -> Result<DeleteSweepPayload> {
        Ok(match sort_out(delete_sweep(ctx.data_unchecked::<App>(), &input.id).await)? {
            Ok(()) => DeleteSweepPayload { deleted_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => DeleteSweepPayload { deleted_id: None, user_errors },
        })
    }

    /// Deletes a stored prediction for good.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn delete_prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which prediction.")] input: DeletePredictionInput,
    ) -> Result<DeletePredictionPayload> {
        Ok(match sort_out(delete_prediction(ctx.data_unchecked::<App>(), &input.id).await)? {
            Ok(()) => DeletePredictionPayload { deleted_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => DeletePredictionPayload { deleted_id: None, user_errors },
        })
    }
}
