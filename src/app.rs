//! What jobs and resolvers share, built once from the settings. Nothing is global.

use std::collections::HashMap;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use moka::future::Cache;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::forecast::{ArtifactError, ModelDirectory};
use crate::market::splits::Split;
use crate::market::{DataSource, Dividend, Series};
use crate::providers::alpha_vantage::AlphaVantage;
use crate::providers::files::is_large;
use crate::providers::market::NseArchive;
use crate::providers::nse::Nse;
use crate::providers::{IpoProvider, PriceProvider, ProviderError};
use crate::registry::Registry;
use crate::settings::Settings;
use crate::store::entity::symbol;
use crate::store::{History, Store, StoreError};
use crate::telemetry::metrics;

/// A handle on everything; clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub providers: Providers,
    pub series: SeriesCache,
    pub models: Registry,
    /// See [`App::alone_if_large`].
    files: Arc<Semaphore>,
    /// One model is trained at a time.
    pub training: Arc<Semaphore>,
    /// Runs and forecasts that are computed at a time: as many as there are processors.
    pub computing: Arc<Semaphore>,
    /// Cancelled when the process is asked to stop.
    pub shutdown: CancellationToken,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the model that ships is not sound: {0}")]
    Model(#[from] ArtifactError),
    #[error("starting was interrupted: {0}")]
    Interrupted(String),
}

impl App {
    /// The same service for operations that read whole tables: see [`Store::for_scans`].
    #[must_use]
    pub fn for_scans(&self) -> Self {
        let Parts { settings, store, providers, series, models, files, training, computing, shutdown } = &**self;
        Self(Arc::new(Parts {
            settings: settings.clone(),
            store: store.for_scans(),
            providers: providers.clone(),
            series: series.clone(),
            models: models.clone(),
            files: files.clone(),
            training: training.clone(),
            computing: computing.clone(),
            shutdown: shutdown.clone(),
        }))
    }

    /// Computes what takes milliseconds off the async threads. Fifty at a time would share the processors with the threads
    /// that answer everybody else.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
        // It is never closed.
        let permit = self.computing.clone().acquire_owned().await.ok();
        let work = move || {
            // Also when nobody waits for the result any more.
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await
    }

    /// A large file of prices takes a few times its bytes while it is read, so there is one at a time, of jobs' and
    /// requests', for as long as this is held. Its length and its first bytes tell whether it is large.
    pub async fn alone_if_large(&self, bytes: usize, head: &[u8]) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        if is_large(bytes, head) { self.files.acquire().await.ok() } else { None }
    }

    /// Where clients find a path of this service.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.public_url.as_str().trim_end_matches('/'))
    }

    /// Connects to the database and builds the parts.
    ///
    /// # Errors
    /// When the database doesn't answer or a provider's client can't be made.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        // The driver's futures are large, and every command holds this one.
        let store = Box::pin(Store::connect_with(&settings.database_url, settings.database_pool)).await?;
        let alpha_vantage = AlphaVantage::new(store.clone(), &settings.alpha_vantage)?;
        let nse = Nse::new(store.clone(), &settings.nse)?;
        let archive = NseArchive::new(store.clone(), &settings.nse)?;
        let providers =
            Providers { alpha_vantage: Arc::new(alpha_vantage), nse: Arc::new(nse), archive: Arc::new(archive) };
        let series = SeriesCache::new(store.clone());
        let (folder, library) = (settings.models_dir.clone(), settings.onnx_runtime.clone());
        let directory = tokio::task::spawn_blocking(move || ModelDirectory::load(&folder, library.as_deref()));
        let models =
            Registry::new(store.clone(), directory.await.map_err(|e| StartError::Interrupted(e.to_string()))??);
        let [files, training] = [(); 2].map(|()| Arc::new(Semaphore::new(1)));
        let computing = Arc::new(Semaphore::new(processors()));
        let shutdown = CancellationToken::new();
        Ok(Self(Arc::new(Parts { settings, store, providers, series, models, files, training, computing, shutdown })))
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How many threads may be at something long where the rest must answer. At least one.
#[must_use]
pub fn all_processors_but_one() -> usize {
    processors().saturating_sub(1).max(1)
}

