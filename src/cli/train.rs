//! Training a model from the command line: what the job does, without the queue.

use std::path::PathBuf;

use clap::Args;

use super::errors::CommandError;
use super::prepare::prepared;
use crate::actions::{Caller, models};
use crate::forecast::Stage;
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

pub(super) async fn run(settings: Settings, arguments: TrainArguments) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let app = prepared(settings).await?;
    let tell = |stage: Stage| {
        match stage {
            Stage::Testing(tested, of) => eprintln!("Fitting without symbol {} of {of} and testing on it", tested + 1),
            Stage::Fitting => eprintln!("Fitting to everything"),
        }
        true
    };
    let trained = models::train_at_once(&app, &Caller::command_line(), &arguments.name, &arguments.tickers, tell)
        .await
        .map_err(|e| failed(&e))?;
    if let Some(path) = arguments.out {
        let name = path.display().to_string();
        tokio::fs::write(&path, &trained.text)
            .await
            .map_err(|e| CommandError::Failed(format!("{name} can't be written: {e}")))?;
    }
    say!("{}", trained.message);
    app.store.close().await;
    Ok(())
}
