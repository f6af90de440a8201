//! Symbols.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, Result};
use url::form_urlencoded;

use super::backtest::Backtest;
use super::batch::DataLoader;
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::internal;
use super::ids::{self, Kind};
use super::ipo::Ipo;
use super::limits::{Budget, Room};
use super::loaders::{BacktestsOf, BarsOf, FormerTickersOf, IpoOf, LatestBarOf, LatestPredictionOf, Rows};
use super::market::{CorporateAction, FormerTicker, actions_of};
use super::prediction::Prediction;
use super::price::{DateRange, PriceBar, PriceSeries, Split};
use super::record::Records;
use super::scalars::{Date, DateTime, Decimal};
use super::spending;
use super::subject::Symbol;
use crate::app::App;
use crate::market::calendar::{self, Calendar};
use crate::market::day;
use crate::market::resample::resample;
use crate::market::{self, Adjustment, DataSource, Exchange, Interval, Series};
use crate::store::entity::backtest;
use crate::store::page::{Key, PageRequest};
use crate::store::{BarRequest, bar_sorts, newest_first};

/// How many pages a history has at most that is read whole when it's gone through.
const PAGES_OF_A_WALK: u64 = 20;
/// Gaps that are listed of one symbol.
const MOST_GAPS: usize = 1_000;

/// The day that a cursor in a list of bars stands for.
fn day_of(keys: Option<&Vec<Key>>) -> Option<i32> {
    match keys?.first()? {
        Key::Int(day) => i32::try_from(*day).ok(),
        Key::Text(_) | Key::Real { .. } => None,
    }
}

impl Symbol {
    fn splits(&self) -> Result<Vec<market::Split>> {
        serde_json::from_str(&self.0.splits).map_err(|e| internal(&e))
    }

    fn dividends(&self) -> Result<Vec<market::Dividend>> {
        serde_json::from_str(&self.0.dividends).map_err(|e| internal(&e))
    }

    /// The bars, and the room that they take for as long as they are used.
    async fn columns(&self, ctx: &Context<'_>) -> Result<(Arc<Series>, Option<Room>)> {
        let (series, room) = Box::pin(spending::series_of(ctx, &self.0)).await?;
        // What is made of them is made without a wait in between.
        match ctx.data_opt::<Budget>() {
            Some(budget) => budget.breathe().await,
            None => tokio::task::yield_now().await,
        }
        Ok((series.unwrap_or_default(), room))
    }

    /// The bars for a page of them, if they are in memory, or if it's worth the while: whoever goes through a history in
    /// large pages comes for the others, too.
    async fn columns_for(&self, ctx: &Context<'_>, page: &PageRequest) -> Result<Option<(Arc<Series>, Option<Room>)>> {
        if let Some(series) = ctx.data_unchecked::<App>().series.at_hand(&self.0).await {
            return Ok(Some((series, None)));
        }
        let is_walked = page.after.is_some() || page.before.is_some();
        let bars = u64::try_from(self.0.bar_count).unwrap_or(0);
        if is_walked && bars <= page.limit.saturating_mul(PAGES_OF_A_WALK) && spending::is_small(ctx, self.0.bar_count)
        {
            return self.columns(ctx).await.map(Some);
        }
        Ok(None)
    }

