//! The contract's scalars. A wrong value is told in a sentence of its own, with the value in it.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, Scalar, ScalarType,
    ServerResult, Value,
};
use chrono::{Datelike, Utc};

use super::codes::Code;
use crate::market::Day;
use crate::market::day::{iso, parse_iso};
use crate::market::decimal::exact;

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(pub Day);

/// A calendar date without a time, in ISO 8601 (the `full-date` of RFC 3339): "2026-11-20".
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        date(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(iso(self.0))
    }
}

fn date(value: &Value) -> Result<Day, String> {
    let parsed = match value {
        Value::String(text) => parse_iso(text),
        _ => None,
    };
    parsed.ok_or_else(|| format!("{} is not a date such as \"2026-11-20\"", shown(value)))
}

/// A moment, in milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub i64);

/// A moment to the millisecond in RFC 3339, with its offset from UTC: "2026-11-20T15:30:00Z". Answers are in UTC.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        date_time(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(chrono::DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default().to_rfc3339())
    }
}

fn date_time(value: &Value) -> Result<i64, String> {
    let parsed = match value {
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok(),
        _ => None,
    };
    // Years of four digits, as the standard has them.
    let parsed = parsed.map(|at| at.with_timezone(&Utc)).filter(|at| (0..=9999).contains(&at.year()));
    parsed.map(|at| at.timestamp_millis()).ok_or_else(|| {
        format!(
            "{} is not a moment such as \"2026-11-20T15:30:00Z\": a date, a time, and Z or an offset such as +05:30",
            shown(value)
        )
    })
}

/// An exact decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal in a string, "71.50": an optional sign, digits, and a point among them where there is a fraction;
/// at most 28 digits. A whole JSON number is taken, too. One with a fraction is refused, for it would be rounded to a
/// binary float on its way.
#[Scalar(name = "Decimal", specified_by_url = "https://www.w3.org/TR/xmlschema-2/#decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        decimal(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

fn decimal(value: &Value) -> Result<rust_decimal::Decimal, String> {
    let parsed = match value {
        Value::String(text) => exact(text),
        Value::Number(number) if number.is_f64() => {
            return Err(format!("{number} is a number, which may be rounded: write it as a string, \"{number}\""));
        }
        Value::Number(number) => rust_decimal::Decimal::from_str_exact(&number.to_string()).ok(),
        _ => None,
    };
    parsed.ok_or_else(|| format!("{} is not a decimal of at most 28 digits such as \"71.50\"", shown(value)))
}

/// A whole number that every client reads exactly as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// 2^53 - 1: beyond it, JavaScript and others that hold numbers as doubles read another one.
pub const LARGEST_BIG_INT: i64 = (1 << 53) - 1;

const BIG_INT: &str = "A whole number as a JSON number, of more than 32 bits: from -(2^53 - 1) to 2^53 - 1, so that \
                       every client reads it exactly.";

impl BigInt {
    fn is_exact(number: i64) -> bool {
        (-LARGEST_BIG_INT..=LARGEST_BIG_INT).contains(&number)
    }

    /// Why it can't go out.
    pub(super) fn beyond(self) -> Option<String> {
        (!Self::is_exact(self.0)).then(|| {
            format!("{} is beyond {LARGEST_BIG_INT}, which is the largest whole number that every client reads", self.0)
        })
    }

    fn meta() -> MetaType {
        MetaType::Scalar {
            name: "BigInt".to_owned(),
            description: Some(BIG_INT.to_owned()),
            is_valid: Some(Arc::new(|value| big_int(value).is_ok())),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: Some("https://www.rfc-editor.org/rfc/rfc8259#section-6".to_owned()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        }
    }
}

fn big_int(value: &Value) -> Result<i64, String> {
    let parsed = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    parsed
        .filter(|number| BigInt::is_exact(*number))
        .ok_or_else(|| format!("{} is not a whole number from -{LARGEST_BIG_INT} to {LARGEST_BIG_INT}", shown(value)))
}

impl InputType for BigInt {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        "BigInt".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Scalar, |_| Self::meta())
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        big_int(&value.unwrap_or_default()).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl OutputType for BigInt {
    fn type_name() -> Cow<'static, str> {
        "BigInt".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Scalar, |_| Self::meta())
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self.beyond() {
            None => Ok(Value::Number(self.0.into())),
            Some(fault) => Err(ctx.set_error_path(Code::ValueOutOfRange.at(field.pos, fault))),
        }
    }
}

/// Why a value isn't one of the scalar with this name; a name that isn't one of these takes anything.
pub(super) fn fault(scalar: &str, value: &Value) -> Option<String> {
    match scalar {
        "Date" => date(value).err(),
        "DateTime" => date_time(value).err(),
        "Decimal" => decimal(value).err(),
        "BigInt" => big_int(value).err(),
        _ => None,
    }
}

/// A value as it was written, cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain("…".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn a_decimal_never_passes_through_a_float() {
        let exact = "0.3000000000000000444089209850";
        assert_eq!(decimal(&value!(exact)).expect("exact").to_string(), exact);
        assert_eq!(decimal(&value!("71.50")).expect("exact").to_string(), "71.50");
        assert_eq!(decimal(&value!(71)).expect("whole").to_string(), "71");
        for wrong in
            [value!(71.5), value!("1e400"), value!("abc"), value!(""), value!("1_000"), value!(".5"), value!(true)]
        {
            let fault = decimal(&wrong).expect_err("refused");
            assert!(fault.contains(&shown(&wrong)) && fault.contains('"'), "{fault}");
        }
        assert!(decimal(&value!("99999999999999999999999999999999")).is_err(), "more digits than it holds");
    }

    #[test]
    fn whole_numbers_are_those_that_a_browser_reads() {
        assert_eq!(big_int(&value!(9_007_199_254_740_991_i64)), Ok(LARGEST_BIG_INT));
        for wrong in [value!(9_007_199_254_740_992_i64), value!(-9_007_199_254_740_992_i64), value!(1.5), value!("x")] {
            assert!(big_int(&wrong).is_err(), "{wrong}");
        }
        assert!(BigInt(LARGEST_BIG_INT).beyond().is_none());
        assert!(BigInt(LARGEST_BIG_INT + 1).beyond().is_some());
    }

    #[test]
    fn a_moment_needs_a_zone_and_a_year_of_four_digits() {
        assert_eq!(date_time(&value!("1970-01-01T05:30:00+05:30")), Ok(0));
        for wrong in ["2026-11-20", "2026-11-20T15:30:00", "+262142-01-01T00:00:00Z", "2026-02-30T00:00:00Z", ""] {
            let fault = date_time(&value!(wrong)).expect_err("refused");
            assert!(fault.contains("2026-11-20T15:30:00Z"), "{fault}");
        }
        assert!(date(&value!("2026-02-30")).is_err());
    }
}
