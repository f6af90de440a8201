//! What the schema says of its inputs, read once from its own definition.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// The type that an operation's fields are of.
pub(super) fn root_of(ty: OperationType) -> &'static str {
    match ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// The definitions of this schema.
pub(super) static DEFINITIONS: LazyLock<Definitions> =
    LazyLock::new(|| Definitions::read(&crate::graphql::schema(None).sdl()));

/// A type that a value can have; scalars go by their names.
#[derive(Debug)]
pub(super) enum Input {
    Enum(Vec<String>),
    Object { fields: Vec<Argument>, one_of: bool },
}

/// An argument, or a field of an input.
#[derive(Debug)]
pub(super) struct Argument {
    pub name: String,
    pub ty: Type,
    pub has_default: bool,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub leads_to: String,
    pub ty: Type,
    pub arguments: Vec<Argument>,
}

#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub inputs: HashMap<String, Input>,
    pub objects: HashMap<String, HashMap<String, Field>>,
    /// Those of them that are interfaces.
    pub interfaces: HashSet<String>,
    pub scalars: HashSet<String>,
}

impl Definitions {
    fn read(sdl: &str) -> Self {
        let mut read = Self::default();
        read.scalars.extend(["Int", "Float", "String", "Boolean", "ID"].map(str::to_owned));
        let Ok(document) = parse_schema(sdl) else { return read };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = definition.node;
            let name = definition.name.node.to_string();
            let one_of = definition.directives.iter().any(|directive| directive.node.name.node == "oneOf");
            let fields = match definition.kind {
                TypeKind::Enum(values) => {
                    let names = values.values.into_iter().map(|value| value.node.value.node.to_string());
                    read.inputs.insert(name, Input::Enum(names.collect()));
                    continue;
                }
                TypeKind::InputObject(input) => {
                    read.inputs.insert(name, Input::Object { fields: arguments(input.fields), one_of });
                    continue;
                }
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => {
                    read.interfaces.insert(name.clone());
                    interface.fields
                }
                TypeKind::Scalar => {
                    read.scalars.insert(name);
                    continue;
                }
                TypeKind::Union(_) => continue,
            };
            let fields = fields.into_iter().map(|field| {
                let FieldDefinition { name, arguments: inputs, ty, .. } = field.node;
                let leads_to = innermost(&ty.node).to_string();
                (name.node.to_string(), Field { leads_to, ty: ty.node, arguments: arguments(inputs) })
            });
            read.objects.insert(name, fields.collect());
        }
        read
    }
}

fn arguments(inputs: Vec<Positioned<InputValueDefinition>>) -> Vec<Argument> {
    let argument = |input: InputValueDefinition| Argument {
        name: input.name.node.to_string(),
        ty: input.ty.node,
        has_default: input.default_value.is_some(),
    };
    inputs.into_iter().map(|input| argument(input.node)).collect()
}

/// The type that a type is of, whatever lists are around it.
pub(super) fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
