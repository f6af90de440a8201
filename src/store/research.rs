//! Stored research: backtests and sweeps.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbBackend, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait, Select,
};

use super::children::Children;
use super::entity::{backtest, backtest_curve, sweep, sweep_columns, symbol};
use super::page::{Page, PageRequest, Sort, newest_first};
use super::repositories::{Backtests, Sweeps};
use super::{Millis, Result, StoreError, now, search};
use crate::backtest::{Execution, Metrics, Strategy, WindowRange};
use crate::market::{Adjustment, Day};

/// A backtest to keep.
#[derive(Debug, Clone)]
pub struct NewBacktest {
    pub symbol_id: i64,
    pub data_version: i32,
    pub engine_version: i32,
    pub adjustment: Adjustment,
    pub from_day: Day,
    pub to_day: Day,
    pub bar_count: i32,
    /// As JSON, and so are the next two.
    pub strategy: String,
    pub execution: String,
    pub metrics: String,
}

/// A sweep to keep.
#[derive(Debug, Clone)]
pub struct NewSweep {
    pub symbol_id: i64,
    pub job_id: Option<i64>,
    pub data_version: i32,
    pub engine_version: i32,
    pub adjustment: Adjustment,
    pub from_day: Day,
    pub to_day: Day,
    /// As JSON, and so is the next.
    pub windows: String,
    pub execution: String,
    pub combinations: i32,
}

/// Which stored research to list: backtests, sweeps and predictions alike.
#[derive(Debug, Clone, Default)]
pub struct ResearchFilter {
    pub symbol_id: Option<i64>,
    pub created_from: Option<Millis>,
    pub created_to: Option<Millis>,
    /// Part of the name or of the symbol's ticker, in any case; predictions have no names.
    pub search: Option<String>,
}

impl ResearchFilter {
    /// The condition on a table with these two columns.
    pub(super) fn condition(&self, symbol: impl ColumnTrait, created: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.symbol_id.map(|id| symbol.eq(id)))
            .add_option(self.created_from.map(|at| created.gte(at)))
            .add_option(self.created_to.map(|at| created.lte(at)))
    }

    /// The same with what is searched for in names and tickers.
    fn named(
        &self,
        backend: DbBackend,
        symbol: impl ColumnTrait,
        created: impl ColumnTrait,
        name: impl ColumnTrait,
    ) -> Condition {
        let condition = self.condition(symbol, created);
        let Some(text) = &self.search else { return condition };
        let symbols = symbol::Entity::find().select_only().column(symbol::Column::Id).filter(search::holds(
            backend,
            text,
            [symbol::Column::Ticker],
        ));
        condition
            .add(search::holds(backend, text, [name.as_column_ref()]).add(symbol.in_subquery(symbols.into_query())))
    }
}

/// Trades of a backtest, in their order.
#[must_use]
pub fn trade_sorts() -> Vec<Sort> {
    vec![Sort { name: "number", by: Expr::cust("number"), descending: false, text: false }]
}

/// What runs that a person can name have in common: rows by id, pages, counts, names, deletion.
macro_rules! named_runs {
    ($repository:ident, $entity:ident) => {
        impl $entity::Model {
            /// What its prices were adjusted for; of old runs, what that is of their symbol.
            #[must_use]
            pub fn adjustment(&self, provided_until: Option<Day>) -> Adjustment {
                Adjustment::stored(self.adjustment.as_deref(), self.adjusted, provided_until)
            }

            /// How orders were carried out.
            pub fn execution(&self) -> Result<Execution> {
                serde_json::from_str(&self.execution).map_err(StoreError::corrupt("execution"))
            }
        }

        impl $repository<'_> {
            fn find(&self, filter: &ResearchFilter) -> Select<$entity::Entity> {
                use $entity::{Column, Entity};
                let backend = self.0.backend();
                Entity::find().filter(filter.named(backend, Column::SymbolId, Column::CreatedAt, Column::Name))
            }

            #[boxed]
            pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<$entity::Model>> {
                let query = $entity::Entity::find().filter($entity::Column::Id.is_in(ids.iter().copied()));
                Ok(query.all(&self.0.read).await?)
            }

            #[boxed]
            pub async fn page(&self, filter: &ResearchFilter, page: &PageRequest) -> Result<Page<$entity::Model>> {
                let query = page.apply(self.find(filter), &newest_first());
                Ok(page.page(query.all(&self.0.read).await?))
            }

            #[boxed]
            pub async fn count(&self, filter: &ResearchFilter) -> Result<u64> {
                Ok(self.find(filter).count(&self.0.read).await?)
            }

            /// Names one, or takes its name away; none if it isn't there.
            #[boxed]
            pub async fn rename(&self, id: i64, name: Option<String>) -> Result<Option<$entity::Model>> {
                let named = $entity::ActiveModel { id: Set(id), name: Set(name), ..Default::default() };
                match named.update(&self.0.write).await {
                    Ok(row) => Ok(Some(row)),
                    Err(DbErr::RecordNotUpdated) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }

            /// Deletes one with what belongs to it; false if it wasn't there.
            #[boxed]
            pub async fn delete(&self, id: i64) -> Result<bool> {
                Ok($entity::Entity::delete_by_id(id).exec(&self.0.write).await?.rows_affected > 0)
            }
        }
    };
}

