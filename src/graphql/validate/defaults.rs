//! A variable that may be null in a place that may not be, but has a default: the specification leaves such a place to
//! its default where the variable isn't given. The library refuses it, so the document is made into one that it takes.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, ServerError, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::definitions::{DEFINITIONS, root_of};
use crate::graphql::codes::Code;

/// Such variables of a document, each with the operation that defines it.
#[derive(Debug, Default)]
pub struct Optional {
    /// Those and others that stand where null can't be.
    pub(super) never_null: HashSet<(Option<Name>, Name)>,
    pub(super) names: HashSet<(Option<Name>, Name)>,
    /// Variables, these or others, that stand nowhere but in arguments that have defaults.
    pub(super) only_arguments: HashSet<(Option<Name>, Name)>,
}

impl Optional {
    /// Leaves out the arguments whose variables the selected operation isn't given, and has the others be what their places
    /// ask for.
    ///
    /// # Errors
    /// For a variable that is given as null.
    pub fn settle(
        &self,
        document: &mut ExecutableDocument,
        selected: Option<&Name>,
        given: &Variables,
    ) -> Result<(), ServerError> {
        let of_selected = |(operation, _): &&(Option<Name>, Name)| operation.as_ref() == selected;
        let is_null = |name: &&Name| given.get(*name) == Some(&ConstValue::Null);
        let never_null = self.never_null.iter().filter(of_selected).map(|(_, name)| name);
        if let Some(name) = never_null.filter(is_null).min() {
            let message = format!("Variable \"${name}\" is null where null can't be; leave it out for the default.");
            return Err(Code::BadUserInput.refusal(message));
        }
        if self.names.is_empty() {
            return Ok(());
        }
        let of_selected = self.names.iter().filter(of_selected).map(|(_, name)| name);
        let omitted = of_selected.filter(|name| !given.contains_key(*name)).cloned().collect();
        match &mut document.operations {
            DocumentOperations::Single(operation) => self.settle_one(None, &mut operation.node, &omitted),
            DocumentOperations::Multiple(operations) => {
                for (name, operation) in operations {
                    self.settle_one(Some(name), &mut operation.node, &omitted);
                }
            }
        }
        for fragment in document.fragments.values_mut() {
            let on = fragment.node.type_condition.node.on.node.clone();
            leave_out(&mut fragment.node.selection_set.node, &on, &omitted);
        }
        Ok(())
    }

    fn settle_one(&self, operation_name: Option<&Name>, operation: &mut OperationDefinition, omitted: &HashSet<Name>) {
        operation.variable_definitions.retain_mut(|definition| {
            let definition = &mut definition.node;
            let key = (operation_name.cloned(), definition.name.node.clone());
            if self.names.contains(&key) {
                definition.var_type.node.nullable = false;
            }
            // A variable without a use is refused.
            !(omitted.contains(&key.1) && self.only_arguments.contains(&key))
        });
        leave_out(&mut operation.selection_set.node, root_of(operation.ty), omitted);
    }
}

/// Takes out the arguments that have defaults and are these variables. Fields of inputs go by the library's own reading.
fn leave_out(set: &mut SelectionSet, on: &str, omitted: &HashSet<Name>) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                let known = DEFINITIONS.objects.get(on).and_then(|fields| fields.get(field.name.node.as_str()));
                let Some(known) = known else { continue };
                field.arguments.retain(|(name, value)| {
                    let is_omitted = matches!(&value.node, Value::Variable(variable) if omitted.contains(variable));
                    !is_omitted || !known.arguments.iter().any(|a| a.has_default && a.name == name.node.as_str())
                });
                leave_out(&mut field.selection_set.node, &known.leads_to, omitted);
            }
            Selection::InlineFragment(fragment) => {
                let fragment = &mut fragment.node;
                let narrowed = fragment.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                leave_out(&mut fragment.selection_set.node, narrowed.as_deref().unwrap_or(on), omitted);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
