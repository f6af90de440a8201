//! GraphQL answers that refuse the whole request.

use async_graphql::{Response as GraphQLResponse, Value};

use crate::graphql::Code;

/// An answer of one error that concerns the whole request.
pub(super) fn failed(code: Code, message: &str) -> GraphQLResponse {
    GraphQLResponse::from_errors(vec![code.refusal(message)])
}

/// Whether nothing of the operation was run: no `data` then.
pub(super) fn is_refused(response: &GraphQLResponse) -> bool {
    !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// An error as events and sockets tell it.
pub(super) fn ended() -> GraphQLResponse {
    GraphQLResponse::from_errors(vec![Code::Unauthenticated.refusal("The token has ended, and what was open with it")])
}
