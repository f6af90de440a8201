//! A WebSocket: one task reads and writes, and each operation runs in a task of its own, so that a slow one holds up
//! nobody and a panic ends nothing but itself.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Request as GraphQLRequest;
use async_graphql::Response as GraphQLResponse;
use async_graphql::parser::types::OperationType;
use async_graphql::{ServerError, Variables};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::body::LARGEST_MESSAGE;
use super::wire::{Close, Dialect, Payload, Said, token_of};
use crate::actions::Caller;
use crate::graphql::{Code, START};
use crate::http::backlog::Held;
use crate::http::execute::Admitted;
use crate::http::gate::Gate;
use crate::http::live::{Watched, is_good};
use crate::http::rates::Client;
use crate::http::refusal::is_refused;
use crate::http::shares::Room;
use crate::http::{Service, auth};
use crate::store::Role;
use crate::telemetry::metrics;

/// How long a client may take to begin.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the server asks whether the client is still there, and how long it waits for a sign.
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_mins(1);
/// How long a client may take to take a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the two sides may take to part.
const FAREWELL: Duration = Duration::from_secs(2);
/// A message is too large (RFC 6455, 7.4.1).
const TOO_LARGE: u16 = 1009;
/// How long a client has to see why a socket ends that it still sends a frame to.
const UNREAD: Duration = Duration::from_millis(500);
/// Operations at a time on one socket.
const MOST_OPERATIONS: usize = 100;
/// Messages that a client may send at once, and in a second after that.
const MESSAGE_BURST: f64 = 200.0;
const MESSAGES_PER_SECOND: f64 = 50.0;
/// Answers that wait for the client to take them.
const QUEUE: usize = 16;
/// Bytes by which a socket's room for writing grows.
const WRITING_STEP: usize = 64 << 10;

/// What an operation's task sends to the socket's.
enum Sent {
    /// With the room that a long one takes until the client has it.
    Message(String, Option<Held>),
    /// The operation is over; its last message.
    Over(String),
}

/// Of which operation something is sent: the client's id, and which one of that id it is. What one that was ended had still
/// to say is no other's.
struct Origin {
    id: String,
    number: u64,
}

/// Room for writing. A socket keeps what its longest message took.
#[derive(Default)]
struct Writing {
    longest: usize,
    rooms: Vec<Room>,
}

impl Writing {
    fn grow(&mut self, gate: &Gate, client: Client, bytes: usize) -> Result<(), ServerError> {
        let bytes = bytes.next_multiple_of(WRITING_STEP);
        if let Some(room) = gate.writing(client, self.longest, bytes)? {
            self.longest = bytes;
            self.rooms.push(room);
        }
        Ok(())
    }
}

pub(super) struct Socket {
    service: Service,
    /// Until the client has begun, whoever the request's header or cookie says.
    caller: Caller,
    dialect: Dialect,
    watched: Option<Watched>,
    running: HashMap<String, (u64, JoinHandle<()>)>,
    started: u64,
    messages: f64,
    counted_at: Instant,
    writing: Arc<Mutex<Writing>>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        for (_, task) in self.running.values() {
            task.abort();
        }
    }
}

impl Socket {
    pub(super) fn new(service: Service, caller: Caller, dialect: Dialect) -> Self {
        Self {
            service,
            caller,
            dialect,
            watched: None,
            running: HashMap::new(),
            started: 0,
            messages: MESSAGE_BURST,
            counted_at: Instant::now(),
            writing: Arc::default(),
        }
    }

    /// Serves it until either side ends it.
    pub(super) async fn serve(mut self, mut stream: WebSocket) {
        let close = self.talk(&mut stream).await;
        // What still runs ends here.
        drop(self);
        let mut is_unreadable = close.as_ref().is_some_and(|close| close.code == TOO_LARGE);
        if let Some(Close { code, reason }) = close {
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let _ = tokio::time::timeout(SEND_TIMEOUT, stream.send(frame)).await;
        }
        // What the client still sends is passed over until it has seen the close. Its own close is answered by reading on.
        let rest = async {
            while !is_unreadable {
                let Some(read) = stream.recv().await else { return };
                is_unreadable = read.is_err();
            }
            // A frame that is too long can't be read over; what of it lies unread would take the close with it.
            tokio::time::sleep(UNREAD).await;
        };
        let _ = tokio::time::timeout(FAREWELL, rest).await;
    }

