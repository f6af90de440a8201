//! A stored operation that a route runs, and how its answer goes out.

use std::collections::HashMap;

use async_graphql::{Request as GraphQLRequest, Response as GraphQLResponse, Variables};
use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::actions::Caller;
use crate::graphql::Code;
use crate::http::Service;
use crate::http::failure::failure;
use crate::market::dates;
use crate::market::day::iso;

/// A stored operation and where its answer lies.
pub(super) struct Operation {
    pub text: &'static str,
    /// The field of `data` that is the answer.
    field: &'static str,
    /// The field of the answer that is sent in its place.
    inner: Option<&'static str>,
    /// The status of success.
    success: StatusCode,
    /// What a null answer means.
    missing: &'static str,
    /// Inputs that the client knows by other names: the name there, and the path in the schema.
    names: &'static [(&'static str, &'static str)],
}

impl Operation {
    pub(super) const fn new(text: &'static str, field: &'static str) -> Self {
        Self { text, field, inner: None, success: StatusCode::OK, missing: "", names: &[] }
    }

    /// Sends a field of the answer as the whole.
    pub(super) const fn sending(mut self, inner: &'static str) -> Self {
        self.inner = Some(inner);
        self
    }

    pub(super) const fn answering(mut self, success: StatusCode) -> Self {
        self.success = success;
        self
    }

    pub(super) const fn or_missing(mut self, missing: &'static str) -> Self {
        self.missing = missing;
        self
    }

    /// Names inputs in errors as the client does.
    pub(super) const fn naming(mut self, names: &'static [(&'static str, &'static str)]) -> Self {
        self.names = names;
        self
    }

    /// Which input a sentence is about, as the client calls it, and what it says.
    fn fault(&self, message: &str) -> (Option<String>, String) {
        if let Some((path, fault)) = of_variable(message) {
            // An input object is the body itself.
            let path = path.strip_prefix("input").unwrap_or(&path);
            let names = path.split('.').filter_map(|part| part.split('[').next()).filter(|name| !name.is_empty());
            return (self.name_of(&names.collect::<Vec<_>>()), fault.to_owned());
        }
        if message.starts_with("The cursor ") {
            return (Some("after".to_owned()), message.to_owned());
        }
        let (word, rest) = message.split_once(' ').unwrap_or((message, ""));
        let known = self.names.iter().find(|(_, of)| of.rsplit('.').next() == Some(word)).map(|(name, _)| *name);
        match known.or_else(|| OF_PAGES.into_iter().find(|name| *name == word)) {
            Some(name) => (Some(name.to_owned()), format!("{name} {rest}")),
            None => (None, message.to_owned()),
        }
    }

    /// What the client calls the input that an error's path leads to.
    fn name_of(&self, path: &[&str]) -> Option<String> {
        let first = *path.first()?;
        let whole = path.join(".");
        let leads_to = |of: &str| whole.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let known = self.names.iter().find(|(_, of)| leads_to(of)).map(|(name, _)| *name);
        Some(known.unwrap_or(first).to_owned())
    }
}

/// What a list's sentences begin with wherever one is asked for.
const OF_PAGES: [&str; 2] = ["first", "after"];

/// The path to what is wrong in a variable, and what that is, of
/// `Variable "$filter" got invalid value "X" at "filter.board[0]"; Value "X" does not exist in "Board" enum.`
fn of_variable(message: &str) -> Option<(String, &str)> {
    let (variable, rest) = message.strip_prefix("Variable \"$")?.split_once('"')?;
    // Quotation marks within the value are escaped, so that it doesn't look like the path.
    match rest.split_once(&format!(" at \"{variable}")) {
        Some((_, rest)) => rest.split_once("\"; ").map(|(path, fault)| (format!("{variable}{path}"), fault)),
        None => rest.rsplit_once("; ").map(|(_, fault)| (variable.to_owned(), fault)),
    }
}

pub(super) type Parameters = Query<HashMap<String, String>>;

/// A field's name, and what is wrong with it.
pub(super) type Mistake = (String, String);

pub(super) fn refused((field, message): &Mistake) -> Response {
    failure("INVALID", message, Some(field))
}

/// A date in any form that has one meaning, as the schema has it.
pub(super) fn date(name: &str, value: Value) -> Result<Value, Mistake> {
    let Value::String(text) = &value else { return Ok(value) };
    let shown: String = text.chars().take(40).collect();
    let day = dates::day_of(text).map_err(|fault| (name.to_owned(), format!("{shown:?} {fault}")))?;
    Ok(iso(day).into())
}

/// A name of the schema's, in any case.
pub(super) fn upper_case(value: Value) -> Value {
    match value {
        Value::String(name) => name.trim().to_uppercase().into(),
        value => value,
    }
}

pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

