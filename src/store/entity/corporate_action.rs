use sea_orm::entity::prelude::*;

use crate::market::corporate_actions::CorporateActionKind;
use crate::market::{DataSource, Exchange};

/// Something that a company did to its shares.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "corporate_actions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub exchange: Exchange,
    pub symbol_id: Option<i64>,
    /// As the source spells it, without a suffix.
    pub ticker: String,
    pub isin: Option<String>,
    pub kind: CorporateActionKind,
    pub ex_day: i32,
    /// New shares for an old one.
    pub ratio: Option<f64>,
    /// A decimal in the share's currency: of a dividend a share, of rights the issue price.
    pub amount: Option<String>,
    /// As the source words it.
    pub subject: String,
    pub source: DataSource,
    /// Whether the adjusted series counts it.
    pub applied: bool,
    /// Why it isn't applied, in a person's words.
    pub doubt: Option<String>,
    pub fingerprint: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
