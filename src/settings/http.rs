//! What the endpoint lets in.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::address::without_password;
use super::values::{SettingError, Source, flag, parse_if, path_if, text};

/// What the endpoint lets in.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Pages of other origins that may call the service.
    pub cors_origins: Origins,
    /// Whether the schema may be asked for by introspection.
    pub introspection: bool,
    /// Units of cost that one client may spend in a second; nothing sets no limit.
    pub cost_per_second: Option<NonZeroU32>,
    /// Proxies in front of the service that each add to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// Connections at a time.
    pub max_connections: usize,
    /// How long the process goes on answering after it was asked to stop and says that it isn't ready.
    pub drain: Duration,
    /// Operations registered beforehand, one `.graphql` file each.
    pub trusted_documents: Option<PathBuf>,
    /// Whether nothing but registered operations is run.
    pub trusted_documents_only: bool,
    /// Bytes of answers that are kept for whoever asks the same again; none if zero.
    pub response_cache: u64,
}

/// Which other origins' pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    Off,
    Any,
    These(Vec<String>),
}

impl HttpSettings {
    pub(super) fn read(source: &impl Source, listen: SocketAddr) -> Result<Self, SettingError> {
        let seconds =
            parse_if(source, "DRAIN_SECONDS", "a whole number of seconds from 0 to 300", 1, |n: &u64| *n <= 300)?;
        Ok(Self {
            cors_origins: origins(source)?,
            introspection: flag(source, "INTROSPECTION", true)?,
            cost_per_second: rate(source, listen)?,
            trusted_proxies: parse_if(
                source,
                "TRUSTED_PROXIES",
                "how many proxies are in front, 0 to 10",
                0,
                |n: &usize| *n <= 10,
            )?,
            max_connections: parse_if(
                source,
                "MAX_CONNECTIONS",
                "a whole number from 10 to 100000",
                4_096,
                |n: &usize| (10..=100_000).contains(n),
            )?,
            drain: Duration::from_secs(seconds),
            trusted_documents: path_if(source, "TRUSTED_DOCUMENTS", "a folder of operations", Path::is_dir)?,
            trusted_documents_only: flag(source, "TRUSTED_DOCUMENTS_ONLY", false)?,
            response_cache: response_cache(source)?,
        })
    }
}

fn origins(source: &impl Source) -> Result<Origins, SettingError> {
    let takes = "off, *, or a list of origins such as https://app.example.org,http://localhost:3000";
    let Some(value) = text(source, "CORS_ORIGINS") else { return Ok(Origins::Off) };
    match value.as_str() {
        "off" => return Ok(Origins::Off),
        "*" => return Ok(Origins::Any),
        _ => {}
    }
    let origin = |text: &str| {
        let url =
            Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
        (url.path() == "/" && url.query().is_none()).then(|| url.origin().ascii_serialization())
    };
    let list: Option<Vec<String>> = value.split(',').map(origin).collect();
    let refused = || SettingError { name: "CORS_ORIGINS", value: without_password(&value), takes };
    list.map(Origins::These).ok_or_else(refused)
}

/// Mebibytes, up to a gibibyte.
fn response_cache(source: &impl Source) -> Result<u64, SettingError> {
    const MOST: u64 = 1_024;
    let mebibytes = match text(source, "RESPONSE_CACHE") {
        None => 32,
        Some(value) if value == "off" => 0,
        Some(value) => value.parse().ok().filter(|mebibytes| *mebibytes <= MOST).ok_or(SettingError {
            name: "RESPONSE_CACHE",
            value,
            takes: "mebibytes of answers to keep, from 0 to 1024, or off",
        })?,
    };
    Ok(mebibytes << 20)
}

/// A service that only this machine reaches has no limit unless one is set.
fn rate(source: &impl Source, listen: SocketAddr) -> Result<Option<NonZeroU32>, SettingError> {
    let default = if listen.ip().is_loopback() { None } else { NonZeroU32::new(200_000) };
    match text(source, "RATE_LIMIT") {
        None => Ok(default),
        Some(value) if value == "off" => Ok(None),
        Some(value) => {
            let takes = "units of cost that a client may spend in a second, such as 200000, or off";
            value.parse().map(Some).map_err(|_| SettingError { name: "RATE_LIMIT", value, takes })
        }
    }
}