pub(super) async fn run(service: &Service, caller: Caller, operation: &Operation, variables: Value) -> Response {
    let answer = answer(service, caller, operation, variables).await.map(|mut answer| match operation.inner {
        Some(inner) => answer.get_mut(inner).map(Value::take).unwrap_or_default(),
        None => answer,
    });
    match answer {
        Ok(_) if operation.success == StatusCode::NO_CONTENT => operation.success.into_response(),
        Ok(answer) => (operation.success, Json(answer)).into_response(),
        Err(failed) => failed,
    }
}

pub(super) async fn answer(
    service: &Service,
    caller: Caller,
    operation: &Operation,
    mut variables: Value,
) -> Result<Value, Response> {
    // What the request leaves out gets the schema's default.
    if let Some(variables) = variables.as_object_mut() {
        variables.retain(|_, value| !value.is_null());
    }
    let request = GraphQLRequest::new(operation.text).variables(Variables::from_json(variables));
    let response = match service.admit(&caller, request, None).await {
        Ok((admitted, _)) => service.execute(admitted).await.response,
        Err(errors) => GraphQLResponse::from_errors(errors),
    };
    if let Some(error) = response.errors.first() {
        let code = match Code::of(error) {
            // The operation is ours, so it was the variables that didn't fit.
            None | Some(Code::BadUserInput | Code::ValidationFailed) => "INVALID",
            Some(code) => code.name(),
        };
        let (field, message) = operation.fault(&error.message);
        return Err(failure(code, &message, field.as_deref()));
    }
    let data = response.data.into_json().unwrap_or_default();
    let mut answer = data.get(operation.field).cloned().unwrap_or_default();
    // A node of another type answers with an empty object.
    if answer.is_null() || answer.as_object().is_some_and(Map::is_empty) {
        return Err(failure("NOT_FOUND", operation.missing, None));
    }
    if let Some(errors) = answer.as_object_mut().and_then(|answer| answer.remove("userErrors"))
        && let Some(error) = errors.get(0)
    {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = error.get("field").and_then(Value::as_array);
        let path: Vec<&str> = path.into_iter().flatten().filter_map(Value::as_str).collect();
        return Err(failure(text("code"), text("message"), operation.name_of(&path).as_deref()));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_inputs_as_the_client_does() {
        let names = &[("winbuy", "strategy.buy"), ("initial", "execution.initialCash"), ("symbol", "ticker")];
        let operation = Operation::new("", "").naming(names);
        let name = |path: &[&str]| operation.name_of(path);
        assert_eq!(name(&["ticker"]).as_deref(), Some("symbol"));
        assert_eq!(name(&["execution", "initialCash"]).as_deref(), Some("initial"));
        assert_eq!(name(&["strategy", "buy", "left"]).as_deref(), Some("winbuy"));
        assert_eq!(name(&["strategy", "buyers"]).as_deref(), Some("strategy"));
        assert_eq!((name(&["horizon"]).as_deref(), name(&[])), (Some("horizon"), None));
    }

    #[test]
    fn sentences_of_the_schema_name_inputs_as_the_client_does() {
        let names =
            &[("page_size", "first"), ("status", "filter.status"), ("order", "orderBy"), ("lot_size", "lotSize")];
        let operation = Operation::new("", "").naming(names);
        for (sentence, field, message) in [
            (
                "Variable \"$filter\" got invalid value \"X\" at \"filter.status[0]\"; No \"X\".",
                Some("status"),
                "No \"X\".",
            ),
            (
                "Variable \"$filter\" got invalid value \"a; b\" at \"filter.status\"; \"a; b\" is none",
                Some("status"),
                "\"a; b\" is none",
            ),
            ("Variable \"$orderBy\" got invalid value \"Z\" at \"orderBy[0].field\"; No Z.", Some("order"), "No Z."),
            (
                "Variable \"$input\" got invalid value 1.5 at \"input.lotSize\"; Int it is.",
                Some("lot_size"),
                "Int it is.",
            ),
            ("Variable \"$input\" got invalid value 1.5 at \"input.withdrawn\"; No.", Some("withdrawn"), "No."),
            ("Variable \"$input\" got invalid value {}; No.", None, "No."),
            ("Variable \"$horizon\" got invalid value 1.5; Int it is.", Some("horizon"), "Int it is."),
            ("first is 501; it takes 0 to 500", Some("page_size"), "page_size is 501; it takes 0 to 500"),
            ("after is not a cursor of this service", Some("after"), "after is not a cursor of this service"),
            ("The cursor belongs to another list", Some("after"), "The cursor belongs to another list"),
            ("Something else", None, "Something else"),
        ] {
            assert_eq!(operation.fault(sentence), (field.map(str::to_owned), message.to_owned()), "{sentence}");
        }
        assert_eq!(Operation::new("", "").fault("first is 501; no").0.as_deref(), Some("first"));
    }
}
