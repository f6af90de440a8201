//! Tables as files, written while they are read: `/export/prices.parquet?ticker=IBM&from=2020-01-01`.
//!
//! Each client writes one at a time, a few clients do at once, and whoever stops reading loses their permit.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::Service;
use super::failure::failure;
use super::permits::{LONGEST_EXPORT, Wanting};
use super::rates::{self, Client};
use super::rest::path::Path;
use crate::actions::Caller;
use crate::export::{Format, PriceExport, Table, Wanted};
use crate::graphql::{Kind, decode_id};
use crate::market::{Day, day};
use crate::request::RequestError;

/// How many clients may wait for a permit, and for how long.
const MOST_WAITING: usize = 32;
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// A client that takes no bytes for so long reads no more.
const LONGEST_STALL: Duration = Duration::from_secs(30);

/// Bytes a chunk, and chunks that wait for the client.
const CHUNK: usize = 128 << 10;
const CHUNKS: usize = 4;
/// What an export costs of a client's rate: a list of a thousand rows.
const COST: u64 = 1_000;

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/export/{file}", get(list))
        .route("/export/{kind}/{file}", get(single))
        .route("/export/backtests/{id}/{file}", get(of_backtest))
}

type Parameters = Query<Vec<(String, String)>>;

async fn list(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(file): Path<String>,
    Query(parameters): Parameters,
) -> Response {
    let parsed = format_of(&file, &parameters).and_then(|(name, format)| {
        let wanted = match name {
            "prices" => Wanted::Prices(prices(&parameters)?),
            "ipos" => Wanted::Ipos,
            "backtests" => Wanted::Backtests,
            "sweeps" => Wanted::Sweeps,
            _ => return Err(RequestError::invalid("file", "prices, ipos, backtests and sweeps can be exported")),
        };
        if name != "prices" {
            whole(&parameters)?;
        }
        Ok((wanted, format))
    });
    answer(&service, &caller, parsed).await
}

