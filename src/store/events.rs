//! What changed, told to whoever listens.
//!
//! With SQLite there is one process, and a broadcast inside it does. With PostgreSQL an event leaves as a
//! notification inside the transaction that it tells of, so it arrives everywhere if and only if that is committed.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use super::Result;

/// Something that subscribers may want to know of. It names what changed; readers load the present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Job(i64),
    Ipo { id: i64, is_new: bool },
}

const CHANNEL: &str = "prospectus_events";
const CAPACITY: usize = 4_096;
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// The stream of events.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    postgres: Option<PgPool>,
}

impl Events {
    pub(super) fn local() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0, postgres: None }
    }

    pub(super) fn shared(pool: PgPool) -> Self {
        Self { sender: broadcast::channel(CAPACITY).0, postgres: Some(pool) }
    }

    /// Everything from now on. A receiver that lags must read the present state again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// Commits, and tells of what the transaction changed.
    ///
    /// # Errors
    /// When the commit fails; then nothing is told.
    pub async fn commit(&self, transaction: DatabaseTransaction, events: &[Event]) -> Result<()> {
        if self.postgres.is_some() {
            for event in events {
                let payload = serde_json::to_string(event).unwrap_or_default();
                let notify = Statement::from_sql_and_values(
                    sea_orm::DbBackend::Postgres,
                    "SELECT pg_notify($1, $2)",
                    [CHANNEL.into(), payload.into()],
                );
                transaction.query_one_raw(notify).await?;
            }
        }
        transaction.commit().await?;
        if self.postgres.is_none() {
            for event in events {
                // Nobody listening is no error.
                let _ = self.sender.send(event.clone());
            }
        }
        Ok(())
    }

    /// Passes PostgreSQL's notifications on to this process's subscribers, for as long as it lives.
    pub async fn listen(&self) {
        let Some(pool) = &self.postgres else { return };
        loop {
            if let Err(error) = self.listen_once(pool).await {
                tracing::warn!(%error, "the event listener lost its connection and will connect again");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn listen_once(&self, pool: &PgPool) -> std::result::Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            let notification = listener.recv().await?;
            match serde_json::from_str(notification.payload()) {
                Ok(event) => {
                    let _ = self.sender.send(event);
                }
                Err(error) => tracing::warn!(%error, "an event of another version was passed over"),
            }
        }
    }
}