/// The sources of data.
#[derive(Clone)]
pub struct Providers {
    alpha_vantage: Arc<AlphaVantage>,
    nse: Arc<Nse>,
    archive: Arc<NseArchive>,
}

impl Providers {
    /// The source that symbols' prices are refreshed from.
    #[must_use]
    pub fn prices(&self) -> Arc<dyn PriceProvider> {
        self.alpha_vantage.clone()
    }

    /// The files of the whole NSE.
    #[must_use]
    pub fn archive(&self) -> &NseArchive {
        &self.archive
    }

    /// The NSE's own interface.
    #[must_use]
    pub fn nse(&self) -> &Nse {
        &self.nse
    }

    /// A source of IPOs; `None` if this isn't one.
    #[must_use]
    pub fn ipos(&self, source: DataSource) -> Option<Arc<dyn IpoProvider>> {
        match source {
            DataSource::Nse => Some(self.nse.clone()),
            DataSource::AlphaVantage => Some(self.alpha_vantage.clone()),
            DataSource::Csv | DataSource::AdjustedCsv | DataSource::Manual | DataSource::Sample => None,
        }
    }

    /// Tells how many requests are left today, of providers that bound them.
    pub async fn measure_budgets(&self) -> Result<(), StoreError> {
        self.alpha_vantage.measure_budget().await
    }

    /// Whether prices can be fetched at all, and if not, what to set.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`] that names the setting.
    pub fn check_prices(&self) -> Result<(), ProviderError> {
        if self.alpha_vantage.is_configured() {
            return Ok(());
        }
        Err(ProviderError::NotConfigured { provider: "Alpha Vantage", setting: "ALPHA_VANTAGE_API_KEY" })
    }
}

/// Bytes of the cache of series.
const SERIES_CACHE_BYTES: u64 = 64 << 20;
const BYTES_PER_BAR: usize = 60;
/// Bars that one statement reads, but for a symbol that has more by itself.
const BARS_PER_STATEMENT: usize = 30_000;

/// Series as columns, keyed by the data version: a refresh makes a new key, so nothing here is ever stale.
#[derive(Clone)]
pub struct SeriesCache {
    store: Store,
    cache: Cache<(i64, i32), Arc<Series>>,
    /// Whoever misses a symbol that somebody reads waits for that one; a few symbols share each.
    missed: Arc<[Mutex<()>]>,
    reads: Arc<Semaphore>,
}

/// Symbols that may be missed at a time without a wait for each other.
const MISSED: usize = 64;

impl SeriesCache {
    fn new(store: Store) -> Self {
        let cache = Cache::builder()
            .max_capacity(SERIES_CACHE_BYTES)
            .weigher(|_, series: &Arc<Series>| {
                u32::try_from(series.raw.len() * BYTES_PER_BAR + 200).unwrap_or(u32::MAX)
            })
            .build();
        let missed = (0..MISSED).map(|_| Mutex::new(())).collect();
        let reads = Arc::new(Semaphore::new(store.long_reads()));
        Self { store, cache, missed, reads }
    }

    /// The series that belongs to a row, if it's in memory.
    pub async fn at_hand(&self, symbol: &symbol::Model) -> Option<Arc<Series>> {
        let series = self.cache.get(&(symbol.id, symbol.data_version)).await?;
        metrics::cache_looked_up("series", 1, 0);
        Some(series)
    }

