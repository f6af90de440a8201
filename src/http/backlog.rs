//! Answers stay in memory until their clients have taken them, and a client may take its time: there is room for so many
//! bytes of them, each client has its share of it, and whoever takes nothing is not waited for long.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_graphql::ServerError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};

use super::rates::Client;
use super::refusal::overloaded;
use super::shares::{Room, Shares};
use crate::actions::Caller;

/// Bytes of long answers, of all clients together.
const LONG_ROOM: usize = 64 << 20;
const LONG: usize = 256 << 10;
/// The same of those that are shorter: they wait for no long ones.
const MIDDLE_ROOM: usize = 48 << 20;
/// From here on a request's answer counts, and a socket's, which has a hundred at a time.
const MIDDLE: usize = 16 << 10;
const MIDDLE_MESSAGE: usize = 2 << 10;
/// Bytes of answers that may wait for room, being in memory already.
const WAITING: usize = 32 << 20;

/// What goes out at a time; each piece is a copy, as what is on its way would else hold the whole answer.
const PIECE: usize = 16 << 10;
/// Pieces that go out before others get the thread; of a long answer, one. A client that takes them as they come would keep it
/// for a hundred milliseconds, where they are compressed.
const PIECES: usize = 4;

/// How long clients may take.
#[derive(Clone, Copy)]
struct Patience {
    /// With nothing of an answer.
    untaken: Duration,
    /// The same while others wait for the room, and with all of an answer then.
    untaken_in_crowd: Duration,
    longest_in_crowd: Duration,
    look_every: Duration,
    /// With an answer that waits for room.
    wait: Duration,
}

const PATIENCE: Patience = Patience {
    untaken: Duration::from_secs(8),
    untaken_in_crowd: Duration::from_secs(4),
    longest_in_crowd: Duration::from_secs(20),
    look_every: Duration::from_millis(500),
    wait: Duration::from_secs(10),
};

/// The room.
#[derive(Clone)]
pub(super) struct Backlog {
    long: Shares,
    middle: Shares,
    waiting: Shares,
    patience: Patience,
}

/// Room for an answer.
pub(super) struct Held {
    room: Room,
    shares: Shares,
    patience: Patience,
}

impl Default for Backlog {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl Backlog {
    fn new(patience: Patience) -> Self {
        let [long, middle, waiting] = [LONG_ROOM, MIDDLE_ROOM, WAITING].map(Shares::new);
        Self { long, middle, waiting, patience }
    }

    /// Room for a request's answer until its client has taken it; a short one needs none.
    ///
    /// # Errors
    /// When none comes free.
    pub(super) async fn answer(&self, client: Client, bytes: usize) -> Result<Option<Held>, ServerError> {
        if bytes < MIDDLE { Ok(None) } else { self.hold(client, bytes).await.map(Some) }
    }

    /// The same for a message of a socket or a stream.
    ///
    /// # Errors
    /// When none comes free.
    pub(super) async fn message(&self, client: Client, bytes: usize) -> Result<Option<Held>, ServerError> {
        if bytes < MIDDLE_MESSAGE { Ok(None) } else { self.hold(client, bytes).await.map(Some) }
    }

    /// Whether none of a client's answers waits for room.
    pub(super) fn is_calm(&self, client: Client) -> bool {
        self.waiting.is_free(client)
    }

    /// Waits until none of a client's answers waits for room.
    pub(super) async fn calm(&self, client: Client) {
        self.waiting.free(client).await;
    }

    /// Room for a request's answer if there is some at once; a short one needs none.
    ///
    /// # Errors
    /// When it would have to wait.
    pub(super) fn answer_now(&self, client: Client, bytes: usize) -> Result<Option<Held>, ServerError> {
        if bytes < MIDDLE {
            return Ok(None);
        }
        let shares = self.shares(bytes);
        shares.room_now(client, bytes).map(|room| Some(self.held(shares, room))).ok_or_else(overloaded)
    }

    fn shares(&self, bytes: usize) -> &Shares {
        if bytes < LONG { &self.middle } else { &self.long }
    }

    fn held(&self, shares: &Shares, room: Room) -> Held {
        Held { room, shares: shares.clone(), patience: self.patience }
    }

    async fn hold(&self, client: Client, bytes: usize) -> Result<Held, ServerError> {
        let shares = self.shares(bytes);
        let held = |room| self.held(shares, room);
        if let Some(room) = shares.room_now(client, bytes) {
            return Ok(held(room));
        }
        let _waiting = self.waiting.room_now(client, bytes).ok_or_else(overloaded)?;
        let room = tokio::time::timeout(self.patience.wait, shares.room(client, bytes)).await;
        room.ok().flatten().map(held).ok_or_else(overloaded)
    }
}

/// An answer that its client has not taken yet.
struct Unread(Mutex<Option<Rest>>);

struct Rest {
    bytes: Bytes,
    _room: Room,
    since: Instant,
    taken_at: Instant,
}

impl Unread {
    /// The next piece; none once it was let go.
    fn next(&self) -> Option<Bytes> {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = rest.as_mut()?;
        rest.taken_at = Instant::now();
        Some(Bytes::copy_from_slice(&rest.bytes.split_to(rest.bytes.len().min(PIECE))))
    }

