//! From a mutation to the lines of the audit trail that tell of it, whichever way it came.

use async_graphql::parser::types::{OperationType, Selection};
use async_graphql::{Request as GraphQLRequest, Response as GraphQLResponse, Value};
use serde_json::Value as Json;

use crate::actions::{Caller, Credential};
use crate::graphql::Code;
use crate::store::Deed;

/// Research that is run and stored tells of itself, and there may be much of it.
const TELL_OF_THEMSELVES: [&str; 4] = ["runBacktest", "sweepBacktests", "predict", "previewImport"];
/// Bytes of arguments that are kept.
const LONGEST_ARGUMENTS: usize = 2_000;
/// Lines that one operation may write.
const MOST_DEEDS: usize = 100;

/// A field of a mutation, as it was asked for.
pub(super) struct Asked {
    /// Its name in the answer.
    key: String,
    action: String,
    arguments: Json,
    /// Whether the trail has no line of it.
    tells_of_itself: bool,
}

/// What a mutation asks for that the trail tells of; nothing of other operations, and nothing from callers without a token.
pub(super) fn asked(caller: &Caller, kind: Option<OperationType>, request: &mut GraphQLRequest) -> Vec<Asked> {
    if kind != Some(OperationType::Mutation) || caller.credential == Credential::None {
        return Vec::new();
    }
    let (wanted, variables) = (request.operation_name.clone(), request.variables.clone());
    let Ok(document) = request.parsed_query() else { return Vec::new() };
    let mut operations = document.operations.iter();
    let fits = |name: Option<&async_graphql::Name>| wanted.is_none() || name.map(ToString::to_string) == wanted;
    let Some((_, operation)) = operations.find(|(name, _)| fits(*name)) else { return Vec::new() };
    // A variable that was left out has its default.
    let value_of = |name: &async_graphql::Name| {
        let definition =
            operation.node.variable_definitions.iter().find(|definition| definition.node.name.node == *name);
        let default =
            || definition.and_then(|definition| definition.node.default_value.as_ref().map(|v| v.node.clone()));
        Ok::<Value, ()>(variables.get(name).cloned().or_else(default).unwrap_or_default())
    };
    let mut asked = Vec::new();
    // In the order in which they run.
    let mut sets = vec![operation.node.selection_set.node.items.iter()];
    while let Some(set) = sets.last_mut() {
        match set.next().map(|selection| &selection.node) {
            None => drop(sets.pop()),
            Some(Selection::Field(field)) => {
                let action = field.node.name.node.to_string();
                let tells_of_itself = TELL_OF_THEMSELVES.contains(&action.as_str()) || action.starts_with("__");
                let arguments = field.node.arguments.iter().filter(|_| !tells_of_itself).filter_map(|(name, value)| {
                    let value = value.node.clone().into_const_with(|name| value_of(&name)).ok()?;
                    Some((name.node.to_string(), value.into_json().unwrap_or_default()))
                });
                let arguments = Json::Object(arguments.collect());
                let key = field.node.response_key().node.to_string();
                asked.push(Asked { key, action, arguments, tells_of_itself });
            }
            Some(Selection::InlineFragment(fragment)) => sets.push(fragment.node.selection_set.node.items.iter()),
            Some(Selection::FragmentSpread(spread)) => {
                let fragment = document.fragments.get(&spread.node.fragment_name.node);
                sets.extend(fragment.map(|fragment| fragment.node.selection_set.node.items.iter()));
            }
        }
    }
    if asked.iter().all(|asked| asked.tells_of_itself) { Vec::new() } else { asked }
}

/// The lines of what was asked for, once it's answered.
pub(super) fn deeds(caller: &Caller, mut asked: Vec<Asked>, response: &GraphQLResponse) -> Vec<Deed> {
    asked.truncate(begun(&asked, response));
    let deed = |asked: Asked| {
        let Asked { key, action, arguments, .. } = asked;
        let answer = match &response.data {
            Value::Object(data) => data.get(key.as_str()).and_then(|answer| answer.clone().into_json().ok()),
            _ => None,
        };
        let error = response.errors.iter().find(|error| {
            let first = error.path.first();
            first.is_none_or(|segment| matches!(segment, async_graphql::PathSegment::Field(name) if *name == key))
        });
        let mistake = answer.as_ref().and_then(|answer| answer.pointer("/userErrors/0"));
        let outcome = match (error, mistake) {
            (Some(error), _) => Code::of(error).map_or("BAD_USER_INPUT", Code::name).to_owned(),
            (None, Some(mistake)) => mistake.get("code").and_then(Json::as_str).unwrap_or("INVALID").to_owned(),
            (None, None) => "OK".to_owned(),
        };
        let named = |keys: &[&str]| keys.iter().find_map(|key| argument(&arguments, key));
        let made = || answer.as_ref().and_then(made);
        let object = named(&["id", "ticker"]).or_else(made).or_else(|| named(&["name"]));
        let text = arguments.to_string();
        let arguments = if text.len() > LONGEST_ARGUMENTS {
            format!("{}…", &text[..text.floor_char_boundary(LONGEST_ARGUMENTS)])
        } else {
            text
        };
        let address = Some(caller.address.to_string());
        Deed { token: caller.name.clone(), address, action, object, arguments, outcome }
    };
    asked.into_iter().filter(|asked| !asked.tells_of_itself).take(MOST_DEEDS).map(deed).collect()
}

/// How many of the fields have been begun: they run one after the other, and an error that leaves no data ends them. Of what
/// was refused as a whole, one line tells.
fn begun(asked: &[Asked], response: &GraphQLResponse) -> usize {
    let Some(error) = response.errors.first().filter(|_| response.data == Value::Null) else { return asked.len() };
    match error.path.first() {
        Some(async_graphql::PathSegment::Field(name)) => {
            asked.iter().position(|asked| asked.key == *name).map_or(asked.len(), |last| last + 1)
        }
        _ if Code::of(error) == Some(Code::Timeout) => asked.len(),
        _ => 1,
    }
}

/// A text among the arguments, or in the input that is one of them.
fn argument(arguments: &Json, key: &str) -> Option<String> {
    let places = [Some(arguments), arguments.get("input")];
    places.into_iter().flatten().find_map(|place| place.get(key)?.as_str().map(str::to_owned))
}

/// The id of what the answer shows, one level below the payload.
fn made(answer: &Json) -> Option<String> {
    answer.as_object()?.values().find_map(|value| value.get("id")?.as_str()).map(str::to_owned)
}
