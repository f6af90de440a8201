//! The contract's scalars, and columns that go out as one value.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Name, OutputType, Positioned, Scalar, ScalarType,
    ServerError, ServerResult, Value, registry,
};
use serde::{Serialize, Serializer};

use super::limits::Budget;
use crate::market::Day;
use crate::market::day::{iso, parse_iso};

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(pub Day);

/// A calendar date without a time, in ISO 8601 (the `full-date` of RFC 3339): "2026-11-20".
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => parse_iso(text).map(Self),
            _ => None,
        };
        parsed.ok_or_else(|| InputValueError::custom(format!("{value} is not a date such as \"2026-11-20\"")))
    }

    fn to_value(&self) -> Value {
        Value::String(iso(self.0))
    }
}

/// A whole number that every client reads exactly as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// 2^53 - 1: beyond it, JavaScript and others that hold numbers as doubles read another one.
pub const LARGEST_BIG_INT: i64 = (1 << 53) - 1;

/// A whole number as a JSON number, of more than 32 bits: from -(2^53 - 1) to 2^53 - 1, so that every client reads it
/// exactly.
#[Scalar(name = "BigInt", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let bounded = parsed.filter(|n| (-LARGEST_BIG_INT..=LARGEST_BIG_INT).contains(n));
        bounded.map(Self).ok_or_else(|| {
            InputValueError::custom(format!(
                "{value} is not a whole number from -{LARGEST_BIG_INT} to {LARGEST_BIG_INT}"
            ))
        })
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// What a column holds.
pub trait Cell: Serialize + Send + Sync {
    /// The GraphQL type of one value.
    type Type: OutputType;
    /// Whether a value can be missing.
    const NULLABLE: bool = false;
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
        serializer.serialize_str(&iso(self.0))
    }
}

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
        // A value a cell would take nine times the memory of its text.
        let json =
            serde_json::to_string(&self.0).map_err(|error| ServerError::new(error.to_string(), Some(field.pos)))?;
        Ok(Value::Object([(Name::new(RAW_VALUE_TOKEN), Value::String(json))].into_iter().collect()))
    }
}

/// How `serde_json` knows JSON that is written already; the library passes it through.
const RAW_VALUE_TOKEN: &str = "$serde_json::private::RawValue";
