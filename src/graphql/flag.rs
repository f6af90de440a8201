//! Flagged records.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, distinct, if_asked, sought};
use super::errors::{Fault, UserError, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::scalars::DateTime;
use crate::actions::flags;
use crate::app::App;
use crate::market::DataSource;
use crate::store::entity::flag;
use crate::store::{FlagFilter, newest_first};

/// A record that was kept out, and why.
#[derive(Debug, Clone)]
pub struct DataIssue(pub flag::Model);

/// A record that was kept out, and why.
#[Object]
impl DataIssue {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::DataIssue, self.0.id)
    }

    /// Who sent it.
    async fn source(&self) -> DataSource {
        self.0.source
    }

    /// Names the record: "IBM 2026-11-20".
    async fn record(&self) -> &str {
        &self.0.record
    }

    /// The field that is wrong.
    async fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What is wrong with it.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The record as it came.
    async fn raw(&self) -> &str {
        &self.0.raw
    }

    /// When it was first seen.
    async fn first_seen_at(&self) -> DateTime {
        DateTime(self.0.first_seen_at)
    }

    /// When it was last seen.
    async fn last_seen_at(&self) -> DateTime {
        DateTime(self.0.last_seen_at)
    }

    /// How many fetches have shown it.
    async fn occurrences(&self) -> i32 {
        self.0.occurrences
    }

    /// When it was made good at its source, or an administrator dealt with it; from the start where there is nothing to mend.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved_at.map(DateTime)
    }
}

/// Which flagged records to list.
#[derive(Debug, InputObject)]
#[graphql(name = "DataIssueFilter")]
pub struct DataIssueFilterInput {
    /// From one of these sources.
    source: Option<Vec<DataSource>>,
    /// Only those that are dealt with, or only those that are open.
    resolved: Option<bool>,
    /// Part of the record's name, the field or the reason, in any case; 200 characters at most.
    search: Option<String>,
}

#[derive(Default)]
pub struct FlagQuery;

#[Object]
impl FlagQuery {
    /// Records that were kept out, the newest first.
    async fn data_issues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            DataIssueFilterInput,
        >,
    ) -> Result<Connection<DataIssue>> {
        let filter = match filter {
            Some(f) => FlagFilter { source: distinct(f.source), resolved: f.resolved, search: sought(f.search)? },
            None => FlagFilter::default(),
        };
        let page = PageArguments { first, after, last, before }.request("dataIssues", &newest_first())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.flags().page(&filter, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Flags(filter), flag::Model::keys, DataIssue))
    }
}

/// A flagged record that has been dealt with.
#[derive(Debug, InputObject)]
pub struct ResolveDataIssueInput {
    /// Which flagged record, by its global id.
    id: ID,
}

/// The record as it stands now.
#[derive(SimpleObject)]
pub struct ResolveDataIssuePayload {
    /// The record, dealt with; null if there are errors.
    data_issue: Option<DataIssue>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct FlagMutation;

#[Object]
impl FlagMutation {
    /// Marks a flagged record as dealt with; it opens again if the source sends it again.
    async fn resolve_data_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which record.")] input: ResolveDataIssueInput,
    ) -> Result<ResolveDataIssuePayload> {
        let id = ids::row_of(Kind::DataIssue, &input.id);
        let done = flags::resolve(ctx.data_unchecked::<App>(), &caller(ctx), id).await;
        Ok(payload!(ResolveDataIssuePayload, done, row => { data_issue: Some(DataIssue(row)) }))
    }
}