    /// The series of these symbols, in their order, each with the row that it belongs to: bars and row are of one
    /// moment, which may be later than that of the row given. What isn't cached comes in one
    /// statement, or a few where there are many bars.
    pub async fn get(&self, symbols: &[symbol::Model]) -> Result<Vec<(symbol::Model, Arc<Series>)>, StoreError> {
        let mut found = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            found.push(self.cache.get(&(symbol.id, symbol.data_version)).await);
        }
        let hits = found.iter().flatten().count();
        metrics::cache_looked_up("series", hits as u64, (found.len() - hits) as u64);
        let missing = symbols.iter().zip(&found).filter(|(_, series)| series.is_none());
        let missing: Vec<symbol::Model> = missing.map(|(symbol, _)| symbol.clone()).collect();
        let mut read = match missing.as_slice() {
            [] => HashMap::new(),
            [symbol] => self.read_once(symbol).await?,
            _ => self.read(missing).await?,
        };
        let pair = |(symbol, series): (&symbol::Model, Option<Arc<Series>>)| match series {
            Some(series) => (symbol.clone(), series),
            // A symbol that is gone has no bars.
            None => read.remove(&symbol.id).unwrap_or_else(|| (symbol.clone(), Arc::default())),
        };
        Ok(symbols.iter().zip(found).map(pair).collect())
    }

    /// The same of a symbol that many may ask for at once.
    #[boxed]
    async fn read_once(
        &self,
        symbol: &symbol::Model,
    ) -> Result<HashMap<i64, (symbol::Model, Arc<Series>)>, StoreError> {
        let _missed = self.missed[symbol.id.unsigned_abs() as usize % MISSED].lock().await;
        match self.cache.get(&(symbol.id, symbol.data_version)).await {
            Some(series) => Ok(HashMap::from([(symbol.id, (symbol.clone(), series))])),
            None => self.read(vec![symbol.clone()]).await,
        }
    }

    /// Bars of the versions that the rows have, in one statement; new rows with their bars where one has changed since.
    #[boxed]
    async fn read(
        &self,
        symbols: Vec<symbol::Model>,
    ) -> Result<HashMap<i64, (symbol::Model, Arc<Series>)>, StoreError> {
        // It is never closed.
        let _permit = self.reads.acquire().await.ok();
        let mut read = HashMap::with_capacity(symbols.len());
        let mut changed = Vec::new();
        for symbols in portions(symbols) {
            let histories = self.store.prices().histories(&ids(&symbols)).await?;
            changed.extend(self.keep(symbols, histories, &mut read).await?);
        }
        if changed.is_empty() {
            return Ok(read);
        }
        // Rows and bars as one transaction sees them: a refresh meanwhile can't put new bars under an old version.
        let snapshot = self.store.snapshot().await?;
        for symbols in portions(self.store.symbols().get_many_in(&snapshot, &ids(&changed)).await?) {
            let histories = self.store.prices().histories_in(&snapshot, &ids(&symbols)).await?;
            self.keep(symbols, histories, &mut read).await?;
        }
        snapshot.commit().await?;
        Ok(read)
    }

    /// Makes series of histories. Symbols whose history isn't of the row's version are left.
    async fn keep(
        &self,
        symbols: Vec<symbol::Model>,
        histories: Vec<History>,
        read: &mut HashMap<i64, (symbol::Model, Arc<Series>)>,
    ) -> Result<Vec<symbol::Model>, StoreError> {
        let mut histories: HashMap<i64, History> =
            histories.into_iter().map(|history| (history.symbol, history)).collect();
        let mut left = Vec::new();
        for symbol in symbols {
            let history = histories.remove(&symbol.id).filter(|history| history.version == symbol.data_version);
            let Some(History { bars, provided, .. }) = history else {
                left.push(symbol);
                continue;
            };
            let splits: Vec<Split> =
                serde_json::from_str(&symbol.splits).map_err(StoreError::corrupt("list of splits"))?;
            let dividends: Vec<Dividend> =
                serde_json::from_str(&symbol.dividends).map_err(StoreError::corrupt("list of dividends"))?;
            let series = Arc::new(Series::new(bars, &provided, splits, dividends));
            self.cache.insert((symbol.id, symbol.data_version), series.clone()).await;
            read.insert(symbol.id, (symbol, series));
        }
        Ok(left)
    }
}

fn ids(symbols: &[symbol::Model]) -> Vec<i64> {
    symbols.iter().map(|symbol| symbol.id).collect()
}

/// Symbols whose bars are read by one statement: a row takes twenty times what it holds until it is read.
fn portions(symbols: Vec<symbol::Model>) -> Vec<Vec<symbol::Model>> {
    let mut portions: Vec<Vec<symbol::Model>> = Vec::new();
    let mut bars = 0;
    for symbol in symbols {
        let own = usize::try_from(symbol.bar_count).unwrap_or(0);
        match portions.last_mut() {
            Some(portion) if bars + own <= BARS_PER_STATEMENT => {
                bars += own;
                portion.push(symbol);
            }
            _ => {
                bars = own;
                portions.push(vec![symbol]);
            }
        }
    }
    portions
}
