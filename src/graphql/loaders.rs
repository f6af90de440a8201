//! Batches what the nodes of a list need, so that a list costs the same statements whatever its length.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{TokioSpawner, TokioTimer};

use crate::app::App;
use crate::market::ipo::provider_tickers;
use crate::market::{Bar, Series};
use crate::request::RequestError;
use crate::research::{Curve, decode_curve};
use crate::store::entity::corporate_action;
use crate::store::entity::{backtest, data_issue, ipo, job, prediction, sweep, symbol};
use crate::store::{BarRequest, FormerTicker, StoreError};

/// Loads rows by what the resolvers know of them.
pub struct Rows(App);

/// A request's loader.
pub type Loaders = DataLoader<Rows>;

/// A fresh loader; each request has its own.
#[must_use]
pub fn loaders(app: &App) -> Loaders {
    DataLoader::new(Rows(app.clone()), TokioSpawner::current(), TokioTimer::default())
}

type Loaded<K, V> = Result<HashMap<K, V>, Arc<StoreError>>;

/// A symbol's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SymbolId(pub i64);

/// The newest bar of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatestBarOf(pub i64);

/// A page of a symbol's bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BarsOf(pub i64, pub BarRequest);

/// A symbol's columns.
#[derive(Debug, Clone)]
pub struct SeriesOf(pub Arc<symbol::Model>);

impl PartialEq for SeriesOf {
    fn eq(&self, other: &Self) -> bool {
        (self.0.id, self.0.data_version) == (other.0.id, other.0.data_version)
    }
}

impl Eq for SeriesOf {}

impl std::hash::Hash for SeriesOf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0.id, self.0.data_version).hash(state);
    }
}

/// A job's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub i64);

/// A backtest's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BacktestId(pub i64);

/// A backtest's curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurveOf(pub i64);

/// A sweep's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SweepId(pub i64);

/// The sweep that a job has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SweepOfJob(pub i64);

/// A sweep's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SweepColumnsOf(pub i64);

/// A prediction's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PredictionId(pub i64);

/// The newest prediction of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatestPredictionOf(pub i64);

/// A flagged record's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IssueId(pub i64);

impl Loader<SymbolId> for Rows {
    type Value = Arc<symbol::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SymbolId]) -> Loaded<SymbolId, Self::Value> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.symbols().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (SymbolId(row.id), Arc::new(row))).collect())
    }
}

impl Loader<LatestBarOf> for Rows {
    type Value = Bar;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[LatestBarOf]) -> Loaded<LatestBarOf, Bar> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.prices().latest_of(&ids).await?;
        Ok(rows.into_iter().map(|(id, bar)| (LatestBarOf(id), bar)).collect())
    }
}

impl Loader<BarsOf> for Rows {
    type Value = Vec<Bar>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BarsOf]) -> Loaded<BarsOf, Vec<Bar>> {
        let mut by_request: HashMap<BarRequest, Vec<i64>> = HashMap::new();
        for BarsOf(symbol, request) in keys {
            by_request.entry(*request).or_default().push(*symbol);
        }
        let mut loaded: HashMap<BarsOf, Vec<Bar>> = HashMap::new();
        for (request, symbols) in by_request {
            for (symbol, bar) in self.0.store.prices().pages_of(&symbols, &request).await? {
                loaded.entry(BarsOf(symbol, request)).or_default().push(bar);
            }
        }
        Ok(loaded)
    }
}

impl Loader<SeriesOf> for Rows {
    type Value = Arc<Series>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SeriesOf]) -> Loaded<SeriesOf, Arc<Series>> {
        let symbols: Vec<symbol::Model> = keys.iter().map(|key| (*key.0).clone()).collect();
        let series = self.0.series.get(&symbols).await?;
        Ok(keys.iter().cloned().zip(series).collect())
    }
}

impl Loader<JobId> for Rows {
    type Value = job::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[JobId]) -> Loaded<JobId, job::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.jobs().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (JobId(row.id), row)).collect())
    }
}

impl Loader<IssueId> for Rows {
    type Value = data_issue::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[IssueId]) -> Loaded<IssueId, data_issue::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.issues().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (IssueId(row.id), row)).collect())
    }
}

impl Loader<BacktestId> for Rows {
    type Value = backtest::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BacktestId]) -> Loaded<BacktestId, backtest::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.backtests().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (BacktestId(row.id), row)).collect())
    }
}

impl Loader<CurveOf> for Rows {
    type Value = Arc<Curve>;
    type Error = Arc<RequestError>;

