//! `/ipo/companies/`: issues as REST resources.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Map, Value, json};

use super::operation::{Mistake, Operation, Parameters, answer, date, object, refused, run, upper_case};
use super::path::Path;
use crate::actions::Caller;
use crate::http::Service;
use crate::http::failure::failure;

const MISSING: &str = "There is no such company; /ipo/companies/ lists them";
const LIST: Operation = Operation::new(include_str!("../operations/ipo_companies.graphql"), "list").naming(PARAMETERS);
const ONE: Operation = Operation::new(include_str!("../operations/ipo_company.graphql"), "company").or_missing(MISSING);
const FIXED: Operation =
    Operation::new(include_str!("../operations/ipo_company_fixed.graphql"), "company").or_missing(MISSING);
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
pub(super) fn operations() -> [&'static Operation; 6] {
    [&LIST, &ONE, &FIXED, &CREATE, &UPDATE, &DELETE]
}

/// What a list may be asked for: its name there, and its place among the variables. The page's size, which has another
/// name, too, stands first.
const PARAMETERS: &[(&str, &str)] = &[
    ("page_size", "first"),
    ("search", "filter.search"),
    ("status", "filter.status"),
    ("exchange", "filter.exchange"),
    ("board", "filter.board"),
    ("open_from", "filter.openFrom"),
    ("open_to", "filter.openTo"),
    ("close_from", "filter.closeFrom"),
    ("close_to", "filter.closeTo"),
    ("issue_price_min", "filter.issuePriceMin"),
    ("issue_price_max", "filter.issuePriceMax"),
    ("order", "orderBy"),
];

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

/// What can't be edited, and what to do instead.
const UNEDITED: [(&str, &str); 5] = [
    ("id", "leave it out"),
    ("exchange", "delete the company and add it anew"),
    ("currency", "delete the company and add it anew"),
    ("status", "the dates and \"withdrawn\" say it"),
    ("created_at", "leave it out"),
];

/// What the service says of a company that is added.
const SAID: [&str; 4] = ["id", "status", "created_at", "updated_at"];

const PRICES: [&str; 3] = ["issue_price", "price_band_low", "price_band_high"];

/// A body as the schema's input.
fn input(body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
    let mut input = Map::new();
    for (name, value) in body {
        let Some((_, to)) = FIELDS.iter().find(|(field, _)| *field == name) else {
            let message = format!("{name:?} is not a field of a company");
            return Err((name, message));
        };
        let value = match value {
            value if name.ends_with("_date") => date(&name, value)?,
            // JSON has numbers for prices; the schema's decimals are texts.
            Value::Number(price) if PRICES.contains(&name.as_str()) => price.to_string().into(),
            value if name == "board" || name == "exchange" => upper_case(value),
            value => value,
        };
        input.insert((*to).to_owned(), value);
    }
    Ok(input)
}

async fn list(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(parameters): Parameters,
) -> Response {
    match list_variables(&parameters) {
        // A size that is asked for by the schema's name is told by that.
        Ok(variables) if !parameters.contains_key("page_size") => {
            run(&service, caller, &LIST.naming(&PARAMETERS[1..]), variables).await
        }
        Ok(variables) => run(&service, caller, &LIST, variables).await,
        Err(mistake) => refused(&mistake),
    }
}

fn list_variables(parameters: &HashMap<String, String>) -> Result<Value, Mistake> {
    let mut variables = json!({"after": parameters.get("after"), "first": 50});
    let size = ["page_size", "first"].into_iter().find_map(|name| Some((name, parameters.get(name)?)));
    if let Some((name, size)) = size {
        let size: i32 = size.parse().map_err(|_| (name.to_owned(), format!("{name:?} must be a whole number")))?;
        variables["first"] = size.into();
    }
    let mut filter = Map::new();
    for (name, place) in PARAMETERS {
        let (Some(to), Some(text)) = (place.strip_prefix("filter."), parameters.get(*name)) else { continue };
        let value: Value = match *name {
            "status" | "exchange" | "board" => {
                text.split(',').map(|name| Value::from(name.trim().to_uppercase())).collect()
            }
            name if name.ends_with("_from") || name.ends_with("_to") => date(name, text.as_str().into())?,
            _ => text.as_str().into(),
        };
        filter.insert(to.to_owned(), value);
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
    match created(body) {
        Ok(mut input) => {
            if !matches!(input.get("name"), Some(Value::String(_))) {
                return failure("INVALID", "\"name\" must be a string", Some("name"));
            }
            input.entry("exchange").or_insert_with(|| "NSE".into());
            run(&service, caller, &CREATE, json!({"input": input})).await
        }
        Err(mistake) => refused(&mistake),
    }
}

/// The body of a company that is added, as the schema's input: what can't be set then may be left empty alone.
fn created(mut body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
    match body.remove("withdrawn") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(_) => {
            let message = "A new company can't be withdrawn: add it, then PUT {\"withdrawn\": true}";
            return Err(("withdrawn".to_owned(), message.to_owned()));
        }
    }
    for name in SAID {
        if body.remove(name).is_some_and(|value| !value.is_null()) {
            return Err((name.to_owned(), format!("{name:?} is for the service to say; leave it out")));
        }
    }
    input(body)
}

/// Takes what can't be edited out of a body. What a client sends back as it got it does no harm; else it is refused.
async fn take_unedited(
    service: &Service,
    caller: &Caller,
    id: &str,
    body: &mut Map<String, Value>,
) -> Result<(), Response> {
    // Each edit makes it another, so a client that edits twice sends an old one.
    body.remove("updated_at");
    let given: Vec<(&str, &str, Value)> =
        UNEDITED.into_iter().filter_map(|(name, instead)| Some((name, instead, body.remove(name)?))).collect();
    if given.is_empty() {
        return Ok(());
    }
    let stored = answer(service, caller.clone(), &FIXED, json!({"id": id})).await?;
    for (name, instead, value) in given {
        let value = if ["exchange", "currency", "status"].contains(&name) { upper_case(value) } else { value };
        let kept = &stored[name];
        if value != *kept {
            return Err(refused(&(name.to_owned(), format!("{name:?} is {kept} and can't be edited: {instead}"))));
        }
    }
    Ok(())
}

async fn update(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(mut body) = object(&body) else {
        return failure("BAD_REQUEST", "Send a JSON object such as {\"lot_size\": 100}", None);
    };
    if let Err(refusal) = take_unedited(&service, &caller, &id, &mut body).await {
        return refusal;
    }
    let withdrawn = body.remove("withdrawn");
    match input(body) {
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
