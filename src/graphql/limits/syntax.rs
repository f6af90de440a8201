//! What the parser says, in the words of the language's specification.

use async_graphql::parser::Error;
use async_graphql::{Pos, ServerError};

use crate::graphql::codes::{Code, START};

/// Why a text is no document. The parser also tells of what validation should.
pub(super) fn refusal(error: Error, text: &str) -> ServerError {
    match error {
        Error::MultipleOperations { anonymous, .. } => {
            Code::ValidationFailed.at(anonymous, "This anonymous operation must be the only defined operation.")
        }
        Error::OperationDuplicated { operation, second, .. } => {
            Code::ValidationFailed.at(second, format!("There can be only one operation named \"{operation}\"."))
        }
        Error::FragmentDuplicated { fragment, second, .. } => {
            Code::ValidationFailed.at(second, format!("There can be only one fragment named \"{fragment}\"."))
        }
        Error::MissingOperation => Code::OperationResolutionFailed.refusal("Must provide an operation."),
        other => {
            let error = ServerError::from(other);
            let at = error.locations.first().copied().unwrap_or(START);
            Code::ParseFailed.at(at, sentence(&error.message, text, at))
        }
    }
}

/// What the parser's rules are called in a sentence.
const NAMES: &[(&str, &str)] = &[
    ("executable_definition", "an operation or a fragment"),
    ("executable_document", "an operation"),
    ("operation_definition", "an operation"),
    ("named_operation_definition", "an operation"),
    ("operation_type", "query, mutation or subscription"),
    ("fragment_definition", "a fragment"),
    ("fragment_spread", "a fragment's name"),
    ("inline_fragment", "an inline fragment"),
    ("type_condition", "\"on\" and a type"),
    ("variable_definitions", "variables in brackets"),
    ("variable_definition", "a variable such as $id: ID!"),
    ("variable", "a variable such as $id: ID!"),
    ("default_value", "a default"),
    ("selection_set", "\"{\""),
    ("selection", "a field"),
    ("field", "a field"),
    ("alias", "\":\""),
    ("arguments", "arguments in brackets"),
    ("const_arguments", "arguments in brackets"),
    ("argument", "an argument such as first: 10"),
    ("const_argument", "an argument such as first: 10"),
    ("directives", "a directive"),
    ("directive", "a directive"),
    ("object_field", "a field such as name: \"x\""),
    ("const_object_field", "a field such as name: \"x\""),
    ("type_", "a type"),
    ("name", "a name"),
    ("name_start", "a name"),
    ("value", "a value"),
    ("const_value", "a value"),
    ("list", "a value"),
    ("const_list", "a value"),
    ("object", "a value"),
    ("const_object", "a value"),
    ("number", "a value"),
    ("string", "a value"),
    ("boolean", "a value"),
    ("null", "a value"),
    ("enum_value", "a value"),
    ("EOI", "the end"),
];

/// Characters of what was found that are shown.
const LONGEST: usize = 40;

/// One line: what stands there, and what could.
pub(super) fn sentence(parser: &str, text: &str, at: Pos) -> String {
    let found = found(text, at);
    let Some(rules) = parser.lines().rev().find_map(|line| line.trim().strip_prefix("= expected ")) else {
        // What the parser says beside its grammar.
        let line: String = parser.lines().next().unwrap_or_default().chars().take(200).collect();
        return format!("Syntax Error: {}", if line.is_empty() { format!("unexpected {found}.") } else { line });
    };
    match expected(rules) {
        // Rules that have no name in a sentence.
        names if names.is_empty() => format!("Syntax Error: unexpected {found}."),
        names => format!("Syntax Error: expected {names}, found {found}."),
    }
}

fn expected(rules: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for rule in rules.split([',', ' ']) {
        if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == rule)
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// The word or sign at a place.
fn found(text: &str, at: Pos) -> String {
    let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
    let rest: String = line.chars().skip(at.column.saturating_sub(1)).collect();
    let rest = rest.trim_start();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word: String = match rest.chars().next() {
        None => return "the end of the line".to_owned(),
        Some(first) if is_word(first) => rest.chars().take_while(|c| is_word(*c)).take(LONGEST).collect(),
        Some(first) => first.to_string(),
    };
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn shown(text: &str) -> String {
        let error = ServerError::from(parse_query(text).expect_err("no GraphQL"));
        let at = error.locations.first().copied().unwrap_or(Pos { line: 1, column: 1 });
        sentence(&error.message, text, at)
    }

    #[test]
    fn the_parser_speaks_in_sentences() {
        assert_eq!(shown("{"), "Syntax Error: expected a field, found the end of the line.");
        assert_eq!(shown("{a("), "Syntax Error: expected a name, found the end of the line.");
        assert!(shown("hello").starts_with("Syntax Error: expected an operation or a fragment, found \"hello\""));
        let long = format!("{{a {}", "[".repeat(5_000));
        assert!(shown(&long).len() < 300);
        for text in
            ["{", "{}", "query(", "query($a){a}", "{a(b:)}", "{a@}", "fragment on A{b}", "{a}}", "{a(b:\"}", "}"]
        {
            let shown = shown(text);
            assert!(!shown.contains('_') && !shown.contains("-->"), "{text}: {shown}");
        }
    }
}
