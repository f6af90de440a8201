//! Batches what the nodes of a list need, so that a list costs the same statements whatever its length.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::batch::DataLoader;
use crate::app::App;
use crate::forecast::ModelInfo;
use crate::market::ipo::provider_tickers;
use crate::market::{Bar, Day, Series};
use crate::request::RequestError;
use crate::research::{Curve, decode_curve};
use crate::store::entity::{backtest, corporate_action, flag, ipo, ipo_revision, job, prediction, sweep, symbol};
use crate::store::page::{Page, PageRequest};
use crate::store::{BarRequest, FormerTicker, StoreError};

/// Loads rows by what the resolvers know of them.
pub struct Rows(App);

/// A request's loader.
pub type Loaders = DataLoader<Rows>;

/// A fresh loader; each request has its own. What it does belongs to the request's span.
#[must_use]
pub fn loaders(app: &App) -> Loaders {
    DataLoader::new(Rows(app.clone()))
}

type Loaded<K, V> = Result<HashMap<K, V>, Arc<StoreError>>;

/// A key by id, and how the rows of many ids are loaded together: `rows` of these `ids`, each turned into the id that
/// it's of and the value.
macro_rules! by_id {
    ($($(#[$doc:meta])* $key:ident -> $value:ty: |$store:ident, $ids:ident| $load:expr, |$row:pat_param| $pair:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            pub struct $key(pub i64);

            #[async_trait::async_trait]
            impl Loader<$key> for Rows {
                type Value = $value;
                type Error = Arc<StoreError>;

                async fn load(&self, keys: &[$key]) -> Loaded<$key, $value> {
                    let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
                    let ($store, $ids) = (&self.0.store, &ids[..]);
                    let mut loaded = HashMap::with_capacity(keys.len());
                    for $row in $load.await? {
                        let (id, value): (i64, $value) = $pair;
                        loaded.insert($key(id), value);
                    }
                    Ok(loaded)
                }
            }
        )*
    };
}

by_id! {
    /// A symbol's row.
    SymbolId -> Arc<symbol::Model>: |store, ids| store.symbols().get_many(ids), |row| (row.id, Arc::new(row));
    /// The newest bar of a symbol.
    LatestBarOf -> Bar: |store, ids| store.prices().latest_of(ids), |(id, bar)| (id, bar);
    /// A job's row.
    JobId -> job::Model: |store, ids| store.jobs().get_many(ids), |row| (row.id, row);
    /// A flagged record's row.
    FlagId -> flag::Model: |store, ids| store.flags().get_many(ids), |row| (row.id, row);
    /// A backtest's row.
    BacktestId -> backtest::Model: |store, ids| store.backtests().get_many(ids), |row| (row.id, row);
    /// A symbol's backtests, counted.
    BacktestCountOf -> u64: |store, ids| store.backtests().counts_of(ids), |(id, count)| (id, count);
    /// A sweep's row.
    SweepId -> sweep::Model: |store, ids| store.sweeps().get_many(ids), |row| (row.id, row);
    /// The sweep that a job has stored.
    SweepOfJob -> sweep::Model: |store, ids| store.sweeps().of_jobs(ids), |row| (row.job_id.unwrap_or(0), row);
    /// A sweep's results.
    SweepColumnsOf -> Arc<Vec<u8>>: |store, ids| store.sweeps().columns(ids), |row| (row.sweep_id, Arc::new(row.content));
    /// A prediction's row.
    PredictionId -> prediction::Model: |store, ids| store.predictions().get_many(ids), |row| (row.id, row);
    /// The newest prediction of a symbol.
    LatestPredictionOf -> prediction::Model: |store, ids| store.predictions().latest_of(ids), |row| (row.symbol_id, row);
    /// An IPO's row.
    IpoId -> Arc<ipo::Model>: |store, ids| store.ipos().get_many(ids), |row| (row.id, Arc::new(row));
    /// An IPO's revisions, counted.
    RevisionCountOf -> u64: |store, ids| store.ipos().revision_counts_of(ids), |(id, count)| (id, count);
}

/// Loads what many keys ask of different rows by the same request: a statement for each request.
async fn by_request<K, R, V, F>(
    keys: &[K],
    parts: impl Fn(&K) -> (i64, R),
    key: impl Fn(i64, R) -> K,
    load: impl Fn(Vec<i64>, R) -> F,
) -> Loaded<K, V>
where
    K: Eq + Hash,
    R: Eq + Hash + Clone,
    F: Future<Output = Result<HashMap<i64, V>, StoreError>>,
{
    let mut by_request: HashMap<R, Vec<i64>> = HashMap::new();
    for (id, request) in keys.iter().map(parts) {
        by_request.entry(request).or_default().push(id);
    }
    let mut loaded = HashMap::with_capacity(keys.len());
    for (request, ids) in by_request {
        let found = load(ids, request.clone()).await?;
        loaded.extend(found.into_iter().map(|(id, value)| (key(id, request.clone()), value)));
    }
    Ok(loaded)
}

/// A page of a symbol's bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BarsOf(pub i64, pub BarRequest);

#[async_trait::async_trait]
impl Loader<BarsOf> for Rows {
    type Value = Vec<Bar>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BarsOf]) -> Loaded<BarsOf, Vec<Bar>> {
        let load = |ids: Vec<i64>, request| async move {
            let mut found: HashMap<i64, Vec<Bar>> = HashMap::new();
            for (symbol, bar) in self.0.store.prices().pages_of(&ids, &request).await? {
                found.entry(symbol).or_default().push(bar);
            }
            Ok(found)
        };
        by_request(keys, |key| (key.0, key.1), BarsOf, load).await
    }
}

