//! The audit trail: read it.

use super::Caller;
use crate::app::App;
use crate::request::RequestError;
use crate::store::entity::audit_event;
use crate::store::page::{Page, PageRequest};
use crate::store::{AuditFilter, Role, StoreError};

/// The reading of a page of it, once the caller has been let through.
///
/// # Errors
/// When the caller may not.
pub fn page<'a>(
    app: &'a App,
    caller: &Caller,
    filter: &'a AuditFilter,
    page: &'a PageRequest,
) -> Result<impl Future<Output = Result<Page<audit_event::Model>, StoreError>> + use<'a>, RequestError> {
    caller.must_be(Role::Admin)?;
    Ok(async { app.store.audit().page(filter, page).await })
}
