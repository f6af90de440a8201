//! Which days of an exchange are stored, and the exchange's lists beside them.

use std::collections::{BTreeMap, HashSet};

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, Statement,
};

use super::entity::exchange_holiday;
use super::entity::market_day::{ActiveModel, Column, Entity, MarketDayState, Model};
use super::page::{Key, Keys, Page, PageRequest, Sort};
use super::repositories::MarketDays;
use super::{Millis, Result, now};
use crate::market::calendar::KnownDays;
use crate::market::{Day, Exchange};

/// Which days to list.
#[derive(Debug, Clone, Copy)]
pub struct MarketDayFilter {
    pub exchange: Exchange,
    pub from: Option<Day>,
    pub to: Option<Day>,
}

impl MarketDayFilter {
    fn condition(self) -> Condition {
        Condition::all()
            .add(Column::Exchange.eq(self.exchange))
            .add_option(self.from.map(|day| Column::Day.gte(day)))
            .add_option(self.to.map(|day| Column::Day.lte(day)))
    }
}

/// Oldest first.
#[must_use]
pub fn market_day_sorts() -> Vec<Sort> {
    vec![Sort { name: "day", by: Expr::col(Column::Day), descending: false, text: false }]
}

impl Model {
    /// The row's values for a cursor.
    #[must_use]
    pub fn keys(&self) -> Keys {
        vec![Key::Int(self.day.into())]
    }
}

/// Names the lock that writers of a market take on PostgreSQL.
const WRITER_LOCK: i64 = 0x4d41_524b;
/// Other shares whose days are looked at.
const WITNESSES: u32 = 8;
/// Days a statement.
const CHUNK: usize = 500;

