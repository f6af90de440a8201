//! Server-sent events, as the distinct-connections mode of graphql-sse has them.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Response as GraphQLResponse;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::actions::Caller;
use crate::http::Service;
use crate::http::answer;
use crate::http::backlog::{Backlog, Held, pieces};
use crate::http::execute::Admitted;
use crate::http::rates::Client;
use crate::http::refusal::{crowded, ended, is_refused};

/// How often something is sent where there is nothing to tell, so that no proxy takes the stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// The room that the event which comes next takes.
type Coming = Arc<Mutex<Option<Held>>>;

/// Each result as an event `next`, then `complete`.
pub(super) fn follow(service: &Service, caller: &Caller, admitted: Admitted) -> Response {
    let Some(slot) = service.sockets.room_now(Client::of(caller), 1) else {
        return answer::respond(&GraphQLResponse::from_errors(vec![crowded()]), answer::Form::GraphQL);
    };
    let watched = service.gate.live.watch(caller.credential);
    let over = watched.ended.clone();
    let last = over.clone();
    let stop = service.app.shutdown.clone();
    let results = service.follow(admitted).take_until(stop.cancelled_owned()).take_until(over.cancelled_owned());
    let coming = Coming::default();
    let (backlog, client, room) = (service.gate.backlog.clone(), Client::of(caller), coming.clone());
    let events = async_stream::stream! {
        let mut results = pin!(results);
        while let Some(answer) = results.next().await {
            let json = written(&answer.response);
            let is_last = is_refused(&answer.response);
            drop(answer);
            match sized(&backlog, client, json, &room).await {
                Ok(event) if is_last => {
                    yield event;
                    return;
                }
                Ok(event) => yield event,
                Err(event) => {
                    yield event;
                    return;
                }
            }
        }
    };
    let farewell = stream::once(async move {
        let (_watched, _slot) = (watched, slot);
        last.is_cancelled().then(|| next(&ended()))
    });
    respond(events.chain(farewell.filter_map(|event| async { event })), coming)
}

/// The one result of a query or mutation, for those who take nothing but events.
pub(super) fn once(service: &Service, caller: &Caller, admitted: Admitted) -> Response {
    let coming = Coming::default();
    let (service, client, room) = (service.clone(), Client::of(caller), coming.clone());
    let event = async move {
        let json = written(&service.execute(admitted).await.response);
        sized(&service.gate.backlog, client, json, &room).await.unwrap_or_else(|event| event)
    };
    respond(stream::once(event), coming)
}

/// The event, with room for it; or one that says that there is none.
async fn sized(backlog: &Backlog, client: Client, json: String, coming: &Coming) -> Result<Event, Event> {
    let held =
        backlog.message(client, json.len()).await.map_err(|error| next(&GraphQLResponse::from_errors(vec![error])))?;
    *coming.lock().unwrap_or_else(PoisonError::into_inner) = held;
    Ok(event(json))
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

fn respond(events: impl Stream<Item = Event> + Send + 'static, coming: Coming) -> Response {
    let complete = stream::once(async { Event::default().event("complete").data("") });
    let events = events.chain(complete).map(Ok::<_, Infallible>);
    let response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // An event is written as soon as it is there, so what comes next after its room was taken is the event.
    let mut response = response.map(|body| {
        Body::from_stream(body.into_data_stream().flat_map(move |chunk| {
            let held = coming.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (chunk, held) {
                (Ok(event), Some(held)) => pieces(event, held).map_err(axum::Error::new).left_stream(),
                (chunk, _) => stream::once(async move { chunk }).right_stream(),
            }
        }))
    });
    // nginx holds answers back to send them in larger pieces unless it is told not to.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
