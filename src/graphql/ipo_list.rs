//! Lists of IPOs, one by what names it, and figures over many.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SelectionField, SimpleObject};

use super::connection::{Count, CursorText, PageArguments, Total, connect, distinct, if_asked, sought};
use super::errors::{Fault, bad_input};
use super::ids::{self, Kind};
use super::ipo::{Ipo, columns_of};
use super::record::Records;
use super::scalars::{Date, Decimal};
use super::symbol_list::OrderDirection;
use crate::app::App;
use crate::market::Exchange;
use crate::market::decimal::millionths;
use crate::market::ipo::{Board, IpoStatus};
use crate::store::entity::ipo as row;
use crate::store::{IpoColumn, IpoFilter, IpoOrder, IpoOrderField, ipo_sorts};

/// Which IPOs to list.
#[derive(Debug, InputObject)]
#[graphql(name = "IpoFilter")]
pub struct IpoFilterInput {
    /// Part of the name or ticker, in any case; 200 characters at most.
    search: Option<String>,
    /// Standing so today: one of these.
    status: Option<Vec<IpoStatus>>,
    /// On one of these exchanges.
    exchange: Option<Vec<Exchange>>,
    /// On one of these boards.
    board: Option<Vec<Board>>,
    /// The earliest first day of bidding; what has none is left out.
    open_from: Option<Date>,
    /// The latest first day of bidding; what has none is left out.
    open_to: Option<Date>,
    /// The earliest last day of bidding; what has none is left out.
    close_from: Option<Date>,
    /// The latest last day of bidding; what has none is left out.
    close_to: Option<Date>,
    /// The earliest first day of trading; what has none is left out.
    listed_from: Option<Date>,
    /// The latest first day of trading; what has none is left out.
    listed_to: Option<Date>,
    /// The lowest final price, in each issue's own currency, with at most six decimal places; what has none is left
    /// out.
    issue_price_min: Option<Decimal>,
    /// The highest final price, in each issue's own currency, with at most six decimal places; what has none is left
    /// out.
    issue_price_max: Option<Decimal>,
}

fn units(price: Option<Decimal>, name: &str) -> Result<Option<i64>> {
    let Some(price) = price else { return Ok(None) };
    let text = price.0.to_string();
    // No price is below zero, but a bound may be: it leaves out all or nothing.
    let units = match text.strip_prefix('-') {
        Some(below) => millionths(below).map(|units| -units),
        None => millionths(&text),
    };
    units.map(Some).ok_or_else(|| {
        let most = i64::MAX / 1_000_000;
        bad_input(format!("{name} is {text}; it takes at most six decimal places, and up to {most}"))
    })
}

impl IpoFilterInput {
    fn into_filter(self) -> Result<IpoFilter> {
        let day = |date: Option<Date>| date.map(|d| d.0);
        Ok(IpoFilter {
            search: sought(self.search)?,
            status: distinct(self.status),
            exchange: distinct(self.exchange),
            board: distinct(self.board),
            open_from: day(self.open_from),
            open_to: day(self.open_to),
            close_from: day(self.close_from),
            close_to: day(self.close_to),
            listed_from: day(self.listed_from),
            listed_to: day(self.listed_to),
            price_min: units(self.issue_price_min, "issuePriceMin")?,
            price_max: units(self.issue_price_max, "issuePriceMax")?,
        })
    }
}

