//! IPOs: the object, its lists and statistics, and what can be done with one.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::{
    Context, ID, InputObject, MaybeUndefined, Object, OneofObject, Result, SimpleObject, Subscription,
};
use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use rust_decimal::Decimal;
use tokio::sync::broadcast::error::RecvError;

use super::connection::{Connection, PageArguments, Total, connect, page_cost};
use super::errors::{Fault, UserError, UserErrorCode, bad_input, internal, sort_out};
use super::guard::RoleGuard;
use super::ids::{self, Kind};
use super::job::Job;
use super::loaders::{PerformanceOf, Rows, SymbolOfIpo};
use super::scalars::{BigInt, Date};
use super::symbol::{OrderDirection, Symbol, moment};
use crate::app::App;
use crate::jobs;
use crate::market::day::iso;
use crate::market::ipo::{
    self as market, Board, FieldChange as Change, IpoDates, IpoField, IpoStatus, SubscriptionScope,
};
use crate::market::{DataSource, Exchange};
use crate::request::RequestError;
use crate::research::{self, IpoEdits, Performance};
use crate::store::entity::{ipo as row, ipo_revision};
use crate::store::page::Key;
use crate::store::{
    Event, IpoFilter, IpoOrder, IpoOrderField, Role, StoreError, ipo_sorts, millionths, revision_sorts, today_at,
};

/// An initial public offering.
#[derive(Debug, Clone)]
pub struct Ipo(pub Arc<row::Model>);

/// Times subscribed: how often the shares offered were asked for. Null where the source gives no figure yet.
#[derive(Debug, Clone, SimpleObject)]
pub struct IpoSubscription {
    /// Whose bids are counted.
    scope: SubscriptionScope,
    as_of: Option<DateTime<Utc>>,
    total: Option<f64>,
    qualified_institutional: Option<f64>,
    non_institutional: Option<f64>,
    retail: Option<f64>,
    employee: Option<f64>,
}

