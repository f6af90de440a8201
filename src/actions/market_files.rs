//! Files of a whole market, taken in at once: days together with their neighbours, lists and announcements as they come.

use async_recursion::async_recursion as boxed;

use super::Caller;
use crate::app::App;
use crate::ingest::{self, IngestError, ShareLists};
use crate::market::Day;
use crate::providers::market::{ListFile, RawAction, Session};
use crate::request::RequestError;
use crate::store::{RecordCounts, Role};

/// Days that one write spans at most.
const LONGEST_SPAN: Day = 45;

/// What a file of a market holds.
pub enum MarketFile {
    Session(Session),
    List(ListFile),
    Actions(Vec<RawAction>),
}

/// What was taken in so far.
pub struct MarketImport<'a> {
    app: &'a App,
    lists: ShareLists,
    batch: Vec<Session>,
    days: usize,
    counts: RecordCounts,
    span: Option<(Day, Day)>,
}

impl<'a> MarketImport<'a> {
    /// # Errors
    /// When the caller may not.
    pub fn new(app: &'a App, caller: &Caller) -> Result<Self, RequestError> {
        caller.must_be(Role::Operator)?;
        Ok(Self {
            app,
            lists: ShareLists::default(),
            batch: Vec::new(),
            days: 0,
            counts: RecordCounts::default(),
            span: None,
        })
    }

    /// Bars that were added so far.
    #[must_use]
    pub fn added(&self) -> u32 {
        self.counts.added
    }

    /// Takes a file's content in. Days should come in their order.
    #[boxed]
    pub async fn take(&mut self, file: MarketFile) -> Result<(), IngestError> {
        match file {
            MarketFile::Session(session) => {
                let first = self.batch.iter().map(|s| s.day).min().unwrap_or(session.day);
                let far = (session.day - first).abs() > LONGEST_SPAN;
                let again = self.batch.iter().any(|s| s.day == session.day);
                let rows: usize = self.batch.iter().map(|s| s.shares.len()).sum();
                if far || again || rows >= self.app.store.prices().rows_a_batch() {
                    self.write().await?;
                }
                let (first, last) = self.span.unwrap_or((session.day, session.day));
                self.span = Some((first.min(session.day), last.max(session.day)));
                self.batch.push(session);
            }
            MarketFile::List(list) => self.lists.take(&self.app.store, list).await?,
            MarketFile::Actions(actions) => {
                ingest::corporate_actions(&self.app.store, actions).await?;
            }
        }
        Ok(())
    }

    /// Writes what is left, and holds the known announcements against the prices that came. Tells how many days there
    /// were, and what became of their rows.
    pub async fn finish(mut self) -> Result<(usize, RecordCounts), IngestError> {
        self.write().await?;
        // The shares that the days have brought are there by now.
        std::mem::take(&mut self.lists).apply(&self.app.store, None).await?;
        if let Some((first, last)) = self.span {
            ingest::judge_actions(&self.app.store, first - 10, last + 10).await?;
        }
        Ok((self.days, self.counts))
    }

    async fn write(&mut self) -> Result<(), IngestError> {
        self.days += self.batch.len();
        self.counts += ingest::market(&self.app.store, std::mem::take(&mut self.batch)).await?;
        Ok(())
    }
}
