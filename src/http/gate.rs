//! What lets operations in, shared by all that run them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::backlog::Backlog;
use super::graphql::documents::Documents;
use super::live::Live;
use super::operations::Names;
use super::rates::{Client, Rates};
use super::refusal::{long_winded, overloaded, too_long};
use super::shares::{Room, Shares};
use crate::app::all_processors_but_one;
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
/// Bytes that what is followed takes: some ten thousand each, measured at rest, and its document.
const FOLLOWED: usize = 80 << 20;
const FOLLOWER: usize = 10 << 10;
const BYTES_PER_TEXT: usize = 16;
/// Values of variables, from before they are looked at to the operation's end: each takes some seventy bytes, and as few as
/// two in its request. A few need no room.
const VALUES: usize = 1 << 20;
const FEW_VALUES: usize = 64;
/// Bytes that sockets have for writing: each keeps what its longest message took until it ends, and a shorter one is
/// every socket's own.
const WRITING: usize = 64 << 20;
const LONG_MESSAGE: usize = 64 << 10;
/// A socket moves the rest of a message with each piece that its client takes.
const LONGEST_MESSAGE: usize = 4 << 20;
/// Shorter texts are parsed in well under a millisecond.
const SHORT_TEXT: usize = 1 << 10;
/// What JSON may have to be read beside any number of others: in longer ones stand hundreds of fields, and to look at them
/// takes milliseconds.
const READ_AT_ONCE: usize = 4 << 10;
const READING_WAIT: Duration = Duration::from_secs(5);

/// What lets operations in.
#[derive(Clone)]
pub(super) struct Gate {
    pub rates: Rates,
    pub documents: Documents,
    pub live: Live,
    pub lane: Lane,
    pub running: Arc<Semaphore>,
    pub bodies: Shares,
    /// All but one of the processors read long JSON at a time: the others' requests aren't behind a queue of it.
    reading: Arc<Semaphore>,
    texts: Shares,
    values: Shares,
    /// All but one of the processors parse at a time, the last one answers.
    parsing: Arc<Semaphore>,
    followed: Shares,
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
        Self {
            rates: Rates::new(settings.cost_per_second),
            names: Names::known(documents.texts().map(str::to_owned).chain(routes.map(str::to_owned))),
            documents,
            live: Live::default(),
            lane: Lane::default(),
            running: Arc::new(Semaphore::new(MOST_RUNNING)),
            bodies: Shares::new(BODIES),
            reading: Arc::new(Semaphore::new(all_processors_but_one())),
            texts: Shares::new(TEXTS),
            values: Shares::new(VALUES),
            parsing: Arc::new(Semaphore::new(all_processors_but_one())),
            followed: Shares::new(FOLLOWED),
            backlog: Backlog::default(),
            writing: Shares::new(WRITING),
            introspection: settings.introspection,
        }
    }

    /// The permit to parse a text, and room for it until its operation is over. One that is short needs none, and
    /// one that is too long is refused unread. Whoever waits for room keeps nobody from reading meanwhile.
    pub(super) async fn text_permit(
        &self,
        client: Client,
        text: &str,
        reading: Option<OwnedSemaphorePermit>,
    ) -> TextPermit {
        if !(SHORT_TEXT..=LONGEST_TEXT).contains(&text.len()) {
            return TextPermit { _reading: reading, ..TextPermit::default() };
        }
        let (room, reading) = if let Some(room) = self.texts.room_now(client, text.len()) {
            (Some(room), reading)
        } else {
            drop(reading);
            (self.texts.room(client, text.len()).await, None)
        };
        // It is never closed.
        TextPermit { room, _reading: reading, _parsing: self.parsing.clone().acquire_owned().await.ok() }
    }

    /// Room for values of variables until their operation is over; a few need none.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn value_room(&self, client: Client, values: usize) -> Result<Option<Room>, ServerError> {
        if values <= FEW_VALUES {
            return Ok(None);
        }
        self.values.room_now(client, values).map(Some).ok_or_else(overloaded)
    }

    /// The permit to read so many bytes as JSON, in the time that one may take; a few need none.
    pub(super) async fn reading_permit(&self, bytes: usize) -> Option<Option<OwnedSemaphorePermit>> {
        if bytes <= READ_AT_ONCE {
            return Some(None);
        }
        // It is never closed.
        tokio::time::timeout(READING_WAIT, self.reading.clone().acquire_owned()).await.ok().map(Result::ok)
    }

    /// More room for writing to a socket, whose longest message so far is as long as `before`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn writing(&self, client: Client, before: usize, bytes: usize) -> Result<Option<Room>, ServerError> {
        if bytes > LONGEST_MESSAGE {
            return Err(too_long());
        }
        if bytes <= before.max(LONG_MESSAGE) {
            return Ok(None);
        }
        self.writing.room_now(client, bytes - before).map(Some).ok_or_else(long_winded)
    }

    /// Room for one more that follows; none if all is taken.
    pub(super) fn follow(&self, client: Client, text: &str) -> Option<Room> {
        self.followed.room_now(client, text.len() * BYTES_PER_TEXT + FOLLOWER)
    }
}

/// What a text needs to be parsed.
#[derive(Default)]
pub(super) struct TextPermit {
    /// What it keeps until its operation is over.
    pub room: Option<Room>,
    _reading: Option<OwnedSemaphorePermit>,
    _parsing: Option<OwnedSemaphorePermit>,
}