impl From<market::Subscription> for IpoSubscription {
    fn from(s: market::Subscription) -> Self {
        Self {
            scope: s.scope,
            as_of: s.as_of.map(moment),
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
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// What one fetch or one edit changed.
#[Object]
impl IpoRevision {
    async fn at(&self) -> DateTime<Utc> {
        moment(self.0.at)
    }

    /// Whose fetch or edit it was; MANUAL is an administrator.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    async fn changes(&self) -> Result<Vec<FieldChange>> {
        let changes: Vec<Change> = serde_json::from_str(&self.0.changes).map_err(|e| internal(&e))?;
        Ok(changes.into_iter().map(|c| FieldChange { field: c.field, before: c.before, after: c.after }).collect())
    }
}

/// A stored decimal, with the places it was written with.
fn decimal(text: Option<&String>) -> Option<Decimal> {
    text.and_then(|text| Decimal::from_str_exact(text).ok())
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

    async fn exchange(&self) -> Exchange {
        self.0.exchange
    }

    async fn board(&self) -> Board {
        self.0.board
    }

    /// From the dates and today in the exchange's time zone, unless withdrawn or postponed.
    async fn status(&self) -> IpoStatus {
        let dates = IpoDates { open: self.0.open_day, close: self.0.close_day, listing: self.0.listing_day };
        IpoStatus::of(dates, self.0.standing, today_at(self.0.exchange))
    }

    /// Final price of a share, once fixed.
    async fn issue_price(&self) -> Option<Decimal> {
        decimal(self.0.issue_price.as_ref())
    }

    async fn price_band_low(&self) -> Option<Decimal> {
        decimal(self.0.price_band_low.as_ref())
    }

    async fn price_band_high(&self) -> Option<Decimal> {
        decimal(self.0.price_band_high.as_ref())
    }

    /// ISO 4217 code.
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

    /// One lot at the final price, else at the top of the band.
    async fn minimum_investment(&self) -> Option<Decimal> {
        let price = decimal(self.0.issue_price.as_ref()).or_else(|| decimal(self.0.price_band_high.as_ref()))?;
        price.checked_mul(Decimal::from(self.0.lot_size?))
    }

    /// Face value of a share.
    async fn face_value(&self) -> Option<Decimal> {
        decimal(self.0.face_value.as_ref())
    }

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

    async fn created_at(&self) -> DateTime<Utc> {
        moment(self.0.created_at)
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        moment(self.0.updated_at)
    }

    /// The listed stock, once it is tracked.
    #[graphql(complexity = "2 + child_complexity")]
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Option<Symbol>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        Ok(loader.load_one(SymbolOfIpo(self.0.clone())).await.map_err(|e| internal(&e))?.map(Symbol))
    }

    /// What became of the issue price; null until there are prices since listing.
    #[graphql(complexity = "5 + child_complexity")]
    async fn performance(&self, ctx: &Context<'_>) -> Result<Option<IpoPerformance>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let found = loader.load_one(PerformanceOf(self.0.clone())).await.map_err(|e| internal(&e))?;
        Ok(found.map(IpoPerformance::from))
    }

    /// What was changed, the newest first.
    #[graphql(complexity = "5 + page_cost(first, last) * child_complexity")]
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<IpoRevision>> {
        let page = PageArguments { first, after, last, before }.request(&revision_sorts())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = store.ipos().revisions(self.0.id, &page).await.map_err(Fault::from)?;
        let keys = |row: &ipo_revision::Model| vec![Key::Int(row.id)];
        Ok(connect(rows, Total::Revisions(self.0.id), keys, IpoRevision))
    }
}

/// Which IPOs to list.
#[derive(Debug, InputObject)]
#[graphql(name = "IpoFilter")]
pub struct IpoFilterInput {
    /// Part of the name or ticker, in any case.
    search: Option<String>,
    status: Option<Vec<IpoStatus>>,
    exchange: Option<Vec<Exchange>>,
    board: Option<Vec<Board>>,
    open_from: Option<Date>,
    open_to: Option<Date>,
    close_from: Option<Date>,
    close_to: Option<Date>,
    issue_price_min: Option<Decimal>,
    issue_price_max: Option<Decimal>,
}

fn units(price: Option<Decimal>, name: &str) -> Result<Option<i64>> {
    let Some(price) = price else { return Ok(None) };
    let units = millionths(&price.to_string());
    units
        .map(Some)
        .ok_or_else(|| bad_input(format!("{name} is {price}; it takes a price with at most six decimal places")))
}

impl IpoFilterInput {
    fn into_filter(self) -> Result<IpoFilter> {
        let day = |date: Option<Date>| date.map(|d| d.0);
        Ok(IpoFilter {
            search: self.search,
            status: self.status,
            exchange: self.exchange,
            board: self.board,
            open_from: day(self.open_from),
            open_to: day(self.open_to),
            close_from: day(self.close_from),
            close_to: day(self.close_to),
            price_min: units(self.issue_price_min, "issuePriceMin")?,
            price_max: units(self.issue_price_max, "issuePriceMax")?,
        })
    }
}

/// A sort of IPOs.
#[derive(Debug, InputObject)]
#[graphql(name = "IpoOrder")]
pub struct IpoOrderInput {
    field: IpoOrderField,
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// What names one IPO.
#[derive(Debug, OneofObject)]
pub enum IpoBy {
    Id(ID),
    /// The latest issue of a ticker.
    Listing(ListingInput),
}

/// A ticker at its exchange.
#[derive(Debug, InputObject)]
pub struct ListingInput {
    exchange: Exchange,
    ticker: String,
}

/// Figures over many IPOs. Returns are ratios: 0.25 is +25 %.
#[derive(Debug, Clone, SimpleObject)]
pub struct IpoStatistics {
    /// How many there are.
    count: i32,
    /// How many of them have a performance.
    with_performance: i32,
    mean_listing_gain: Option<f64>,
    median_listing_gain: Option<f64>,
    /// Share of those with a performance that opened above their issue price.
    share_listed_above_issue: Option<f64>,
    median_return_since_issue: Option<f64>,
}

/// Sort keys that one list may have.
const MOST_ORDERS: usize = 4;

#[derive(Default)]
pub struct IpoQuery;

#[Object]
impl IpoQuery {
    /// IPOs, the latest opening first unless another order is asked for.
    #[graphql(complexity = "5 + page_cost(first, last) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn ipos(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<IpoFilterInput>,
        order_by: Option<Vec<IpoOrderInput>>,
    ) -> Result<Connection<Ipo>> {
        let filter = filter.map(IpoFilterInput::into_filter).transpose()?.unwrap_or_default();
        let orders: Vec<IpoOrder> = order_by
            .unwrap_or_default()
            .into_iter()
            .take(MOST_ORDERS)
            .map(|o| IpoOrder { field: o.field, descending: o.direction == OrderDirection::Desc })
            .collect();
        let page = PageArguments { first, after, last, before }.request(&ipo_sorts(&orders))?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = store.ipos().page(&filter, &orders, &page).await.map_err(Fault::from)?;
        let keys = |row: &row::Model| IpoOrder::keys(&orders, row);
        Ok(connect(rows, Total::Ipos(filter), keys, |row| Ipo(Arc::new(row))))
    }

