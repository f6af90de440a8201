//! Refusals outside GraphQL: `{"error": {"code", "message", "field"}}` under the status that belongs to the code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The one table of codes and statuses.
fn status_of(code: &str) -> StatusCode {
    match code {
        "BAD_REQUEST" | "BAD_USER_INPUT" | "INVALID" | "QUERY_TOO_COMPLEX" => StatusCode::BAD_REQUEST,
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "FORBIDDEN" => StatusCode::FORBIDDEN,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "ALREADY_EXISTS" | "CONFLICT" => StatusCode::CONFLICT,
        "INSUFFICIENT_DATA" | "ANSWER_TOO_LARGE" => StatusCode::UNPROCESSABLE_ENTITY,
        "LIMIT_EXCEEDED" | "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
        "PROVIDER_UNAVAILABLE" | "NOT_CONFIGURED" | "TIMEOUT" | "OVERLOADED" | "STORAGE_FULL" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A method that a route doesn't have. The router names those that it has.
pub(super) async fn no_such_method() -> Response {
    let mut answer = failure("BAD_REQUEST", "This address takes other methods; Allow names them", None);
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer
}

/// An answer that says what is wrong, and with which field.
pub(super) fn failure(code: &str, message: &str, field: Option<&str>) -> Response {
    let body = json!({"error": {"code": code, "message": message, "field": field}});
    let mut answer = (status_of(code), Json(body)).into_response();
    match code {
        "OVERLOADED" => drop(answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"))),
        "UNAUTHENTICATED" => {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    answer
}
