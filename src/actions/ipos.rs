//! IPOs: fetch them, add one, edit one, delete one, bring one back. Each edit leaves a revision.

use async_recursion::async_recursion as boxed;

use super::jobs::record_one;
use super::{Caller, LONGEST_NAME, idempotency};
use crate::app::App;
use crate::jobs::{Job, RefreshIpos};
use crate::market::currency::iso_4217;
use crate::market::day::iso;
use crate::market::decimal::millionths;
use crate::market::ipo::{FieldChange, IpoField, check_issue_day, is_issue_ticker};
use crate::market::text::clean;
use crate::market::{DataSource, Exchange};
use crate::request::RequestError;
use crate::store::entity::ipo::Model;
use crate::store::entity::{deleted_ipo, job};
use crate::store::{Event, Role, now};

/// Fields to be set; `None` clears one.
pub type IpoEdits = Vec<(IpoField, Option<String>)>;

fn field_name(field: IpoField) -> std::borrow::Cow<'static, str> {
    field.name().into()
}

fn invalid(field: IpoField, message: impl Into<String>) -> RequestError {
    RequestError::Invalid { field: field_name(field), message: message.into() }
}

/// Brings an edit into the form that values are kept in.
fn tidied(field: IpoField, value: Option<String>) -> Option<String> {
    let value = value.map(|v| clean(&v)).filter(|v| !v.is_empty());
    match field {
        IpoField::Ticker | IpoField::Currency => value.map(|v| v.to_uppercase()),
        _ => value,
    }
}

/// Checks what is edited of an issue, with what it has to fit to: what a source's record may not be, a person's may not
/// either. A stored flaw elsewhere keeps nobody from mending another field.
fn check(row: &Model, is_edited: impl Fn(IpoField) -> bool) -> Result<(), RequestError> {
    let any = |fields: &[IpoField]| fields.iter().any(|field| is_edited(*field));
    let name = row.name.chars().count();
    if is_edited(IpoField::Name) && !(1..=LONGEST_NAME).contains(&name) {
        return Err(invalid(IpoField::Name, format!("a name has 1 to {LONGEST_NAME} characters")));
    }
    if is_edited(IpoField::Ticker) && row.ticker.as_deref().is_some_and(|ticker| !is_issue_ticker(ticker)) {
        return Err(invalid(IpoField::Ticker, "a ticker is up to 32 letters, digits and & - . _ * $"));
    }
    if is_edited(IpoField::Currency) && iso_4217(&row.currency).is_none() {
        return Err(invalid(IpoField::Currency, "a currency is a code of ISO 4217, such as INR; prices are in it"));
    }
    for (field, value) in [
        (IpoField::IssuePrice, &row.issue_price),
        (IpoField::PriceBandLow, &row.price_band_low),
        (IpoField::PriceBandHigh, &row.price_band_high),
    ] {
        if is_edited(field) && value.as_deref().is_some_and(|v| millionths(v).is_none_or(|units| units == 0)) {
            return Err(invalid(field, "a price is above zero, with at most six decimal places"));
        }
    }
    let units = |value: &Option<String>| value.as_deref().and_then(millionths);
    let (low, high, price) = (units(&row.price_band_low), units(&row.price_band_high), units(&row.issue_price));
    let band = [IpoField::PriceBandLow, IpoField::PriceBandHigh];
    if any(&band) && low.zip(high).is_some_and(|(low, high)| low > high) {
        return Err(invalid(IpoField::PriceBandLow, "the band is upside down: its low end is above its high end"));
    }
    let outside = |price| low.is_some_and(|low| price < low) || high.is_some_and(|high| price > high);
    if (any(&band) || is_edited(IpoField::IssuePrice)) && price.is_some_and(outside) {
        return Err(invalid(IpoField::IssuePrice, "the issue price is outside the band"));
    }
    if is_edited(IpoField::LotSize) && row.lot_size.is_some_and(|n| n < 1) {
        return Err(invalid(IpoField::LotSize, "a lot has at least one share"));
    }
    if is_edited(IpoField::IssueSize) && row.issue_size.is_some_and(|n| n < 1) {
        return Err(invalid(IpoField::IssueSize, "an issue has at least one share"));
    }
    for (field, day) in [
        (IpoField::OpenDate, row.open_day),
        (IpoField::CloseDate, row.close_day),
        (IpoField::ListingDate, row.listing_day),
    ] {
        if let Some(day) = day.filter(|_| is_edited(field)) {
            check_issue_day(row.exchange, day).map_err(|why| invalid(field, format!("{} {why}", iso(day))))?;
        }
    }
    let before = |one: Option<_>, other: Option<_>| one.zip(other).is_some_and(|(one, other)| one < other);
    if any(&[IpoField::OpenDate, IpoField::CloseDate]) && before(row.close_day, row.open_day) {
        return Err(invalid(IpoField::CloseDate, "the close date is before the open date"));
    }
    if any(&[IpoField::OpenDate, IpoField::ListingDate]) && before(row.listing_day, row.open_day) {
        return Err(invalid(IpoField::ListingDate, "the listing date is before the open date"));
    }
    Ok(())
}

