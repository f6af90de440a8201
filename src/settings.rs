//! What can be set from outside, read once from the environment (and `.env`), checked at the start.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use secrecy::SecretString;
use url::Url;

/// Connections to PostgreSQL, unless more jobs at a time need more.
const POSTGRES_CONNECTIONS: u32 = 16;

/// Every setting, with its default filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite://path` or `postgres://user:password@host/database`.
    pub database_url: DatabaseUrl,
    /// Connections to PostgreSQL, at most.
    pub database_pool: u32,
    /// Address and port to serve on.
    pub listen: SocketAddr,
    /// How clients reach the service, for the links it gives out.
    pub public_url: Url,
    /// A token with every right, for making the first others.
    pub admin_token: Option<SecretString>,
    /// Whether reading needs a token, too.
    pub require_token_to_read: bool,
    pub http: HttpSettings,
    pub alpha_vantage: AlphaVantageSettings,
    pub nse: NseSettings,
    /// When IPOs are fetched.
    pub ipo_schedule: Option<Schedule>,
    /// When all prices are refreshed.
    pub price_schedule: Option<Schedule>,
    /// When the newest daily files are fetched, once there are stored ones.
    pub market_schedule: Option<Schedule>,
    /// Where models of one's own lie.
    pub models_dir: PathBuf,
    /// The library of ONNX Runtime.
    pub onnx_runtime: Option<PathBuf>,
    /// Jobs that one process runs at the same time.
    pub worker_concurrency: usize,
    pub log_format: LogFormat,
}

/// Where the database is. Printed without the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl std::ops::Deref for DatabaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_password(&self.0), f)
    }
}

/// An address, printed without the name and the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl From<Url> for Address {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl std::ops::Deref for Address {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_password(self.0.as_str()), f)
    }
}

/// An address as it may be shown, whether it's well formed or not: what stands before an `@` may be a password, and so
/// may what follows a `?`.
fn without_password(address: &str) -> String {
    let address = match address.split_once('?') {
        Some((before, _)) => format!("{before}?…"),
        None => address.to_owned(),
    };
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}…{}", &address[..scheme + 3], &address[at..]),
        (None, Some(at)) => format!("…{}", &address[at..]),
        _ => address,
    }
}

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
}

/// Which other origins' pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    Off,
    Any,
    These(Vec<String>),
}

