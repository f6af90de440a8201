use sea_orm::entity::prelude::*;

/// What one key has spent at its provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "request_budgets")]
pub struct Model {
    /// Provider and a fingerprint of the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The day that `used` counts.
    pub day: i32,
    pub used: i32,
    /// When the next request may leave.
    pub next_slot_at: i64,
    /// Nothing leaves before this: the provider said so.
    pub blocked_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
