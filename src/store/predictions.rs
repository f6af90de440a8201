//! Stored predictions.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::entity::prediction;
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Predictions;
use super::research::ResearchFilter;
use super::{Result, now};
use crate::market::Day;

/// A prediction to keep.
#[derive(Debug, Clone)]
pub struct NewPrediction {
    pub symbol_id: i64,
    /// As JSON.
    pub model: String,
    pub as_of: Day,
    pub horizon: i32,
    pub data_version: i32,
    pub close: f64,
    /// As JSON, and so is the next.
    pub points: String,
    pub evaluation: String,
}

impl Predictions<'_> {
    /// Keeps one.
    pub async fn insert(&self, new: NewPrediction) -> Result<prediction::Model> {
        let row = prediction::ActiveModel {
            symbol_id: Set(new.symbol_id),
            model: Set(new.model),
            as_of: Set(new.as_of),
            horizon: Set(new.horizon),
            data_version: Set(new.data_version),
            close: Set(new.close),
            points: Set(new.points),
            evaluation: Set(new.evaluation),
            created_at: Set(now()),
            ..Default::default()
        };
        Ok(row.insert(&self.0.write).await?)
    }

    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<prediction::Model>> {
        let query = prediction::Entity::find().filter(prediction::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }

    /// Deletes one; false if it wasn't there.
    pub async fn delete(&self, id: i64) -> Result<bool> {
        Ok(prediction::Entity::delete_by_id(id).exec(&self.0.write).await?.rows_affected > 0)
    }

    /// The newest of each of these symbols.
    pub async fn latest_of(&self, symbols: &[i64]) -> Result<Vec<prediction::Model>> {
        let newest = prediction::Entity::find()
            .select_only()
            .column_as(prediction::Column::Id.max(), "id")
            .filter(prediction::Column::SymbolId.is_in(symbols.iter().copied()))
            .group_by(prediction::Column::SymbolId);
        let ids: Vec<i64> = newest.into_tuple().all(&self.0.read).await?;
        self.get_many(&ids).await
    }

    pub async fn page(&self, filter: &ResearchFilter, page: &PageRequest) -> Result<Page<prediction::Model>> {
        let query = page.apply(
            prediction::Entity::find()
                .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt)),
            &newest_first(),
        );
        Ok(page.page(query.all(&self.0.read).await?))
    }

    pub async fn count(&self, filter: &ResearchFilter) -> Result<u64> {
        Ok(prediction::Entity::find()
            .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt))
            .count(&self.0.read)
            .await?)
    }
}
