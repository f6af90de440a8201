//! The audit trail, for administrators.

use async_graphql::{Context, InputObject, Object, Result};

use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::Fault;
use super::guard::caller;
use super::scalars::DateTime;
use crate::actions::audit;
use crate::app::App;
use crate::store::entity::audit_event as row;
use crate::store::{AuditFilter, newest_first};

/// Something that somebody with a token did.
#[derive(Debug, Clone)]
pub struct AuditEvent(row::Model);

/// Something that somebody with a token did.
#[Object]
impl AuditEvent {
    /// When it was done.
    #[graphql(deprecation = "A moment's name ends in At everywhere: use doneAt")]
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// When it was done.
    async fn done_at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// The name of the token; `ADMIN_TOKEN` is that of the settings, and `command line` whoever runs commands on the
    /// service's machine.
    async fn token(&self) -> &str {
        &self.0.token
    }

    /// Where the request came from; of an IPv6 address, its network.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// The mutation's name, such as `updateIpo`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The id, ticker or name of what it was done to, where it names one.
    async fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// The arguments as JSON, up to 2,000 characters.
    async fn arguments(&self) -> &str {
        &self.0.arguments
    }

    /// `OK`, or the code of the error in the answer.
    async fn outcome(&self) -> &str {
        &self.0.outcome
    }
}

/// Which events to list.
#[derive(Debug, InputObject)]
#[graphql(name = "AuditEventFilter")]
pub struct AuditEventFilterInput {
    /// Done with the token of this name.
    token: Option<String>,
    /// One of these mutations.
    action: Option<Vec<String>>,
    /// Done to this object: its id, ticker or name as the event has it.
    object: Option<String>,
    /// At this moment or later.
    from: Option<DateTime>,
    /// At this moment or earlier.
    to: Option<DateTime>,
}

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// What was done with tokens, the newest first; null, with an error, for anyone but an administrator. Research that is
    /// run isn't among it: it is stored itself.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Begin after this cursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "End before this cursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all unless given.")] filter: Option<AuditEventFilterInput>,
    ) -> Option<Result<Connection<AuditEvent>>> {
        Some(page(ctx, PageArguments { first, after, last, before }, filter).await)
    }
}

/// Names of any number: comparing each with all before it would take seconds for twenty thousand.
fn each_once(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

async fn page(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<AuditEventFilterInput>,
) -> Result<Connection<AuditEvent>> {
    let filter = filter.map_or_else(AuditFilter::default, |f| AuditFilter {
        token: f.token,
        action: f.action.map(each_once),
        object: f.object,
        from: f.from.map(|at| at.0),
        to: f.to.map(|at| at.0),
    });
    let page = arguments.request("auditEvents", &newest_first())?;
    let read = audit::page(ctx.data_unchecked::<App>(), &caller(ctx), &filter, &page).map_err(Fault::from)?;
    let rows = if_asked(ctx, read).await.map_err(Fault::from)?;
    Ok(connect(rows, Total::AuditEvents(filter), row::Model::keys, AuditEvent))
}
