use async_graphql::Request;
use serde_json::json;

use super::*;
use crate::graphql::limits::admit;

/// What a request is refused with: codes and sentences.
fn refused(text: &str, variables: serde_json::Value) -> Vec<(&'static str, String)> {
    let mut request = Request::new(text).variables(Variables::from_json(variables));
    let errors = admit(&mut request, true).expect_err("refused");
    let told = |error: ServerError| {
        assert!(error.locations.iter().all(|at| at.line > 0 && at.column > 0), "{error:?}");
        (Code::of(&error).expect("a code").name(), error.message)
    };
    errors.into_iter().map(told).collect()
}

fn one(text: &str, variables: serde_json::Value) -> (&'static str, String) {
    let mut errors = refused(text, variables);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

const INPUT: &str = "mutation($input:CreateIpoInput!){createIpo(input:$input){ipo{id}}}";

#[test]
fn a_variables_error_names_it_its_value_and_the_place_in_it() {
    for (text, variables, message) in [
        (
            "query($t:String!){symbol(ticker:$t){name}}",
            json!({}),
            "Variable \"$t\" of required type \"String!\" was not provided.",
        ),
        (
            "query($t:String!){symbol(ticker:$t){name}}",
            json!({"t": null}),
            "Variable \"$t\" of non-null type \"String!\" must not be null.",
        ),
        (
            "query($t:String!){symbol(ticker:$t){name}}",
            json!({"t": 5}),
            "Variable \"$t\" got invalid value 5; String cannot represent a non string value: 5",
        ),
        (
            "query($n:Int){ipos(first:$n){totalCount}}",
            json!({"n": 2_147_483_648_i64}),
            "Variable \"$n\" got invalid value 2147483648; Int cannot represent non 32-bit signed integer value: 2147483648",
        ),
        (
            "query($n:Int){ipos(first:$n){totalCount}}",
            json!({"n": 1.5}),
            "Variable \"$n\" got invalid value 1.5; Int cannot represent non-integer value: 1.5",
        ),
        (
            "query($s:[IpoStatus!]){ipos(filter:{status:$s}){totalCount}}",
            json!({"s": ["OPEN", "OPENED"]}),
            "Variable \"$s\" got invalid value \"OPENED\" at \"s[1]\"; Value \"OPENED\" does not exist in \"IpoStatus\" enum. Did you mean \"OPEN\"?",
        ),
        (
            INPUT,
            json!({"input": {"name": "Acme", "exchange": "LSE"}}),
            "Variable \"$input\" got invalid value \"LSE\" at \"input.exchange\"; Value \"LSE\" does not exist in \"Exchange\" enum. Did you mean \"BSE\" or \"NSE\"?",
        ),
        (
            INPUT,
            json!({"input": {"exchange": "NSE"}}),
            "Variable \"$input\" got invalid value {exchange: \"NSE\"}; Field \"name\" of required type \"String!\" was not provided.",
        ),
        (
            INPUT,
            json!({"input": {"name": "A", "exchange": "NSE", "lotsize": 1}}),
            "Variable \"$input\" got invalid value {exchange: \"NSE\", lotsize: 1, name: \"A\"}; Field \"lotsize\" is not defined by type \"CreateIpoInput\". Did you mean \"lotSize\"?",
        ),
        (
            INPUT,
            json!({"input": {"name": "A", "exchange": "NSE", "issuePrice": 71.5}}),
            "Variable \"$input\" got invalid value 71.5 at \"input.issuePrice\"; 71.5 is a number, which may be rounded: write it as a string, \"71.5\"",
        ),
        (
            INPUT,
            json!({"input": {"name": "A", "exchange": "NSE", "openDate": "2026-02-30"}}),
            "Variable \"$input\" got invalid value \"2026-02-30\" at \"input.openDate\"; \"2026-02-30\" is not a date such as \"2026-11-20\"",
        ),
        (
            "query($by:IpoBy!){ipo(by:$by){id}}",
            json!({"by": {"id": "x", "listing": null}}),
            "Variable \"$by\" got invalid value {id: \"x\", listing: null}; Exactly one key must be specified for OneOf type \"IpoBy\".",
        ),
        (
            "query($by:IpoBy!){ipo(by:$by){id}}",
            json!({"by": {"id": null}}),
            "Variable \"$by\" got invalid value {id: null}; Field \"id\" must be non-null.",
        ),
        (
            "query($by:IpoBy!){ipo(by:$by){id}}",
            json!({"by": "x"}),
            "Variable \"$by\" got invalid value \"x\"; Expected type \"IpoBy\" to be an object.",
        ),
    ] {
        assert_eq!(one(text, variables), ("BAD_USER_INPUT", message.to_owned()), "{text}");
    }
    let both = refused("query($a:Int!,$b:Int!){ipos(first:$a,last:$b){totalCount}}", json!({"a": "x"}));
    assert_eq!(both.len(), 2, "every variable is told: {both:?}");
}

#[test]
fn a_literals_error_names_the_argument_and_the_place() {
    for (text, code, message) in [
        (
            "{ipo(by:{listing:{exchange:LSE,ticker:\"X\"}}){id}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Argument \"by\" got invalid value LSE at \"by.listing.exchange\"; Value \"LSE\" does not exist in \"Exchange\" enum. Did you mean \"BSE\" or \"NSE\"?",
        ),
        (
            "{ipo(by:{listing:{exchange:\"NSE\",ticker:\"X\"}}){id}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Argument \"by\" got invalid value \"NSE\" at \"by.listing.exchange\"; Enum \"Exchange\" cannot represent non-enum value: \"NSE\". Did you mean the enum value NSE?",
        ),
        (
            "{ipos(first:\"x\"){totalCount}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Argument \"first\" got invalid value \"x\"; Int cannot represent non-integer value: \"x\"",
        ),
        (
            "{symbol(ticker:null){name}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Argument \"ticker\" got invalid value null; Expected non-nullable type \"String!\" not to be null.",
        ),
        (
            "{ipos(filter:{openFrom:\"yesterday\"}){totalCount}}",
            "BAD_USER_INPUT",
            "Argument \"filter\" got invalid value \"yesterday\" at \"filter.openFrom\"; \"yesterday\" is not a date such as \"2026-11-20\"",
        ),
        (
            "{symbol{name}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Field \"symbol\" argument \"ticker\" of type \"String!\" is required, but it was not provided.",
        ),
        (
            "{ipos(frist:1){totalCount}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Unknown argument \"frist\" on field \"Query.ipos\". Did you mean \"first\"?",
        ),
        (
            "query($n:Int=\"x\"){ipos(first:$n){totalCount}}",
            "GRAPHQL_VALIDATION_FAILED",
            "Variable \"$n\" got invalid value \"x\"; Int cannot represent non-integer value: \"x\"",
        ),
    ] {
        assert_eq!(one(text, json!({})), (code, message.to_owned()), "{text}");
    }
}

#[test]
fn unknown_directives_are_refused_wherever_they_stand() {
    for text in [
        "query @aa {viewer{name}}",
        "query($t:Int @aa){ipos(first:$t){totalCount}}",
        "{viewer @aa {name}}",
        "{__typename @aa}",
        "{viewer{__typename @aa}}",
        "{... @aa {viewer{name}}}",
        "{...F @aa} fragment F on Query {viewer{name}}",
        "{...F} fragment F on Query @aa {viewer{name}}",
        "{viewer{nonsense{__typename @aa}}}",
    ] {
        assert_eq!(
            one(text, json!({})),
            ("GRAPHQL_VALIDATION_FAILED", "Unknown directive \"@aa\".".to_owned()),
            "{text}"
        );
    }
    let (code, message) = one("query @skip(if:true) {viewer{name}}", json!({}));
    assert_eq!(
        (code, message.as_str()),
        ("GRAPHQL_VALIDATION_FAILED", "Directive \"@skip\" may not be used on QUERY.")
    );
    let (_, message) = one("{__typename @skip}", json!({}));
    assert!(message.contains("argument \"if\" of type \"Boolean!\" is required"), "{message}");
    let (_, message) = one("{__typename @skip(if:\"yes\")}", json!({}));
    assert!(message.contains("Boolean cannot represent a non boolean value: \"yes\""), "{message}");
}

#[test]
fn a_subscription_has_one_root_field() {
    for text in [
        "subscription{jobUpdated{id} ipoChanged{change}}",
        "subscription{a:jobUpdated{id} b:jobUpdated{id}}",
        "subscription S{...F} fragment F on Subscription{jobUpdated{id} ipoChanged{change}}",
        "subscription{jobUpdated{id} ... on Subscription{ipoChanged{change}}}",
    ] {
        let (code, message) = one(text, json!({}));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        assert!(message.ends_with("must select only one top level field."), "{text}: {message}");
    }
    let (_, message) = one("subscription($s:Boolean!){jobUpdated @skip(if:$s){id}}", json!({"s": false}));
    assert!(message.contains("must not use \"@skip\""), "{message}");
    let (_, message) = one("subscription{__typename}", json!({}));
    assert!(message.contains("introspection"), "{message}");
}

#[test]
fn a_variable_stands_only_where_its_type_may() {
    for (text, message) in [
        (
            "query($t:Int){symbol(ticker:$t){id}}",
            "Variable \"$t\" of type \"Int\" used in position expecting type \"String!\".",
        ),
        (
            "query($t:String){symbol(ticker:$t){id}}",
            "Variable \"$t\" of type \"String\" used in position expecting type \"String!\".",
        ),
        (
            "query($b:Boolean){viewer @include(if:$b){name}}",
            "Variable \"$b\" of type \"Boolean\" used in position expecting type \"Boolean!\".",
        ),
        (
            "query($s:IpoStatus){ipos(filter:{status:$s}){totalCount}}",
            "Variable \"$s\" of type \"IpoStatus\" used in position expecting type \"[IpoStatus!]\".",
        ),
        (
            "query($s:IpoStatus){ipos(filter:{status:[OPEN,$s]}){totalCount}}",
            "Variable \"$s\" of type \"IpoStatus\" used in position expecting type \"IpoStatus!\".",
        ),
        (
            "query($id:ID){ipo(by:{id:$id}){id}}",
            "Variable \"$id\" of type \"ID\" used in position expecting type \"ID!\".",
        ),
        (
            "query A($t:Int){...F} query B($t:String!){...F} fragment F on Query{...G} fragment G on Query{symbol(ticker:$t){id}}",
            "Variable \"$t\" of type \"Int\" used in position expecting type \"String!\".",
        ),
    ] {
        let mut request = Request::new(text).variables(Variables::from_json(json!({"t": 1, "b": true})));
        if text.contains("query A") {
            request = request.operation_name("B");
        }
        let errors = admit(&mut request, true).expect_err("refused");
        assert_eq!((errors.len(), errors[0].message.as_str()), (1, message), "{text}");
        assert_eq!((Code::of(&errors[0]), errors[0].locations.len()), (Some(Code::ValidationFailed), 2), "{text}");
    }
    for text in [
        "query($t:String=\"X\"){symbol(ticker:$t){id}}",
        "query($s:[IpoStatus!]!){ipos(filter:{status:$s}){totalCount}}",
        "query($s:IpoStatus!){ipos(filter:{status:[$s]}){totalCount}}",
        "query($n:Int){ipos(first:$n){totalCount}}",
    ] {
        let given = json!({"s": "OPEN"});
        assert!(admit(&mut Request::new(text).variables(Variables::from_json(given)), true).is_ok(), "{text}");
    }
}

#[test]
fn an_input_object_has_each_field_once() {
    let (code, message) = one("{\n ipos(filter:{search:\"a\", search:\"b\"}){totalCount}}", json!({}));
    assert_eq!(
        (code, message.as_str()),
        ("GRAPHQL_VALIDATION_FAILED", "There can be only one input field named \"search\".")
    );
    let mut request = Request::new("{\n ipos(filter:{search:\"a\", search:\"b\"}){totalCount}}");
    let errors = admit(&mut request, true).expect_err("refused");
    assert_eq!(errors[0].locations, [async_graphql::Pos { line: 2, column: 27 }]);
}

#[test]
fn a_subscriptions_root_is_found_in_fragments_and_merged() {
    for text in [
        "subscription{...F} fragment F on Subscription{jobUpdated{id state}}",
        "subscription{... on Subscription{jobUpdated{id state}}}",
        "subscription{jobUpdated{id} jobUpdated{state}}",
    ] {
        let mut request = Request::new(text);
        let admitted = admit(&mut request, true).expect("admitted");
        assert_eq!(admitted.kind, OperationType::Subscription);
        let document = request.parsed_query().expect("parsed");
        let (_, operation) = document.operations.iter().next().expect("one");
        let [only] = operation.node.selection_set.node.items.as_slice() else { panic!("{text}") };
        let Selection::Field(field) = &only.node else { panic!("{text}") };
        assert_eq!(field.node.selection_set.node.items.len(), 2, "{text}");
        assert!(document.fragments.is_empty(), "{text}");
    }
}

#[test]
fn the_operation_is_found_by_its_name() {
    let two = "query A{viewer{name}} query B{viewer{role}}";
    let (code, message) = one(two, json!({}));
    assert_eq!(code, "OPERATION_RESOLUTION_FAILED");
    assert_eq!(message, "Must provide operation name if query contains multiple operations.");
    let mut request = Request::new(two).operation_name("C");
    let errors = admit(&mut request, true).expect_err("refused");
    assert_eq!(errors[0].message, "Unknown operation named \"C\".");
    assert!(admit(&mut Request::new(two).operation_name("B"), true).is_ok());
}

#[test]
fn defaults_are_filled_in_and_what_is_right_passes() {
    let text = "query($n:Int=7,$by:IpoBy!,$ids:[ID!]!,$hide:Boolean=true){ipos(first:$n){totalCount} ipo(by:$by){id} \
                nodes(ids:$ids){id} viewer @skip(if:$hide){name}}";
    let given = json!({"by": {"listing": {"exchange": "NSE", "ticker": "X"}}, "ids": "one", "unused": {"a": 1}});
    let mut request = Request::new(text).variables(Variables::from_json(given));
    admit(&mut request, true).expect("admitted");
    assert_eq!(request.variables.get(&Name::new("n")), Some(&async_graphql::value!(7)));
    assert_eq!(request.variables.get(&Name::new("hide")), Some(&async_graphql::value!(true)));
    assert_eq!(request.variables.get(&Name::new("unused")), None);
}

#[test]
fn typename_is_a_field_like_any_other() {
    for (text, message) in [
        (
            "{__typename @skip(if:false) @skip(if:true)}",
            "The directive \"@skip\" can only be used once at this location.",
        ),
        (
            "{viewer @skip(if:false) @skip(if:true){name}}",
            "The directive \"@skip\" can only be used once at this location.",
        ),
        ("{__typename(a:1)}", "Unknown argument \"a\" on field \"Query.__typename\"."),
        ("{__typename{a}}", "Field \"__typename\" must not have a selection since type \"String!\" has no subfields."),
    ] {
        assert_eq!(one(text, json!({})), ("GRAPHQL_VALIDATION_FAILED", message.to_owned()), "{text}");
    }
}

#[tokio::test]
async fn a_variable_may_stand_in_a_condition_on_typename_alone() {
    let schema = crate::graphql::schema(None);
    let run = async |text: &str, variables: serde_json::Value| {
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        admit(&mut request, true).expect("admitted");
        schema.execute(request).await
    };
    let text = "query($hide:Boolean!){a:__typename @skip(if:$hide) b:__typename @include(if:$hide) viewer{__typename @skip(if:$hide)}}";
    for (hide, data) in [
        (true, json!({"b": "Query", "viewer": {}})),
        (false, json!({"a": "Query", "viewer": {"__typename": "Viewer"}})),
    ] {
        let response = run(text, json!({"hide": hide})).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        assert_eq!(response.data.into_json().expect("JSON"), data);
    }
    let undefined = run("{__typename @skip(if:$nope)}", json!({})).await;
    assert!(undefined.errors[0].message.contains("\"$nope\" is not defined"), "{:?}", undefined.errors);
}

/// The library's own validation, with all that would read skipped.
async fn taken(text: &str, operation: Option<&str>, variables: serde_json::Value) -> Result<Request, String> {
    let mut request = Request::new(text).variables(Variables::from_json(variables));
    request.operation_name = operation.map(str::to_owned);
    admit(&mut request, true).map_err(|errors| errors[0].message.clone())?;
    let mut again = Request::new("").variables(request.variables.clone());
    again.operation_name.clone_from(&request.operation_name);
    again.set_parsed_query(request.parsed_query().expect("parsed").clone());
    let response = crate::graphql::schema(None).execute(again).await;
    assert!(response.errors.is_empty(), "{text}: {:?}", response.errors);
    Ok(request)
}

#[tokio::test]
async fn a_variable_that_may_be_null_stands_where_there_is_a_default() {
    let bare = "query($i:Interval){symbol(ticker:\"A\") @skip(if:true){series(interval:$i){length}}}";
    let both = "query($i:Interval){symbol(ticker:\"A\") @skip(if:true){series(interval:$i){length} weeks:prices(interval:$i){totalCount}}}";
    let field = "query($d:OrderDirection){ipos(orderBy:[{field:NAME,direction:$d}]) @skip(if:true){totalCount}}";
    let shared = "query A($i:Interval){...F} query B($i:Interval!){...F} query C($i:Interval){viewer{name} ...F} \
                  fragment F on Query{symbol(ticker:\"A\") @skip(if:true){series(interval:$i){length}}}";
    for (text, operation, name, value) in [
        (bare, None, "i", "WEEK"),
        (both, None, "i", "MONTH"),
        (field, None, "d", "DESC"),
        (shared, Some("A"), "i", "WEEK"),
        (shared, Some("B"), "i", "WEEK"),
        (shared, Some("C"), "i", "DAY"),
    ] {
        taken(text, operation, json!({name: value})).await.expect("a value");
        if operation == Some("B") {
            continue;
        }
        let request = taken(text, operation, json!({})).await.expect("no value");
        assert_eq!(request.variables.get(&Name::new(name)), None);
        let told = taken(text, operation, json!({name: null})).await.expect_err("null");
        assert!(told.contains("leave it out for the default"), "{told}");
    }
    let told = taken("query($t:String){symbol(ticker:$t){name}}", None, json!({})).await.expect_err("no default");
    assert!(told.contains("used in position expecting"), "{told}");
}

#[tokio::test]
async fn a_file_s_handle_stands_in_no_text_however_it_is_spelled() {
    for handle in ["#__graphql_file__:0", "\\u0023__graphql_file__:0", "\\u{23}__graphql_f\\u{69}le__:0"] {
        for text in [
            format!("mutation{{importPrices(input:{{ticker:\"A\",file:\"{handle}\"}}){{job{{id}}}}}}"),
            format!("mutation($f:Upload!=\"{handle}\"){{importPrices(input:{{ticker:\"A\",file:$f}}){{job{{id}}}}}}"),
        ] {
            assert_eq!(one(&text, json!({})).0, "UPLOAD_HANDLE_FORGED", "{text}");
        }
    }
    assert_eq!(one("{ipos(filter:{search:\"\\u{00}\"}){totalCount}}", json!({})).0, "BAD_USER_INPUT");
}
