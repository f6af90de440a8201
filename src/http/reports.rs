//! Reports and charts of stored objects: the routes, and what each response is made of.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::rates::{self, Client};
use super::renders::{JSON, PDF, RenderError, SVG, Wanted};
use super::rest::path::Path;
use super::{Service, console};
use crate::actions::Caller;
use crate::backtest::SweepMetric;
use crate::graphql::{Kind, decode_id};
use crate::market::currency::Quotation;
use crate::market::{Adjustment, Interval, day};
use crate::report::{BacktestReport, DrawError, LOOKS_VERSION, Look, PredictionReport, Printer, Subject, Theme, chart};
use crate::request::{RequestError, find_symbol};
use crate::research::{self, Bars, Span};
use crate::store::entity::symbol;

/// Widths of charts go by steps, so that a client that tries every width finds most of them rendered.
const WIDTH_STEP: i32 = 40;

/// Fonts and templates, parsed when the first PDF is wanted.
static PRINTER: LazyLock<Printer> = LazyLock::new(Printer::default);

/// What a report or a chart costs of a client's rate, whether it has to be drawn or not.
const COST: u64 = 500;

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/reports/backtests/{file}", get(backtest_report))
        .route("/reports/predictions/{file}", get(prediction_report))
        .route("/charts/backtests/{id}/{file}", get(backtest_chart))
        .route("/charts/predictions/{id}/{file}", get(prediction_chart))
        .route("/charts/sweeps/{file}", get(sweep_chart))
        .route("/charts/symbols/{file}", get(symbol_chart))
}

/// Has whoever asks for a report or a chart pay for it.
pub(super) async fn paid(State(service): State<Service>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Caller>().map(Client::of);
    match client.map(|client| service.gate.rates.charge(client, COST)) {
        Some(Err(wait)) => rates::refused(wait),
        _ => next.run(request).await,
    }
}

type Parameters = Query<HashMap<String, String>>;

fn missing(what: &str) -> RenderError {
    RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") }.into()
}

/// A file's name in two: an id and one of these endings.
fn split<'a>(file: &'a str, endings: &[&'static str]) -> Result<(&'a str, &'static str), RenderError> {
    let found = endings.iter().find_map(|ending| Some((file.strip_suffix(ending)?.strip_suffix('.')?, *ending)));
    found.ok_or_else(|| {
        let message = format!(
            "{file:?} must end in {}",
            endings.iter().map(|e| format!(".{e}")).collect::<Vec<_>>().join(" or ")
        );
        RequestError::invalid("file", message).into()
    })
}

