//! Who may do what, asked of every field of the schema's roots with every role: a new field that isn't in the lists
//! below fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Client, Database, TestApp};

const DONE_BY_ADMINS: [&str; 8] = [
    "createIpo",
    "createToken",
    "deleteIpo",
    "resolveDataIssue",
    "restoreIpo",
    "revokeToken",
    "setDefaultModel",
    "updateIpo",
];
const DONE_BY_OPERATORS: [&str; 20] = [
    "addSymbol",
    "cancelJob",
    "deleteBacktest",
    "deleteModel",
    "deletePrediction",
    "deleteSweep",
    "importPrices",
    "nameBacktest",
    "nameSweep",
    "predict",
    "previewImport",
    "refreshIpos",
    "refreshMarket",
    "refreshSymbols",
    "removeSymbol",
    "renameModel",
    "retryJob",
    "runBacktest",
    "sweepBacktests",
    "trainModel",
];
const READ_BY_ADMINS: [&str; 5] = ["apiTokens", "auditEvents", "deletedIpos", "token", "tokens"];
const READ_BY_ALL: [&str; 24] = [
    "backtest",
    "backtests",
    "compareBacktests",
    "corporateActions",
    "dataIssue",
    "dataIssues",
    "ipo",
    "ipoStatistics",
    "ipos",
    "job",
    "jobs",
    "marketDays",
    "model",
    "models",
    "node",
    "nodes",
    "prediction",
    "predictions",
    "pricesUnavailableReason",
    "sweep",
    "sweeps",
    "symbol",
    "symbols",
    "viewer",
];
const FOLLOWED_BY_ALL: [&str; 3] = ["ipoChanged", "jobUpdated", "refreshCompleted"];

/// Of inputs that take exactly one field, the one to give.
const CHOICES: [(&str, &str); 3] = [("ConditionInput", "compare"), ("IpoBy", "id"), ("OperandInput", "atr")];

const ROOTS: [(&str, &str); 3] = [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];

/// What the schema tells of its roots, its inputs and its enums.
struct Schema(BTreeMap<String, Value>);

impl Schema {
    async fn read(client: &Client) -> Self {
        let names = client.data("{ __schema { types { name kind } } }", json!({})).await;
        let mut types = BTreeMap::new();
        for entry in names["__schema"]["types"].as_array().expect("types") {
            let name = entry["name"].as_str().expect("a name").to_owned();
            let of = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
            let what = match entry["kind"].as_str() {
                Some("OBJECT") if ROOTS.iter().any(|(_, root)| *root == name) => {
                    format!("fields(includeDeprecated: true) {{ name {of} args {{ name defaultValue {of} }} }}")
                }
                Some("INPUT_OBJECT") => format!("inputFields {{ name defaultValue {of} }}"),
                Some("ENUM") if !name.starts_with("__") => "enumValues { name }".to_owned(),
                _ => continue,
            };
            let read = client.data(&format!("{{ __type(name: \"{name}\") {{ {what} }} }}"), json!({})).await;
            types.insert(name, read["__type"].clone());
        }
        Self(types)
    }

    fn fields(&self, root: &str) -> &[Value] {
        self.0[root]["fields"].as_array().expect("fields")
    }

    /// An operation that asks for one field with what it must be given.
    fn operation(&self, kind: &str, field: &Value) -> String {
        let arguments = self.given(&field["args"]);
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let file = if arguments.contains("$file") { "($file: Upload!)" } else { "" };
        let leaf = ["SCALAR", "ENUM"].contains(&core(&field["type"]).2);
        let selection = if leaf { "" } else { "{ __typename }" };
        format!("{kind}{file} {{ {}{arguments} {selection} }}", field["name"].as_str().expect("a name"))
    }

    /// Values for those of these inputs that must be given.
    fn given(&self, inputs: &Value) -> String {
        let must = |input: &&Value| input["type"]["kind"] == "NON_NULL" && input["defaultValue"].is_null();
        let inputs = inputs.as_array().into_iter().flatten().filter(must);
        inputs.map(|input| self.named(input)).collect::<Vec<_>>().join(", ")
    }

    fn named(&self, input: &Value) -> String {
        format!("{}: {}", input["name"].as_str().expect("a name"), self.value(&input["type"]))
    }

