//! IPOs: the object and what stands in it.

use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, Error, ID, Object, Result, SimpleObject};

use super::batch::DataLoader;
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::internal;
use super::ids::{self, Kind};
use super::loaders::{RevisionsOf, Rows};
use super::record::{self, Plan, Record, Writer, date, json, name, object, scalar};
use super::scalars::{BigInt, Date, DateTime, Decimal};
use super::subject::{Symbol, load_symbol};
use crate::market::ipo::{self as market, Board, FieldChange as Change, IpoDates, IpoStatus, SubscriptionScope};
use crate::market::{DataSource, Day, Exchange, Performance};
use crate::store::entity::{ipo as row, ipo_revision};
use crate::store::page::Key;
use crate::store::{IpoColumn, Today, newest_first, today_at};

/// An initial public offering.
#[derive(Debug, Clone)]
pub struct Ipo(pub Arc<row::Model>);

/// Times subscribed: how often the shares offered were asked for. Null where the source gives no figure yet.
#[derive(Debug, Clone, SimpleObject)]
pub struct IpoSubscription {
    /// Whose bids are counted.
    scope: SubscriptionScope,
    /// When the source last counted, in UTC.
    as_of: Option<DateTime>,
    /// All bids over all shares offered: 2.5 is two and a half times.
    total: Option<f64>,
    /// Bids of qualified institutional buyers, over the shares reserved for them.
    qualified_institutional: Option<f64>,
    /// Bids of non-institutional investors, over the shares reserved for them.
    non_institutional: Option<f64>,
    /// Bids of retail individual investors, over the shares reserved for them; of SME issues since 2025-07-01, those of
    /// individual investors.
    retail: Option<f64>,
    /// Bids of employees, over the shares reserved for them.
    employee: Option<f64>,
}

impl From<market::Subscription> for IpoSubscription {
    fn from(s: market::Subscription) -> Self {
        Self {
            scope: s.scope,
            as_of: s.as_of.map(DateTime),
            total: s.total,
            qualified_institutional: s.qualified_institutional,
            non_institutional: s.non_institutional,
            retail: s.retail,
            employee: s.employee,
        }
    }
}

/// What became of the issue price. Ratios: 0.25 is +25 %.
#[derive(Debug, Clone, SimpleObject)]
pub struct IpoPerformance {
    /// The first day's open.
    listing_open: f64,
    /// First open / issue price - 1.
    listing_gain: f64,
    /// First close / issue price - 1.
    first_day_return: f64,
    /// Last close / issue price - 1, split-adjusted.
    return_since_issue: f64,
    /// The lowest close over the highest one before it, less 1, split-adjusted.
    max_drawdown_since_listing: f64,
    /// The last close's date.
    as_of: Date,
}

impl From<Performance> for IpoPerformance {
    fn from(p: Performance) -> Self {
        Self {
            listing_open: p.listing_open,
            listing_gain: p.listing_gain,
            first_day_return: p.first_day_return,
            return_since_issue: p.return_since_issue,
            max_drawdown_since_listing: p.max_drawdown,
            as_of: Date(p.as_of),
        }
    }
}

/// What one fetch or one edit changed.
#[derive(Debug, Clone)]
pub struct IpoRevision(ipo_revision::Model);

/// One change of one field.
#[derive(Debug, Clone, SimpleObject)]
pub struct FieldChange {
    /// The field, as `Ipo` names it; or `standing`, which is WITHDRAWN, POSTPONED or null.
    field: String,
    /// Its value before, as text; null where it had none.
    before: Option<String>,
    /// Its value after, as text; null where it has none.
    after: Option<String>,
}

/// What one fetch or one edit changed.
#[Object]
impl IpoRevision {
    /// When it was changed.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// The same.
    #[graphql(deprecation = "A moment's name ends in At everywhere: use changedAt")]
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// Whose fetch or edit it was; MANUAL is an administrator.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    /// The name of the token that edited it; null for a fetch, and for edits from before names were kept.
    async fn author(&self) -> Option<&str> {
        self.0.author.as_deref()
    }

    /// The fields that were changed.
    async fn changes(&self) -> Result<Vec<FieldChange>> {
        let changes: Vec<Change> = serde_json::from_str(&self.0.changes).map_err(|e| internal(&e))?;
        Ok(changes.into_iter().map(|c| FieldChange { field: c.field, before: c.before, after: c.after }).collect())
    }
}

/// A stored decimal, with the places it was written with.
fn decimal(text: Option<&String>) -> Option<Decimal> {
    text.and_then(|text| crate::market::decimal::exact(text)).map(Decimal)
}

impl Ipo {
    fn status_on(&self, today: Day) -> IpoStatus {
        let dates = IpoDates { open: self.0.open_day, close: self.0.close_day, listing: self.0.listing_day };
        IpoStatus::of(dates, self.0.standing, today)
    }

