use sea_orm::entity::prelude::*;

use crate::market::DataSource;

/// What one fetch or one edit changed of an issue.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ipo_revisions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub ipo_id: i64,
    pub at: i64,
    pub source: DataSource,
    /// JSON of [`crate::market::ipo::FieldChange`]s.
    pub changes: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
