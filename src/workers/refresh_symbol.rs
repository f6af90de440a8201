//! Brings one symbol's bars up to date with its provider.

use async_recursion::async_recursion as boxed;

use super::{Done, JobError, Progress};
use crate::app::App;
use crate::ingest;
use crate::jobs::RefreshSymbol;
use crate::providers::{Capabilities, History, PriceProvider};
use crate::store::entity::symbol;

#[boxed]
pub(super) async fn run(job: &RefreshSymbol, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let Some(symbol) = app.store.symbols().get(job.symbol_id).await? else {
        return Err(JobError::Pointless("The symbol has been removed".to_owned()));
    };
    let provider = app.providers.prices();
    let Capabilities { name, recent_bars } = provider.capabilities();
    let plan = ingest::plan(&symbol, job.full, recent_bars);
    progress.tell(0, None, &format!("Asking {name} for {}", symbol.ticker)).await;
    let batch = provider.fetch(&symbol.ticker, plan).await?;
    let history = batch.history;

    progress.tell(0, None, "Checking and storing the bars").await;
    // The newest bars alone can show that older ones have changed, too: a split, or a correction.
    let probe = history == History::Recent && plan == History::Recent;
    let mut ingested = ingest::prices(&app.store, symbol.id, batch, probe).await?;
    if probe && ingested.past_changed {
        progress.tell(0, None, &format!("Past bars have changed: asking {name} for all of them")).await;
        let batch = provider.fetch(&symbol.ticker, History::Full).await?;
        ingested = ingest::prices(&app.store, symbol.id, batch, false).await?;
    }
    let outcome = ingested.outcome;
    let total = outcome.added + outcome.changed + outcome.unchanged + outcome.flagged;
    progress.tell(total, Some(total), "Stored").await;

    if symbol.name.is_none() {
        look_up(app, provider.as_ref(), &symbol).await;
    }
    Ok(outcome.into())
}

/// Fills in the name, exchange and currency. They're a comfort, not a need: without them the refresh stands.
async fn look_up(app: &App, provider: &dyn PriceProvider, symbol: &symbol::Model) {
    match provider.lookup(&symbol.ticker).await {
        Ok(Some(listing)) => {
            let symbols = app.store.symbols();
            let stored = symbols.set_listing(symbol.id, &listing.name, listing.exchange, &listing.currency).await;
            if let Err(error) = stored {
                tracing::warn!(%error, ticker = symbol.ticker, "the symbol's name was not stored");
            }
        }
        Ok(None) => tracing::info!(ticker = symbol.ticker, "the provider's search doesn't know the symbol's name"),
        Err(error) => tracing::info!(%error, ticker = symbol.ticker, "the symbol's name was not looked up"),
    }
}
