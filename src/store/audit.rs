//! The audit trail: which token did what, when, to which object. Rows are written and forgotten, never changed.

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use super::entity::audit_event::{ActiveModel, Column, Entity, Model};
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Audit;
use super::{Millis, Result, now};
use crate::telemetry::traces;

/// Something done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub token: String,
    pub address: Option<String>,
    pub action: String,
    pub object: Option<String>,
    pub arguments: String,
    pub outcome: String,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub token: Option<String>,
    pub action: Option<Vec<String>>,
    pub object: Option<String>,
    pub from: Option<Millis>,
    pub to: Option<Millis>,
}

impl AuditFilter {
    fn condition(&self) -> Condition {
        Condition::all()
            .add_option(self.token.as_ref().map(|token| Column::Token.eq(token)))
            .add_option(self.action.as_ref().map(|actions| Column::Action.is_in(actions.iter().map(String::as_str))))
            .add_option(self.object.as_ref().map(|object| Column::Object.eq(object)))
            .add_option(self.from.map(|at| Column::At.gte(at)))
            .add_option(self.to.map(|at| Column::At.lte(at)))
    }
}

impl Audit<'_> {
    /// Records what was done.
    #[boxed]
    pub async fn record(&self, deeds: Vec<Deed>) -> Result<()> {
        if deeds.is_empty() {
            return Ok(());
        }
        let (at, trace) = (now(), traces::traceparent());
        let rows = deeds.into_iter().map(|deed| ActiveModel {
            id: NotSet,
            at: Set(at),
            token: Set(deed.token),
            address: Set(deed.address),
            action: Set(deed.action),
            object: Set(deed.object),
            arguments: Set(deed.arguments),
            outcome: Set(deed.outcome),
            trace: Set(trace.clone()),
        });
        let rows: Vec<ActiveModel> = rows.collect();
        let record = || async {
            Entity::insert_many(rows.clone()).exec_without_returning(&self.0.write).await?;
            Ok::<_, super::StoreError>(())
        };
        self.0.transact(record).await
    }

    #[boxed]
    pub async fn page(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &newest_first());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: &AuditFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }
}