    fn price_of_a_lot(&self) -> Option<Decimal> {
        let price = decimal(self.0.issue_price.as_ref()).or_else(|| decimal(self.0.price_band_high.as_ref()))?;
        let lots = market::lots_of_smallest_bid(self.0.exchange, self.0.board, self.0.first_day());
        price.0.checked_mul(self.0.lot_size?.into())?.checked_mul(lots.into()).map(Decimal)
    }
}

/// The columns that a field of an IPO is made of; `None` for a field that isn't known here.
pub(super) fn columns_of(field: &str) -> Option<&'static [IpoColumn]> {
    use IpoColumn::{
        Board, CloseDay, CreatedAt, Currency, Exchange, FaceValue, FirstDayReturn, IssuePrice, IssuePriceDerived,
        IssueSize, ListingDay, ListingGain, ListingOpen, LotSize, MaxDrawdown, Name, OpenDay, PerformanceAsOf,
        PriceBandHigh, PriceBandLow, Registrar, ReturnSinceIssue, Source, Standing, Subscription, SymbolId, Ticker,
        UpdatedAt,
    };
    Some(match field {
        "__typename" | "id" | "revisions" => &[],
        "name" => &[Name],
        "ticker" => &[Ticker],
        "exchange" => &[Exchange],
        "board" => &[Board],
        "status" => &[OpenDay, CloseDay, ListingDay, Standing, Exchange],
        "issuePrice" => &[IssuePrice],
        "issuePriceDerived" => &[IssuePriceDerived],
        "priceBandLow" => &[PriceBandLow],
        "priceBandHigh" => &[PriceBandHigh],
        "currency" => &[Currency],
        "lotSize" => &[LotSize],
        "issueSize" => &[IssueSize],
        "openDate" => &[OpenDay],
        "closeDate" => &[CloseDay],
        "listingDate" => &[ListingDay],
        "minimumInvestment" => &[IssuePrice, PriceBandHigh, LotSize, Exchange, Board, OpenDay, ListingDay],
        "faceValue" => &[FaceValue],
        "registrar" => &[Registrar],
        "subscription" => &[Subscription],
        "source" => &[Source],
        "createdAt" => &[CreatedAt],
        "updatedAt" => &[UpdatedAt],
        "symbol" => &[SymbolId],
        "performance" => &[ListingOpen, ListingGain, FirstDayReturn, ReturnSinceIssue, MaxDrawdown, PerformanceAsOf],
        _ => return None,
    })
}

impl Record for Ipo {
    fn field<'q>(field: &'q Field, plan: Plan<'q>) -> Option<Writer<'q, Self>> {
        Some(match field.name.node.as_str() {
            "id" => Box::new(|ipo, out| ids::write(out, Kind::Ipo, ipo.0.id)),
            "name" => Box::new(|ipo, out| json(out, &ipo.0.name)),
            "ticker" => Box::new(|ipo, out| json(out, &ipo.0.ticker)),
            "exchange" => Box::new(|ipo, out| name(out, ipo.0.exchange)),
            "board" => Box::new(|ipo, out| name(out, ipo.0.board)),
            "status" => {
                let today = Today::now();
                Box::new(move |ipo, out| name(out, ipo.status_on(today.at(ipo.0.exchange))))
            }
            "issuePrice" => Box::new(|ipo, out| record::decimal(out, ipo.0.issue_price.as_ref())),
            "issuePriceDerived" => Box::new(|ipo, out| json(out, &ipo.0.issue_price_derived)),
            "priceBandLow" => Box::new(|ipo, out| record::decimal(out, ipo.0.price_band_low.as_ref())),
            "priceBandHigh" => Box::new(|ipo, out| record::decimal(out, ipo.0.price_band_high.as_ref())),
            "currency" => Box::new(|ipo, out| json(out, &ipo.0.currency)),
            "lotSize" => Box::new(|ipo, out| json(out, &ipo.0.lot_size)),
            "issueSize" => Box::new(|ipo, out| json(out, &ipo.0.issue_size)),
            "openDate" => Box::new(|ipo, out| date(out, ipo.0.open_day)),
            "closeDate" => Box::new(|ipo, out| date(out, ipo.0.close_day)),
            "listingDate" => Box::new(|ipo, out| date(out, ipo.0.listing_day)),
            "minimumInvestment" => Box::new(|ipo, out| scalar(out, ipo.price_of_a_lot())),
            "faceValue" => Box::new(|ipo, out| record::decimal(out, ipo.0.face_value.as_ref())),
            "registrar" => Box::new(|ipo, out| json(out, &ipo.0.registrar)),
            "source" => Box::new(|ipo, out| name(out, ipo.0.source)),
            "createdAt" => Box::new(|ipo, out| scalar(out, Some(DateTime(ipo.0.created_at)))),
            "updatedAt" => Box::new(|ipo, out| scalar(out, Some(DateTime(ipo.0.updated_at)))),
            "performance" => {
                let fields = plan.of::<IpoPerformance>(&field.selection_set.node)?;
                Box::new(move |ipo, out| object(out, &fields, ipo.0.performance().map(IpoPerformance::from)))
            }
            _ => return None,
        })
    }

