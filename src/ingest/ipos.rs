//! One batch of issues, from the source's answer into the store.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;

use super::ipo_kinds::{mark_known_funds, summary};
use super::ipo_records::{IpoRecord, ParsedIpos, parse_ipos};
use super::listings::check_listings;
use super::made_good::{MadeGood, SAME_ISSUE_DAYS};
use super::{IngestError, Ingested};
use crate::market::dates::EARLIEST;
use crate::market::ipo::{FieldChange, IpoField, name_key};
use crate::market::{DataSource, Day, Exchange};
use crate::providers::IpoBatch;
use crate::store::entity::deleted_ipo;
use crate::store::entity::ipo::Model;
use crate::store::{Event, RecordCounts, Store, now, today_at};

/// Validates a batch, compares it with what is stored and writes the difference in one transaction, flagged records
/// and revisions with it.
///
/// A field changes only where the source's value of it has changed: what a person has edited stays until then.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn ipos(store: &Store, mut batch: IpoBatch) -> Result<Ingested, IngestError> {
    mark_known_funds(store, &ipo_scope(batch.source), &mut batch).await?;
    let (source, exchanges) = (batch.source, batch.exchanges.clone());
    let today = exchanges.first().map_or_else(|| today_at(Exchange::Other), |exchange| today_at(*exchange));
    let parsed = tokio::task::spawn_blocking(move || parse_ipos(&batch, today)).await?;
    let transaction = store.begin().await?;
    store.ipos().lock(&transaction).await?;
    let stored = store.ipos().at(&transaction, &exchanges).await?;
    let deleted = store.ipos().deleted(&transaction).await?;
    let (compared, parsed) =
        tokio::task::spawn_blocking(move || (compare(stored, &deleted, &parsed, source), parsed)).await?;

    let news = compared.new.iter().chain(compared.changed.iter().map(|changed| &changed.row));
    let good = MadeGood::of(&parsed, news);
    let Compared { new, changed, unchanged } = compared;
    let added = new.len();
    let new_ids = store.ipos().insert(&transaction, new).await?;
    let rows: Vec<Model> = changed.iter().map(|c| c.row.clone()).collect();
    store.ipos().update(&transaction, &rows).await?;
    let revisions: Vec<(i64, Vec<FieldChange>)> =
        changed.into_iter().filter(|c| !c.changes.is_empty()).map(|c| (c.row.id, c.changes)).collect();
    store.ipos().revise(&transaction, source, None, &revisions).await?;
    let scope = ipo_scope(source);
    store.flags().replace(&transaction, source, &scope, &parsed.flags, |flag| good.resolves(flag)).await?;
    store.flags().list(&transaction, source, &scope, &parsed.left_out).await?;
    let mut events: Vec<Event> = new_ids.into_iter().map(Event::ipo_added).collect();
    events.extend(revisions.iter().map(|(id, _)| Event::ipo_changed(*id)));
    // Days that were stored before the issue was known hold its price and first day.
    events.extend(check_listings(store, &transaction, Day::MIN, Day::MAX).await?);
    store.events().commit(transaction, &events).await?;

    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let outcome = RecordCounts {
        added: count(added),
        changed: count(revisions.len()),
        unchanged: count(unchanged),
        flagged: count(parsed.flags.len()),
    };
    Ok(Ingested { outcome, past_changed: false, notes: summary(&parsed.left_out).into_iter().collect() })
}

/// The batch that a source's flagged issues belong to.
#[must_use]
pub fn ipo_scope(source: DataSource) -> String {
    format!("ipos:{source:?}")
}

struct Changed {
    row: Model,
    /// Empty where only the source's value was noted.
    changes: Vec<FieldChange>,
}

#[derive(Default)]
struct Compared {
    new: Vec<Model>,
    changed: Vec<Changed>,
    unchanged: usize,
}

/// What finds the stored issue of a record: its symbol and first day, else its name.
struct Index {
    rows: Vec<Model>,
    taken: Vec<bool>,
    by_ticker: HashMap<(Exchange, String), Vec<usize>>,
    by_name: HashMap<(Exchange, String), Vec<usize>>,
}

impl Index {
    fn new(rows: Vec<Model>) -> Self {
        let mut index =
            Self { taken: vec![false; rows.len()], rows, by_ticker: HashMap::new(), by_name: HashMap::new() };
        for (at, row) in index.rows.iter().enumerate() {
            if let Some(ticker) = &row.ticker {
                index.by_ticker.entry((row.exchange, ticker.clone())).or_default().push(at);
            }
            index.by_name.entry((row.exchange, row.name_key.clone())).or_default().push(at);
        }
        index
    }

