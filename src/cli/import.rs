//! Reading a CSV file of prices from the command line: the same checks and the same writer as an upload.

use std::path::PathBuf;

use clap::Args;

use super::errors::CommandError;
use super::import_market;
use super::prepare::prepared;
use crate::actions::{Caller, prices};
use crate::market::DateOrder;
use crate::market::daily::day_in_name;
use crate::providers::files::{self, Options};
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
    /// Which number of a date comes first, where the file doesn't tell: ymd, dmy or mdy.
    #[arg(long, value_name = "ORDER", value_parser = order, conflicts_with = "market")]
    date_order: Option<DateOrder>,
}

pub(super) async fn run(settings: Settings, arguments: ImportArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    if !arguments.market.is_empty() {
        return import_market::run(settings, arguments.market).await;
    }
    let (Some(ticker), Some(path)) = (arguments.ticker, arguments.file) else {
        return Err(CommandError::Failed("name a ticker and a file, or files after --market".to_owned()));
    };
    let name = path.display().to_string();
    let unreadable = |e: std::io::Error| CommandError::Failed(format!("{name} can't be read: {e}"));
    let length = tokio::fs::metadata(&path).await.map_err(unreadable)?.len();
    if length > files::LARGEST_FILE as u64 {
        return Err(CommandError::Failed(format!("{name} is larger than {} MiB; split it", files::LARGEST_FILE >> 20)));
    }
    let content = tokio::fs::read(&path).await.map_err(unreadable)?;
    let day = path.file_name().and_then(|name| name.to_str()).and_then(day_in_name);
    let ticker = normalise_ticker(&ticker).map_err(|e| failed(&e))?;
    let options = Options { ticker: ticker.clone(), date_order: arguments.date_order, day };
    let app = prepared(settings).await?;
    let done = prices::import_at_once(&app, &Caller::command_line(), &content, options).await;
    let (outcome, notes) = done.map_err(|e| failed(&e))?;
    say!(
        "{ticker}: {} added, {} changed, {} unchanged, {} flagged",
        outcome.added,
        outcome.changed,
        outcome.unchanged,
        outcome.flagged
    );
    for note in notes {
        say!("{ticker}: {note}");
    }
    app.store.close().await;
    Ok(())
}

fn order(text: &str) -> Result<DateOrder, String> {
    DateOrder::parse(text).ok_or_else(|| "it takes ymd, dmy or mdy".to_owned())
}
