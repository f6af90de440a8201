//! What an operation comes to once its fragments are spread, counted with each fragment walked once: a text whose
//! fragments double at every step is counted as quickly as any other.

use std::collections::HashMap;
use std::fmt;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Value, Variables};
use async_graphql_value::Value as Written;

use super::shape::{FILTERED, FieldShape, Growth, SCAN, Shapes};
use super::variables;
use crate::graphql::codes::Code;

/// Units that an operation may cost: about one for each value that its answer may hold.
pub const COSTLIEST: u64 = 60_000;
/// Fields of an operation with its fragments spread.
pub const MOST_FIELDS: u64 = 2_000;
/// Fields of all operations of a document together: each is validated, whichever is run.
pub const MOST_FIELDS_IN_ALL: u64 = 10_000;
/// The same where the schema itself is asked for.
pub const MOST_SCHEMA_FIELDS: u64 = 600;
/// What a field costs there beside the values that it may answer with.
const SCHEMA_FIELD: u64 = 10;
/// Levels of fields; what the deepest useful query needs, twice.
pub const DEEPEST: u64 = 20;
/// Fields under another name.
pub const MOST_ALIASES: u64 = 300;
/// Fields at the root of an operation.
pub const MOST_ROOTS: u64 = 100;
/// Operations and fragments in one document.
pub const MOST_DEFINITIONS: usize = 100;
/// Statements of one operation that read whole tables.
pub const MOST_SCANS: u64 = 8;
/// `__schema` and `__type` in one operation.
pub const MOST_INTROSPECTIONS: u64 = 3;
/// Lists in introspection that lead from types to types, and so back again, within each other.
pub const DEEPEST_CIRCLE: u64 = 2;
/// Rows in a page where the caller doesn't say, and at most.
pub const DEFAULT_PAGE: u64 = 50;
pub const LARGEST_PAGE: u64 = 500;
/// Values of arguments that cost a unit.
const VALUES_PER_UNIT: u64 = 5;

/// Which bound an operation passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationError {
    Fields(u64),
    Depth,
    Aliases,
    Roots,
    Definitions,
    Scans,
    Circular,
    Introspection,
    IntrospectionOff,
    Cost(u64),
}

impl OperationError {
    /// What kind of refusal it is: some are no bounds, and looked at here because the bounds need it.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Circular | Self::IntrospectionOff => Code::ValidationFailed,
            _ => Code::QueryTooComplex,
        }
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(most) => {
                write!(f, "With fragments spread there are more than {most} fields; ask for less at a time")
            }
            Self::Depth => write!(f, "The operation is nested too deep: fields may lie {DEEPEST} levels deep"),
            Self::Aliases => write!(f, "The operation gives more than {MOST_ALIASES} fields another name"),
            Self::Roots => write!(f, "The operation has more than {MOST_ROOTS} fields at its root"),
            Self::Definitions => write!(f, "The document has more than {MOST_DEFINITIONS} operations and fragments"),
            Self::Scans => write!(
                f,
                "The operation searches or sums up whole tables more than {MOST_SCANS} times; ask for less at a time"
            ),
            Self::Circular => write!(f, "A fragment may not spread itself, nor by way of others"),
            Self::Introspection => write!(
                f,
                "Introspection may ask {MOST_INTROSPECTIONS} times for __schema or __type, with {DEEPEST_CIRCLE} lists \
                 that lead from types to types within each other"
            ),
            Self::IntrospectionOff => write!(f, "Introspection is switched off here; /schema.graphql has the schema"),
            Self::Cost(cost) => write!(
                f,
                "The operation may cost {cost} units, of which {COSTLIEST} are allowed: ask for shorter pages or fewer fields"
            ),
        }
    }
}

/// What an operation may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub units: u64,
    /// Whether it has statements that read whole tables.
    pub scans: bool,
    /// Whether it asks for the schema itself, which is answered at one go.
    pub introspects: bool,
}

/// Checks every operation of a document for its form, and answers with the cost of the dearest.
///
/// # Errors
/// The first bound that is passed.
pub fn check(
    document: &ExecutableDocument,
    variables: &Variables,
    shapes: &Shapes,
    introspection: bool,
) -> Result<Cost, OperationError> {
    if document.operations.iter().count() + document.fragments.len() > MOST_DEFINITIONS {
        return Err(OperationError::Definitions);
    }
    let given = variables.iter().map(|(name, value)| (name.as_str(), variables::count([value]) as u64)).collect();
    let mut walk = Walk {
        document,
        variables,
        shapes,
        defaults: HashMap::new(),
        given,
        sizes: HashMap::new(),
        known: HashMap::new(),
        schema: SchemaPlace::default(),
        spreading: Vec::new(),
    };
    let mut dearest = Cost::default();
    let mut fields = 0;
    for (_, operation) in document.operations.iter() {
        let extent = walk.operation(&operation.node)?;
        fields += extent.fields;
        if fields > MOST_FIELDS_IN_ALL {
            return Err(OperationError::Fields(MOST_FIELDS_IN_ALL));
        }
        if extent.introspections > 0 && !introspection {
            return Err(OperationError::IntrospectionOff);
        }
        dearest.units = dearest.units.max(extent.cost);
        dearest.scans |= extent.scans > 0;
        dearest.introspects |= extent.introspections > 0;
    }
    // A fragment that nothing spreads is refused by validation, which walks it first.
    for fragment in document.fragments.values() {
        let on = fragment.node.type_condition.node.on.node.as_str();
        walk.selections(&fragment.node.selection_set.node, on)?;
    }
    if dearest.units > COSTLIEST { Err(OperationError::Cost(dearest.units)) } else { Ok(dearest) }
}

