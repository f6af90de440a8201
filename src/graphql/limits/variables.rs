//! Bounds on what comes in variables.

use async_graphql::{ServerError, Value, Variables};

use crate::graphql::codes::Code;

/// Entries of lists and objects in all variables together.
const MOST_VALUES: usize = 20_000;
/// Levels of lists and objects.
const DEEPEST: usize = 128;
/// How the library marks a file that came with the request. A client that writes it itself names a file that isn't there.
pub const UPLOAD_HANDLE: &str = "#__graphql_file__:";
pub const HANDLE_MESSAGE: &str = "A file comes by multipart/form-data, with null in its place among the variables";

/// PostgreSQL holds no such character, and no name or text of a person has one.
pub const NUL_MESSAGE: &str = "A text holds the character U+0000, which is not text; send it without";

/// Whether a literal of an operation's text is or spells that character.
#[must_use]
pub fn spells_nul(text: &str) -> bool {
    text.contains(['\0']) || text.contains("\\u0000")
}

/// Entries of lists and objects in these values, no further than the bound.
#[must_use]
pub fn count<'v>(values: impl IntoIterator<Item = &'v Value>) -> usize {
    let mut left: Vec<&Value> = values.into_iter().collect();
    let mut counted = 0;
    while let Some(value) = left.pop() {
        counted += 1;
        match value {
            _ if counted > MOST_VALUES => break,
            Value::List(items) => left.extend(items.iter().take(MOST_VALUES)),
            Value::Object(fields) => left.extend(fields.values().take(MOST_VALUES)),
            _ => {}
        }
    }
    counted
}

/// Checks all variables of a request with this many files.
///
/// # Errors
/// The first bound that is passed.
pub fn check(variables: &Variables, files: usize) -> Result<(), ServerError> {
    let mut seen = Seen { values: 0, handles: 0 };
    let walked = variables.iter().try_for_each(|(_, value)| walk(value, 0, &mut seen));
    walked.map_err(|message| Code::BadUserInput.refusal(message))?;
    // Each file was put in its one place; any other handle came from the client.
    if seen.handles == files { Ok(()) } else { Err(Code::UploadHandleForged.refusal(HANDLE_MESSAGE)) }
}

struct Seen {
    values: usize,
    handles: usize,
}

fn walk(value: &Value, depth: usize, seen: &mut Seen) -> Result<(), String> {
    seen.values += 1;
    if seen.values > MOST_VALUES {
        return Err(format!("The variables hold more than {MOST_VALUES} values"));
    }
    if depth > DEEPEST {
        return Err(format!("The variables are nested more than {DEEPEST} deep"));
    }
    match value {
        Value::List(items) => items.iter().try_for_each(|item| walk(item, depth + 1, seen)),
        Value::Object(fields) => fields.values().try_for_each(|field| walk(field, depth + 1, seen)),
        Value::String(text) if text.contains('\0') => Err(NUL_MESSAGE.to_owned()),
        Value::String(text) => {
            seen.handles += usize::from(text.starts_with(UPLOAD_HANDLE));
            Ok(())
        }
        _ => Ok(()),
    }
}
