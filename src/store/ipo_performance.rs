//! Issues' performance as columns, kept by whoever writes what it follows from: bars, splits, symbols, issues. Reading
//! it then costs a row.

mod candidates;

use std::fmt::Write as _;

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};

use candidates::{Found, HALF_A_PAISA, TICKERS, candidates};

use super::entity::ipo::{Column, Entity, Model};
use super::entity::symbol;
use super::repositories::{Ipos, Symbols};
use super::{Result, StoreError};
use crate::market::exact::quotient;
use crate::market::performance::{LATE_START, Walk};
use crate::market::{Day, Performance, Split};

/// Issues read at a time when all are looked at.
const CHUNK: u64 = 500;
/// Issues measured in one transaction then: nobody else should wait long.
const MEASURED_AT_ONCE: usize = 50;
/// SQLite joins at most 500 selects.
const SELECTS: usize = 200;
/// What measuring writes.
const MEASURED: [Column; 13] = [
    Column::SymbolId,
    Column::ListingOpen,
    Column::ListingGain,
    Column::FirstDayReturn,
    Column::ReturnSinceIssue,
    Column::MaxDrawdown,
    Column::PerformanceAsOf,
    Column::PerformanceVersion,
    Column::PerformancePrice,
    Column::PerformanceListing,
    Column::PerformanceFirstDay,
    Column::PerformanceShares,
    Column::PerformancePeak,
];

type Symbol = symbol::Model;

impl Model {
    /// What became of the issue price; `None` until there are prices since the listing.
    #[must_use]
    pub fn performance(&self) -> Option<Performance> {
        Some(Performance {
            listing_open: self.listing_open?,
            listing_gain: self.listing_gain?,
            first_day_return: self.first_day_return?,
            return_since_issue: self.return_since_issue?,
            max_drawdown: self.max_drawdown?,
            as_of: self.performance_as_of?,
        })
    }

    fn walk(&self) -> Option<Walk> {
        Some(Walk {
            performance: self.performance()?,
            first_day: self.performance_first_day?,
            shares: self.performance_shares?,
            peak: self.performance_peak?,
        })
    }

    fn price(&self) -> Option<f64> {
        self.issue_price.as_ref()?.parse().ok()
    }

    /// The issue price in what a stock is quoted in, which its figures are noted to be of; `None` where that's of another
    /// currency.
    fn price_in(&self, symbol: Option<&Symbol>) -> Option<i64> {
        let parts = symbol.map_or(Some(1), |symbol| parts_of(self, symbol))?;
        self.issue_price_units?.checked_mul(parts.into())
    }

    /// Notes what the issue's figures are now, and of which stock, price and day.
    fn note(&mut self, symbol: Option<&Symbol>, walk: Option<Walk>) {
        self.symbol_id = symbol.map(|symbol| symbol.id);
        self.performance_version = symbol.map(|symbol| symbol.data_version);
        self.performance_price = self.price_in(symbol);
        self.performance_listing = self.listing_day;
        let figures = walk.map(|walk| walk.performance);
        self.listing_open = figures.map(|p| p.listing_open);
        self.listing_gain = figures.map(|p| p.listing_gain);
        self.first_day_return = figures.map(|p| p.first_day_return);
        self.return_since_issue = figures.map(|p| p.return_since_issue);
        self.max_drawdown = figures.map(|p| p.max_drawdown);
        self.performance_as_of = figures.map(|p| p.as_of);
        self.performance_first_day = walk.map(|walk| walk.first_day);
        self.performance_shares = walk.map(|walk| walk.shares);
        self.performance_peak = walk.map(|walk| walk.peak);
    }

    /// Whether what is noted is of the stock, price and listing day of now.
    fn is_measured(&self, candidates: &[&Symbol]) -> bool {
        let stock = candidates.iter().find(|symbol| Some(symbol.id) == self.symbol_id).copied();
        let of_now = match stock {
            Some(symbol) => self.performance_version == Some(symbol.data_version),
            None => self.symbol_id.is_none() && candidates.is_empty(),
        };
        of_now && self.performance_price == self.price_in(stock) && self.performance_listing == self.listing_day
    }
}

