//! What the service tells of itself, and whom.

use std::net::SocketAddr;

use url::Url;

use super::address::Address;
use super::values::{SettingError, Source, text, url};

/// The log, metrics and traces.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    pub log_format: LogFormat,
    /// An address for metrics alone.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces are sent.
    pub traces: Option<Address>,
    /// What traces call the service.
    pub service_name: String,
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
            metrics_listen: metrics_listen(source)?,
            traces: traces(source)?,
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
