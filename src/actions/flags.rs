//! Flagged records: deal with one.

use async_recursion::async_recursion as boxed;

use super::Caller;
use crate::app::App;
use crate::request::RequestError;
use crate::store::Role;
use crate::store::entity::flag;

/// Marks a flagged record as dealt with; it opens again if its source sends it again.
///
/// # Errors
/// When the caller may not, or there is no such record.
#[boxed]
pub async fn resolve(app: &App, caller: &Caller, id: i64) -> Result<flag::Model, RequestError> {
    caller.must_be(Role::Admin)?;
    let resolved = app.store.flags().resolve(id).await?;
    resolved
        .ok_or_else(|| RequestError::NotFound { field: "id".into(), what: "flagged record with this id".to_owned() })
}
