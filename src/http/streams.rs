//! HTTP/2 carries many requests over one connection: how many there are at a time is bounded in all and by client, as
//! connections are, and who takes nothing of an answer, but says that it is there, is cut off.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::{Version, header::Entry};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::failure::failure;
use super::rates::{Client, address_of};
use super::shares::Shares;

/// Requests at a time.
const MOST: usize = 1_024;
/// How long a client may take nothing of an answer. One with nothing to tell for now says so more often.
const UNTAKEN: Duration = Duration::from_mins(1);

/// What ends a request's connection.
#[derive(Clone, Default)]
pub(super) struct Over(pub CancellationToken);

/// The requests of this process.
#[derive(Clone)]
pub(super) struct Streams {
    room: Shares,
    proxies: usize,
    untaken: Duration,
}

impl Streams {
    pub(super) fn new(trusted_proxies: usize) -> Self {
        Self { room: Shares::new(MOST), proxies: trusted_proxies, untaken: UNTAKEN }
    }
}

/// Since when an answer has a piece that nobody has asked beyond; while the next one is being made, it's not the client that
/// is waited for.
struct Untaken(Mutex<Option<Instant>>);

impl Untaken {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map_or(Duration::ZERO, |since| since.elapsed())
    }
}

async fn watch(piece: Weak<Untaken>, over: CancellationToken, untaken: Duration) {
    loop {
        tokio::time::sleep(untaken / 4).await;
        let Some(piece) = piece.upgrade() else { return };
        if piece.elapsed() > untaken {
            over.cancel();
            return;
        }
    }
}

/// Counts a request of HTTP/2 until its answer is gone.
pub(super) async fn bound(State(streams): State<Streams>, request: Request, next: Next) -> Response {
    if request.version() != Version::HTTP_2 {
        return next.run(request).await;
    }
    let client = Client::Address(address_of(&request, streams.proxies));
    let over = request.extensions().get::<Over>().cloned().unwrap_or_default();
    let Some(room) = streams.room.room_now(client, 1) else {
        return failure("OVERLOADED", "Too many requests are under way; try again shortly", None);
    };
    let answer = next.run(request).await;
    let exact = HttpBody::size_hint(answer.body()).exact();
    if exact == Some(0) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    if let (Some(bytes), Entry::Vacant(entry)) = (exact, parts.headers.entry(header::CONTENT_LENGTH)) {
        entry.insert(bytes.into());
    }
    let piece = Arc::new(Untaken(Mutex::new(Some(Instant::now()))));
    tokio::spawn(watch(Arc::downgrade(&piece), over.0, streams.untaken));
    let mut frames = body.into_data_stream();
    let frames = stream::poll_fn(move |context| {
        let _ = &room;
        let polled = frames.poll_next_unpin(context);
        piece.set(polled.is_ready().then(Instant::now));
        polled
    });
    Response::from_parts(parts, Body::from_stream(frames))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: &Router, version: Version, over: &Over) -> Response {
        let mut request = Request::new(Body::empty());
        *request.version_mut() = version;
        request.extensions_mut().insert(over.clone());
        router.clone().oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_client_has_half_of_the_requests_and_must_take_their_answers() {
        let untaken = Duration::from_millis(400);
        let streams = Streams { untaken, ..Streams::new(0) };
        let bound = axum::middleware::from_fn_with_state(streams, bound);
        let router = Router::new().route("/", get(|| async { "an answer" })).layer(bound);
        let over = Over::default();
        let mut answers = Vec::new();
        for _ in 0..MOST / 2 {
            answers.push(ask(&router, Version::HTTP_2, &over).await);
        }
        assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
        assert_eq!(answers[0].headers()[header::CONTENT_LENGTH], "9");
        assert_eq!(ask(&router, Version::HTTP_2, &over).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask(&router, Version::HTTP_11, &over).await.status(), StatusCode::OK);
        let taken = answers.pop().expect("an answer");
        let taken = axum::body::to_bytes(taken.into_body(), 100).await.expect("bytes");
        assert_eq!(&taken[..], b"an answer");
        assert_eq!(ask(&router, Version::HTTP_2, &over).await.status(), StatusCode::OK);
        assert!(!over.0.is_cancelled());
        tokio::time::sleep(untaken * 2).await;
        assert!(over.0.is_cancelled());
    }
}
