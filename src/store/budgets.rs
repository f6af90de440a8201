//! Request budgets, kept in the database so that workers and restarts share them.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::entity::request_budget::{ActiveModel, Column, Entity};
use super::{Millis, Result, Store, now};
use crate::market::day;

/// The budgets' repository.
pub struct Budgets<'a>(pub(super) &'a Store);

/// What asking for a request gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// The request may leave at this moment, and no earlier.
    At(Millis),
    /// The day's requests are spent, or the provider has asked for quiet, until then.
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
    /// `interval_ms`. One statement, so that no two workers take the same slot.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&self, id: &str, interval_ms: i64, per_day: u32) -> Result<Permit> {
        let now = now();
        let today = i32::try_from(now / DAY_MS).unwrap_or(i32::MAX);
        self.ensure(id).await?;
        let sql = "UPDATE request_budgets SET \
                   used = CASE WHEN day = $1 THEN used + 1 ELSE 1 END, \
                   day = $1, \
                   next_slot_at = CASE WHEN next_slot_at > $2 THEN next_slot_at ELSE $2 END + $3 \
                   WHERE id = $4 AND blocked_until <= $2 AND (day <> $1 OR used < $5) \
                   RETURNING next_slot_at";
        let limit = if per_day == 0 { i32::MAX } else { i32::try_from(per_day).unwrap_or(i32::MAX) };
        let values = [today.into(), now.into(), interval_ms.into(), id.into(), limit.into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        if let Some(row) = self.0.write.query_one_raw(statement).await? {
            let next: i64 = row.try_get_by_index(0)?;
            return Ok(Permit::At(next - interval_ms));
        }
        let blocked = Entity::find_by_id(id).one(&self.0.write).await?.map_or(0, |b| b.blocked_until);
        Ok(Permit::SpentUntil(if blocked > now { blocked } else { tomorrow(now) }))
    }

    /// Lets nothing leave before `until`: the provider has asked for it.
    ///
    /// # Errors
    /// When the database fails.
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
                .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
                .exec_without_returning(&self.0.write)
                .await?;
        }
        Ok(())
    }

    /// Remembers that the provider won't do this for the key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refuse(&self, id: &str, refusal: Refusal) -> Result<()> {
        let sql = "INSERT INTO provider_refusals (budget_id, feature, refused_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (budget_id, feature) DO UPDATE SET refused_at = excluded.refused_at";
        let values = [id.into(), refusal.feature().into(), now().into()];
        self.0.write.execute_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        Ok(())
    }

    /// Whether the provider has lately refused this to the key.
    ///
    /// # Errors
    /// When the database fails.
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