    /// Some value of a type.
    fn value(&self, of: &Value) -> String {
        let (is_list, name, kind) = core(of);
        let one = match (name, kind) {
            ("Upload", _) => "$file".to_owned(),
            ("Int" | "BigInt" | "Float", _) => "1".to_owned(),
            ("Boolean", _) => "false".to_owned(),
            ("Date", _) => "\"2024-01-02\"".to_owned(),
            ("DateTime", _) => "\"2024-01-02T00:00:00Z\"".to_owned(),
            ("Decimal", _) => "\"1\"".to_owned(),
            (_, "ENUM") => self.0[name]["enumValues"][0]["name"].as_str().expect("a value").to_owned(),
            (_, "INPUT_OBJECT") => {
                let fields = &self.0[name]["inputFields"];
                let chosen = CHOICES.iter().find(|(input, _)| *input == name).map(|(_, field)| {
                    let field = fields.as_array().expect("fields").iter().find(|f| f["name"] == *field);
                    self.named(field.expect("the chosen field"))
                });
                format!("{{ {} }}", chosen.unwrap_or_else(|| self.given(fields)))
            }
            _ => "\"X\"".to_owned(),
        };
        if is_list { format!("[{one}]") } else { one }
    }
}

/// Whether a type is a list, and the name and kind of what is in it.
fn core(of: &Value) -> (bool, &str, &str) {
    let (mut at, mut is_list) = (of, false);
    while at["ofType"].is_object() {
        is_list |= at["kind"] == "LIST";
        at = &at["ofType"];
    }
    (is_list, at["name"].as_str().expect("a name"), at["kind"].as_str().expect("a kind"))
}

/// The code of the error that an operation ends in.
async fn code(client: &Client, operation: &str) -> String {
    let answer = if operation.contains("$file") {
        client.upload(operation, json!({"file": null}), "date,open,high,low,close,volume\n").await
    } else {
        client.graphql(operation, json!({})).await
    };
    assert!(answer.is_object(), "{operation}: {answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_is_open_to_those_it_is_meant_for_and_to_nobody_else() {
    let app = TestApp::start(Database::Sqlite).await;
    let schema = Schema::read(&app.admin).await;
    let mut asked = BTreeSet::new();
    for (kind, root) in ROOTS {
        for field in schema.fields(root) {
            let name = field["name"].as_str().expect("a name");
            let least = match kind {
                "mutation" if DONE_BY_ADMINS.contains(&name) => 3,
                "mutation" if DONE_BY_OPERATORS.contains(&name) => 2,
                "query" if READ_BY_ADMINS.contains(&name) => 3,
                "query" if READ_BY_ALL.contains(&name) => 0,
                "subscription" if FOLLOWED_BY_ALL.contains(&name) => 0,
                _ => panic!("who may {name}? Say so in tests/it/roles.rs"),
            };
            asked.insert(name.to_owned());
            let operation = schema.operation(kind, field);
            for (rank, client) in [&app.anonymous, &app.reader, &app.operator, &app.admin].into_iter().enumerate() {
                let code = code(client, &operation).await;
                // A refusal of its text would say nothing of who may.
                assert_ne!(code, "GRAPHQL_VALIDATION_FAILED", "{operation}");
                match (rank >= least, rank) {
                    (true, _) => {
                        assert!(!["UNAUTHENTICATED", "FORBIDDEN"].contains(&&*code), "{rank} {operation}: {code}");
                    }
                    (false, 0) => assert_eq!(code, "UNAUTHENTICATED", "{operation}"),
                    (false, _) => assert_eq!(code, "FORBIDDEN", "{rank} {operation}"),
                }
            }
        }
    }
    let known = DONE_BY_ADMINS.iter().chain(&DONE_BY_OPERATORS).chain(&READ_BY_ADMINS).chain(&READ_BY_ALL);
    let gone: Vec<_> = known.chain(&FOLLOWED_BY_ALL).filter(|name| !asked.contains(**name)).collect();
    assert!(gone.is_empty(), "the schema has no {gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_reading_needs_a_token_nothing_is_read_done_or_followed_without() {
    let app = TestApp::start_with(Database::Sqlite, &[("REQUIRE_TOKEN_TO_READ", "true")]).await;
    let schema = Schema::read(&app.reader).await;
    for (kind, root) in ROOTS {
        for field in schema.fields(root) {
            let operation = schema.operation(kind, field);
            assert_eq!(code(&app.anonymous, &operation).await, "UNAUTHENTICATED", "{operation}");
        }
    }
}