    /// Talks until either side ends it; answers with the close to send.
    async fn talk(&mut self, stream: &mut WebSocket) -> Option<Close> {
        let (sender, mut outbox) = mpsc::channel::<(Origin, Sent)>(QUEUE);
        let stop = self.service.app.shutdown.clone();
        let mut stopped = pin!(stop.cancelled());
        let begin_by = tokio::time::sleep(INIT_TIMEOUT);
        let mut begin_by = pin!(begin_by);
        let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard_at = Instant::now();
        loop {
            let ended = self.watched.as_ref().map(|watched| watched.ended.clone());
            let over = async {
                match ended {
                    Some(token) => token.cancelled_owned().await,
                    None => std::future::pending().await,
                }
            };
            let (out, _room) = tokio::select! {
                biased;
                () = &mut stopped => return Some(Close::new(1001, "The service is stopping")),
                () = over => return Some(Close::new(4403, "Forbidden: the token has ended")),
                () = &mut begin_by, if self.watched.is_none() => {
                    return Some(Close::new(4408, "Connection initialisation timeout"));
                }
                Some((Origin { id, number }, sent)) = outbox.recv() => {
                    if self.running.get(&id).is_none_or(|(running, _)| *running != number) {
                        continue;
                    }
                    match sent {
                        Sent::Message(text, room) => (Some(text), room),
                        Sent::Over(last) => {
                            self.running.remove(&id);
                            (Some(last), None)
                        }
                    }
                }
                received = stream.recv() => {
                    heard_at = Instant::now();
                    match received {
                        None | Some(Ok(Message::Close(_))) => return None,
                        Some(Err(error)) => return too_large(&error),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(message)) => match self.hear(&message, &sender).await {
                            Ok(reply) => (reply, None),
                            Err(close) => return close,
                        },
                    }
                }
                _ = ping.tick() => {
                    if heard_at.elapsed() > SILENCE {
                        return Some(Close::new(4408, "The client is silent"));
                    }
                    if !delivered(stream, Message::Ping(axum::body::Bytes::new())).await {
                        return None;
                    }
                    continue;
                }
            };
            if let Some(text) = out
                && !delivered(stream, Message::Text(text.into())).await
            {
                return None;
            }
        }
    }

    /// Acts on a message; answers with what to reply at once.
    async fn hear(
        &mut self,
        message: &Message,
        sender: &mpsc::Sender<(Origin, Sent)>,
    ) -> Result<Option<String>, Option<Close>> {
        self.count()?;
        let text = message.to_text().map_err(|_| Some(Close::new(4400, "A message is text in UTF-8")))?;
        let reading = self.service.gate.reading_permit(text.len()).await;
        let reading =
            reading.ok_or_else(|| Some(Close::new(1013, "Too many long messages come in; try again shortly")))?;
        match Said::read(text, self.dialect).map_err(Some)? {
            Said::Init(payload) => {
                if self.watched.is_some() {
                    return Err(Some(Close::new(4429, "Too many initialisation requests")));
                }
                self.begin(payload.as_ref()).await.map_err(Some)?;
                Ok(Some(Dialect::acknowledged()))
            }
            Said::Ping(payload) => Ok(Some(Dialect::pong(payload.as_deref()))),
            Said::Pong => Ok(None),
            Said::Terminate => Err(Some(Close::new(1000, ""))),
            Said::Complete(id) => {
                let Some((_, task)) = self.running.remove(&id) else { return Ok(None) };
                task.abort();
                // The elder protocol's clients wait to be told of the end that they asked for.
                Ok((self.dialect == Dialect::Legacy).then(|| Dialect::complete(&id)))
            }
            Said::Subscribe { id, payload } => self.start(id, *payload, reading, sender).await.map_err(Some),
        }
    }

    /// A client that floods the socket is cut off.
    fn count(&mut self) -> Result<(), Option<Close>> {
        let elapsed = self.counted_at.elapsed().as_secs_f64();
        self.counted_at = Instant::now();
        self.messages = (self.messages + elapsed * MESSAGES_PER_SECOND).min(MESSAGE_BURST) - 1.0;
        if self.messages < 0.0 { Err(Some(Close::new(4429, "Too many messages"))) } else { Ok(()) }
    }

    /// A browser can't set headers on a WebSocket, so the token may come with the first message.
    async fn begin(&mut self, payload: Option<&Value>) -> Result<(), Close> {
        let forbidden = |why: &str| Close::new(4403, format!("Forbidden: {why}"));
        match token_of(payload).map_err(forbidden)? {
            Some(_) if self.service.gate.rates.is_blocked(self.caller.address) => {
                metrics::rate_limited(metrics::Rate::Guesses);
                return Err(forbidden("too many wrong tokens came from this address; try again in a minute"));
            }
            Some(token) => match auth::caller_of(&self.service.app, token).await {
                Ok(Some(caller)) => {
                    self.caller = Caller { address: self.caller.address, ..caller };
                }
                Ok(None) => {
                    self.service.gate.rates.guessed(self.caller.address);
                    return Err(forbidden("the token is unknown, revoked or expired"));
                }
                Err(error) => {
                    tracing::error!(%error, "a token could not be looked up");
                    return Err(Close::new(1011, "The database does not answer"));
                }
            },
            None if self.service.app.settings.require_token_to_read && self.caller.role < Role::Reader => {
                return Err(forbidden("reading needs a token here: send it as {\"Authorization\": \"Bearer …\"}"));
            }
            None => {}
        }
        self.watched = Some(self.service.gate.live.watch(self.caller.credential));
        Ok(())
    }

    /// Starts an operation; answers with an error message if it isn't run.
    async fn start(
        &mut self,
        id: String,
        payload: Payload,
        reading: Option<OwnedSemaphorePermit>,
        sender: &mpsc::Sender<(Origin, Sent)>,
    ) -> Result<Option<String>, Close> {
        if self.watched.is_none() {
            return Err(Close::new(4401, "Unauthorized"));
        }
        if self.running.contains_key(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        match is_good(&self.service.app, self.caller.credential).await {
            Ok(true) => {}
            Ok(false) => return Err(Close::new(4403, "Forbidden: the token has ended")),
            Err(error) => {
                let response =
                    GraphQLResponse::from_errors(vec![crate::graphql::internal(&error).into_server_error(START)]);
                return Ok(Some(self.dialect.error(&id, &response.errors)));
            }
        }
        if self.running.len() >= MOST_OPERATIONS {
            let message = format!("A socket takes {MOST_OPERATIONS} operations at a time; complete some first");
            return Ok(Some(self.dialect.error(&id, &[Code::LimitExceeded.refusal(message)])));
        }
        // One that sends operation after operation keeps no others waiting.
        tokio::task::yield_now().await;
        let mut request = GraphQLRequest::new(payload.query.unwrap_or_default());
        request.operation_name = payload.operation_name;
        request.variables = Variables::from_json(payload.variables.unwrap_or_default().into());
        if let Some(extensions) = payload.extensions
            && let Ok(async_graphql::Value::Object(extensions)) = async_graphql::Value::from_json(extensions.into())
        {
            request.extensions = super::body::extensions(extensions);
        }
        let documents = &self.service.gate.documents;
        let admitted = match documents.resolve(&mut request, payload.document_id.as_deref()) {
            Ok(_) => self.service.admit(&self.caller, request, reading).await,
            Err(error) => Err(vec![error]),
        };
        let (admitted, kind) = match admitted {
            Ok(admitted) => admitted,
            Err(errors) => return Ok(Some(self.dialect.error(&id, &errors))),
        };
        self.started += 1;
        let number = self.started;
        let way = Way {
            client: Client::of(&self.caller),
            dialect: self.dialect,
            id: id.clone(),
            number,
            sender: sender.clone(),
            writing: self.writing.clone(),
        };
        let service = self.service.clone();
        // What follows waits for hours, and would have room for all that runs to its end as well.
        let task = match kind {
            OperationType::Subscription => tokio::spawn(follow(service, admitted, way)),
            _ => tokio::spawn(run(service, admitted, way)),
        };
        self.running.insert(id, (number, task));
        Ok(None)
    }
}

