//! Models that were trained here, and which model is the default.

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::entity::model;
use super::repositories::Models;
use super::{Result, now};

/// What there is of trained models, without their content.
#[derive(Debug, Default)]
pub struct Heads {
    /// Ids, and the names that people gave.
    pub models: Vec<(i64, Option<String>)>,
    /// The key of the default.
    pub chosen: Option<String>,
}

impl Models<'_> {
    /// Keeps a model; the same one again stays as it is.
    #[boxed]
    pub async fn insert(&self, key: &str, content: &str, may_be_default: bool) -> Result<()> {
        let row = model::ActiveModel {
            key: Set(key.to_owned()),
            content: Set(content.to_owned()),
            may_be_default: Set(may_be_default),
            created_at: Set(now()),
            ..Default::default()
        };
        let same = std::mem::take(OnConflict::column(model::Column::Key).do_nothing());
        model::Entity::insert(row).on_conflict(same).exec_without_returning(&self.0.write).await?;
        Ok(())
    }

    /// The ids and given names of all of them, ascending, and the key of the model that was chosen as the default.
    #[boxed]
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
    #[boxed]
    pub async fn choose(&self, key: &str) -> Result<()> {
        let sql = "INSERT INTO default_model (id, model_key, chosen_at) VALUES (1, $1, $2) \
                   ON CONFLICT (id) DO UPDATE SET model_key = excluded.model_key, chosen_at = excluded.chosen_at";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [key.into(), now().into()]);
        self.0.write.execute_raw(statement).await?;
        Ok(())
    }

    /// Gives a model another name; false if there is no such model.
    #[boxed]
    pub async fn rename(&self, key: &str, name: &str) -> Result<bool> {
        let update = model::Entity::update_many()
            .col_expr(model::Column::Name, Expr::val(name))
            .filter(model::Column::Key.eq(key));
        Ok(update.exec(&self.0.write).await?.rows_affected > 0)
    }

    /// Deletes a model unless it is the chosen default; false if nothing was deleted.
    #[boxed]
    pub async fn delete(&self, key: &str) -> Result<bool> {
        let sql = "DELETE FROM models WHERE key = $1 AND NOT EXISTS (SELECT 1 FROM default_model WHERE model_key = $1)";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [key.into()]);
        Ok(self.0.write.execute_raw(statement).await?.rows_affected() > 0)
    }

    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<model::Model>> {
        let query = model::Entity::find().filter(model::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }
}
