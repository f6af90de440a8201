//! Reading a CSV file of prices from the command line: the same checks and the same writer as an upload.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, import_market, prepared};
use crate::ingest;
use crate::jobs::{self, AddSymbol};
use crate::providers::csv;
use crate::request::normalise_ticker;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// As the price provider spells it: IBM, RELIANCE.BSE. Added if it's new.
    #[arg(required_unless_present = "market")]
    ticker: Option<String>,
    /// With the headings date,open,high,low,close[,`adjusted_close`],volume.
    #[arg(required_unless_present = "market")]
    file: Option<PathBuf>,
    /// Files of a whole market instead, zipped or plain, or folders of them: the NSE's daily files, its lists and its
    /// export of corporate actions.
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with_all = ["ticker", "file"])]
    market: Vec<PathBuf>,
}

pub(super) async fn run(settings: Settings, arguments: ImportArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    if !arguments.market.is_empty() {
        return import_market::run(settings, arguments.market).await;
    }
    let (Some(ticker), Some(file)) = (arguments.ticker, arguments.file) else {
        return Err(CommandError::Failed("name a ticker and a file, or files after --market".to_owned()));
    };
    let name = file.display().to_string();
    let text = tokio::fs::read_to_string(&file).await;
    let text = text.map_err(|e| CommandError::Failed(format!("{name} can't be read: {e}")))?;
    let batch = csv::batch(text).map_err(|e| failed(&e))?;
    let ticker = normalise_ticker(&ticker).map_err(|e| failed(&e))?;
    let app = prepared(settings).await?;
    let id = if let Some(symbol) = app.store.symbols().by_ticker(&ticker).await? {
        symbol.id
    } else {
        let input = AddSymbol { ticker: ticker.clone(), name: None, exchange: None, refresh: false };
        jobs::add_symbol(&app, input).await.map_err(|e| failed(&e))?.0.id
    };
    let outcome = ingest::prices(&app.store, id, batch, false).await.map_err(|e| failed(&e))?.outcome;
    println!(
        "{ticker}: {} added, {} changed, {} unchanged, {} flagged",
        outcome.added, outcome.changed, outcome.unchanged, outcome.flagged
    );
    app.store.close().await;
    Ok(())
}
