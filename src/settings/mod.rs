//! What can be set from outside, read once from the environment (and `.env`), checked at the start. One file a theme.

mod address;
mod database;
mod http;
mod providers;
mod retention;
mod schedule;
mod telemetry;
#[cfg(test)]
mod tests;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use address::default_public_url;
use database::{database_pool, database_url};
use schedule::schedule;
use values::{flag, parse, parse_if, path_if, secret, text, url};

pub use address::Address;
pub use database::DatabaseUrl;
pub use http::{HttpSettings, Origins};
pub use providers::{AlphaVantageSettings, NseSettings};
pub use retention::RetentionSettings;
pub use schedule::Schedule;
pub use telemetry::{LogFormat, Sampled, Sampling, TelemetrySettings};
pub use values::{Environment, SettingError, Source};

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
    pub telemetry: TelemetrySettings,
    pub retention: RetentionSettings,
}

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn read(source: &impl Source) -> Result<Self, SettingError> {
        let database_url = database_url(source)?;
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
            database_url,
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
            onnx_runtime: path_if(
                source,
                "ORT_DYLIB_PATH",
                "the library of ONNX Runtime: a file, or a name that the system looks up",
                |path| path.is_file() || path.components().count() == 1,
            )?,
            worker_concurrency,
            telemetry: TelemetrySettings::read(source)?,
            retention: RetentionSettings::read(source)?,
        })
    }
}
