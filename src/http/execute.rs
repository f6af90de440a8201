//! Running an operation: the same bounds whichever way it came.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use async_graphql::{Request as GraphQLRequest, Response as GraphQLResponse, ServerError, Value};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span};

use super::answer;
use super::audit::{self, Asked};
use super::rates::{Client, seconds};
use super::refusal::{crowded, failed, overloaded};
use super::shares::Room;
use super::{Service, operations};
use crate::actions::Caller;
use crate::graphql::limits::{self, Budget};
use crate::graphql::record::{AtOnce, merges};
use crate::graphql::{Code, START, complete_paths, loaders, standard_words};
use crate::store::{Answering, Role};
use crate::telemetry::metrics::{self, Operation, Phase};
use crate::telemetry::traces;

/// How long one operation may take.
pub(super) const LONGEST_OPERATION: Duration = Duration::from_secs(30);
/// How long one may wait for a permit.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Bytes from which on an operation waits for the lane of large ones.
const LONG_TEXT: usize = 8 << 10;
/// Bytes of a refused text that cost a unit.
const BYTES_PER_UNIT: u64 = 64;
/// Errors in one answer.
const MOST_ERRORS: usize = 20;
/// Characters of an error's sentence; a wrong value may stand in it.
const LONGEST_MESSAGE: usize = 600;

/// An operation that may run.
pub(super) struct Admitted {
    request: GraphQLRequest,
    budget: Budget,
    pub cost: u64,
    pub operation: Operation,
    caller: Caller,
    /// What the audit trail tells of.
    asked: Vec<Asked>,
    /// What errors tell places in.
    text: Text,
    /// Around all that the operation does.
    span: Span,
    /// What its document takes.
    room: Option<Room>,
    /// What its variables take.
    values: Option<Room>,
    /// Whether it is answered without a wait in between.
    introspects: bool,
    /// Whether bulk work gives way to it. What writes may be waiting for the bulk's own transaction.
    reads: bool,
}

/// An operation's text, which of its operations is meant, and whether it needs no validation.
struct Text {
    query: String,
    operation_name: Option<String>,
    sound: limits::Sound,
}

/// What an operation came to. The budget keeps its permit until the answer is written, and bulk work gives way.
pub(super) struct Finished {
    pub response: GraphQLResponse,
    _budget: Budget,
    _answering: Option<Answering>,
}

/// What a subscription answers an event with. Its permit among large operations ends with it.
pub(super) struct EventAnswer {
    pub response: GraphQLResponse,
    budget: Budget,
}

impl Drop for EventAnswer {
    fn drop(&mut self) {
        self.budget.renew();
    }
}

impl Service {
    /// Checks a request against every bound that can be checked before it runs, and charges its client.
    ///
    /// # Errors
    /// With a code.
    pub(super) async fn admit(
        &self,
        caller: &Caller,
        mut request: GraphQLRequest,
        reading: Option<OwnedSemaphorePermit>,
    ) -> Result<(Admitted, OperationType), Vec<ServerError>> {
        let client = Client::of(caller);
        let values = limits::variables::count(request.variables.values());
        let values = self.gate.value_room(client, values).map_err(|error| vec![error])?;
        let permit = self.gate.text_permit(client, &request.query, reading);
        let Ok(permit) = tokio::time::timeout(LONGEST_WAIT, permit).await else {
            return Err(vec![overloaded()]);
        };
        // Nothing else looks at a text that is out of bounds: parsing it may be what it was made for.
        let looked = self.look(caller, &mut request);
        let limits::Admitted { cost, scans, introspects, kind, sound } =
            looked.inspect_err(|errors| metrics::operation(&operations::unknown(), outcome(errors)))?;
        let (operation, name) = self.gate.names.of(kind, &mut request);
        metrics::operation_cost(operation.kind, cost);
        let keeps = kind == OperationType::Mutation && caller.role >= Role::Operator;
        traces::decide(keeps);
        let span = operations::span(operation.kind, &name, cost);
        // Those of a WebSocket are within no request.
        if keeps {
            traces::keep(&span);
        }
        let budget = Budget::new(self.gate.lane.clone());
        let asked = audit::asked(caller, Some(kind), &mut request);
        let caller = caller.clone();
        let at_once = AtOnce(request.parsed_query().is_ok_and(|document| !merges(document)));
        let request = request.data(caller.clone()).data(budget.clone()).data(at_once);
        // A request's data go before the schema's own of the same type.
        let request = if scans || cost > limits::budget::LARGE_COST {
            request.data(loaders(&self.scans)).data(self.scans.clone())
        } else {
            request.data(loaders(&self.app))
        };
        let text = Text { query: request.query.clone(), operation_name: request.operation_name.clone(), sound };
        let room = match kind {
            OperationType::Subscription => Some(self.gate.follow(client, &text.query).ok_or_else(|| vec![crowded()])?),
            _ => permit.room,
        };
        let reads = kind == OperationType::Query;
        let admitted =
            Admitted { request, budget, cost, operation, caller, asked, text, span, room, values, introspects, reads };
        Ok((admitted, kind))
    }

