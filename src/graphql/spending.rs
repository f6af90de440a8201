//! What resolvers spend of their operation's budget, beside the columns that it answers with.

use std::sync::Arc;

use async_graphql::{Context, Result, SelectionField};

use super::batch::DataLoader;
use super::errors::internal;
use super::limits::{Budget, Room};
use super::loaders::{Rows, SeriesOf};
use crate::market::Series;
use crate::store::entity::symbol;

/// What a value of a row costs, in cells of columns: a future of its own, and some hundred bytes until it is written.
const VALUE: usize = 40;

/// Spends what the rows of a list come to whose length nobody could tell before.
pub(super) async fn rows(ctx: &Context<'_>, rows: usize) -> Result<()> {
    let values = values(&ctx.field());
    cells(ctx, rows.saturating_mul(values).saturating_mul(VALUE)).await
}

/// Spends cells for a calculation that costs more than its result does.
pub(super) async fn cells(ctx: &Context<'_>, cells: usize) -> Result<()> {
    match ctx.data_opt::<Budget>() {
        Some(budget) => budget.take(cells).await,
        None => Ok(()),
    }
}

/// Whether so many cells are left of what the operation may have.
pub(super) fn has_left(ctx: &Context<'_>, cells: usize) -> bool {
    ctx.data_opt::<Budget>().is_none_or(|budget| budget.has_left(cells))
}

/// Waits for room for so many bars, which are a symbol's or were computed from one.
pub(super) async fn room(ctx: &Context<'_>, symbol: Option<i64>, bars: i32) -> Result<Option<Room>> {
    match ctx.data_opt::<Budget>() {
        Some(budget) => budget.room(symbol, bars).await.map(Some),
        None => Ok(None),
    }
}

/// Whether an operation that also reads so many bars is still one of those that needn't wait for each other.
pub(super) fn is_small(ctx: &Context<'_>, bars: i32) -> bool {
    ctx.data_opt::<Budget>().is_none_or(|budget| budget.is_small_with(bars))
}

/// A symbol's bars as columns, with the room that they take.
pub(super) async fn series_of(
    ctx: &Context<'_>,
    symbol: &Arc<symbol::Model>,
) -> Result<(Option<Arc<Series>>, Option<Room>)> {
    let room = room(ctx, Some(symbol.id), symbol.bar_count).await?;
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    let series = loader.load_one(SeriesOf(symbol.clone())).await.map_err(|e| internal(&e))?;
    Ok((series, room))
}

/// How many values are asked for of a row, with those of what it leads to.
fn values(field: &SelectionField<'_>) -> usize {
    field.selection_set().fold(1, |sum, inner| sum.saturating_add(values(&inner)))
}
