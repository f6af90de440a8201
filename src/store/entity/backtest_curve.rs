use sea_orm::entity::prelude::*;

/// Days, closes and trades of a backtest, which its curves follow from.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backtest_curves")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub backtest_id: i64,
    pub content: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