    /// What a request comes to, once it is within bounds and its client has paid for it.
    /// A text that is refused was read, so it's paid for by its length.
    fn look(&self, caller: &Caller, request: &mut GraphQLRequest) -> Result<limits::Admitted, Vec<ServerError>> {
        let admitted = limits::admit(request, self.gate.introspection);
        let cost = admitted.as_ref().map_or(request.query.len() as u64 / BYTES_PER_UNIT, |admitted| admitted.cost);
        self.charge(caller, cost).map_err(|error| vec![error])?;
        admitted
    }

    /// Has a client pay.
    ///
    /// # Errors
    /// When it has spent what it may for now.
    pub(super) fn charge(&self, caller: &Caller, cost: u64) -> Result<(), ServerError> {
        self.gate.rates.charge(Client::of(caller), cost).map_err(|wait| {
            metrics::rate_limited(metrics::Rate::Cost);
            let seconds = seconds(wait);
            let mut error =
                Code::RateLimited.refusal(format!("You ask for too much at once; try again in {seconds} s"));
            error.extensions.get_or_insert_default().set("retryAfter", seconds);
            error
        })
    }

    /// Runs a query or a mutation to its end, or to the end of the time that one may take. What the audit trail tells of goes
    /// on though its client hangs up meanwhile: the trail would lack what was done until then.
    pub(super) async fn execute(&self, admitted: Admitted) -> Finished {
        if admitted.asked.is_empty() {
            return self.run(admitted).await;
        }
        let (service, budget) = (self.clone(), admitted.budget.clone());
        let running = tokio::spawn(async move { service.run(admitted).await }.in_current_span());
        running.await.unwrap_or_else(|error| {
            let error = crate::graphql::internal(&error).into_server_error(START);
            Finished { response: GraphQLResponse::from_errors(vec![error]), _budget: budget, _answering: None }
        })
    }

    async fn run(&self, admitted: Admitted) -> Finished {
        let Admitted { request, budget, cost, operation, caller, asked, text, span, room, values, introspects, reads } =
            admitted;
        let _rooms = (room, values);
        let began = Instant::now();
        let answering = reads.then(|| self.app.store.pace().answering());
        let permit = async {
            // Those that wait for the lane keep no others waiting, nor do those whose client has to take answers first. Long
            // texts name hundreds of fields, which all begin before the first one waits.
            if cost > limits::budget::LARGE_COST || text.query.len() > LONG_TEXT {
                let (backlog, client) = (&self.gate.backlog, Client::of(&caller));
                loop {
                    backlog.calm(client).await;
                    budget.acquire_permit().await;
                    if backlog.is_calm(client) {
                        return None;
                    }
                    budget.renew();
                }
            }
            self.gate.running.acquire().await.ok()
        };
        let Ok(_slot) = tokio::time::timeout(LONGEST_WAIT, permit).await else {
            let response = GraphQLResponse::from_errors(vec![overloaded()]);
            metrics::operation(&operation, outcome(&response.errors));
            return Finished { response, _budget: budget, _answering: answering };
        };
        let started = Instant::now();
        metrics::phase(Phase::Wait, started - began);
        let schema = if text.sound.is_known() { &self.schema_for_sound } else { &self.schema };
        let running = AssertUnwindSafe(schema.execute(request)).catch_unwind().instrument(span.clone());
        let running = tokio::time::timeout(LONGEST_OPERATION, running);
        let ended = if introspects { apart_from_others(running).await } else { running.await };
        let response = match ended {
            Ok(Ok(response)) => {
                // What the rules find is all that has no path.
                if response.errors.iter().all(|error| !error.path.is_empty()) {
                    text.sound.note();
                }
                self.watched(tidied(response, cost, &text))
            }
            Ok(Err(_)) => GraphQLResponse::from_errors(vec![
                crate::graphql::internal(&std::io::Error::other("a resolver panicked")).into_server_error(START),
            ]),
            Err(_) => {
                let seconds = LONGEST_OPERATION.as_secs();
                failed(
                    Code::Timeout,
                    &format!("The operation took longer than {seconds} seconds; ask for less at a time"),
                )
            }
        };
        metrics::phase(Phase::Resolve, started.elapsed());
        metrics::operation_took(&operation, began.elapsed());
        metrics::operation(&operation, outcome(&response.errors));
        let deeds = audit::deeds(&caller, asked, &response);
        if let Err(error) = self.app.store.audit().record(deeds).instrument(span.clone()).await {
            tracing::error!(%error, action = operation.name, token = caller.name, "the audit trail lacks a mutation");
        }
        operations::ended(&span, response.errors.first().and_then(Code::of).map(Code::name));
        Finished { response, _budget: budget, _answering: answering }
    }