    /// Lets go of what its client doesn't take.
    fn look(&self, is_wanted: bool, patience: Patience) {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if is_wanted { patience.untaken_in_crowd } else { patience.untaken };
        let is_late = |rest: &Rest| {
            rest.taken_at.elapsed() > most || (is_wanted && rest.since.elapsed() > patience.longest_in_crowd)
        };
        if rest.as_ref().is_some_and(is_late) {
            *rest = None;
        }
    }
}

async fn watch(unread: Weak<Unread>, shares: Shares, patience: Patience) {
    loop {
        tokio::time::sleep(patience.look_every).await;
        let Some(unread) = unread.upgrade() else { return };
        unread.look(shares.is_wanted(), patience);
    }
}

/// What there is room for, in pieces; broken off where the client takes too long.
pub(super) fn pieces(whole: Bytes, held: Held) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (left, now) = (whole.len(), Instant::now());
    let at_once = if left < LONG { PIECES } else { 1 };
    let rest = Rest { bytes: whole, _room: held.room, since: now, taken_at: now };
    let unread = Arc::new(Unread(Mutex::new(Some(rest))));
    tokio::spawn(watch(Arc::downgrade(&unread), held.shares, held.patience));
    let pieces = stream::unfold((unread, left, 0), move |(unread, left, sent)| async move {
        if left == 0 {
            return None;
        }
        if sent == at_once {
            tokio::task::yield_now().await;
        }
        Some(match unread.next() {
            Some(piece) => {
                let left = left - piece.len();
                (Ok(piece), (unread, left, sent % at_once + 1))
            }
            None => (Err(io::Error::from(io::ErrorKind::TimedOut)), (unread, 0, 0)),
        })
    });
    // What compresses the answer asks once more after the end.
    pieces.fuse()
}

/// The answer, with the room that it takes until its last piece is gone.
///
/// # Errors
/// When no room comes free.
pub(super) async fn within(backlog: &Backlog, caller: &Caller, answer: Response) -> Result<Response, ServerError> {
    let bytes = HttpBody::size_hint(answer.body()).exact().and_then(|bytes| usize::try_from(bytes).ok());
    let Some(held) = backlog.answer(Client::of(caller), bytes.unwrap_or(0)).await? else { return Ok(answer) };
    let (mut parts, body) = answer.into_parts();
    // It is in memory already, whole.
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = body_of(whole, Some(held), &mut parts.headers);
    Ok(Response::from_parts(parts, body))
}

/// A body that takes of the room until its last piece is gone, if it needs some.
pub(super) fn body_of(whole: Bytes, held: Option<Held>, headers: &mut HeaderMap) -> Body {
    let Some(held) = held else { return Body::from(whole) };
    headers.insert(header::CONTENT_LENGTH, whole.len().into());
    Body::from_stream(pieces(whole, held))
}

#[cfg(test)]
mod tests {
    use futures_util::stream::BoxStream;

    use super::*;

    /// A fifth of what the service has.
    fn backlog() -> Backlog {
        let Patience { untaken, untaken_in_crowd, longest_in_crowd, look_every, wait } = PATIENCE;
        Backlog::new(Patience {
            untaken: untaken / 5,
            untaken_in_crowd: untaken_in_crowd / 5,
            longest_in_crowd: longest_in_crowd / 5,
            look_every: look_every / 5,
            wait: wait / 5,
        })
    }

    async fn unread(backlog: &Backlog, client: Client, bytes: usize) -> BoxStream<'static, io::Result<Bytes>> {
        let held = backlog.answer(client, bytes).await.expect("room").expect("a long one");
        Box::pin(pieces(vec![7; bytes].into(), held))
    }

    #[tokio::test]
    async fn what_its_client_does_not_take_makes_room_for_others() {
        let backlog = backlog();
        let (one, two, three) = (Client::Token(1), Client::Token(2), Client::Token(3));
        let mut first = unread(&backlog, one, LONG_ROOM / 2).await;
        assert_eq!(first.next().await.expect("a piece").expect("bytes").len(), PIECE);
        let began = Instant::now();
        let second = unread(&backlog, two, LONG_ROOM / 2).await;
        assert!(began.elapsed() < backlog.patience.untaken_in_crowd, "another client has its own share");
        let third = unread(&backlog, three, LONG).await;
        assert!(began.elapsed() >= backlog.patience.untaken_in_crowd);
        assert!(first.next().await.expect("an end").is_err() && first.next().await.is_none());
        drop((second, third));
        let first = unread(&backlog, one, LONG_ROOM / 2).await;
        let began = Instant::now();
        let again = unread(&backlog, one, LONG_ROOM / 2).await;
        assert!(began.elapsed() >= backlog.patience.untaken, "a client that keeps itself from it waits longer");
        drop((first, again));
    }

    #[tokio::test]
    async fn what_is_taken_slowly_arrives_whole() {
        let backlog = backlog();
        let mut slow = unread(&backlog, Client::Settings, 5 * PIECE + 1).await;
        let mut bytes = 0;
        while let Some(piece) = slow.next().await {
            bytes += piece.expect("bytes").len();
            tokio::time::sleep(backlog.patience.untaken / 4).await;
        }
        assert_eq!(bytes, 5 * PIECE + 1);
    }

    #[tokio::test]
    async fn so_much_waits_and_no_more() {
        // As long as the service waits.
        let backlog = Backlog::default();
        let held = backlog.answer(Client::Token(0), LONG_ROOM / 2).await.expect("room");
        let wait = || {
            let backlog = backlog.clone();
            tokio::spawn(async move { backlog.message(Client::Token(0), WAITING / 4).await.is_ok() })
        };
        let waiting = [wait(), wait()];
        while backlog.waiting.room_now(Client::Token(0), LONG).is_some() {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        assert!(backlog.message(Client::Token(1), LONG).await.is_ok(), "there is room");
        assert!(backlog.message(Client::Token(0), LONG).await.is_err());
        assert!(began.elapsed() < PATIENCE.wait / 2);
        drop(held);
        for waited in waiting {
            assert!(waited.await.expect("an end"));
        }
    }
}
