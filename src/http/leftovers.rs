//! What is left of a body that nobody reads: a refusal is no use to a client that is still sending when the connection
//! breaks, so the rest is passed over while the refusal is on its way. And bodies in crumbs, of which each costs as much as a
//! kilobyte: they are broken off.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt};

/// How much is passed over, and how long it may take to come.
const MOST: usize = 80 << 20;
const LONGEST: Duration = Duration::from_secs(10);

/// Pieces that a body may come in whatever their size, and bytes of a piece on average beyond.
const MOST_PIECES: usize = 4_096;
const LEAST_BYTES: usize = 16;

/// Where a body goes that is dropped before its end.
type Left = Arc<Mutex<Option<Coming>>>;

/// A body as it comes.
struct Coming {
    frames: BodyDataStream,
    pieces: usize,
    bytes: usize,
}

impl Stream for Coming {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = std::task::ready!(self.frames.poll_next_unpin(context));
        if let Some(Ok(bytes)) = &frame {
            self.pieces += 1;
            self.bytes += bytes.len();
            if self.pieces > MOST_PIECES + self.bytes / LEAST_BYTES {
                let crumbs = "the body comes in pieces of a few bytes; send longer ones";
                return Poll::Ready(Some(Err(axum::Error::new(crumbs))));
            }
        }
        Poll::Ready(frame)
    }
}

/// A body that is kept when its reader is done with it.
struct Kept {
    frames: Option<Coming>,
    /// Whether the client sends without being asked to, or has been asked.
    comes: bool,
    left: Left,
}

impl Stream for Kept {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.comes = true;
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        let frame = std::task::ready!(frames.poll_next_unpin(context));
        if !matches!(frame, Some(Ok(_))) {
            self.frames = None;
        }
        Poll::Ready(frame)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.comes {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.frames.take();
        }
    }
}

/// Reads on behind an answer that came before the end of its request.
pub(super) async fn pass_over(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let left = Left::default();
    let comes = !request.headers().contains_key(header::EXPECT);
    let request = request.map(|body| {
        let frames = Coming { frames: body.into_data_stream(), pieces: 0, bytes: 0 };
        Body::from_stream(Kept { frames: Some(frames), comes, left: left.clone() })
    });
    let response = next.run(request).await;
    let rest = left.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Whoever has been too slow already is not waited for again.
    if let Some(mut frames) = rest
        && response.status() != StatusCode::REQUEST_TIMEOUT
    {
        let passing = async move {
            let mut bytes = 0;
            while let Some(Ok(chunk)) = frames.next().await {
                bytes += chunk.len();
                if bytes > MOST {
                    break;
                }
            }
        };
        // The connection stays open for as long as somebody reads from it.
        tokio::spawn(tokio::time::timeout(LONGEST, passing));
    }
    response
}
