use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::market::DataSource;

/// What one fetch or one edit changed of an issue.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "ipo_revisions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub ipo_id: i64,
    pub at: i64,
    pub source: DataSource,
    /// JSON of [`crate::market::ipo::FieldChange`]s.
    pub changes: String,
    /// The name of the token that edited it; none for a fetch.
    pub author: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
