//! The symbol that other objects are about.

use std::sync::Arc;

use async_graphql::{Context, Error, Result};

use super::batch::DataLoader;
use super::connection::sought;
use super::errors::{Fault, internal};
use super::loaders::{Rows, SymbolId};
use super::scalars::DateTime;
use crate::app::App;
use crate::request::normalise_ticker;
use crate::store::ResearchFilter;
use crate::store::entity::symbol;

/// A share, fund or index that prices are kept of.
#[derive(Debug, Clone)]
pub struct Symbol(pub Arc<symbol::Model>);

/// Loads a symbol for another object's field.
pub(super) async fn load_symbol(ctx: &Context<'_>, id: Option<i64>) -> Result<Option<Symbol>, Error> {
    let Some(id) = id else { return Ok(None) };
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    let row = loader.load_one(SymbolId(id)).await.map_err(|e| internal(&e))?;
    Ok(row.map(Symbol))
}

/// Whether a symbol's prices have changed since a version of them.
pub(super) async fn has_changed(ctx: &Context<'_>, symbol_id: i64, data_version: i32) -> Result<bool> {
    let symbol = load_symbol(ctx, Some(symbol_id)).await?;
    Ok(symbol.is_none_or(|symbol| symbol.0.data_version != data_version))
}

/// The row that a filter by ticker means; 0, which no row has, if there's no such symbol.
pub(super) async fn filtered_by(ctx: &Context<'_>, ticker: Option<String>) -> Result<Option<i64>> {
    let Some(ticker) = ticker else { return Ok(None) };
    let ticker = normalise_ticker(&ticker).unwrap_or(ticker);
    let store = &ctx.data_unchecked::<App>().store;
    let symbol = store.identities().find(&ticker).await.map_err(Fault::from)?;
    Ok(Some(symbol.map_or(0, |symbol| symbol.id)))
}

/// Which runs a list's filter means: of a ticker, made between two moments, found by a text.
pub(super) async fn runs(
    ctx: &Context<'_>,
    ticker: Option<String>,
    made: (Option<DateTime>, Option<DateTime>),
    search: Option<String>,
) -> Result<ResearchFilter> {
    let [created_from, created_to] = [made.0, made.1].map(|at| at.map(|at| at.0));
    let (search, symbol_id) = (sought(search)?, filtered_by(ctx, ticker).await?);
    Ok(ResearchFilter { symbol_id, created_from, created_to, search })
}
