//! IPOs and their revisions.

use std::collections::HashMap;

use chrono_tz::Tz;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    IntoActiveModel, Iterable, PaginatorTrait, QueryFilter,
};

use super::children::Children;
use super::entity::ipo::{ActiveModel, Column, Entity, Model};
use super::entity::ipo_revision;
use super::page::{Key, Keys, Page, PageRequest, Sort, last_day, last_int, last_real};
use super::symbols::contains_pattern;
use super::{Result, Store, now};
use crate::market::ipo::{Board, FieldChange, IpoStatus, Standing};
use crate::market::{DataSource, Day, Exchange, day};

/// The IPOs' repository.
pub struct Ipos<'a>(pub(super) &'a Store);

impl Store {
    #[must_use]
    pub fn ipos(&self) -> Ipos<'_> {
        Ipos(self)
    }
}

/// Which IPOs to list.
#[derive(Debug, Clone, Default)]
pub struct IpoFilter {
    /// Part of the name or ticker, in any case.
    pub search: Option<String>,
    pub status: Option<Vec<IpoStatus>>,
    pub exchange: Option<Vec<Exchange>>,
    pub board: Option<Vec<Board>>,
    pub open_from: Option<Day>,
    pub open_to: Option<Day>,
    pub close_from: Option<Day>,
    pub close_to: Option<Day>,
    pub listed_from: Option<Day>,
    pub listed_to: Option<Day>,
    /// In millionths.
    pub price_min: Option<i64>,
    pub price_max: Option<i64>,
}

/// What to sort IPOs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum IpoOrderField {
    /// The company's name, A to Z.
    Name,
    /// The first day of bidding. What is missing comes last, here and below, in both directions.
    OpenDate,
    /// The last day of bidding.
    CloseDate,
    /// The first day of trading.
    ListingDate,
    /// The final price of a share.
    IssuePrice,
    /// When the service first knew of it.
    CreatedAt,
    /// When a field of it last changed.
    UpdatedAt,
    /// The first day's open over the issue price, less 1.
    ListingGain,
    /// The last close over the issue price, less 1, split-adjusted.
    ReturnSinceIssue,
    /// How often the shares offered were asked for, in total.
    Subscription,
    /// Shares offered.
    IssueSize,
}

/// A sort of IPOs.
#[derive(Debug, Clone, Copy)]
pub struct IpoOrder {
    pub field: IpoOrderField,
    pub descending: bool,
}

/// The time zones that statuses are told in, each with its exchanges.
const ZONES: [(Tz, &[Exchange]); 2] = [
    (chrono_tz::Asia::Kolkata, &[Exchange::Nse, Exchange::Bse]),
    (chrono_tz::America::New_York, &[Exchange::Nasdaq, Exchange::Nyse, Exchange::Other]),
];

/// The date at an exchange now.
#[must_use]
pub fn today_at(exchange: Exchange) -> Day {
    day::from_date(chrono::Utc::now().with_timezone(&exchange.time_zone()).date_naive())
}

/// The same rules as [`IpoStatus::of`], as a condition.
fn has_status(status: IpoStatus, today: Day) -> Condition {
    let all = Condition::all;
    // The expression that the index of listing dates holds: what has no date yet comes after today, too.
    let listing = || sort_of(IpoOrder { field: IpoOrderField::ListingDate, descending: false }).by;
    let unlisted = || listing().gt(today);
    let dated = || all().add(Column::Standing.is_null());
    let last_day = || Func::coalesce([Expr::col(Column::CloseDay), Expr::col(Column::OpenDay)]);
    match status {
        IpoStatus::Withdrawn => all().add(Column::Standing.eq(Standing::Withdrawn)),
        IpoStatus::Postponed => all().add(Column::Standing.eq(Standing::Postponed)),
        IpoStatus::Listed => dated().add(listing().lte(today)),
        IpoStatus::Upcoming => dated().add(unlisted()).add(
            Condition::any().add(Column::OpenDay.gt(today)).add(
                all()
                    .add(Column::OpenDay.is_null())
                    .add(Condition::any().add(Column::CloseDay.is_null()).add(Column::CloseDay.gte(today))),
            ),
        ),
        IpoStatus::Open => {
            dated().add(unlisted()).add(Column::OpenDay.lte(today)).add(Expr::expr(last_day()).gte(today))
        }
        IpoStatus::Closed => dated()
            .add(unlisted())
            .add(Expr::expr(last_day()).lt(today))
            .add(Condition::any().add(Column::OpenDay.is_null()).add(Column::OpenDay.lte(today))),
    }
}

