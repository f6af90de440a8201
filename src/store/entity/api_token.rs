use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What a caller may do; each role may do all that those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
    clap::ValueEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    /// No token.
    #[sea_orm(string_value = "ANONYMOUS")]
    Anonymous,
    /// May read where reading needs a token.
    #[sea_orm(string_value = "READER")]
    Reader,
    /// May refresh prices and run research.
    #[sea_orm(string_value = "OPERATOR")]
    Operator,
    /// May do everything: edit IPOs, resolve flagged records.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
}

impl Role {
    /// As the schema spells it.
    #[must_use]
    pub fn name(self) -> String {
        self.to_value()
    }
}

/// A bearer token; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_tokens")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub role: Role,
    pub hash: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    /// To the minute or so.
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
