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
use std::sync::{Arc, LazyLock, OnceLock};

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
/// come to it, null ones among them, so that a document need not be looked at twice.
#[derive(Debug, Default, Clone)]
pub struct Sound(Option<Arc<Known>>);

impl Sound {
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.as_ref().is_some_and(|known| known.is_sound.load(Ordering::Relaxed))
    }

    /// Notes it for those who send the same text later.
    pub fn note(&self) {
        if let Some(known) = &self.0 {
            known.is_sound.store(true, Ordering::Relaxed);
        }
    }
}

/// Parses a request's text within the bounds, checks what it asks for, and leaves the document and its variables in the
/// request.
///
/// # Errors
/// With codes: for a bound that is passed, for what is no GraphQL or doesn't fit the schema, for a variable.
pub fn admit(request: &mut Request, introspection: bool) -> Result<Admitted, Vec<ServerError>> {
    let (mut document, known, cost) = parsed(request, introspection).map_err(|error| vec![error])?;
    validate::wrap_typenames(&mut document);
    let (operation, definition) =
        validate::selected(&document, request.operation_name.as_deref()).map_err(|error| vec![error])?;
    let optional = match known.as_ref().and_then(|known| known.optional.get()) {
        Some(optional) => optional.clone(),
        None => Arc::new(validate::document(&document)?),
    };
    if let Some(known) = &known {
        known.optional.get_or_init(|| optional.clone());
    }
    let variables = validate::variables(&definition.node, &request.variables)?;
    let (kind, operation) = (definition.node.ty, operation.cloned());
    optional.settle(&mut document, operation.as_ref(), &variables).map_err(|error| vec![error])?;
    request.variables = variables;
    request.set_parsed_query(validate::single_root(&document).unwrap_or(document));
    let sound = Sound(known);
    Ok(Admitted { cost: cost.units, scans: cost.scans, introspects: cost.introspects, kind, sound })
}

/// Parses a request's text if it is within the bounds. Answers with what it may cost, too.
fn parsed(
    request: &Request,
    introspection: bool,
) -> Result<(ExecutableDocument, Option<Arc<Known>>, operation::Cost), ServerError> {
    variables::check(&request.variables, request.uploads.len())?;
    let kept = (request.query.len() <= LONGEST_KEPT).then(|| KNOWN.get(&request.query)).flatten();
    let (document, known) = match kept {
        Some(known) => (known.document.clone(), Some(known)),
        None => first_seen(&request.query)?,
    };
    let cost = operation::check(&document, &request.variables, &SHAPES, introspection)
        .map_err(|error| error.code().refusal(error.to_string()))?;
    Ok((document, known, cost))
}

/// Parses a text that isn't known, and keeps what it leads to if it isn't too long for that.
fn first_seen(query: &str) -> Result<(ExecutableDocument, Option<Arc<Known>>), ServerError> {
    if query.trim().is_empty() {
        return Err(Code::BadRequest.refusal("There is no \"query\""));
    }
    text::check(query).map_err(|error| match error {
        text::TextError::Unclosed(at) => Code::ParseFailed.at(place(query, at), error.to_string()),
        _ => Code::QueryTooComplex.refusal(error.to_string()),
    })?;
    let text: Cow<str> = escapes::decoded(query);
    if text.contains(variables::UPLOAD_HANDLE) {
        return Err(Code::UploadHandleForged.refusal(variables::HANDLE_MESSAGE));
    }
    if variables::spells_nul(&text) {
        return Err(Code::BadUserInput.refusal(variables::NUL_MESSAGE));
    }
    let document = parse_query(&text).map_err(|error| syntax::refusal(error, &text))?;
    if let Some((name, at)) = text::repeated(&text) {
        let message = format!("There can be only one input field named \"{name}\".");
        return Err(Code::ValidationFailed.at(place(&text, at), message));
    }
    if query.len() > LONGEST_KEPT {
        return Ok((document, None));
    }
    let known =
        Arc::new(Known { document: document.clone(), optional: OnceLock::new(), is_sound: AtomicBool::new(false) });
    KNOWN.insert(query.to_owned(), known.clone());
    Ok((document, Some(known)))
}

/// A document, and what looking at it alone has found.
#[derive(Debug)]
struct Known {
    document: ExecutableDocument,
    /// Set once our own look at it has found nothing wrong.
    optional: OnceLock<Arc<validate::Optional>>,
    /// Whether the library's rules have found nothing wrong.
    is_sound: AtomicBool,
}

/// Texts that were parsed lately, as they were sent: clients send few and send them often, and copying a document costs a
/// tenth of parsing.
static KNOWN: LazyLock<Cache<String, Arc<Known>>> = LazyLock::new(|| {
    // A document takes some twenty times the memory of its text, with what is found out about it.
    let weight = |text: &String, _: &Arc<Known>| u32::try_from(20 * text.len() + 500).unwrap_or(u32::MAX);
    Cache::builder().weigher(weight).max_capacity(8 << 20).build()
});
/// Longer ones aren't kept.
const LONGEST_KEPT: usize = 8 << 10;

/// The document of a request's text, as its errors tell places in it.
#[must_use]
pub fn document_of(query: &str) -> Option<ExecutableDocument> {
    KNOWN.get(query).map(|known| known.document.clone()).or_else(|| parse_query(escapes::decoded(query)).ok())
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
    parsed(&Request::new(text), true).map(|(_, _, cost)| cost.units).map_err(|error| error.message)
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    fn looked(text: &str, operation: Option<&str>, variables: serde_json::Value) -> Result<Sound, String> {
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        request.operation_name = operation.map(str::to_owned);
        admit(&mut request, true).map(|admitted| admitted.sound).map_err(|errors| errors[0].message.clone())
    }

    #[test]
    fn a_sound_document_is_known_with_other_values() {
        let text = "query Sound($first: Int, $after: String) { ipos(first: $first, after: $after) { nodes { id } } }";
        let sound = |variables| looked(text, None, variables).expect("a request that may run");
        assert!(!sound(json!({"first": 3})).is_known());
        sound(json!({"first": 3})).note();
        for variables in [json!({}), json!({"first": null, "after": null}), json!({"first": 4, "after": "y"})] {
            assert!(sound(variables).is_known());
        }
    }

    /// The library's rules refuse it only where all variables of an argument are given, and in the operation that is meant.
    #[test]
    fn null_is_refused_where_it_can_t_be_whatever_the_rules_have_seen() {
        let text = "query Plain($a: Int) { ipos(first: $a) { nodes { id } } }
            mutation Run($a: Boolean = true, $from: Date) {
                runBacktest(input: {
                    ticker: \"A\", adjusted: $a, from: $from, strategy: {buy: {priceBelowSma: 5}, sell: {priceAboveSma: 9}}
                }) { backtest { id } }
            }";
        let looked = |operation, variables| looked(text, Some(operation), variables);
        looked("Plain", json!({"a": null})).expect("null may be here").note();
        looked("Run", json!({"from": null})).expect("the default").note();
        for variables in [json!({"a": null}), json!({"a": null, "from": "2020-01-01"})] {
            let refused = looked("Run", variables).expect_err("null can't be here");
            assert!(refused.contains("$a"), "{refused}");
        }
    }
}
