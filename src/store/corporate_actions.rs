//! Corporate actions: what the exchange announced, and whether the prices agree.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use super::entity::corporate_action::{ActiveModel, Column, Entity, Model};
use super::ids::{id_list, ids_text, json_rows};
use super::page::{Key, Keys, Page, PageRequest, Sort};
use super::repositories::CorporateActions;
use super::{Growth, Result};
use crate::market::Day;
use crate::market::corporate_actions::CorporateActionKind;

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
        Sort { name: "exDate", by: Expr::col(Column::ExDay), descending: true, text: false },
        Sort { name: "id", by: Expr::col(Column::Id), descending: true, text: false },
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
/// Actions that are read at a time for lists that nobody could count before: more than one operation may answer with.
const MOST_LISTED: usize = 80_000;
/// A share may rest so many days from its ex-date on.
const LONGEST_REST: Day = 10;

/// Ex-dates of a span, and those around it that may meet one of them in the first bar after a rest.
fn in_bars_of(from: Day, to: Day) -> Expr {
    Column::ExDay.between(from.saturating_sub(LONGEST_REST), to.saturating_add(LONGEST_REST))
}

impl CorporateActions<'_> {
    /// Adds actions. One that is known already gets the symbol that it's found to be about, and what is read of it now:
    /// another issue price, or why there is nothing to apply.
    #[boxed]
    pub async fn add(&self, transaction: &DatabaseTransaction, rows: Vec<Model>) -> Result<()> {
        const OTHER_AMOUNT: &str =
            "(excluded.amount IS NOT NULL AND corporate_actions.amount IS DISTINCT FROM excluded.amount)";
        // The doubt of what has a measure is the prices' and stays.
        const UNREAD: &str = "(excluded.ratio IS NULL AND excluded.amount IS NULL)";
        let taken = |column: &str, when: &str| {
            Expr::cust(format!("CASE WHEN {when} THEN excluded.{column} ELSE corporate_actions.{column} END"))
        };
        for rows in rows.chunks(CHUNK) {
            let rows =
                rows.iter().cloned().map(|row| ActiveModel { id: NotSet, ..row.into_active_model().reset_all() });
            // Another symbol's prices are held against it anew, and so is another amount.
            let applied = format!(
                "corporate_actions.applied AND corporate_actions.symbol_id IS NOT DISTINCT FROM excluded.symbol_id \
                 AND NOT {OTHER_AMOUNT}"
            );
            let mut conflict = OnConflict::column(Column::Fingerprint);
            conflict
                .update_column(Column::SymbolId)
                .value(Column::Applied, Expr::cust(applied))
                .value(Column::Amount, taken("amount", OTHER_AMOUNT))
                .value(Column::Subject, taken("subject", OTHER_AMOUNT))
                .value(Column::Doubt, taken("doubt", &format!("{OTHER_AMOUNT} OR {UNREAD}")));
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
        }
        Ok(())
    }

    /// The actions of a span of ex-dates whose symbol is known, and those that may show in the same bars; by symbol and
    /// day.
    #[boxed]
    pub async fn between(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<Model>> {
        let query = Entity::find().filter(in_bars_of(from, to)).filter(Column::SymbolId.is_not_null());
        let query = query.order_by_asc(Column::SymbolId).order_by_asc(Column::ExDay).order_by_asc(Column::Id);
        Ok(query.all(transaction).await?)
    }

    /// All actions of these symbols, by symbol and day.
    #[boxed]
    pub async fn of_symbols(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<Vec<Model>> {
        let query = Entity::find().filter(Column::SymbolId.is_in(symbols.iter().copied()));
        let query = query.order_by_asc(Column::SymbolId).order_by_asc(Column::ExDay).order_by_asc(Column::Id);
        Ok(query.all(transaction).await?)
    }

    /// All actions of a span of ex-dates.
    #[boxed]
    pub async fn all_between(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::ExDay.between(from, to)).all(transaction).await?)
    }

    /// Removes actions.
    #[boxed]
    pub async fn remove(&self, transaction: &DatabaseTransaction, rows: &[Model]) -> Result<()> {
        for rows in rows.chunks(CHUNK) {
            let these = Column::Id.is_in(rows.iter().map(|row| row.id));
            Entity::delete_many().filter(these).exec(transaction).await?;
        }
        Ok(())
    }

    /// Those that no symbol is known of yet, as [`Self::between`] has the others.
    #[boxed]
    pub async fn without_symbol(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<Model>> {
        let query = Entity::find().filter(in_bars_of(from, to)).filter(Column::SymbolId.is_null());
        Ok(query.all(transaction).await?)
    }

    /// The actions of these symbols that say what a price's jump is, or that nobody knows: those that are applied, and the
    /// doubted ones. By symbol and day.
    #[boxed]
    pub async fn telling(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<Vec<Model>> {
        let of = Column::SymbolId.is_in(symbols.iter().copied());
        let tells = Condition::any().add(Column::Applied.eq(true)).add(Column::Doubt.is_not_null());
        let query = Entity::find().filter(of).filter(tells);
        Ok(query.order_by_asc(Column::SymbolId).order_by_asc(Column::ExDay).all(transaction).await?)
    }

    /// Those of these symbols that days before their last one have come of, and whose dividends or splits may hang on them: an
    /// action shows in the first bar from its ex-date on, and a split that nobody announced between two bars. To be asked
    /// before the symbols' summaries grow.
    #[boxed]
    pub async fn unsettled(&self, transaction: &DatabaseTransaction, growths: &[Growth]) -> Result<Vec<i64>> {
        let rows: Vec<_> = growths.iter().map(|g| (g.symbol, g.first, g.last)).collect();
        let json = serde_json::to_string(&rows).unwrap_or_default();
        let backend = self.0.backend();
        let rows = json_rows(backend, &[("id", "bigint"), ("first", "int"), ("last", "int")]);
        let sql = format!(
            "SELECT s.id FROM {rows} JOIN symbols AS s ON s.id = r.id WHERE s.last_day >= r.first \
             AND (s.splits LIKE '%\"detected\":true%' OR EXISTS (SELECT 1 FROM corporate_actions AS a \
             WHERE a.symbol_id = s.id AND (a.applied OR a.doubt IS NOT NULL) \
             AND a.ex_day BETWEEN r.first - {LONGEST_REST} AND r.last + {LONGEST_REST}))"
        );
        let rows = transaction.query_all_raw(Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
    }

    /// The bars that these actions show in, by action; those whose days have no bar are missing.
    #[boxed]
    pub async fn ex_days(&self, transaction: &DatabaseTransaction, actions: &[Model]) -> Result<HashMap<i64, ExDay>> {
        let backend = self.0.backend();
        let of = id_list(backend, "a.id", 1);
        let sql = format!(
            "SELECT a.id, b.day, b.open, COALESCE(b.previous_close, (SELECT p.close FROM price_bars AS p \
             WHERE p.symbol_id = b.symbol_id AND p.day < b.day ORDER BY p.day DESC LIMIT 1)) \
             FROM corporate_actions AS a JOIN price_bars AS b ON b.symbol_id = a.symbol_id AND b.day = \
             (SELECT MIN(m.day) FROM price_bars AS m WHERE m.symbol_id = a.symbol_id \
             AND m.day BETWEEN a.ex_day AND a.ex_day + {LONGEST_REST}) WHERE {of}"
        );
        let mut found = HashMap::with_capacity(actions.len());
        for actions in actions.chunks(CHUNK * 10) {
            let ids: Vec<i64> = actions.iter().map(|action| action.id).collect();
            let values = [ids_text(backend, &ids).into()];
            for row in transaction.query_all_raw(Statement::from_sql_and_values(backend, &sql, values)).await? {
                let previous: Option<f64> = row.try_get_by_index(3)?;
                let (day, open) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                if let Some(previous_close) = previous {
                    found.insert(row.try_get_by_index(0)?, ExDay { day, open, previous_close });
                }
            }
        }
        Ok(found)
    }

    /// Writes down what was found of actions: symbol, applied or not, why not.
    #[boxed]
    pub async fn judge(&self, transaction: &DatabaseTransaction, rows: &[Model]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let judged: Vec<_> = rows.iter().map(|row| (row.id, row.symbol_id, row.applied, &row.doubt)).collect();
        let json = serde_json::to_string(&judged).unwrap_or_default();
        let columns = [("id", "bigint"), ("symbol", "bigint"), ("applied", "boolean"), ("doubt", "text")];
        let rows = json_rows(self.0.backend(), &columns);
        let sql = format!(
            "UPDATE corporate_actions SET symbol_id = r.symbol, applied = r.applied, doubt = r.doubt \
             FROM {rows} WHERE corporate_actions.id = r.id"
        );
        transaction.execute_raw(Statement::from_sql_and_values(self.0.backend(), sql, [json.into()])).await?;
        Ok(())
    }

    #[boxed]
    pub async fn page(&self, filter: &CorporateActionFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &corporate_action_sorts());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: &CorporateActionFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }

    /// Every action of these symbols, oldest first; none at all if they are more than anybody may list at a time.
    #[boxed]
    pub async fn of(&self, symbols: &[i64]) -> Result<Option<Vec<Model>>> {
        let query = Entity::find().filter(Column::SymbolId.is_in(symbols.iter().copied()));
        let query = query.order_by_asc(Column::ExDay).order_by_asc(Column::Id).limit(MOST_LISTED as u64 + 1);
        let rows = query.all(&self.0.read).await?;
        Ok((rows.len() <= MOST_LISTED).then_some(rows))
    }
}
