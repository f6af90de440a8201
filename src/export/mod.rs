//! Tables for notebooks: prices, issues, backtests and sweeps as CSV, Parquet or Arrow IPC.
//!
//! A table is read batch by batch, and each batch is encoded off the async threads while the next is read, so that
//! millions of rows take the memory of a few batches. A reader's failure goes the same way as its batches: a file that
//! is cut short never looks whole.

mod batch;
mod encode;
mod prices;
mod tables;

use std::io::Write;

use async_recursion::async_recursion as boxed;
use tokio::sync::mpsc;

use crate::app::App;
use crate::request::RequestError;
use crate::store::entity::{backtest, sweep, symbol};

use batch::{Batch, Sender};

pub use batch::ExportError;
pub use encode::Format;
pub use prices::{PriceExport, PriceTable};

/// What can be exported.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    Prices(PriceExport),
    Ipos,
    /// One row a backtest: its inputs and figures.
    Backtests,
    /// One row a bar of a backtest: equity, drawdown, holding.
    BacktestCurve(i64),
    BacktestTrades(i64),
    /// One row a sweep.
    Sweeps,
    /// One row a pair of windows.
    Sweep(i64),
}

/// A table that is there to be read.
pub enum Table {
    Prices(PriceTable),
    Ipos,
    Backtests,
    BacktestCurve(Box<(backtest::Model, symbol::Model)>),
    BacktestTrades(Box<(backtest::Model, symbol::Model)>),
    Sweeps,
    Sweep(Box<(sweep::Model, symbol::Model)>),
}

/// Batches that wait while one is encoded.
const WAITING: usize = 1;

impl Wanted {
    /// Looks up what is asked for, before a byte is written.
    ///
    /// # Errors
    /// When there's no such thing, or an input can't be what it is.
    pub async fn find(self, app: &App) -> Result<Table, RequestError> {
        let missing = |what: &str| RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") };
        let backtest = async |id| {
            let found = crate::research::find_backtest(app, id).await?;
            found.map(Box::new).ok_or_else(|| missing("backtest"))
        };
        Ok(match self {
            Self::Prices(export) => Table::Prices(export.find(app).await?),
            Self::Ipos => Table::Ipos,
            Self::Backtests => Table::Backtests,
            Self::BacktestCurve(id) => Table::BacktestCurve(backtest(id).await?),
            Self::BacktestTrades(id) => Table::BacktestTrades(backtest(id).await?),
            Self::Sweeps => Table::Sweeps,
            Self::Sweep(id) => {
                let found = crate::research::find_sweep(app, id).await?;
                Table::Sweep(Box::new(found.ok_or_else(|| missing("sweep"))?))
            }
        })
    }
}

impl Table {
    /// What a file of it is called, without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        let plain = |ticker: &str| -> String {
            ticker.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
        };
        let of = |symbol: &symbol::Model, kind: &str| format!("{}-{kind}", plain(&symbol.ticker));
        match self {
            Self::Prices(table) => {
                table.single().map_or_else(|| "prices".to_owned(), |ticker| format!("{}-prices", plain(ticker)))
            }
            Self::Ipos => "ipos".to_owned(),
            Self::Backtests => "backtests".to_owned(),
            Self::BacktestCurve(found) => of(&found.1, "backtest"),
            Self::BacktestTrades(found) => of(&found.1, "trades"),
            Self::Sweeps => "sweeps".to_owned(),
            Self::Sweep(found) => of(&found.1, "sweep"),
        }
    }

    /// Writes the table, whole or with an error; answers with how many rows there were. `parallel` lets several
    /// processors encode.
    ///
    /// # Errors
    /// When the database fails, or nobody takes the bytes.
    pub async fn write<W>(self, app: &App, format: Format, sink: W, parallel: bool) -> Result<u64, ExportError>
    where
        W: Write + Send + 'static,
    {
        let (sender, mut batches) = mpsc::channel::<Result<Batch, ExportError>>(WAITING);
        let encoding = tokio::task::spawn_blocking(move || {
            let mut sink = sink;
            let mut encoder = encode::Encoder::new(format, &mut sink, parallel);
            let mut rows = 0;
            while let Some(batch) = batches.blocking_recv() {
                let frame = batch?()?;
                rows += frame.height() as u64;
                encoder.write(&frame)?;
            }
            encoder.finish()?;
            sink.flush()?;
            Ok(rows)
        });
        let read = self.read(app, &sender).await;
        // A reader whose encoder has stopped has nothing to say; the encoder has.
        if let Err(error) = read
            && !matches!(error, ExportError::Gone)
        {
            let _ = sender.send(Err(error)).await;
        }
        drop(sender);
        encoding.await?
    }

    #[boxed]
    async fn read(self, app: &App, sender: &Sender) -> Result<(), ExportError> {
        match self {
            Self::Prices(table) => table.read(app, sender).await,
            Self::Ipos => tables::ipos(app, sender).await,
            Self::Backtests => tables::backtests(app, sender).await,
            Self::BacktestCurve(found) => tables::curve(app, *found, sender).await,
            Self::BacktestTrades(found) => tables::trades(app, *found, sender).await,
            Self::Sweeps => tables::sweeps(app, sender).await,
            Self::Sweep(found) => tables::sweep(app, *found, sender).await,
        }
    }
}
