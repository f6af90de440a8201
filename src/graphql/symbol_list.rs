//! Lists of symbols, and one by what it is known by.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, Object, Result};

use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, distinct, if_asked, sought};
use super::errors::Fault;
use super::subject::Symbol;
use crate::app::App;
use crate::market::Exchange;
use crate::request::normalise_ticker;
use crate::store::entity::symbol;
use crate::store::page::Page;
use crate::store::{SymbolFilter, SymbolOrder, SymbolOrderField, symbol_sorts};

/// Which symbols to list.
#[derive(Debug, InputObject)]
#[graphql(name = "SymbolFilter")]
pub struct SymbolFilterInput {
    /// Part of the ticker or the name, in any case; 200 characters at most.
    search: Option<String>,
    /// Listed on one of these.
    exchange: Option<Vec<Exchange>>,
    /// With bars, or without.
    has_prices: Option<bool>,
}

/// A sort of symbols.
#[derive(Debug, InputObject)]
#[graphql(name = "SymbolOrder")]
pub struct SymbolOrderInput {
    /// What to sort by.
    field: SymbolOrderField,
    /// Which end comes first; ASC if left out.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, earliest, A first; what is missing comes last.
    Asc,
    /// Largest, latest, Z first; what is missing comes last.
    Desc,
}

/// Sort keys that one list may have.
const MOST_ORDERS: usize = 4;

#[derive(Default)]
pub struct SymbolQuery;

#[Object]
impl SymbolQuery {
    /// The symbols that prices are kept of, by ticker unless another order is asked for.
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn symbols(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            SymbolFilterInput,
        >,
        #[graphql(desc = "What to sort by, the first key first; at most 4 keys are used. TICKER if left out.")]
        order_by: Option<Vec<SymbolOrderInput>>,
    ) -> Result<Connection<Symbol>> {
        let filter = match filter {
            Some(f) => {
                SymbolFilter { search: sought(f.search)?, exchange: distinct(f.exchange), has_prices: f.has_prices }
            }
            None => SymbolFilter::default(),
        };
        let orders: Vec<SymbolOrder> = order_by
            .unwrap_or_default()
            .into_iter()
            .take(MOST_ORDERS)
            .map(|o| SymbolOrder { field: o.field, descending: o.direction == OrderDirection::Desc })
            .collect();
        let page = PageArguments { first, after, last, before }.request("symbols", &symbol_sorts(&orders))?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows: Page<symbol::Model> =
            if_asked(ctx, store.symbols().page(&filter, &orders, &page)).await.map_err(Fault::from)?;
        let keys = |row: &symbol::Model| SymbolOrder::keys(&orders, row);
        Ok(connect(rows, Total::Symbols(filter), keys, |row| Symbol(Arc::new(row))))
    }

    /// One symbol by its ticker of today, its ISIN, or a ticker that it had.
    async fn symbol(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A ticker in any case, \"IBM\" or \"RELIANCE.BSE\", or an ISIN.")] ticker: String,
    ) -> Option<Result<Symbol>> {
        // An error within an option nulls its field alone.
        named(ctx, &ticker).await.transpose()
    }
}

/// The symbol that a ticker means.
async fn named(ctx: &Context<'_>, ticker: &str) -> Result<Option<Symbol>> {
    // What can't be a ticker isn't one that is there.
    let Ok(ticker) = normalise_ticker(ticker) else { return Ok(None) };
    let store = &ctx.data_unchecked::<App>().store;
    let row = store.identities().find(&ticker).await.map_err(Fault::from)?;
    Ok(row.map(|row| Symbol(Arc::new(row))))
}
