//! What the specification asks of a request and the library leaves out or words in its own way: which operation is
//! meant, its variables and literal values, unknown directives wherever they stand, and the one root field of a
//! subscription. The library's own validation comes after.

mod defaults;
mod definitions;
mod merging;
mod paths;
mod positions;
mod roots;
mod suggestion;
mod typenames;
mod values;
mod words;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
    VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned, ServerError, Variables};
use async_graphql_value::Value;

use super::codes::Code;
use definitions::{Argument, DEFINITIONS, innermost, root_of};
use positions::{Positions, Scope};
use values::{Mismatch, Origin, Path};

pub use defaults::Optional;
pub use paths::complete as complete_paths;
pub use roots::inline as single_root;
pub use typenames::wrap as wrap_typenames;
pub use words::standard as standard_words;

/// Errors that one answer tells.
const MOST_ERRORS: usize = 20;

/// Checks a document by itself. Answers with the variables that it must be settled for.
///
/// # Errors
/// All that is wrong, up to a bound.
pub fn document(document: &ExecutableDocument) -> Result<Optional, Vec<ServerError>> {
    let mut walk = Walk { document, positions: Positions::default(), unknown: Vec::new(), errors: Vec::new() };
    walk.document();
    if walk.errors.is_empty() { walk.positions.check(MOST_ERRORS) } else { Err(walk.errors) }
}

/// The operation that is meant.
///
/// # Errors
/// When there is none of the name, or none is named among several.
pub fn selected<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<(Option<&'d Name>, &'d Positioned<OperationDefinition>), ServerError> {
    let refused = |message: String| Code::OperationResolutionFailed.refusal(message);
    let mut operations = document.operations.iter();
    match name {
        Some(name) => {
            let found = operations.find(|(given, _)| given.is_some_and(|given| given == name));
            let short: String = name.chars().take(80).collect();
            found.ok_or_else(|| refused(format!("Unknown operation named \"{short}\".")))
        }
        None if operations.len() > 1 => {
            Err(refused("Must provide operation name if query contains multiple operations.".to_owned()))
        }
        None => operations.next().ok_or_else(|| refused("Must provide an operation.".to_owned())),
    }
}

