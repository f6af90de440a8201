use sea_orm::entity::prelude::*;

/// One bar of one symbol; see [`crate::market::Bar`].
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "price_bars")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub symbol_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub adjusted_close: Option<f64>,
    pub volume: i64,
    pub split: Option<f64>,
    pub source: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
