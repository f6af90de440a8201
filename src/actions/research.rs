//! What names and ids of stored research have in common.

use crate::market::text::clean;
use crate::request::RequestError;

const LONGEST_NAME: usize = 100;

/// A name as it is kept: one line without blanks at its ends; none if nothing is left.
pub(super) fn tidied(name: Option<String>) -> Result<Option<String>, RequestError> {
    let name = name.map(|name| clean(&name)).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(RequestError::invalid("name", format!("a name has at most {LONGEST_NAME} characters")));
    }
    Ok(name)
}

/// There is no such thing.
pub(super) fn missing(what: &str) -> RequestError {
    RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") }
}