impl HttpSettings {
    fn read(source: &impl Source, listen: SocketAddr) -> Result<Self, SettingError> {
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
            trusted_documents: text(source, "TRUSTED_DOCUMENTS").map(PathBuf::from),
            trusted_documents_only: flag(source, "TRUSTED_DOCUMENTS_ONLY", false)?,
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
    list.map(Origins::These).ok_or(SettingError { name: "CORS_ORIGINS", value, takes })
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

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// A cron pattern and its text.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub cron: Cron,
    pub pattern: String,
}

/// A setting that can't be used. It prints as one line that names the setting and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}, but it takes {takes}")]
pub struct SettingError {
    pub name: &'static str,
    pub value: String,
    pub takes: &'static str,
}

/// Where values come from: the environment, or a map in tests.
pub trait Source {
    fn get(&self, name: &'static str) -> Option<String>;
}

/// The process environment.
pub struct Environment;

impl Source for Environment {
    fn get(&self, name: &'static str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<F: Fn(&'static str) -> Option<String>> Source for F {
    fn get(&self, name: &'static str) -> Option<String> {
        self(name)
    }
}

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn read(source: &impl Source) -> Result<Self, SettingError> {
        let database_url = text(source, "DATABASE_URL").unwrap_or_else(|| "sqlite://data/prospectus.db".to_owned());
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
            // The value may hold a password.
            let value = database_url.split_once(':').map_or("…", |(scheme, _)| scheme).to_owned();
            let takes = "sqlite://path or postgres://user:password@host/database";
            return Err(SettingError { name: "DATABASE_URL", value, takes });
        }
        let listen: SocketAddr = parse(
            source,
            "LISTEN",
            "an address and a port, such as 127.0.0.1:8000",
            SocketAddr::from(([127, 0, 0, 1], 8000)),
        )?;
        let takes_url = "an http or https address, such as https://example.org";
        let public_url = match url(source, "PUBLIC_URL", takes_url)? {
            Some(url) => url,
            None => default_public_url(listen),
        };
        let worker_concurrency =
            parse_if(source, "WORKER_CONCURRENCY", "a whole number from 1 to 64", 4, |n: &usize| (1..=64).contains(n))?;
        Ok(Self {
            database_pool: database_pool(source, &database_url, worker_concurrency)?,
            database_url: DatabaseUrl(database_url),
            listen,
            public_url,
            admin_token: secret(source, "ADMIN_TOKEN", 16, "at least 16 characters")?,
            require_token_to_read: flag(source, "REQUIRE_TOKEN_TO_READ", false)?,
            http: HttpSettings::read(source, listen)?,
            alpha_vantage: AlphaVantageSettings::read(source)?,
            nse: NseSettings::read(source)?,
            ipo_schedule: schedule(source, "IPO_SCHEDULE", "30 0 * * *")?,
            price_schedule: schedule(source, "PRICE_SCHEDULE", "30 23 * * 1-5")?,
            // 19:15 in India; the day's file comes at about 18:00.
            market_schedule: schedule(source, "MARKET_SCHEDULE", "45 13 * * *")?,
            models_dir: text(source, "MODELS_DIR").unwrap_or_else(|| "models".to_owned()).into(),
            onnx_runtime: text(source, "ORT_DYLIB_PATH").map(PathBuf::from),
            worker_concurrency,
            log_format: match text(source, "LOG_FORMAT").as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(other) => {
                    let takes = "text or json";
                    return Err(SettingError { name: "LOG_FORMAT", value: other.to_owned(), takes });
                }
            },
        })
    }
}

