//! Lists of plain values, written as JSON in one pass: what a record holds needs no future a field. The library resolves
//! everything else, and every field that [`Record::field`] has no writer for.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use async_graphql::connection;
use async_graphql::parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::resolver_utils::resolve_container;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, EnumType, Name, ObjectType, OutputType, Positioned, ScalarType,
    ServerResult, Value, registry,
};
use serde::Serialize;

use super::connection::{Cursor, Total};
use super::scalars::Decimal;
use super::wire::{Wire, written};
use crate::market::day::{Day, with_iso};
use crate::market::decimal::{exact, is_canonical};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Writes a value of a row as JSON.
pub type Writer<'q, T> = Box<dyn Fn(&T, &mut Vec<u8>) + Send + Sync + 'q>;

/// An object whose fields are values in memory. A writer writes what the resolver of the same name would answer with.
pub trait Record: ObjectType {
    /// What writes a field; `None` for one that the library must resolve.
    fn field<'q>(field: &'q Field, plan: Plan<'q>) -> Option<Writer<'q, Self>>;

    /// Whether each of its values has a form; one that hasn't is an error, which the library tells of.
    fn is_sound(&self) -> bool {
        true
    }
}

/// How selections are turned into writers.
#[derive(Clone, Copy)]
pub struct Plan<'q> {
    fragments: &'q Fragments,
}

/// The fields of an object, in the query's order.
pub struct Fields<'q, T: ?Sized>(Vec<Written<'q, T>>);

struct Written<'q, T: ?Sized> {
    key: &'q str,
    /// What stands before its value: `{"id":` or `,"name":`.
    before: String,
    write: Writer<'q, T>,
}

impl<T: ?Sized> Fields<'_, T> {
    pub fn write(&self, row: &T, out: &mut Vec<u8>) {
        for Written { before, write, .. } in &self.0 {
            out.extend_from_slice(before.as_bytes());
            write(row, out);
        }
        out.extend_from_slice(if self.0.is_empty() { b"{}" } else { b"}" });
    }
}

impl<'q> Plan<'q> {
    /// Writers for what is selected of an object; `None` if there's something among it that has none.
    #[must_use]
    pub fn of<T: Record>(self, set: &'q SelectionSet) -> Option<Fields<'q, T>> {
        let mut fields = Fields(Vec::new());
        self.add(set, T::type_name().as_ref(), &|field, plan| T::field(field, plan), &mut fields)?;
        Some(fields)
    }

    fn add<T: ?Sized>(
        self,
        set: &'q SelectionSet,
        type_name: &str,
        writer: &dyn Fn(&'q Field, Self) -> Option<Writer<'q, T>>,
        fields: &mut Fields<'q, T>,
    ) -> Option<()> {
        for selection in &set.items {
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let key = field.response_key().node.as_str();
                    // The same field again says nothing new: what is selected of objects twice is merged by the library.
                    if fields.0.iter().any(|known| known.key == key) {
                        continue;
                    }
                    let write = if field.name.node == "__typename" {
                        let name = format!("\"{type_name}\"");
                        Box::new(move |_: &T, out: &mut Vec<u8>| out.extend_from_slice(name.as_bytes()))
                    } else if field.arguments.is_empty() {
                        writer(field, self)?
                    } else {
                        return None;
                    };
                    let before = [if fields.0.is_empty() { "{\"" } else { ",\"" }, key, "\":"].concat();
                    fields.0.push(Written { key, before, write });
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.fragments.get(&spread.node.fragment_name.node)?.node;
                    (Some(&fragment.type_condition), &fragment.selection_set)
                }
            };
            if condition.is_some_and(|condition| condition.node.on.node != type_name) {
                return None;
            }
            self.add(&inner.node, type_name, writer, fields)?;
        }
        Some(())
    }
}

