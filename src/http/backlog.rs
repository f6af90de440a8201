//! Long answers stay in memory until their clients have taken them, and a client may take its time: there is room for so
//! many bytes of them, whoever they are for.

use std::convert::Infallible;

use async_graphql::ServerError;
use axum::body::{Body, HttpBody};
use axum::http::header;
use axum::response::Response;
use futures_util::{StreamExt, stream};

use super::gate::Gate;

/// What goes out at a time.
const PIECE: usize = 64 << 10;

/// The answer, with the room that it takes until its last piece is gone.
///
/// # Errors
/// When no room comes free.
pub(super) async fn within(gate: &Gate, answer: Response) -> Result<Response, ServerError> {
    let bytes = HttpBody::size_hint(answer.body()).exact().and_then(|bytes| usize::try_from(bytes).ok());
    let Some(room) = gate.backlog(bytes.unwrap_or(0)).await? else { return Ok(answer) };
    let (mut parts, body) = answer.into_parts();
    // It is in memory already, whole.
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let pieces = stream::unfold((whole, room), |(mut rest, room)| async move {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then(|| (Ok::<_, Infallible>(piece), (rest, room)))
    });
    // What compresses the answer asks once more after the end.
    Ok(Response::from_parts(parts, Body::from_stream(pieces.fuse())))
}
