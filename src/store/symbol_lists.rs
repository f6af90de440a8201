//! Which symbols a list has, and in which order.

use sea_orm::sea_query::{Expr, Func, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend};

use super::entity::symbol::{Column, Model};
use super::page::{Keys, Sort, last_day, last_int};
use super::search;
use crate::market::Exchange;

/// Which symbols to list.
#[derive(Debug, Clone, Default)]
pub struct SymbolFilter {
    /// Part of the ticker or the name, in any case.
    pub search: Option<String>,
    pub exchange: Option<Vec<Exchange>>,
    pub has_prices: Option<bool>,
}

/// What to sort symbols by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum SymbolOrderField {
    /// The provider's spelling, A to Z.
    Ticker,
    /// The newest bar's date; symbols without bars come last.
    LastDate,
    /// When prices were last fetched; symbols never refreshed come last.
    LastRefreshedAt,
    /// When the symbol was added.
    CreatedAt,
}

/// A sort of symbols.
#[derive(Debug, Clone, Copy)]
pub struct SymbolOrder {
    pub field: SymbolOrderField,
    pub descending: bool,
}

impl SymbolFilter {
    pub(super) fn condition(&self, backend: DbBackend) -> Condition {
        let mut condition = Condition::all();
        if let Some(text) = &self.search {
            condition = condition.add(search::holds(backend, text, [Column::Ticker, Column::Name]));
        }
        if let Some(exchanges) = &self.exchange {
            condition = condition.add(Column::Exchange.is_in(exchanges.iter().copied()));
        }
        match self.has_prices {
            Some(true) => condition = condition.add(Column::BarCount.gt(0)),
            Some(false) => condition = condition.add(Column::BarCount.eq(0)),
            None => {}
        }
        condition
    }
}

fn sort_of(order: SymbolOrder) -> Sort {
    // What is missing comes last whichever way the list runs.
    let or_last = |column: Column, up: &'static str, down: &'static str| -> SimpleExpr {
        Func::coalesce([Expr::col(column), Expr::cust(if order.descending { down } else { up })]).into()
    };
    let (name, by, text) = match order.field {
        SymbolOrderField::Ticker => ("ticker", Expr::col(Column::Ticker), true),
        SymbolOrderField::LastDate => ("lastDate", or_last(Column::LastDay, "2147483647", "-2147483647"), false),
        SymbolOrderField::LastRefreshedAt => {
            ("lastRefreshedAt", or_last(Column::LastRefreshedAt, "9223372036854775807", "-9223372036854775807"), false)
        }
        SymbolOrderField::CreatedAt => ("createdAt", Expr::col(Column::CreatedAt), false),
    };
    Sort { name, by, descending: order.descending, text }
}

/// The sorts for a list of orders; the id makes every order total.
#[must_use]
pub fn symbol_sorts(orders: &[SymbolOrder]) -> Vec<Sort> {
    let default = [SymbolOrder { field: SymbolOrderField::Ticker, descending: false }];
    let orders = if orders.is_empty() { &default[..] } else { orders };
    let descending = orders.last().is_some_and(|o| o.descending);
    let mut sorts: Vec<Sort> = orders.iter().copied().map(sort_of).collect();
    sorts.push(Sort { name: "id", by: Expr::col(Column::Id), descending, text: false });
    sorts
}

impl SymbolOrder {
    /// The row's values for a cursor of this order.
    #[must_use]
    pub fn keys(orders: &[Self], row: &Model) -> Keys {
        let key = |order: &Self| match order.field {
            SymbolOrderField::Ticker => row.ticker.as_str().into(),
            SymbolOrderField::LastDate => row.last_day.unwrap_or(last_day(order.descending)).into(),
            SymbolOrderField::LastRefreshedAt => row.last_refreshed_at.unwrap_or(last_int(order.descending)).into(),
            SymbolOrderField::CreatedAt => row.created_at.into(),
        };
        let mut keys: Keys = orders.iter().map(key).collect();
        if keys.is_empty() {
            keys.push(row.ticker.as_str().into());
        }
        keys.push(row.id.into());
        keys
    }
}
