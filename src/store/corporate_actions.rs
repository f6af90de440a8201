//! Corporate actions: what the exchange announced, and whether the prices agree.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, Statement,
};

use super::entity::corporate_action::{ActiveModel, Column, Entity, Model};
use super::page::{Key, Keys, Page, PageRequest, Sort};
use super::{Result, Store};
use crate::market::Day;
use crate::market::corporate_actions::CorporateActionKind;

/// The actions' repository.
pub struct CorporateActions<'a>(pub(super) &'a Store);

/// Which actions to list.
#[derive(Debug, Clone, Default)]
pub struct CorporateActionFilter {
    pub symbol_id: Option<i64>,
    pub kind: Option<Vec<CorporateActionKind>>,
    pub from: Option<Day>,
    pub to: Option<Day>,
    pub applied: Option<bool>,
}

impl CorporateActionFilter {
    fn condition(&self) -> Condition {
        Condition::all()
            .add_option(self.symbol_id.map(|id| Column::SymbolId.eq(id)))
            .add_option(self.kind.as_ref().map(|kinds| Column::Kind.is_in(kinds.iter().copied())))
            .add_option(self.from.map(|day| Column::ExDay.gte(day)))
            .add_option(self.to.map(|day| Column::ExDay.lte(day)))
            .add_option(self.applied.map(|applied| Column::Applied.eq(applied)))
    }
}

/// The latest ex-date first.
#[must_use]
pub fn corporate_action_sorts() -> Vec<Sort> {
    vec![
        Sort { by: Expr::col(Column::ExDay), descending: true, text: false },
        Sort { by: Expr::col(Column::Id), descending: true, text: false },
    ]
}

impl Model {
    /// The row's values for a cursor.
    #[must_use]
    pub fn keys(&self) -> Keys {
        vec![Key::Int(self.ex_day.into()), Key::Int(self.id)]
    }
}

/// The first bar from an action's ex-date on, a few days later at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExDay {
    pub day: Day,
    pub open: f64,
    pub previous_close: f64,
}

const CHUNK: usize = 500;
/// A share may rest so many days from its ex-date on.
const LONGEST_REST: Day = 10;

impl CorporateActions<'_> {
    /// Adds actions; one that is known already stays as it is, but for the symbol that it's found to be about.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(&self, transaction: &DatabaseTransaction, rows: Vec<Model>) -> Result<()> {
        for rows in rows.chunks(CHUNK) {
            let rows =
                rows.iter().cloned().map(|row| ActiveModel { id: NotSet, ..row.into_active_model().reset_all() });
            let conflict = OnConflict::column(Column::Fingerprint).update_column(Column::SymbolId).to_owned();
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
        }
        Ok(())
    }

    /// The actions of a span of ex-dates whose symbol is known, by symbol and day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn between(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<Model>> {
        let query = Entity::find().filter(Column::ExDay.between(from, to)).filter(Column::SymbolId.is_not_null());
        let query = query.order_by_asc(Column::SymbolId).order_by_asc(Column::ExDay).order_by_asc(Column::Id);
        Ok(query.all(transaction).await?)
    }

    /// Those of a span of ex-dates that no symbol is known of yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn without_symbol(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<Model>> {
        let query = Entity::find().filter(Column::ExDay.between(from, to)).filter(Column::SymbolId.is_null());
        Ok(query.all(transaction).await?)
    }

    /// The applied actions of a symbol, by day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn applied_of(&self, transaction: &DatabaseTransaction, symbol: i64) -> Result<Vec<Model>> {
        let query = Entity::find().filter(Column::SymbolId.eq(symbol)).filter(Column::Applied.eq(true));
        Ok(query.order_by_asc(Column::ExDay).all(transaction).await?)
    }

    /// The bar that an action shows in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ex_day(&self, transaction: &DatabaseTransaction, symbol: i64, day: Day) -> Result<Option<ExDay>> {
        let sql = "SELECT b.day, b.open, COALESCE(b.previous_close, (SELECT p.close FROM price_bars AS p \
                   WHERE p.symbol_id = b.symbol_id AND p.day < b.day ORDER BY p.day DESC LIMIT 1)) \
                   FROM price_bars AS b WHERE b.symbol_id = $1 AND b.day BETWEEN $2 AND $3 ORDER BY b.day LIMIT 1";
        let values = [symbol.into(), day.into(), (day + LONGEST_REST).into()];
        let row = transaction.query_one_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        let Some(row) = row else { return Ok(None) };
        let previous: Option<f64> = row.try_get_by_index(2)?;
        let (day, open) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(previous.map(|previous_close| ExDay { day, open, previous_close }))
    }

    /// Writes down what was found of actions: symbol, applied or not, why not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judge(&self, transaction: &DatabaseTransaction, row: &Model) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::SymbolId, Expr::val(row.symbol_id))
            .col_expr(Column::Applied, Expr::val(row.applied))
            .col_expr(Column::Doubt, Expr::val(row.doubt.clone()))
            .filter(Column::Id.eq(row.id))
            .exec(transaction)
            .await?;
        Ok(())
    }

    /// # Errors
    /// When the database fails.
    pub async fn page(&self, filter: &CorporateActionFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &corporate_action_sorts());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &CorporateActionFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }

    /// Every action of these symbols, by symbol, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(&self, symbols: &[i64]) -> Result<Vec<Model>> {
        let query = Entity::find().filter(Column::SymbolId.is_in(symbols.iter().copied()));
        Ok(query.order_by_asc(Column::ExDay).order_by_asc(Column::Id).all(&self.0.read).await?)
    }
}