    /// The same symbol and day; else the same symbol while the stored issue is not listed and the days are near; else
    /// the same name near in time, where no symbol contradicts: a ticker may be assigned late.
    fn find(&self, record: &IpoRecord) -> Option<usize> {
        let free = |at: &&usize| !self.taken[**at];
        let same_day = |at: &&usize| self.rows[**at].first_day() == record.day;
        // A day of before any trading was misread once, when two digits of a year were taken for all of it.
        let misread = |day: &Day| *day < EARLIEST;
        let near = |at: &&usize| match (self.rows[**at].first_day(), record.day) {
            (Some(a), Some(b)) => misread(&a) || (a - b).abs() <= SAME_ISSUE_DAYS,
            _ => true,
        };
        let listed_before = |at: &&usize| {
            let listing = self.rows[**at].listing_day.filter(|day| !misread(day));
            listing.zip(record.day).is_some_and(|(listing, day)| listing < day)
        };
        let of_ticker = self.by_ticker.get(&(record.exchange, record.ticker.clone()));
        let of_ticker = || of_ticker.into_iter().flatten().filter(free);
        let name = record.values.get(&IpoField::Name).map(|name| name_key(name)).unwrap_or_default();
        let of_name = self.by_name.get(&(record.exchange, name));
        let of_name = || of_name.into_iter().flatten().filter(free);
        let found = of_ticker()
            .find(same_day)
            .or_else(|| of_ticker().find(|at| near(at) && !listed_before(at)))
            .or_else(|| of_name().find(|at| self.rows[**at].ticker.is_none() && near(at)));
        found.copied()
    }
}

fn compare(stored: Vec<Model>, deleted: &[deleted_ipo::Model], parsed: &ParsedIpos, source: DataSource) -> Compared {
    let mut index = Index::new(stored);
    let mut compared = Compared::default();
    let at = now();
    // Exact matches first, so that a looser one doesn't take another record's issue.
    let mut records: Vec<(&IpoRecord, Option<usize>)> = Vec::with_capacity(parsed.records.len());
    for record in &parsed.records {
        let exact = index.find(record).filter(|&i| {
            let row = &index.rows[i];
            row.ticker.as_ref() == Some(&record.ticker) && row.first_day() == record.day
        });
        if let Some(i) = exact {
            index.taken[i] = true;
        }
        records.push((record, exact));
    }
    for (record, exact) in records {
        if exact.is_none() && deleted.iter().any(|gone| is_deleted(gone, record)) {
            compared.unchanged += 1;
            continue;
        }
        let Some(i) = exact.or_else(|| index.find(record)) else {
            let mut row = Model::new(record.exchange, source, at);
            for (field, value) in &record.values {
                row.set(*field, Some(value.clone()));
            }
            row.seen = serde_json::to_string(&record.values).unwrap_or_default();
            compared.new.push(row);
            continue;
        };
        index.taken[i] = true;
        match update(index.rows[i].clone(), record, at) {
            Some(changed) => {
                compared.unchanged += usize::from(changed.changes.is_empty());
                compared.changed.push(changed);
            }
            None => compared.unchanged += 1,
        }
    }
    compared
}

fn is_deleted(gone: &deleted_ipo::Model, record: &IpoRecord) -> bool {
    let name = record.values.get(&IpoField::Name).map(|name| name_key(name)).unwrap_or_default();
    let same = gone.ticker.as_ref().map_or(gone.name_key == name, |ticker| *ticker == record.ticker);
    gone.exchange == record.exchange && same && gone.day == record.day
}

/// Applies what the source says anew. `None` if it says nothing new.
fn update(mut row: Model, record: &IpoRecord, at: i64) -> Option<Changed> {
    let mut seen = row.seen_values();
    let typed_in = row.source == DataSource::Manual;
    let mut changes = Vec::new();
    let mut news = false;
    for (field, value) in &record.values {
        if seen.get(field) == Some(value) {
            continue;
        }
        news = true;
        let first_word = seen.insert(*field, value.clone()).is_none();
        // What a person typed in goes before what a source says for the first time.
        if first_word && typed_in && row.value(*field).is_some() {
            continue;
        }
        changes.extend(row.change(*field, Some(value.clone())));
    }
    // An issue that was withdrawn or postponed and is no longer called so is on again.
    if record.values.contains_key(&IpoField::Name)
        && !record.values.contains_key(&IpoField::Standing)
        && seen.remove(&IpoField::Standing).is_some()
    {
        news = true;
        changes.extend(row.change(IpoField::Standing, None));
    }
    if !news {
        return None;
    }
    row.seen = serde_json::to_string(&seen).unwrap_or_default();
    if !changes.is_empty() {
        row.updated_at = at;
    }
    Some(Changed { row, changes })
}