impl IpoFilter {
    pub(super) fn condition(&self, backend: DbBackend) -> Condition {
        let day = |day: Option<Day>| day.map(i64::from);
        let mut condition = Condition::all();
        if let Some(search) = &self.search {
            let pattern = contains_pattern(search);
            let like = |column: Column| {
                Expr::expr(Func::lower(Expr::col(column))).like(LikeExpr::new(pattern.clone()).escape('\\'))
            };
            condition = condition.add(Condition::any().add(like(Column::Name)).add(like(Column::Ticker)));
        }
        if let Some(statuses) = &self.status {
            let mut any = Condition::any();
            for (zone, exchanges) in ZONES {
                let today = day::from_date(chrono::Utc::now().with_timezone(&zone).date_naive());
                let of_status =
                    statuses.iter().fold(Condition::any(), |any, status| any.add(has_status(*status, today)));
                let at = Column::Exchange.is_in(exchanges.iter().copied());
                any = any.add(Condition::all().add(at).add(of_status));
            }
            condition = condition.add(any).add(listing_bound(statuses));
        }
        condition
            .add_option(self.exchange.as_ref().map(|e| Column::Exchange.is_in(e.iter().copied())))
            .add_option(self.board.as_ref().map(|b| Column::Board.is_in(b.iter().copied())))
            .add_option(range(IpoOrderField::OpenDate, day(self.open_from), day(self.open_to), backend))
            .add_option(range(IpoOrderField::CloseDate, day(self.close_from), day(self.close_to), backend))
            .add_option(range(IpoOrderField::ListingDate, day(self.listed_from), day(self.listed_to), backend))
            .add_option(range(IpoOrderField::IssuePrice, self.price_min, self.price_max, backend))
    }
}

/// What a choice of statuses says of listing dates wherever the exchange is: a bound that an index can use.
fn listing_bound(statuses: &[IpoStatus]) -> Condition {
    let listing = sort_of(IpoOrder { field: IpoOrderField::ListingDate, descending: false }).by;
    let today = day::from_date(chrono::Utc::now().date_naive());
    if statuses.iter().all(|s| *s == IpoStatus::Listed) {
        return Condition::all().add(listing.lte(today + 1));
    }
    if statuses.iter().all(|s| matches!(s, IpoStatus::Upcoming | IpoStatus::Open | IpoStatus::Closed)) {
        return Condition::all().add(listing.gt(today - 1));
    }
    Condition::all()
}

/// Bounds on a sort value, said of the very expression that its index holds. What has both ends is looked up first, so
/// that a list in another order needn't be walked to where its rows happen to lie.
fn range(field: IpoOrderField, from: Option<i64>, to: Option<i64>, backend: DbBackend) -> Option<Condition> {
    let by = sort_of(IpoOrder { field, descending: false }).by;
    let bounds = Condition::all()
        .add(by.clone().lt(Expr::cust(missing(field, false))))
        .add_option(from.map(|v| by.clone().gte(v)))
        .add_option(to.map(|v| by.clone().lte(v)));
    match (from, to) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            let within = Query::select().column(Column::Id).from(Entity).cond_where(bounds).to_owned();
            Some(Condition::all().add(if backend == DbBackend::Postgres {
                // As an array it's computed first; as a set the planner would join it to the walk.
                let within = SimpleExpr::SubQuery(None, Box::new(within.into()));
                Expr::cust_with_exprs("id = ANY(ARRAY $1)", [within])
            } else {
                Column::Id.in_subquery(within)
            }))
        }
        _ => Some(bounds),
    }
}

/// What stands for a missing value in a sort, so that it comes last; written as the indexes have it.
fn missing(field: IpoOrderField, descending: bool) -> &'static str {
    use IpoOrderField::{CloseDate, IssuePrice, IssueSize, ListingDate, OpenDate};
    match (field, descending) {
        (OpenDate | CloseDate | ListingDate, false) => "2147483647",
        (OpenDate | CloseDate | ListingDate, true) => "-2147483647",
        (IssuePrice | IssueSize, false) => "9223372036854775807",
        (IssuePrice | IssueSize, true) => "-9223372036854775807",
        (_, false) => "1e22",
        (_, true) => "-1e22",
    }
}

