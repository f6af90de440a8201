//! Models that were trained here, and stored predictions.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Statement,
};

use super::entity::{model, prediction};
use super::page::{Key, Keys, Page, PageRequest};
use super::research::{ResearchFilter, research_sorts};
use super::{Result, Store, now};
use crate::market::Day;

/// The trained models' repository.
pub struct Models<'a>(pub(super) &'a Store);

impl Store {
    #[must_use]
    pub fn models(&self) -> Models<'_> {
        Models(self)
    }
}

/// What there is of trained models, without their content.
#[derive(Debug, Default)]
pub struct Heads {
    /// Ids, and the names that people gave.
    pub models: Vec<(i64, Option<String>)>,
    /// The key of the default.
    pub chosen: Option<String>,
}

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

/// The predictions' repository.
pub struct Predictions<'a>(pub(super) &'a Store);

impl Store {
    #[must_use]
    pub fn predictions(&self) -> Predictions<'_> {
        Predictions(self)
    }
}

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

    /// The ids and given names of all of them, ascending, and the key of the model that was chosen as the default.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heads(&self) -> Result<Heads> {
        let sql = "SELECT CAST(NULL AS BIGINT) AS id, model_key AS name FROM default_model WHERE id = 1 \
                   UNION ALL SELECT id, name FROM models ORDER BY id";
        let statement = Statement::from_string(self.0.backend(), sql);
        let mut heads = Heads::default();
        for row in self.0.read.query_all_raw(statement).await? {
            let name: Option<String> = row.try_get_by_index(1)?;
            match row.try_get_by_index::<Option<i64>>(0)? {
                Some(id) => heads.models.push((id, name)),
                None => heads.chosen = name,
            }
        }
        Ok(heads)
    }

    /// Chooses the default.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn choose(&self, key: &str) -> Result<()> {
        let sql = "INSERT INTO default_model (id, model_key, chosen_at) VALUES (1, $1, $2) \
                   ON CONFLICT (id) DO UPDATE SET model_key = excluded.model_key, chosen_at = excluded.chosen_at";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [key.into(), now().into()]);
        self.0.write.execute_raw(statement).await?;
        Ok(())
    }

    /// Gives a model another name; false if there is no such model.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rename(&self, key: &str, name: &str) -> Result<bool> {
        let update = model::Entity::update_many()
            .col_expr(model::Column::Name, Expr::val(name))
            .filter(model::Column::Key.eq(key));
        Ok(update.exec(&self.0.write).await?.rows_affected > 0)
    }

    /// Deletes a model unless it is the chosen default; false if nothing was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, key: &str) -> Result<bool> {
        let sql = "DELETE FROM models WHERE key = $1 AND NOT EXISTS (SELECT 1 FROM default_model WHERE model_key = $1)";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [key.into()]);
        Ok(self.0.write.execute_raw(statement).await?.rows_affected() > 0)
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
    /// Keeps one.
    ///
    /// # Errors
    /// When the database fails.
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

    /// # Errors
    /// When the database fails.
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<prediction::Model>> {
        let query = prediction::Entity::find().filter(prediction::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }

    /// Deletes one; false if it wasn't there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, id: i64) -> Result<bool> {
        Ok(prediction::Entity::delete_by_id(id).exec(&self.0.write).await?.rows_affected > 0)
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
