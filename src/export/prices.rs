//! Prices: a row a bar, by ticker and day.

use std::collections::HashMap;
use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};
use polars::df;
use polars::prelude::DataFrame;

use super::batch::{ExportError, Sender, send};
use super::encode::days;
use crate::app::App;
use crate::market::adjustment::Adjusting;
use crate::market::{Day, Dividend, Split, day};
use crate::request::{RequestError, find_symbol};
use crate::store::entity::symbol;
use crate::store::{BarColumns, StoreError};

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
/// Bars that are taken from the database before they are unpacked: in the driver's hands a row is fifteen times as large.
const UNPACKED_AT_ONCE: usize = 1 << 12;
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
        send(sender, || frame(&[], BarColumns::default())).await?;
        let (from, to) = (self.from, self.to);
        let batches = batches(self.symbols.into_iter().map(|(id, _, bars)| (id, bars)), BATCH);
        // Each reads in a task of its own: its snapshot ends then, however slowly the client takes what came before.
        let tasks = stream::iter(batches).map(|batch| {
            let app = app.clone();
            tokio::spawn(async move { read(&app, batch, from, to).await })
        });
        let read = tasks.buffered(AT_ONCE).map(|task| task?);
        read.try_for_each(async |(symbols, bars)| send(sender, move || frame(&symbols, bars)).await).await
    }
}

/// A symbol's id, and how many bars it has.
type Share = (i64, usize);

/// Neighbours that have about so many bars together.
fn batches(symbols: impl IntoIterator<Item = Share>, bars_a_batch: usize) -> Vec<Vec<Share>> {
    let mut batches: Vec<Vec<Share>> = Vec::new();
    let mut room = 0;
    for (id, bars) in symbols {
        if let Some(batch) = batches.last_mut().filter(|batch| bars <= room && batch.len() < MOST_SYMBOLS) {
            batch.push((id, bars));
        } else {
            batches.push(vec![(id, bars)]);
            room = bars_a_batch;
        }
        room = room.saturating_sub(bars);
    }
    batches
}

/// Symbols by ticker and their bars, as one moment has them.
async fn read(
    app: &App,
    batch: Vec<Share>,
    from: Day,
    to: Day,
) -> Result<(Vec<symbol::Model>, BarColumns), ExportError> {
    let ids = |shares: &[Share]| -> Vec<i64> { shares.iter().map(|share| share.0).collect() };
    let snapshot = app.store.snapshot().await?;
    let mut symbols = app.store.symbols().get_many_in(&snapshot, &ids(&batch)).await?;
    let mut bars = BarColumns::with_capacity(batch.iter().map(|share| share.1).sum());
    for part in batches(batch, UNPACKED_AT_ONCE) {
        let packed = app.store.prices().rows_of(&snapshot, &ids(&part), from, to).await?;
        let unpacked = tokio::task::spawn_blocking(move || packed.append_to(&mut bars).map(|()| bars));
        bars = unpacked.await??;
    }
    snapshot.commit().await.map_err(StoreError::from)?;
    symbols.sort_by(|a, b| a.ticker.cmp(&b.ticker));
    Ok((symbols, bars))
}

/// A row a bar, by ticker and day.
fn frame(symbols: &[symbol::Model], bars: BarColumns) -> Result<DataFrame, ExportError> {
    let mut runs: HashMap<i64, Range<usize>> = HashMap::new();
    let mut start = 0;
    for run in bars.symbol.chunk_by(PartialEq::eq) {
        runs.insert(run[0], start..start + run.len());
        start += run.len();
    }
    let mut order = Vec::with_capacity(symbols.len());
    let (mut tickers, mut adjusted) = (Vec::with_capacity(start), Vec::with_capacity(start));
    for symbol in symbols {
        let Some(run) = runs.remove(&symbol.id) else { continue };
        let corrupt = |error: serde_json::Error| ExportError::Corrupt(error.to_string());
        let splits: Vec<Split> = serde_json::from_str(&symbol.splits).map_err(corrupt)?;
        let dividends: Vec<Dividend> = serde_json::from_str(&symbol.dividends).map_err(corrupt)?;
        let adjusting = Adjusting { splits: &splits, dividends: &dividends, provided_until: symbol.adjusted_until };
        for row in run.clone() {
            tickers.push(symbol.ticker.as_str());
            adjusted.push(adjusting.close(bars.day[row], bars.close[row], bars.adjusted_close[row]));
        }
        order.push(run);
    }
    let mut frame = df!(
        "ticker" => tickers,
        "open" => in_order(bars.open, &order),
        "high" => in_order(bars.high, &order),
        "low" => in_order(bars.low, &order),
        "close" => in_order(bars.close, &order),
        "adjusted_close" => adjusted,
        "volume" => in_order(bars.volume, &order),
    )?;
    frame.insert_column(1, days("date", in_order(bars.day, &order).into_iter().map(Some).collect())?)?;
    Ok(frame)
}

/// A column's runs in another order; the column itself where they stand in it so already.
fn in_order<T: Copy>(column: Vec<T>, runs: &[Range<usize>]) -> Vec<T> {
    let mut next = 0;
    let stand = runs.iter().all(|run| std::mem::replace(&mut next, run.end) == run.start);
    if stand && next == column.len() {
        return column;
    }
    runs.iter().flat_map(|run| &column[run.clone()]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_neighbours_up_to_its_size_and_a_longer_history_by_itself() {
        let cut = batches([(1, 50), (2, 50), (3, 1), (4, 300), (5, 1)], 100);
        let ids: Vec<Vec<i64>> = cut.iter().map(|batch| batch.iter().map(|share| share.0).collect()).collect();
        assert_eq!(ids, [vec![1, 2], vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn runs_of_a_column_come_in_the_order_asked_for() {
        assert_eq!(in_order(vec![1, 2, 3, 4], &[2..4, 0..1]), [3, 4, 1]);
        assert_eq!(in_order(vec![1, 2, 3], &[0..2, 2..3]), [1, 2, 3]);
        assert_eq!(in_order(vec![1, 2, 3], &[0..1, 1..2]), [1, 2]);
        assert_eq!(in_order(Vec::<i64>::new(), &[]), [0; 0]);
    }
}