named_runs!(Backtests, backtest);
named_runs!(Sweeps, sweep);

impl backtest::Model {
    /// What was run.
    pub fn strategy(&self) -> Result<Strategy> {
        serde_json::from_str(&self.strategy).map_err(StoreError::corrupt("strategy"))
    }

    /// What it came to.
    pub fn metrics(&self) -> Result<Metrics> {
        serde_json::from_str(&self.metrics).map_err(StoreError::corrupt("backtest's metrics"))
    }
}

impl sweep::Model {
    /// The windows to buy below and to sell above.
    pub fn windows(&self) -> Result<(WindowRange, WindowRange)> {
        serde_json::from_str(&self.windows).map_err(StoreError::corrupt("sweep's windows"))
    }
}

const OF_SYMBOL: Children = Children { table: "backtests", columns: "child.*", parent: "symbol_id", key: "id" };

impl Backtests<'_> {
    /// The same page of each of these symbols' backtests; symbols without one on it are missing.
    #[boxed]
    pub async fn pages_of(&self, symbols: &[i64], page: &PageRequest) -> Result<HashMap<i64, Page<backtest::Model>>> {
        OF_SYMBOL.pages(self.0, symbols, page, |row: &backtest::Model| (row.symbol_id, row.id)).await
    }

    /// How many backtests each of these symbols has; those without are missing.
    #[boxed]
    pub async fn counts_of(&self, symbols: &[i64]) -> Result<HashMap<i64, u64>> {
        OF_SYMBOL.counts(self.0, symbols, "", []).await
    }

    /// Keeps one with its curve.
    #[boxed]
    pub async fn insert(&self, new: NewBacktest, curve: Vec<u8>) -> Result<backtest::Model> {
        let row = backtest::ActiveModel {
            symbol_id: Set(new.symbol_id),
            data_version: Set(new.data_version),
            engine_version: Set(new.engine_version),
            adjusted: Set(new.adjustment != Adjustment::None),
            adjustment: Set(Some(new.adjustment.name().to_owned())),
            from_day: Set(new.from_day),
            to_day: Set(new.to_day),
            bar_count: Set(new.bar_count),
            strategy: Set(new.strategy),
            execution: Set(new.execution),
            metrics: Set(new.metrics),
            created_at: Set(now()),
            ..Default::default()
        };
        let insert = || async {
            let transaction = self.0.begin().await?;
            let row = row.clone().insert(&transaction).await?;
            let curve = backtest_curve::ActiveModel { backtest_id: Set(row.id), content: Set(curve.clone()) };
            backtest_curve::Entity::insert(curve).exec_without_returning(&transaction).await?;
            transaction.commit().await?;
            Ok(row)
        };
        self.0.transact(insert).await
    }

    /// The curves of these backtests.
    #[boxed]
    pub async fn curves(&self, ids: &[i64]) -> Result<Vec<backtest_curve::Model>> {
        let query =
            backtest_curve::Entity::find().filter(backtest_curve::Column::BacktestId.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }
}

impl Sweeps<'_> {
    /// Stores a sweep; one that the same job has stored before stays.
    #[boxed]
    pub async fn insert(&self, new: NewSweep, columns: Vec<u8>) -> Result<sweep::Model> {
        if let Some(job) = new.job_id
            && let Some(stored) = self.of_jobs(&[job]).await?.pop()
        {
            return Ok(stored);
        }
        let row = sweep::ActiveModel {
            symbol_id: Set(new.symbol_id),
            job_id: Set(new.job_id),
            data_version: Set(new.data_version),
            engine_version: Set(new.engine_version),
            adjusted: Set(new.adjustment != Adjustment::None),
            adjustment: Set(Some(new.adjustment.name().to_owned())),
            from_day: Set(new.from_day),
            to_day: Set(new.to_day),
            windows: Set(new.windows),
            execution: Set(new.execution),
            combinations: Set(new.combinations),
            created_at: Set(now()),
            ..Default::default()
        };
        let transaction = self.0.begin().await?;
        let row = row.insert(&transaction).await?;
        let columns = sweep_columns::ActiveModel { sweep_id: Set(row.id), content: Set(columns) };
        sweep_columns::Entity::insert(columns).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The results of these sweeps.
    #[boxed]
    pub async fn columns(&self, ids: &[i64]) -> Result<Vec<sweep_columns::Model>> {
        let query = sweep_columns::Entity::find().filter(sweep_columns::Column::SweepId.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }

    /// What these jobs have stored.
    #[boxed]
    pub async fn of_jobs(&self, jobs: &[i64]) -> Result<Vec<sweep::Model>> {
        let query = sweep::Entity::find().filter(sweep::Column::JobId.is_in(jobs.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }
}
