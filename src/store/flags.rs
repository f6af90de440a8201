//! Flagged records: counted when seen again, resolved when gone.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sha2::{Digest, Sha256};

use super::entity::flag::{ActiveModel, Column, Entity, Model};
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Flags;
use super::{Millis, Result, now, search};
use crate::market::text::clean;
use crate::market::{DataSource, Day};

/// A record to flag: it is kept out, or doubted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlag {
    /// Names the record to a person, for example "IBM 2026-11-20".
    pub record: String,
    /// The day it's about, where it has one that can be read.
    pub day: Option<Day>,
    /// The field that is wrong, if it's one.
    pub field: Option<String>,
    pub reason: String,
    /// The record as it came.
    pub raw: String,
}

/// Which flags to list.
#[derive(Debug, Clone, Default)]
pub struct FlagFilter {
    pub source: Option<Vec<DataSource>>,
    pub resolved: Option<bool>,
    /// Part of the record's name, the field or the reason, in any case.
    pub search: Option<String>,
}

impl FlagFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let mut condition = Condition::all();
        if let Some(sources) = &self.source {
            condition = condition.add(Column::Source.is_in(sources.iter().copied()));
        }
        match self.resolved {
            Some(true) => condition = condition.add(Column::ResolvedAt.is_not_null()),
            Some(false) => condition = condition.add(Column::ResolvedAt.is_null()),
            None => {}
        }
        if let Some(text) = &self.search {
            condition = condition.add(search::holds(backend, text, [Column::Record, Column::Field, Column::Reason]));
        }
        condition
    }
}

/// Rows a statement.
const CHUNK: usize = 500;

impl Flags<'_> {
    /// Records a batch's flags, and resolves those of the same scope that it has shown to be made good: `covers` tells
    /// of an open flag whether its own record stands in the batch without a fault.
    pub async fn replace(
        &self,
        transaction: &DatabaseTransaction,
        source: DataSource,
        scope: &str,
        found: &[NewFlag],
        covers: impl Fn(&Model) -> bool,
    ) -> Result<()> {
        let now = now();
        let rows = rows_of(source, scope, found, now, None);
        let open = Entity::find()
            .filter(Column::Scope.eq(scope))
            .filter(Column::ResolvedAt.is_null())
            .all(transaction)
            .await?;
        let gone: Vec<i64> =
            open.iter().filter(|i| !rows.contains_key(&i.fingerprint) && covers(i)).map(|i| i.id).collect();
        for gone in gone.chunks(CHUNK) {
            Entity::update_many()
                .col_expr(Column::ResolvedAt, Expr::val(now))
                .filter(Column::Id.is_in(gone.iter().copied()))
                .exec(transaction)
                .await?;
        }
        write(transaction, rows).await
    }

    /// Lists records that were left out though nothing is wrong with them: they stand resolved from the start.
    #[boxed]
    pub async fn list(
        &self,
        transaction: &DatabaseTransaction,
        source: DataSource,
        scope: &str,
        left_out: &[NewFlag],
    ) -> Result<()> {
        let now = now();
        write(transaction, rows_of(source, scope, left_out, now, Some(now))).await
    }

    /// The records of a scope that were listed for a reason, as they came; the newest first.
    #[boxed]
    pub async fn records(&self, scope: &str, reason: &str, most: u64) -> Result<Vec<String>> {
        let listed = Entity::find().filter(Column::Scope.eq(scope)).filter(Column::Reason.eq(reason));
        let rows = listed.order_by_desc(Column::Id).limit(most).all(&self.0.read).await?;
        Ok(rows.into_iter().map(|row| row.raw).collect())
    }

    /// Forgets a scope's flags: what they were about is gone.
    #[boxed]
    pub async fn forget(&self, transaction: &DatabaseTransaction, scope: &str) -> Result<()> {
        Entity::delete_many().filter(Column::Scope.eq(scope)).exec(transaction).await?;
        Ok(())
    }

    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(&self.0.read).await?)
    }

    /// Marks a flag as dealt with; `None` if there is no such flag.
    #[boxed]
    pub async fn resolve(&self, id: i64) -> Result<Option<Model>> {
        Entity::update_many()
            .col_expr(Column::ResolvedAt, Expr::val(now()))
            .filter(Column::Id.eq(id))
            .filter(Column::ResolvedAt.is_null())
            .exec(&self.0.write)
            .await?;
        Ok(Entity::find_by_id(id).one(&self.0.write).await?)
    }

    #[boxed]
    pub async fn page(&self, filter: &FlagFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition(self.0.backend())), &newest_first());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: &FlagFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition(self.0.backend())).count(&self.0.read).await?)
    }
}

/// Rows by fingerprint: the same fault twice in one batch is one, as PostgreSQL refuses two equal keys in a statement.
fn rows_of(
    source: DataSource,
    scope: &str,
    found: &[NewFlag],
    now: Millis,
    resolved_at: Option<Millis>,
) -> HashMap<String, ActiveModel> {
    let mut rows: HashMap<String, ActiveModel> = HashMap::with_capacity(found.len());
    for flag in found {
        let fingerprint = fingerprint(source, scope, flag);
        rows.entry(fingerprint.clone()).or_insert_with(|| ActiveModel {
            source: Set(source),
            scope: Set(scope.to_owned()),
            record: Set(clean(&flag.record)),
            day: Set(flag.day),
            field: Set(flag.field.clone()),
            reason: Set(clean(&flag.reason)),
            // As it came, but for what no text may hold.
            raw: Set(flag.raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()),
            fingerprint: Set(fingerprint),
            first_seen_at: Set(now),
            last_seen_at: Set(now),
            occurrences: Set(1),
            resolved_at: Set(resolved_at),
            ..Default::default()
        });
    }
    rows
}

/// Adds flags, and counts those up that are known.
async fn write(transaction: &DatabaseTransaction, rows: HashMap<String, ActiveModel>) -> Result<()> {
    let mut rows: Vec<ActiveModel> = rows.into_values().collect();
    rows.sort_by(|a, b| a.record.as_ref().cmp(b.record.as_ref()));
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(CHUNK));
        let conflict = std::mem::take(
            OnConflict::column(Column::Fingerprint)
                .update_columns([Column::LastSeenAt, Column::ResolvedAt, Column::Raw])
                .value(Column::Occurrences, Expr::col((Entity, Column::Occurrences)).add(1)),
        );
        Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
        rows = rest;
    }
    Ok(())
}

/// What makes two sightings the same flag.
fn fingerprint(source: DataSource, scope: &str, flag: &NewFlag) -> String {
    let mut hasher = Sha256::new();
    let code = source.code().to_string();
    for part in [&code, scope, &flag.record, flag.field.as_deref().unwrap_or(""), &flag.reason] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(&hasher.finalize()[..16])
}
