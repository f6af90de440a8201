//! Training a model from the command line: what the job does, without the queue.

use std::path::PathBuf;

use clap::Args;

use super::errors::CommandError;
use super::prepare::prepared;
use crate::forecast::Stage;
use crate::request::normalise_ticker;
use crate::research::train_model;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// What the model is to be called.
    #[arg(long)]
    name: String,
    /// Where to write the model's file, too; it's kept in the database in any case.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The symbols to train on; all that have 250 bars or more, if none is named.
    tickers: Vec<String>,
}

/// Symbols with fewer bars are left out where nobody names them.
const FEWEST_BARS: i32 = 250;

pub(super) async fn run(settings: Settings, arguments: TrainArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let app = prepared(settings).await?;
    let mut symbols = app.store.symbols().all().await?;
    if arguments.tickers.is_empty() {
        symbols.retain(|symbol| symbol.bar_count >= FEWEST_BARS);
    } else {
        let wanted: Result<Vec<_>, _> = arguments.tickers.iter().map(|ticker| normalise_ticker(ticker)).collect();
        let wanted = wanted.map_err(|e| failed(&e))?;
        if let Some(unknown) = wanted.iter().find(|ticker| symbols.iter().all(|symbol| symbol.ticker != **ticker)) {
            return Err(CommandError::Failed(format!("there is no symbol {unknown}; import it first")));
        }
        symbols.retain(|symbol| wanted.contains(&symbol.ticker));
    }
    if symbols.is_empty() {
        return Err(CommandError::Failed(format!("no symbol has {FEWEST_BARS} bars to train on; import some first")));
    }
    // The database gives them in no order of its own; the same symbols make the same model.
    symbols.sort_by(|a, b| a.ticker.cmp(&b.ticker));
    let tell = |stage: Stage| {
        match stage {
            Stage::Testing(tested, of) => eprintln!("Fitting without symbol {} of {of} and testing on it", tested + 1),
            Stage::Fitting => eprintln!("Fitting to everything"),
        }
        true
    };
    let trained = train_model(&app, arguments.name, &symbols, tell).await.map_err(|e| failed(&e))?;
    if let Some(path) = arguments.out {
        let name = path.display().to_string();
        tokio::fs::write(&path, &trained.text)
            .await
            .map_err(|e| CommandError::Failed(format!("{name} can't be written: {e}")))?;
    }
    println!("{}", trained.message);
    app.store.close().await;
    Ok(())
}
