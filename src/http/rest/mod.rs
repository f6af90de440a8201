//! REST routes, each a stored GraphQL operation that the same schema runs: no second implementation of anything.
//!
//! A route names its operation (a file in `operations/`, where aliases give the answer its field names), how the
//! request becomes variables, and which part of the result is the answer. Errors become a status and
//! `{"error": {"code", "message", "field"}}`.

mod ipos;
mod operation;
pub(super) mod path;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::{Map, Value, json};

use operation::{Operation, Parameters, answer, date, object, refused, run, upper_case};

use super::failure::{failure, no_such_method};
use super::{Service, reports};
use crate::actions::Caller;

const ADD: Operation = Operation::new(include_str!("../operations/financial_data_add.graphql"), "added")
    .answering(StatusCode::ACCEPTED)
    .naming(&[("symbol", "ticker")]);
const REFRESH: Operation = Operation::new(include_str!("../operations/financial_data_refresh.graphql"), "refreshed")
    .answering(StatusCode::ACCEPTED)
    .naming(&[("symbols", "tickers")]);
const DATA: Operation = Operation::new(include_str!("../operations/financial_data_data.graphql"), "symbol")
    .or_missing("There is no such symbol; POST it to /financial_data/add first");
const SYMBOLS: Operation = Operation::new(include_str!("../operations/financial_data_symbols.graphql"), "list");
const BACK_TEST: Operation =
    Operation::new(include_str!("../operations/back_test.graphql"), "ran").naming(BACK_TEST_NAMES);
const BACK_TEST_ID: Operation =
    Operation::new(include_str!("../operations/back_test_id.graphql"), "ran").naming(BACK_TEST_NAMES);
const AI_PREDICTION: Operation = Operation::new(include_str!("../operations/ai_prediction.graphql"), "ran")
    .naming(&[("symbol", "ticker"), ("model", "modelId")]);

const BACK_TEST_NAMES: &[(&str, &str)] = &[
    ("symbol", "ticker"),
    ("winbuy", "strategy.buy"),
    ("winsell", "strategy.sell"),
    ("initial", "execution.initialCash"),
    ("commission", "execution.commission"),
];

/// The texts of the stored operations.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    let own = [&ADD, &REFRESH, &DATA, &SYMBOLS, &BACK_TEST, &BACK_TEST_ID, &AI_PREDICTION];
    own.into_iter().chain(ipos::operations()).map(|operation| operation.text)
}

async fn no_head() -> Response {
    ([(header::ALLOW, "GET")], no_such_method().await).into_response()
}

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/financial_data/add", post(add))
        .route("/financial_data/refresh", post(refresh))
        .route("/financial_data/data", get(data))
        // These store what they answer with, which HEAD may not.
        .route("/back_test", get(back_test).head(no_head))
        .route("/ai_prediction", get(ai_prediction).head(no_head))
        .merge(ipos::routes())
}

async fn add(State(service): State<Service>, Extension(caller): Extension<Caller>, body: Bytes) -> Response {
    let Some(body) = object(&body) else {
        return failure("BAD_REQUEST", "Send a JSON object such as {\"symbol\": \"IBM\"}", None);
    };
    let Some(Value::String(symbol)) = body.get("symbol") else {
        return failure("INVALID", "\"symbol\" must be a string such as \"IBM\"", Some("symbol"));
    };
    let exchange = body.get("exchange").cloned().map(upper_case);
    let variables = json!({"symbol": symbol, "name": body.get("name"), "exchange": exchange});
    run(&service, caller, &ADD, variables).await
}

async fn refresh(State(service): State<Service>, Extension(caller): Extension<Caller>, body: Bytes) -> Response {
    let body = if body.iter().all(u8::is_ascii_whitespace) { Some(Map::new()) } else { object(&body) };
    let Some(body) = body else {
        return failure("BAD_REQUEST", "Send nothing, or a JSON object such as {\"symbols\": [\"IBM\"]}", None);
    };
    run(&service, caller, &REFRESH, json!({"symbols": body.get("symbols"), "full": body.get("full")})).await
}

async fn data(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(parameters): Parameters,
) -> Response {
    if let Some(symbol) = parameters.get("symbol") {
        let day = |name: &str| parameters.get(name).map(|text| date(name, text.as_str().into())).transpose();
        let (from, to) = match (day("from"), day("to")) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(mistake), _) | (_, Err(mistake)) => return refused(&mistake),
        };
        let variables = json!({"symbol": symbol, "from": from, "to": to});
        run(&service, caller, &DATA, variables).await
    } else {
        let first = match parameters.get("first").map(|n| n.parse::<i32>()) {
            None => 500,
            Some(Ok(first)) => first,
            Some(Err(_)) => return failure("INVALID", "\"first\" must be a whole number", Some("first")),
        };
        run(&service, caller, &SYMBOLS, json!({"first": first, "after": parameters.get("after")})).await
    }
}

async fn back_test(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(parameters): Parameters,
) -> Response {
    let Some(symbol) = parameters.get("symbol") else {
        return failure(
            "INVALID",
            "Give the symbol, as in /back_test?symbol=IBM&winbuy=50&winsell=200",
            Some("symbol"),
        );
    };
    match parameters.get("format").map_or("json", String::as_str) {
        "json" | "pdf" => {}
        other => {
            let message = format!("The format {other:?} is not known; it takes json or pdf");
            return failure("INVALID", &message, Some("format"));
        }
    }
    let as_pdf = parameters.get("format").is_some_and(|format| format == "pdf");
    let mut variables = json!({"symbol": symbol, "winbuy": 50, "winsell": 200});
    for (name, whole) in [("winbuy", true), ("winsell", true), ("initial", false), ("commission", false)] {
        let Some(text) = parameters.get(name) else { continue };
        let number = if whole { text.parse::<i32>().ok().map(Value::from) } else { number(text) };
        let Some(number) = number else {
            let kind = if whole { "whole number" } else { "number" };
            return failure("INVALID", &format!("{name:?} must be a {kind}, not {text:?}"), Some(name));
        };
        variables[name] = number;
    }
    if !as_pdf {
        return run(&service, caller, &BACK_TEST, variables).await;
    }
    match answer(&service, caller, &BACK_TEST_ID, variables).await {
        Ok(answer) => {
            let id = answer.pointer("/backtest/id").and_then(Value::as_str).unwrap_or_default();
            reports::backtest_pdf(&service, id).await
        }
        Err(failed) => failed,
    }
}

async fn ai_prediction(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(parameters): Parameters,
) -> Response {
    let Some(symbol) = parameters.get("symbol") else {
        return failure("INVALID", "Give the symbol, as in /ai_prediction?symbol=IBM", Some("symbol"));
    };
    let horizon = match parameters.get("horizon").map(|n| n.parse::<i32>()) {
        None => Value::Null,
        Some(Ok(days)) => days.into(),
        Some(Err(_)) => return failure("INVALID", "\"horizon\" must be a whole number of days", Some("horizon")),
    };
    let variables = json!({"symbol": symbol, "horizon": horizon, "model": parameters.get("model")});
    run(&service, caller, &AI_PREDICTION, variables).await
}

fn number(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from)
}
