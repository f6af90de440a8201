//! What lets operations in, shared by all that run them.

use std::path::Path;
use std::sync::Arc;

use async_graphql::ServerError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::backlog::Backlog;
use super::graphql::documents::Documents;
use super::live::Live;
use super::operations::Names;
use super::rates::{Client, Rates};
use super::refusal::long_winded;
use super::shares::{Room, Shares};
use crate::graphql::limits::Lane;
use crate::graphql::limits::text::LONGEST_TEXT;
use crate::settings::HttpSettings;

/// Operations that run at a time; each holds a few megabytes at most unless it has the lane.
const MOST_RUNNING: usize = 256;

/// Bytes of long bodies in memory, of all clients together.
const BODIES: usize = 32 << 20;
/// Bytes of long operations' texts, from before they are parsed to their end: a document takes some twenty times the
/// memory of its text.
const TEXTS: usize = 6 << 20;
/// Bytes of what is followed, with what each takes beside its text.
const FOLLOWED: usize = 4 << 20;
const FOLLOWER: usize = 256;
/// Bytes that sockets have for writing: each keeps what its longest message took until it ends, and a shorter one is
/// every socket's own.
const WRITING: usize = 64 << 20;
const LONG_MESSAGE: usize = 64 << 10;
/// Shorter texts are parsed in well under a millisecond.
const SHORT_TEXT: usize = 1 << 10;

/// What lets operations in.
#[derive(Clone)]
pub(super) struct Gate {
    pub rates: Rates,
    pub documents: Documents,
    pub live: Live,
    pub lane: Lane,
    pub running: Arc<Semaphore>,
    pub bodies: Arc<Semaphore>,
    /// All but one of the processors read long bodies at a time: the others' requests aren't behind a queue of them.
    pub reading: Arc<Semaphore>,
    texts: Arc<Semaphore>,
    /// All but one of the processors parse at a time, the last one answers.
    parsing: Arc<Semaphore>,
    followed: Arc<Semaphore>,
    pub backlog: Backlog,
    writing: Shares,
    pub introspection: bool,
    pub names: Names,
}

impl Gate {
    /// `routes` are the texts of the operations that REST routes run.
    pub(super) fn new(settings: &HttpSettings, routes: impl Iterator<Item = &'static str>) -> Self {
        let documents =
            Documents::read(settings.trusted_documents.as_deref().map(Path::new), settings.trusted_documents_only);
        let parsers = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
        Self {
            rates: Rates::new(settings.cost_per_second),
            names: Names::known(documents.texts().map(str::to_owned).chain(routes.map(str::to_owned))),
            documents,
            live: Live::default(),
            lane: Lane::default(),
            running: Arc::new(Semaphore::new(MOST_RUNNING)),
            bodies: Arc::new(Semaphore::new(BODIES)),
            reading: Arc::new(Semaphore::new(parsers)),
            texts: Arc::new(Semaphore::new(TEXTS)),
            parsing: Arc::new(Semaphore::new(parsers)),
            followed: Arc::new(Semaphore::new(FOLLOWED)),
            backlog: Backlog::default(),
            writing: Shares::new(WRITING),
            introspection: settings.introspection,
        }
    }

    /// The permit to parse a text, and room for it until its operation is over. One that is short needs none, and
    /// one that is too long is refused unread.
    pub(super) async fn text_permit(&self, text: &str) -> TextPermit {
        if !(SHORT_TEXT..=LONGEST_TEXT).contains(&text.len()) {
            return TextPermit::default();
        }
        // They are never closed.
        let room = self.texts.clone().acquire_many_owned(permits(text.len())).await.ok();
        TextPermit { room, _parsing: self.parsing.clone().acquire_owned().await.ok() }
    }

    /// More room for writing to a socket, whose longest message so far is as long as `before`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn writing(&self, client: Client, before: usize, bytes: usize) -> Result<Option<Room>, ServerError> {
        if bytes <= before.max(LONG_MESSAGE) {
            return Ok(None);
        }
        self.writing.room_now(client, bytes - before).map(Some).ok_or_else(long_winded)
    }

    /// Room for one more that follows; none if all is taken.
    pub(super) fn follow(&self, text: &str) -> Option<OwnedSemaphorePermit> {
        self.followed.clone().try_acquire_many_owned(permits(text.len() + FOLLOWER)).ok()
    }
}

/// What a text needs to be parsed.
#[derive(Default)]
pub(super) struct TextPermit {
    /// What it keeps until its operation is over.
    pub room: Option<OwnedSemaphorePermit>,
    _parsing: Option<OwnedSemaphorePermit>,
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