    /// Daily bars come from memory or from the table, page by page.
    async fn daily(
        &self,
        ctx: &Context<'_>,
        page: PageRequest,
        from: Option<i32>,
        to: Option<i32>,
    ) -> Result<Connection<PriceBar>> {
        let request = BarRequest {
            from,
            to,
            after: day_of(page.after.as_ref()),
            before: day_of(page.before.as_ref()),
            backward: page.backward,
            limit: u32::try_from(page.limit).unwrap_or(0),
        };
        let read = async {
            if let Some((series, _room)) = self.columns_for(ctx, &page).await? {
                let bar = |i| PriceBar::of_columns(&series.raw, series.adjusted_close[i], i);
                return Ok::<_, Error>(page.page(request.indices(&series.raw.days).map(bar).collect()));
            }
            let loader = ctx.data_unchecked::<DataLoader<Rows>>();
            let bars = loader.load_one(BarsOf(self.0.id, request)).await.map_err(|e| internal(&e))?;
            let (splits, dividends) = (self.splits()?, self.dividends()?);
            let bar = |bar| PriceBar::new(&bar, &splits, &dividends, self.0.adjusted_until);
            Ok(page.page(bars.unwrap_or_default().into_iter().map(bar).collect()))
        };
        let bars = if_asked(ctx, read).await?;
        // The whole history's length stands in the symbol's row.
        let total = match (from, to) {
            (None, None) => Total::Known(usize::try_from(self.0.bar_count).unwrap_or(0)),
            _ => Total::BarsOf { symbol: self.0.id, from, to },
        };
        Ok(connect(bars, total, |bar| vec![Key::from(bar.date.0)], |bar| bar))
    }

    /// Weeks and months are made of all days of the range, then cut to the page.
    async fn resampled(
        &self,
        ctx: &Context<'_>,
        page: PageRequest,
        from: Option<i32>,
        to: Option<i32>,
        interval: Interval,
    ) -> Result<Connection<PriceBar>> {
        let (series, _room) = self.columns(ctx).await?;
        let range = series.range(from, to);
        let (after, before) = (day_of(page.after.as_ref()), day_of(page.before.as_ref()));
        let (columns, last) = resample(series.raw(range.clone()), interval);
        let adjusted = |i: usize| series.adjusted_close[range.start + last[i]];
        let bars: Vec<PriceBar> = (0..columns.len()).map(|i| PriceBar::of_columns(&columns, adjusted(i), i)).collect();
        let total = Total::Known(bars.len());
        let start = after.map_or(0, |day| bars.partition_point(|bar| bar.date.0 <= day));
        let end = before.map_or(bars.len(), |day| bars.partition_point(|bar| bar.date.0 < day)).max(start);
        let mut rows: Vec<PriceBar> = bars[start..end].to_vec();
        if page.backward {
            rows.reverse();
        }
        rows.truncate(usize::try_from(page.limit).unwrap_or(0) + 1);
        Ok(connect(page.page(rows), total, |bar| vec![Key::from(bar.date.0)], |bar| bar))
    }
}

