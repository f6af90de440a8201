//! The sources of data: where they are, and how much may be asked of them.

use std::time::Duration;

use secrecy::SecretString;

use super::address::{Address, constant_url, is_loopback};
use super::values::{SettingError, Source, parse, parse_if, secret, url};

/// Alpha Vantage's part of the settings.
#[derive(Debug, Clone)]
pub struct AlphaVantageSettings {
    pub api_key: Option<SecretString>,
    pub base_url: Address,
    /// Requests a second, at most; 0 sets no limit.
    pub per_second: f64,
    /// Requests a UTC day, at most; 0 sets no limit.
    pub per_day: u32,
    /// How long the provider may stay silent.
    pub timeout: Duration,
}

/// The NSE's part of the settings.
#[derive(Debug, Clone)]
pub struct NseSettings {
    pub base_url: Address,
    /// The host of the daily files and lists.
    pub archive_url: Address,
    /// The least time between two requests to the archive.
    pub archive_interval_ms: i64,
    /// What to go through; cloud addresses are often blocked.
    pub proxy: Option<Address>,
    /// How long the exchange may stay silent.
    pub timeout: Duration,
}

impl AlphaVantageSettings {
    pub(super) fn read(source: &impl Source) -> Result<Self, SettingError> {
        let takes = "an http or https address, such as https://www.alphavantage.co";
        let base_url = url(source, "ALPHA_VANTAGE_BASE_URL", takes)?;
        let api_key = secret(source, "ALPHA_VANTAGE_API_KEY", 1, "the key that Alpha Vantage gave you")?;
        Ok(Self {
            // Another address is somebody's own stand-in or proxy, which may need no key.
            api_key: api_key.or_else(|| base_url.as_ref().map(|_| "demo".into())),
            base_url: base_url.unwrap_or_else(|| constant_url("https://www.alphavantage.co")).into(),
            per_second: parse_if(
                source,
                "ALPHA_VANTAGE_PER_SECOND",
                "requests a second, such as 1 or 1.25; 0 sets no limit",
                1.0,
                |n: &f64| n.is_finite() && *n >= 0.0 && *n <= 10_000.0,
            )?,
            per_day: parse(source, "ALPHA_VANTAGE_PER_DAY", "requests a day, such as 25; 0 sets no limit", 25)?,
            timeout: provider_timeout(source)?,
        })
    }
}

impl NseSettings {
    pub(super) fn read(source: &impl Source) -> Result<Self, SettingError> {
        let base_url = url(source, "NSE_BASE_URL", "an http or https address, such as https://www.nseindia.com")?;
        let archive =
            url(source, "NSE_ARCHIVE_URL", "an http or https address, such as https://nsearchives.nseindia.com")?;
        let archive = archive.unwrap_or_else(|| constant_url("https://nsearchives.nseindia.com"));
        let per_second = parse_if(
            source,
            "NSE_ARCHIVE_PER_SECOND",
            "requests a second, such as 3 or 0.5; 0 sets no limit",
            // A stand-in on this machine needs no sparing.
            if is_loopback(&archive) { 0.0 } else { 3.0 },
            |n: &f64| n.is_finite() && *n >= 0.0 && *n <= 1_000.0,
        )?;
        Ok(Self {
            base_url: base_url.unwrap_or_else(|| constant_url("https://www.nseindia.com")).into(),
            archive_url: archive.into(),
            archive_interval_ms: if per_second > 0.0 { (1_000.0 / per_second).ceil() as i64 } else { 0 },
            proxy: url(source, "NSE_PROXY", "the http or https address of a proxy")?.map(Address::from),
            timeout: provider_timeout(source)?,
        })
    }
}

fn provider_timeout(source: &impl Source) -> Result<Duration, SettingError> {
    let takes = "a whole number of seconds from 1 to 300";
    let seconds = parse_if(source, "PROVIDER_TIMEOUT_SECONDS", takes, 15, |n: &u64| (1..=300).contains(n))?;
    Ok(Duration::from_secs(seconds))
}
