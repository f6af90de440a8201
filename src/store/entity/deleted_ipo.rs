use sea_orm::entity::prelude::*;

use crate::market::Exchange;

/// An issue that an administrator has deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deleted_ipos")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub exchange: Exchange,
    pub name_key: String,
    pub ticker: Option<String>,
    /// The open date, else the listing date.
    pub day: Option<i32>,
    /// The id that it had, and gets again.
    pub ipo_id: Option<i64>,
    pub name: Option<String>,
    pub at: Option<i64>,
    /// The name of the token that deleted it.
    pub author: Option<String>,
    /// JSON of the issue and its revisions; none for what was deleted before this was kept.
    pub content: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
