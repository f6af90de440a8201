//! IPOs and their revisions.

use std::collections::HashMap;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    IntoActiveModel, Iterable, PaginatorTrait, QueryFilter,
};

use super::children::Children;
use super::entity::ipo::{ActiveModel, Column, Entity, Model};
use super::entity::ipo_revision;
use super::ipo_lists::{IpoFilter, IpoOrder};
use super::page::{Page, PageRequest};
use super::repositories::Ipos;
use super::{Result, now};
use crate::market::ipo::FieldChange;
use crate::market::{DataSource, Exchange};

const REVISIONS: Children = Children { table: "ipo_revisions", columns: "child.*", parent: "ipo_id", key: "id" };

/// Rows a statement.
const CHUNK: usize = 500;

impl Ipos<'_> {
    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(&self.0.read).await?)
    }

    #[boxed]
    pub async fn get_in(&self, transaction: &DatabaseTransaction, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(transaction).await?)
    }

    /// The latest issue of a ticker.
    #[boxed]
    pub async fn by_listing(&self, exchange: Exchange, ticker: &str) -> Result<Option<Model>> {
        use sea_orm::QueryOrder;
        let of_ticker = Entity::find().filter(Column::Exchange.eq(exchange)).filter(Column::Ticker.eq(ticker));
        Ok(of_ticker.order_by_desc(Column::OpenDay).order_by_desc(Column::Id).one(&self.0.read).await?)
    }

    /// Issues of one of these symbols or with one of these tickers, the latest first.
    #[boxed]
    pub async fn of_symbols(&self, symbols: &[i64], tickers: &[String]) -> Result<Vec<Model>> {
        use sea_orm::QueryOrder;
        let of_symbol = Column::SymbolId.is_in(symbols.iter().copied());
        let query = Entity::find().filter(Condition::any().add(of_symbol).add(Column::Ticker.is_in(tickers)));
        Ok(query.order_by_desc(Column::OpenDay).order_by_desc(Column::Id).all(&self.0.read).await?)
    }

    #[boxed]
    pub async fn page(&self, filter: &IpoFilter, orders: &[IpoOrder], page: &PageRequest) -> Result<Page<Arc<Model>>> {
        self.page_of(filter, orders, page, Column::iter().collect()).await
    }

    #[boxed]
    pub async fn count(&self, filter: &IpoFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition(self.0.backend())).count(&self.0.read).await?)
    }

    /// Keeps every other writer of issues out until the transaction ends. On SQLite it has the write lock anyway.
    #[boxed]
    pub async fn lock(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.0.backend() == DbBackend::Postgres {
            transaction.execute_unprepared("LOCK TABLE ipos IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        Ok(())
    }

    /// Every issue at these exchanges, as a transaction sees them.
    #[boxed]
    pub async fn at(&self, transaction: &DatabaseTransaction, exchanges: &[Exchange]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Exchange.is_in(exchanges.iter().copied())).all(transaction).await?)
    }

    /// Issues of the same ticker or the same name, as a transaction sees them.
    #[boxed]
    pub async fn alike(&self, transaction: &DatabaseTransaction, row: &Model) -> Result<Vec<Model>> {
        let either = Condition::any()
            .add(Column::NameKey.eq(row.name_key.as_str()))
            .add_option(row.ticker.as_deref().map(|ticker| Column::Ticker.eq(ticker)));
        Ok(Entity::find().filter(Column::Exchange.eq(row.exchange)).filter(either).all(transaction).await?)
    }

    /// Adds issues, many a statement, and answers with their ids; their stocks and performances with them.
    ///
    /// # Errors
    /// When the database fails, or one of them is there already.
    #[boxed]
    pub async fn insert(&self, transaction: &DatabaseTransaction, rows: Vec<Model>) -> Result<Vec<i64>> {
        let mut ids = Vec::with_capacity(rows.len());
        for rows in rows.chunks(CHUNK) {
            let rows =
                rows.iter().cloned().map(|row| ActiveModel { id: NotSet, ..row.into_active_model().reset_all() });
            ids.extend(Entity::insert_many(rows).exec_with_returning_keys(transaction).await?);
        }
        self.measure(transaction, &ids).await?;
        Ok(ids)
    }

    /// Writes changed issues, many a statement; their stocks and performances with them.
    #[boxed]
    pub async fn update(&self, transaction: &DatabaseTransaction, rows: &[Model]) -> Result<()> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        for rows in rows.chunks(CHUNK) {
            let rows = rows.iter().cloned().map(|row| row.into_active_model().reset_all());
            let columns = Column::iter().filter(|c| !matches!(c, Column::Id | Column::CreatedAt));
            let conflict = std::mem::take(OnConflict::column(Column::Id).update_columns(columns));
            Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
        }
        self.measure(transaction, &ids).await
    }

    /// Writes down what was changed, by whom, and when; `author` is the name of an administrator's token.
    #[boxed]
    pub async fn revise(
        &self,
        transaction: &DatabaseTransaction,
        source: DataSource,
        author: Option<&str>,
        changes: &[(i64, Vec<FieldChange>)],
    ) -> Result<()> {
        let at = now();
        for changes in changes.chunks(CHUNK) {
            let rows = changes.iter().map(|(ipo_id, changes)| ipo_revision::ActiveModel {
                id: NotSet,
                ipo_id: Set(*ipo_id),
                at: Set(at),
                source: Set(source),
                changes: Set(serde_json::to_string(changes).unwrap_or_default()),
                author: Set(author.map(str::to_owned)),
            });
            ipo_revision::Entity::insert_many(rows).exec_without_returning(transaction).await?;
        }
        Ok(())
    }

    /// The same page of each of these issues' revisions; issues without one on it are missing.
    #[boxed]
    pub async fn revisions_of(
        &self,
        ipos: &[i64],
        page: &PageRequest,
    ) -> Result<HashMap<i64, Page<ipo_revision::Model>>> {
        REVISIONS.pages(self.0, ipos, page, |row: &ipo_revision::Model| (row.ipo_id, row.id)).await
    }

    /// How many revisions each of these issues has; those without are missing.
    #[boxed]
    pub async fn revision_counts_of(&self, ipos: &[i64]) -> Result<HashMap<i64, u64>> {
        REVISIONS.counts(self.0, ipos, "", []).await
    }
}