fn sort_of(order: IpoOrder) -> Sort {
    let or_last = |column: Column| -> SimpleExpr {
        Func::coalesce([Expr::col(column), Expr::cust(missing(order.field, order.descending))]).into()
    };
    let (by, text) = match order.field {
        IpoOrderField::Name => (Expr::col(Column::Name), true),
        IpoOrderField::OpenDate => (or_last(Column::OpenDay), false),
        IpoOrderField::CloseDate => (or_last(Column::CloseDay), false),
        IpoOrderField::ListingDate => (or_last(Column::ListingDay), false),
        IpoOrderField::IssuePrice => (or_last(Column::IssuePriceUnits), false),
        IpoOrderField::CreatedAt => (Expr::col(Column::CreatedAt), false),
        IpoOrderField::UpdatedAt => (Expr::col(Column::UpdatedAt), false),
        IpoOrderField::ListingGain => (or_last(Column::ListingGain), false),
        IpoOrderField::ReturnSinceIssue => (or_last(Column::ReturnSinceIssue), false),
        IpoOrderField::Subscription => (or_last(Column::SubscriptionTotal), false),
        IpoOrderField::IssueSize => (or_last(Column::IssueSize), false),
    };
    Sort { by, descending: order.descending, text }
}

/// Latest opening first.
const DEFAULT_ORDER: [IpoOrder; 1] = [IpoOrder { field: IpoOrderField::OpenDate, descending: true }];

/// The sorts for a list of orders; the id makes every order total.
#[must_use]
pub fn ipo_sorts(orders: &[IpoOrder]) -> Vec<Sort> {
    let orders = if orders.is_empty() { &DEFAULT_ORDER[..] } else { orders };
    let descending = orders.last().is_some_and(|o| o.descending);
    let mut sorts: Vec<Sort> = orders.iter().copied().map(sort_of).collect();
    sorts.push(Sort { by: Expr::col(Column::Id), descending, text: false });
    sorts
}

impl IpoOrder {
    /// The row's values for a cursor of this order.
    #[must_use]
    pub fn keys(orders: &[Self], row: &Model) -> Keys {
        let orders = if orders.is_empty() { &DEFAULT_ORDER[..] } else { orders };
        let key = |order: &Self| -> Key {
            let descending = order.descending;
            let day = |day: Option<Day>| day.unwrap_or(last_day(descending)).into();
            let int = |int: Option<i64>| int.unwrap_or(last_int(descending)).into();
            let real = |real: Option<f64>| real.unwrap_or(last_real(descending)).into();
            match order.field {
                IpoOrderField::Name => row.name.as_str().into(),
                IpoOrderField::OpenDate => day(row.open_day),
                IpoOrderField::CloseDate => day(row.close_day),
                IpoOrderField::ListingDate => day(row.listing_day),
                IpoOrderField::IssuePrice => int(row.issue_price_units),
                IpoOrderField::CreatedAt => row.created_at.into(),
                IpoOrderField::UpdatedAt => row.updated_at.into(),
                IpoOrderField::ListingGain => real(row.listing_gain),
                IpoOrderField::ReturnSinceIssue => real(row.return_since_issue),
                IpoOrderField::Subscription => real(row.subscription_total),
                IpoOrderField::IssueSize => int(row.issue_size),
            }
        };
        let mut keys: Keys = orders.iter().map(key).collect();
        keys.push(row.id.into());
        keys
    }
}

/// Newest first.
#[must_use]
pub fn revision_sorts() -> Vec<Sort> {
    vec![Sort { by: Expr::col(ipo_revision::Column::Id), descending: true, text: false }]
}

const REVISIONS: Children = Children { table: "ipo_revisions", columns: "child.*", parent: "ipo_id", key: "id" };

/// Rows a statement.
const CHUNK: usize = 500;

