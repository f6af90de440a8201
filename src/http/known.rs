//! Answers that are known: the same query of the same caller gets the same answer until somebody writes.
//!
//! An answer is kept as it went out, under the data's version before it was made, and given again while that is the version
//! still; asking for it is one small statement, shared by all who ask meanwhile. What the clock alone changes is new with
//! every minute. A query is kept from its second time on, so that those which come once cost nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::observe;
use super::rates;
use crate::actions::{Caller, Credential};
use crate::app::App;
use crate::store::{self, DataVersion};
use crate::telemetry::metrics::{self, Operation};

/// Bytes of the longest answer that is kept, and of the longest that is compressed: that one grows as its client takes it,
/// and nothing bounds how many do.
pub(super) const LONGEST: usize = 1 << 20;
const LONGEST_PACKED: usize = 64 << 10;
/// How many may wait for the version at a time; others go without.
const MOST_WAITING: usize = 1_024;
const MINUTE: store::Millis = 60_000;
/// How long they wait for it: a connection that hangs is no reason not to answer over another.
const LONGEST_READING: Duration = Duration::from_secs(2);

/// What an answer hangs on beside its query and its caller.
static VARIES: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::ACCEPT, header::ACCEPT_ENCODING, header::ORIGIN, header::IF_NONE_MATCH];
/// What each request is told anew.
static OF_ONE_REQUEST: [HeaderName; 8] = [
    observe::REQUEST_ID,
    rates::LIMIT,
    rates::REMAINING,
    rates::RESET,
    rates::POLICY,
    header::RETRY_AFTER,
    header::CONNECTION,
    header::CONTENT_LENGTH,
];

/// The answers of this process.
#[derive(Clone)]
pub(super) struct Known {
    answers: Cache<Key, Entry>,
    versions: mpsc::Sender<oneshot::Sender<DataVersion>>,
}

/// A digest of all that an answer hangs on, beside the data and the time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

#[derive(Clone)]
enum Entry {
    AskedOnce,
    Answer(Arc<Answer>),
}

/// When an answer was true.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Moment {
    version: DataVersion,
    minute: store::Millis,
}

/// An answer and what it cost.
pub(super) struct Answer {
    moment: Moment,
    pub cost: u64,
    pub operation: Operation,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Marks an answer that is the same each time: what it cost, and its body before that was compressed.
#[derive(Clone)]
pub(super) struct Worth {
    pub cost: u64,
    pub operation: Operation,
    pub body: Bytes,
}

/// What is known of a query.
pub(super) enum Look {
    Answer(Arc<Answer>),
    /// Nothing now, but its answer of this moment is worth keeping.
    Wanted(Moment),
    Nothing,
}

impl Known {
    /// Keeps as many bytes; none at all if that is zero.
    pub(super) fn new(app: &App, bytes: u64) -> Option<Self> {
        if bytes == 0 {
            return None;
        }
        let weigh = |_: &Key, entry: &Entry| match entry {
            // With what the cache itself keeps of it, and its headers.
            Entry::AskedOnce => 384,
            Entry::Answer(answer) => u32::try_from(answer.body.len() + 2_048).unwrap_or(u32::MAX),
        };
        let (versions, asked) = mpsc::channel(MOST_WAITING);
        tokio::spawn(tell_versions(app.clone(), asked));
        Some(Self { answers: Cache::builder().max_capacity(bytes).weigher(weigh).build(), versions })
    }

    /// Looks for an answer.
    pub(super) async fn look(&self, key: &Key) -> Look {
        let Some(entry) = self.answers.get(key) else {
            self.answers.insert(key.clone(), Entry::AskedOnce);
            metrics::cache_looked_up("answers", 0, 1);
            return Look::Nothing;
        };
        let (sender, version) = oneshot::channel();
        if self.versions.try_send(sender).is_err() {
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
                Look::Wanted(moment)
            }
        }
    }

    /// Keeps an answer if it is the same each time; one that is compressed as its client takes it, once all is taken.
    pub(super) fn keep(&self, key: Key, moment: Moment, mut answer: Response) -> Response {
        let Some(Worth { cost, operation, body }) = answer.extensions_mut().remove() else { return answer };
        let mut headers = answer.headers().clone();
        for name in &OF_ONE_REQUEST {
            headers.remove(name);
        }
        let mut kept = Answer { moment, cost, operation, status: answer.status(), headers, body };
        if kept.headers.contains_key(header::CONTENT_ENCODING) {
            let known = self.clone();
            // Its room ends with what is to be taken of it.
            kept.body = Bytes::new();
            return answer.map(|body| {
                Body::from_stream(copied(body.into_data_stream(), move |body| {
                    kept.body = body;
                    known.insert(key, kept);
                }))
            });
        }
        if kept.status == StatusCode::NOT_MODIFIED {
            kept.body = Bytes::new();
        }
        self.insert(key, kept);
        answer
    }

