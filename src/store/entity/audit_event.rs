use sea_orm::entity::prelude::*;

/// Something that somebody with a token did.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: i64,
    /// The token's name.
    pub token: String,
    pub address: Option<String>,
    /// The mutation's name, or a command.
    pub action: String,
    /// The id or ticker of what it was done to.
    pub object: Option<String>,
    /// JSON.
    pub arguments: String,
    /// `OK`, or the code of the error.
    pub outcome: String,
    /// The trace's `traceparent`.
    pub trace: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
