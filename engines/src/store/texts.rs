//! Enums of the market that columns keep as texts.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ActiveValue, ColIdx, DbErr, IntoActiveValue, QueryResult, TryFromU64, TryGetError, TryGetable};

use crate::market::corporate_actions::CorporateActionKind;
use crate::market::ipo::{Board, Standing};
use crate::market::{DataSource, Exchange};

macro_rules! as_text {
    ($($kind:ident),+) => {$(
        impl From<$kind> for Value {
            fn from(value: $kind) -> Self {
                value.name().into()
            }
        }

        impl TryGetable for $kind {
            fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
                let text = String::try_get_by(row, column)?;
                let unknown = || TryGetError::DbErr(DbErr::Type(format!("{text:?} is no {}", stringify!($kind))));
                $kind::of(&text).ok_or_else(unknown)
            }
        }

        impl ValueType for $kind {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                $kind::of(&<String as ValueType>::try_from(value)?).ok_or(ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($kind).to_owned()
            }

            fn array_type() -> ArrayType {
                String::array_type()
            }

            fn column_type() -> ColumnType {
                ColumnType::Text
            }
        }

        impl Nullable for $kind {
            fn null() -> Value {
                String::null()
            }
        }

        // What a composite key is made of must have it; no key of these is counted by the database.
        impl TryFromU64 for $kind {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($kind)))
            }
        }

        impl IntoActiveValue<$kind> for $kind {
            fn into_active_value(self) -> ActiveValue<$kind> {
                ActiveValue::Set(self)
            }
        }
    )+};
}

as_text!(Board, CorporateActionKind, DataSource, Exchange, Standing);
