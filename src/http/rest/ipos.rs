//! `/ipo/companies/`: issues as REST resources.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Map, Value, json};

use super::operation::{Mistake, Operation, Parameters, date, object, refused, run, upper_case};
use super::path::Path;
use crate::actions::Caller;
use crate::http::Service;
use crate::http::failure::failure;

const MISSING: &str = "There is no such company; /ipo/companies/ lists them";
const LIST: Operation = Operation::new(include_str!("../operations/ipo_companies.graphql"), "list");
const ONE: Operation = Operation::new(include_str!("../operations/ipo_company.graphql"), "company").or_missing(MISSING);
const CREATE: Operation = Operation::new(include_str!("../operations/ipo_company_create.graphql"), "created")
    .sending("company")
    .answering(StatusCode::CREATED)
    .naming(&FIELDS);
const UPDATE: Operation = Operation::new(include_str!("../operations/ipo_company_update.graphql"), "updated")
    .sending("company")
    .naming(&FIELDS);
const DELETE: Operation = Operation::new(include_str!("../operations/ipo_company_delete.graphql"), "deleted")
    .answering(StatusCode::NO_CONTENT);

/// The routes, with and without the slash at the end.
pub(super) fn routes() -> Router<Service> {
    let many = || get(list).post(create);
    let one = || get(read).put(update).patch(update).delete(delete);
    Router::new()
        .route("/ipo/companies/", many())
        .route("/ipo/companies", many())
        .route("/ipo/companies/{id}/", one())
        .route("/ipo/companies/{id}", one())
}

/// The stored operations of these routes.
pub(super) fn operations() -> [&'static Operation; 5] {
    [&LIST, &ONE, &CREATE, &UPDATE, &DELETE]
}

/// What a body may hold: its name there and in the schema.
const FIELDS: [(&str, &str); 13] = [
    ("name", "name"),
    ("symbol", "ticker"),
    ("exchange", "exchange"),
    ("board", "board"),
    ("currency", "currency"),
    ("issue_price", "issuePrice"),
    ("price_band_low", "priceBandLow"),
    ("price_band_high", "priceBandHigh"),
    ("lot_size", "lotSize"),
    ("issue_size", "issueSize"),
    ("open_date", "openDate"),
    ("close_date", "closeDate"),
    ("listing_date", "listingDate"),
];

const PRICES: [&str; 3] = ["issue_price", "price_band_low", "price_band_high"];

/// A body as the schema's input.
fn input(body: Map<String, Value>, without: &[&str]) -> Result<Map<String, Value>, Mistake> {
    let mut input = Map::new();
    for (name, value) in body {
        let known = FIELDS.iter().find(|(field, _)| *field == name).filter(|(field, _)| !without.contains(field));
        match known {
            Some((_, to)) => {
                let value = match value {
                    value if name.ends_with("_date") => date(&name, value)?,
                    // JSON has numbers for prices; the schema's decimals are texts.
                    Value::Number(price) if PRICES.contains(&name.as_str()) => price.to_string().into(),
                    value if name == "board" => upper_case(value),
                    value => value,
                };
                input.insert((*to).to_owned(), value);
            }
            // What a client sends back as it got it does no harm.
            None if ["id", "status", "created_at", "updated_at", "exchange", "withdrawn"].contains(&name.as_str()) => {}
            None => {
                let message = format!("{name:?} is not a field of a company");
                return Err((name, message));
            }
        }
    }
    Ok(input)
}

async fn list(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(parameters): Parameters,
) -> Response {
    match list_variables(&parameters) {
        Ok(variables) => run(&service, caller, &LIST, variables).await,
        Err(mistake) => refused(&mistake),
    }
}

fn list_variables(parameters: &HashMap<String, String>) -> Result<Value, Mistake> {
    let mut variables = json!({"after": parameters.get("after"), "first": 50});
    if let Some(size) = parameters.get("page_size").or_else(|| parameters.get("first")) {
        let size: i32 =
            size.parse().map_err(|_| ("page_size".to_owned(), "\"page_size\" must be a whole number".to_owned()))?;
        variables["first"] = size.into();
    }
    let mut filter = Map::new();
    for (name, to) in [
        ("search", "search"),
        ("open_from", "openFrom"),
        ("open_to", "openTo"),
        ("close_from", "closeFrom"),
        ("close_to", "closeTo"),
        ("issue_price_min", "issuePriceMin"),
        ("issue_price_max", "issuePriceMax"),
    ] {
        if let Some(value) = parameters.get(name) {
            let value = Value::from(value.as_str());
            let value = if name.ends_with("_from") || name.ends_with("_to") { date(name, value)? } else { value };
            filter.insert(to.to_owned(), value);
        }
    }
    for name in ["status", "exchange", "board"] {
        if let Some(value) = parameters.get(name) {
            let values: Vec<String> = value.split(',').map(|v| v.trim().to_uppercase()).collect();
            filter.insert(name.to_owned(), values.into());
        }
    }
    variables["filter"] = Value::Object(filter);
    if let Some(order) = parameters.get("order") {
        let (field, direction) = order.strip_prefix('-').map_or((order.as_str(), "ASC"), |field| (field, "DESC"));
        variables["orderBy"] = json!([{"field": field.to_uppercase(), "direction": direction}]);
    }
    Ok(variables)
}

async fn read(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    run(&service, caller, &ONE, json!({"id": id})).await
}

async fn create(State(service): State<Service>, Extension(caller): Extension<Caller>, body: Bytes) -> Response {
    let Some(body) = object(&body) else {
        return failure("BAD_REQUEST", "Send a JSON object such as {\"name\": \"Acme Limited\"}", None);
    };
    let exchange = body.get("exchange").cloned().map_or_else(|| "NSE".into(), upper_case);
    match input(body, &[]) {
        Ok(mut input) => {
            if !matches!(input.get("name"), Some(Value::String(_))) {
                return failure("INVALID", "\"name\" must be a string", Some("name"));
            }
            input.insert("exchange".to_owned(), exchange);
            run(&service, caller, &CREATE, json!({"input": input})).await
        }
        Err(mistake) => refused(&mistake),
    }
}

async fn update(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(body) = object(&body) else {
        return failure("BAD_REQUEST", "Send a JSON object such as {\"lot_size\": 100}", None);
    };
    let withdrawn = body.get("withdrawn").cloned();
    match input(body, &["exchange"]) {
        Ok(mut input) => {
            input.insert("id".to_owned(), id.into());
            if let Some(withdrawn) = withdrawn {
                input.insert("withdrawn".to_owned(), withdrawn);
            }
            run(&service, caller, &UPDATE, json!({"input": input})).await
        }
        Err(mistake) => refused(&mistake),
    }
}

async fn delete(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    run(&service, caller, &DELETE, json!({"id": id})).await
}
