//! Operations as metrics and traces call them.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::Request as GraphQLRequest;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::OperationType;
use tracing::Span;
use tracing::field::Empty;

use crate::telemetry::metrics::Operation;
use crate::telemetry::traces;

/// Characters of a name that a client has made up, in its trace.
const LONGEST_NAME: usize = 80;

/// Names of operations that are known beforehand: registered ones, and those of the REST routes. Metrics know no others,
/// as anybody can make up a name.
#[derive(Clone)]
pub(super) struct Names(Arc<HashSet<String>>);

impl Names {
    /// Those of documents with these texts.
    pub(super) fn known(texts: impl Iterator<Item = String>) -> Self {
        let documents = texts.filter_map(|text| parse_query(text).ok());
        let names = documents.flat_map(|document| {
            document.operations.iter().filter_map(|(name, _)| name.map(ToString::to_string)).collect::<Vec<_>>()
        });
        Self(Arc::new(names.collect()))
    }

    /// What an admitted request's operation counts as, and its name in full.
    pub(super) fn of(&self, kind: OperationType, request: &mut GraphQLRequest) -> (Operation, String) {
        let wanted = request.operation_name.clone();
        let name = wanted.or_else(|| {
            let document = request.parsed_query().ok()?;
            document.operations.iter().next().and_then(|(name, _)| name.map(ToString::to_string))
        });
        let name = name.unwrap_or_default();
        let known = if self.0.contains(&name) { name.clone() } else { OTHER.to_owned() };
        (Operation { kind: kind_name(kind), name: known }, name)
    }
}

const OTHER: &str = "other";

/// What a request counts as that wasn't let in.
pub(super) fn unknown() -> Operation {
    Operation { kind: OTHER, name: OTHER.to_owned() }
}

fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// A span around what an operation does.
pub(super) fn span(kind: &'static str, name: &str, cost: u64) -> Span {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    tracing::error_span!(
        "operation",
        otel.name = traces::only(|| format!("{kind} {name}").trim_end().to_owned()),
        graphql.operation.r#type = kind,
        graphql.operation.name = name,
        cost,
        error.r#type = Empty,
        otel.status_code = Empty,
    )
}

/// An operation is over; one with an error says so with the error's code.
pub(super) fn ended(span: &Span, code: Option<&str>) {
    if let Some(code) = code {
        span.record("error.type", code);
        span.record("otel.status_code", "ERROR");
    }
}