/// Whether two rows are the same issue.
fn is_same(a: &Model, b: &Model) -> bool {
    if a.exchange != b.exchange || a.first_day() != b.first_day() {
        return false;
    }
    match (&a.ticker, &b.ticker) {
        (Some(a), Some(b)) => a == b,
        _ => a.name_key == b.name_key,
    }
}

/// Adds an issue.
///
/// # Errors
/// When the caller may not, a value can't be what it is, or the issue is there already.
#[boxed]
pub async fn create(app: &App, caller: &Caller, exchange: Exchange, edits: IpoEdits) -> Result<Model, RequestError> {
    caller.must_be(Role::Admin)?;
    app.store.transact(|| create_once(app, exchange, edits.clone())).await
}

async fn create_once(app: &App, exchange: Exchange, edits: IpoEdits) -> Result<Model, RequestError> {
    let mut row = Model::new(exchange, DataSource::Manual, now());
    for (field, value) in edits {
        row.set(field, tidied(field, value));
    }
    check(&row, |_| true)?;
    let transaction = app.store.begin().await?;
    let ipos = app.store.ipos();
    ipos.lock(&transaction).await?;
    if ipos.alike(&transaction, &row).await?.iter().any(|other| is_same(other, &row)) {
        let field = if row.ticker.is_some() { IpoField::Ticker } else { IpoField::Name };
        let what = format!("the issue of {} with these dates", row.ticker.as_ref().unwrap_or(&row.name));
        return Err(RequestError::AlreadyExists { field: field_name(field), what });
    }
    let gone: Vec<i64> = ipos
        .deleted(&transaction)
        .await?
        .into_iter()
        .filter(|gone| {
            gone.exchange == exchange
                && gone.day == row.first_day()
                && (gone.name_key == row.name_key || row.ticker.is_some() && gone.ticker == row.ticker)
        })
        .map(|gone| gone.id)
        .collect();
    ipos.forget_deleted(&transaction, &gone).await?;
    row.id = ipos.insert(&transaction, vec![row.clone()]).await?.pop().unwrap_or_default();
    // With its stock and performance, which came with it.
    let row = ipos.get_in(&transaction, row.id).await?.unwrap_or(row);
    app.store.events().commit(transaction, &[Event::ipo_added(row.id)]).await?;
    Ok(row)
}

fn no_such_ipo() -> RequestError {
    RequestError::NotFound { field: "id".into(), what: "IPO with this id".to_owned() }
}

/// Sets fields of an issue.
///
/// # Errors
/// When the caller may not, there is no such issue, a value can't be what it is, or another issue has that ticker and date.
#[boxed]
pub async fn update(app: &App, caller: &Caller, id: i64, edits: IpoEdits) -> Result<Model, RequestError> {
    caller.must_be(Role::Admin)?;
    app.store.transact(|| update_once(app, id, edits.clone(), &caller.name)).await
}

