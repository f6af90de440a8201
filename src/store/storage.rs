//! Whether the database's disk has space. Once it was full, small writes are tried until they go through, so that
//! readiness comes back by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};

use super::{Result, Store};

/// How often a full disk is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is written to see whether there is space: more than the log's last page may have left.
const PROBE: usize = 256 << 10;

impl Store {
    /// Whether the database's disk was full when it was last written to.
    #[must_use]
    pub fn is_storage_full(&self) -> bool {
        self.storage_full.load(Ordering::Relaxed)
    }

    /// Notes that the disk is full, and tries it until it isn't. [`Store::transact`] does so by itself.
    pub fn watch_storage(&self) {
        if self.storage_full.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!("the database's disk is full: nothing can be stored until there is space");
        let store = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                match store.probe_storage().await {
                    Ok(()) => break,
                    Err(error) => tracing::debug!(%error, "the database's disk is still full"),
                }
            }
            store.storage_full.store(false, Ordering::Relaxed);
            tracing::info!("the database's disk has space again");
        });
    }

    async fn probe_storage(&self) -> Result<()> {
        let keep = "INSERT INTO storage_probes (id, filler) VALUES (1, $1) \
                    ON CONFLICT (id) DO UPDATE SET filler = excluded.filler";
        let statement = Statement::from_sql_and_values(self.backend(), keep, [vec![0_u8; PROBE].into()]);
        self.write.execute_raw(statement).await?;
        self.write.execute_unprepared("DELETE FROM storage_probes").await?;
        Ok(())
    }
}
