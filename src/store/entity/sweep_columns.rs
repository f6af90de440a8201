use sea_orm::entity::prelude::*;

/// The results of a sweep, a column after the other.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sweep_columns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sweep_id: i64,
    pub content: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
