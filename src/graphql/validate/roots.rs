//! The one root field of a subscription.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};

use crate::graphql::codes::Code;

/// Checks that a subscription asks for one field, by itself or through fragments, and under no condition.
pub(super) fn check(
    document: &ExecutableDocument,
    name: Option<&Name>,
    operation: &Positioned<OperationDefinition>,
) -> Result<(), ServerError> {
    let who = name.map_or_else(|| "Anonymous Subscription".to_owned(), |name| format!("Subscription \"{name}\""));
    let refused = |message: &str| Err(Code::ValidationFailed.at(operation.pos, format!("{who} {message}")));
    let mut fields = Vec::new();
    let mut spread = Vec::new();
    if !collect(document, &operation.node.selection_set.node, &mut fields, &mut spread) {
        return refused("must not use \"@skip\" or \"@include\" directives in the top level selection.");
    }
    if fields.iter().any(|field| field.node.name.node.starts_with("__")) {
        return refused("must not select an introspection top level field.");
    }
    let mut keys: Vec<&Name> = fields.iter().map(|field| &field.node.response_key().node).collect();
    keys.dedup();
    if keys.len() > 1 { refused("must select only one top level field.") } else { Ok(()) }
}

/// The fields of a selection with its fragments spread, each fragment once; whether none of them has a condition.
fn collect<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    fields: &mut Vec<&'d Positioned<Field>>,
    spread: &mut Vec<&'d Name>,
) -> bool {
    set.items.iter().all(|selection| {
        let inner = match &selection.node {
            Selection::Field(field) => {
                fields.push(field);
                None
            }
            Selection::InlineFragment(fragment) => Some(&fragment.node.selection_set.node),
            Selection::FragmentSpread(named) => {
                let name = &named.node.fragment_name.node;
                let fragment = document.fragments.get(name).filter(|_| !spread.contains(&name));
                spread.push(name);
                fragment.map(|fragment| &fragment.node.selection_set.node)
            }
        };
        let is_plain =
            !selection.node.directives().iter().any(|d| ["skip", "include"].contains(&d.node.name.node.as_str()));
        is_plain && inner.is_none_or(|set| collect(document, set, fields, spread))
    })
}

/// A subscription's document with its root field where the library looks for it, once and outside of fragments; nothing if
/// it is there already.
#[must_use]
pub fn inline(document: &ExecutableDocument) -> Option<ExecutableDocument> {
    let is_hidden = |operation: &OperationDefinition| {
        operation.ty == OperationType::Subscription
            && !matches!(operation.selection_set.node.items.as_slice(), [only] if matches!(only.node, Selection::Field(_)))
    };
    if !document.operations.iter().any(|(_, operation)| is_hidden(&operation.node)) {
        return None;
    }
    let flat = |operation: &mut Positioned<OperationDefinition>| {
        if is_hidden(&operation.node) {
            let mut fields = Vec::new();
            collect(document, &operation.node.selection_set.node, &mut fields, &mut Vec::new());
            // All of them are one field, as was checked: what each selects of it is selected together.
            let merged = fields.into_iter().cloned().reduce(|mut one, other| {
                one.node.selection_set.node.items.extend(other.node.selection_set.node.items);
                one
            });
            let items = merged.into_iter().map(|field| Positioned::new(Selection::Field(field.clone()), field.pos));
            operation.node.selection_set.node.items = items.collect();
        }
    };
    let mut flattened = document.clone();
    match &mut flattened.operations {
        DocumentOperations::Single(operation) => flat(operation),
        DocumentOperations::Multiple(operations) => operations.values_mut().for_each(flat),
    }
    // Fragments that stood for the root alone are spread nowhere now; one that never was stays, to be refused.
    let (before, after) = (spread_in(document), spread_in(&flattened));
    flattened.fragments.retain(|name, _| after.contains(name) || !before.contains(name));
    Some(flattened)
}

/// The fragments that the operations spread, by others or by themselves.
fn spread_in(document: &ExecutableDocument) -> HashSet<Name> {
    let mut found = HashSet::new();
    let mut sets: Vec<&SelectionSet> =
        document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node).collect();
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => sets.push(&field.node.selection_set.node),
                Selection::InlineFragment(fragment) => sets.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && found.insert(name.clone())
                    {
                        sets.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    found
}
