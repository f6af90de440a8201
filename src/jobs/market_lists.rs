//! The exchange's lists: changes of tickers and funds are known before days are read, and what shares are called and when
//! they were listed is told of those that the days have brought.

use std::collections::HashMap;

use super::JobError;
use crate::app::App;
use crate::ingest;
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::market::{CHANGE_LISTS, ListFile, NameChange, SHARE_LISTS, read_list};
use crate::store::{ListedShare, now, today_at};

/// Days without a trade after which a share on no list is no longer listed.
const LONGEST_REST: Day = 60;
/// A list is good for so long.
const LIST_LASTS_MS: i64 = 20 * 3_600_000;

/// Brings changes of tickers and the funds up to date, once a day. A list that can't be had leaves things as they are.
pub(super) async fn refresh_changes(app: &App) -> Result<(), JobError> {
    for path in CHANGE_LISTS {
        if is_fresh(app, path).await? {
            continue;
        }
        let bytes = match app.providers.archive().list(path).await {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error @ ProviderError::Blocked { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::info!(%error, path, "a list of the exchange can't be had");
                continue;
            }
        };
        let mut known = ShareLists::default();
        if let Some(list) = read(bytes).await? {
            known.take(app, list).await?;
        }
        note_fetched(app, path).await?;
    }
    Ok(())
}

/// Tells names, listing days and ISINs by the lists of the boards: once a day, and after days that may have brought new
/// shares. A process keeps the lists, so that months of days ask for them once.
pub(super) async fn refresh_shares(app: &App, may_be_new: bool) -> Result<(), JobError> {
    let mut known = ShareLists::default();
    let mut boards = 0;
    for path in SHARE_LISTS {
        let fresh = is_fresh(app, path).await?;
        if fresh && !may_be_new {
            continue;
        }
        let bytes = match app.providers.archive().kept_list(path, LIST_LASTS_MS).await {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(ProviderError::Store(error)) => return Err(error.into()),
            // The days are stored: the next job tells what their shares are called.
            Err(error) => {
                tracing::info!(%error, path, "a list of the exchange can't be had");
                continue;
            }
        };
        if let Some(list) = read(bytes).await? {
            boards += usize::from(matches!(list, ListFile::Shares(_)));
            known.take(app, list).await?;
        }
        if !fresh {
            note_fetched(app, path).await?;
        }
    }
    let whole = (boards == 2).then(|| today_at(Exchange::Nse) - LONGEST_REST);
    Ok(known.apply(app, whole).await?)
}

async fn read(bytes: Vec<u8>) -> Result<Option<ListFile>, JobError> {
    let read = tokio::task::spawn_blocking(move || read_list(&bytes)).await;
    Ok(read.map_err(ingest::IngestError::from)?)
}

async fn is_fresh(app: &App, path: &str) -> Result<bool, JobError> {
    let fetched = app.store.market_days().list_fetched(path).await?;
    Ok(fetched.is_some_and(|at| now() - at < LIST_LASTS_MS))
}

async fn note_fetched(app: &App, path: &str) -> Result<(), JobError> {
    let transaction = app.store.begin().await?;
    app.store.market_days().set_list_fetched(&transaction, path).await?;
    Ok(app.store.events().commit(transaction, &[]).await?)
}

/// What lists say of shares, kept until the shares are stored.
#[derive(Default)]
pub struct ShareLists {
    listed: Vec<ListedShare>,
    renamed: Vec<NameChange>,
}

impl ShareLists {
    /// Takes a list: changes of tickers and funds are learnt at once, what is said of shares is kept for [`ShareLists::apply`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&mut self, app: &App, list: ListFile) -> Result<(), ingest::IngestError> {
        match list {
            ListFile::Changes(changes) => ingest::ticker_changes(&app.store, &changes).await?,
            ListFile::Funds(funds) => {
                let transaction = app.store.begin().await?;
                app.store.identities().learn_funds(&transaction, &funds).await?;
                app.store.events().commit(transaction, &[]).await?;
            }
            ListFile::Shares(shares) => self.listed.extend(shares),
            ListFile::Names(names) => self.renamed.extend(names),
        }
        Ok(())
    }

    /// Writes it to the shares that are stored. With `whole`, those on no list that haven't traded since are marked as delisted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn apply(self, app: &App, whole: Option<Day>) -> Result<(), ingest::IngestError> {
        if self.listed.is_empty() && self.renamed.is_empty() {
            return Ok(());
        }
        let transaction = app.store.begin().await?;
        app.store.market_days().lock(&transaction).await?;
        if !self.listed.is_empty() {
            app.store.identities().learn_listed(&transaction, &self.listed, whole).await?;
        }
        app.store.identities().learn_names(&transaction, &names(&self.renamed)).await?;
        Ok(app.store.events().commit(transaction, &[]).await?)
    }
}

/// Names to write: each of before beside today's, and today's alone where a ticker has been one company's.
fn names(renamed: &[NameChange]) -> Vec<(&str, Option<&str>, &str)> {
    let mut alone: HashMap<&str, Option<&str>> = HashMap::new();
    for change in renamed {
        let today = alone.entry(&change.ticker).or_insert(Some(&change.now));
        *today = today.filter(|name| *name == change.now);
    }
    let alone = alone.into_iter().filter_map(|(ticker, today)| Some((ticker, None, today?)));
    let each = renamed.iter().map(|n| (n.ticker.as_str(), Some(n.before.as_str()), n.now.as_str()));
    alone.chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticker_of_two_companies_names_none_that_has_no_name() {
        let change = |ticker: &str, before: &str, now: &str| NameChange {
            ticker: ticker.to_owned(),
            before: before.to_owned(),
            now: now.to_owned(),
        };
        let renamed = [change("A", "One", "Two"), change("B", "Old", "New"), change("B", "Other", "Another")];
        let alone: Vec<_> = names(&renamed).into_iter().filter(|name| name.1.is_none()).collect();
        assert_eq!(alone, [("A", None, "Two")]);
        assert_eq!(names(&renamed).len(), 4);
    }
}