/// A share, fund or index that prices are kept of.
#[Object]
impl Symbol {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Symbol, self.0.id)
    }

    /// As the price provider spells it: "IBM", "RELIANCE.BSE".
    async fn ticker(&self) -> &str {
        &self.0.ticker
    }

    /// What the company or fund is called, once known.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Where it's listed.
    async fn exchange(&self) -> Exchange {
        self.0.exchange
    }

    /// ISO 4217 code of the prices' currency, once known; INR for every share of the NSE and the BSE.
    async fn currency(&self) -> Option<&str> {
        self.0.quotation().map(|quotation| quotation.currency)
    }

    /// How much of the currency a price of 1 is, once known. 1 but for exchanges that quote in a part of it: 0.01 in
    /// London, whose shares are quoted in pence. Prices are kept and shown as quoted, and the money of backtests is in
    /// the same unit.
    async fn quotation_unit(&self) -> Option<Decimal> {
        self.0.quotation().map(|quotation| Decimal(quotation.unit()))
    }

    /// The security's international number, twelve signs, where the exchange's files name it.
    async fn isin(&self) -> Option<&str> {
        self.0.isin.as_deref()
    }

    /// Tickers that it had before, oldest first.
    async fn former_tickers(&self, ctx: &Context<'_>) -> Result<Vec<FormerTicker>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let former = loader.load_one(FormerTickersOf(self.0.id)).await.map_err(|e| internal(&e))?.unwrap_or_default();
        spending::rows(ctx, former.len()).await?;
        Ok(former.into_iter().map(|f| FormerTicker { ticker: f.ticker, until: Date(f.until) }).collect())
    }

    /// What the company did to its shares, oldest first, as its exchange announced it.
    async fn corporate_actions(&self, ctx: &Context<'_>) -> Result<Vec<CorporateAction>> {
        actions_of(ctx, self.0.id).await
    }

    /// The first date on its board, by the exchange's list of shares; a move from another board begins anew.
    async fn listed_on(&self) -> Option<Date> {
        self.0.listed_day.map(Date)
    }

    /// Whether it has left the exchange's list of shares.
    async fn delisted(&self) -> bool {
        self.0.delisted
    }

    /// Where the symbol came from; each bar has a source of its own.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    /// The oldest bar's date.
    async fn first_date(&self) -> Option<Date> {
        self.0.first_day.map(Date)
    }

    /// The newest bar's date.
    async fn last_date(&self) -> Option<Date> {
        self.0.last_day.map(Date)
    }

    /// How many bars there are.
    async fn bar_count(&self) -> i32 {
        self.0.bar_count
    }

    /// Grows by one whenever a refresh adds or corrects bars.
    async fn data_version(&self) -> i32 {
        self.0.data_version
    }

    /// When prices were last fetched or imported.
    async fn last_refreshed_at(&self) -> Option<DateTime> {
        self.0.last_refreshed_at.map(DateTime)
    }

    /// The newest bar.
    async fn latest_bar(&self, ctx: &Context<'_>) -> Result<Option<PriceBar>> {
        if self.0.bar_count == 0 {
            return Ok(None);
        }
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let bar = loader.load_one(LatestBarOf(self.0.id)).await.map_err(|e| internal(&e))?;
        let (splits, dividends) = (self.splits()?, self.dividends()?);
        Ok(bar.map(|bar| PriceBar::new(&bar, &splits, &dividends, self.0.adjusted_until)))
    }

    /// Splits, from the provider or found in the prices, oldest first.
    #[graphql(name = "splits")]
    async fn split_list(&self, ctx: &Context<'_>) -> Result<Vec<Split>> {
        let splits = self.splits()?;
        spending::rows(ctx, splits.len()).await?;
        Ok(splits.into_iter().map(std::convert::Into::into).collect())
    }

    /// Stretches of trading days without bars between the first and the last.
    async fn gaps(&self, ctx: &Context<'_>) -> Result<Vec<DateRange>> {
        let calendar = Calendar::of(self.0.exchange, self.0.quotation().map(|q| q.currency));
        let gaps = {
            let (series, _room) = self.columns(ctx).await?;
            calendar::gaps(&series.raw.days, calendar)
        };
        let gaps: Vec<DateRange> = gaps.into_iter().take(MOST_GAPS).map(std::convert::Into::into).collect();
        spending::rows(ctx, gaps.len()).await?;
        Ok(gaps)
    }

    /// Bars as traded, oldest first, a page at a time.
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn prices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "The earliest date.")] from: Option<Date>,
        #[graphql(desc = "The latest date.")] to: Option<Date>,
        #[graphql(
            default_with = "Interval::Day",
            desc = "How long a bar is; a day if left out. Weeks and months are made of the days from `from` to `to`."
        )]
        interval: Interval,
    ) -> Result<Records<PriceBar>> {
        let page = PageArguments { first, after, last, before }.request("prices", &bar_sorts())?;
        let (from, to) = (from.map(|d| d.0), to.map(|d| d.0));
        // Every field of a symbol that is being answered takes as much as the largest of these futures.
        match interval {
            Interval::Day => Box::pin(self.daily(ctx, page, from, to)).await.map(Records),
            Interval::Week | Interval::Month => {
                Box::pin(self.resampled(ctx, page, from, to, interval)).await.map(Records)
            }
        }
    }

    /// The latest IPO of this stock, if one is known.
    async fn ipo(&self, ctx: &Context<'_>) -> Result<Option<Ipo>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        Ok(loader
            .load_one(IpoOf { symbol: self.0.id, ticker: self.0.ticker.clone() })
            .await
            .map_err(|e| internal(&e))?
            .map(Ipo))
    }

    /// The newest stored prediction of this symbol.
    async fn latest_prediction(&self, ctx: &Context<'_>) -> Result<Option<Prediction>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        Ok(loader.load_one(LatestPredictionOf(self.0.id)).await.map_err(|e| internal(&e))?.map(Prediction))
    }

    /// Stored backtests of this symbol, the newest first.
    async fn backtests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
    ) -> Result<Connection<Backtest>> {
        let page = PageArguments { first, after, last, before }.request("backtests", &newest_first())?;
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let read = async {
            let found = loader.load_one(BacktestsOf(self.0.id, page.clone())).await.map_err(|e| internal(&e))?;
            Ok::<_, Error>(found.unwrap_or_else(|| page.empty()))
        };
        let rows = if_asked(ctx, read).await?;
        Ok(connect(rows, Total::BacktestsOf(self.0.id), backtest::Model::keys, Backtest))
    }

    /// The whole series, or a range of it, as columns.
    async fn series(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The earliest date.")] from: Option<Date>,
        #[graphql(desc = "The latest date.")] to: Option<Date>,
        #[graphql(
            default_with = "Interval::Day",
            desc = "How long a bar is; a day if left out. Weeks and months are made of the days from `from` to `to`."
        )]
        interval: Interval,
        #[graphql(
            default = true,
            deprecation = "Use adjustment.",
            desc = "Prices adjusted for splits, and for dividends where the provider does so; as traded if false."
        )]
        adjusted: bool,
        #[graphql(desc = "What prices are adjusted for; what `adjusted` says unless given.")] adjustment: Option<
            Adjustment,
        >,
    ) -> Result<PriceSeries> {
        let ticker: String = form_urlencoded::byte_serialize(self.0.ticker.as_bytes()).collect();
        let mut chart = format!("charts/symbols/{ticker}.svg?adjusted={adjusted}");
        if let Some(adjustment) = adjustment {
            chart.push_str(&format!("&adjustment={}", adjustment.name()));
        }
        for (name, date) in [("from", from), ("to", to)] {
            if let Some(date) = date {
                chart.push_str(&format!("&{name}={}", day::iso(date.0)));
            }
        }
        if interval != Interval::Day {
            chart.push_str(&format!("&interval={}", interval.name()));
        }
        let chart_url = ctx.data_unchecked::<App>().link(&chart);
        let (series, room) = self.columns(ctx).await?;
        let adjustment = series.chosen(adjustment, adjusted);
        Ok(PriceSeries::new(series, from, to, interval, adjustment, chart_url, room))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ContainerType, EmptyMutation, EmptySubscription, Schema};

    use super::*;
    use crate::store::entity::symbol;

    struct Probe;

    #[Object]
    impl Probe {
        /// What a field takes while it is answered.
        async fn size(&self, ctx: &Context<'_>) -> usize {
            let symbol = Symbol(Arc::new(symbol::Model {
                id: 1,
                ticker: "A".to_owned(),
                name: None,
                exchange: Exchange::Nse,
                currency: None,
                source: DataSource::Nse,
                first_day: None,
                last_day: None,
                adjusted_until: None,
                bar_count: 0,
                data_version: 0,
                splits: String::new(),
                dividends: String::new(),
                last_refreshed_at: None,
                created_at: 0,
                isin: None,
                listed_day: None,
                delisted: false,
            }));
            size_of_val(&*symbol.resolve_field(ctx))
        }
    }

    #[tokio::test]
    async fn a_field_that_is_answered_takes_little() {
        // A list of 500 symbols with forty fields each has twenty thousand of them at a time.
        let schema = Schema::new(Probe, EmptyMutation, EmptySubscription);
        let told = schema.execute("{size}").await.data.into_json().expect("JSON");
        let size = told["size"].as_u64().expect("bytes");
        assert!((100..5_000).contains(&size), "{size} bytes");
    }
}
