use sea_orm::entity::prelude::*;

/// A browser that signed in; only the hash of its cookie is kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub hash: String,
    /// The token that opened it; none for the token of the settings, which `settings_hash` tells.
    pub token_id: Option<i64>,
    pub created_at: i64,
    pub expires_at: i64,
    /// A digest of the token of the settings that opened it, together with the cookie's secret.
    pub settings_hash: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "super::api_token::Entity", from = "Column::TokenId", to = "super::api_token::Column::Id")]
    Token,
}

impl Related<super::api_token::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Token.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
