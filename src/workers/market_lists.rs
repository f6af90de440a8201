//! The exchange's lists: changes of tickers and funds are known before days are read, and what shares are called and when
//! they were listed is told of those that the days have brought.

use async_recursion::async_recursion as boxed;

use super::JobError;
use crate::app::App;
use crate::ingest::{IngestError, ShareLists};
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::market::{CHANGE_LISTS, ListFile, SHARE_LISTS, Unread, read_list};
use crate::store::{now, today_at};

/// Days without a trade after which a share on no list is no longer listed.
const LONGEST_REST: Day = 60;
/// A list is good for so long.
const LIST_LASTS_MS: i64 = 20 * 3_600_000;

/// Brings changes of tickers and the funds up to date, once a day. A list that can't be had leaves things as they are.
/// Answers with the rows that couldn't be read.
#[boxed]
pub(super) async fn refresh_changes(app: &App) -> Result<Unread, JobError> {
    let mut unread = Unread::default();
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
        if let Some((list, not_read)) = read(bytes).await? {
            known.take(&app.store, list).await?;
            unread.merge(not_read);
        }
        note_fetched(app, path).await?;
    }
    Ok(unread)
}

/// Tells names, listing days and ISINs by the lists of the boards: once a day, and after days that may have brought new
/// shares. A process keeps the lists, so that months of days ask for them once. Answers with the rows that couldn't be
/// read.
#[boxed]
pub(super) async fn refresh_shares(app: &App, may_be_new: bool) -> Result<Unread, JobError> {
    let mut unread = Unread::default();
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
        if let Some((list, not_read)) = read(bytes).await? {
            unread.merge(not_read);
            boards += usize::from(matches!(list, ListFile::Shares(_)));
            known.take(&app.store, list).await?;
        }
        if !fresh {
            note_fetched(app, path).await?;
        }
    }
    let whole = (boards == 2).then(|| today_at(Exchange::Nse) - LONGEST_REST);
    known.apply(&app.store, whole).await?;
    Ok(unread)
}

async fn read(bytes: Vec<u8>) -> Result<Option<(ListFile, Unread)>, JobError> {
    let read = tokio::task::spawn_blocking(move || read_list(&bytes)).await;
    Ok(read.map_err(IngestError::from)?)
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