impl MarketDays<'_> {
    #[boxed]
    pub async fn page(&self, filter: MarketDayFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &market_day_sorts());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: MarketDayFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }

    /// The days of a span that needn't be asked for again.
    #[boxed]
    pub async fn settled(&self, exchange: Exchange, from: Day, to: Day) -> Result<Vec<Day>> {
        let filter = MarketDayFilter { exchange, from: Some(from), to: Some(to) };
        let days = Entity::find()
            .select_only()
            .column(Column::Day)
            .filter(filter.condition())
            .filter(Column::State.is_in([MarketDayState::Stored, MarketDayState::NoSession]));
        Ok(days.into_tuple().all(&self.0.read).await?)
    }

    /// The newest stored day.
    #[boxed]
    pub async fn last_stored(&self, exchange: Exchange) -> Result<Option<Day>> {
        let query = Entity::find().select_only().expr(Expr::col(Column::Day).max());
        let query = query.filter(Column::Exchange.eq(exchange)).filter(Column::State.eq(MarketDayState::Stored));
        Ok(query.into_tuple::<Option<Day>>().one(&self.0.read).await?.flatten())
    }

    /// What is known of the days after one, up to another: whole days that were stored or looked for, the exchange's list
    /// of holidays, and the days that other shares of these exchanges have traded on.
    #[boxed]
    pub async fn known(&self, exchanges: &[Exchange], after: Day, until: Day) -> Result<KnownDays> {
        let mut known = KnownDays::default();
        if exchanges.is_empty() {
            return Ok(known);
        }
        let names: Vec<String> = exchanges.iter().map(|e| format!("'{}'", e.name())).collect();
        let names = names.join(", ");
        // A few shares tell: whatever trades after the day.
        let sql = format!(
            "SELECT day, state FROM market_days WHERE exchange IN ({names}) AND day > $1 AND day <= $2 \
             AND state IN ('STORED', 'NO_SESSION') \
             UNION SELECT day, 'HOLIDAY' FROM exchange_holidays WHERE exchange IN ({names}) AND day > $1 AND day <= $2 \
             UNION SELECT day, 'STORED' FROM price_bars WHERE day > $1 AND day <= $2 AND symbol_id IN \
             (SELECT id FROM symbols WHERE exchange IN ({names}) AND coalesce(last_day, 2147483647) > $1 \
              AND last_day IS NOT NULL LIMIT {WITNESSES})"
        );
        let values = [after.into(), until.into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        for row in self.0.read.query_all_raw(statement).await? {
            let (day, state): (Day, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if state == "STORED" {
                known.sessions.insert(day)
            } else {
                known.rests.insert(day)
            };
        }
        Ok(known)
    }

    /// Takes an exchange's list of holidays: what it says of its years goes in place of what it said before.
    #[boxed]
    pub async fn learn_holidays(&self, exchange: Exchange, holidays: &[(Day, String)], list: &str) -> Result<()> {
        let (Some(first), Some(last)) = (holidays.iter().map(|h| h.0).min(), holidays.iter().map(|h| h.0).max()) else {
            return Ok(());
        };
        let transaction = self.0.begin().await?;
        let span = Condition::all()
            .add(exchange_holiday::Column::Exchange.eq(exchange))
            .add(exchange_holiday::Column::Day.between(first, last));
        exchange_holiday::Entity::delete_many().filter(span).exec(&transaction).await?;
        let mut rows: BTreeMap<Day, &str> = BTreeMap::new();
        for (day, name) in holidays {
            rows.entry(*day).or_insert(name);
        }
        let rows = rows.into_iter().map(|(day, name)| exchange_holiday::ActiveModel {
            exchange: Set(exchange),
            day: Set(day),
            name: Set(name.to_owned()),
        });
        exchange_holiday::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        self.set_list_fetched(&transaction, list).await?;
        self.0.events().commit(transaction, &[]).await
    }

    /// Holds off other writers of whole days until the transaction ends. SQLite has one writer anyway.
    #[boxed]
    pub async fn lock(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.0.backend() == sea_orm::DbBackend::Postgres {
            transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({WRITER_LOCK})")).await?;
        }
        Ok(())
    }

    /// Writes down what became of days. A stored day stays stored, whatever a later answer says.
    #[boxed]
    pub async fn set<C: ConnectionTrait>(&self, connection: &C, days: Vec<Model>) -> Result<()> {
        for days in days.chunks(CHUNK) {
            let rows = days.iter().cloned().map(|day| ActiveModel {
                exchange: Set(day.exchange),
                day: Set(day.day),
                state: Set(day.state),
                shares: Set(day.shares),
                reason: Set(day.reason),
                layout: Set(day.layout),
                updated_at: Set(day.updated_at),
            });
            let stored = Expr::col((Entity, Column::State)).ne("STORED").or(Expr::cust("excluded.state = 'STORED'"));
            let conflict = std::mem::take(
                OnConflict::columns([Column::Exchange, Column::Day])
                    .update_columns([Column::State, Column::Shares, Column::Reason, Column::Layout, Column::UpdatedAt])
                    .action_and_where(stored),
            );
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(connection).await?;
        }
        Ok(())
    }

    /// As [`MarketDays::set`], outside any transaction.
    #[boxed]
    pub async fn note(&self, day: Model) -> Result<()> {
        self.set(&self.0.write, vec![day]).await
    }

    /// When a list of the exchange was last fetched.
    #[boxed]
    pub async fn list_fetched(&self, name: &str) -> Result<Option<Millis>> {
        let sql = "SELECT fetched_at FROM market_lists WHERE name = $1";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [name.into()]);
        let row = self.0.read.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Notes that a list was fetched just now.
    #[boxed]
    pub async fn set_list_fetched(&self, transaction: &DatabaseTransaction, name: &str) -> Result<()> {
        let sql = "INSERT INTO market_lists (name, fetched_at) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET fetched_at = excluded.fetched_at";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [name.into(), now().into()]);
        transaction.execute_raw(statement).await?;
        Ok(())
    }
}

/// Those of these days of the NSE that are stored.
#[boxed]
pub(super) async fn stored_among<C: ConnectionTrait>(connection: &C, days: &[Day]) -> Result<HashSet<Day>> {
    let mut stored = HashSet::new();
    for days in days.chunks(CHUNK) {
        let query = Entity::find().select_only().column(Column::Day).filter(Column::Exchange.eq(Exchange::Nse));
        let query =
            query.filter(Column::State.eq(MarketDayState::Stored)).filter(Column::Day.is_in(days.iter().copied()));
        stored.extend(query.into_tuple::<Day>().all(connection).await?);
    }
    Ok(stored)
}
