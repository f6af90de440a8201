use sea_orm::entity::prelude::*;

use crate::market::currency::Quotation;
use crate::market::{DataSource, Exchange};

/// A share or index that prices are kept of.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "symbols")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// As the price provider spells it.
    pub ticker: String,
    pub name: Option<String>,
    pub exchange: Exchange,
    /// As the provider's search has it, which may name a part of a currency; see [`Model::quotation`].
    pub currency: Option<String>,
    pub source: DataSource,
    pub first_day: Option<i32>,
    pub last_day: Option<i32>,
    /// The newest day that the provider sent an adjusted close for.
    pub adjusted_until: Option<i32>,
    pub bar_count: i32,
    /// Grows by one whenever bars are added or corrected.
    pub data_version: i32,
    /// JSON of `[Split]`.
    pub splits: String,
    /// As JSON, oldest first.
    pub dividends: String,
    pub last_refreshed_at: Option<i64>,
    pub created_at: i64,
    /// Twelve signs, the newest that the exchange's files name.
    pub isin: Option<String>,
    /// First day on its board, by the exchange's list.
    pub listed_day: Option<i32>,
    /// No longer in the exchange's list of shares.
    pub delisted: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What its prices are stated in: rupees at the Indian exchanges, else what the provider's search says.
    #[must_use]
    pub fn quotation(&self) -> Option<Quotation> {
        let suffix = self.ticker.rsplit_once('.').map(|(_, suffix)| suffix);
        if matches!(self.exchange, Exchange::Nse | Exchange::Bse) || matches!(suffix, Some("NSE" | "NS" | "BSE" | "BO"))
        {
            return Some(Quotation::RUPEES);
        }
        Quotation::of(self.currency.as_deref()?)
    }

    /// Whether a provider is asked for its prices when all are refreshed: none knows those of the exchange's daily files, and
    /// what came from a file is the person's who brought it.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        !matches!(self.source, DataSource::Nse | DataSource::Csv | DataSource::AdjustedCsv)
    }

    /// Whether its prices come with the exchange's daily files, which no other provider has.
    #[must_use]
    pub fn is_of_market(&self) -> bool {
        self.source == DataSource::Nse
    }
}
