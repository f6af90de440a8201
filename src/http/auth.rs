//! From a bearer token to a caller.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::json;

use super::Service;
use crate::app::App;
use crate::graphql::Caller;
use crate::store::{Role, StoreError};

/// The token of a bearer header.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose token this is; `None` if it's nobody's, or no longer good.
pub(super) async fn caller_of(app: &App, token: &str) -> Result<Option<Caller>, StoreError> {
    if let Some(admin) = &app.settings.admin_token
        // Hashes are compared, so the time taken tells nothing of the token.
        && crate::store::token_hash(admin.expose_secret()) == crate::store::token_hash(token)
    {
        return Ok(Some(Caller { name: "ADMIN_TOKEN".to_owned(), role: Role::Admin }));
    }
    let found = app.store.tokens().find(token).await?;
    Ok(found.map(|token| Caller { name: token.name, role: token.role }))
}

/// Tells every handler who is asking. A token that isn't good is refused rather than passed over.
pub(super) async fn identify(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    let caller = match header {
        None => Caller::anonymous(),
        Some(value) => {
            let token = value.to_str().ok().and_then(bearer);
            let found = match token {
                Some(token) => caller_of(&service.app, token).await,
                None => Ok(None),
            };
            match found {
                Ok(Some(caller)) => caller,
                Ok(None) => return refused("The token is unknown, revoked or expired", "UNAUTHENTICATED"),
                Err(error) => {
                    tracing::error!(%error, "a token could not be looked up");
                    return (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer\n").into_response();
                }
            }
        }
    };
    if service.app.settings.require_token_to_read && caller.role < Role::Reader {
        return refused("Reading needs a token here: send it as \"Authorization: Bearer …\"", "UNAUTHENTICATED");
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn refused(message: &str, code: &str) -> Response {
    let body = json!({"data": null, "errors": [{"message": message, "extensions": {"code": code}}]});
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, Json(body)).into_response()
}
