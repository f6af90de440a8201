//! IPOs that were deleted, and how one comes back.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::errors::{Fault, UserError, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::ipo::Ipo;
use super::scalars::DateTime;
use crate::actions::ipos;
use crate::app::App;
use crate::market::Exchange;
use crate::store::entity::deleted_ipo;

/// An IPO that was deleted and can come back.
#[derive(Debug, SimpleObject)]
pub struct DeletedIpo {
    /// The id that it had, and gets again.
    id: ID,
    /// The company's name.
    name: String,
    /// The symbol at its exchange.
    ticker: Option<String>,
    /// Where it's listed, or is to be.
    exchange: Exchange,
    /// When it was deleted.
    deleted_at: DateTime,
    /// The name of the token that deleted it.
    author: Option<String>,
}

impl From<deleted_ipo::Model> for DeletedIpo {
    fn from(row: deleted_ipo::Model) -> Self {
        Self {
            id: ids::encode(Kind::Ipo, row.ipo_id.unwrap_or_default()),
            name: row.name.unwrap_or(row.name_key),
            ticker: row.ticker,
            exchange: row.exchange,
            deleted_at: DateTime(row.at.unwrap_or_default()),
            author: row.author,
        }
    }
}

/// An error of a resolver would null the whole answer: one within an option nulls its field alone.
async fn deleted(ctx: &Context<'_>) -> Result<Vec<DeletedIpo>> {
    let rows = ipos::deleted(ctx.data_unchecked::<App>(), &caller(ctx)).await.map_err(Fault::from)?;
    Ok(rows.into_iter().map(DeletedIpo::from).collect())
}

#[derive(Default)]
pub struct DeletedIpoQuery;

#[Object]
impl DeletedIpoQuery {
    /// The IPOs that were deleted last and can come back, the newest first, at most 500; null, with an error, for anyone
    /// but an administrator.
    async fn deleted_ipos(&self, ctx: &Context<'_>) -> Option<Result<Vec<DeletedIpo>>> {
        Some(deleted(ctx).await)
    }
}

/// A deleted IPO to bring back.
#[derive(Debug, InputObject)]
pub struct RestoreIpoInput {
    /// The id that it had.
    id: ID,
}

/// The IPO, back again.
#[derive(SimpleObject)]
pub struct RestoreIpoPayload {
    /// As it stands now.
    ipo: Option<Ipo>,
    /// What was wrong; nothing was changed then.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct DeletedIpoMutation;

#[Object]
impl DeletedIpoMutation {
    /// Brings a deleted IPO back, under its id and with its history.
    async fn restore_ipo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which IPO.")] input: RestoreIpoInput,
    ) -> Result<RestoreIpoPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Ipo, &input.id));
        let done = ipos::restore(app, &caller(ctx), id).await;
        Ok(payload!(RestoreIpoPayload, done, row => { ipo: Some(Ipo(Arc::new(row))) }))
    }
}
