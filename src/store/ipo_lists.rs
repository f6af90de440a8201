//! Which IPOs a list has, and in which order.

use chrono_tz::Tz;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend};

use super::entity::ipo::{Column, Entity, Model};
use super::page::{Key, Keys, Sort, last_day, last_int, last_real};
use super::search;
use crate::market::ipo::{Board, IpoStatus, Standing};
use crate::market::{Day, Exchange, day};

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

/// The time zones that statuses go by, each with its exchanges.
const ZONES: [(Tz, &[Exchange]); 2] = [
    (chrono_tz::Asia::Kolkata, &[Exchange::Nse, Exchange::Bse]),
    (chrono_tz::America::New_York, &[Exchange::Nasdaq, Exchange::Nyse, Exchange::Other]),
];

/// The date at an exchange now.
#[must_use]
pub fn today_at(exchange: Exchange) -> Day {
    day::from_date(chrono::Utc::now().with_timezone(&exchange.time_zone()).date_naive())
}

/// The date at each exchange at one moment, for lists: converting a moment to a zone takes longer than writing a row.
#[derive(Debug, Clone, Copy)]
pub struct Today([(Day, &'static [Exchange]); ZONES.len()]);

impl Today {
    #[must_use]
    pub fn now() -> Self {
        let now = chrono::Utc::now();
        Self(ZONES.map(|(zone, exchanges)| (day::from_date(now.with_timezone(&zone).date_naive()), exchanges)))
    }

    #[must_use]
    pub fn at(&self, exchange: Exchange) -> Day {
        let zone = self.0.iter().find(|(_, exchanges)| exchanges.contains(&exchange));
        zone.map_or_else(|| today_at(exchange), |(today, _)| *today)
    }
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
        if let Some(text) = &self.search {
            condition = condition.add(search::holds(backend, text, [Column::Name, Column::Ticker]));
        }
        if let Some(statuses) = &self.status {
            let mut any = Condition::any();
            for (today, exchanges) in Today::now().0 {
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
    if from.is_none() && to.is_none() {
        return None;
    }
    let by = sort_of(IpoOrder { field, descending: false }).by;
    let bounds = Condition::all()
        .add(by.clone().lt(Expr::cust(missing(field, false))))
        .add_option(from.map(|v| by.clone().gte(v)))
        .add_option(to.map(|v| by.clone().lte(v)));
    match (from, to) {
        (Some(_), Some(_)) => {
            let within = Query::select().column(Column::Id).from(Entity).cond_where(bounds).take();
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
    let (name, by, text) = match order.field {
        IpoOrderField::Name => ("name", Expr::col(Column::Name), true),
        IpoOrderField::OpenDate => ("openDate", or_last(Column::OpenDay), false),
        IpoOrderField::CloseDate => ("closeDate", or_last(Column::CloseDay), false),
        IpoOrderField::ListingDate => ("listingDate", or_last(Column::ListingDay), false),
        IpoOrderField::IssuePrice => ("issuePrice", or_last(Column::IssuePriceUnits), false),
        IpoOrderField::CreatedAt => ("createdAt", Expr::col(Column::CreatedAt), false),
        IpoOrderField::UpdatedAt => ("updatedAt", Expr::col(Column::UpdatedAt), false),
        IpoOrderField::ListingGain => ("listingGain", or_last(Column::ListingGain), false),
        IpoOrderField::ReturnSinceIssue => ("returnSinceIssue", or_last(Column::ReturnSinceIssue), false),
        IpoOrderField::Subscription => ("subscription", or_last(Column::SubscriptionTotal), false),
        IpoOrderField::IssueSize => ("issueSize", or_last(Column::IssueSize), false),
    };
    Sort { name, by, descending: order.descending, text }
}

/// Latest opening first.
const DEFAULT_ORDER: [IpoOrder; 1] = [IpoOrder { field: IpoOrderField::OpenDate, descending: true }];

/// The sorts for a list of orders; the id makes every order total.
#[must_use]
pub fn ipo_sorts(orders: &[IpoOrder]) -> Vec<Sort> {
    let orders = if orders.is_empty() { &DEFAULT_ORDER[..] } else { orders };
    let descending = orders.last().is_some_and(|o| o.descending);
    let mut sorts: Vec<Sort> = orders.iter().copied().map(sort_of).collect();
    sorts.push(Sort { name: "id", by: Expr::col(Column::Id), descending, text: false });
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
        let mut keys = Keys::with_capacity(orders.len() + 1);
        keys.extend(orders.iter().map(key));
        keys.push(row.id.into());
        keys
    }
}
