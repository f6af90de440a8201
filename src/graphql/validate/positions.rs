//! Whether a variable may stand where it does: its type must be what the place takes.

use std::collections::HashSet;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, VariableDefinition};
use async_graphql::{Name, Pos, ServerError, Value as ConstValue};

use super::defaults::Optional;
use crate::graphql::codes::Code;

/// A variable, and the type of the place that it stands in.
#[derive(Debug)]
pub(super) struct Use {
    pub variable: Name,
    pub ty: Type,
    /// Whether the place has a default, so that a variable without a value leaves it to that.
    pub has_default: bool,
    /// Whether it is an argument's whole value.
    pub is_argument: bool,
}

/// What variables stand in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'d> {
    Operation(Option<&'d Name>, &'d OperationDefinition),
    Fragment(&'d Name),
}

/// The variables of a document where they stand.
#[derive(Debug, Default)]
pub(super) struct Positions<'d>(Vec<Within<'d>>);

#[derive(Debug)]
struct Within<'d> {
    scope: Scope<'d>,
    spreads: Vec<&'d Name>,
    uses: Vec<(Use, Pos)>,
}

impl<'d> Positions<'d> {
    /// What comes next stands in this.
    pub(super) fn enter(&mut self, scope: Scope<'d>) {
        self.0.push(Within { scope, spreads: Vec::new(), uses: Vec::new() });
    }

    pub(super) fn spread(&mut self, fragment: &'d Name) {
        if let Some(within) = self.0.last_mut()
            && !within.spreads.contains(&fragment)
        {
            within.spreads.push(fragment);
        }
    }

    pub(super) fn used(&mut self, uses: Vec<Use>, pos: Pos) {
        if let Some(within) = self.0.last_mut() {
            within.uses.extend(uses.into_iter().map(|used| (used, pos)));
        }
    }

    /// What stands where it may not, as much of it as is told; if nothing does, what may only thanks to its place's
    /// default. A variable that no operation defines is the library's to name.
    pub(super) fn check(&self, most: usize) -> Result<Optional, Vec<ServerError>> {
        let mut errors = Vec::new();
        let mut optional = Optional::default();
        for (i, within) in self.0.iter().enumerate() {
            let Scope::Operation(name, operation) = within.scope else { continue };
            if operation.variable_definitions.is_empty() {
                continue;
            }
            let (mut in_arguments, mut elsewhere) = (HashSet::new(), HashSet::new());
            for (used, at) in self.reached(i).into_iter().flat_map(|within| &within.uses) {
                let definition = operation.variable_definitions.iter().find(|d| d.node.name.node == used.variable);
                let Some(definition) = definition else { continue };
                let own = &definition.node.var_type.node;
                if !may_stand(&definition.node, used) {
                    let (name, place) = (&used.variable, &used.ty);
                    let message =
                        format!("Variable \"${name}\" of type \"{own}\" used in position expecting type \"{place}\".");
                    let mut error = Code::ValidationFailed.at(definition.pos, message);
                    error.locations.push(*at);
                    errors.push(error);
                    if errors.len() == most {
                        return Err(errors);
                    }
                }
                if own.nullable && !used.ty.nullable {
                    let key = (name.cloned(), used.variable.clone());
                    if definition.node.default_value.is_none() {
                        optional.names.insert(key.clone());
                    }
                    optional.never_null.insert(key);
                }
                let leavable = used.is_argument && used.has_default;
                if leavable { &mut in_arguments } else { &mut elsewhere }.insert(&used.variable);
            }
            let only = in_arguments.difference(&elsewhere).map(|variable| (name.cloned(), (*variable).clone()));
            optional.only_arguments.extend(only);
        }
        if errors.is_empty() { Ok(optional) } else { Err(errors) }
    }

    /// An operation with the fragments that it spreads, each once.
    fn reached(&self, operation: usize) -> Vec<&Within<'d>> {
        let mut reached = vec![&self.0[operation]];
        let mut at = 0;
        while let Some(within) = reached.get(at).copied() {
            at += 1;
            for name in &within.spreads {
                let fragment = self.0.iter().find(|w| matches!(w.scope, Scope::Fragment(own) if own == *name));
                if let Some(fragment) = fragment
                    && !reached.iter().any(|known| std::ptr::eq(*known, fragment))
                {
                    reached.push(fragment);
                }
            }
        }
        reached
    }
}

/// The specification's `IsVariableUsageAllowed`.
fn may_stand(definition: &VariableDefinition, used: &Use) -> bool {
    let own = &definition.var_type.node;
    if used.ty.nullable || !own.nullable {
        return fits(own, &used.ty);
    }
    let has_value = definition.default_value.as_ref().is_some_and(|value| value.node != ConstValue::Null);
    (has_value || used.has_default) && bases_fit(&own.base, &used.ty.base)
}

fn fits(own: &Type, place: &Type) -> bool {
    (place.nullable || !own.nullable) && bases_fit(&own.base, &place.base)
}

fn bases_fit(own: &BaseType, place: &BaseType) -> bool {
    match (own, place) {
        (BaseType::Named(own), BaseType::Named(place)) => own == place,
        (BaseType::List(own), BaseType::List(place)) => fits(own, place),
        _ => false,
    }
}
