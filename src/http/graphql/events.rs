//! Server-sent events, as the distinct-connections mode of graphql-sse has them.

use std::convert::Infallible;
use std::time::Duration;

use async_graphql::Response as GraphQLResponse;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use crate::actions::Caller;
use crate::http::Service;
use crate::http::answer;
use crate::http::execute::Admitted;
use crate::http::refusal::ended;

/// How often something is sent where there is nothing to tell, so that no proxy takes the stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// Each result as an event `next`, then `complete`.
pub(super) fn follow(service: &Service, caller: &Caller, admitted: Admitted) -> Response {
    let watched = service.gate.live.watch(caller.credential);
    let over = watched.ended.clone();
    let last = over.clone();
    let stop = service.app.shutdown.clone();
    let results = service.follow(admitted).take_until(stop.cancelled_owned()).take_until(over.cancelled_owned());
    let farewell = stream::once(async move {
        let _watched = watched;
        last.is_cancelled().then(|| next(&ended()))
    });
    respond(results.map(|result| next(&result)).chain(farewell.filter_map(|event| async { event })))
}

/// The one result of a query or mutation, for those who take nothing but events.
pub(super) fn once(service: &Service, admitted: Admitted) -> Response {
    let service = service.clone();
    respond(stream::unfold((Some(admitted), None), move |(admitted, _room)| {
        let service = service.clone();
        async move {
            let finished = service.execute(admitted?).await;
            let json = written(&finished.response);
            Some(match service.gate.backlog(json.len()).await {
                // Kept until the next is asked for, when the client has taken this one.
                Ok(room) => (event(json), (None, room)),
                Err(error) => (next(&GraphQLResponse::from_errors(vec![error])), (None, None)),
            })
        }
    }))
}

fn next(response: &GraphQLResponse) -> Event {
    event(written(response))
}

fn written(response: &GraphQLResponse) -> String {
    String::from_utf8(answer::json(response)).unwrap_or_default()
}

fn event(json: String) -> Event {
    // JSON has no line breaks of its own, so one `data` line holds it.
    Event::default().event("next").data(json)
}

fn respond(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let complete = stream::once(async { Event::default().event("complete").data("") });
    let events = events.chain(complete).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // nginx holds answers back to send them in larger pieces unless it is told not to.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