async fn update_once(app: &App, id: i64, edits: IpoEdits, author: &str) -> Result<Model, RequestError> {
    let transaction = app.store.begin().await?;
    let ipos = app.store.ipos();
    ipos.lock(&transaction).await?;
    let mut row = ipos.get_in(&transaction, id).await?.ok_or_else(no_such_ipo)?;
    let mut changes: Vec<FieldChange> = Vec::new();
    for (field, value) in edits {
        let value = tidied(field, value);
        if value.is_none() && matches!(field, IpoField::Name | IpoField::Board | IpoField::Currency) {
            return Err(invalid(field, "this can't be cleared"));
        }
        changes.extend(row.change(field, value));
    }
    check(&row, |field| changes.iter().any(|change| change.field == field.name()))?;
    let others = ipos.alike(&transaction, &row).await?;
    if others.iter().any(|other| other.id != id && is_same(other, &row)) {
        let what = "another issue of this ticker with these dates".to_owned();
        return Err(RequestError::AlreadyExists { field: field_name(IpoField::Ticker), what });
    }
    if changes.is_empty() {
        return Ok(row);
    }
    row.updated_at = now();
    ipos.update(&transaction, std::slice::from_ref(&row)).await?;
    ipos.revise(&transaction, DataSource::Manual, Some(author), &[(id, changes)]).await?;
    let row = ipos.get_in(&transaction, id).await?.unwrap_or(row);
    app.store.events().commit(transaction, &[Event::ipo_changed(id)]).await?;
    Ok(row)
}

/// Deletes an issue with its revisions. A fetch doesn't bring it back; [`restore`] does.
///
/// # Errors
/// When the caller may not, or there is no such issue.
#[boxed]
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Admin)?;
    app.store.transact(|| delete_once(app, id, &caller.name)).await
}

async fn delete_once(app: &App, id: i64, author: &str) -> Result<(), RequestError> {
    let transaction = app.store.begin().await?;
    let ipos = app.store.ipos();
    ipos.lock(&transaction).await?;
    let row = ipos.get_in(&transaction, id).await?.ok_or_else(no_such_ipo)?;
    ipos.delete(&transaction, &row, author).await?;
    app.store.events().commit(transaction, &[Event::ipo_deleted(id)]).await?;
    Ok(())
}

/// Brings a deleted issue back with its history.
///
/// # Errors
/// When the caller may not, no such issue was deleted, or one of its ticker and dates has been added since.
#[boxed]
pub async fn restore(app: &App, caller: &Caller, id: i64) -> Result<Model, RequestError> {
    caller.must_be(Role::Admin)?;
    app.store.transact(|| restore_once(app, id)).await
}

async fn restore_once(app: &App, id: i64) -> Result<Model, RequestError> {
    let missing = || RequestError::NotFound { field: "id".into(), what: "deleted IPO with this id".to_owned() };
    let transaction = app.store.begin().await?;
    let ipos = app.store.ipos();
    ipos.lock(&transaction).await?;
    let tombstone = ipos.find_deleted(&transaction, id).await?.ok_or_else(missing)?;
    let whole = tombstone.whole().ok_or_else(missing)?;
    if ipos.alike(&transaction, &whole.ipo).await?.iter().any(|other| is_same(other, &whole.ipo)) {
        let what = format!("an issue like {} with these dates, added since it was deleted", whole.ipo.name);
        return Err(RequestError::AlreadyExists { field: "id".into(), what });
    }
    ipos.restore(&transaction, tombstone.id, whole).await?;
    let row = ipos.get_in(&transaction, id).await?.ok_or_else(missing)?;
    app.store.events().commit(transaction, &[Event::ipo_added(id)]).await?;
    Ok(row)
}

/// The issues that were deleted last and can come back, the newest first.
///
/// # Errors
/// When the caller may not, or the database fails.
#[boxed]
pub async fn deleted(app: &App, caller: &Caller) -> Result<Vec<deleted_ipo::Model>, RequestError> {
    caller.must_be(Role::Admin)?;
    Ok(app.store.ipos().restorable().await?)
}

/// Queues a fetch of one source's issues; one that is under way answers with that one.
///
/// # Errors
/// When the caller may not, the source has no issues, or isn't set up.
#[boxed]
pub async fn refresh(
    app: &App,
    caller: &Caller,
    source: DataSource,
    idempotency_key: Option<String>,
) -> Result<job::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    idempotency::check(idempotency_key.as_deref())?;
    if app.providers.ipos(source).is_none() {
        return Err(RequestError::invalid("source", "IPOs are fetched from NSE or ALPHA_VANTAGE"));
    }
    if source == DataSource::AlphaVantage {
        app.providers.check_prices().map_err(RequestError::NotConfigured)?;
    }
    // One key for two sources means two jobs.
    let key = idempotency_key.map(|key| idempotency::digest("refreshIpos", caller, &key, source.name()));
    record_one(app, RefreshIpos { source }.record(key)?).await
}
