//! Whether fields that answer under one name can be one: the specification's `FieldsInSetCanMerge`. The library looks at
//! each selection by itself; of fields that contradict each other elsewhere it runs the first and tells nobody.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, Selection, SelectionSet, Type};
use async_graphql::{Name, Pos, Positioned, ServerError};

use super::definitions::{DEFINITIONS, Field as Definition};
use crate::graphql::codes::Code;

/// Checks an operation's selections with the fragments that they spread, which are within the bounds on fields.
pub(super) fn check<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    on: &'d str,
) -> Result<(), ServerError> {
    let Some(Conflict { key, reason, at }) = Merging(document).among(&[Part { on, set }], Depth::Whole) else {
        return Ok(());
    };
    let message = format!(
        "Fields \"{key}\" conflict because {reason}. \
         Use different aliases on the fields to fetch both if this was intentional."
    );
    let mut error = Code::ValidationFailed.at(at.0, message);
    error.locations.push(at.1);
    Err(error)
}

/// Two fields that can't be one.
#[derive(Debug)]
struct Conflict<'d> {
    key: &'d str,
    reason: String,
    at: (Pos, Pos),
}

/// How much of two fields must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All of it: they may be the same object's.
    Whole,
    /// What they answer with, as they are different objects'.
    Shape,
}

/// Selections of one type.
#[derive(Clone, Copy)]
pub(super) struct Part<'d> {
    pub on: &'d str,
    pub set: &'d SelectionSet,
}

/// One of the fields that answer under a name.
#[derive(Clone, Copy)]
pub(super) struct Entry<'d> {
    on: &'d str,
    pub field: &'d Positioned<Field>,
    definition: Option<&'static Definition>,
}

impl<'d> Entry<'d> {
    /// What is selected of it.
    pub(super) fn part(self) -> Part<'d> {
        let on = self.definition.map_or("", |definition| definition.leads_to.as_str());
        Part { on, set: &self.field.node.selection_set.node }
    }

    pub(super) fn is_list(self) -> bool {
        self.definition.is_some_and(|definition| matches!(definition.ty.base, BaseType::List(_)))
    }
}

struct Merging<'d>(&'d ExecutableDocument);

impl<'d> Merging<'d> {
    /// The first conflict among selections that answer as one object, or as objects in one place.
    fn among(&self, parts: &[Part<'d>], depth: Depth) -> Option<Conflict<'d>> {
        groups(self.0, parts).into_iter().find_map(|(key, group)| match (group.as_slice(), depth) {
            ([only], Depth::Whole) => self.among(&[only.part()], Depth::Whole),
            ([_], Depth::Shape) => None,
            (group, Depth::Whole) => self.same_objects(key, group).or_else(|| {
                let is_one = group.iter().all(|entry| entry.on == group[0].on);
                // Of one type they have one definition, and all of it was compared.
                if is_one { None } else { self.same_shape(key, group) }
            }),
            (group, Depth::Shape) => self.same_shape(key, group),
        })
    }

    /// A conflict of fields that may be the same object's: of one type, or of one that may be any.
    fn same_objects(&self, key: &'d str, group: &[Entry<'d>]) -> Option<Conflict<'d>> {
        let is_any = |entry: &Entry<'_>| DEFINITIONS.interfaces.contains(entry.on);
        let mut types: Vec<&str> = Vec::new();
        for entry in group {
            if !is_any(entry) && !types.contains(&entry.on) {
                types.push(entry.on);
            }
        }
        if types.is_empty() {
            types.push("");
        }
        types.into_iter().find_map(|on| {
            let together: Vec<Entry<'d>> = group.iter().filter(|e| e.on == on || is_any(e)).copied().collect();
            let (first, others) = together.split_first()?;
            let one = &first.field.node;
            for other in others {
                let (name, other_name) = (&one.name.node, &other.field.node.name.node);
                let reason = if name != other_name {
                    format!("\"{name}\" and \"{other_name}\" are different fields")
                } else if !have_same_arguments(one, &other.field.node) {
                    "they have differing arguments".to_owned()
                } else {
                    continue;
                };
                return Some(Conflict { key, reason, at: (first.field.pos, other.field.pos) });
            }
            self.beneath(key, &together, Depth::Whole)
        })
    }

    /// A conflict of what fields answer with.
    fn same_shape(&self, key: &'d str, group: &[Entry<'d>]) -> Option<Conflict<'d>> {
        let (first, others) = group.split_first()?;
        for other in others {
            if let (Some(one), Some(two)) = (first.definition, other.definition)
                && !fit(&one.ty, &two.ty)
            {
                let reason = format!("they return conflicting types \"{}\" and \"{}\"", one.ty, two.ty);
                return Some(Conflict { key, reason, at: (first.field.pos, other.field.pos) });
            }
        }
        self.beneath(key, group, Depth::Shape)
    }

    fn beneath(&self, key: &'d str, group: &[Entry<'d>], depth: Depth) -> Option<Conflict<'d>> {
        let parts: Vec<Part<'d>> = group.iter().map(|entry| entry.part()).collect();
        let inner = self.among(&parts, depth)?;
        let [first, .., last] = group else { return Some(inner) };
        let reason = format!("subfields \"{}\" conflict because {}", inner.key, inner.reason);
        Some(Conflict { key, reason, at: (first.field.pos, last.field.pos) })
    }
}

