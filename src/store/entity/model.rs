use sea_orm::entity::prelude::*;

/// A model that was trained here.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "models")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// [`crate::forecast::Model::key`].
    pub key: String,
    /// The text of [`crate::forecast::Artifact`].
    pub content: String,
    /// Whether it did not lose to "no change".
    pub may_be_default: bool,
    pub created_at: i64,
    /// What a person calls it, in place of the artifact's own name.
    pub name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