/// What has been written, so that no more than needed is worked out again.
#[derive(Clone, Copy)]
enum Written<'a> {
    /// Issues. Those whose price, day and stock are the same keep their figures.
    Issues,
    /// These symbols: bars from a day on, or anything of them.
    Symbols { ids: &'a [i64], since: Option<Day> },
}

/// What a stock's prices are divided by for the issue's currency: 100 for pence of a pound. `None` where they are in
/// another currency, so that they can't be compared; what isn't known is taken for the issue's.
fn parts_of(row: &Model, symbol: &Symbol) -> Option<u32> {
    let Some(quotation) = symbol.quotation() else { return Some(1) };
    quotation.currency.eq_ignore_ascii_case(&row.currency).then_some(quotation.parts)
}

/// A price in the whole currency, as it stands where it's quoted in that.
fn whole(price: f64, parts: u32) -> f64 {
    if parts == 1 { price } else { quotient(price, parts.into()) }
}

fn splits_of(symbol: &Symbol) -> Result<Vec<Split>> {
    let read = serde_json::from_str::<Vec<Split>>(&symbol.splits);
    let mut splits = read.map_err(StoreError::corrupt("list of splits"))?;
    splits.sort_by_key(|split| split.day);
    Ok(splits)
}

impl Ipos<'_> {
    /// Brings these issues' stocks and performances up to date: their ticker, price or listing day may have changed.
    /// [`Ipos::insert`] and [`Ipos::update`] see to it.
    #[boxed]
    pub async fn measure(&self, transaction: &DatabaseTransaction, ids: &[i64]) -> Result<()> {
        for ids in ids.chunks(TICKERS / 10) {
            let rows = Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(transaction).await?;
            // A listing day says which of a ticker's issues a share is of.
            let tickers: Vec<String> = rows.into_iter().filter_map(|row| row.ticker).collect();
            let either = Condition::any().add(Column::Id.is_in(ids.iter().copied())).add(Column::Ticker.is_in(tickers));
            let rows = Entity::find().filter(either).all(transaction).await?;
            self.measure_rows(transaction, rows, Written::Issues).await?;
        }
        Ok(())
    }

    /// Brings the performance of these symbols' issues up to date, in the transaction that has written to the symbols.
    /// `since` is the earliest day of a bar written, if nothing but bars has been: what is appended then costs the new
    /// bars only, however long the history is. The symbols' rows must be up to date, their data version grown by one.
    #[boxed]
    pub async fn measure_symbols(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[i64],
        since: Option<Day>,
    ) -> Result<()> {
        // Against an issue that is being added right now: its writer holds a lock that excludes this one.
        if self.0.backend() == DbBackend::Postgres && !ids.is_empty() {
            transaction.execute_unprepared("LOCK TABLE ipos IN ROW EXCLUSIVE MODE").await?;
        }
        for ids in ids.chunks(TICKERS / 10) {
            let query = symbol::Entity::find().filter(symbol::Column::Id.is_in(ids.iter().copied()));
            let query = query.select_only().column(symbol::Column::Ticker).into_tuple();
            let mut tickers: Vec<String> = query.all(transaction).await?;
            tickers.extend(Symbols::former_tickers_in(transaction, ids).await?);
            let rows = self.issues_of(transaction, &tickers).await?;
            self.measure_rows(transaction, rows, Written::Symbols { ids, since }).await?;
        }
        Ok(())
    }

    /// The same after these symbols are gone.
    #[boxed]
    pub(super) async fn measure_without<C: ConnectionTrait>(&self, transaction: &C, ids: &[i64]) -> Result<()> {
        let rows = Entity::find().filter(Column::SymbolId.is_in(ids.iter().copied())).all(transaction).await?;
        self.measure_rows(transaction, rows, Written::Issues).await
    }

    /// Looks through all issues and measures what isn't up to date: after an upgrade, a restored copy, or a process of
    /// an older version. Answers with how many that were.
    ///
    /// # Errors
    /// When the database fails; what was measured until then stays.
    #[boxed]
    pub async fn measure_all(&self) -> Result<usize> {
        let (mut after, mut measured) = (0, 0);
        loop {
            let query = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id).limit(CHUNK);
            let rows = query.all(&self.0.read).await?;
            let Some(last) = rows.last() else { return Ok(measured) };
            after = last.id;
            let symbols = self.candidates_of(&self.0.read, &rows).await?;
            let due = rows.iter().filter(|row| !row.is_measured(&candidates(row, &symbols))).map(|row| row.id);
            for due in due.collect::<Vec<i64>>().chunks(MEASURED_AT_ONCE) {
                let measure = || async {
                    let transaction = self.0.begin().await?;
                    self.lock(&transaction).await?;
                    self.measure(&transaction, due).await?;
                    transaction.commit().await?;
                    Ok::<_, StoreError>(())
                };
                self.0.transact(measure).await?;
                measured += due.len();
            }
        }
    }

    /// Issues that one of these symbols' tickers may be the stock of.
    #[boxed]
    async fn issues_of<C: ConnectionTrait>(&self, connection: &C, tickers: &[String]) -> Result<Vec<Model>> {
        let plain = |ticker: &String| ticker.rsplit_once('.').map(|(plain, _)| plain.to_owned());
        let spelled = tickers.iter().cloned().chain(tickers.iter().filter_map(plain));
        Ok(Entity::find().filter(Column::Ticker.is_in(spelled)).all(connection).await?)
    }

    async fn measure_rows<C: ConnectionTrait>(
        &self,
        connection: &C,
        rows: Vec<Model>,
        written: Written<'_>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let symbols = self.candidates_of(connection, &rows).await?;
        let (mut appended, mut measured) = (Vec::new(), Vec::new());
        for mut row in rows {
            let candidates = candidates(&row, &symbols);
            match written {
                Written::Issues if row.is_measured(&candidates) => continue,
                Written::Symbols { ids, .. } if !concerns(&row, &candidates, ids) => continue,
                Written::Symbols { since: Some(since), .. } => {
                    if let Some((symbol, walk)) = to_carry_on(&row, &candidates, since)? {
                        appended.push((row, symbol, walk));
                        continue;
                    }
                }
                _ => {}
            }
            let (symbol, walk) = self.walk_from_listing(connection, &row, &candidates, &symbols).await?;
            row.note(symbol, walk);
            measured.push(row);
        }
        for part in appended.chunks_mut(SELECTS) {
            self.carry_on(connection, part).await?;
        }
        measured.extend(appended.into_iter().map(|(row, ..)| row));
        self.write_measured(connection, measured).await
    }

    /// The first of the candidates that has prices since the listing, and what they come to; else the first that has
    /// prices, else the first.
    async fn walk_from_listing<'s>(
        &self,
        connection: &impl ConnectionTrait,
        row: &Model,
        candidates: &[&'s Symbol],
        found: &Found,
    ) -> Result<(Option<&'s Symbol>, Option<Walk>)> {
        if let Some(price) = row.price() {
            for &symbol in candidates {
                let Some(listing) = found.listing_of(row, symbol) else { break };
                let latest_start = listing.saturating_add(LATE_START);
                let spans = |(first, last): (Day, Day)| first <= latest_start && last >= listing;
                if !symbol.first_day.zip(symbol.last_day).is_some_and(spans) {
                    continue;
                }
                let Some(parts) = parts_of(row, symbol) else { continue };
                let mut bars = self.bars_since(connection, symbol.id, listing).await?;
                for (_, open, close) in &mut bars {
                    (*open, *close) = (whole(*open, parts), whole(*close, parts));
                }
                let Some((first, rest)) = bars.split_first() else { continue };
                // Where the days between aren't stored yet, the first stored one is some day of the share.
                let is_first = !symbol.is_of_market()
                    || first.0 == listing
                    || self.opens_at(connection, symbol.id, first.0, price).await?;
                if !is_first {
                    continue;
                }
                let Some(mut walk) = Walk::begin(price, listing, *first) else { continue };
                walk.extend(price, rest.iter().map(|bar| (bar.0, bar.2)), &splits_of(symbol)?);
                return Ok((Some(symbol), Some(walk)));
            }
        }
        let likeliest = candidates.iter().find(|symbol| symbol.bar_count > 0).or(candidates.first());
        Ok((likeliest.copied(), None))
    }

    /// Whether the close before a bar is the issue price, as the exchange has it on a share's first day.
    #[boxed]
    async fn opens_at<C: ConnectionTrait>(&self, connection: &C, symbol: i64, day: Day, price: f64) -> Result<bool> {
        let sql = "SELECT previous_close FROM price_bars WHERE symbol_id = $1 AND day = $2";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [symbol.into(), day.into()]);
        let row = connection.query_one_raw(statement).await?;
        let before: Option<f64> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        Ok(before.is_some_and(|before| (before - price).abs() <= HALF_A_PAISA))
    }

    /// Day, open and close of a symbol's bars from a day on.
    #[boxed]
    async fn bars_since<C: ConnectionTrait>(
        &self,
        connection: &C,
        symbol: i64,
        since: Day,
    ) -> Result<Vec<(Day, f64, f64)>> {
        let sql = "SELECT day, open, close FROM price_bars WHERE symbol_id = $1 AND day >= $2 ORDER BY day";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [symbol.into(), since.into()]);
        let rows = connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?)))
            .collect()
    }

    /// Adds the bars that have come since to each of these.
    #[boxed]
    async fn carry_on<C: ConnectionTrait>(&self, connection: &C, rows: &mut [(Model, &Symbol, Walk)]) -> Result<()> {
        let mut sql = String::new();
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 2);
        for (at, (_, symbol, walk)) in rows.iter().enumerate() {
            let union = if at == 0 { "" } else { " UNION ALL " };
            values.extend([symbol.id.into(), walk.performance.as_of.into()]);
            let (id, day) = (at * 2 + 1, at * 2 + 2);
            let _ = write!(
                sql,
                "{union}SELECT {at} AS at, day, close FROM price_bars WHERE symbol_id = ${id} AND day > ${day}"
            );
        }
        let mut bars: Vec<Vec<(Day, f64)>> = vec![Vec::new(); rows.len()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        for row in connection.query_all_raw(statement).await? {
            let at: i32 = row.try_get_by_index(0)?;
            if let Some(bars) = usize::try_from(at).ok().and_then(|at| bars.get_mut(at)) {
                bars.push((row.try_get_by_index(1)?, row.try_get_by_index(2)?));
            }
        }
        for ((row, symbol, walk), mut bars) in rows.iter_mut().zip(bars) {
            bars.sort_unstable_by_key(|bar| bar.0);
            let parts = parts_of(row, symbol).unwrap_or(1);
            let bars = bars.into_iter().map(|(day, close)| (day, whole(close, parts)));
            walk.extend(row.price().unwrap_or_default(), bars, &splits_of(symbol)?);
            row.note(Some(symbol), Some(*walk));
        }
        Ok(())
    }

    #[boxed]
    async fn write_measured<C: ConnectionTrait>(&self, connection: &C, rows: Vec<Model>) -> Result<()> {
        for rows in rows.chunks(TICKERS / 10) {
            let rows = rows.iter().cloned().map(|row| row.into_active_model().reset_all());
            let conflict = std::mem::take(OnConflict::column(Column::Id).update_columns(MEASURED));
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(connection).await?;
        }
        Ok(())
    }
}

