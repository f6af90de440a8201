//! Gives known answers again, before the layers that an answer goes through when it is made; what differs from request to
//! request is told anew. Whatever is out of the ordinary goes the long way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::request::Parts as Head;
use axum::http::{HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};

use super::known::{self, Answer, Look};
use super::observe::{self, Began};
use super::rates::{Client, address_of};
use super::service::Service;
use super::{auth, backlog, graphql};
use crate::actions::Caller;
use crate::store::Role;
use crate::telemetry::metrics;

/// Where queries are sent, and bytes of the longest one that may be known.
const ROUTE: &str = "/graphql";
const LONGEST_QUERY: usize = 16 << 10;
/// How long such a query may take to come, and in how many pieces.
const AT_ONCE: Duration = Duration::from_millis(100);
const MOST_PIECES: usize = 16;

/// What a request has that isn't as plain as a query, or whose body is not to be asked for yet.
static SPECIAL: [HeaderName; 4] =
    [header::UPGRADE, header::EXPECT, header::CONTENT_ENCODING, header::TRANSFER_ENCODING];

/// Answers what is known, and has what may be asked again kept.
pub(super) async fn recall(State(service): State<Service>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (Some(known), Some(length)) = (&service.known, length_of_query(&request)) else {
        return next.run(request).await;
    };
    // Then each answer tells its client to go elsewhere.
    if service.app.shutdown.is_cancelled() {
        return next.run(request).await;
    }
    let settings = &service.app.settings;
    let address = address_of(&request, settings.http.trusted_proxies);
    let (mut head, body) = request.into_parts();
    head.extensions.insert(Began(began));
    let body = match at_once(body, length).await {
        Ok(body) => body,
        Err(body) => return next.run(Request::from_parts(head, body)).await,
    };
    let long_way = |head: Head, body: Bytes| next.run(Request::from_parts(head, Body::from(body)));
    let caller = match auth::caller(&service, &head.headers, address).await {
        Ok(caller) => caller,
        Err(error) => {
            head.extensions.insert(Arc::new(error));
            return long_way(head, body).await;
        }
    };
    head.extensions.insert(caller.clone());
    if settings.require_token_to_read && caller.role < Role::Reader {
        return long_way(head, body).await;
    }
    let key = known::key(&caller, &head, &body);
    match known.look(&key).await {
        Look::Answer(answer) => match again(&service, &caller, &answer, &head, began) {
            Some(answer) => answer,
            None => long_way(head, body).await,
        },
        Look::Wanted(moment) => known.keep(key, moment, long_way(head, body).await),
        Look::Nothing => long_way(head, body).await,
    }
}

/// Bytes of a body that may hold a query whose answer is known.
fn length_of_query(request: &Request) -> Option<usize> {
    let headers = request.headers();
    if request.uri().path() != ROUTE || SPECIAL.iter().any(|name| headers.contains_key(name)) {
        return None;
    }
    match (request.method(), graphql::length(headers)) {
        (&Method::GET, None) if request.body().is_end_stream() => request.uri().query().map(|_| 0),
        (&Method::POST, Some(length)) => (1..=LONGEST_QUERY).contains(&length).then_some(length),
        _ => None,
    }
}

/// A body of this length if it comes at once, else all that there is to come of it.
async fn at_once(body: Body, length: usize) -> Result<Bytes, Body> {
    if length == 0 {
        return Ok(Bytes::new());
    }
    let (mut pieces, mut came) = (body.into_data_stream(), Vec::new());
    let coming = async {
        while let Some(piece) = pieces.next().await {
            came.push(piece);
            if came.len() > MOST_PIECES {
                return false;
            }
        }
        true
    };
    let has_ended = tokio::time::timeout(AT_ONCE, coming).await.unwrap_or(false);
    let bytes: usize = came.iter().flatten().map(Bytes::len).sum();
    if !has_ended || bytes != length || came.iter().any(Result::is_err) {
        return Err(Body::from_stream(stream::iter(came).chain(pieces)));
    }
    if came.len() == 1
        && let Some(Ok(whole)) = came.pop()
    {
        return Ok(whole);
    }
    Ok(came.into_iter().flatten().flatten().collect())
}

/// An answer that was made before; it costs its client what it cost then. None if the client has spent what it may, or would
/// have to wait for room.
fn again(service: &Service, caller: &Caller, known: &Answer, head: &Head, began: Instant) -> Option<Response> {
    let client = Client::of(caller);
    let held = service.gate.backlog.answer_now(client, known.body.len()).ok()?;
    let mut headers = known.headers.clone();
    if !service.gate.rates.charge_for(client, known.cost, &mut headers) {
        return None;
    }
    let id = observe::request_id(&head.headers);
    if let Some(id) = &id {
        headers.insert(observe::REQUEST_ID, id.clone());
    }
    let mut answer = Response::new(backlog::body_of(known.body.clone(), held, &mut headers));
    *answer.status_mut() = known.status;
    *answer.headers_mut() = headers;
    metrics::operation(&known.operation, "ok");
    observe::known(head, ROUTE, caller, id.as_ref(), known.status, began.elapsed());
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: Vec<Result<&'static str, &'static str>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    async fn text(body: Body) -> Option<Vec<u8>> {
        Some(axum::body::to_bytes(body, 1 << 10).await.ok()?.to_vec())
    }

    #[tokio::test]
    async fn a_body_comes_at_once_or_all_of_it_goes_on() {
        for pieces in [vec![Ok("abcdef")], vec![Ok("ab"), Ok(""), Ok("cd"), Ok("ef")]] {
            assert_eq!(at_once(body(pieces), 6).await.expect("at once"), "abcdef");
        }
        for (pieces, length) in [(vec![Ok("abc")], 6), (vec![Ok("abc"), Ok("def")], 4)] {
            let whole: String = pieces.iter().flatten().copied().collect();
            let rest = at_once(body(pieces), length).await.expect_err("another length");
            assert_eq!(text(rest).await, Some(whole.into_bytes()));
        }
        let rest = at_once(body(vec![Ok("abc"), Err("broken")]), 6).await.expect_err("broken");
        assert_eq!(text(rest).await, None);
        let crumbs = vec![Ok("a"); MOST_PIECES + 3];
        let rest = at_once(body(crumbs), MOST_PIECES + 3).await.expect_err("crumbs");
        assert_eq!(text(rest).await, Some(vec![b'a'; MOST_PIECES + 3]));
    }

    #[tokio::test]
    async fn what_comes_slowly_goes_on_whole() {
        let slow = stream::iter(["abc", "def"]).then(|piece| async move {
            tokio::time::sleep(AT_ONCE * 2 / 3).await;
            Ok::<_, std::io::Error>(piece)
        });
        let rest = at_once(Body::from_stream(slow), 6).await.expect_err("slow");
        assert_eq!(text(rest).await, Some(b"abcdef".to_vec()));
    }
}
