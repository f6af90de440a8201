//! Request budgets, kept in the database so that workers and restarts share them.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::entity::request_budget::{ActiveModel, Column, Entity};
use super::repositories::Budgets;
use super::{Millis, Result, clock, now};
use crate::market::day;

/// What asking for a request gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// The request may leave at this moment of the database's clock and no earlier, which is so long from now.
    At(Millis, Duration),
    /// The day's requests are spent, or the provider has asked for quiet, until this moment of the database's clock.
    SpentUntil(Millis),
}

/// Something a provider won't do for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The adjusted series.
    Adjusted,
    /// The full history rather than the last 100 bars.
    Full,
}

impl Refusal {
    fn feature(self) -> &'static str {
        match self {
            Self::Adjusted => "adjusted",
            Self::Full => "full",
        }
    }
}

const DAY_MS: i64 = 86_400_000;
/// A refusal is believed this long: keys get upgraded.
const REFUSAL_LASTS_MS: i64 = 7 * DAY_MS;

impl Budgets<'_> {
    /// Takes one request from the budget `id`, at most `per_day` a UTC day (0: as many as you like) and one every
    /// `interval_ms`. One statement by the database's clock, so that no two workers take the same slot, whatever
    /// their own clocks say.
    #[boxed]
    pub async fn take(&self, id: &str, interval_ms: i64, per_day: u32) -> Result<Permit> {
        self.0.transact(|| self.take_once(id, interval_ms, per_day)).await
    }

    async fn take_once(&self, id: &str, interval_ms: i64, per_day: u32) -> Result<Permit> {
        self.ensure(id).await?;
        let present = clock::present_sql(self.0.backend());
        let sql = format!(
            "UPDATE request_budgets SET \
             used = CASE WHEN day = {present} / {DAY_MS} THEN used + 1 ELSE 1 END, \
             day = {present} / {DAY_MS}, \
             next_slot_at = CASE WHEN next_slot_at > {present} THEN next_slot_at ELSE {present} END + $1 \
             WHERE id = $2 AND blocked_until <= {present} AND (day <> {present} / {DAY_MS} OR used < $3) \
             RETURNING next_slot_at, {present}"
        );
        let limit = if per_day == 0 { i32::MAX } else { i32::try_from(per_day).unwrap_or(i32::MAX) };
        let values = [interval_ms.into(), id.into(), limit.into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        if let Some(row) = self.0.write.query_one_raw(statement).await? {
            let (next, present): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let slot = next - interval_ms;
            return Ok(Permit::At(slot, Duration::from_millis(u64::try_from(slot - present).unwrap_or(0))));
        }
        let blocked = Entity::find_by_id(id).one(&self.0.write).await?.map_or(0, |b| b.blocked_until);
        let present = clock::present(&self.0.write).await?;
        Ok(Permit::SpentUntil(if blocked > present { blocked } else { tomorrow(present) }))
    }

    /// Requests that may still leave today, of so many a day.
    #[boxed]
    pub async fn left(&self, id: &str, per_day: u32) -> Result<u32> {
        let Some(budget) = Entity::find_by_id(id).one(&self.0.read).await? else { return Ok(per_day) };
        let present = clock::present(&self.0.read).await?;
        let used = if i64::from(budget.day) == present / DAY_MS { u32::try_from(budget.used).unwrap_or(0) } else { 0 };
        let is_blocked_today = budget.blocked_until >= tomorrow(present);
        Ok(if is_blocked_today { 0 } else { per_day.saturating_sub(used) })
    }

    /// Until when nothing may leave, where the provider has asked for quiet.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn blocked(&self, id: &str) -> Result<Option<Millis>> {
        let Some(budget) = Entity::find_by_id(id).one(&self.0.read).await? else { return Ok(None) };
        let present = clock::present(&self.0.read).await?;
        Ok((budget.blocked_until > present).then_some(budget.blocked_until))
    }

    /// Lets nothing leave before `until`: the provider has asked for it.
    #[boxed]
    pub async fn block(&self, id: &str, until: Millis) -> Result<()> {
        self.ensure(id).await?;
        let sql = "UPDATE request_budgets SET blocked_until = $1 WHERE id = $2 AND blocked_until < $1";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [until.into(), id.into()]);
        self.0.write.execute_raw(statement).await?;
        Ok(())
    }

    async fn ensure(&self, id: &str) -> Result<()> {
        let known = Entity::find().filter(Column::Id.eq(id)).one(&self.0.read).await?;
        if known.is_none() {
            let row = ActiveModel {
                id: Set(id.to_owned()),
                day: Set(0),
                used: Set(0),
                next_slot_at: Set(0),
                blocked_until: Set(0),
            };
            Entity::insert(row)
                .on_conflict(std::mem::take(OnConflict::column(Column::Id).do_nothing()))
                .exec_without_returning(&self.0.write)
                .await?;
        }
        Ok(())
    }

    /// Remembers that the provider won't do this for the key.
    #[boxed]
    pub async fn refuse(&self, id: &str, refusal: Refusal) -> Result<()> {
        let sql = "INSERT INTO provider_refusals (budget_id, feature, refused_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (budget_id, feature) DO UPDATE SET refused_at = excluded.refused_at";
        let values = [id.into(), refusal.feature().into(), now().into()];
        self.0.write.execute_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        Ok(())
    }

    /// Whether the provider has lately refused this to the key.
    #[boxed]
    pub async fn is_refused(&self, id: &str, refusal: Refusal) -> Result<bool> {
        let sql = "SELECT 1 FROM provider_refusals WHERE budget_id = $1 AND feature = $2 AND refused_at > $3";
        let values = [id.into(), refusal.feature().into(), (now() - REFUSAL_LASTS_MS).into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        Ok(self.0.read.query_one_raw(statement).await?.is_some())
    }
}

/// The next midnight, UTC.
#[must_use]
pub fn tomorrow(now: Millis) -> Millis {
    let today = day::from_date(chrono::DateTime::from_timestamp_millis(now).unwrap_or_default().date_naive());
    (i64::from(today) + 1) * DAY_MS
}
