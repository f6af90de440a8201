//! What the service tells of itself, and whom.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use tracing_subscriber::EnvFilter;
use url::Url;

use super::address::Address;
use super::values::{SettingError, Source, parse, parse_if, text, url};

/// The log, metrics and traces.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    pub log_format: LogFormat,
    /// Which lines are written, where somebody has chosen them.
    pub log_filter: Option<String>,
    /// An address for metrics alone.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces are sent.
    pub traces: Option<Address>,
    /// Which requests are traced.
    pub sampling: Sampling,
    /// What traces call the service.
    pub service_name: String,
}

/// Which requests are traced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    pub sampled: Sampled,
    /// Whether a client's `traceparent` decides where there is one.
    pub follows_clients: bool,
}

/// What is traced of requests that nobody has decided about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampled {
    /// What changes something, every job, and so many others a second.
    Rate(NonZeroU32),
    All,
    None,
    /// A share of all, by the ids of their traces.
    Ratio(f64),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl TelemetrySettings {
    pub(super) fn read(source: &impl Source) -> Result<Self, SettingError> {
        Ok(Self {
            log_format: log_format(source)?,
            log_filter: log_filter(source)?,
            metrics_listen: metrics_listen(source)?,
            traces: traces(source)?,
            sampling: sampling(source)?,
            service_name: text(source, "OTEL_SERVICE_NAME").unwrap_or_else(|| "prospectus".to_owned()),
        })
    }
}

fn log_format(source: &impl Source) -> Result<LogFormat, SettingError> {
    match text(source, "LOG_FORMAT").as_deref() {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(SettingError { name: "LOG_FORMAT", value: other.to_owned(), takes: "text or json" }),
    }
}

fn log_filter(source: &impl Source) -> Result<Option<String>, SettingError> {
    let takes = "a level such as info, or levels by module such as warn,prospectus=debug";
    let filter = text(source, "RUST_LOG");
    match filter.as_deref().map(EnvFilter::try_new) {
        Some(Err(_)) => Err(SettingError { name: "RUST_LOG", value: filter.unwrap_or_default(), takes }),
        _ => Ok(filter),
    }
}

fn metrics_listen(source: &impl Source) -> Result<Option<SocketAddr>, SettingError> {
    match text(source, "METRICS_LISTEN") {
        None => Ok(None),
        Some(value) if value == "off" => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| {
            let takes = "an address and a port, such as 127.0.0.1:9464, or off";
            SettingError { name: "METRICS_LISTEN", value, takes }
        }),
    }
}

/// As OpenTelemetry has it: an address for traces alone as it is, or one for everything, which a path is added to.
fn traces(source: &impl Source) -> Result<Option<Address>, SettingError> {
    let takes = "the http or https address of a collector, such as http://127.0.0.1:4318";
    if let Some(own) = url(source, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", takes)? {
        return Ok(Some(own.into()));
    }
    let shared: Option<Url> = url(source, "OTEL_EXPORTER_OTLP_ENDPOINT", takes)?;
    Ok(shared.map(|mut url| {
        url.set_path(&format!("{}/v1/traces", url.path().trim_end_matches('/')));
        url.into()
    }))
}

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
/// Reads a second that are traced: of a quiet service all, of a busy one so few that nobody waits for them.
const READS_A_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// OpenTelemetry's samplers by the names that it gives them, and one of our own.
fn sampling(source: &impl Source) -> Result<Sampling, SettingError> {
    let takes = "always_on, always_off, traceidratio or rate, or one of them with parentbased_ before it";
    let name = text(source, SAMPLER).unwrap_or_else(|| "parentbased_rate".to_owned());
    let (own, follows_clients) = match name.strip_prefix("parentbased_") {
        Some(own) => (own, true),
        None => (name.as_str(), false),
    };
    let sampled = match own {
        "always_on" => Sampled::All,
        "always_off" => Sampled::None,
        "traceidratio" => {
            let takes = "a share of all traces by traceidratio, from 0 to 1";
            Sampled::Ratio(parse_if(source, SAMPLER_ARG, takes, 1.0, |share| (0.0..=1.0).contains(share))?)
        }
        "rate" => {
            let takes = "how many reads a second are traced by rate, such as 5";
            Sampled::Rate(parse(source, SAMPLER_ARG, takes, READS_A_SECOND)?)
        }
        _ => return Err(SettingError { name: SAMPLER, value: name, takes }),
    };
    Ok(Sampling { sampled, follows_clients })
}
