//! What the exchange's lists say of shares: their names and listing days, changes of tickers, and which are funds.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;

use super::IngestError;
use super::market::ticker_changes;
use crate::market::Day;
use crate::providers::market::{ListFile, NameChange};
use crate::store::{ListedShare, Store};

/// What lists say of shares, kept until the shares are stored.
#[derive(Default)]
pub struct ShareLists {
    listed: Vec<ListedShare>,
    renamed: Vec<NameChange>,
}

impl ShareLists {
    /// Takes a list: changes of tickers and funds are learnt at once, what is said of shares is kept for [`ShareLists::apply`].
    #[boxed]
    pub async fn take(&mut self, store: &Store, list: ListFile) -> Result<(), IngestError> {
        match list {
            ListFile::Changes(changes) => ticker_changes(store, &changes).await?,
            ListFile::Funds(funds) => {
                let transaction = store.begin().await?;
                store.identities().learn_funds(&transaction, &funds).await?;
                store.events().commit(transaction, &[]).await?;
            }
            ListFile::Shares(shares) => self.listed.extend(shares),
            ListFile::Names(names) => self.renamed.extend(names),
        }
        Ok(())
    }

    /// Writes it to the shares that are stored. With `whole`, those on no list that haven't traded since are marked as delisted.
    #[boxed]
    pub async fn apply(self, store: &Store, whole: Option<Day>) -> Result<(), IngestError> {
        if self.listed.is_empty() && self.renamed.is_empty() {
            return Ok(());
        }
        let transaction = store.begin().await?;
        store.market_days().lock(&transaction).await?;
        if !self.listed.is_empty() {
            store.identities().learn_listed(&transaction, &self.listed, whole).await?;
        }
        store.identities().learn_names(&transaction, &names(&self.renamed)).await?;
        Ok(store.events().commit(transaction, &[]).await?)
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
