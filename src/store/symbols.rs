//! Symbols.

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait, SqlErr, Statement,
};
use serde::Serialize;

use super::cells::Cells;
use super::entity::symbol::{ActiveModel, Column, Entity, Model};
use super::ids::{id_list, ids_text};
use super::page::{Page, PageRequest};
use super::repositories::Symbols;
use super::symbol_lists::{SymbolFilter, SymbolOrder, symbol_sorts};
use super::{Result, StoreError, now};
use crate::market::{DataSource, Day, Dividend, Exchange, Split};

/// What a symbol's bars come to.
#[derive(Debug, Clone)]
pub struct Summary {
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    /// The newest day with the provider's adjusted close.
    pub adjusted_until: Option<Day>,
    pub bar_count: i32,
    pub splits: Vec<Split>,
    pub dividends: Vec<Dividend>,
}

/// A symbol to be added.
#[derive(Debug, Clone)]
pub struct NewSymbol {
    pub ticker: String,
    pub name: Option<String>,
    pub exchange: Exchange,
    pub source: DataSource,
}

/// How much research is stored of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResearchCounts {
    pub backtests: i64,
    pub sweeps: i64,
    pub predictions: i64,
}

/// Reads what [`Entity::find`] selects: the columns in the order of [`Model`].
pub(super) fn symbol(row: &QueryResult) -> Result<Model> {
    let cells = Cells::of(row)?;
    Ok(Model {
        id: cells.get(0)?,
        ticker: cells.get(1)?,
        name: cells.get(2)?,
        exchange: cells.named(3, Exchange::of)?,
        currency: cells.get(4)?,
        source: cells.named(5, DataSource::of)?,
        first_day: cells.get(6)?,
        last_day: cells.get(7)?,
        adjusted_until: cells.get(8)?,
        bar_count: cells.get(9)?,
        data_version: cells.get(10)?,
        splits: cells.get(11)?,
        dividends: cells.get(12)?,
        last_refreshed_at: cells.get(13)?,
        created_at: cells.get(14)?,
        isin: cells.get(15)?,
        listed_day: cells.get(16)?,
        delisted: cells.get(17)?,
    })
}

