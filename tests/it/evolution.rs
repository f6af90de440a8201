//! What the last release promised still holds: clients that were written against it go on working.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

fn types(sdl: &str) -> HashMap<Name, TypeDefinition> {
    let document = parse_schema(sdl).expect("a schema");
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.clone(), definition.node)),
        _ => None,
    });
    types.collect()
}

/// Whether whoever reads the older type can read the newer one.
fn is_read_alike(older: &Type, newer: &Type) -> bool {
    let alike = match (&older.base, &newer.base) {
        (BaseType::Named(older), BaseType::Named(newer)) => older == newer,
        (BaseType::List(older), BaseType::List(newer)) => is_read_alike(older, newer),
        _ => false,
    };
    alike && (older.nullable || !newer.nullable)
}

/// Whether what was sent as the older type is taken as the newer one.
fn is_taken_alike(older: &Type, newer: &Type) -> bool {
    is_read_alike(newer, older)
}

/// Changes of arguments, or of an input's fields.
fn inputs(
    of: &str,
    older: &[Positioned<InputValueDefinition>],
    newer: &[Positioned<InputValueDefinition>],
    broken: &mut Vec<String>,
) {
    let find = |all: &'_ [Positioned<InputValueDefinition>], name: &Name| {
        all.iter().position(|input| input.node.name.node == *name)
    };
    for input in older {
        let name = &input.node.name.node;
        match find(newer, name).map(|at| &newer[at].node) {
            None => broken.push(format!("{of}.{name} is gone")),
            Some(now) if !is_taken_alike(&input.node.ty.node, &now.ty.node) => {
                broken.push(format!("{of}.{name} was {} and is {}", input.node.ty.node, now.ty.node));
            }
            Some(now) if input.node.default_value.is_some() && now.default_value.is_none() => {
                broken.push(format!("{of}.{name} has lost its default"));
            }
            Some(_) => {}
        }
    }
    for input in newer {
        let is_required = !input.node.ty.node.nullable && input.node.default_value.is_none();
        if is_required && find(older, &input.node.name.node).is_none() {
            broken.push(format!("{of}.{} is new and required", input.node.name.node));
        }
    }
}

/// What breaks clients between two definitions.
fn breaking_changes(released: &str, current: &str) -> Vec<String> {
    let (released, current) = (types(released), types(current));
    let mut broken = Vec::new();
    for (name, older) in &released {
        let Some(newer) = current.get(name) else {
            broken.push(format!("{name} is gone"));
            continue;
        };
        let one_of = |ty: &TypeDefinition| ty.directives.iter().any(|d| d.node.name.node == "oneOf");
        if one_of(newer) && !one_of(older) {
            broken.push(format!("{name} takes one field only"));
        }
        let (older, newer, interfaces) = match (&older.kind, &newer.kind) {
            (TypeKind::Scalar, TypeKind::Scalar) => continue,
            (TypeKind::Enum(older), TypeKind::Enum(newer)) => {
                for value in &older.values {
                    let value = &value.node.value.node;
                    if !newer.values.iter().any(|now| now.node.value.node == *value) {
                        broken.push(format!("{name}.{value} is gone"));
                    }
                }
                continue;
            }
            (TypeKind::InputObject(older), TypeKind::InputObject(newer)) => {
                inputs(name, &older.fields, &newer.fields, &mut broken);
                continue;
            }
            (TypeKind::Object(older), TypeKind::Object(newer)) => {
                (&older.fields, &newer.fields, Some((&older.implements, &newer.implements)))
            }
            (TypeKind::Interface(older), TypeKind::Interface(newer)) => (&older.fields, &newer.fields, None),
            _ => {
                broken.push(format!("{name} is of another kind"));
                continue;
            }
        };
        if let Some((older, newer)) = interfaces {
            let lost = older.iter().filter(|interface| !newer.iter().any(|now| now.node == interface.node));
            broken.extend(lost.map(|interface| format!("{name} is no {} any more", interface.node)));
        }
        for field in older {
            let field_name = &field.node.name.node;
            let Some(now) = newer.iter().find(|now| now.node.name.node == *field_name) else {
                broken.push(format!("{name}.{field_name} is gone"));
                continue;
            };
            if !is_read_alike(&field.node.ty.node, &now.node.ty.node) {
                broken.push(format!("{name}.{field_name} was {} and is {}", field.node.ty.node, now.node.ty.node));
            }
            inputs(&format!("{name}.{field_name}"), &field.node.arguments, &now.node.arguments, &mut broken);
        }
    }
    broken.sort();
    broken
}

#[test]
fn nothing_that_the_last_release_promised_is_gone() {
    let released = include_str!("../fixtures/schema.released.graphql");
    assert_eq!(breaking_changes(released, &prospectus::graphql::sdl()), Vec::<String>::new());
}

#[test]
fn each_kind_of_breaking_change_is_seen() {
    let released = "interface N { id: ID! } type Query implements N { id: ID! a(x: Int = 1, y: Int): [Int!]! b: Int \
                    c: String } enum E { F G } input I { j: Int k: Int! = 1 } input O { a: Int } scalar S type T { u: Int }";
    let same = |with: &str, instead_of: &str| {
        assert!(released.contains(instead_of));
        breaking_changes(released, &released.replace(instead_of, with))
    };
    assert_eq!(breaking_changes(released, released), Vec::<String>::new());
    for (instead_of, with, told) in [
        ("type T { u: Int }", "", "T is gone"),
        ("scalar S", "type S { a: Int }", "S is of another kind"),
        ("b: Int c", "c", "Query.b is gone"),
        ("[Int!]!", "[Int!]", "Query.a was [Int!]! and is [Int!]"),
        ("[Int!]!", "[Int]!", "Query.a was [Int!]! and is [Int]!"),
        ("c: String", "c: Int", "Query.c was String and is Int"),
        ("y: Int)", "y: Int!)", "Query.a.y was Int and is Int!"),
        (", y: Int)", ")", "Query.a.y is gone"),
        ("y: Int)", "y: Int, z: Int!)", "Query.a.z is new and required"),
        ("F G", "F", "E.G is gone"),
        ("j: Int k", "j: Int! k", "I.j was Int and is Int!"),
        ("k: Int! = 1", "k: Int!", "I.k has lost its default"),
        ("input O {", "input O @oneOf {", "O takes one field only"),
        ("Query implements N", "Query", "Query is no N any more"),
    ] {
        assert_eq!(same(with, instead_of), [told], "{with}");
    }
    for (instead_of, with) in [
        ("b: Int", "b: Int!"),
        ("c: String", "c: String d: Int"),
        ("y: Int)", "y: Int, z: Int)"),
        ("k: Int! = 1", "k: Int! = 1 l: Int"),
        ("k: Int! = 1", "k: Int = 1"),
        ("F G", "F G H"),
    ] {
        assert_eq!(same(with, instead_of), Vec::<String>::new(), "{with}");
    }
}