fn look_of(parameters: &HashMap<String, String>) -> Result<Look, RenderError> {
    let mut look = Look { titled: parameters.get("title").is_none_or(|t| t != "no"), ..Look::default() };
    if let Some(name) = parameters.get("theme") {
        look.theme = Theme::of(name).ok_or_else(|| RequestError::invalid("theme", "the theme is light or dark"))?;
    }
    if let Some(text) = parameters.get("width") {
        let width = text.parse().ok().filter(|width| Look::WIDTHS.contains(width));
        let (least, most) = Look::WIDTHS.into_inner();
        let width = width.ok_or_else(|| RequestError::invalid("width", format!("the width is {least} to {most}")))?;
        look.width = (width + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
        look.width = look.width.min(most);
    }
    Ok(look)
}

/// Whether an address names this build: under it, the picture of a stored run stays as it is.
fn names_build(parameters: &HashMap<String, String>) -> bool {
    parameters.get("v").and_then(|version| version.split('.').next()).is_some_and(|build| build == console::build())
}

/// A name that any system can save a file under.
fn saved_as(ticker: &str, kind: &str, ending: &str) -> String {
    let plain: String = ticker.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{plain}-{kind}.{ending}")
}

/// The longest part of a run's name that a file is called by.
const LONGEST_IN_FILE: usize = 60;

/// What tells a report from others of its symbol: what a person calls it, as far as any system can save that, and its id, as
/// two may be called the same.
fn report_of(kind: &str, name: Option<&str>, id: &str) -> String {
    let words = name.unwrap_or_default().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut plain = words.collect::<Vec<_>>().join("-");
    plain.truncate(LONGEST_IN_FILE);
    if plain.is_empty() { format!("{kind}-{id}") } else { format!("{kind}-{plain}-{id}") }
}

/// What a report or a chart says of its symbol: a share that gets another name has its own told by the next.
fn told_of(symbol: &symbol::Model) -> String {
    format!("{:?} {:?}", Subject::from(symbol), symbol.adjusted_until)
}

async fn backtest_report(
    State(service): State<Service>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (id, ending) = split(&file, &["pdf", "json"])?;
    backtest_file(&service, id, ending, &headers).await
}

/// The PDF of a backtest that was run just now.
pub(super) async fn backtest_pdf(service: &Service, id: &str) -> Response {
    backtest_file(service, id, "pdf", &HeaderMap::new()).await.unwrap_or_else(IntoResponse::into_response)
}

async fn backtest_file(
    service: &Service,
    id: &str,
    ending: &'static str,
    headers: &HeaderMap,
) -> Result<Response, RenderError> {
    let number = decode_id(Kind::Backtest, id).ok_or_else(|| missing("backtest"))?;
    let (row, symbol) = research::find_backtest(&service.app, number).await?.ok_or_else(|| missing("backtest"))?;
    let wanted = Wanted {
        media_type: if ending == "pdf" { PDF } else { JSON },
        key: format!("backtest {LOOKS_VERSION} {ending} {} {} {}", row.id, row.created_at, told_of(&symbol)),
        name: saved_as(&symbol.ticker, &report_of("backtest", row.name.as_deref(), id), ending),
        is_final: false,
    };
    let global = id.to_owned();
    let make = async {
        let source = research::backtest_source(&service.app, row, &symbol, global).await?;
        Ok(move || {
            let report = BacktestReport::new(source);
            Ok(if ending == "pdf" { PRINTER.backtest(&report)? } else { serde_json::to_vec(&report)? })
        })
    };
    service.renders.render(headers, wanted, make).await
}

async fn prediction_report(
    State(service): State<Service>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (id, ending) = split(&file, &["pdf", "json"])?;
    let number = decode_id(Kind::Prediction, id).ok_or_else(|| missing("prediction"))?;
    let (row, symbol) = research::find_prediction(&service.app, number).await?.ok_or_else(|| missing("prediction"))?;
    let wanted = Wanted {
        media_type: if ending == "pdf" { PDF } else { JSON },
        // What has happened since changes it.
        key: format!(
            "prediction {LOOKS_VERSION} {ending} {} {} {} {}",
            row.id,
            row.created_at,
            symbol.data_version,
            told_of(&symbol)
        ),
        name: saved_as(&symbol.ticker, &report_of("forecast", None, id), ending),
        is_final: false,
    };
    let global = id.to_owned();
    let app = &service.app;
    let make = async {
        let report = PredictionReport::new(research::prediction_source(app, &row, &symbol, global).await?);
        Ok(move || Ok(if ending == "pdf" { PRINTER.prediction(&report)? } else { serde_json::to_vec(&report)? }))
    };
    service.renders.render(&headers, wanted, make).await
}

type BacktestChart = fn(&BacktestReport, Look) -> Result<String, DrawError>;

const BACKTEST_CHARTS: [(&str, BacktestChart); 6] = [
    ("equity", chart::equity),
    ("price", chart::price),
    ("drawdown", chart::drawdown),
    ("monthly", chart::monthly),
    ("rolling", chart::rolling),
    ("distribution", chart::distribution),
];

async fn backtest_chart(
    State(service): State<Service>,
    Path((id, file)): Path<(String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (name, _) = split(&file, &["svg"])?;
    let look = look_of(&parameters)?;
    let (_, draw) = BACKTEST_CHARTS.into_iter().find(|(known, _)| *known == name).ok_or_else(|| missing("chart"))?;
    let number = decode_id(Kind::Backtest, &id).ok_or_else(|| missing("backtest"))?;
    let (row, symbol) = research::find_backtest(&service.app, number).await?.ok_or_else(|| missing("backtest"))?;
    let wanted = Wanted {
        media_type: SVG,
        key: format!("backtest {LOOKS_VERSION} {name} {look:?} {} {} {}", row.id, row.created_at, told_of(&symbol)),
        name: saved_as(&symbol.ticker, name, "svg"),
        is_final: names_build(&parameters),
    };
    let app = &service.app;
    let global = id.clone();
    let make = async {
        let source = research::backtest_source(app, row, &symbol, global).await?;
        Ok(move || Ok(draw(&BacktestReport::new(source), look)?.into_bytes()))
    };
    service.renders.render(&headers, wanted, make).await
}

async fn prediction_chart(
    State(service): State<Service>,
    Path((id, file)): Path<(String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (name, _) = split(&file, &["svg"])?;
    let look = look_of(&parameters)?;
    let draw = match name {
        "fan" => chart::fan,
        "actual" => chart::what_happened,
        "errors" => chart::error_by_day,
        "coverage" => chart::coverage,
        _ => return Err(missing("chart")),
    };
    let number = decode_id(Kind::Prediction, &id).ok_or_else(|| missing("prediction"))?;
    let (row, symbol) = research::find_prediction(&service.app, number).await?.ok_or_else(|| missing("prediction"))?;
    let wanted = Wanted {
        media_type: SVG,
        key: format!(
            "prediction {LOOKS_VERSION} {name} {look:?} {} {} {} {}",
            row.id,
            row.created_at,
            symbol.data_version,
            told_of(&symbol)
        ),
        name: saved_as(&symbol.ticker, name, "svg"),
        is_final: false,
    };
    let app = &service.app;
    let global = id.clone();
    let make = async {
        let report = PredictionReport::new(research::prediction_source(app, &row, &symbol, global).await?);
        Ok(move || Ok(draw(&report, look)?.into_bytes()))
    };
    service.renders.render(&headers, wanted, make).await
}

async fn sweep_chart(
    State(service): State<Service>,
    Path(file): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (id, _) = split(&file, &["svg"])?;
    let look = look_of(&parameters)?;
    let by = SweepMetric::of(parameters.get("by").map_or("SHARPE", String::as_str))
        .ok_or_else(|| RequestError::invalid("by", "by is SHARPE, TOTAL_RETURN or MAX_DRAWDOWN"))?;
    let number = decode_id(Kind::Sweep, id).ok_or_else(|| missing("sweep"))?;
    let (row, symbol) = research::find_sweep(&service.app, number).await?.ok_or_else(|| missing("sweep"))?;
    let wanted = Wanted {
        media_type: SVG,
        key: format!("sweep {LOOKS_VERSION} {by:?} {look:?} {} {} {}", row.id, row.created_at, told_of(&symbol)),
        name: saved_as(&symbol.ticker, "sweep", "svg"),
        is_final: names_build(&parameters),
    };
    let app = &service.app;
    let make = async {
        let sweep = research::sweep_results(app, &row).await?;
        Ok(move || Ok(chart::heatmap(&sweep, by, &symbol.ticker, look)?.into_bytes()))
    };
    service.renders.render(&headers, wanted, make).await
}

async fn symbol_chart(
    State(service): State<Service>,
    Path(file): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let (ticker, _) = split(&file, &["svg"])?;
    let look = look_of(&parameters)?;
    let date = |name: &'static str| match parameters.get(name) {
        None => Ok(None),
        Some(text) => day::parse_iso(text)
            .map(Some)
            .ok_or_else(|| RequestError::invalid(name, format!("{name} must be a date such as 2024-01-31"))),
    };
    let mut adjusted = parameters.get("adjusted").is_none_or(|v| v != "false");
    let mut adjustment = None;
    if let Some(name) = parameters.get("adjustment") {
        let found = Adjustment::of(name)
            .ok_or_else(|| RequestError::invalid("adjustment", "the adjustment is NONE, SPLITS or TOTAL_RETURN"))?;
        adjusted = found != Adjustment::None;
        adjustment = Some(found);
    }
    let interval = parameters.get("interval").map_or("DAY", String::as_str);
    let interval = Interval::of(interval)
        .ok_or_else(|| RequestError::invalid("interval", "the interval is DAY, WEEK or MONTH"))?;
    let span = Span { from: date("from")?, to: date("to")?, adjusted, adjustment };
    let symbol = find_symbol(&service.app, ticker).await?;
    let wanted = Wanted {
        media_type: SVG,
        key: format!(
            "symbol {LOOKS_VERSION} {look:?} {} {} {span:?} {interval:?} {}",
            symbol.id,
            symbol.data_version,
            told_of(&symbol)
        ),
        name: saved_as(&symbol.ticker, "prices", "svg"),
        is_final: false,
    };
    let app = &service.app;
    let make = async {
        // Apart, for what is loaded is large.
        let Bars { symbol, columns, adjustment } =
            Box::pin(research::price_columns(app, symbol, span, interval)).await?;
        let (unit, title) = (symbol.quotation().map_or_else(|| "price".to_owned(), Quotation::label), symbol.ticker);
        Ok(move || Ok(chart::prices(&columns, &title, &unit, adjustment, look)?.into_bytes()))
    };
    service.renders.render(&headers, wanted, make).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_two_runs_have_two_names_that_any_system_saves() {
        let name = |name: Option<&str>, id: &str| saved_as("BRK.B", &report_of("backtest", name, id), "pdf");
        assert_eq!(name(None, "QmE"), "BRK-B-backtest-QmE.pdf");
        assert_eq!(name(Some("50 / 200: \"wide\""), "QmE"), "BRK-B-backtest-50-200-wide-QmE.pdf");
        assert_eq!(name(Some("\u{442}\u{435}\u{441}\u{442}"), "QmE"), "BRK-B-backtest-QmE.pdf");
        assert_eq!(name(Some("a".repeat(100).as_str()), "QmE"), format!("BRK-B-backtest-{}-QmE.pdf", "a".repeat(60)));
    }
}
