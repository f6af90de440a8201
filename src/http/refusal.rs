//! GraphQL answers that refuse the whole request.

use async_graphql::{Response as GraphQLResponse, ServerError, Value};

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

/// There is no permit for it.
pub(super) fn overloaded() -> ServerError {
    later("The service has more to do than it can; try again shortly")
}

/// There is no room for one more that follows.
pub(super) fn crowded() -> ServerError {
    later("More is followed here than the service can tell of; complete some first, or try again later")
}

/// A socket keeps what its longest message took, and sockets have no more of that.
pub(super) fn long_winded() -> ServerError {
    later("Sockets have no room for so long an answer now: ask for it by POST, or for less at a time")
}

/// An answer that no socket takes, however little is sent over others.
pub(super) fn too_long() -> ServerError {
    Code::AnswerTooLarge.refusal("A socket's answer has at most 4 MiB: ask for it by POST, or for less at a time")
}

fn later(message: &str) -> ServerError {
    let mut error = Code::Overloaded.refusal(message);
    error.extensions.get_or_insert_default().set("retryAfter", 5);
    error
}