    /// Whatever met a full disk, readiness tells of it until there is space again.
    fn watched(&self, response: GraphQLResponse) -> GraphQLResponse {
        if response.errors.iter().any(|error| Code::of(error) == Some(Code::StorageFull)) {
            self.app.store.watch_storage();
        }
        response
    }

    /// The events of a subscription, each paid for as the first is. A panic in one ends it with an error.
    pub(super) fn follow(&self, admitted: Admitted) -> impl Stream<Item = EventAnswer> + Send + use<> {
        let Admitted { request, cost, budget, operation, caller, text, room, values, .. } = admitted;
        let service = self.clone();
        metrics::operation(&operation, "ok");
        let present = metrics::Present::subscription();
        let events = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
        let mut has_begun = false;
        events.map(move |event| {
            let _ = (&present, &room, &values);
            let is_first = !std::mem::replace(&mut has_begun, true);
            let paid = if is_first { Ok(()) } else { service.charge(&caller, cost) };
            let response = match event {
                _ if paid.is_err() => GraphQLResponse::from_errors(paid.err().into_iter().collect()),
                Ok(response) if is_first => tidied(refused_if_unbegun(response), cost, &text),
                Ok(response) => tidied(response, cost, &text),
                Err(_) => GraphQLResponse::from_errors(vec![
                    crate::graphql::internal(&std::io::Error::other("a subscription panicked"))
                        .into_server_error(START),
                ]),
            };
            EventAnswer { response, budget: budget.clone() }
        })
    }
}

/// A subscription whose first word is that there is nothing to follow is a refused request, not an event without data.
fn refused_if_unbegun(mut response: GraphQLResponse) -> GraphQLResponse {
    if response.data == Value::Null && response.errors.iter().all(|error| error.path.len() <= 1) {
        for error in &mut response.errors {
            error.path.clear();
        }
    }
    response
}

/// Does work that has no waits of its own without keeping its thread's other tasks waiting.
async fn apart_from_others<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(move |context| answer::apart(|| work.as_mut().poll(context))).await
}

/// How an operation ended, for its metrics.
fn outcome<'a>(errors: impl IntoIterator<Item = &'a ServerError>) -> &'static str {
    let first = errors.into_iter().next();
    first.map_or("ok", |error| Code::of(error).unwrap_or(Code::ValidationFailed).name())
}

/// Gives every error a code, bounds and its whole path, and tells what the operation cost.
fn tidied(mut response: GraphQLResponse, cost: u64, text: &Text) -> GraphQLResponse {
    // The library tells some mistakes by two of its rules.
    let mut seen = std::collections::HashSet::new();
    response.errors.retain(|e| !e.path.is_empty() || seen.insert((e.message.clone(), format!("{:?}", e.locations))));
    response.errors.truncate(MOST_ERRORS);
    if response.errors.iter().any(|error| !error.path.is_empty())
        && let Some(document) = limits::document_of(&text.query)
    {
        complete_paths(&document, text.operation_name.as_deref(), &mut response.errors);
    }
    for error in &mut response.errors {
        error.locations.retain(|at| at.line > 0);
        if error.message.len() > LONGEST_MESSAGE {
            error.message = error.message.chars().take(LONGEST_MESSAGE).chain("…".chars()).collect();
        }
        if Code::of(error).is_none() {
            // What has a path comes from a resolver; the rest is the library's validation.
            let code = if error.path.is_empty() {
                error.message = standard_words(&error.message);
                Code::ValidationFailed
            } else {
                Code::BadUserInput
            };
            error.extensions.get_or_insert_default().set("code", code.name());
        }
        if error.locations.is_empty() && error.path.is_empty() {
            error.locations.push(START);
        }
    }
    let limit = limits::operation::COSTLIEST;
    let account = [("requested", cost), ("limit", limit), ("remaining", limit.saturating_sub(cost))];
    let account =
        account.into_iter().map(|(name, units)| (async_graphql::Name::new(name), Value::from(units))).collect();
    response.extensions.insert("cost".to_owned(), Value::Object(account));
    response
}
