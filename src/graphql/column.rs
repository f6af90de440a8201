//! Lists that go out as one value.

use std::borrow::Cow;
use std::io::{BufWriter, IntoInnerError};

use async_graphql::parser::types::Field;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult, Value, registry};
use serde::{Serialize, Serializer};

use super::codes::Code;
use super::limits::Budget;
use super::scalars::{BigInt, Date};
use super::wire::{apart, written};
use crate::market::day::with_iso;

/// From here on a column takes milliseconds to write: a sweep's million values some fifty.
const LONG: usize = 20_000;

/// What a date takes with its comma, and most numbers take less: room for a column that needn't grow.
const CELL_BYTES: usize = 13;

/// Bytes that are gathered before they join the others of a column.
const BUFFER: usize = 8 << 10;

/// What a column holds.
pub trait Cell: Serialize + Send + Sync {
    /// The GraphQL type of one value.
    type Type: OutputType;
    /// Whether a value can be missing.
    const NULLABLE: bool = false;

    /// Why the value can't go out.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// A list that is resolved as one leaf: a resolver call a value would cost more than the value.
#[derive(Debug, Clone)]
pub struct Column<T>(pub Vec<T>);

/// A float that may be missing, as `NaN`.
#[derive(Debug, Clone, Copy)]
pub struct Gap(pub f64);

impl Cell for f64 {
    type Type = f64;
}

impl Cell for Gap {
    type Type = f64;
    const NULLABLE: bool = true;
}

impl Cell for i32 {
    type Type = i32;
}

impl Cell for BigInt {
    type Type = Self;

    fn fault(&self) -> Option<String> {
        self.beyond()
    }
}

impl Cell for Date {
    type Type = Self;
}

impl Serialize for Gap {
    /// `NaN` is null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl Serialize for BigInt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        with_iso(self.0, |text| serializer.serialize_str(text))
    }
}

#[async_trait::async_trait]
impl<T: Cell> OutputType for Column<T> {
    fn type_name() -> Cow<'static, str> {
        let inner = if T::NULLABLE { T::Type::type_name() } else { T::Type::qualified_type_name().into() };
        Cow::Owned(format!("[{inner}]"))
    }

    fn qualified_type_name() -> String {
        format!("{}!", Self::type_name())
    }

    fn create_type_info(registry: &mut registry::Registry) -> String {
        T::Type::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if let Some(budget) = ctx.data_opt::<Budget>() {
            budget.spend(self.0.len(), field.pos).await?;
        }
        if let Some(fault) = self.0.iter().find_map(Cell::fault) {
            return Err(ctx.set_error_path(Code::ValueOutOfRange.at(field.pos, fault)));
        }
        // A value a cell would take nine times the memory of its text.
        let write = || {
            // A value alone is a few bytes, which a buffer takes faster than a vector.
            let room = self.0.len() * CELL_BYTES + 2;
            let mut json = BufWriter::with_capacity(room.min(BUFFER), Vec::with_capacity(room));
            serde_json::to_writer(&mut json, &self.0)?;
            json.into_inner().map_err(IntoInnerError::into_error)
        };
        let json = if self.0.len() > LONG { apart(write) } else { write() };
        let json =
            json.map_err(|error| error.to_string()).and_then(|json| String::from_utf8(json).map_err(|e| e.to_string()));
        Ok(written(json.map_err(|error| ServerError::new(error, Some(field.pos)))?))
    }
}
