//! The schema of the database, brought up to date by one process at a time.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};

use super::{Result, Store};

/// This process's turn at preparing the database.
pub struct Turn(Option<DatabaseTransaction>);

impl Turn {
    /// Lets the next process have its turn.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end(self) -> Result<()> {
        if let Some(transaction) = self.0 {
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// An arbitrary number that names the lock to PostgreSQL.
const TURN_LOCK: i64 = 0x5052_4f53;

impl Store {
    /// Waits until no other process is preparing the database, and holds them off until the turn ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_turn(&self) -> Result<Turn> {
        if self.backend() == DbBackend::Sqlite {
            return Ok(Turn(None));
        }
        let transaction = self.unhurried().await?.write.begin().await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({TURN_LOCK})")).await?;
        Ok(Turn(Some(transaction)))
    }

    /// Brings the schema up to date, and the columns that are worked out from others.
    ///
    /// # Errors
    /// When a migration fails; those before it stay.
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
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        Ok(Migrator::down(&self.unhurried().await?.write, Some(steps)).await?)
    }

    /// Whether the database answers and has every migration. It only reads.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(Migrator::get_pending_migrations_read_only(&self.read).await?.is_empty())
    }
}
