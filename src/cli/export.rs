//! Writing tables to files from the command line.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::errors::CommandError;
use super::prepare::as_it_is;
use crate::export::{Format, PriceExport, Wanted};
use crate::graphql::{Kind, decode_id};
use crate::market::{Day, day};
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// What to write.
    #[arg(value_enum, default_value_t = What::Prices)]
    what: What,
    /// Of a backtest, its trades or a sweep: its id.
    #[arg(required_if_eq_any([("what", "backtest"), ("what", "trades"), ("what", "sweep")]))]
    id: Option<String>,
    /// CSV, Parquet, or Arrow IPC's file format (Feather).
    #[arg(long, short, value_enum)]
    format: Format,
    /// Where to; the standard output unless said.
    #[arg(long, short, alias = "out", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prices of these tickers only; several are separated by commas.
    #[arg(long, short, alias = "tickers", value_name = "TICKER", value_delimiter = ',')]
    ticker: Vec<String>,
    /// Prices from this date on.
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Day>,
    /// Prices up to this date.
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<Day>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A row a bar, by ticker and date.
    Prices,
    /// A row an issue, with its performance.
    Ipos,
    /// A row a backtest: inputs and figures.
    Backtests,
    /// A row a bar of one backtest: equity, drawdown, buying and holding.
    Backtest,
    /// A row a trade of one backtest.
    Trades,
    /// A row a sweep.
    Sweeps,
    /// A row a pair of windows of one sweep.
    Sweep,
}

fn date(text: &str) -> Result<Day, String> {
    day::parse_iso(text).ok_or_else(|| "it takes a date such as 2024-07-19".to_owned())
}

pub(super) async fn run(settings: Settings, arguments: ExportArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let wanted = wanted(&arguments)?;
    if arguments.output.is_none() && arguments.format != Format::Csv && std::io::stdout().is_terminal() {
        return Err(CommandError::Failed("this format isn't for a screen: name a file with --output".to_owned()));
    }
    let app = as_it_is(settings).await?;
    let table = wanted.find(&app).await.map_err(|e| failed(&e))?;
    let rows = match &arguments.output {
        None => table.write(&app, arguments.format, BufWriter::new(std::io::stdout()), true).await,
        Some(path) => {
            let unwritable = |e: &dyn std::fmt::Display| failed(&format!("{} can't be written: {e}", path.display()));
            // A file that is cut short takes nobody's place.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = beside(folder).map_err(|e| unwritable(&e))?;
            let sink = file.as_file().try_clone().map_err(|e| unwritable(&e))?;
            let written = table.write(&app, arguments.format, BufWriter::with_capacity(1 << 20, sink), true).await;
            if written.is_ok() {
                file.persist(path).map_err(|e| unwritable(&e.error))?;
            }
            written
        }
    };
    let rows = rows.map_err(|e| failed(&e))?;
    let _ = std::io::stdout().flush();
    eprintln!("{rows} rows written");
    app.store.close().await;
    Ok(())
}

/// A file in a folder, with the rights that new files have there.
fn beside(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn wanted(arguments: &ExportArguments) -> Result<Wanted, CommandError> {
    let id = |kind, what: &str| {
        let id = arguments.id.as_deref().and_then(|id| decode_id(kind, id));
        id.ok_or_else(|| CommandError::Failed(format!("name the id of a {what}, as the API gives it")))
    };
    let narrowed = !arguments.ticker.is_empty() || arguments.from.is_some() || arguments.to.is_some();
    if arguments.what != What::Prices && narrowed {
        return Err(CommandError::Failed("--ticker, --from and --to choose prices".to_owned()));
    }
    Ok(match arguments.what {
        What::Prices => {
            Wanted::Prices(PriceExport { tickers: arguments.ticker.clone(), from: arguments.from, to: arguments.to })
        }
        What::Ipos => Wanted::Ipos,
        What::Backtests => Wanted::Backtests,
        What::Backtest => Wanted::BacktestCurve(id(Kind::Backtest, "backtest")?),
        What::Trades => Wanted::BacktestTrades(id(Kind::Backtest, "backtest")?),
        What::Sweeps => Wanted::Sweeps,
        What::Sweep => Wanted::Sweep(id(Kind::Sweep, "sweep")?),
    })
}
