//! What an operation may ask for. Three looks, each bounded by the one before: at the text ([`text`]) before it is
//! parsed, at what it comes to ([`operation`]) before it is run, and at what it really uses ([`budget`]) while it runs.

pub mod budget;
pub mod operation;
mod shape;
pub mod text;
pub mod variables;

use std::sync::LazyLock;

use async_graphql::{ErrorExtensions, Pos, Request, ServerError};

pub use budget::{Budget, Lane};

/// The shapes of this schema's fields.
static SHAPES: LazyLock<shape::Shapes> = LazyLock::new(|| shape::shapes(&super::schema(None).sdl()));

/// Parses a request's text within the bounds, and leaves the document in the request. Answers with its cost.
///
/// # Errors
/// With a code: `QUERY_TOO_COMPLEX` for a bound, `GRAPHQL_PARSE_FAILED` for what is no GraphQL, `BAD_USER_INPUT` for a
/// variable.
pub fn admit(request: &mut Request, introspection: bool) -> Result<u64, ServerError> {
    variables::check(&request.variables, request.uploads.len())
        .map_err(|error| coded("BAD_USER_INPUT", error, Pos { line: 1, column: 1 }))?;
    let start = Pos { line: 1, column: 1 };
    if request.query.trim().is_empty() {
        return Err(coded("BAD_REQUEST", "There is no \"query\"", start));
    }
    text::check(&request.query).map_err(|error| coded("QUERY_TOO_COMPLEX", error, start))?;
    if request.query.contains(variables::UPLOAD_HANDLE) {
        return Err(coded("BAD_USER_INPUT", variables::HANDLE_MESSAGE, start));
    }
    if variables::spells_nul(&request.query) {
        return Err(coded("BAD_USER_INPUT", variables::NUL_MESSAGE, start));
    }
    let variables = std::mem::take(&mut request.variables);
    let document = request.parsed_query().map_err(|error| {
        let at = error.locations.first().copied().unwrap_or(start);
        coded("GRAPHQL_PARSE_FAILED", syntax_error(&error.message, at), at)
    })?;
    let cost = operation::check(document, &variables, &SHAPES, introspection)
        .map_err(|error| coded("QUERY_TOO_COMPLEX", error, start));
    request.variables = variables;
    cost
}

/// One line, without the parser's picture of the text.
fn syntax_error(text: &str, at: Pos) -> String {
    let reason = text.lines().rev().map(str::trim).find_map(|line| line.strip_prefix("= "));
    let reason: String = reason.unwrap_or("this is not GraphQL").chars().take(200).collect();
    format!("Syntax error in line {}, column {}: {reason}", at.line, at.column)
}

fn coded(code: &'static str, message: impl std::fmt::Display, at: Pos) -> ServerError {
    async_graphql::Error::new(message.to_string())
        .extend_with(|_, extensions| extensions.set("code", code))
        .into_server_error(at)
}