/// Checks the variables that are given, and fills in the defaults of the others.
///
/// # Errors
/// All that is wrong, up to a bound.
pub fn variables(operation: &OperationDefinition, given: &Variables) -> Result<Variables, Vec<ServerError>> {
    let mut variables = Variables::default();
    let mut errors = Vec::new();
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let ty = &definition.node.var_type.node;
        let holder = format!("Variable \"${name}\"");
        let refused = |message: String| Code::BadUserInput.at(definition.pos, message);
        match (given.get(name), &definition.node.default_value) {
            (None, Some(default)) => {
                variables.insert(name.clone(), default.node.clone());
            }
            (None, None) if !ty.nullable => {
                errors.push(refused(format!("{holder} of required type \"{ty}\" was not provided.")));
            }
            (None, None) => {}
            (Some(async_graphql::Value::Null), _) if !ty.nullable => {
                errors.push(refused(format!("{holder} of non-null type \"{ty}\" must not be null.")));
            }
            (Some(value), _) => {
                match values::check(ty, &value.clone().into_value(), Origin::Json, &mut Path::default()) {
                    Ok(()) => {
                        variables.insert(name.clone(), value.clone());
                    }
                    Err(fault) if fault.is_file => {
                        errors.push(Code::UploadMapInvalid.at(definition.pos, fault.sentence(&holder, name)));
                    }
                    Err(fault) => errors.push(refused(fault.sentence(&holder, name))),
                }
            }
        }
        if errors.len() == MOST_ERRORS {
            break;
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

/// The directives that an operation may have, which are the specification's.
const CONDITIONS: [&str; 2] = ["skip", "include"];
/// Those that only definitions have.
const OF_DEFINITIONS: [&str; 3] = ["deprecated", "specifiedBy", "oneOf"];

struct Walk<'d> {
    document: &'d ExecutableDocument,
    positions: Positions<'d>,
    /// Fields that their types don't have, as many as are told and one more.
    unknown: Vec<(Pos, &'d str, String)>,
    errors: Vec<ServerError>,
}

impl<'d> Walk<'d> {
    fn document(&mut self) {
        for (name, operation) in self.document.operations.iter() {
            let OperationDefinition { ty, variable_definitions, directives, selection_set } = &operation.node;
            let place = match ty {
                OperationType::Query => "QUERY",
                OperationType::Mutation => "MUTATION",
                OperationType::Subscription => "SUBSCRIPTION",
            };
            self.positions.enter(Scope::Operation(name, &operation.node));
            self.none_here(directives, place);
            for variable in variable_definitions {
                self.none_here(&variable.node.directives, "VARIABLE_DEFINITION");
                self.type_of(&variable.node);
                if let Some(default) = &variable.node.default_value {
                    let holder = format!("Variable \"${}\"", variable.node.name.node);
                    let (ty, value) = (&variable.node.var_type.node, default.node.clone().into_value());
                    self.value(&holder, &variable.node.name.node, ty, false, &value, default.pos);
                }
            }
            if *ty == OperationType::Subscription
                && let Err(error) = roots::check(self.document, name, operation)
            {
                self.refuse(error);
            }
            self.selections(&selection_set.node, root_of(*ty));
            if let Err(error) = merging::check(self.document, &selection_set.node, root_of(*ty)) {
                self.refuse(error);
            }
        }
        for (name, fragment) in &self.document.fragments {
            self.positions.enter(Scope::Fragment(name));
            self.none_here(&fragment.node.directives, "FRAGMENT_DEFINITION");
            let on = fragment.node.type_condition.node.on.node.as_str();
            self.selections(&fragment.node.selection_set.node, on);
        }
        self.too_many_unknown();
    }

    /// The library tells of unknown fields, and looks for names near to each of them, however many there are. Where they are
    /// more than are told, it isn't asked.
    fn too_many_unknown(&mut self) {
        if self.unknown.len() <= MOST_ERRORS {
            return;
        }
        for (pos, name, on) in std::mem::take(&mut self.unknown).into_iter().take(MOST_ERRORS) {
            let known = DEFINITIONS.objects.get(&on).into_iter().flat_map(|fields| fields.keys());
            let meant = suggestion::of(name, known.map(String::as_str));
            let short: String = name.chars().take(80).collect();
            let message = format!("Cannot query field \"{short}\" on type \"{on}\".{meant}");
            self.refuse(Code::ValidationFailed.at(pos, message));
        }
    }

    /// Whether no more errors are told: what words them looks for names that are near, which takes time for each.
    fn is_full(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    fn refuse(&mut self, error: ServerError) {
        if !self.is_full() {
            self.errors.push(error);
        }
    }

    /// The type of a variable must be one that a value can have.
    fn type_of(&mut self, variable: &VariableDefinition) {
        let VariableDefinition { name, var_type, .. } = variable;
        let of = innermost(&var_type.node).as_str();
        if self.is_full() || DEFINITIONS.inputs.contains_key(of) || DEFINITIONS.scalars.contains(of) {
            return;
        }
        let message = if DEFINITIONS.objects.contains_key(of) {
            format!("Variable \"${}\" cannot be non-input type \"{}\".", name.node, var_type.node)
        } else {
            let short: String = of.chars().take(80).collect();
            let known = DEFINITIONS.inputs.keys().chain(&DEFINITIONS.scalars);
            let meant = suggestion::of(of, known.map(String::as_str));
            format!("Unknown type \"{short}\".{meant}")
        };
        self.refuse(Code::ValidationFailed.at(var_type.pos, message));
    }

    /// Directives where the schema has none.
    fn none_here(&mut self, directives: &[Positioned<Directive>], place: &str) {
        for directive in directives {
            let name: String = directive.node.name.node.chars().take(80).collect();
            let is_known = CONDITIONS.contains(&name.as_str()) || OF_DEFINITIONS.contains(&name.as_str());
            let message = if is_known {
                format!("Directive \"@{name}\" may not be used on {place}.")
            } else {
                format!("Unknown directive \"@{name}\".")
            };
            self.refuse(Code::ValidationFailed.at(directive.pos, message));
        }
    }

    /// Directives of a selection.
    fn conditions(&mut self, directives: &[Positioned<Directive>], place: &str) {
        for (i, directive) in directives.iter().enumerate() {
            let name = directive.node.name.node.as_str();
            if directives[..i].iter().any(|before| before.node.name.node == name) {
                let name: String = name.chars().take(80).collect();
                let message = format!("The directive \"@{name}\" can only be used once at this location.");
                self.refuse(Code::ValidationFailed.at(directive.pos, message));
                continue;
            }
            if !CONDITIONS.contains(&name) {
                self.none_here(std::slice::from_ref(directive), place);
                continue;
            }
            let boolean = Type::new("Boolean!");
            if let (Some(value), Some(ty)) = (directive.node.get_argument("if"), boolean) {
                self.value(&format!("Argument \"if\" of \"@{name}\""), "if", &ty, false, &value.node, value.pos);
            } else {
                let message = format!(
                    "Directive \"@{name}\" argument \"if\" of type \"Boolean!\" is required, but it was not provided."
                );
                self.refuse(Code::ValidationFailed.at(directive.pos, message));
            }
        }
    }

    fn selections(&mut self, set: &'d SelectionSet, on: &str) {
        for selection in &set.items {
            let place = match &selection.node {
                Selection::Field(_) => "FIELD",
                Selection::FragmentSpread(_) => "FRAGMENT_SPREAD",
                Selection::InlineFragment(_) => "INLINE_FRAGMENT",
            };
            self.conditions(selection.node.directives(), place);
            match &selection.node {
                Selection::Field(field) if field.node.name.node == "__typename" => self.typename(field, on),
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let of = DEFINITIONS.objects.get(on);
                    let Some(definition) = of.and_then(|fields| fields.get(name)) else {
                        if of.is_some() && !name.starts_with("__") && self.unknown.len() <= MOST_ERRORS {
                            self.unknown.push((field.pos, name, on.to_owned()));
                        }
                        // The library names what isn't there; directives within it are looked at all the same.
                        self.selections(&field.node.selection_set.node, "");
                        continue;
                    };
                    for (argument, value) in &field.node.arguments {
                        self.argument(argument, value, on, name, &definition.arguments);
                    }
                    self.required(field, &definition.arguments);
                    self.selections(&field.node.selection_set.node, &definition.leads_to);
                }
                Selection::InlineFragment(fragment) => {
                    let narrowed = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    self.selections(&fragment.node.selection_set.node, narrowed.unwrap_or(on));
                }
                Selection::FragmentSpread(spread) => self.positions.spread(&spread.node.fragment_name.node),
            }
        }
    }

    /// The one field that every object has.
    fn typename(&mut self, field: &Positioned<Field>, on: &str) {
        for (name, _) in &field.node.arguments {
            let short: String = name.node.chars().take(80).collect();
            let message = format!("Unknown argument \"{short}\" on field \"{on}.__typename\".");
            self.refuse(Code::ValidationFailed.at(name.pos, message));
        }
        if !field.node.selection_set.node.items.is_empty() {
            let message = "Field \"__typename\" must not have a selection since type \"String!\" has no subfields.";
            self.refuse(Code::ValidationFailed.at(field.pos, message));
        }
    }

    fn argument(
        &mut self,
        name: &Positioned<Name>,
        value: &Positioned<Value>,
        on: &str,
        field: &str,
        known: &[Argument],
    ) {
        if let Some(argument) = known.iter().find(|argument| argument.name == name.node.as_str()) {
            let holder = format!("Argument \"{}\"", argument.name);
            self.value(&holder, &argument.name, &argument.ty, argument.has_default, &value.node, value.pos);
            return;
        }
        if self.is_full() {
            return;
        }
        let short: String = name.node.chars().take(80).collect();
        let meant = suggestion::of(&name.node, known.iter().map(|argument| argument.name.as_str()));
        let message = format!("Unknown argument \"{short}\" on field \"{on}.{field}\".{meant}");
        self.refuse(Code::ValidationFailed.at(name.pos, message));
    }

    fn required(&mut self, field: &Positioned<Field>, known: &[Argument]) {
        for Argument { name, ty, .. } in known.iter().filter(|a| !a.ty.nullable && !a.has_default) {
            if field.node.get_argument(name).is_none() {
                let of = &field.node.name.node;
                let message = format!(
                    "Field \"{of}\" argument \"{name}\" of type \"{ty}\" is required, but it was not provided."
                );
                self.refuse(Code::ValidationFailed.at(field.pos, message));
            }
        }
    }

    fn value(&mut self, holder: &str, name: &str, ty: &Type, has_default: bool, value: &Value, pos: Pos) {
        if self.is_full() {
            return;
        }
        let mut path = Path::default();
        if let Err(fault) = values::check(ty, value, Origin::Text, &mut path) {
            let Mismatch { is_content, .. } = fault;
            let code = if is_content { Code::BadUserInput } else { Code::ValidationFailed };
            self.refuse(code.at(pos, fault.sentence(holder, name)));
        }
        if let (Value::Variable(_), [only]) = (value, path.uses.as_mut_slice()) {
            only.has_default = has_default;
            only.is_argument = true;
        }
        self.positions.used(path.uses, pos);
    }
}

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;
