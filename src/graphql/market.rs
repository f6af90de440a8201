//! Whole days of a market, corporate actions, and what a share was called before.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::batch::DataLoader;
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::{Fault, UserError, internal, payload};
use super::guard::caller;
use super::job::Job;
use super::limits::too_large;
use super::loaders::{Actions, ActionsOf, Rows};
use super::scalars::{Date, Decimal};
use super::spending;
use super::subject::{Symbol, filtered_by, load_symbol};
use crate::actions;
use crate::app::App;
use crate::market::corporate_actions::CorporateActionKind;
use crate::market::{DataSource, Exchange};
use crate::store::entity::market_day::MarketDayState;
use crate::store::entity::{corporate_action, market_day};
use crate::store::{CorporateActionFilter, MarketDayFilter, corporate_action_sorts, market_day_sorts};

/// What is known of one calendar day of an exchange.
#[derive(Debug, Clone, SimpleObject)]
pub struct MarketDay {
    /// Whose day it is.
    exchange: Exchange,
    /// The date at the exchange.
    date: Date,
    /// Whether its shares are stored, and if not, how that stands.
    state: MarketDayState,
    /// How many shares are stored; null unless the state is STORED.
    shares: Option<i32>,
    /// Why it isn't stored, in a sentence; null where it is.
    reason: Option<String>,
    /// The layout of the file that it was read from: "bhavcopy", `"UDiFF"` or "full bhavcopy"; null unless stored.
    layout: Option<String>,
}

impl From<market_day::Model> for MarketDay {
    fn from(row: market_day::Model) -> Self {
        let market_day::Model { exchange, day, state, shares, reason, layout, .. } = row;
        Self { exchange, date: Date(day), state, shares, reason, layout }
    }
}

/// A ticker that a share had.
#[derive(Debug, Clone, SimpleObject)]
pub struct FormerTicker {
    /// With the suffix that symbols have: "ZOMATO.NSE".
    pub ticker: String,
    /// The first date on which the share no longer had it.
    pub until: Date,
}

/// Something that a company did to its shares, as its exchange announced it.
#[derive(Debug, Clone)]
pub struct CorporateAction(pub Arc<corporate_action::Model>);

/// Something that a company did to its shares, as its exchange announced it.
#[Object]
impl CorporateAction {
    /// What was done.
    async fn kind(&self) -> CorporateActionKind {
        self.0.kind
    }

    /// The first date that trades without what was given.
    async fn ex_date(&self) -> Date {
        Date(self.0.ex_day)
    }

    /// New shares for an old one: a bonus of 1:1 is 2, a split of 10 to 2 is 5; null where there is none, or none can
    /// be read.
    async fn ratio(&self) -> Option<f64> {
        self.0.ratio
    }

    /// In the share's currency: of a dividend what each share gets, of rights the issue price.
    async fn amount(&self) -> Option<Decimal> {
        self.0.amount.as_ref()?.parse().ok().map(Decimal)
    }

    /// As the exchange words it.
    async fn text(&self) -> &str {
        &self.0.subject
    }

    /// Who announced it.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    /// Whether the prices agree with it, so that adjusted series count it.
    async fn applied(&self) -> bool {
        self.0.applied
    }

    /// Why it isn't applied, in a sentence; null where it is, or where there are no prices to hold it against yet.
    async fn doubt(&self) -> Option<&str> {
        self.0.doubt.as_deref()
    }

    /// The share, where it is followed.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Option<Symbol>> {
        load_symbol(ctx, self.0.symbol_id).await
    }
}

/// Which corporate actions to list.
#[derive(Debug, InputObject)]
#[graphql(name = "CorporateActionFilter")]
pub struct CorporateActionFilterInput {
    /// Of this symbol alone.
    ticker: Option<String>,
    /// Of one of these kinds.
    kind: Option<Vec<CorporateActionKind>>,
    /// The earliest ex-date.
    from: Option<Date>,
    /// The latest ex-date.
    to: Option<Date>,
    /// Only those that are applied, or only those that aren't.
    applied: Option<bool>,
}

#[derive(Default)]
pub struct MarketQuery;

#[Object]
impl MarketQuery {
    /// What is known of an exchange's days, oldest first: coverage as a list. Days that were never asked for aren't in
    /// it.
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn market_days(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose days; daily files are fetched of NSE.")] exchange: Exchange,
        #[graphql(desc = "The earliest date.")] from: Option<Date>,
        #[graphql(desc = "The latest date.")] to: Option<Date>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
    ) -> Result<Connection<MarketDay>> {
        let filter = MarketDayFilter { exchange, from: from.map(|d| d.0), to: to.map(|d| d.0) };
        let page = PageArguments { first, after, last, before }.request("marketDays", &market_day_sorts())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.market_days().page(filter, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::MarketDays(filter), market_day::Model::keys, MarketDay::from))
    }

    /// Corporate actions, the latest ex-date first.
    async fn corporate_actions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            CorporateActionFilterInput,
        >,
    ) -> Result<Connection<CorporateAction>> {
        let filter = match filter {
            None => CorporateActionFilter::default(),
            Some(f) => CorporateActionFilter {
                symbol_id: filtered_by(ctx, f.ticker).await?,
                kind: f.kind,
                from: f.from.map(|d| d.0),
                to: f.to.map(|d| d.0),
                applied: f.applied,
            },
        };
        let page =
            PageArguments { first, after, last, before }.request("corporateActions", &corporate_action_sorts())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.corporate_actions().page(&filter, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::CorporateActions(filter), corporate_action::Model::keys, |row| {
            CorporateAction(Arc::new(row))
        }))
    }
}

/// Every action of a symbol, oldest first.
pub(super) async fn actions_of(ctx: &Context<'_>, symbol: i64) -> Result<Vec<CorporateAction>> {
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    let found = loader.load_one(ActionsOf(symbol)).await.map_err(|e| internal(&e))?;
    match found.as_deref() {
        None => Ok(Vec::new()),
        Some(Actions::TooMany) => Err(too_large()),
        Some(Actions::Listed(rows)) => {
            spending::rows(ctx, rows.len()).await?;
            Ok(rows.iter().cloned().map(CorporateAction).collect())
        }
    }
}

/// Days of an exchange to fetch.
#[derive(Debug, InputObject)]
pub struct RefreshMarketInput {
    /// Whose daily files; NSE has them.
    exchange: Exchange,
    /// The first day, 1994-11-03 at the earliest.
    from: Date,
    /// The last day, today at the latest.
    to: Date,
    /// Whether days that are stored, or that the exchange had no file of, are asked for, too: after a symbol was removed, or
    /// once a file has come late.
    #[graphql(default)]
    again: bool,
}

/// A job a month.
#[derive(SimpleObject)]
pub struct RefreshMarketPayload {
    /// The jobs, the earliest month first; one that is under way stands for itself.
    jobs: Vec<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct MarketMutation;

#[Object]
impl MarketMutation {
    /// Queues the fetching of an exchange's daily files, each with every share of a day: a job a month of days. Days
    /// that are stored already, or had no session, aren't asked for again unless `again` is true.
    async fn refresh_market(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exchange, and the days.")] input: RefreshMarketInput,
    ) -> Result<RefreshMarketPayload> {
        let app = ctx.data_unchecked::<App>();
        let RefreshMarketInput { exchange, from, to, again } = input;
        let done = actions::market::refresh(app, &caller(ctx), exchange, from.0, to.0, again).await;
        Ok(payload!(RefreshMarketPayload, done, jobs => { jobs: jobs.into_iter().map(Job).collect() }))
    }
}