impl AlphaVantageSettings {
    fn read(source: &impl Source) -> Result<Self, SettingError> {
        let takes = "an http or https address, such as https://www.alphavantage.co";
        let base_url = url(source, "ALPHA_VANTAGE_BASE_URL", takes)?;
        let api_key = secret(source, "ALPHA_VANTAGE_API_KEY", 1, "the key that Alpha Vantage gave you")?;
        Ok(Self {
            // Another address is somebody's own stand-in or proxy, which may need no key.
            api_key: api_key.or_else(|| base_url.as_ref().map(|_| "demo".into())),
            base_url: Address(base_url.unwrap_or_else(|| constant_url("https://www.alphavantage.co"))),
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
    fn read(source: &impl Source) -> Result<Self, SettingError> {
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
            base_url: Address(base_url.unwrap_or_else(|| constant_url("https://www.nseindia.com"))),
            archive_url: Address(archive),
            archive_interval_ms: if per_second > 0.0 { (1_000.0 / per_second).ceil() as i64 } else { 0 },
            proxy: url(source, "NSE_PROXY", "the http or https address of a proxy")?.map(Address),
            timeout: provider_timeout(source)?,
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn provider_timeout(source: &impl Source) -> Result<Duration, SettingError> {
    let takes = "a whole number of seconds from 1 to 300";
    let seconds = parse_if(source, "PROVIDER_TIMEOUT_SECONDS", takes, 15, |n: &u64| (1..=300).contains(n))?;
    Ok(Duration::from_secs(seconds))
}

/// The value, if there's one and it isn't blank.
fn text(source: &impl Source, name: &'static str) -> Option<String> {
    source.get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

fn parse<T: FromStr>(
    source: &impl Source,
    name: &'static str,
    takes: &'static str,
    default: T,
) -> Result<T, SettingError> {
    parse_if(source, name, takes, default, |_| true)
}

fn parse_if<T: FromStr>(
    source: &impl Source,
    name: &'static str,
    takes: &'static str,
    default: T,
    fits: impl Fn(&T) -> bool,
) -> Result<T, SettingError> {
    let Some(value) = text(source, name) else { return Ok(default) };
    let parsed = value.parse().ok().filter(fits);
    parsed.ok_or(SettingError { name, value, takes })
}

fn flag(source: &impl Source, name: &'static str, default: bool) -> Result<bool, SettingError> {
    match text(source, name).map(|v| v.to_lowercase()).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes") => Ok(true),
        Some("false" | "0" | "no") => Ok(false),
        Some(other) => Err(SettingError { name, value: other.to_owned(), takes: "true or false" }),
    }
}

fn url(source: &impl Source, name: &'static str, takes: &'static str) -> Result<Option<Url>, SettingError> {
    let Some(value) = text(source, name) else { return Ok(None) };
    match Url::parse(&value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
        _ => Err(SettingError { name, value: without_password(&value), takes }),
    }
}

/// Connections that the API, the queue and the dispatcher need beside those of running jobs.
const SPARE_CONNECTIONS: usize = 4;

fn database_pool(source: &impl Source, url: &str, concurrency: usize) -> Result<u32, SettingError> {
    let takes = "a whole number from 2 to 1000, at least 4 more than WORKER_CONCURRENCY with PostgreSQL";
    let least = concurrency + SPARE_CONNECTIONS;
    let default = u32::try_from(least).unwrap_or(u32::MAX).max(POSTGRES_CONNECTIONS);
    parse_if(source, "DATABASE_POOL", takes, default, |n: &u32| {
        (2..=1000).contains(n) && (url.starts_with("sqlite:") || *n as usize >= least)
    })
}

fn secret(
    source: &impl Source,
    name: &'static str,
    shortest: usize,
    takes: &'static str,
) -> Result<Option<SecretString>, SettingError> {
    match text(source, name) {
        Some(value) if value.len() < shortest => Err(SettingError { name, value: "…".to_owned(), takes }),
        value => Ok(value.map(SecretString::from)),
    }
}

fn schedule(source: &impl Source, name: &'static str, default: &'static str) -> Result<Option<Schedule>, SettingError> {
    let pattern = text(source, name).unwrap_or_else(|| default.to_owned());
    if pattern == "off" {
        return Ok(None);
    }
    if let Ok(cron) = Cron::from_str(&pattern) {
        Ok(Some(Schedule { cron, pattern }))
    } else {
        let takes = "a cron pattern in UTC, such as \"30 23 * * 1-5\", or off";
        Err(SettingError { name, value: pattern, takes })
    }
}

fn default_public_url(listen: SocketAddr) -> Url {
    let host = if listen.ip().is_unspecified() { "localhost".to_owned() } else { host_of(listen) };
    Url::parse(&format!("http://{host}:{}", listen.port())).unwrap_or_else(|_| constant_url("http://localhost"))
}

fn host_of(listen: SocketAddr) -> String {
    match listen {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

/// For addresses written in this file.
fn constant_url(address: &'static str) -> Url {
    Url::parse(address).expect("a valid address in the source")
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&'static str, &str)]) -> Result<Settings, String> {
        let source = |name: &'static str| values.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Settings::read(&source).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_needs_setting() {
        let settings = read(&[]).expect("defaults");
        assert_eq!(&*settings.database_url, "sqlite://data/prospectus.db");
        assert_eq!(settings.database_pool, 16);
        assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8000/");
        assert_eq!((settings.alpha_vantage.per_second, settings.alpha_vantage.per_day), (1.0, 25));
        assert!(settings.alpha_vantage.api_key.is_none());
        assert_eq!((settings.models_dir.to_str(), settings.onnx_runtime), (Some("models"), None));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_it_takes() {
        for (name, value) in [
            ("DATABASE_URL", "mysql://x"),
            ("LISTEN", "8000"),
            ("PUBLIC_URL", "example.org"),
            ("ADMIN_TOKEN", "short"),
            ("REQUIRE_TOKEN_TO_READ", "perhaps"),
            ("ALPHA_VANTAGE_BASE_URL", "ftp://x"),
            ("ALPHA_VANTAGE_PER_SECOND", "-1"),
            ("ALPHA_VANTAGE_PER_DAY", "many"),
            ("PRICE_SCHEDULE", "at noon"),
            ("IPO_SCHEDULE", "daily"),
            ("NSE_BASE_URL", "nseindia.com"),
            ("NSE_PROXY", "proxy:3128"),
            ("WORKER_CONCURRENCY", "0"),
            ("LOG_FORMAT", "xml"),
            ("DATABASE_POOL", "1"),
            ("CORS_ORIGINS", "example.org"),
            ("CORS_ORIGINS", "https://a.example/path"),
            ("RATE_LIMIT", "0"),
            ("TRUSTED_PROXIES", "-1"),
            ("MAX_CONNECTIONS", "1"),
            ("DRAIN_SECONDS", "soon"),
            ("INTROSPECTION", "maybe"),
        ] {
            let error = read(&[(name, value)]).expect_err(name);
            assert!(error.starts_with(name) && error.contains("takes") && !error.contains('\n'), "{error}");
        }
        assert_eq!(
            read(&[("ALPHA_VANTAGE_PER_DAY", "many")]).expect_err("not a number"),
            "ALPHA_VANTAGE_PER_DAY is \"many\", but it takes requests a day, such as 25; 0 sets no limit"
        );
    }

    #[test]
    fn the_pool_leaves_room_beside_the_jobs() {
        let postgres = ("DATABASE_URL", "postgres://localhost/p");
        let pool = |values: &[(&'static str, &str)]| read(values).map(|settings| settings.database_pool);
        assert_eq!(pool(&[postgres, ("WORKER_CONCURRENCY", "64")]), Ok(68));
        assert_eq!(pool(&[postgres, ("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "12")]), Ok(12));
        let error = pool(&[postgres, ("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "11")]).expect_err("too few");
        assert!(error.starts_with("DATABASE_POOL is \"11\"") && error.contains("WORKER_CONCURRENCY"), "{error}");
        assert_eq!(pool(&[("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "2")]), Ok(2), "SQLite has its own");
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings = read(&[
            ("ADMIN_TOKEN", "hush-hush-hush-hush"),
            ("ALPHA_VANTAGE_API_KEY", "SECRETKEY"),
            ("DATABASE_URL", "postgres://me:hush@db.example:5432/p?sslmode=require&password=hush"),
            ("NSE_PROXY", "http://me:hush@proxy.example:3128"),
            ("NSE_BASE_URL", "http://me:hush@nse.example"),
            ("ALPHA_VANTAGE_BASE_URL", "http://me:hush@av.example"),
        ]);
        let printed = format!("{:?}", settings.expect("settings"));
        assert!(!printed.contains("hush") && !printed.contains("SECRETKEY"), "{printed}");
        assert!(printed.contains("@db.example:5432/p") && printed.contains("@proxy.example:3128"), "{printed}");
    }

    #[test]
    fn nor_are_those_of_malformed_addresses() {
        for (name, value) in [
            ("NSE_PROXY", "socks5://me:hush@proxy:3128"),
            ("NSE_PROXY", "me:hush@proxy:3128"),
            ("NSE_PROXY", "http://me:hu@sh@proxy:port"),
            ("PUBLIC_URL", "ftp://me:hush@example.org"),
            ("ALPHA_VANTAGE_BASE_URL", "ftp://example.org?apikey=hush"),
            ("DATABASE_URL", "mysql://me:hush@db/p"),
            ("DATABASE_URL", "me:hush@db/p"),
        ] {
            let error = read(&[(name, value)]).expect_err(name);
            assert!(error.starts_with(name) && !error.contains("hu"), "{error}");
        }
    }
}