/// Writes anything that serialises; what can't is null, as the library has it for numbers that are none.
pub fn json<V: Serialize + ?Sized>(out: &mut Vec<u8>, value: &V) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Writes a string that has nothing in it to be escaped.
pub fn plain(out: &mut Vec<u8>, text: &str) {
    debug_assert!(!text.contains(['"', '\\']) && !text.contains(char::is_control), "{text:?} has to be escaped");
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a date that may be missing.
pub fn date(out: &mut Vec<u8>, day: Option<Day>) {
    match day {
        Some(day) => with_iso(day, |text| plain(out, text)),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes a stored decimal, with the places that it was written with.
pub fn decimal(out: &mut Vec<u8>, text: Option<&String>) {
    match text {
        Some(text) if is_canonical(text) => plain(out, text),
        text => scalar(out, text.and_then(|text| exact(text)).map(Decimal)),
    }
}

/// Writes a scalar as its type says.
pub fn scalar<V: ScalarType>(out: &mut Vec<u8>, value: Option<V>) {
    match value {
        Some(value) => json(out, &Wire(&value.to_value())),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes an enum's name.
pub fn name<V: EnumType>(out: &mut Vec<u8>, value: V) {
    match V::items().iter().find(|item| item.value == value) {
        Some(item) => plain(out, item.name),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes an object that may be missing.
pub fn object<T>(out: &mut Vec<u8>, fields: &Fields<'_, T>, value: Option<T>) {
    match value {
        Some(value) => fields.write(&value, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Whether parts of a document have to be merged: two fields of one selection that answer under the same name and have
/// selections of their own. What is written already can't be. The document is within [`super::limits`].
#[must_use]
pub fn merges(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    operations.into_iter().any(|set| any_twice(set, &document.fragments))
}

fn any_twice(set: &SelectionSet, fragments: &Fragments) -> bool {
    let (mut keys, mut spread, mut within) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut open = vec![set];
    while let Some(set) = open.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if field.node.selection_set.node.items.is_empty() => {}
                Selection::Field(field) => {
                    if !keys.insert(field.node.response_key().node.as_str()) {
                        return true;
                    }
                    within.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => open.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    if spread.insert(name)
                        && let Some(fragment) = fragments.get(name)
                    {
                        open.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    within.into_iter().any(|set| any_twice(set, fragments))
}

/// What a request's data say of its document: whether lists may be written at once.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce(pub bool);

type Inner<Node> = connection::Connection<Cursor, Node, Total>;

/// A connection whose rows are records.
pub struct Records<Node: Record>(pub Inner<Node>);

impl<Node: Record> Records<Node> {
    fn rows(&self, ctx: &Context<'_>) -> Option<String> {
        let field = &ctx.item.node;
        let set = &field.selection_set.node;
        if !matches!(field.name.node.as_str(), "nodes" | "edges") || !self.0.edges.iter().all(|e| e.node.is_sound()) {
            return None;
        }
        let plan = Plan { fragments: &ctx.query_env.fragments };
        let mut out = Vec::with_capacity(self.0.edges.len() * 64 + 2);
        match field.name.node.as_str() {
            "nodes" => {
                let fields = plan.of::<Node>(set)?;
                list(&mut out, self.0.edges.iter(), |edge, out| fields.write(&edge.node, out));
            }
            "edges" => {
                let type_name = <EdgeOf<Node> as OutputType>::type_name();
                let mut fields: Fields<'_, EdgeOf<Node>> = Fields(Vec::new());
                plan.add(set, type_name.as_ref(), &edge_field::<Node>, &mut fields)?;
                list(&mut out, self.0.edges.iter(), |edge, out| fields.write(edge, out));
            }
            _ => return None,
        }
        String::from_utf8(out).ok()
    }
}

type EdgeOf<Node> = connection::Edge<Cursor, Node, connection::EmptyFields>;

fn edge_field<'q, Node: Record + 'q>(field: &'q Field, plan: Plan<'q>) -> Option<Writer<'q, EdgeOf<Node>>> {
    match field.name.node.as_str() {
        "cursor" => Some(Box::new(|edge, out| json(out, &connection::CursorType::encode_cursor(&edge.cursor)))),
        "node" => {
            let fields = plan.of::<Node>(&field.selection_set.node)?;
            Some(Box::new(move |edge, out| fields.write(&edge.node, out)))
        }
        _ => None,
    }
}

fn list<R>(out: &mut Vec<u8>, rows: impl Iterator<Item = R>, write: impl Fn(R, &mut Vec<u8>)) {
    out.push(b'[');
    for (i, row) in rows.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(row, out);
    }
    out.push(b']');
}

#[async_trait::async_trait]
impl<Node: Record> ContainerType for Records<Node> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        match self.rows(ctx) {
            Some(json) => Ok(Some(written(json))),
            None => self.0.resolve_field(ctx).await,
        }
    }
}

#[async_trait::async_trait]
impl<Node: Record> OutputType for Records<Node> {
    fn type_name() -> Cow<'static, str> {
        <Inner<Node> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut registry::Registry) -> String {
        Inner::<Node>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if ctx.data_opt::<AtOnce>().is_some_and(|at_once| at_once.0) {
            return resolve_container(ctx, self).await;
        }
        self.0.resolve(ctx, field).await
    }
}
