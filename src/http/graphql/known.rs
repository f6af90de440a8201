//! Answers that are known: the same query of the same caller gives the same answer until somebody writes.
//!
//! Each answer is kept under the data's version before it was made, and given again while that is the version still; asking
//! for it is one small statement, shared by all who ask meanwhile. What the clock alone changes is new with every minute. A
//! query is kept from its second time on, so that those which come once cost nothing.

use std::sync::Arc;

use async_graphql::Request as GraphQLRequest;
use axum::body::Bytes;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

use crate::actions::{Caller, Credential};
use crate::app::App;
use crate::http::answer::Form;
use crate::store::{self, DataVersion};
use crate::telemetry::metrics::{self, Operation};

/// Bytes of the longest answer that is kept.
const LONGEST: usize = 1 << 20;
/// How many may wait for the version at a time; others go without.
const MOST_WAITING: usize = 1_024;
const MINUTE: store::Millis = 60_000;

/// The answers of this process.
#[derive(Clone)]
pub(in crate::http) struct Known(Option<Parts>);

#[derive(Clone)]
struct Parts {
    answers: Cache<Key, Entry>,
    versions: mpsc::Sender<oneshot::Sender<DataVersion>>,
}

/// A digest of all that an answer hangs on, beside the data and the time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::http) struct Key([u8; 32]);

#[derive(Clone)]
enum Entry {
    AskedOnce,
    Answer(Arc<Answer>),
}

/// When an answer was true.
#[derive(Clone, PartialEq, Eq)]
struct Moment {
    version: DataVersion,
    minute: store::Millis,
}

/// An answer and what it cost.
pub(in crate::http) struct Answer {
    moment: Moment,
    pub cost: u64,
    pub operation: Operation,
    pub body: Bytes,
}

/// What is known of a query.
pub(in crate::http) enum Look {
    Answer(Arc<Answer>),
    /// Nothing now, but its answer is worth keeping.
    Wanted(Wanted),
    Nothing,
}

/// Where an answer goes once it's made.
pub(in crate::http) struct Wanted {
    key: Key,
    moment: Moment,
}

impl Known {
    /// Keeps as many bytes; none at all if that is zero.
    pub(in crate::http) fn new(app: &App, bytes: u64) -> Self {
        if bytes == 0 {
            return Self(None);
        }
        let weigh = |_: &Key, entry: &Entry| match entry {
            // With what the cache itself keeps of it.
            Entry::AskedOnce => 384,
            Entry::Answer(answer) => u32::try_from(answer.body.len() + 640).unwrap_or(u32::MAX),
        };
        let (versions, asked) = mpsc::channel(MOST_WAITING);
        tokio::spawn(tell_versions(app.clone(), asked));
        Self(Some(Parts { answers: Cache::builder().max_capacity(bytes).weigher(weigh).build(), versions }))
    }

    /// Looks for the answer to a request.
    pub(in crate::http) async fn look(&self, caller: &Caller, request: &GraphQLRequest, form: Form) -> Look {
        let Some(parts) = &self.0 else { return Look::Nothing };
        let Some(key) = key(caller, request, form) else { return Look::Nothing };
        let Some(entry) = parts.answers.get(&key) else {
            parts.answers.insert(key, Entry::AskedOnce);
            metrics::cache_looked_up("answers", 0, 1);
            return Look::Nothing;
        };
        let (sender, version) = oneshot::channel();
        if parts.versions.try_send(sender).is_err() {
            return Look::Nothing;
        }
        let Ok(version) = version.await else { return Look::Nothing };
        let moment = Moment { version, minute: store::now() / MINUTE };
        match entry {
            Entry::Answer(answer) if answer.moment == moment => {
                metrics::cache_looked_up("answers", 1, 0);
                Look::Answer(answer)
            }
            _ => {
                metrics::cache_looked_up("answers", 0, 1);
                Look::Wanted(Wanted { key, moment })
            }
        }
    }

    /// Keeps an answer that is without errors: a copy, for what it was written into may have as much room again.
    pub(in crate::http) fn keep(&self, wanted: Wanted, cost: u64, operation: Operation, body: &[u8]) {
        let Some(parts) = &self.0 else { return };
        if body.len() <= LONGEST {
            let body = Bytes::copy_from_slice(body);
            let answer = Answer { moment: wanted.moment, cost, operation, body };
            parts.answers.insert(wanted.key, Entry::Answer(Arc::new(answer)));
        }
    }
}

/// What an answer hangs on; none for what can't be asked twice.
fn key(caller: &Caller, request: &GraphQLRequest, form: Form) -> Option<Key> {
    if !request.uploads.is_empty() {
        return None;
    }
    let variables = serde_json::to_vec(&request.variables).ok()?;
    let (kind, id) = match caller.credential {
        Credential::None => (0u8, 0),
        Credential::Settings => (1, 0),
        Credential::Token(id) => (2, id),
        Credential::Session(id) => (3, id),
    };
    let mut digest = Sha256::new();
    digest.update([kind, u8::from(form == Form::GraphQL)]);
    digest.update(id.to_le_bytes());
    // A session reads alone without the console's header, and does more with it.
    let role = caller.role.name();
    let name = request.operation_name.as_deref().unwrap_or_default();
    for part in [role.as_bytes(), variables.as_slice(), name.as_bytes(), request.query.as_bytes()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    Some(Key(digest.finalize().into()))
}

/// Reads the version for all who asked before the reading began. Without one they go on by themselves.
async fn tell_versions(app: App, mut asked: mpsc::Receiver<oneshot::Sender<DataVersion>>) {
    let mut waiting = Vec::new();
    while asked.recv_many(&mut waiting, MOST_WAITING).await > 0 {
        match app.store.data_version().await {
            Ok(version) => waiting.drain(..).for_each(|sender| drop(sender.send(version.clone()))),
            Err(error) => {
                tracing::debug!(%error, "the data's version can't be told");
                waiting.clear();
            }
        }
    }
}
