//! What is wrong with a document as a whole, wherever it is looked at first.

use async_graphql::Request;

use super::*;
use crate::graphql::limits::admit;

#[test]
fn a_document_is_refused_in_the_specifications_words() {
    for (text, code, message) in [
        (
            "{viewer{name}} query A{viewer{name}}",
            Code::ValidationFailed,
            "This anonymous operation must be the only defined operation.",
        ),
        (
            "query A{viewer{name}} query A{viewer{role}}",
            Code::ValidationFailed,
            "There can be only one operation named \"A\".",
        ),
        (
            "{...F} fragment F on Query{viewer{name}} fragment F on Query{viewer{role}}",
            Code::ValidationFailed,
            "There can be only one fragment named \"F\".",
        ),
        ("fragment F on Query{viewer{name}}", Code::OperationResolutionFailed, "Must provide an operation."),
        (
            "{...F} fragment F on Query{...G} fragment G on Query{...F}",
            Code::ValidationFailed,
            "A fragment may not spread itself, nor by way of others",
        ),
        (
            "query($t:Strin!){symbol(ticker:$t){name}}",
            Code::ValidationFailed,
            "Unknown type \"Strin\". Did you mean \"String\"?",
        ),
        (
            "query($t:[Symbol!]!){symbol(ticker:$t){name}}",
            Code::ValidationFailed,
            "Variable \"$t\" cannot be non-input type \"[Symbol!]!\".",
        ),
        ("{viewer{name(x:\"a)}}", Code::ParseFailed, "Syntax Error: Unterminated string."),
        ("{viewer{name @deprecated}}", Code::ValidationFailed, "Directive \"@deprecated\" may not be used on FIELD."),
        (
            "{...F @oneOf} fragment F on Query{viewer{name}}",
            Code::ValidationFailed,
            "Directive \"@oneOf\" may not be used on FRAGMENT_SPREAD.",
        ),
        (
            "{a:ipos(first:1){totalCount} ...F} fragment F on Query{a:ipos(first:2){totalCount}}",
            Code::ValidationFailed,
            "Fields \"a\" conflict because they have differing arguments. Use different aliases on the fields to fetch both \
             if this was intentional.",
        ),
    ] {
        let errors = admit(&mut Request::new(text), true).expect_err(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert_eq!((Code::of(&errors[0]), errors[0].message.as_str()), (Some(code), message), "{text}");
        assert!(errors[0].locations.iter().all(|at| at.line > 0 && at.column > 0), "{errors:?}");
    }
    let variables = (0..1_000).map(|n| format!("$v{n}:Unknown{n}")).collect::<Vec<_>>().join(" ");
    let errors = admit(&mut Request::new(format!("query({variables}){{viewer{{name}}}}")), true).expect_err("types");
    assert_eq!(errors.len(), MOST_ERRORS);
    let fields = (0..1_000).map(|n| format!("name{n}")).collect::<Vec<_>>().join(" ");
    let errors = admit(&mut Request::new(format!("{{viewer{{{fields}}}}}")), true).expect_err("fields");
    assert_eq!(errors.len(), MOST_ERRORS);
    assert_eq!(errors[1].message, "Cannot query field \"name1\" on type \"Viewer\". Did you mean \"name\"?");
    // Many operations that spread one long fragment are many fields.
    let fragment = format!("fragment F on Viewer{{{}}}", "__typename ".repeat(1_900));
    let text = |operations: u32| {
        (0..operations).fold(fragment.clone(), |text, n| text + &format!(" query Q{n}{{viewer{{...F}}}}"))
    };
    assert!(admit(&mut Request::new(text(5)).operation_name("Q1"), true).is_ok());
    let errors = admit(&mut Request::new(text(6)).operation_name("Q1"), true).expect_err("too many");
    assert_eq!(Code::of(&errors[0]), Some(Code::QueryTooComplex));
    let errors = admit(&mut Request::new("{__schema{queryType{name}}}"), false).expect_err("switched off");
    assert_eq!(Code::of(&errors[0]), Some(Code::ValidationFailed));
}
