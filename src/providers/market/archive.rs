//! The NSE's archive of files: a static host without sessions, asked a few times a second at most.

use std::collections::HashMap;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, StatusCode};
use tokio::sync::Mutex;
use url::Url;

use super::layout::{DayFile, read_day};
use crate::market::Day;
use crate::market::calendar::Calendar;
use crate::market::day::{is_weekend, iso, to_date};
use crate::providers::nse::{BROWSER, blocked_minutes};
use crate::providers::{ProviderError, http};
use crate::settings::NseSettings;
use crate::store::{Millis, Permit, Store, now};

const NAME: &str = "The NSE's archive";
/// Names the archive's budget in the database.
const BUDGET: &str = "nse-archive";

/// The client of the archive.
pub struct NseArchive {
    store: Store,
    client: Client,
    base_url: Url,
    timeout: Duration,
    interval_ms: i64,
    /// Lists, with the moment that they were fetched at.
    kept: Mutex<HashMap<String, (Millis, Vec<u8>)>>,
}

/// What the archive has of a day.
#[derive(Debug)]
pub enum DayAnswer {
    File(DayFile),
    /// No file of this day at any of its addresses.
    NotFound,
}

/// The last day of the old layout.
const LAST_OLD: &str = "2024-07-05";
/// The new layout was filled back to here at least.
const FIRST_UDIFF: &str = "2024-01-01";
/// The first day of the layout with deliveries.
const FIRST_FULL: &str = "2019-10-01";

fn day(text: &str) -> Day {
    crate::market::day::parse_iso(text).unwrap_or(Day::MAX)
}

/// Where a day's file may lie, the likeliest first. Weekends have a file a few times in a decade: there one look does, but
/// for those that the exchange is known to have opened on.
#[must_use]
pub fn addresses(of: Day) -> Vec<String> {
    let date = to_date(of);
    let upper = |format: &str| date.format(format).to_string().to_uppercase();
    let old =
        format!("content/historical/EQUITIES/{}/{}/cm{}bhav.csv.zip", date.format("%Y"), upper("%b"), upper("%d%b%Y"));
    let udiff = format!("content/cm/BhavCopy_NSE_CM_0_0_0_{}_F_0000.csv.zip", date.format("%Y%m%d"));
    let full = format!("products/content/sec_bhavdata_full_{}.csv", date.format("%d%m%Y"));
    let mut addresses = Vec::with_capacity(3);
    if of <= day(LAST_OLD) {
        addresses.push(old);
    }
    if of >= day(FIRST_UDIFF) {
        addresses.push(udiff);
    }
    if of >= day(FIRST_FULL) && !(is_weekend(of) && Calendar::India.rests(of)) {
        addresses.push(full);
    }
    addresses
}

