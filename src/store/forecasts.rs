//! Models that were trained here, and stored predictions.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{model, prediction};
use super::page::{Key, Keys, Page, PageRequest};
use super::research::{ResearchFilter, research_sorts};
use super::{Result, Store, now};

/// The trained models' repository.
pub struct Models<'a>(pub(super) &'a Store);

/// The predictions' repository.
pub struct Predictions<'a>(pub(super) &'a Store);

impl Models<'_> {
    /// Keeps a model; the same one again stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, key: &str, content: &str, may_be_default: bool) -> Result<()> {
        let row = model::ActiveModel {
            key: Set(key.to_owned()),
            content: Set(content.to_owned()),
            may_be_default: Set(may_be_default),
            created_at: Set(now()),
            ..Default::default()
        };
        let same = OnConflict::column(model::Column::Key).do_nothing().to_owned();
        model::Entity::insert(row).on_conflict(same).exec_without_returning(&self.0.write).await?;
        Ok(())
    }

    /// The ids of all of them, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ids(&self) -> Result<Vec<i64>> {
        let query = model::Entity::find().select_only().column(model::Column::Id).order_by_asc(model::Column::Id);
        Ok(query.into_tuple().all(&self.0.read).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<model::Model>> {
        let query = model::Entity::find().filter(model::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }
}

impl prediction::Model {
    /// The row's values for a cursor.
    #[must_use]
    pub fn keys(&self) -> Keys {
        vec![Key::Int(self.id)]
    }
}

impl Predictions<'_> {
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, row: prediction::ActiveModel) -> Result<prediction::Model> {
        Ok(row.insert(&self.0.write).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<prediction::Model>> {
        let query = prediction::Entity::find().filter(prediction::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }

    /// The newest of each of these symbols.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_of(&self, symbols: &[i64]) -> Result<Vec<prediction::Model>> {
        let newest = prediction::Entity::find()
            .select_only()
            .column_as(prediction::Column::Id.max(), "id")
            .filter(prediction::Column::SymbolId.is_in(symbols.iter().copied()))
            .group_by(prediction::Column::SymbolId);
        let ids: Vec<i64> = newest.into_tuple().all(&self.0.read).await?;
        self.get_many(&ids).await
    }

    /// # Errors
    /// When the database fails.
    pub async fn page(&self, filter: &ResearchFilter, page: &PageRequest) -> Result<Page<prediction::Model>> {
        let query = page.apply(
            prediction::Entity::find()
                .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt)),
            &research_sorts(),
        );
        Ok(page.page(query.all(&self.0.read).await?))
    }

    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &ResearchFilter) -> Result<u64> {
        Ok(prediction::Entity::find()
            .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt))
            .count(&self.0.read)
            .await?)
    }
}
