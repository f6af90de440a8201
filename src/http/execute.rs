//! Running an operation: the same bounds whichever way it came.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{ErrorExtensions, Pos, Request as GraphQLRequest, Response as GraphQLResponse, ServerError, Value};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::Semaphore;

use super::Service;
use super::graphql::documents::Documents;
use super::live::Live;
use super::rates::{Client, Rates, seconds};
use crate::graphql::limits::{self, Budget, Lane};
use crate::graphql::{Caller, loaders};
use crate::settings::HttpSettings;

/// How long one operation may take.
pub(super) const LONGEST_OPERATION: Duration = Duration::from_secs(30);
/// How long one may wait for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Operations that run at a time; each holds a few megabytes at most unless it has the lane.
const MOST_RUNNING: usize = 256;
/// Errors in one answer.
const MOST_ERRORS: usize = 20;
/// Characters of an error's sentence; a wrong value may stand in it.
const LONGEST_MESSAGE: usize = 600;

/// What lets operations in.
#[derive(Clone)]
pub(super) struct Gate {
    pub rates: Rates,
    pub documents: Documents,
    pub live: Live,
    lane: Lane,
    running: Arc<Semaphore>,
    introspection: bool,
}

/// An operation that may run.
pub(super) struct Admitted {
    request: GraphQLRequest,
    budget: Budget,
    pub cost: u64,
}

/// What an operation came to. The budget keeps its turn until the answer is written.
pub(super) struct Finished {
    pub response: GraphQLResponse,
    _budget: Budget,
}

impl Gate {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            rates: Rates::new(settings.cost_per_second),
            documents: Documents::read(
                settings.trusted_documents.as_deref().map(Path::new),
                settings.trusted_documents_only,
            ),
            live: Live::default(),
            lane: Lane::default(),
            running: Arc::new(Semaphore::new(MOST_RUNNING)),
            introspection: settings.introspection,
        }
    }
}

impl Service {
    /// Checks a request against every bound that can be checked before it runs, and charges its client.
    ///
    /// # Errors
    /// With a code.
    pub(super) fn admit(
        &self,
        caller: &Caller,
        mut request: GraphQLRequest,
    ) -> Result<(Admitted, Option<OperationType>), ServerError> {
        let cost = limits::admit(&mut request, self.gate.introspection)?;
        let kind = kind_of(&mut request);
        if let Err(wait) = self.gate.rates.charge(Client::of(caller), cost) {
            let seconds = seconds(wait);
            return Err(async_graphql::Error::new(format!("You ask for too much at once; try again in {seconds} s"))
                .extend_with(|_, extensions| {
                    extensions.set("code", "RATE_LIMITED");
                    extensions.set("retryAfter", seconds);
                })
                .into_server_error(START));
        }
        let budget = Budget::new(self.gate.lane.clone());
        let request = request.data(caller.clone()).data(loaders(&self.app)).data(budget.clone());
        Ok((Admitted { request, budget, cost }, kind))
    }

    /// Runs a query or a mutation to its end, or to the end of the time that one may take.
    pub(super) async fn execute(&self, admitted: Admitted) -> Finished {
        let Admitted { request, budget, cost } = admitted;
        let turn = async {
            let slot = self.gate.running.acquire().await.ok();
            if cost > limits::budget::LARGE_COST {
                budget.take_turn().await;
            }
            slot
        };
        let Ok(_slot) = tokio::time::timeout(LONGEST_WAIT, turn).await else {
            return Finished { response: overloaded(), _budget: budget };
        };
        let running = AssertUnwindSafe(self.schema.execute(request)).catch_unwind();
        let response = match tokio::time::timeout(LONGEST_OPERATION, running).await {
            Ok(Ok(response)) => self.watched(tidied(response, cost)),
            Ok(Err(_)) => GraphQLResponse::from_errors(vec![
                crate::graphql::internal(&std::io::Error::other("a resolver panicked")).into_server_error(START),
            ]),
            Err(_) => {
                let seconds = LONGEST_OPERATION.as_secs();
                failed("TIMEOUT", &format!("The operation took longer than {seconds} seconds; ask for less at a time"))
            }
        };
        Finished { response, _budget: budget }
    }