/// What a selection set comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    cost: u64,
    /// Statements that read whole tables.
    scans: u64,
    fields: u64,
    aliases: u64,
    /// Fields at its own level.
    width: u64,
    depth: u64,
    introspections: u64,
    circle: u64,
}

impl Extent {
    fn beside(&mut self, other: Self) -> Result<(), OperationError> {
        self.cost = self.cost.saturating_add(other.cost);
        self.scans = self.scans.saturating_add(other.scans);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.width = self.width.saturating_add(other.width);
        self.introspections = self.introspections.saturating_add(other.introspections);
        self.depth = self.depth.max(other.depth);
        self.circle = self.circle.max(other.circle);
        if self.fields > MOST_FIELDS {
            return Err(OperationError::Fields(MOST_FIELDS));
        }
        if self.aliases > MOST_ALIASES {
            return Err(OperationError::Aliases);
        }
        if self.depth > DEEPEST { Err(OperationError::Depth) } else { Ok(()) }
    }
}

/// Where in an introspection a field stands.
#[derive(Debug, Clone, Copy, Default)]
struct SchemaPlace {
    /// Whether all types are asked for, or one.
    types: bool,
    /// How many levels of `ofType` are around.
    wrapped: u32,
}

impl SchemaPlace {
    /// About how many entries a list of the schema has: of all types one by one, or of the largest one.
    fn rows(self, name: &str) -> u64 {
        let (each, largest) = match name {
            "types" => return 200,
            "fields" => (4, 40),
            "inputFields" | "enumValues" => (1, 20),
            "possibleTypes" => (1, 10),
            "directives" => return 8,
            _ => return 1,
        };
        if self.types { each } else { largest }
    }
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    shapes: &'d Shapes,
    /// The defaults of the operation that is walked.
    defaults: HashMap<&'d str, &'d Value>,
    /// How many values the variables hold that are given.
    given: HashMap<&'d str, u64>,
    /// How many its own variables hold.
    sizes: HashMap<&'d str, u64>,
    known: HashMap<&'d Name, Extent>,
    schema: SchemaPlace,
    spreading: Vec<&'d Name>,
}

impl<'d> Walk<'d> {
    fn operation(&mut self, operation: &'d OperationDefinition) -> Result<Extent, OperationError> {
        self.defaults = operation
            .variable_definitions
            .iter()
            .filter_map(|v| Some((v.node.name.node.as_str(), &v.node.default_value.as_ref()?.node)))
            .collect();
        self.sizes.clone_from(&self.given);
        for (name, default) in &self.defaults {
            self.sizes.entry(name).or_insert_with(|| variables::count([*default]) as u64);
        }
        // Another operation's defaults may make the same fragment dearer.
        self.known.clear();
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let mut extent = self.selections(&operation.selection_set.node, root)?;
        if extent.width > MOST_ROOTS {
            return Err(OperationError::Roots);
        }
        if extent.scans > MOST_SCANS {
            return Err(OperationError::Scans);
        }
        if extent.introspections > 0 {
            if extent.introspections > MOST_INTROSPECTIONS || extent.circle > DEEPEST_CIRCLE {
                return Err(OperationError::Introspection);
            }
            if extent.fields > MOST_SCHEMA_FIELDS {
                return Err(OperationError::Fields(MOST_SCHEMA_FIELDS));
            }
            extent.cost = extent.cost.saturating_add(extent.fields * SCHEMA_FIELD);
        }
        Ok(extent)
    }

