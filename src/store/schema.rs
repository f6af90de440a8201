//! The schema of the database, brought up to date by one process at a time.

use async_recursion::async_recursion as boxed;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};

use super::{Result, Store};

/// An advisory lock: one process at a time migrates the database.
pub struct MigrationLock(Option<DatabaseTransaction>);

impl MigrationLock {
    /// Releases it to the next process.
    #[boxed]
    pub async fn release(self) -> Result<()> {
        if let Some(transaction) = self.0 {
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// An arbitrary number that names the lock to PostgreSQL.
const MIGRATION_LOCK: i64 = 0x5052_4f53;

impl Store {
    /// Waits for the advisory lock of migrations. SQLite has a single writer, and needs none.
    #[boxed]
    pub async fn lock_migrations(&self) -> Result<MigrationLock> {
        if self.backend() == DbBackend::Sqlite {
            return Ok(MigrationLock(None));
        }
        let transaction = self.unhurried().await?.write.begin().await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
        Ok(MigrationLock(Some(transaction)))
    }

    /// Brings the schema up to date, and the columns that are worked out from others.
    ///
    /// # Errors
    /// When a migration fails; those before it stay.
    #[boxed]
    pub async fn migrate(&self) -> Result<()> {
        let unhurried = self.unhurried().await?;
        Migrator::up(&unhurried.write, None).await?;
        let measured = unhurried.ipos().measure_all().await?;
        if measured > 0 {
            tracing::info!(measured, "worked out what became of issues' prices");
        }
        Ok(())
    }

    /// Takes back the last `steps` migrations, data included.
    ///
    /// # Errors
    /// When a migration can't be taken back.
    #[boxed]
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        Ok(Migrator::down(&self.unhurried().await?.write, Some(steps)).await?)
    }

    /// Whether the database answers and has every migration. It only reads.
    ///
    /// # Errors
    /// When it does not answer.
    #[boxed]
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(Migrator::get_pending_migrations_read_only(&self.read).await?.is_empty())
    }
}