/// Whether what was written to these symbols can change an issue's figures: its stock is one of them, or one that is
/// likelier than its stock, or none has had prices so far.
fn concerns(row: &Model, candidates: &[&Symbol], written: &[i64]) -> bool {
    let stock = candidates.iter().position(|symbol| Some(symbol.id) == row.symbol_id);
    let settled = stock.filter(|_| row.listing_gain.is_some()).map_or(candidates.len(), |at| at + 1);
    candidates.iter().take(settled).any(|symbol| written.contains(&symbol.id))
}

/// The stock and the figures so far, where bars from `since` on only add to them.
fn to_carry_on<'s>(row: &Model, candidates: &[&'s Symbol], since: Day) -> Result<Option<(&'s Symbol, Walk)>> {
    let Some(walk) = row.walk().filter(|walk| walk.performance.as_of < since) else { return Ok(None) };
    let Some(&symbol) = candidates.iter().find(|symbol| Some(symbol.id) == row.symbol_id) else { return Ok(None) };
    let first = candidates.first().is_some_and(|first| first.id == symbol.id);
    let same = row.performance_price == row.price_in(Some(symbol)) && row.performance_listing == row.listing_day;
    let one_on = row.performance_version.map(|version| version.saturating_add(1)) == Some(symbol.data_version);
    let carries = first && same && one_on && walk.agrees_with(&splits_of(symbol)?);
    Ok(carries.then_some((symbol, walk)))
}
