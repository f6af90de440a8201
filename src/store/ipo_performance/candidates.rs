//! Which tracked stock an issue may be: by its ticker and those that stocks had, by whether a stock was there on the listing
//! day, and by the issue price that its first day follows on.

use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement};

use crate::market::ipo::provider_tickers;
use crate::market::performance::LATE_START;
use crate::market::{Day, Exchange};
use crate::store::Result;
use crate::store::entity::ipo::{Column, Entity, Model};
use crate::store::entity::symbol::Model as Symbol;
use crate::store::ids::{id_list, ids_text};
use crate::store::market_days;
use crate::store::repositories::{Ipos, Symbols};

/// Tickers asked for in one statement; an issue may have four spellings.
pub(super) const TICKERS: usize = 5_000;
/// An issue without a listing day is listed so many days after its bidding at the latest.
const LONGEST_WAIT: Day = 60;
/// A recorded listing day may be so many days off.
const DAYS_OFF: u32 = 5;
pub(super) const HALF_A_PAISA: f64 = 0.005;

/// Symbols by the tickers that they have, then by those that they had; the listing days whose whole market is stored, and
/// those of every issue at the NSE by its ticker; the close before the first day of shares that begin beside a listing day.
#[derive(Default)]
pub(super) struct Found {
    by_ticker: HashMap<String, Vec<Symbol>>,
    stored: HashSet<Day>,
    listings: HashMap<String, Vec<Day>>,
    before_first: HashMap<i64, f64>,
}

impl Found {
    /// The day that an issue was listed on: its share's first one, where that follows on the issue price a few days beside
    /// the recorded one.
    pub(super) fn listing_of(&self, row: &Model, symbol: &Symbol) -> Option<Day> {
        let recorded = row.listing_day?;
        let begins_at =
            |price: f64| self.before_first.get(&symbol.id).is_some_and(|before| (before - price).abs() <= HALF_A_PAISA);
        let first = begins_beside(recorded, symbol).filter(|_| row.exchange == Exchange::Nse);
        first.filter(|_| row.price().is_some_and(begins_at)).or(Some(recorded))
    }

    /// Whether a share begins on the listing day of another issue, which had the ticker long after this one.
    fn is_of_later_issue(&self, row: &Model, symbol: &Symbol) -> bool {
        let over = row.close_day.or(row.open_day).map(|day| day.saturating_add(LONGEST_WAIT));
        let (Some(listed), Some(first)) = (row.listing_day.or(over), symbol.first_day) else { return false };
        let listings = row.ticker.as_ref().and_then(|ticker| self.listings.get(ticker));
        row.exchange == Exchange::Nse
            && first > listed.saturating_add(LATE_START)
            && listings.is_some_and(|days| days.contains(&first))
    }
}

/// The first day of a share of the market that begins a few days before or after a listing day.
fn begins_beside(listing: Day, symbol: &Symbol) -> Option<Day> {
    let beside = |first: &Day| (1..=DAYS_OFF).contains(&first.abs_diff(listing));
    symbol.first_day.filter(beside).filter(|_| symbol.is_of_market())
}

/// The tracked stocks that an issue may be, the likeliest first.
pub(super) fn candidates<'a>(row: &Model, symbols: &'a Found) -> Vec<&'a Symbol> {
    let spelled = row.ticker.as_ref().map(|ticker| provider_tickers(row.exchange, ticker)).unwrap_or_default();
    let listed_on_a_stored_day = row.listing_day.filter(|day| symbols.stored.contains(day));
    // A share that wasn't in the file of the listing day is another company's, which has the ticker now or had it.
    let may_be = |symbol: &&Symbol| {
        let spans = |day: Day| {
            symbol.first_day.is_some_and(|first| first <= day) && symbol.last_day.is_some_and(|last| last >= day)
        };
        let was_there = || symbols.listing_of(row, symbol).is_none_or(spans);
        !symbol.is_of_market()
            || ((listed_on_a_stored_day.is_none() || was_there()) && !symbols.is_of_later_issue(row, symbol))
    };
    let found = spelled.iter().filter_map(|ticker| symbols.by_ticker.get(ticker)).flatten();
    found.filter(may_be).collect()
}

impl Ipos<'_> {
    /// What is needed to tell which stocks these issues may be.
    #[boxed]
    pub(super) async fn candidates_of<C: ConnectionTrait>(&self, connection: &C, rows: &[Model]) -> Result<Found> {
        let spelled = |row: &Model| row.ticker.as_ref().map(|t| provider_tickers(row.exchange, t)).unwrap_or_default();
        let mut tickers: Vec<String> = rows.iter().flat_map(spelled).collect();
        tickers.sort_unstable();
        tickers.dedup();
        let mut symbols = Found::default();
        for tickers in tickers.chunks(TICKERS) {
            for symbol in Symbols::by_tickers_in(connection, tickers).await? {
                symbols.by_ticker.entry(symbol.ticker.clone()).or_default().push(symbol);
            }
        }
        let at_nse = || rows.iter().filter(|row| row.exchange == Exchange::Nse);
        let plain: Vec<String> = at_nse().filter_map(|row| row.ticker.clone()).collect();
        for (ticker, symbol) in Symbols::by_former_tickers(connection, &plain).await? {
            symbols.by_ticker.entry(ticker).or_default().push(symbol);
        }
        for tickers in plain.chunks(TICKERS) {
            let query = Entity::find().select_only().columns([Column::Ticker, Column::ListingDay]);
            let query = query.filter(Column::Exchange.eq(Exchange::Nse)).filter(Column::ListingDay.is_not_null());
            let query = query.filter(Column::Ticker.is_in(tickers)).into_tuple::<(String, Day)>();
            for (ticker, day) in query.all(connection).await? {
                symbols.listings.entry(ticker).or_default().push(day);
            }
        }
        let days: Vec<Day> = at_nse().filter_map(|row| row.listing_day).collect();
        symbols.stored = market_days::stored_among(connection, &days).await?;
        let mut beside: Vec<i64> = Vec::new();
        for row in at_nse() {
            let (Some(listing), spelled) = (row.listing_day, spelled(row)) else { continue };
            let shares = spelled.iter().filter_map(|ticker| symbols.by_ticker.get(ticker)).flatten();
            beside.extend(shares.filter(|share| begins_beside(listing, share).is_some()).map(|share| share.id));
        }
        symbols.before_first = self.closes_before(connection, &beside).await?;
        Ok(symbols)
    }

    /// The closes before the first days of these symbols, where the exchange states them.
    #[boxed]
    async fn closes_before<C: ConnectionTrait>(&self, connection: &C, symbols: &[i64]) -> Result<HashMap<i64, f64>> {
        let mut closes = HashMap::new();
        if symbols.is_empty() {
            return Ok(closes);
        }
        let backend = self.0.backend();
        let sql = format!(
            "SELECT s.id, b.previous_close FROM symbols AS s \
             JOIN price_bars AS b ON b.symbol_id = s.id AND b.day = s.first_day \
             WHERE {} AND b.previous_close IS NOT NULL",
            id_list(backend, "s.id", 1)
        );
        let values = [ids_text(backend, symbols).into()];
        for row in connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
            closes.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        Ok(closes)
    }
}
