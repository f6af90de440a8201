//! The client of one key, within its budget.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::{NAME, ipos, notice, payload};
use crate::market::{DataSource, Exchange};
use crate::providers::{
    Capabilities, History, IpoBatch, IpoProvider, Listing, PriceBatch, PriceProvider, ProviderError, http,
};
use crate::settings::AlphaVantageSettings;
use crate::store::{Permit, Refusal, Store, StoreError, now, tomorrow};
use crate::telemetry::metrics;

/// A call with `outputsize=compact` brings this many bars.
const COMPACT_BARS: u32 = 100;

/// The client of one key.
pub struct AlphaVantage {
    store: Store,
    client: Client,
    base_url: Url,
    key: Option<SecretString>,
    /// Names the key's budget in the database.
    budget: String,
    interval_ms: i64,
    per_day: u32,
    timeout: Duration,
}

impl AlphaVantage {
    /// A client with its budget in the store.
    ///
    /// # Errors
    /// When the system has no usable TLS.
    pub fn new(store: Store, settings: &AlphaVantageSettings) -> Result<Self, ProviderError> {
        let key = settings.api_key.clone();
        let interval_ms = if settings.per_second > 0.0 { (1000.0 / settings.per_second).ceil() as i64 } else { 0 };
        Ok(Self {
            store,
            client: http::client(settings.timeout)?,
            base_url: (*settings.base_url).clone(),
            budget: format!("alpha_vantage:{}", key.as_ref().map_or_else(String::new, fingerprint)),
            key,
            interval_ms,
            per_day: settings.per_day,
            timeout: settings.timeout,
        })
    }

    /// Whether there's a key to ask with.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.key.is_some()
    }

    /// Tells how many requests are left today, where there is a bound.
    #[boxed]
    pub async fn measure_budget(&self) -> Result<(), StoreError> {
        if self.is_configured() && self.per_day > 0 {
            let left = self.store.budgets().left(&self.budget, self.per_day).await?;
            metrics::budget_left("alpha_vantage", left);
        }
        Ok(())
    }

    /// JSON, free of notices.
    async fn get(&self, parameters: &[(&str, &str)]) -> Result<String, ProviderError> {
        self.request(parameters, notice::check).await
    }

    /// CSV, free of notices.
    async fn get_text(&self, parameters: &[(&str, &str)]) -> Result<String, ProviderError> {
        self.request(parameters, ipos::check).await
    }

    /// One request within the budget.
    async fn request(
        &self,
        parameters: &[(&str, &str)],
        check: fn(&str) -> Result<(), ProviderError>,
    ) -> Result<String, ProviderError> {
        let Some(key) = &self.key else {
            return Err(ProviderError::NotConfigured { provider: NAME, setting: "ALPHA_VANTAGE_API_KEY" });
        };
        match self.store.budgets().take(&self.budget, self.interval_ms, self.per_day).await? {
            Permit::At(_, wait) => tokio::time::sleep(wait).await,
            Permit::SpentUntil(until) => return Err(self.budget_spent(until)),
        }
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/query", self.base_url.path().trim_end_matches('/')));
        let request = self.client.get(url).query(parameters).query(&[("apikey", key.expose_secret())]);
        let outcome = http::text(NAME, self.timeout, request, check).await;
        self.respect(outcome).await
    }

    /// Keeps the whole service from asking before the provider wants to be asked again.
    async fn respect(&self, outcome: Result<String, ProviderError>) -> Result<String, ProviderError> {
        match &outcome {
            Err(ProviderError::BudgetSpent { .. }) => {
                let until = tomorrow(now());
                self.store.budgets().block(&self.budget, until).await?;
                return Err(self.budget_spent(until));
            }
            Err(ProviderError::Status { retry_after: Some(wait), .. } | ProviderError::TooFast { wait, .. }) => {
                let until = now() + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
                self.store.budgets().block(&self.budget, until).await?;
            }
            _ => {}
        }
        outcome
    }

    fn budget_spent(&self, until: i64) -> ProviderError {
        let at_midnight = until >= tomorrow(now());
        let per_day = match self.per_day {
            _ if !at_midnight => "requests for the moment".to_owned(),
            0 => "requests for today".to_owned(),
            n => format!("{n} requests for today"),
        };
        ProviderError::BudgetSpent { provider: NAME, per_day, until }
    }

    /// The adjusted series where the key allows it, else the raw one; the full history where the key allows it, else
    /// the last 100 bars. What is refused is remembered for the key.
    async fn fetch_prices(&self, ticker: &str, history: History) -> Result<PriceBatch, ProviderError> {
        let budgets = self.store.budgets();
        let mut adjusted = !budgets.is_refused(&self.budget, Refusal::Adjusted).await?;
        let mut full = history == History::Full && !budgets.is_refused(&self.budget, Refusal::Full).await?;
        loop {
            let function = if adjusted { "TIME_SERIES_DAILY_ADJUSTED" } else { "TIME_SERIES_DAILY" };
            let size = if full { "full" } else { "compact" };
            let answer = self.get(&[("function", function), ("symbol", ticker), ("outputsize", size)]).await;
            let answer =
                answer.and_then(|body| payload::batch(body, if full { History::Full } else { History::Recent }));
            match answer {
                Err(ProviderError::Premium { .. }) if adjusted => {
                    budgets.refuse(&self.budget, Refusal::Adjusted).await?;
                    adjusted = false;
                }
                Err(ProviderError::Premium { .. }) if full => {
                    budgets.refuse(&self.budget, Refusal::Full).await?;
                    full = false;
                }
                // The adjusted series is an extra: whatever it lastingly lacks, the plain one may have.
                Err(ProviderError::UnknownSymbol { .. } | ProviderError::Status { status: 400..=404, .. })
                    if adjusted =>
                {
                    adjusted = false;
                }
                Err(ProviderError::UnknownSymbol { .. }) => {
                    return Err(ProviderError::UnknownSymbol { provider: NAME, ticker: ticker.to_owned() });
                }
                other => return other,
            }
        }
    }
}

impl PriceProvider for AlphaVantage {
    fn capabilities(&self) -> Capabilities {
        Capabilities { name: NAME, recent_bars: COMPACT_BARS }
    }

    fn fetch<'a>(&'a self, ticker: &'a str, history: History) -> BoxFuture<'a, Result<PriceBatch, ProviderError>> {
        self.fetch_prices(ticker, history).boxed()
    }

    fn lookup<'a>(&'a self, ticker: &'a str) -> BoxFuture<'a, Result<Option<Listing>, ProviderError>> {
        async move {
            let body = self.get(&[("function", "SYMBOL_SEARCH"), ("keywords", ticker)]).await?;
            Ok(payload::listing(&body, ticker))
        }
        .boxed()
    }
}

impl IpoProvider for AlphaVantage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fetch(&self) -> BoxFuture<'_, Result<IpoBatch, ProviderError>> {
        async move {
            let body = self.get_text(&[("function", "IPO_CALENDAR")]).await?;
            let exchanges = vec![Exchange::Nasdaq, Exchange::Nyse, Exchange::Other];
            Ok(IpoBatch { source: DataSource::AlphaVantage, exchanges, records: ipos::records(&body)? })
        }
        .boxed()
    }
}

/// Tells keys apart without giving them away.
fn fingerprint(key: &SecretString) -> String {
    let digest = Sha256::digest(key.expose_secret().as_bytes());
    hex::encode(&digest[..6])
}
