//! The contract's scalars, and columns that go out as one value.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Number, OutputType, Positioned, Scalar, ScalarType,
    ServerResult, Value, registry,
};

use crate::market::Day;
use crate::market::day::{iso, parse_iso};

/// A calendar date, ISO 8601: "2026-11-20".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(pub Day);

#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
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

/// A whole number of up to 64 bits, as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigInt(pub i64);

#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| InputValueError::custom(format!("{value} is not a whole number of 64 bits")))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// What a column holds.
pub trait Cell: Send + Sync {
    /// The GraphQL type of one value.
    type Type: OutputType;
    /// Whether a value can be missing.
    const NULLABLE: bool = false;
    fn value(&self) -> Value;
}

/// A list that is resolved as one leaf: a resolver call a value would cost more than the value.
#[derive(Debug, Clone)]
pub struct Column<T>(pub Vec<T>);

/// A float that may be missing, as `NaN`.
#[derive(Debug, Clone, Copy)]
pub struct Gap(pub f64);

impl Cell for f64 {
    type Type = f64;
    fn value(&self) -> Value {
        Number::from_f64(*self).map_or(Value::Null, Value::Number)
    }
}

impl Cell for Gap {
    type Type = f64;
    const NULLABLE: bool = true;
    fn value(&self) -> Value {
        self.0.value()
    }
}

impl Cell for i32 {
    type Type = i32;
    fn value(&self) -> Value {
        Value::Number((*self).into())
    }
}

impl Cell for BigInt {
    type Type = Self;
    fn value(&self) -> Value {
        self.to_value()
    }
}

impl Cell for Date {
    type Type = Self;
    fn value(&self) -> Value {
        self.to_value()
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

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::List(self.0.iter().map(Cell::value).collect()))
    }
}
