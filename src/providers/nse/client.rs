//! The client of the exchange's pages, within its budget and its patience.

use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue, REFERER, USER_AGENT};
use reqwest::{Client, StatusCode};
use tokio::sync::Mutex;
use url::Url;

use super::{NAME, holidays, payload};
use crate::market::day::to_date;
use crate::market::{DataSource, Day, Exchange};
use crate::providers::market::{Announcements, actions_of_json};
use crate::providers::{IpoBatch, IpoProvider, ProviderError, RawIpo, http};
use crate::settings::NseSettings;
use crate::store::{Permit, Store, now};

/// Names the exchange's budget in the database.
const BUDGET: &str = "nse";
/// Three requests a second.
const INTERVAL_MS: i64 = 334;
/// How long the home page's cookies are taken to be good.
const SESSION_LASTS: Duration = Duration::from_mins(5);
pub(crate) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
/// Where a denial doesn't say how long it lasts.
const USUAL_BLOCK_MINUTES: i64 = 10;

/// The client of the exchange's pages.
pub struct Nse {
    store: Store,
    client: Client,
    base_url: Url,
    timeout: Duration,
    /// When the home page was last visited.
    session: Mutex<Option<Instant>>,
}

impl Nse {
    /// # Errors
    /// When the system has no usable TLS, or the proxy's address can't be used.
    pub fn new(store: Store, settings: &NseSettings) -> Result<Self, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(BROWSER));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json,text/html,*/*;q=0.8"));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-US,en;q=0.9"));
        if let Ok(referer) = HeaderValue::from_str(settings.base_url.as_str()) {
            headers.insert(REFERER, referer);
        }
        let unusable = |error: reqwest::Error| {
            // The address may hold a password.
            ProviderError::Unreachable { provider: NAME, why: error.without_url().to_string() }
        };
        let mut builder = http::builder(settings.timeout).cookie_store(true).default_headers(headers);
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.as_str()).map_err(unusable)?);
        }
        Ok(Self {
            store,
            client: builder.build().map_err(unusable)?,
            base_url: (*settings.base_url).clone(),
            timeout: settings.timeout,
            session: Mutex::new(None),
        })
    }

    /// One request, no sooner than it may leave.
    async fn send(&self, path: &str, query: &[(&str, &str)]) -> Result<http::Answer, ProviderError> {
        match self.store.budgets().take(BUDGET, INTERVAL_MS, 0).await? {
            Permit::At(_, wait) => tokio::time::sleep(wait).await,
            Permit::SpentUntil(until) => return Err(ProviderError::Blocked { provider: NAME, until }),
        }
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}{path}", self.base_url.path().trim_end_matches('/')));
        http::answer(NAME, self.timeout, self.client.get(url).query(query)).await
    }

    /// Visits the home page, unless that was a short while ago.
    async fn warm_up(&self, again: bool) -> Result<(), ProviderError> {
        let mut session = self.session.lock().await;
        if !again && session.is_some_and(|at| at.elapsed() < SESSION_LASTS) {
            return Ok(());
        }
        *session = None;
        let answer = self.send("/", &[]).await?;
        self.respect_block(&answer).await?;
        *session = Some(Instant::now());
        Ok(())
    }

    /// Lets nothing leave while the exchange wants quiet.
    async fn respect_block(&self, answer: &http::Answer) -> Result<(), ProviderError> {
        let wait = match (answer.retry_after, blocked_minutes(&answer.body)) {
            (Some(wait), _) if !answer.status.is_success() => i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2),
            (_, Some(minutes)) if answer.status == StatusCode::FORBIDDEN => minutes.max(1).saturating_mul(60_000),
            _ => return Ok(()),
        };
        let until = now().saturating_add(wait);
        self.store.budgets().block(BUDGET, until).await?;
        Err(ProviderError::Blocked { provider: NAME, until })
    }

    /// The text of a data page. A session that isn't good is renewed once.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<String, ProviderError> {
        self.warm_up(false).await?;
        let mut renewed = false;
        loop {
            let answer = self.send(path, query).await?;
            self.respect_block(&answer).await?;
            let is_page = answer.body.trim_start_matches('\u{feff}').trim_start().starts_with('<');
            let denied = matches!(
                answer.status,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE
            ) || (answer.status.is_success() && is_page);
            if denied && !renewed {
                renewed = true;
                self.warm_up(true).await?;
                continue;
            }
            if !answer.status.is_success() {
                return Err(ProviderError::Refused { provider: NAME, status: answer.status.as_u16() });
            }
            if is_page {
                return Err(ProviderError::Malformed { provider: NAME, what: "a web page instead of data".to_owned() });
            }
            return Ok(answer.body);
        }
    }

    /// What companies did to their shares, by ex-dates; main board and SME board.
    ///
    /// # Errors
    /// When the exchange doesn't answer, or wants quiet.
    #[boxed]
    pub async fn corporate_actions(&self, from: Day, to: Day) -> Result<Announcements, ProviderError> {
        let date = |day: Day| to_date(day).format("%d-%m-%Y").to_string();
        let (from, to) = (date(from), date(to));
        let mut all = Announcements::default();
        for index in ["equities", "sme"] {
            let query = [("index", index), ("from_date", from.as_str()), ("to_date", to.as_str())];
            let found = actions_of_json(&self.get("/api/corporates-corporateActions", &query).await?)?;
            all.actions.extend(found.actions);
            all.unread.merge(found.unread);
        }
        Ok(all)
    }

    /// The weekdays on which the equity segment rests, by the exchange's own list of this year.
    ///
    /// # Errors
    /// When the exchange doesn't answer, or wants quiet.
    #[boxed]
    pub async fn holidays(&self) -> Result<Vec<(Day, String)>, ProviderError> {
        holidays::read(&self.get("/api/holiday-master", &[("type", "trading")]).await?)
    }

    async fn fetch_ipos(&self) -> Result<IpoBatch, ProviderError> {
        let upcoming = self.get("/api/all-upcoming-issues", &[("category", "ipo")]).await?;
        let current = self.get("/api/ipo-current-issue", &[]).await?;
        let past = self.get("/api/public-past-issues", &[]).await?;
        let mut records = payload::live_issues(&current)?;
        records.extend(payload::live_issues(&upcoming)?);
        self.add_details(&mut records).await?;
        records.extend(payload::past_issues(&past)?);
        Ok(IpoBatch { source: DataSource::Nse, exchanges: vec![Exchange::Nse, Exchange::Bse], records })
    }

    /// Lot, face value, registrar and bids of the issues that are or will be open. They're a comfort: what can't be
    /// had is left out, unless the exchange wants quiet.
    async fn add_details(&self, records: &mut [RawIpo]) -> Result<(), ProviderError> {
        let mut known: std::collections::HashMap<String, payload::Details> = std::collections::HashMap::new();
        for record in records.iter_mut().filter(|r| r.exchange == Exchange::Nse) {
            let Some(symbol) = record.ticker.clone() else { continue };
            if !known.contains_key(&symbol) {
                let series = record.security.clone().unwrap_or_else(|| "EQ".to_owned());
                let details = self.details(&symbol, &series).await?;
                known.insert(symbol.clone(), details);
            }
            if let Some(details) = known.get(&symbol) {
                details.fill(record);
            }
        }
        Ok(())
    }

    async fn details(&self, symbol: &str, series: &str) -> Result<payload::Details, ProviderError> {
        let mut details = payload::Details::default();
        match self.get("/api/ipo-detail", &[("symbol", symbol), ("series", series)]).await {
            Ok(body) => details.read_detail(&body),
            Err(error @ ProviderError::Blocked { .. }) => return Err(error),
            Err(error) => tracing::info!(%error, symbol, "the issue's details can't be had"),
        }
        if details.subscription.is_none() {
            match self.get("/api/ipo-active-category", &[("symbol", symbol)]).await {
                Ok(body) => details.read_categories(&body),
                Err(error @ ProviderError::Blocked { .. }) => return Err(error),
                Err(error) => tracing::info!(%error, symbol, "the issue's bids can't be had"),
            }
        }
        Ok(details)
    }
}

/// How long a denial asks to wait: "Please try accessing this page again after 10 minutes."
pub(crate) fn blocked_minutes(body: &str) -> Option<i64> {
    let text = body.to_lowercase();
    if !text.contains("restricted") && !text.contains("again after") {
        return None;
    }
    let (_, after) = text.split_once("after ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(digits.parse().unwrap_or(USUAL_BLOCK_MINUTES))
}

impl IpoProvider for Nse {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fetch(&self) -> BoxFuture<'_, Result<IpoBatch, ProviderError>> {
        self.fetch_ipos().boxed()
    }
}
