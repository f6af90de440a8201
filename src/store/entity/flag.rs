use sea_orm::entity::prelude::*;

use crate::market::DataSource;

/// A record that was kept out, and why.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_issues")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub source: DataSource,
    /// The batch it belongs to, for example one symbol's prices: flags resolve within it.
    pub scope: String,
    /// Names the record to a person.
    pub record: String,
    pub day: Option<i32>,
    pub field: Option<String>,
    pub reason: String,
    pub raw: String,
    pub fingerprint: String,
    pub first_seen_at: i64,
    pub last_seen_at: i64,
    pub occurrences: i32,
    pub resolved_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