/// Where an operation's messages go.
struct Way {
    client: Client,
    dialect: Dialect,
    id: String,
    number: u64,
    sender: mpsc::Sender<(Origin, Sent)>,
    writing: Arc<Mutex<Writing>>,
}

impl Way {
    /// Sends a result once there is room for it; false if the socket is gone.
    async fn send(&self, gate: &Gate, next: String) -> Result<bool, ServerError> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).grow(gate, self.client, next.len())?;
        let held = gate.backlog.message(self.client, next.len()).await?;
        Ok(self.sender.send((self.origin(), Sent::Message(next, held))).await.is_ok())
    }

    /// Tells that the operation is over.
    async fn end(&self, last: String) {
        let _ = self.sender.send((self.origin(), Sent::Over(last))).await;
    }

    fn origin(&self) -> Origin {
        Origin { id: self.id.clone(), number: self.number }
    }
}

/// Sends what a subscription tells until it ends.
async fn follow(service: Service, admitted: Admitted, way: Way) {
    let (dialect, id) = (way.dialect, way.id.as_str());
    let mut events = pin!(service.follow(admitted));
    let last = loop {
        let Some(answer) = events.next().await else { break Dialect::complete(id) };
        if is_refused(&answer.response) {
            break dialect.error(id, &answer.response.errors);
        }
        let next = dialect.next(id, &answer.response);
        drop(answer);
        match way.send(&service.gate, next).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => break dialect.error(id, &[error]),
        }
    };
    way.end(last).await;
}

/// Runs a query or a mutation to its end.
async fn run(service: Service, admitted: Admitted, way: Way) {
    let (dialect, id) = (way.dialect, way.id.as_str());
    let finished = service.execute(admitted).await;
    let last = if is_refused(&finished.response) {
        dialect.error(id, &finished.response.errors)
    } else {
        let next = dialect.next(id, &finished.response);
        drop(finished);
        match way.send(&service.gate, next).await {
            Ok(true) => Dialect::complete(id),
            Ok(false) => return,
            Err(error) => dialect.error(id, &[error]),
        }
    };
    way.end(last).await;
}

async fn delivered(stream: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, stream.send(message)).await, Ok(Ok(())))
}

fn too_large(error: &axum::Error) -> Option<Close> {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let is_size = text.contains("too long") || text.contains("too big") || text.contains("Space limit");
    is_size.then(|| Close::new(TOO_LARGE, format!("A message has at most {} KiB", LARGEST_MESSAGE >> 10)))
}
