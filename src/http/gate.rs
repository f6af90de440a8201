//! What lets operations in, shared by all that run them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::graphql::documents::Documents;
use super::live::Live;
use super::operations::Names;
use super::rates::Rates;
use super::refusal::overloaded;
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
/// Bytes of long answers that their clients have not taken yet, and how long one waits for room.
const ANSWERS: usize = 64 << 20;
const LONG_ANSWER: usize = 256 << 10;
const ANSWER_WAIT: Duration = Duration::from_secs(10);
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
    texts: Arc<Semaphore>,
    /// All but one of the processors parse at a time, the last one answers.
    parsing: Arc<Semaphore>,
    followed: Arc<Semaphore>,
    answers: Arc<Semaphore>,
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
            texts: Arc::new(Semaphore::new(TEXTS)),
            parsing: Arc::new(Semaphore::new(parsers)),
            followed: Arc::new(Semaphore::new(FOLLOWED)),
            answers: Arc::new(Semaphore::new(ANSWERS)),
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

    /// Room for an answer until its client has taken it; a short one needs none.
    ///
    /// # Errors
    /// When none comes free.
    pub(super) async fn backlog(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, ServerError> {
        if bytes < LONG_ANSWER {
            return Ok(None);
        }
        let room = self.answers.clone().acquire_many_owned(permits(bytes.min(ANSWERS)));
        tokio::time::timeout(ANSWER_WAIT, room).await.map(Result::ok).map_err(|_| overloaded())
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