async fn single(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path((kind, file)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Response {
    let parsed = format_of(&file, &parameters).and_then(|(id, format)| {
        let wanted = match kind.as_str() {
            "backtests" => Wanted::BacktestCurve(number(Kind::Backtest, id, "backtest")?),
            "sweeps" => Wanted::Sweep(number(Kind::Sweep, id, "sweep")?),
            _ => return Err(RequestError::invalid("kind", "single backtests and sweeps can be exported")),
        };
        whole(&parameters)?;
        Ok((wanted, format))
    });
    answer(&service, &caller, parsed).await
}

async fn of_backtest(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path((id, file)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Response {
    let parsed = format_of(&file, &parameters).and_then(|(name, format)| {
        let id = number(Kind::Backtest, &id, "backtest")?;
        whole(&parameters)?;
        match name {
            "trades" => Ok((Wanted::BacktestTrades(id), format)),
            "equity" => Ok((Wanted::BacktestCurve(id), format)),
            _ => Err(RequestError::invalid("file", "a backtest has the tables trades and equity")),
        }
    });
    answer(&service, &caller, parsed).await
}

fn number(kind: Kind, id: &str, what: &str) -> Result<i64, RequestError> {
    let missing = || RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") };
    decode_id(kind, id).ok_or_else(missing)
}

/// What a file's name or `format` says that it is to be written as.
fn format_of<'a>(file: &'a str, parameters: &[(String, String)]) -> Result<(&'a str, Format), RequestError> {
    let named = parameters.iter().find(|(name, _)| name == "format").map(|(_, value)| value.as_str());
    let (name, ending) = match (file.rsplit_once('.'), named) {
        (Some((name, ending)), None) => (name, ending),
        (None, Some(format)) => (file, format),
        (Some((name, ending)), Some(format)) if Format::of(ending) == Format::of(format) => (name, ending),
        _ => (file, ""),
    };
    let format = Format::of(ending)
        .ok_or_else(|| RequestError::invalid("format", "name one format: the file ends in .csv, .parquet or .arrow"))?;
    Ok((name, format))
}

/// Checks that nothing is asked to be left out of a table that comes whole: it would not be.
fn whole(parameters: &[(String, String)]) -> Result<(), RequestError> {
    match parameters.iter().find(|(name, _)| name != "format") {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("there is no parameter {name:?}: this table comes whole, and format alone is known");
            Err(RequestError::invalid("parameter", message))
        }
    }
}

fn prices(parameters: &[(String, String)]) -> Result<PriceExport, RequestError> {
    let mut export = PriceExport::default();
    let date = |field, text: &str| -> Result<Option<Day>, RequestError> {
        let day = day::parse_iso(text.trim());
        day.map(Some).ok_or_else(|| RequestError::invalid(field, format!("{text:?} is not a date such as 2024-07-19")))
    };
    for (name, value) in parameters {
        match name.as_str() {
            "ticker" | "tickers" => {
                let named = value.split(',').map(str::trim).filter(|ticker| !ticker.is_empty());
                let before = export.tickers.len();
                export.tickers.extend(named.map(str::to_owned));
                // A script's variable that is empty means one share, not everyone's.
                if export.tickers.len() == before {
                    let message = "the ticker is empty: name one, or leave the parameter out for everyone's prices";
                    return Err(RequestError::invalid("ticker", message));
                }
            }
            "from" => export.from = date("from", value)?,
            "to" => export.to = date("to", value)?,
            "format" => {}
            _ => {
                let message = format!("there is no parameter {name:?}: ticker, from, to and format are known");
                return Err(RequestError::invalid("parameter", message));
            }
        }
    }
    Ok(export)
}

async fn answer(service: &Service, caller: &Caller, wanted: Result<(Wanted, Format), RequestError>) -> Response {
    let (wanted, format) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return refusal(&error),
    };
    let client = Client::of(caller);
    if let Err(wait) = service.gate.rates.charge(client, COST) {
        return rates::refused(wait);
    }
    match wanted.find(&service.app).await {
        Ok(table) => stream(service, client, table, format).await,
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &RequestError) -> Response {
    match error {
        RequestError::NotFound { field, what } => failure("NOT_FOUND", &format!("There is no {what}"), Some(field)),
        RequestError::Invalid { field, message } => failure("INVALID", message, Some(field)),
        fault => {
            let id = ulid::Ulid::new().to_string();
            tracing::error!(error = %fault, id, "an export did not begin");
            failure("INTERNAL", &format!("The service failed; the log tells more under {id}"), None)
        }
    }
}

async fn stream(service: &Service, client: Client, table: Table, format: Format) -> Response {
    let exports = &service.exports;
    let own = exports.of_client.get_with(client, || Arc::new(Semaphore::new(1)));
    let permit = async {
        // Each client waits among the others once; what more it asks for waits for that.
        let own = own.acquire_owned().await;
        let (_wanting, waiting) = Wanting::new(&exports.wanting);
        if waiting > MOST_WAITING {
            return None;
        }
        Some((own, exports.permits.clone().acquire_owned().await))
    };
    let Some(permit) = tokio::time::timeout(LONGEST_WAIT, permit).await.ok().flatten() else {
        return failure("OVERLOADED", "Many tables are being exported; try again shortly", None);
    };
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let sink = Chunks {
        sender: sender.clone(),
        buffer: Vec::with_capacity(CHUNK),
        runtime: Handle::current(),
        end: Instant::now() + LONGEST_EXPORT,
    };
    let name = format!("{}.{}", table.name(), format.ending());
    let app = service.app.clone();
    tokio::spawn(async move {
        if let Err(error) = table.write(&app, format, sink, false).await {
            tracing::info!(%error, "an export ended early");
            // The client sees a transfer that breaks off, not a file that looks whole.
            let broken = io::Error::other(error.to_string());
            let _ = sender.send_timeout(Err(broken), LONGEST_STALL).await;
        }
        drop(permit);
    });
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, Body::from_stream(ReceiverStream::new(chunks))).into_response()
}

/// Bytes on their way to a client, in chunks.
struct Chunks {
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
    buffer: Vec<u8>,
    runtime: Handle,
    end: Instant,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK)));
        let left = self.end.saturating_duration_since(Instant::now()).min(LONGEST_STALL);
        // On a thread for blocking work.
        let sent = self.runtime.block_on(self.sender.send_timeout(Ok(chunk), left));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client does not read on"))
    }
}

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_or_the_parameter_names_the_format_and_two_may_not_differ() {
        let format = |text: &str| vec![("format".to_owned(), text.to_owned())];
        let found = |file: &str, parameters: &[(String, String)]| format_of(file, parameters).ok().map(|(_, f)| f);
        assert_eq!(found("prices.parquet", &[]), Some(Format::Parquet));
        assert_eq!(found("prices", &format("arrow")), Some(Format::Arrow));
        assert_eq!(found("prices.csv", &format("csv")), Some(Format::Csv));
        assert_eq!(found("prices.csv", &format("arrow")), None);
        assert_eq!((found("prices", &[]), found("prices.xlsx", &[])), (None, None));
    }

    #[test]
    fn an_empty_parameter_never_asks_for_more() {
        let asked = |name: &str, text: &str| prices(&[(name.to_owned(), text.to_owned())]).ok().map(|e| e.tickers);
        assert_eq!(asked("ticker", "IBM, ACME,"), Some(vec!["IBM".to_owned(), "ACME".to_owned()]));
        for (name, text) in [("ticker", ""), ("tickers", " , "), ("from", ""), ("to", " ")] {
            assert_eq!(asked(name, text), None, "{name}={text}");
        }
        assert_eq!(prices(&[]).ok().map(|e| e.tickers.len()), Some(0));
    }
}