impl Symbols<'_> {
    #[boxed]
    pub async fn get(&self, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(&self.0.read).await?)
    }

    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        self.get_many_in(&self.0.read, ids).await
    }

    /// Id, ticker and number of bars of every symbol that has some.
    #[boxed]
    pub async fn with_bars(&self) -> Result<Vec<(i64, String, usize)>> {
        let columns = [Column::Id, Column::Ticker, Column::BarCount];
        let query = Entity::find().select_only().columns(columns).filter(Column::BarCount.gt(0));
        let rows: Vec<(i64, String, i32)> = query.into_tuple().all(&self.0.read).await?;
        let count = |bars| usize::try_from(bars).unwrap_or(0);
        Ok(rows.into_iter().map(|(id, ticker, bars)| (id, ticker, count(bars))).collect())
    }

    /// As [`Symbols::get_many`], as a connection sees them.
    #[boxed]
    pub async fn get_many_in<C: ConnectionTrait>(&self, connection: &C, ids: &[i64]) -> Result<Vec<Model>> {
        let backend = self.0.backend();
        let among = match backend {
            // One text for lists of any length.
            DbBackend::Postgres => Expr::cust_with_values(id_list(backend, "id", 1), [ids_text(backend, ids)]),
            _ => Column::Id.is_in(ids.iter().copied()),
        };
        let rows = connection.query_all_raw(Entity::find().filter(among).build(backend)).await?;
        rows.iter().map(symbol).collect()
    }

    #[boxed]
    pub async fn by_ticker(&self, ticker: &str) -> Result<Option<Model>> {
        // There is one at most; a limit as a parameter would have PostgreSQL plan it anew each time.
        let statement = Entity::find().filter(Column::Ticker.eq(ticker)).build(self.0.backend());
        self.0.read.query_all_raw(statement).await?.first().map(symbol).transpose()
    }

    /// As [`Symbols::by_ticker`], seen from a transaction.
    #[boxed]
    pub async fn by_ticker_in(&self, transaction: &DatabaseTransaction, ticker: &str) -> Result<Option<Model>> {
        Ok(Entity::find().filter(Column::Ticker.eq(ticker)).one(transaction).await?)
    }

    #[boxed]
    pub async fn by_tickers(&self, tickers: &[String]) -> Result<Vec<Model>> {
        Self::by_tickers_in(&self.0.read, tickers).await
    }

    /// As [`Symbols::by_tickers`], over any connection.
    #[boxed]
    pub(super) async fn by_tickers_in<C: ConnectionTrait>(connection: &C, tickers: &[String]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Ticker.is_in(tickers)).all(connection).await?)
    }

    /// Every symbol, by ticker.
    #[boxed]
    pub async fn all(&self) -> Result<Vec<Model>> {
        use sea_orm::QueryOrder;
        Ok(Entity::find().order_by_asc(Column::Ticker).all(&self.0.read).await?)
    }

    #[boxed]
    pub async fn page(&self, filter: &SymbolFilter, orders: &[SymbolOrder], page: &PageRequest) -> Result<Page<Model>> {
        let query = Entity::find().filter(filter.condition(self.0.backend())).into_query();
        let rows = page.rows(&self.0.read, query, &symbol_sorts(orders)).await?;
        Ok(page.page(rows.iter().map(symbol).collect::<Result<_>>()?))
    }

    #[boxed]
    pub async fn count(&self, filter: &SymbolFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition(self.0.backend())).count(&self.0.read).await?)
    }

    /// Adds a symbol in a transaction; `None` if the ticker is taken.
    #[boxed]
    pub async fn insert(&self, transaction: &DatabaseTransaction, new: NewSymbol) -> Result<Option<Model>> {
        let row = ActiveModel {
            ticker: Set(new.ticker),
            name: Set(new.name),
            exchange: Set(new.exchange),
            source: Set(new.source),
            bar_count: Set(0),
            data_version: Set(0),
            splits: Set("[]".into()),
            created_at: Set(now()),
            delisted: Set(false),
            ..Default::default()
        };
        match row.insert(transaction).await {
            Ok(row) => {
                self.0.ipos().measure_symbols(transaction, &[row.id], None).await?;
                Ok(Some(row))
            }
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// How much research is stored of a symbol.
    #[boxed]
    pub async fn research_of<C: ConnectionTrait>(&self, connection: &C, id: i64) -> Result<ResearchCounts> {
        let count = |table: &str| format!("(SELECT COUNT(*) FROM {table} WHERE symbol_id = $1)");
        let sql = format!("SELECT {}, {}, {}", count("backtests"), count("sweeps"), count("predictions"));
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [id.into()]);
        let Some(row) = connection.query_one_raw(statement).await? else { return Ok(ResearchCounts::default()) };
        Ok(ResearchCounts {
            backtests: row.try_get_by_index(0)?,
            sweeps: row.try_get_by_index(1)?,
            predictions: row.try_get_by_index(2)?,
        })
    }

    /// Removes a symbol, its bars with it; false if there was none.
    #[boxed]
    pub async fn delete(&self, transaction: &DatabaseTransaction, id: i64) -> Result<bool> {
        let deleted = Entity::delete_by_id(id).exec(transaction).await?.rows_affected > 0;
        self.0.ipos().measure_without(transaction, &[id]).await?;
        Ok(deleted)
    }

    /// The symbol, held against other writers until the transaction ends, and against whoever refers to it: bars that another
    /// transaction is giving it can't come between.
    #[boxed]
    pub async fn lock(&self, transaction: &DatabaseTransaction, id: i64) -> Result<Option<Model>> {
        let mut query = Entity::find_by_id(id);
        if self.0.backend() == DbBackend::Postgres {
            query = query.lock_exclusive();
        }
        Ok(query.one(transaction).await?)
    }

    /// Notes that a symbol's prices were fetched, and what they come to if they have changed; its version grows then.
    #[boxed]
    pub async fn refreshed(
        &self,
        transaction: &DatabaseTransaction,
        symbol: Model,
        summary: Option<Summary>,
    ) -> Result<()> {
        let version = symbol.data_version;
        let mut row = symbol.into_active_model();
        row.last_refreshed_at = Set(Some(now()));
        if let Some(summary) = summary {
            row.data_version = Set(version + 1);
            row.first_day = Set(summary.first_day);
            row.last_day = Set(summary.last_day);
            row.adjusted_until = Set(summary.adjusted_until);
            row.bar_count = Set(summary.bar_count);
            row.splits = Set(json(&summary.splits)?);
            row.dividends = Set(json(&summary.dividends)?);
        }
        row.update(transaction).await?;
        Ok(())
    }

    /// Keeps what a symbol's prices are adjusted for; its version grows if that is new.
    #[boxed]
    pub async fn adjust(
        &self,
        transaction: &DatabaseTransaction,
        id: i64,
        splits: &[Split],
        dividends: &[Dividend],
    ) -> Result<()> {
        let sql = "UPDATE symbols SET splits = $1, dividends = $2, data_version = data_version + 1 \
                   WHERE id = $3 AND (splits <> $1 OR dividends <> $2)";
        let values = [json(splits)?.into(), json(dividends)?.into(), id.into()];
        transaction.execute_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        Ok(())
    }

    /// Fills in what a symbol search found, where nobody has said otherwise. What its issue's prices are compared with may be
    /// stated in another currency from now on.
    #[boxed]
    pub async fn set_listing(&self, id: i64, name: &str, exchange: Exchange, currency: &str) -> Result<()> {
        self.0.transact(|| self.set_listing_once(id, name, exchange, currency)).await
    }

    async fn set_listing_once(&self, id: i64, name: &str, exchange: Exchange, currency: &str) -> Result<()> {
        let transaction = self.0.begin().await?;
        let mut update = Entity::update_many().filter(Column::Id.eq(id));
        let keep_known = |column: Column, value: &str| -> SimpleExpr {
            Func::coalesce([Expr::col(column), Expr::val(value.to_owned())]).into()
        };
        update = update
            .col_expr(Column::Name, keep_known(Column::Name, name))
            .col_expr(Column::Currency, keep_known(Column::Currency, currency));
        if exchange != Exchange::Other {
            update = update.col_expr(
                Column::Exchange,
                Expr::case(Expr::col(Column::Exchange).eq("OTHER"), Expr::val(exchange.name()))
                    .finally(Expr::col(Column::Exchange))
                    .into(),
            );
        }
        update.exec(&transaction).await?;
        self.0.ipos().measure_symbols(&transaction, &[id], None).await?;
        self.0.events().commit(transaction, &[]).await
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::corrupt("adjustment"))
}