impl NseArchive {
    /// # Errors
    /// When the system has no usable TLS, or the proxy's address can't be used.
    pub fn new(store: Store, settings: &NseSettings) -> Result<Self, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(BROWSER));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-US,en;q=0.9"));
        let unusable = |error: reqwest::Error| ProviderError::Unreachable { provider: NAME, why: error.to_string() };
        let mut builder = http::builder(settings.timeout).default_headers(headers);
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.as_str()).map_err(unusable)?);
        }
        Ok(Self {
            store,
            client: builder.build().map_err(unusable)?,
            base_url: (*settings.archive_url).clone(),
            timeout: settings.timeout,
            interval_ms: settings.archive_interval_ms,
            kept: Mutex::default(),
        })
    }

    /// One file; `None` where there is none.
    async fn get(&self, path: &str) -> Result<Option<http::Bytes>, ProviderError> {
        if self.interval_ms > 0 {
            match self.store.budgets().take(BUDGET, self.interval_ms, 0).await? {
                Permit::At(_, wait) => tokio::time::sleep(wait).await,
                Permit::SpentUntil(until) => return Err(ProviderError::Blocked { provider: NAME, until }),
            }
        } else if let Some(until) = self.store.budgets().blocked(BUDGET).await? {
            return Err(ProviderError::Blocked { provider: NAME, until });
        }
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/{path}", self.base_url.path().trim_end_matches('/')));
        let answer = http::bytes(NAME, self.timeout, self.client.get(url)).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status if status.is_success() => return Ok(Some(answer)),
            _ => {}
        }
        let page = String::from_utf8_lossy(&answer.body);
        let wait = match (answer.retry_after, blocked_minutes(&page)) {
            (Some(wait), _) => i64::try_from(wait.as_millis()).ok(),
            (None, Some(minutes)) if answer.status == StatusCode::FORBIDDEN => {
                Some(minutes.max(1).saturating_mul(60_000))
            }
            _ => None,
        };
        if let Some(wait) = wait {
            let until = now().saturating_add(wait);
            self.store.budgets().block(BUDGET, until).await?;
            return Err(ProviderError::Blocked { provider: NAME, until });
        }
        if matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) {
            return Ok(Some(answer));
        }
        Err(ProviderError::Status { provider: NAME, status: answer.status.as_u16(), retry_after: None })
    }

    /// A day's file, from whichever of its addresses has it.
    ///
    /// # Errors
    /// When the archive doesn't answer, or wants quiet.
    #[boxed]
    pub async fn day(&self, of: Day) -> Result<DayAnswer, ProviderError> {
        let mut worst = DayAnswer::NotFound;
        let mut fault = None;
        for path in addresses(of) {
            let answer = match self.get(&path).await {
                Ok(Some(answer)) => answer,
                Ok(None) => continue,
                // Another layout may be there.
                Err(error @ (ProviderError::Status { .. } | ProviderError::Malformed { .. })) => {
                    fault = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if !answer.status.is_success() {
                return Ok(DayAnswer::File(DayFile::Page));
            }
            let turn = self.store.pace().turn().await;
            let read = tokio::task::spawn_blocking(move || read_day(&answer.body, Some(of))).await;
            drop(turn);
            let file = read.map_err(|e| ProviderError::Unreachable { provider: NAME, why: e.to_string() })?;
            match file {
                session @ DayFile::Session(_) => return Ok(DayAnswer::File(session)),
                // The next layout may have it; if not, this is what there was.
                other => worst = DayAnswer::File(other),
            }
        }
        fault.map_or(Ok(worst), Err)
    }

    /// One of the exchange's lists; `None` where there is none.
    ///
    /// # Errors
    /// When the archive doesn't answer, or wants quiet.
    #[boxed]
    pub async fn list(&self, path: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.get(path).await?.filter(|answer| answer.status.is_success()).map(|answer| answer.body))
    }

    /// One of the exchange's lists, fetched at most so long ago.
    ///
    /// # Errors
    /// When the archive doesn't answer, or wants quiet.
    #[boxed]
    pub async fn kept_list(&self, path: &str, lasts_ms: Millis) -> Result<Option<Vec<u8>>, ProviderError> {
        // Held while it's fetched: jobs that run beside each other wait for one answer.
        let mut kept = self.kept.lock().await;
        if let Some((at, bytes)) = kept.get(path)
            && now() - at < lasts_ms
        {
            return Ok(Some(bytes.clone()));
        }
        let bytes = self.list(path).await?;
        if let Some(bytes) = &bytes {
            kept.insert(path.to_owned(), (now(), bytes.clone()));
        }
        Ok(bytes)
    }
}

/// What a file that isn't the day's is, in a person's words.
#[must_use]
pub fn describe(file: &DayFile) -> String {
    match file {
        DayFile::Session(session) => format!("{} shares", session.shares.len()),
        DayFile::OtherDay(found) => format!("no session: the file is a copy of {}", iso(*found)),
        DayFile::Page => "the exchange sent a web page instead of the file; it may block this address: a proxy in \
                          NSE_PROXY may help"
            .to_owned(),
        DayFile::Broken(why) => format!("the file can't be used: {why}"),
    }
}

/// Whether the day's file could still come.
#[must_use]
pub fn may_still_come(of: Day, today: Day) -> bool {
    const DAYS: Day = 3;
    today - of <= DAYS && (!is_weekend(of) || of == today)
}

/// Changes of tickers and the funds, with the names that their fetches are noted under.
pub const CHANGE_LISTS: [&str; 2] = ["content/equities/symbolchange.csv", "content/equities/eq_etfseclist.csv"];
/// What shares are called, and since when they are listed: both boards, and changes of names.
pub const SHARE_LISTS: [&str; 3] =
    ["content/equities/EQUITY_L.csv", "emerge/corporates/content/SME_EQUITY_L.csv", "content/equities/namechange.csv"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_looked_for_where_its_layout_lies() {
        assert_eq!(
            addresses(day("2023-11-30")),
            [
                "content/historical/EQUITIES/2023/NOV/cm30NOV2023bhav.csv.zip",
                "products/content/sec_bhavdata_full_30112023.csv"
            ]
        );
        assert_eq!(addresses(day("2024-07-05")).len(), 3);
        assert_eq!(
            addresses(day("2024-07-08")),
            [
                "content/cm/BhavCopy_NSE_CM_0_0_0_20240708_F_0000.csv.zip",
                "products/content/sec_bhavdata_full_08072024.csv"
            ]
        );
        assert_eq!(addresses(day("2026-02-08")), ["content/cm/BhavCopy_NSE_CM_0_0_0_20260208_F_0000.csv.zip"]);
        assert_eq!(
            addresses(day("2019-10-27")),
            [
                "content/historical/EQUITIES/2019/OCT/cm27OCT2019bhav.csv.zip",
                "products/content/sec_bhavdata_full_27102019.csv"
            ],
            "a Sunday with a session"
        );
        assert_eq!(addresses(day("1994-11-03")), ["content/historical/EQUITIES/1994/NOV/cm03NOV1994bhav.csv.zip"]);
    }
}
