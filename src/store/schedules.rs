//! Schedules that come due once, however many replicas watch them.

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Statement};

use super::entity::schedule::Entity;
use super::repositories::Schedules;
use super::{Millis, Result};

impl Schedules<'_> {
    /// When a schedule was last taken.
    #[boxed]
    pub async fn last(&self, name: &str) -> Result<Option<Millis>> {
        Ok(Entity::find_by_id(name).one(&self.0.read).await?.map(|s| s.last_due_at))
    }

    /// Takes the run that came due at `due_at`; false if another replica has it.
    #[boxed]
    pub async fn take(&self, transaction: &DatabaseTransaction, name: &str, due_at: Millis) -> Result<bool> {
        let sql = "INSERT INTO schedules (name, last_due_at) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET last_due_at = excluded.last_due_at \
                   WHERE schedules.last_due_at < excluded.last_due_at";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [name.into(), due_at.into()]);
        Ok(transaction.execute_raw(statement).await?.rows_affected() > 0)
    }
}
