use sea_orm::entity::prelude::*;

/// A sweep's results, with everything that made them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sweeps")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub symbol_id: i64,
    /// The job that ran it; none for one that was answered at once.
    pub job_id: Option<i64>,
    /// The symbol's, when this ran.
    pub data_version: i32,
    pub engine_version: i32,
    /// Whether it ran on adjusted prices.
    pub adjusted: bool,
    /// What prices were adjusted for, as the schema spells it; old rows only tell whether.
    pub adjustment: Option<String>,
    pub from_day: i32,
    pub to_day: i32,
    /// JSON of the two [`crate::backtest::WindowRange`]s.
    pub windows: String,
    /// JSON of [`crate::backtest::Execution`].
    pub execution: String,
    pub combinations: i32,
    pub created_at: i64,
    /// What a person calls it.
    pub name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
