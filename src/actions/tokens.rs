//! Tokens: make one, list them, revoke one.

use async_recursion::async_recursion as boxed;

use super::{Caller, LONGEST_NAME};
use crate::app::App;
use crate::market::text::clean;
use crate::request::RequestError;
use crate::store::entity::api_token::Model;
use crate::store::page::{Page, PageRequest};
use crate::store::{Role, StoreError, now};

const DAY_MS: i64 = 86_400_000;
const MOST_DAYS: i32 = 3_650;

/// Makes a token; answers with it and its secret, which is kept nowhere. It's good for so many days, or without end.
///
/// # Errors
/// When the caller may not, or an input can't be what it is.
#[boxed]
pub async fn create(
    app: &App,
    caller: &Caller,
    name: &str,
    role: Role,
    days: Option<i32>,
) -> Result<(Model, String), RequestError> {
    caller.must_be(Role::Admin)?;
    let tidy = clean(name);
    if tidy.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(RequestError::invalid("name", format!("a token's name has 1 to {LONGEST_NAME} characters")));
    }
    if role == Role::Anonymous {
        return Err(RequestError::invalid("role", "a token's role is READER, OPERATOR or ADMIN"));
    }
    if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        let message = format!("a token is good for 1 to {MOST_DAYS} days, or without end");
        return Err(RequestError::invalid("days", message));
    }
    let expires_at = days.map(|days| now() + i64::from(days) * DAY_MS);
    Ok(app.store.tokens().create(&tidy, role, expires_at).await?)
}

/// All tokens, without their secrets.
///
/// # Errors
/// When the caller may not, or the database fails.
#[boxed]
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Model>, RequestError> {
    caller.must_be(Role::Admin)?;
    Ok(app.store.tokens().list().await?)
}

/// The reading of a page of them, once the caller has been let through.
///
/// # Errors
/// When the caller may not.
pub fn page<'a>(
    app: &'a App,
    caller: &Caller,
    page: &'a PageRequest,
) -> Result<impl Future<Output = Result<Page<Model>, StoreError>> + use<'a>, RequestError> {
    caller.must_be(Role::Admin)?;
    Ok(async { app.store.tokens().page(page).await })
}

/// One of them.
///
/// # Errors
/// When the caller may not, or the database fails.
#[boxed]
pub async fn get(app: &App, caller: &Caller, id: i64) -> Result<Option<Model>, RequestError> {
    caller.must_be(Role::Admin)?;
    Ok(app.store.tokens().get(id).await?)
}

/// Revokes a token at once.
///
/// # Errors
/// When the caller may not, or there is no such token that is still good.
#[boxed]
pub async fn revoke(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Admin)?;
    if app.store.tokens().revoke(id).await? {
        return Ok(());
    }
    Err(RequestError::NotFound { field: "id".into(), what: "live token with this id".to_owned() })
}
