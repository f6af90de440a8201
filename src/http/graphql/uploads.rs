//! Forms with files: a few come in at a time, and are read one by one; a client has half of that at most, so that one that is
//! slow, or pretends to be, keeps out nobody but itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};

use super::body::{self, Malformed, Parsed};
use crate::graphql::Code;
use crate::http::gate::Gate;
use crate::http::rates::Client;
use crate::http::shares::{Room, Shares};

/// Forms that come in at a time. They go to disk; that costs little, and may take a slow line minutes.
const MOST_COMING: usize = 4;
/// A file that is read is in memory whole, so there is one at a time; a client waits among the others once.
const MOST_READ: usize = 1;
/// How long one waits to come in, and one that has come to be read: it isn't sent again for want of a few seconds.
const COMING_WAIT: Duration = Duration::from_secs(10);
const READING_WAIT: Duration = Duration::from_secs(30);
/// How long nothing of a form may come.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// Room for forms.
#[derive(Clone)]
pub(in crate::http) struct Uploads {
    coming: Shares,
    reading: Shares,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { coming: Shares::new(MOST_COMING), reading: Shares::new(MOST_READ) }
    }
}

impl Uploads {
    /// A form that has come in whole, and the room to read its file.
    pub(super) async fn take(
        &self,
        client: Client,
        boundary: String,
        body: Body,
        gate: &Gate,
    ) -> Result<(Parsed, Room), Malformed> {
        // It is kept until there is room to read: what waits lies on the disk, which has room for a few.
        let _coming = waited(COMING_WAIT, self.coming.room(client, 1)).await?;
        let (body, is_silent) = steady(body, LONGEST_SILENCE);
        let parsed = match body::form(boundary, body, gate).await {
            Err(_) if is_silent.load(Ordering::Relaxed) => return Err(silent()),
            parsed => parsed?,
        };
        let reading = waited(READING_WAIT, self.reading.room(client, 1)).await?;
        Ok((parsed, reading))
    }
}

async fn waited(longest: Duration, room: impl Future<Output = Option<Room>>) -> Result<Room, Malformed> {
    tokio::time::timeout(longest, room).await.ok().flatten().ok_or_else(|| Malformed {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: Code::Overloaded,
        message: "Too many files come in at once; try again shortly".to_owned(),
    })
}

fn silent() -> Malformed {
    Malformed {
        status: StatusCode::REQUEST_TIMEOUT,
        code: Code::BadRequest,
        message: format!("Nothing of the form came for {} s", LONGEST_SILENCE.as_secs()),
    }
}

/// A body that breaks off once nothing of it has come for so long, and whether it did.
fn steady(body: Body, longest: Duration) -> (Body, Arc<AtomicBool>) {
    let is_silent = Arc::new(AtomicBool::new(false));
    let begun = (body.into_data_stream(), is_silent.clone());
    let pieces = stream::unfold(begun, move |(mut pieces, is_silent)| async move {
        match tokio::time::timeout(longest, pieces.next()).await {
            Ok(piece) => piece.map(|piece| (piece, (pieces, is_silent))),
            Err(_) => {
                is_silent.store(true, Ordering::Relaxed);
                Some((Err(axum::Error::new("the client has fallen silent")), (pieces, is_silent)))
            }
        }
    });
    (Body::from_stream(pieces), is_silent)
}

#[cfg(test)]
mod tests {
    use axum::body::{Bytes, to_bytes};

    use super::*;

    #[tokio::test]
    async fn a_body_may_be_slow_and_not_silent() {
        let piece = Duration::from_millis(40);
        let slow = stream::unfold(0, move |n| async move {
            tokio::time::sleep(piece).await;
            (n < 5).then(|| (Ok::<_, axum::Error>(Bytes::from_static(b"x")), n + 1))
        });
        let (body, is_silent) = steady(Body::from_stream(slow), piece * 50);
        assert_eq!(to_bytes(body, 100).await.expect("all of it"), "xxxxx");
        assert!(!is_silent.load(Ordering::Relaxed));
        let begun = stream::iter([Ok::<_, axum::Error>(Bytes::from_static(b"x"))]).chain(stream::pending());
        let (body, is_silent) = steady(Body::from_stream(begun), piece);
        assert!(to_bytes(body, 100).await.is_err() && is_silent.load(Ordering::Relaxed));
    }
}