    fn insert(&self, key: Key, mut answer: Answer) {
        // A copy, for what it was written into may have as much room again.
        answer.body = Bytes::copy_from_slice(&answer.body);
        self.answers.insert(key, Entry::Answer(Arc::new(answer)));
    }
}

/// A body of which a copy goes elsewhere once it has ended, unless it is too long.
fn copied(
    mut body: BodyDataStream,
    end: impl FnOnce(Bytes) + Send + 'static,
) -> impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Send {
    let mut copy = Some((Vec::new(), end));
    futures_util::stream::poll_fn(move |context| {
        let piece = std::task::ready!(body.poll_next_unpin(context));
        match (&piece, &mut copy) {
            (Some(Ok(piece)), Some((bytes, _))) if bytes.len() + piece.len() <= LONGEST_PACKED => {
                bytes.extend_from_slice(piece);
            }
            (None, _) => {
                if let Some((bytes, end)) = copy.take() {
                    end(bytes.into());
                }
            }
            _ => copy = None,
        }
        std::task::Poll::Ready(piece)
    })
}

/// What an answer hangs on.
pub(super) fn key(caller: &Caller, head: &Head, body: &[u8]) -> Key {
    let (kind, id) = match caller.credential {
        Credential::None => (0u8, 0),
        Credential::Settings => (1, 0),
        Credential::Token(id) => (2, id),
        Credential::Session { id, .. } => (3, id),
    };
    let mut digest = Sha256::new();
    digest.update([kind]);
    digest.update(id.to_le_bytes());
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    // A session reads alone without the console's header, and does more with it.
    add(caller.role.name().as_bytes());
    add(head.method.as_str().as_bytes());
    add(head.uri.query().unwrap_or_default().as_bytes());
    for (n, name) in VARIES.iter().enumerate() {
        for value in head.headers.get_all(name) {
            add(&[n as u8]);
            add(value.as_bytes());
        }
    }
    add(body);
    Key(digest.finalize().into())
}

/// Reads the version for all who asked before the reading began. Without one they go on by themselves.
async fn tell_versions(app: App, mut asked: mpsc::Receiver<oneshot::Sender<DataVersion>>) {
    let mut waiting = Vec::new();
    while asked.recv_many(&mut waiting, MOST_WAITING).await > 0 {
        // Whoever else is about to ask does so meanwhile, and need not wait for the next reading.
        tokio::task::yield_now().await;
        while let Ok(sender) = asked.try_recv() {
            waiting.push(sender);
        }
        match tokio::time::timeout(LONGEST_READING, app.store.data_version()).await {
            Ok(Ok(version)) => waiting.drain(..).for_each(|sender| drop(sender.send(version.clone()))),
            told => {
                tracing::debug!(?told, "the data's version can't be told");
                waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    /// What is copied of a body of these pieces that is taken for as long as it comes, or until so many came.
    async fn copy(pieces: Vec<Result<Bytes, &'static str>>, taken: usize) -> Result<Bytes, TryRecvError> {
        let (sender, mut copy) = oneshot::channel();
        let body = Body::from_stream(stream::iter(pieces)).into_data_stream();
        let copied = copied(body, |bytes| drop(sender.send(bytes)));
        drop(copied.take(taken).collect::<Vec<_>>().await);
        copy.try_recv()
    }

    #[tokio::test]
    async fn a_copy_is_made_of_what_is_taken_whole_and_not_too_long() {
        let piece = |bytes: usize| Ok(Bytes::from(vec![7; bytes]));
        assert_eq!(copy(vec![piece(3), piece(4)], usize::MAX).await, Ok(vec![7; 7].into()));
        assert!(copy(vec![piece(LONGEST_PACKED), piece(0)], usize::MAX).await.is_ok());
        for (pieces, taken) in [
            (vec![piece(3), piece(4)], 1),
            (vec![piece(3), Err("broken"), piece(4)], usize::MAX),
            (vec![piece(LONGEST_PACKED), piece(1)], usize::MAX),
        ] {
            assert_eq!(copy(pieces, taken).await, Err(TryRecvError::Closed));
        }
    }
}
