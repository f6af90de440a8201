use sea_orm::entity::prelude::*;

/// A strategy's run, with everything that made it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backtests")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub symbol_id: i64,
    /// The symbol's, when this ran.
    pub data_version: i32,
    pub engine_version: i32,
    /// Whether it ran on adjusted prices.
    pub adjusted: bool,
    /// What prices were adjusted for, as the schema spells it; old rows only tell whether.
    pub adjustment: Option<String>,
    pub from_day: i32,
    pub to_day: i32,
    pub bar_count: i32,
    /// JSON of [`crate::backtest::Strategy`].
    pub strategy: String,
    /// JSON of [`crate::backtest::Execution`].
    pub execution: String,
    /// JSON of [`crate::backtest::Metrics`].
    pub metrics: String,
    pub created_at: i64,
    /// What a person calls it.
    pub name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
