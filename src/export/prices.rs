//! Prices: a row a bar, by ticker and day.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use polars::df;
use polars::prelude::{DataFrame, PolarsResult};

use super::batch::{ExportError, Sender, send};
use super::encode::days;
use crate::app::App;
use crate::market::adjustment::adjusted_close;
use crate::market::{Day, Dividend, Split, day};
use crate::request::{RequestError, find_symbol};
use crate::store::entity::symbol;
use crate::store::{BarRows, StoreError};

/// Which prices are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceExport {
    /// Everyone's where none is named.
    pub tickers: Vec<String>,
    pub from: Option<Day>,
    pub to: Option<Day>,
}

/// Symbols whose bars are to be read.
pub struct PriceTable {
    /// Id, ticker, bars; by ticker.
    symbols: Vec<(i64, String, usize)>,
    from: Day,
    to: Day,
}

/// Bars a batch, and so rows a row group.
const BATCH: usize = 1 << 15;
/// Symbols a batch, whatever they have.
const MOST_SYMBOLS: usize = 2_000;
/// Batches that are read at the same time.
const AT_ONCE: usize = 2;
/// Tickers that one export names.
const MOST_TICKERS: usize = 500;

impl PriceExport {
    /// # Errors
    /// When a ticker isn't followed, or the days are the wrong way round.
    pub async fn find(&self, app: &App) -> Result<PriceTable, RequestError> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let message = format!("{} is after {}; swap from and to", day::iso(from), day::iso(to));
            return Err(RequestError::invalid("from", message));
        }
        if self.tickers.len() > MOST_TICKERS {
            let message = format!("at most {MOST_TICKERS} tickers can be named; name none for all of them");
            return Err(RequestError::invalid("ticker", message));
        }
        let mut symbols = Vec::new();
        for ticker in &self.tickers {
            let found = find_symbol(app, ticker).await?;
            symbols.push((found.id, found.ticker, usize::try_from(found.bar_count).unwrap_or(0)));
        }
        if self.tickers.is_empty() {
            symbols = app.store.symbols().with_bars().await?;
        }
        symbols.sort_by(|a, b| a.1.cmp(&b.1));
        symbols.dedup();
        Ok(PriceTable { symbols, from: self.from.unwrap_or(Day::MIN), to: self.to.unwrap_or(Day::MAX) })
    }
}

impl PriceTable {
    /// The ticker, if there's but one.
    pub(super) fn single(&self) -> Option<&str> {
        if let [(_, ticker, _)] = &self.symbols[..] { Some(ticker) } else { None }
    }

    pub(super) async fn read(self, app: &App, sender: &Sender) -> Result<(), ExportError> {
        send(sender, || Ok(frame(&Rows::default())?)).await?;
        let (from, to) = (self.from, self.to);
        let batches = batches(self.symbols);
        // Each reads in a task of its own: its snapshot ends then, however slowly the client takes what came before.
        let tasks = stream::iter(batches).map(|ids| {
            let app = app.clone();
            tokio::spawn(async move { read(&app, ids, from, to).await })
        });
        let read = tasks.buffered(AT_ONCE).map(|task| task?);
        read.try_for_each(async |(symbols, bars)| send(sender, move || Ok(frame(&rows(&symbols, &bars)?)?)).await).await
    }
}

/// Neighbours by ticker that have about [`BATCH`] bars together.
fn batches(symbols: Vec<(i64, String, usize)>) -> Vec<Vec<i64>> {
    let mut batches: Vec<Vec<i64>> = Vec::new();
    let mut room = 0;
    for (id, _, bars) in symbols {
        if let Some(batch) = batches.last_mut().filter(|batch| bars <= room && batch.len() < MOST_SYMBOLS) {
            batch.push(id);
        } else {
            batches.push(vec![id]);
            room = BATCH;
        }
        room = room.saturating_sub(bars);
    }
    batches
}

/// Rows of symbols and their bars, as one moment has them.
async fn read(app: &App, ids: Vec<i64>, from: Day, to: Day) -> Result<(Vec<symbol::Model>, Arc<BarRows>), ExportError> {
    let snapshot = app.store.snapshot().await?;
    let mut symbols = app.store.symbols().get_many_in(&snapshot, &ids).await?;
    let bars = app.store.prices().rows_of(&snapshot, &ids, from, to).await?;
    snapshot.commit().await.map_err(StoreError::from)?;
    symbols.sort_by(|a, b| a.ticker.cmp(&b.ticker));
    Ok((symbols, Arc::new(bars)))
}

#[derive(Default)]
struct Rows<'a> {
    tickers: Vec<&'a str>,
    days: Vec<Option<Day>>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    adjusted: Vec<f64>,
    volume: Vec<i64>,
}

fn rows<'a>(symbols: &'a [symbol::Model], bars: &BarRows) -> Result<Rows<'a>, ExportError> {
    let mut by_symbol: HashMap<i64, Vec<_>> = HashMap::with_capacity(symbols.len());
    for row in bars.read() {
        let (id, bar) = row?;
        by_symbol.entry(id).or_default().push(bar);
    }
    let mut rows = Rows::default();
    for symbol in symbols {
        let splits: Vec<Split> =
            serde_json::from_str(&symbol.splits).map_err(|error| ExportError::Corrupt(error.to_string()))?;
        let dividends: Vec<Dividend> =
            serde_json::from_str(&symbol.dividends).map_err(|error| ExportError::Corrupt(error.to_string()))?;
        for bar in by_symbol.remove(&symbol.id).unwrap_or_default() {
            rows.tickers.push(&symbol.ticker);
            rows.days.push(Some(bar.day));
            rows.open.push(bar.open);
            rows.high.push(bar.high);
            rows.low.push(bar.low);
            rows.close.push(bar.close);
            rows.adjusted.push(adjusted_close(&bar, &splits, &dividends, symbol.adjusted_until));
            rows.volume.push(bar.volume);
        }
    }
    Ok(rows)
}

fn frame(rows: &Rows<'_>) -> PolarsResult<DataFrame> {
    let mut frame = df!(
        "ticker" => &rows.tickers,
        "open" => &rows.open,
        "high" => &rows.high,
        "low" => &rows.low,
        "close" => &rows.close,
        "adjusted_close" => &rows.adjusted,
        "volume" => &rows.volume,
    )?;
    frame.insert_column(1, days("date", rows.days.clone())?)?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_neighbours_up_to_its_size_and_a_longer_history_by_itself() {
        let symbol = |id: i64, bars: usize| (id, format!("S{id}"), bars);
        let cut =
            batches(vec![symbol(1, BATCH / 2), symbol(2, BATCH / 2), symbol(3, 1), symbol(4, BATCH * 3), symbol(5, 1)]);
        assert_eq!(cut, [vec![1, 2], vec![3], vec![4], vec![5]]);
    }
}
