use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::market::ipo::{Board, Standing};
use crate::market::{DataSource, Exchange};

/// An initial public offering.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "ipos")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub exchange: Exchange,
    pub name: String,
    pub name_key: String,
    pub ticker: Option<String>,
    pub board: Board,
    /// A decimal as it was written.
    pub issue_price: Option<String>,
    /// The issue price in millionths, to sort by.
    pub issue_price_units: Option<i64>,
    /// Whether no source stated the price: it's the close before the listing day.
    pub issue_price_derived: bool,
    pub price_band_low: Option<String>,
    pub price_band_high: Option<String>,
    pub currency: String,
    pub lot_size: Option<i32>,
    pub issue_size: Option<i64>,
    pub open_day: Option<i32>,
    pub close_day: Option<i32>,
    pub listing_day: Option<i32>,
    pub face_value: Option<String>,
    pub registrar: Option<String>,
    pub standing: Option<Standing>,
    /// JSON of [`crate::market::ipo::Subscription`].
    pub subscription: Option<String>,
    /// Where it first came from.
    pub source: DataSource,
    /// JSON of the values that the source last sent, so that its silence doesn't undo what a person has edited.
    pub seen: String,
    pub created_at: i64,
    pub updated_at: i64,
    /// The subscription's total, to sort by.
    pub subscription_total: Option<f64>,
    /// The stock, once it's tracked. This and what follows is kept by `Ipos::measure` and its like.
    pub symbol_id: Option<i64>,
    pub listing_open: Option<f64>,
    pub listing_gain: Option<f64>,
    pub first_day_return: Option<f64>,
    pub return_since_issue: Option<f64>,
    pub max_drawdown: Option<f64>,
    pub performance_as_of: Option<i32>,
    /// The stock's data version, the issue price (in millionths) and the listing day that the figures are of.
    pub performance_version: Option<i32>,
    pub performance_price: Option<i64>,
    pub performance_listing: Option<i32>,
    /// What it takes to carry the figures on when bars are appended.
    pub performance_first_day: Option<i32>,
    pub performance_shares: Option<f64>,
    pub performance_peak: Option<f64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
