//! The first day of an issue's share, as the exchange's daily file has it: the close before it is the issue price.

use async_recursion::async_recursion as boxed;

use super::IngestError;
use crate::market::day::iso;
use crate::market::decimal::millionths;
use crate::market::ipo::{FieldChange, IpoField};
use crate::market::{DataSource, Day};
use crate::store::entity::flag;
use crate::store::{Event, FirstDay, NewFlag, Store, Transaction, now};

/// Prices are stated in paise.
const HALF_A_PAISA: f64 = 0.005;
const SCOPE: &str = "listings:NSE";

/// Holds the issues that were listed between two days against the closes before their first days: a price that differs
/// is flagged, a missing one filled in and marked as derived, an issue without a listing day gets the day on which its share
/// first traded at its price, and one with another day is flagged.
#[boxed]
pub(super) async fn check_listings(
    store: &Store,
    transaction: &Transaction,
    from: Day,
    to: Day,
) -> Result<Vec<Event>, IngestError> {
    let found = store.ipos().first_days(transaction, from, to).await?;
    let mut flags = Vec::new();
    let mut rows = Vec::new();
    let mut revisions: Vec<(i64, Vec<FieldChange>)> = Vec::new();
    for FirstDay { mut ipo, day, previous_close } in found {
        let mut changes = Vec::new();
        let price = ipo.issue_price.as_ref().and_then(|p| p.parse::<f64>().ok());
        let band = |text: &Option<String>| text.as_ref().and_then(|p| p.parse::<f64>().ok());
        let within = band(&ipo.price_band_low).is_none_or(|low| previous_close >= low - HALF_A_PAISA)
            && band(&ipo.price_band_high).is_none_or(|high| previous_close <= high + HALF_A_PAISA);
        let agrees = price.map(|price| (price - previous_close).abs() <= HALF_A_PAISA);
        if ipo.listing_day.is_none() {
            // Without a day only the price tells that it's this issue.
            let known = price.is_some() || ipo.price_band_high.is_some();
            if agrees == Some(false) || !within || !known {
                continue;
            }
            changes.extend(ipo.change(IpoField::ListingDate, Some(iso(day))));
        }
        if let Some(listing) = ipo.listing_day.filter(|listing| *listing != day) {
            // Without its price it may be another share.
            if agrees == Some(true) {
                let (ticker, first) = (ipo.ticker.as_deref().unwrap_or_default(), iso(day));
                flags.push(NewFlag {
                    record: format!("{ticker} {first}"),
                    day: Some(day),
                    field: Some("listingDate".to_owned()),
                    reason: format!(
                        "the share first traded on {first}, at the issue price, and not on {}",
                        iso(listing)
                    ),
                    raw: format!("{} (previous close {previous_close})", ipo.name),
                });
            }
            continue;
        }
        match agrees {
            Some(true) => {}
            Some(false) => {
                let ticker = ipo.ticker.clone().unwrap_or_default();
                flags.push(NewFlag {
                    record: format!("{ticker} {}", iso(day)),
                    day: Some(day),
                    field: Some("issuePrice".to_owned()),
                    reason: format!(
                        "the issue price {} isn't the close before the listing day, {previous_close}",
                        ipo.issue_price.as_deref().unwrap_or("-")
                    ),
                    raw: format!("{} (previous close {previous_close})", ipo.name),
                });
            }
            None => {
                let text = previous_close.to_string();
                if millionths(&text).is_some() {
                    changes.extend(ipo.change(IpoField::IssuePrice, Some(text)));
                    ipo.issue_price_derived = true;
                }
            }
        }
        if !changes.is_empty() {
            ipo.updated_at = now();
            revisions.push((ipo.id, changes));
            rows.push(ipo);
        }
    }
    if !rows.is_empty() {
        store.ipos().lock(transaction).await?;
        store.ipos().update(transaction, &rows).await?;
        store.ipos().revise(transaction, DataSource::Nse, None, &revisions).await?;
    }
    let covers = |flag: &flag::Model| flag.day.is_some_and(|day| (from..=to).contains(&day));
    store.flags().replace(transaction, DataSource::Nse, SCOPE, &flags, covers).await?;
    Ok(revisions.iter().map(|(id, _)| Event::ipo_changed(*id)).collect())
}