/// The fields of some selections with their fragments spread, by the name that they answer under.
pub(super) fn groups<'d>(document: &'d ExecutableDocument, parts: &[Part<'d>]) -> Vec<(&'d str, Vec<Entry<'d>>)> {
    let mut groups: Vec<(&'d str, Vec<Entry<'d>>)> = Vec::new();
    let mut places: HashMap<&'d str, usize> = HashMap::new();
    let mut spread: HashSet<&'d Name> = HashSet::new();
    let mut open: Vec<Part<'d>> = parts.iter().rev().copied().collect();
    while let Some(Part { on, set }) = open.pop() {
        let before = open.len();
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let fields = DEFINITIONS.objects.get(on);
                    let definition = fields.and_then(|fields| fields.get(field.node.name.node.as_str()));
                    let key = field.node.response_key().node.as_str();
                    let place = *places.entry(key).or_insert_with(|| {
                        groups.push((key, Vec::new()));
                        groups.len() - 1
                    });
                    groups[place].1.push(Entry { on, field, definition });
                }
                Selection::InlineFragment(fragment) => {
                    let narrowed = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    open.push(Part { on: narrowed.unwrap_or(on), set: &fragment.node.selection_set.node });
                }
                Selection::FragmentSpread(named) => {
                    let name = &named.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && spread.insert(name)
                    {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        open.push(Part { on, set: &fragment.node.selection_set.node });
                    }
                }
            }
        }
        // They are taken from the end.
        open[before..].reverse();
    }
    groups
}

fn have_same_arguments(one: &Field, two: &Field) -> bool {
    one.arguments.len() == two.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| two.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}

/// The specification's `SameResponseShape` of two types.
fn fit(one: &Type, two: &Type) -> bool {
    one.nullable == two.nullable
        && match (&one.base, &two.base) {
            (BaseType::Named(one), BaseType::Named(two)) => {
                let is_composite = |name: &Name| DEFINITIONS.objects.contains_key(name.as_str());
                one == two || (is_composite(one) && is_composite(two))
            }
            (BaseType::List(one), BaseType::List(two)) => fit(one, two),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn refusal(text: &str) -> Option<String> {
        let document = parse_query(text).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let refused = check(&document, &operation.node.selection_set.node, "Query").err();
        refused.map(|error| {
            assert_eq!(error.locations.len(), 2, "{text}");
            error.message
        })
    }

    #[test]
    fn fields_of_one_name_that_differ_are_refused_wherever_they_stand() {
        let differ = "\"name\" and \"role\" are different fields";
        for (text, reason) in [
            ("{viewer{name name:role}}", format!("\"name\" conflict because {differ}")),
            (
                "{viewer{a:name} viewer{a:role}}",
                format!("\"viewer\" conflict because subfields \"a\" conflict because {differ}"),
            ),
            (
                "{viewer{a:name} ...{viewer{a:role}}}",
                format!("\"viewer\" conflict because subfields \"a\" conflict because {differ}"),
            ),
            (
                "{a:ipos(first:1){totalCount} ...F} fragment F on Query{a:ipos(first:2){totalCount}}",
                "\"a\" conflict because they have differing arguments".to_owned(),
            ),
            (
                "query($n:Int,$m:Int){ipos(first:$n){totalCount} ipos(first:$m){totalCount}}",
                "\"ipos\" conflict because they have differing arguments".to_owned(),
            ),
            (
                "{viewer{name} viewer:models{name}}",
                "\"viewer\" conflict because \"viewer\" and \"models\" are different fields".to_owned(),
            ),
            (
                "{nodes(ids:[]){id ...on Ipo{id:name}}}",
                "\"id\" conflict because \"id\" and \"name\" are different fields".to_owned(),
            ),
            (
                "{nodes(ids:[]){...on Ipo{x:name} ...on Symbol{x:barCount}}}",
                "\"x\" conflict because they return conflicting types \"String!\" and \"Int!\"".to_owned(),
            ),
            (
                "{nodes(ids:[]){...on Backtest{symbol{x:ticker}} ...on Prediction{symbol{x:barCount}}}}",
                "\"symbol\" conflict because subfields \"x\" conflict because they return conflicting types \"String!\" and \"Int!\""
                    .to_owned(),
            ),
        ] {
            let refusal = refusal(text).expect(text);
            assert!(refusal.starts_with(&format!("Fields {reason}. Use different aliases")), "{text}: {refusal}");
        }
    }

    #[test]
    fn fields_that_say_the_same_or_are_of_different_objects_are_one() {
        for text in [
            "{viewer{name} viewer{role name}}",
            "{ipos(first:1 filter:{search:\"a\" status:[OPEN]}){totalCount} ...{ipos(filter:{status:[OPEN] search:\"a\"} first:1){nodes{id}}}}",
            "{...F ...F viewer{name}} fragment F on Query{viewer{name}}",
            "{nodes(ids:[]){...on Ipo{x:name} ...on Symbol{x:ticker}}}",
            "{nodes(ids:[]){id ...on Ipo{id} ...on Backtest{symbol{ticker}} ...on Prediction{symbol{ticker}}}}",
            "{nodes(ids:[]){__typename ...on Ipo{__typename}}}",
            "{nothing{a b} nothing{c}}",
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }
}