impl Ipos<'_> {
    /// # Errors
    /// When the database fails.
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(&self.0.read).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn get_in(&self, transaction: &DatabaseTransaction, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(transaction).await?)
    }

    /// The latest issue of a ticker.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_listing(&self, exchange: Exchange, ticker: &str) -> Result<Option<Model>> {
        use sea_orm::QueryOrder;
        let of_ticker = Entity::find().filter(Column::Exchange.eq(exchange)).filter(Column::Ticker.eq(ticker));
        Ok(of_ticker.order_by_desc(Column::OpenDay).order_by_desc(Column::Id).one(&self.0.read).await?)
    }

    /// Issues of one of these symbols or with one of these tickers, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_symbols(&self, symbols: &[i64], tickers: &[String]) -> Result<Vec<Model>> {
        use sea_orm::QueryOrder;
        let of_symbol = Column::SymbolId.is_in(symbols.iter().copied());
        let query = Entity::find().filter(Condition::any().add(of_symbol).add(Column::Ticker.is_in(tickers)));
        Ok(query.order_by_desc(Column::OpenDay).order_by_desc(Column::Id).all(&self.0.read).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn page(&self, filter: &IpoFilter, orders: &[IpoOrder], page: &PageRequest) -> Result<Page<Model>> {
        self.page_of(filter, orders, page, Column::iter().collect()).await
    }

    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &IpoFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition(self.0.backend())).count(&self.0.read).await?)
    }

    /// Keeps every other writer of issues out until the transaction ends. On SQLite it has the write lock anyway.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.0.backend() == DbBackend::Postgres {
            transaction.execute_unprepared("LOCK TABLE ipos IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        Ok(())
    }

    /// Every issue at these exchanges, as a transaction sees them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn at(&self, transaction: &DatabaseTransaction, exchanges: &[Exchange]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Exchange.is_in(exchanges.iter().copied())).all(transaction).await?)
    }

    /// Issues of the same ticker or the same name, as a transaction sees them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alike(&self, transaction: &DatabaseTransaction, row: &Model) -> Result<Vec<Model>> {
        let either = Condition::any()
            .add(Column::NameKey.eq(row.name_key.as_str()))
            .add_option(row.ticker.as_deref().map(|ticker| Column::Ticker.eq(ticker)));
        Ok(Entity::find().filter(Column::Exchange.eq(row.exchange)).filter(either).all(transaction).await?)
    }

    /// Adds issues, many a statement, and answers with their ids; their stocks and performances with them.
    ///
    /// # Errors
    /// When the database fails, or one of them is there already.
    pub async fn insert(&self, transaction: &DatabaseTransaction, rows: Vec<Model>) -> Result<Vec<i64>> {
        let mut ids = Vec::with_capacity(rows.len());
        for rows in rows.chunks(CHUNK) {
            let rows =
                rows.iter().cloned().map(|row| ActiveModel { id: NotSet, ..row.into_active_model().reset_all() });
            ids.extend(Entity::insert_many(rows).exec_with_returning_keys(transaction).await?);
        }
        self.measure(transaction, &ids).await?;
        Ok(ids)
    }

    /// Writes changed issues, many a statement; their stocks and performances with them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, transaction: &DatabaseTransaction, rows: &[Model]) -> Result<()> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        for rows in rows.chunks(CHUNK) {
            let rows = rows.iter().cloned().map(|row| row.into_active_model().reset_all());
            let columns = Column::iter().filter(|c| !matches!(c, Column::Id | Column::CreatedAt));
            let conflict = OnConflict::column(Column::Id).update_columns(columns).to_owned();
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
        }
        self.measure(transaction, &ids).await
    }

    /// Writes down what was changed, by whom, and when; `author` is the name of an administrator's token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revise(
        &self,
        transaction: &DatabaseTransaction,
        source: DataSource,
        author: Option<&str>,
        changes: &[(i64, Vec<FieldChange>)],
    ) -> Result<()> {
        let at = now();
        for changes in changes.chunks(CHUNK) {
            let rows = changes.iter().map(|(ipo_id, changes)| ipo_revision::ActiveModel {
                id: NotSet,
                ipo_id: Set(*ipo_id),
                at: Set(at),
                source: Set(source),
                changes: Set(serde_json::to_string(changes).unwrap_or_default()),
                author: Set(author.map(str::to_owned)),
            });
            ipo_revision::Entity::insert_many(rows).exec_without_returning(transaction).await?;
        }
        Ok(())
    }

    /// The same page of each of these issues' revisions; issues without one on it are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revisions_of(
        &self,
        ipos: &[i64],
        page: &PageRequest,
    ) -> Result<HashMap<i64, Page<ipo_revision::Model>>> {
        REVISIONS.pages(self.0, ipos, page, |row: &ipo_revision::Model| (row.ipo_id, row.id)).await
    }

    /// How many revisions each of these issues has; those without are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision_counts_of(&self, ipos: &[i64]) -> Result<HashMap<i64, u64>> {
        REVISIONS.counts(self.0, ipos, "", []).await
    }
}