/// A sort of IPOs.
#[derive(Debug, InputObject)]
#[graphql(name = "IpoOrder")]
pub struct IpoOrderInput {
    /// What to sort by.
    field: IpoOrderField,
    /// Which end comes first; ASC if left out.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// What names one IPO.
#[derive(Debug, OneofObject)]
pub enum IpoBy {
    /// Its global id.
    Id(ID),
    /// The latest issue of a ticker.
    Listing(ListingInput),
}

/// A ticker at its exchange.
#[derive(Debug, InputObject)]
pub struct ListingInput {
    /// The exchange.
    exchange: Exchange,
    /// The symbol there, in any case: "TATATECH". At most 32 characters.
    ticker: String,
}

/// Figures over many IPOs. Returns are ratios: 0.25 is +25 %.
#[derive(Debug, Clone, SimpleObject)]
pub struct IpoStatistics {
    /// How many there are.
    count: i32,
    /// How many of them have a performance.
    with_performance: i32,
    /// The mean of first open / issue price - 1; null if none has a performance.
    mean_listing_gain: Option<f64>,
    /// The median of first open / issue price - 1; null if none has a performance.
    median_listing_gain: Option<f64>,
    /// Share of those with a performance that opened above their issue price, 0 to 1; null if none has one.
    share_listed_above_issue: Option<f64>,
    /// The median of last close / issue price - 1, split-adjusted; null if none has a performance.
    median_return_since_issue: Option<f64>,
}

/// Sort keys that one list may have.
const MOST_ORDERS: usize = 4;

async fn find(ctx: &Context<'_>, by: IpoBy) -> Result<Option<Ipo>> {
    let ipos = ctx.data_unchecked::<App>().store.ipos();
    let found = match by {
        IpoBy::Id(id) => match ids::decode_as(Kind::Ipo, &id) {
            Some(id) => ipos.get_many(&[id]).await.map_err(Fault::from)?.pop(),
            None => None,
        },
        IpoBy::Listing(listing) => {
            let ticker = listing.ticker.trim().to_uppercase();
            ipos.by_listing(listing.exchange, &ticker).await.map_err(Fault::from)?
        }
    };
    Ok(found.map(|row| Ipo(Arc::new(row))))
}

/// What the rows of a list must hold; `None` if that can't be told from the fields alone.
fn asked_columns(ctx: &Context<'_>) -> Option<Vec<IpoColumn>> {
    let mut columns = Vec::new();
    let mut of_nodes = |nodes: SelectionField<'_>| {
        nodes.selection_set().try_for_each(|field| {
            columns.extend_from_slice(columns_of(field.name())?);
            Some(())
        })
    };
    for part in ctx.field().selection_set() {
        match part.name() {
            "nodes" => of_nodes(part)?,
            "edges" => part.selection_set().filter(|field| field.name() == "node").try_for_each(&mut of_nodes)?,
            _ => {}
        }
    }
    Some(columns)
}

#[derive(Default)]
pub struct IpoQuery;

#[Object]
impl IpoQuery {
    /// IPOs, the latest opening first unless another order is asked for.
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn ipos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            IpoFilterInput,
        >,
        #[graphql(
            desc = "What to sort by, the first key first; at most 4 keys are used. OPEN_DATE, the latest first, if left out."
        )]
        order_by: Option<Vec<IpoOrderInput>>,
    ) -> Result<Records<Ipo>> {
        let filter = filter.map(IpoFilterInput::into_filter).transpose()?.unwrap_or_default();
        let orders: Vec<IpoOrder> = order_by
            .unwrap_or_default()
            .into_iter()
            .take(MOST_ORDERS)
            .map(|o| IpoOrder { field: o.field, descending: o.direction == OrderDirection::Desc })
            .collect();
        let page = PageArguments { first, after, last, before }.request("ipos", &ipo_sorts(&orders))?;
        let store = &ctx.data_unchecked::<App>().store;
        let read = async {
            match asked_columns(ctx) {
                Some(columns) => store.ipos().page_of(&filter, &orders, &page, columns).await,
                None => store.ipos().page(&filter, &orders, &page).await,
            }
        };
        let rows = if_asked(ctx, read).await.map_err(Fault::from)?;
        let keys = |row: &Arc<row::Model>| IpoOrder::keys(&orders, row);
        Ok(Records(connect(rows, Total::Ipos(filter), keys, Ipo)))
    }

    /// One IPO.
    async fn ipo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What names it: its id, or its listing.")] by: IpoBy,
    ) -> Option<Result<Ipo>> {
        // An error within an option nulls its field alone.
        find(ctx, by).await.transpose()
    }

    /// Figures over every IPO that the filter lets through.
    async fn ipo_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which to count; all if left out.")] filter: Option<IpoFilterInput>,
    ) -> Result<IpoStatistics> {
        let filter = filter.map(IpoFilterInput::into_filter).transpose()?.unwrap_or_default();
        let app = ctx.data_unchecked::<App>();
        let figures = app.store.ipos().statistics(&filter).await.map_err(Fault::from)?;
        let int = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
        Ok(IpoStatistics {
            count: int(figures.count),
            with_performance: int(figures.with_performance),
            mean_listing_gain: figures.mean_listing_gain,
            median_listing_gain: figures.median_listing_gain,
            share_listed_above_issue: figures.share_above_issue,
            median_return_since_issue: figures.median_return,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_may_be_below_zero_and_a_finer_one_is_told_why_not() {
        let bound = |text: &str| units(text.parse().ok().map(Decimal), "issuePriceMin");
        assert_eq!(bound("-1.5").ok(), Some(Some(-1_500_000)));
        assert_eq!(bound("-0").ok(), Some(Some(0)));
        assert_eq!(bound("71.50").ok(), Some(Some(71_500_000)));
        for wrong in ["0.0000001", "-0.0000001", "9223372036855"] {
            let said = bound(wrong).expect_err("refused").message;
            assert_eq!(
                said,
                format!("issuePriceMin is {wrong}; it takes at most six decimal places, and up to 9223372036854")
            );
        }
    }
}
