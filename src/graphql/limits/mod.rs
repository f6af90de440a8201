//! What an operation may ask for. Three looks, each bounded by the one before: at the text ([`text`]) before it is
//! parsed, at what it comes to ([`operation`]) before it is run, and at what it really uses ([`budget`]) while it runs.

pub mod budget;
mod escapes;
pub mod operation;
mod shape;
mod syntax;
pub mod text;
pub mod variables;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Pos, Request, ServerError};
use moka::sync::Cache;

use super::codes::Code;
use super::validate;

pub use budget::{Budget, Lane, Room, too_large};

/// The shapes of this schema's fields.
static SHAPES: LazyLock<shape::Shapes> = LazyLock::new(|| shape::shapes(&super::schema(None).sdl()));

/// A request that may run.
#[derive(Debug)]
pub struct Admitted {
    /// What it may cost.
    pub cost: u64,
    /// Whether it has statements that read whole tables.
    pub scans: bool,
    /// Whether it asks for the schema itself.
    pub introspects: bool,
    pub kind: OperationType,
    /// Where it is noted that the library's rules have found nothing wrong with the document.
    pub sound: Sound,
}

/// What is known of a document by the library's rules. They look at a document alone, as variables are checked before they
/// come to it, so that a document need not be looked at twice; but for variables that are null.
#[derive(Debug, Default, Clone)]
pub struct Sound(Option<Arc<Parsed>>);

impl Sound {
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.as_ref().is_some_and(|parsed| parsed.is_sound.load(Ordering::Relaxed))
    }

    /// Notes it for those who send the same text later.
    pub fn note(&self) {
        if let Some(parsed) = &self.0 {
            parsed.is_sound.store(true, Ordering::Relaxed);
        }
    }
}

/// Parses a request's text within the bounds, checks what it asks for, and leaves the document and its variables in the
/// request.
///
/// # Errors
/// With codes: for a bound that is passed, for what is no GraphQL or doesn't fit the schema, for a variable.
pub fn admit(request: &mut Request, introspection: bool) -> Result<Admitted, Vec<ServerError>> {
    let (mut document, sound, cost) = parsed(request, introspection).map_err(|error| vec![error])?;
    validate::wrap_typenames(&mut document);
    let (kind, variables, optional) = validate::check(&document, request)?;
    optional.settle(&mut document, &variables).map_err(|error| vec![error])?;
    // What may be null stands where nothing is, if it has a default.
    let has_null = variables.values().any(|value| matches!(value, async_graphql::Value::Null));
    let sound = if has_null { Sound::default() } else { sound };
    request.variables = variables;
    request.set_parsed_query(validate::single_root(&document).unwrap_or(document));
    Ok(Admitted { cost: cost.units, scans: cost.scans, introspects: cost.introspects, kind, sound })
}

/// Parses a request's text if it is within the bounds. Answers with what it may cost, too.
fn parsed(
    request: &mut Request,
    introspection: bool,
) -> Result<(ExecutableDocument, Sound, operation::Cost), ServerError> {
    variables::check(&request.variables, request.uploads.len())?;
    if request.query.trim().is_empty() {
        return Err(Code::BadRequest.refusal("There is no \"query\""));
    }
    text::check(&request.query).map_err(|error| match error {
        text::TextError::Unclosed(at) => Code::ParseFailed.at(place(&request.query, at), error.to_string()),
        _ => Code::QueryTooComplex.refusal(error.to_string()),
    })?;
    let text: Cow<str> = escapes::decoded(&request.query);
    if text.contains(variables::UPLOAD_HANDLE) {
        return Err(Code::UploadHandleForged.refusal(variables::HANDLE_MESSAGE));
    }
    if variables::spells_nul(&text) {
        return Err(Code::BadUserInput.refusal(variables::NUL_MESSAGE));
    }
    let (document, sound) = document(&text)?;
    if let Some((name, at)) = text::repeated(&text) {
        let message = format!("There can be only one input field named \"{name}\".");
        return Err(Code::ValidationFailed.at(place(&text, at), message));
    }
    let cost = operation::check(&document, &request.variables, &SHAPES, introspection)
        .map_err(|error| error.code().refusal(error.to_string()))?;
    Ok((document, sound, cost))
}

/// A document, and whether it is known to be sound.
#[derive(Debug)]
struct Parsed {
    document: ExecutableDocument,
    is_sound: AtomicBool,
}

/// Texts that were parsed lately: clients send few and send them often, and copying a document costs a tenth of parsing.
static PARSED: LazyLock<Cache<String, Arc<Parsed>>> = LazyLock::new(|| {
    // A document takes some twenty times the memory of its text.
    let weight = |text: &String, _: &Arc<Parsed>| u32::try_from(20 * text.len() + 500).unwrap_or(u32::MAX);
    Cache::builder().weigher(weight).max_capacity(8 << 20).build()
});
/// Longer ones aren't kept.
const LONGEST_KEPT: usize = 8 << 10;

fn document(text: &str) -> Result<(ExecutableDocument, Sound), ServerError> {
    if let Some(known) = PARSED.get(text) {
        return Ok((known.document.clone(), Sound(Some(known))));
    }
    let document = parse_query(text).map_err(|error| syntax::refusal(error, text))?;
    if text.len() > LONGEST_KEPT {
        return Ok((document, Sound::default()));
    }
    let parsed = Arc::new(Parsed { document: document.clone(), is_sound: AtomicBool::new(false) });
    PARSED.insert(text.to_owned(), parsed.clone());
    Ok((document, Sound(Some(parsed))))
}

/// The document of a request's text, as its errors tell places in it.
#[must_use]
pub fn document_of(query: &str) -> Option<ExecutableDocument> {
    document(&escapes::decoded(query)).ok().map(|(document, _)| document)
}

/// The line and the column of a byte, both from one.
fn place(text: &str, at: usize) -> Pos {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    Pos { line, column }
}

/// What an operation's text may cost, by the defaults of its variables.
///
/// # Errors
/// The sentence of the bound that it passes, or of the syntax.
pub fn cost(text: &str) -> Result<u64, String> {
    parsed(&mut Request::new(text), true).map(|(_, _, cost)| cost.units).map_err(|error| error.message)
}