    fn is_sound(&self) -> bool {
        self.0.issue_size.is_none_or(|size| BigInt(size).beyond().is_none())
    }
}

impl Record for IpoPerformance {
    fn field<'q>(field: &'q Field, _: Plan<'q>) -> Option<Writer<'q, Self>> {
        Some(match field.name.node.as_str() {
            "listingOpen" => Box::new(|p, out| json(out, &p.listing_open)),
            "listingGain" => Box::new(|p, out| json(out, &p.listing_gain)),
            "firstDayReturn" => Box::new(|p, out| json(out, &p.first_day_return)),
            "returnSinceIssue" => Box::new(|p, out| json(out, &p.return_since_issue)),
            "maxDrawdownSinceListing" => Box::new(|p, out| json(out, &p.max_drawdown_since_listing)),
            "asOf" => Box::new(|p, out| date(out, Some(p.as_of.0))),
            _ => return None,
        })
    }
}

/// An initial public offering.
#[Object]
impl Ipo {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Ipo, self.0.id)
    }

    /// The company's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The symbol at its exchange, once assigned.
    async fn ticker(&self) -> Option<&str> {
        self.0.ticker.as_deref()
    }

    /// Where the share is listed, or is to be.
    async fn exchange(&self) -> Exchange {
        self.0.exchange
    }

    /// The exchange's board that it is listed on.
    async fn board(&self) -> Board {
        self.0.board
    }

    /// From the dates and today in the exchange's time zone, unless withdrawn or postponed.
    async fn status(&self) -> IpoStatus {
        self.status_on(today_at(self.0.exchange))
    }

    /// Final price of a share in `currency`, once fixed.
    async fn issue_price(&self) -> Option<Decimal> {
        decimal(self.0.issue_price.as_ref())
    }

    /// Whether no source stated the issue price: it's the close before the listing day, as the exchange's daily file has
    /// it.
    async fn issue_price_derived(&self) -> bool {
        self.0.issue_price_derived
    }

    /// The lowest price of a share that may be bid, in `currency`.
    async fn price_band_low(&self) -> Option<Decimal> {
        decimal(self.0.price_band_low.as_ref())
    }

    /// The highest price of a share that may be bid, in `currency`.
    async fn price_band_high(&self) -> Option<Decimal> {
        decimal(self.0.price_band_high.as_ref())
    }

    /// ISO 4217 code of all its prices.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Shares in one lot.
    async fn lot_size(&self) -> Option<i32> {
        self.0.lot_size
    }

    /// Shares offered.
    async fn issue_size(&self) -> Option<BigInt> {
        self.0.issue_size.map(BigInt)
    }

    /// The first day of bidding.
    async fn open_date(&self) -> Option<Date> {
        self.0.open_day.map(Date)
    }

    /// The last day of bidding.
    async fn close_date(&self) -> Option<Date> {
        self.0.close_day.map(Date)
    }

    /// The first day of trading.
    async fn listing_date(&self) -> Option<Date> {
        self.0.listing_day.map(Date)
    }

    /// The smallest bid at the final price, else at the top of the band, in `currency`: one lot; two lots of an SME issue
    /// in India that opens on 2025-07-01 or later (SEBI's rule; bids are above 200,000 rupees since).
    async fn minimum_investment(&self) -> Option<Decimal> {
        self.price_of_a_lot()
    }

    /// Face value of a share, in `currency`.
    async fn face_value(&self) -> Option<Decimal> {
        decimal(self.0.face_value.as_ref())
    }

    /// Who allots the shares, where the source names it.
    async fn registrar(&self) -> Option<&str> {
        self.0.registrar.as_deref()
    }

    /// How often the shares offered were asked for.
    async fn subscription(&self) -> Result<Option<IpoSubscription>> {
        let Some(text) = &self.0.subscription else { return Ok(None) };
        let subscription: market::Subscription = serde_json::from_str(text).map_err(|e| internal(&e))?;
        Ok(Some(subscription.into()))
    }

    /// Where it first came from.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    /// When the service first knew of it.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When one of its fields last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// The listed stock, once it is tracked.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Option<Symbol>> {
        load_symbol(ctx, self.0.symbol_id).await
    }

    /// What became of the issue price; null until there are prices since listing in the issue's currency.
    async fn performance(&self) -> Option<IpoPerformance> {
        self.0.performance().map(IpoPerformance::from)
    }

    /// What was changed, the newest first.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
    ) -> Result<Connection<IpoRevision>> {
        let page = PageArguments { first, after, last, before }.request("revisions", &newest_first())?;
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let read = async {
            let found = loader.load_one(RevisionsOf(self.0.id, page.clone())).await.map_err(|e| internal(&e))?;
            Ok::<_, Error>(found.unwrap_or_else(|| page.empty()))
        };
        let rows = if_asked(ctx, read).await?;
        let keys = |row: &ipo_revision::Model| vec![Key::Int(row.id)];
        Ok(connect(rows, Total::RevisionsOf(self.0.id), keys, IpoRevision))
    }
}
