use sea_orm::entity::prelude::*;

use crate::market::Exchange;

/// What is known of one calendar day of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[graphql(name = "MarketDayState")]
pub enum MarketDayState {
    /// The day's shares are stored; it isn't asked for again.
    #[sea_orm(string_value = "STORED")]
    Stored,
    /// The exchange had no session: a weekend, a holiday.
    #[sea_orm(string_value = "NO_SESSION")]
    NoSession,
    /// The day's file isn't there yet, though it may still come; asked for again by the next refresh.
    #[sea_orm(string_value = "MISSING")]
    Missing,
    /// The answer was no such file, or half of one; asked for again by the next refresh.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// One calendar day of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "market_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub exchange: Exchange,
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    pub state: MarketDayState,
    /// Shares stored.
    pub shares: Option<i32>,
    /// Why it isn't stored, in a person's words.
    pub reason: Option<String>,
    /// The layout of the file that it was read from.
    pub layout: Option<String>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