    /// One IPO.
    async fn ipo(&self, ctx: &Context<'_>, by: IpoBy) -> Result<Option<Ipo>> {
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

    /// Figures over every IPO that the filter lets through.
    #[graphql(complexity = "200 + child_complexity")]
    async fn ipo_statistics(&self, ctx: &Context<'_>, filter: Option<IpoFilterInput>) -> Result<IpoStatistics> {
        let filter = filter.map(IpoFilterInput::into_filter).transpose()?.unwrap_or_default();
        let app = ctx.data_unchecked::<App>();
        let rows = app.store.ipos().all(&filter).await.map_err(Fault::from)?;
        let performances = research::performances(app, &rows).await.map_err(|e| internal(&e))?;
        let all: Vec<Performance> = performances.into_values().collect();
        let figures = research::statistics(rows.len(), &all);
        let int = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
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

/// A source to fetch IPOs from.
#[derive(Debug, InputObject)]
pub struct RefreshIposInput {
    /// NSE or `ALPHA_VANTAGE`.
    #[graphql(default_with = "DataSource::Nse")]
    source: DataSource,
    /// Asking again with the same key answers with the same job.
    idempotency_key: Option<String>,
}

/// The job that fetches.
#[derive(SimpleObject)]
pub struct RefreshIposPayload {
    job: Option<Job>,
    user_errors: Vec<UserError>,
}

/// An IPO to add.
#[derive(Debug, InputObject)]
pub struct CreateIpoInput {
    name: String,
    exchange: Exchange,
    ticker: Option<String>,
    #[graphql(default_with = "Board::Mainboard")]
    board: Board,
    issue_price: Option<Decimal>,
    price_band_low: Option<Decimal>,
    price_band_high: Option<Decimal>,
    /// ISO 4217 code; the exchange's own if left out.
    currency: Option<String>,
    lot_size: Option<i32>,
    issue_size: Option<BigInt>,
    open_date: Option<Date>,
    close_date: Option<Date>,
    listing_date: Option<Date>,
}

/// Fields to set; those left out stay, null clears.
#[derive(Debug, InputObject)]
pub struct UpdateIpoInput {
    id: ID,
    name: MaybeUndefined<String>,
    ticker: MaybeUndefined<String>,
    board: MaybeUndefined<Board>,
    issue_price: MaybeUndefined<Decimal>,
    price_band_low: MaybeUndefined<Decimal>,
    price_band_high: MaybeUndefined<Decimal>,
    lot_size: MaybeUndefined<i32>,
    issue_size: MaybeUndefined<BigInt>,
    open_date: MaybeUndefined<Date>,
    close_date: MaybeUndefined<Date>,
    listing_date: MaybeUndefined<Date>,
    withdrawn: MaybeUndefined<bool>,
}

/// An IPO to delete.
#[derive(Debug, InputObject)]
pub struct DeleteIpoInput {
    id: ID,
}

/// The IPO as it stands now.
#[derive(SimpleObject)]
pub struct CreateIpoPayload {
    ipo: Option<Ipo>,
    user_errors: Vec<UserError>,
}

/// The IPO as it stands now.
#[derive(SimpleObject)]
pub struct UpdateIpoPayload {
    ipo: Option<Ipo>,
    user_errors: Vec<UserError>,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeleteIpoPayload {
    deleted_id: Option<ID>,
    user_errors: Vec<UserError>,
}

fn board_text(board: Board) -> String {
    match board {
        Board::Mainboard => "MAINBOARD".to_owned(),
        Board::Sme => "SME".to_owned(),
    }
}

impl CreateIpoInput {
    fn into_edits(self) -> IpoEdits {
        let decimal = |d: Option<Decimal>| d.map(|d| d.to_string());
        let date = |d: Option<Date>| d.map(|d| iso(d.0));
        let mut edits = vec![
            (IpoField::Name, Some(self.name)),
            (IpoField::Ticker, self.ticker),
            (IpoField::Board, Some(board_text(self.board))),
            (IpoField::IssuePrice, decimal(self.issue_price)),
            (IpoField::PriceBandLow, decimal(self.price_band_low)),
            (IpoField::PriceBandHigh, decimal(self.price_band_high)),
            (IpoField::LotSize, self.lot_size.map(|n| n.to_string())),
            (IpoField::IssueSize, self.issue_size.map(|n| n.0.to_string())),
            (IpoField::OpenDate, date(self.open_date)),
            (IpoField::CloseDate, date(self.close_date)),
            (IpoField::ListingDate, date(self.listing_date)),
        ];
        edits.extend(self.currency.map(|currency| (IpoField::Currency, Some(currency))));
        edits
    }
}

impl UpdateIpoInput {
    fn into_edits(self) -> IpoEdits {
        fn edit<T>(
            field: IpoField,
            value: MaybeUndefined<T>,
            text: impl Fn(T) -> String,
        ) -> Option<(IpoField, Option<String>)> {
            match value {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some((field, None)),
                MaybeUndefined::Value(value) => Some((field, Some(text(value)))),
            }
        }
        let decimal = |d: Decimal| d.to_string();
        let date = |d: Date| iso(d.0);
        let withdrawn = match self.withdrawn {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Value(true) => Some((IpoField::Standing, Some("WITHDRAWN".to_owned()))),
            MaybeUndefined::Value(false) | MaybeUndefined::Null => Some((IpoField::Standing, None)),
        };
        [
            edit(IpoField::Name, self.name, |s| s),
            edit(IpoField::Ticker, self.ticker, |s| s),
            edit(IpoField::Board, self.board, board_text),
            edit(IpoField::IssuePrice, self.issue_price, decimal),
            edit(IpoField::PriceBandLow, self.price_band_low, decimal),
            edit(IpoField::PriceBandHigh, self.price_band_high, decimal),
            edit(IpoField::LotSize, self.lot_size, |n| n.to_string()),
            edit(IpoField::IssueSize, self.issue_size, |n| n.0.to_string()),
            edit(IpoField::OpenDate, self.open_date, date),
            edit(IpoField::CloseDate, self.close_date, date),
            edit(IpoField::ListingDate, self.listing_date, date),
            withdrawn,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn id_of(id: &ID) -> Result<i64, RequestError> {
    let missing = || RequestError::NotFound { field: "id".into(), what: "IPO with this id".to_owned() };
    ids::decode_as(Kind::Ipo, id).ok_or_else(missing)
}

async fn update(app: &App, input: UpdateIpoInput) -> Result<row::Model, RequestError> {
    let id = id_of(&input.id)?;
    research::update_ipo(app, id, input.into_edits()).await
}

async fn delete(app: &App, id: &ID) -> Result<(), RequestError> {
    research::delete_ipo(app, id_of(id)?).await
}

const LONGEST_IDEMPOTENCY_KEY: usize = 200;

#[derive(Default)]
pub struct IpoMutation;

#[Object]
impl IpoMutation {
    /// Queues a fetch of a source's IPOs. One that is under way answers with its job.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn refresh_ipos(&self, ctx: &Context<'_>, input: RefreshIposInput) -> Result<RefreshIposPayload> {
        if input.idempotency_key.as_ref().is_some_and(|k| k.is_empty() || k.len() > LONGEST_IDEMPOTENCY_KEY) {
            let message = format!("an idempotency key has 1 to {LONGEST_IDEMPOTENCY_KEY} bytes");
            let user_errors = vec![UserError::new(UserErrorCode::Invalid, "idempotencyKey", message)];
            return Ok(RefreshIposPayload { job: None, user_errors });
        }
        let app = ctx.data_unchecked::<App>();
        Ok(match sort_out(jobs::refresh_ipos(app, input.source, input.idempotency_key).await)? {
            Ok(job) => RefreshIposPayload { job: Some(Job(job)), user_errors: Vec::new() },
            Err(user_errors) => RefreshIposPayload { job: None, user_errors },
        })
    }

    /// Adds an IPO.
    #[graphql(guard = "RoleGuard(Role::Admin)")]
    async fn create_ipo(&self, ctx: &Context<'_>, input: CreateIpoInput) -> Result<CreateIpoPayload> {
        let app = ctx.data_unchecked::<App>();
        let exchange = input.exchange;
        Ok(match sort_out(research::create_ipo(app, exchange, input.into_edits()).await)? {
            Ok(row) => CreateIpoPayload { ipo: Some(Ipo(Arc::new(row))), user_errors: Vec::new() },
            Err(user_errors) => CreateIpoPayload { ipo: None, user_errors },
        })
    }

    /// Sets fields of an IPO. A fetch leaves them alone until the source itself says something else.
    #[graphql(guard = "RoleGuard(Role::Admin)")]
    async fn update_ipo(&self, ctx: &Context<'_>, input: UpdateIpoInput) -> Result<UpdateIpoPayload> {
        Ok(match sort_out(update(ctx.data_unchecked::<App>(), input).await)? {
            Ok(row) => UpdateIpoPayload { ipo: Some(Ipo(Arc::new(row))), user_errors: Vec::new() },
            Err(user_errors) => UpdateIpoPayload { ipo: None, user_errors },
        })
    }

    /// Deletes an IPO with its history. A fetch doesn't bring it back.
    #[graphql(guard = "RoleGuard(Role::Admin)")]
    async fn delete_ipo(&self, ctx: &Context<'_>, input: DeleteIpoInput) -> Result<DeleteIpoPayload> {
        Ok(match sort_out(delete(ctx.data_unchecked::<App>(), &input.id).await)? {
            Ok(()) => DeleteIpoPayload { deleted_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => DeleteIpoPayload { deleted_id: None, user_errors },
        })
    }
}

/// How an IPO changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum ChangeKind {
    Created,
    Updated,
}

/// An IPO that was added or changed.
#[derive(SimpleObject)]
pub struct IpoChanged {
    ipo: Ipo,
    change: ChangeKind,
}

#[derive(Default)]
pub struct IpoSubscriptions;

#[Subscription]
impl IpoSubscriptions {
    /// Every IPO that is added or changed, of one exchange or of all.
    async fn ipo_changed(
        &self,
        ctx: &Context<'_>,
        exchange: Option<Exchange>,
    ) -> Result<impl Stream<Item = Result<IpoChanged>>> {
        let app = ctx.data_unchecked::<App>().clone();
        let mut events = app.store.events().subscribe();
        Ok(try_stream! {
            loop {
                let (id, is_new) = match events.recv().await {
                    Ok(Event::Ipo { id, is_new }) => (id, is_new),
                    Ok(Event::Job(_)) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                let found: Result<Vec<row::Model>, StoreError> = app.store.ipos().get_many(&[id]).await;
                let Some(row) = found.map_err(Fault::from)?.pop() else { continue };
                if exchange.is_none_or(|wanted| wanted == row.exchange) {
                    let change = if is_new { ChangeKind::Created } else { ChangeKind::Updated };
                    yield IpoChanged { ipo: Ipo(Arc::new(row)), change };
                }
            }
        })
    }
}
