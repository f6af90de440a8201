//! Issues that were deleted: kept out of what is fetched, and kept whole so that they can come back.

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};

use super::entity::deleted_ipo::{ActiveModel, Column, Entity, Model};
use super::entity::{ipo, ipo_revision};
use super::repositories::Ipos;
use super::{Result, now};

/// Deleted issues that are listed.
const LISTED: u64 = 500;
/// Rows that one statement inserts.
const CHUNK: usize = 500;

/// An issue with its history, as it was when it was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedIpo {
    pub ipo: ipo::Model,
    revisions: Vec<ipo_revision::Model>,
}

impl Model {
    /// What was deleted; none if it was before that was kept, or the text isn't what was written.
    #[must_use]
    pub fn whole(&self) -> Option<DeletedIpo> {
        serde_json::from_str(self.content.as_ref()?).ok()
    }
}

/// A history may be long, and few want it.
fn without_content(query: Select<Entity>) -> Select<Entity> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::Content));
    query.select_only().columns(columns).expr_as(Expr::cust("CAST(NULL AS text)"), Column::Content)
}

impl Ipos<'_> {
    /// What was deleted, without what brings it back.
    #[boxed]
    pub async fn deleted(&self, transaction: &DatabaseTransaction) -> Result<Vec<Model>> {
        Ok(without_content(Entity::find()).all(transaction).await?)
    }

    /// What was deleted last and can come back, the newest first.
    #[boxed]
    pub async fn restorable(&self) -> Result<Vec<Model>> {
        let these = Entity::find().filter(Column::Content.is_not_null()).order_by_desc(Column::Id).limit(LISTED);
        Ok(without_content(these).all(&self.0.read).await?)
    }

    /// The deleted issue that had this id, as a transaction sees it.
    #[boxed]
    pub async fn find_deleted(&self, transaction: &DatabaseTransaction, ipo_id: i64) -> Result<Option<Model>> {
        let these = Entity::find().filter(Column::IpoId.eq(ipo_id)).order_by_desc(Column::Id);
        Ok(these.one(transaction).await?)
    }

    /// Deletes an issue, and remembers it whole.
    #[boxed]
    pub async fn delete(&self, transaction: &DatabaseTransaction, row: &ipo::Model, author: &str) -> Result<()> {
        let revisions =
            ipo_revision::Entity::find().filter(ipo_revision::Column::IpoId.eq(row.id)).all(transaction).await?;
        let whole = DeletedIpo { ipo: row.clone(), revisions };
        let tombstone = ActiveModel {
            id: NotSet,
            exchange: Set(row.exchange),
            name_key: Set(row.name_key.clone()),
            ticker: Set(row.ticker.clone()),
            day: Set(row.open_day.or(row.listing_day)),
            ipo_id: Set(Some(row.id)),
            name: Set(Some(row.name.clone())),
            at: Set(Some(now())),
            author: Set(Some(author.to_owned())),
            content: Set(serde_json::to_string(&whole).ok()),
        };
        tombstone.insert(transaction).await?;
        ipo::Entity::delete_by_id(row.id).exec(transaction).await?;
        Ok(())
    }

    /// Brings a deleted issue back under its id, with its history. Its stock and performance are worked out anew.
    ///
    /// # Errors
    /// When the database fails, or an issue like it is there.
    #[boxed]
    pub async fn restore(&self, transaction: &DatabaseTransaction, tombstone: i64, whole: DeletedIpo) -> Result<()> {
        let id = whole.ipo.id;
        // The stock may be gone by now.
        let row = ipo::Model { symbol_id: None, ..whole.ipo };
        ipo::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
        for revisions in whole.revisions.chunks(CHUNK) {
            let rows = revisions.iter().cloned().map(|row| row.into_active_model().reset_all());
            ipo_revision::Entity::insert_many(rows).exec_without_returning(transaction).await?;
        }
        self.forget_deleted(transaction, &[tombstone]).await?;
        self.measure(transaction, &[id]).await
    }

    /// Forgets that an issue was deleted: somebody has added it again.
    #[boxed]
    pub async fn forget_deleted(&self, transaction: &DatabaseTransaction, ids: &[i64]) -> Result<()> {
        let these = Column::Id.is_in(ids.iter().copied());
        Entity::delete_many().filter(these).exec(transaction).await?;
        Ok(())
    }
}
