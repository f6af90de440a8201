//! What changed, passed to whoever listens.
//!
//! With SQLite there is one process, and a broadcast inside it does. With PostgreSQL an event leaves as a
//! notification inside the transaction that it tells of, so it arrives everywhere if and only if that is committed.
//! A connection that was lost may have lost notifications with it: then there is an event that says so.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement};
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::{Notify, broadcast};

use super::changes::{Event, Update};
use super::errors::Result;
use super::feed::Feed;

const CHANNEL: &str = "prospectus_events";
const CAPACITY: usize = 8_192;
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// A connection that was silent for this long is asked whether it's still there: a cut cable closes nothing.
const QUIET: Duration = Duration::from_secs(5);
/// How long the answer to that may take, or a connection to be made.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// The stream of events.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    updates: broadcast::Sender<Update>,
    /// Tells the feed that somebody follows.
    followed: Arc<Notify>,
    /// What the feed reads rows with.
    read: DatabaseConnection,
    postgres: Option<PgPool>,
}

impl Events {
    pub(super) fn local(read: DatabaseConnection) -> Self {
        let (sender, updates) = (broadcast::channel(CAPACITY).0, broadcast::channel(CAPACITY).0);
        Self { sender, updates, followed: Arc::default(), read, postgres: None }
    }

    pub(super) fn shared(read: DatabaseConnection, pool: PgPool) -> Self {
        Self { postgres: Some(pool), ..Self::local(read) }
    }

    /// Everything from now on. A receiver that lags must read the present state again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// The rows that changed, from now on, each change once. They are loaded once for all who follow.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Update> {
        let updates = self.updates.subscribe();
        self.followed.notify_one();
        updates
    }

    /// Commits, and tells of what the transaction changed.
    ///
    /// # Errors
    /// When the commit fails; then no event is sent.
    #[boxed]
    pub async fn commit(&self, transaction: DatabaseTransaction, events: &[Event]) -> Result<()> {
        if self.postgres.is_some() && !events.is_empty() {
            let payloads = serde_json::to_string(events).unwrap_or_default();
            let notify = Statement::from_sql_and_values(
                sea_orm::DbBackend::Postgres,
                "SELECT pg_notify($1, event.value::text) FROM json_array_elements(CAST($2 AS json)) AS event",
                [CHANNEL.into(), payloads.into()],
            );
            transaction.execute_raw(notify).await?;
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

    /// Passes events and the rows they are about on to this process's subscribers, for as long as it lives.
    #[boxed]
    pub async fn listen(&self) {
        let feed = async {
            let mut feed = Feed::new(self.read.clone(), self.updates.clone(), self.followed.clone());
            loop {
                // What was sent so far outlives a panic, so that no event is sent twice.
                if AssertUnwindSafe(feed.run(self.subscribe())).catch_unwind().await.is_ok() {
                    return;
                }
                tracing::error!("the feed of changes panicked and is started again");
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        };
        match &self.postgres {
            Some(pool) => {
                tokio::join!(feed, self.keep_listening(pool));
            }
            None => feed.await,
        }
    }

    async fn keep_listening(&self, pool: &PgPool) {
        loop {
            let lost = AssertUnwindSafe(self.listen_once(pool)).catch_unwind().await;
            match lost {
                Ok(Ok(())) => tracing::warn!("the event listener's connection fell silent; it connects again"),
                Ok(Err(error)) => tracing::warn!(%error, "the event listener lost its connection; it connects again"),
                Err(_) => tracing::error!("the event listener panicked and is started again"),
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    /// Listens on a connection of its own, which no query has to wait for. Ends when that has fallen silent.
    async fn listen_once(&self, pool: &PgPool) -> std::result::Result<(), sqlx::Error> {
        let options = (*pool.connect_options()).clone();
        let own = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER_WITHIN).connect_with(options).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        // From here on nothing is lost; what was before may be, the first time as well: who follows early is there
        // before this connection is.
        let _ = self.sender.send(Event::Resync);
        loop {
            match tokio::time::timeout(QUIET, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => match serde_json::from_str(notification.payload()) {
                    Ok(event) => {
                        let _ = self.sender.send(event);
                    }
                    Err(error) => tracing::warn!(%error, "an event of another version was passed over"),
                },
                Ok(Ok(None)) => {
                    tracing::warn!("the event listener's connection was lost and made again");
                    let _ = self.sender.send(Event::Resync);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let asked = sqlx::query("SELECT 1").execute(&mut listener);
                    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
                        Ok(answer) => {
                            answer?;
                        }
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
    }
}