    /// Whatever met a full disk, readiness tells of it until there is space again.
    fn watched(&self, response: GraphQLResponse) -> GraphQLResponse {
        if response.errors.iter().any(|error| code_of(error) == Some("STORAGE_FULL")) {
            self.app.store.watch_storage();
        }
        response
    }

    /// The events of a subscription. A panic in one ends it with an error.
    pub(super) fn follow(&self, admitted: Admitted) -> impl Stream<Item = GraphQLResponse> + Send + use<> {
        let Admitted { request, cost, budget } = admitted;
        let events = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
        events.map(move |event| {
            let _ = &budget;
            match event {
                Ok(response) => tidied(response, cost),
                Err(_) => GraphQLResponse::from_errors(vec![
                    crate::graphql::internal(&std::io::Error::other("a subscription panicked"))
                        .into_server_error(START),
                ]),
            }
        })
    }
}

/// Which kind of operation a request runs; nothing if it names none, which the library will say.
fn kind_of(request: &mut GraphQLRequest) -> Option<OperationType> {
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    let mut wanted = document
        .operations
        .iter()
        .filter(|(operation, _)| name.is_none() || operation.map(async_graphql::Name::as_str) == name.as_deref());
    wanted.next().map(|(_, operation)| operation.node.ty)
}

const START: Pos = Pos { line: 1, column: 1 };

fn overloaded() -> GraphQLResponse {
    let error = async_graphql::Error::new("The service has more to do than it can; try again shortly")
        .extend_with(|_, extensions| {
            extensions.set("code", "OVERLOADED");
            extensions.set("retryAfter", 5);
        })
        .into_server_error(START);
    GraphQLResponse::from_errors(vec![error])
}

/// An answer of one error.
pub(super) fn failed(code: &'static str, message: &str) -> GraphQLResponse {
    GraphQLResponse::from_errors(vec![coded(code, message)])
}

/// An error with a code that concerns the whole request.
pub(super) fn coded(code: &'static str, message: &str) -> ServerError {
    async_graphql::Error::new(message)
        .extend_with(|_, extensions| extensions.set("code", code))
        .into_server_error(START)
}

/// The code of an error.
pub(super) fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Whether nothing of the operation was run: no `data` then.
pub(super) fn is_refused(response: &GraphQLResponse) -> bool {
    !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Gives every error a code and bounds, and tells what the operation cost.
fn tidied(mut response: GraphQLResponse, cost: u64) -> GraphQLResponse {
    response.errors.truncate(MOST_ERRORS);
    for error in &mut response.errors {
        error.locations.retain(|at| at.line > 0);
        if error.message.len() > LONGEST_MESSAGE {
            error.message = error.message.chars().take(LONGEST_MESSAGE).chain("…".chars()).collect();
        }
        if code_of(error).is_none() {
            let code = match error.message.as_str() {
                _ if !error.path.is_empty() => "BAD_USER_INPUT",
                m if m.starts_with("Subscriptions are not supported") => "BAD_REQUEST",
                m if m.starts_with("Unknown operation") || m.starts_with("Operation name required") => {
                    "OPERATION_RESOLUTION_FAILED"
                }
                m if m.starts_with("Variable ") || m.starts_with("Invalid value for variable") => "BAD_USER_INPUT",
                _ => "GRAPHQL_VALIDATION_FAILED",
            };
            error.extensions.get_or_insert_default().set("code", code);
        }
    }
    let limit = limits::operation::COSTLIEST;
    let account = [("requested", cost), ("limit", limit), ("remaining", limit.saturating_sub(cost))];
    let account =
        account.into_iter().map(|(name, units)| (async_graphql::Name::new(name), Value::from(units))).collect();
    response.extensions.insert("cost".to_owned(), Value::Object(account));
    response
}