    fn selections(&mut self, set: &'d SelectionSet, on: &str) -> Result<Extent, OperationError> {
        let mut sum = Extent::default();
        for selection in &set.items {
            let extent = match &selection.node {
                Selection::Field(field) => self.field(&field.node, on)?,
                Selection::InlineFragment(fragment) => {
                    let narrowed = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    self.selections(&fragment.node.selection_set.node, narrowed.unwrap_or(on))?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            sum.beside(extent)?;
        }
        Ok(sum)
    }

    fn field(&mut self, field: &'d Field, on: &str) -> Result<Extent, OperationError> {
        let name = field.name.node.as_str();
        let shape = self.shapes.get(on).and_then(|fields| fields.get(name));
        let leads_to = shape.map_or("", |shape| shape.leads_to.as_str());
        let around = self.schema;
        if shape.is_none() {
            self.schema.types |= name == "types";
            self.schema.wrapped += u32::from(name == "ofType");
        }
        let mut extent = self.selections(&field.selection_set.node, leads_to)?;
        self.schema = around;
        let rows = shape.map_or_else(|| around.rows(name), |shape| self.rows(field, shape));
        if shape.is_none() && name == "ofType" && around.wrapped > 0 {
            // Few types are lists, and clients ask for ten levels of them.
            extent.cost = extent.cost.min(3);
        }
        let weight = shape.map_or(1, |shape| shape.weight);
        extent.cost = rows.saturating_mul(extent.cost).saturating_add(weight);
        let scans = self.is_searching(field);
        if scans {
            extent.cost = extent.cost.saturating_add(SCAN);
        } else if field.get_argument("filter").is_some_and(|filter| filter.node != Written::Null) {
            extent.cost = extent.cost.saturating_add(FILTERED);
        }
        let values: u64 = field.arguments.iter().map(|(_, value)| self.values(&value.node)).sum();
        extent.cost = extent.cost.saturating_add(values / VALUES_PER_UNIT);
        extent.scans += u64::from(scans || weight == SCAN);
        extent.fields += 1;
        extent.aliases += u64::from(field.alias.is_some());
        extent.width = 1;
        extent.depth += 1;
        extent.introspections += u64::from(matches!(name, "__schema" | "__type"));
        extent.circle += u64::from(matches!(name, "types" | "possibleTypes" | "interfaces" | "fields" | "inputFields"));
        Ok(extent)
    }

    /// How many rows a field may answer with, whatever is asked for: what is beyond the bounds is clamped to them.
    fn rows(&self, field: &'d Field, shape: &FieldShape) -> u64 {
        match shape.growth {
            Growth::One => 1,
            Growth::About(rows) => rows,
            Growth::Page => self
                .number(field, "first")
                .or_else(|| self.number(field, "last"))
                .map_or(DEFAULT_PAGE, |rows| rows.clamp(1, LARGEST_PAGE)),
            Growth::Counted(name, most) => self.number(field, name).map_or(10, |rows| rows.clamp(1, most)),
            Growth::Listed(name) => match argument(self, field, name) {
                Some(Value::List(items)) => items.len() as u64,
                _ => 1,
            },
        }
    }

    /// Whether a field's filter looks for a text, or for what no index knows. Nothing is copied: a filter may hold
    /// thousands of values.
    fn is_searching(&self, field: &'d Field) -> bool {
        let Some(filter) = field.get_argument("filter") else { return false };
        if field.name.node == "auditEvents" && filter.node != Written::Null {
            return true;
        }
        let given = |name: &Name| self.variables.get(name).or_else(|| self.defaults.get(name.as_str()).copied());
        let sought = |conditions: &Value| match conditions {
            Value::Object(conditions) => conditions.get("search").is_some_and(|text| *text != Value::Null),
            _ => false,
        };
        match &filter.node {
            Written::Variable(name) => given(name).is_some_and(sought),
            Written::Object(conditions) => conditions.get("search").is_some_and(|text| match text {
                Written::Variable(name) => given(name).is_some_and(|text| *text != Value::Null),
                text => *text != Written::Null,
            }),
            _ => false,
        }
    }

    /// How many values an argument holds: each is read anew wherever it is asked with.
    fn values(&self, argument: &Written) -> u64 {
        match argument {
            Written::Variable(name) => self.sizes.get(name.as_str()).copied().unwrap_or(0),
            Written::List(items) => items.iter().map(|item| self.values(item)).sum(),
            Written::Object(fields) => fields.values().map(|field| self.values(field)).sum(),
            _ => 1,
        }
    }

    fn number(&self, field: &'d Field, name: &str) -> Option<u64> {
        let Value::Number(number) = argument(self, field, name)? else { return None };
        // A negative number asks for nothing, and a fraction is refused later.
        Some(number.as_u64().unwrap_or_else(|| number.as_f64().map_or(0, |f| f.max(0.0) as u64)))
    }

    fn fragment(&mut self, name: &Name) -> Result<Extent, OperationError> {
        // One that isn't there is validation's to tell.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Extent::default()) };
        if let Some(extent) = self.known.get(name) {
            return Ok(*extent);
        }
        if self.spreading.contains(&name) {
            return Err(OperationError::Circular);
        }
        self.spreading.push(name);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let extent = self.selections(&fragment.node.selection_set.node, on)?;
        self.spreading.pop();
        self.known.insert(name, extent);
        Ok(extent)
    }
}

/// An argument with its variables filled in; nothing if one of them isn't given.
fn argument(walk: &Walk<'_>, field: &Field, name: &str) -> Option<Value> {
    let written = field.get_argument(name)?.node.clone();
    let given = |name: Name| {
        let value = walk.variables.get(&name).or_else(|| walk.defaults.get(name.as_str()).copied());
        value.cloned().ok_or(())
    };
    written.into_const_with(given).ok()
}

#[cfg(test)]
mod tests;
