//! Pages of IPOs with the columns that are asked for: of forty that there are, a list shows eight.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::Query;

use super::Result;
use super::cells::Cells;
use super::entity::ipo::{Column, Entity, Model};
use super::ipo_lists::{IpoFilter, IpoOrder, IpoOrderField, ipo_sorts};
use super::page::{Page, PageRequest};
use super::repositories::Ipos;
use crate::market::ipo::{Board, Standing};
use crate::market::{DataSource, Exchange};

macro_rules! read {
    ($($column:ident $field:ident),* $(,)?) => {
        fn read(model: &mut Model, column: Column, cells: &Cells<'_>, at: usize) -> Result<()> {
            match column {
                Column::Exchange => model.exchange = cells.named(at, Exchange::of)?,
                Column::Board => model.board = cells.named(at, Board::of)?,
                Column::Source => model.source = cells.named(at, DataSource::of)?,
                Column::Standing => model.standing = cells.named_or_none(at, Standing::of)?,
                $(Column::$column => model.$field = cells.get(at)?,)*
            }
            Ok(())
        }
    };
}

read! {
    Id id, Name name, NameKey name_key, Ticker ticker, IssuePrice issue_price, IssuePriceUnits issue_price_units,
    IssuePriceDerived issue_price_derived, PriceBandLow price_band_low, PriceBandHigh price_band_high, Currency currency,
    LotSize lot_size, IssueSize issue_size, OpenDay open_day, CloseDay close_day, ListingDay listing_day,
    FaceValue face_value, Registrar registrar, Subscription subscription, Seen seen, CreatedAt created_at,
    UpdatedAt updated_at, SubscriptionTotal subscription_total, SymbolId symbol_id, ListingOpen listing_open,
    ListingGain listing_gain, FirstDayReturn first_day_return, ReturnSinceIssue return_since_issue,
    MaxDrawdown max_drawdown, PerformanceAsOf performance_as_of, PerformanceVersion performance_version,
    PerformancePrice performance_price, PerformanceListing performance_listing,
    PerformanceFirstDay performance_first_day, PerformanceShares performance_shares, PerformancePeak performance_peak,
}

impl IpoOrder {
    /// The column that its cursors hold.
    fn column(self) -> Column {
        match self.field {
            IpoOrderField::Name => Column::Name,
            IpoOrderField::OpenDate => Column::OpenDay,
            IpoOrderField::CloseDate => Column::CloseDay,
            IpoOrderField::ListingDate => Column::ListingDay,
            IpoOrderField::IssuePrice => Column::IssuePriceUnits,
            IpoOrderField::CreatedAt => Column::CreatedAt,
            IpoOrderField::UpdatedAt => Column::UpdatedAt,
            IpoOrderField::ListingGain => Column::ListingGain,
            IpoOrderField::ReturnSinceIssue => Column::ReturnSinceIssue,
            IpoOrderField::Subscription => Column::SubscriptionTotal,
            IpoOrderField::IssueSize => Column::IssueSize,
        }
    }
}

impl Ipos<'_> {
    /// As [`Ipos::page`], with these columns alone and the keys of cursors: the others are as in [`Model::blank`].
    #[boxed]
    pub async fn page_of(
        &self,
        filter: &IpoFilter,
        orders: &[IpoOrder],
        page: &PageRequest,
        mut columns: Vec<Column>,
    ) -> Result<Page<Arc<Model>>> {
        columns.extend([Column::Id, Column::OpenDay]);
        columns.extend(orders.iter().map(|order| order.column()));
        let mut distinct: Vec<Column> = Vec::with_capacity(columns.len());
        for column in columns {
            if !distinct.iter().any(|known| same(*known, column)) {
                distinct.push(column);
            }
        }
        let mut query = Query::select();
        query.columns(distinct.iter().map(|column| (Entity, *column))).from(Entity);
        query.cond_where(filter.condition(self.0.backend()));
        let rows = page.rows(&self.0.read, query, &ipo_sorts(orders)).await?;
        let mut models = Vec::with_capacity(rows.len());
        for row in &rows {
            let (cells, mut model) = (Cells::of(row)?, Model::blank(Exchange::Other, DataSource::Manual, 0));
            for (at, column) in distinct.iter().enumerate() {
                read(&mut model, *column, &cells, at)?;
            }
            models.push(Arc::new(model));
        }
        Ok(page.page(models))
    }
}

fn same(one: Column, other: Column) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}