    async fn load(&self, keys: &[CurveOf]) -> Result<HashMap<CurveOf, Arc<Curve>>, Arc<RequestError>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.backtests().curves(&ids).await.map_err(RequestError::from)?;
        let decoded = rows.into_iter().map(|row| {
            let curve = decode_curve(&row.content).map_err(RequestError::from)?;
            Ok((CurveOf(row.backtest_id), Arc::new(curve)))
        });
        decoded.collect()
    }
}

impl Loader<PredictionId> for Rows {
    type Value = prediction::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[PredictionId]) -> Loaded<PredictionId, prediction::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.predictions().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (PredictionId(row.id), row)).collect())
    }
}

impl Loader<LatestPredictionOf> for Rows {
    type Value = prediction::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[LatestPredictionOf]) -> Loaded<LatestPredictionOf, prediction::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.predictions().latest_of(&ids).await?;
        Ok(rows.into_iter().map(|row| (LatestPredictionOf(row.symbol_id), row)).collect())
    }
}

impl Loader<SweepId> for Rows {
    type Value = sweep::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SweepId]) -> Loaded<SweepId, sweep::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.sweeps().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (SweepId(row.id), row)).collect())
    }
}

impl Loader<SweepOfJob> for Rows {
    type Value = sweep::Model;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SweepOfJob]) -> Loaded<SweepOfJob, sweep::Model> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.sweeps().of_jobs(&ids).await?;
        Ok(rows.into_iter().filter_map(|row| Some((SweepOfJob(row.job_id?), row))).collect())
    }
}

impl Loader<SweepColumnsOf> for Rows {
    type Value = Arc<Vec<u8>>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SweepColumnsOf]) -> Loaded<SweepColumnsOf, Arc<Vec<u8>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.sweeps().columns(&ids).await?;
        Ok(rows.into_iter().map(|row| (SweepColumnsOf(row.sweep_id), Arc::new(row.content))).collect())
    }
}

/// An IPO's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpoId(pub i64);

/// The IPO that a symbol came from, by the ticker at its exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IpoOfTicker(pub String);

impl Loader<IpoId> for Rows {
    type Value = Arc<ipo::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[IpoId]) -> Loaded<IpoId, Self::Value> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.store.ipos().get_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (IpoId(row.id), Arc::new(row))).collect())
    }
}

impl Loader<IpoOfTicker> for Rows {
    type Value = Arc<ipo::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[IpoOfTicker]) -> Loaded<IpoOfTicker, Self::Value> {
        // The exchange's own spelling has no suffix.
        let plain = |ticker: &str| ticker.split('.').next().unwrap_or(ticker).to_owned();
        let mut tickers: Vec<String> = keys.iter().flat_map(|key| [key.0.clone(), plain(&key.0)]).collect();
        tickers.sort_unstable();
        tickers.dedup();
        let rows: Vec<Arc<ipo::Model>> =
            self.0.store.ipos().by_tickers(&tickers).await?.into_iter().map(Arc::new).collect();
        let of = |key: &IpoOfTicker| {
            let found = rows.iter().find(|row| {
                let ticker = row.ticker.as_deref().unwrap_or_default();
                provider_tickers(row.exchange, ticker).contains(&key.0)
            });
            Some((key.clone(), found?.clone()))
        };
        Ok(keys.iter().filter_map(of).collect())
    }
}

/// Every corporate action of a symbol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionsOf(pub i64);

/// The tickers that a symbol had, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FormerTickersOf(pub i64);

impl Loader<ActionsOf> for Rows {
    type Value = Vec<corporate_action::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[ActionsOf]) -> Loaded<ActionsOf, Self::Value> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let mut loaded: HashMap<ActionsOf, Self::Value> = HashMap::new();
        for row in self.0.store.corporate_actions().of(&ids).await? {
            loaded.entry(ActionsOf(row.symbol_id.unwrap_or(0))).or_default().push(row);
        }
        Ok(loaded)
    }
}

impl Loader<FormerTickersOf> for Rows {
    type Value = Vec<FormerTicker>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[FormerTickersOf]) -> Loaded<FormerTickersOf, Self::Value> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let mut loaded: HashMap<FormerTickersOf, Self::Value> = HashMap::new();
        for former in self.0.store.identities().former_of(&ids).await? {
            loaded.entry(FormerTickersOf(former.symbol_id)).or_default().push(former);
        }
        Ok(loaded)
    }
}