/// A symbol's bars between two days, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BarCountOf(pub i64, pub (Option<Day>, Option<Day>));

#[async_trait::async_trait]
impl Loader<BarCountOf> for Rows {
    type Value = u64;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BarCountOf]) -> Loaded<BarCountOf, u64> {
        let load = |ids: Vec<i64>, (from, to)| async move { self.0.store.prices().counts_of(&ids, from, to).await };
        by_request(keys, |key| (key.0, key.1), BarCountOf, load).await
    }
}

/// A page of a symbol's backtests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BacktestsOf(pub i64, pub PageRequest);

#[async_trait::async_trait]
impl Loader<BacktestsOf> for Rows {
    type Value = Page<backtest::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BacktestsOf]) -> Loaded<BacktestsOf, Self::Value> {
        let load = |ids: Vec<i64>, page| async move { self.0.store.backtests().pages_of(&ids, &page).await };
        by_request(keys, |key| (key.0, key.1.clone()), BacktestsOf, load).await
    }
}

/// A page of an IPO's revisions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RevisionsOf(pub i64, pub PageRequest);

#[async_trait::async_trait]
impl Loader<RevisionsOf> for Rows {
    type Value = Page<ipo_revision::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[RevisionsOf]) -> Loaded<RevisionsOf, Self::Value> {
        let load = |ids: Vec<i64>, page| async move { self.0.store.ipos().revisions_of(&ids, &page).await };
        by_request(keys, |key| (key.0, key.1.clone()), RevisionsOf, load).await
    }
}

/// A symbol's columns.
#[derive(Debug, Clone)]
pub struct SeriesOf(pub Arc<symbol::Model>);

impl PartialEq for SeriesOf {
    fn eq(&self, other: &Self) -> bool {
        (self.0.id, self.0.data_version) == (other.0.id, other.0.data_version)
    }
}

impl Eq for SeriesOf {}

impl Hash for SeriesOf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0.id, self.0.data_version).hash(state);
    }
}

#[async_trait::async_trait]
impl Loader<SeriesOf> for Rows {
    type Value = Arc<Series>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[SeriesOf]) -> Loaded<SeriesOf, Arc<Series>> {
        let symbols: Vec<symbol::Model> = keys.iter().map(|key| (*key.0).clone()).collect();
        let series = self.0.series.get(&symbols).await?;
        Ok(keys.iter().cloned().zip(series.into_iter().map(|(_, series)| series)).collect())
    }
}

/// A backtest's curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurveOf(pub i64);

#[async_trait::async_trait]
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

/// Every model, the default first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AllModels;

#[async_trait::async_trait]
impl Loader<AllModels> for Rows {
    type Value = Arc<Vec<ModelInfo>>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[AllModels]) -> Loaded<AllModels, Self::Value> {
        let models = Arc::new(self.0.models.list().await?);
        Ok(keys.iter().map(|key| (*key, models.clone())).collect())
    }
}

/// The IPO that a symbol came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IpoOf {
    pub symbol: i64,
    /// Tells it where the IPO has another stock.
    pub ticker: String,
}

#[async_trait::async_trait]
impl Loader<IpoOf> for Rows {
    type Value = Arc<ipo::Model>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[IpoOf]) -> Loaded<IpoOf, Self::Value> {
        // The exchange's own spelling has no suffix.
        let plain = |ticker: &str| ticker.rsplit_once('.').map_or(ticker, |(plain, _)| plain).to_owned();
        let ids: Vec<i64> = keys.iter().map(|key| key.symbol).collect();
        let mut tickers: Vec<String> = keys.iter().flat_map(|key| [key.ticker.clone(), plain(&key.ticker)]).collect();
        tickers.sort_unstable();
        tickers.dedup();
        let rows: Vec<Arc<ipo::Model>> =
            self.0.store.ipos().of_symbols(&ids, &tickers).await?.into_iter().map(Arc::new).collect();
        let spelled = |row: &ipo::Model, ticker: &String| {
            row.ticker.as_ref().is_some_and(|own| provider_tickers(row.exchange, own).contains(ticker))
        };
        let of = |key: &IpoOf| {
            let joined = rows.iter().find(|row| row.symbol_id == Some(key.symbol));
            let found = joined.or_else(|| rows.iter().find(|row| spelled(row, &key.ticker)));
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

/// A symbol's actions, which all who ask for them share.
#[derive(Debug, Clone)]
pub enum Actions {
    Listed(Vec<Arc<corporate_action::Model>>),
    /// Those who asked together asked for more than is read at a time.
    TooMany,
}

#[async_trait::async_trait]
impl Loader<ActionsOf> for Rows {
    type Value = Arc<Actions>;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[ActionsOf]) -> Loaded<ActionsOf, Self::Value> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let Some(rows) = self.0.store.corporate_actions().of(&ids).await? else {
            let too_many = Arc::new(Actions::TooMany);
            return Ok(keys.iter().map(|key| (*key, too_many.clone())).collect());
        };
        let mut listed: HashMap<ActionsOf, Vec<Arc<corporate_action::Model>>> = HashMap::new();
        for row in rows {
            listed.entry(ActionsOf(row.symbol_id.unwrap_or(0))).or_default().push(Arc::new(row));
        }
        Ok(listed.into_iter().map(|(key, rows)| (key, Arc::new(Actions::Listed(rows)))).collect())
    }
}

#[async_trait::async_trait]
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
