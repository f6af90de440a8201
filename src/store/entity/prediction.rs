use sea_orm::entity::prelude::*;

/// A forecast, with everything that made it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "predictions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub symbol_id: i64,
    /// JSON of [`crate::forecast::ModelInfo`], as it was then.
    pub model: String,
    /// The last bar's day.
    pub as_of: i32,
    pub horizon: i32,
    /// The symbol's, when this was made.
    pub data_version: i32,
    /// The last bar's adjusted close as it was then: what the points are in units of.
    pub close: f64,
    /// JSON of the points.
    pub points: String,
    /// JSON of [`crate::forecast::Evaluation`].
    pub evaluation: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
