use async_graphql::parser::parse_query;
use serde_json::json;

use super::*;
use crate::graphql::limits::SHAPES;

fn checked(text: &str) -> Result<u64, OperationError> {
    with(text, json!({}))
}

fn with(text: &str, variables: serde_json::Value) -> Result<u64, OperationError> {
    let variables = Variables::from_json(variables);
    check(&parse_query(text).expect("a document"), &variables, &SHAPES, true).map(|cost| cost.units)
}

#[test]
fn fragments_that_double_are_counted_without_walking_them() {
    let mut text = String::from("{...f0}");
    for i in 0..60 {
        text += &format!(" fragment f{i} on Query {{...f{} ...f{}}}", i + 1, i + 1);
    }
    text += " fragment f60 on Query {viewer{name}}";
    assert_eq!(checked(&text), Err(OperationError::Fields(MOST_FIELDS)));
}

#[test]
fn a_page_costs_what_it_may_hold() {
    let page = |n: &str| checked(&format!("{{ipos(first:{n}){{nodes{{name ticker}}}}}}")).expect("a cost");
    assert_eq!(page("-399"), page("1"));
    assert_eq!(page("100000"), page("500"));
    assert!(page("500") > 100 * page("2"));
    let text = "query($n:Int=7){ipos(first:$n){nodes{name ticker}}}";
    assert_eq!(with(text, json!({"n": 500})).expect("a cost"), page("500"));
    assert_eq!(checked(text).expect("a cost"), page("7"));
    assert!(matches!(
        checked("{symbols(first:500){nodes{backtests(first:500){nodes{id}}}}}"),
        Err(OperationError::Cost(_))
    ));
}

#[test]
fn long_arguments_cost_wherever_they_are_asked_with() {
    let statuses = json!({"s": vec!["OPEN"; 19_000]});
    let aliases = |n: usize| {
        (0..n).fold(String::new(), |text, i| text + &format!("a{i}:ipos(filter:{{status:$s}}){{totalCount}} "))
    };
    let query = |n: usize| format!("query($s:[IpoStatus!]){{{}}}", aliases(n));
    let (one, ten) =
        (with(&query(1), statuses.clone()).expect("a cost"), with(&query(10), statuses.clone()).expect("a cost"));
    assert!(one > 3_800 && ten == 10 * one, "{one} {ten}");
    assert!(matches!(with(&query(90), statuses), Err(OperationError::Cost(_))));
    let default = format!("query($s:[IpoStatus!]=[{}]){{{}}}", "OPEN ".repeat(5_000), aliases(1));
    assert!(checked(&default).expect("a cost") - with(&query(1), json!({"s": ["OPEN"]})).expect("a cost") >= 1_000);
}

#[test]
fn what_reads_a_whole_table_costs_it_and_is_known() {
    let of = |text: &str, variables| {
        let variables = Variables::from_json(variables);
        check(&parse_query(text).expect("a document"), &variables, &SHAPES, true).expect("a cost")
    };
    let plain = of("{ipos{totalCount}}", json!({}));
    assert!(!plain.scans && plain.units < 100);
    for (text, variables) in [
        ("{ipos(filter:{search:\"a\"}){totalCount}}", json!({})),
        ("query($s:String){ipos(filter:{search:$s}){totalCount}}", json!({"s": "a"})),
        ("query($f:IpoFilter){ipos(filter:$f){totalCount}}", json!({"f": {"search": "a"}})),
        ("query($f:IpoFilter={search:\"a\"}){...q} fragment q on Query{ipos(filter:$f){totalCount}}", json!({})),
        ("{ipoStatistics{count}}", json!({})),
    ] {
        let cost = of(text, variables);
        assert!(cost.scans && cost.units >= SCAN, "{text}");
    }
    assert!(!of("query($s:String){ipos(filter:{search:$s}){totalCount}}", json!({"s": null})).scans);
    let many = |n: usize, field: &str| {
        let fields = (0..n).fold(String::new(), |text, i| text + &format!("a{i}:{field} "));
        checked(&format!("{{{fields}}}"))
    };
    assert!(many(8, "ipoStatistics{count}").is_ok());
    assert_eq!(many(9, "ipoStatistics{count}"), Err(OperationError::Scans));
    assert_eq!(many(9, "dataIssues(filter:{search:\"a\"}){totalCount}"), Err(OperationError::Scans));
    assert_eq!(many(9, "auditEvents(filter:{action:\"a\"}){totalCount}"), Err(OperationError::Scans));
    // Whatever is filtered by columns costs more than its page, and is among the large operations if it's many.
    let filtered = many(40, "jobs(filter:{kind:SWEEP}){totalCount}").expect("a cost");
    assert!(filtered > crate::graphql::limits::budget::LARGE_COST);
}

#[test]
fn circles_aliases_roots_depth_and_introspection_have_bounds() {
    assert_eq!(checked("{...a} fragment a on Query {...b} fragment b on Query {...a}"), Err(OperationError::Circular));
    let aliases: String = (0..301).fold(String::new(), |text, i| text + &format!("a{i}:name "));
    assert_eq!(checked(&format!("{{viewer{{{aliases}}}}}")), Err(OperationError::Aliases));
    let roots: String = (0..101).fold(String::new(), |text, i| text + &format!("a{i}:viewer{{name}} "));
    assert_eq!(checked(&format!("{{{roots}}}")), Err(OperationError::Roots));
    assert_eq!(checked(&format!("{}a{}", "{a".repeat(21), "}".repeat(21))), Err(OperationError::Depth));
    assert_eq!(checked("{__schema{types{fields{type{fields{name}}}}}}"), Err(OperationError::Introspection));
    assert_eq!(
        checked("{__type(name:\"Node\"){possibleTypes{interfaces{possibleTypes{name}}}}}"),
        Err(OperationError::Introspection)
    );
    assert!(checked("{__type(name:\"Node\"){possibleTypes{interfaces{name}}}}").is_ok());
    // As clients send it: lists within lists, ten levels of them, at each place where there is a type.
    let mut reference = String::from("kind name");
    for _ in 0..9 {
        reference = format!("kind name ofType{{{reference}}}");
    }
    let standard = format!(
        "{{__schema{{queryType{{name}} types{{...Full}} directives{{name locations args{{...Input}}}}}}}}
         fragment Full on __Type{{kind name description fields(includeDeprecated:true){{name description args{{...Input}}
         type{{...Ref}} isDeprecated deprecationReason}} inputFields{{...Input}} interfaces{{...Ref}}
         enumValues(includeDeprecated:true){{name description isDeprecated deprecationReason}} possibleTypes{{...Ref}}}}
         fragment Input on __InputValue{{name description type{{...Ref}} defaultValue}}
         fragment Ref on __Type{{{reference}}}"
    );
    let cost = checked(&standard).expect("a cost");
    assert!((10_000..40_000).contains(&cost), "{cost}");
    let text = "{a:__schema{queryType{name}} b:__schema{queryType{name}} c:__schema{queryType{name}} d:__schema{queryType{name}}}";
    assert_eq!(checked(text), Err(OperationError::Introspection));
}
