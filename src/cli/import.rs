//! Reading a CSV file of prices from the command line: the same checks and the same writer as an upload.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, prepared};
use crate::ingest;
use crate::jobs::{self, AddSymbol};
use crate::providers::csv;
use crate::request::normalise_ticker;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// As the price provider spells it: IBM, RELIANCE.BSE. Added if it's new.
    ticker: String,
    /// With the headings date,open,high,low,close[,`adjusted_close`],volume.
    file: PathBuf,
}

pub(super) async fn run(settings: Settings, arguments: ImportArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let name = arguments.file.display().to_string();
    let text = tokio::fs::read_to_string(&arguments.file).await;
    let text = text.map_err(|e| CommandError::Failed(format!("{name} can't be read: {e}")))?;
    let batch = csv::batch(text).map_err(|e| failed(&e))?;
    let ticker = normalise_ticker(&arguments.ticker).map_err(|e| failed(&e))?;
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
