use sea_orm::entity::prelude::*;

use crate::market::Exchange;

/// A day that an exchange's own list names as a holiday.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exchange_holidays")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub exchange: Exchange,
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    pub name: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
