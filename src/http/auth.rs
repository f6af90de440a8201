//! From a token to a caller: in a bearer header, or in the console's cookie.
//!
//! The cookie is HttpOnly and SameSite=Strict, and it opens no more than reading unless the request also carries
//! [`CONSOLE_HEADER`], which another site's page can't send without asking first.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Service;
use crate::app::App;
use crate::graphql::Caller;
use crate::store::{Role, StoreError};

const COOKIE: &str = "prospectus_session";
/// What the console's own scripts send with every request.
const CONSOLE_HEADER: &str = "x-prospectus-console";
/// How long a browser keeps the cookie.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;

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
        None => match of_cookie(&service.app, request.headers()).await {
            Ok(caller) => caller,
            Err(error) => return no_database(&error),
        },
        Some(value) => {
            let token = value.to_str().ok().and_then(bearer);
            let found = match token {
                Some(token) => caller_of(&service.app, token).await,
                None => Ok(None),
            };
            match found {
                Ok(Some(caller)) => caller,
                Ok(None) => return refused("The token is unknown, revoked or expired", "UNAUTHENTICATED"),
                Err(error) => return no_database(&error),
            }
        }
    };
    let shut = service.app.settings.require_token_to_read && !is_graphiql(&request);
    if shut && caller.role < Role::Reader {
        return refused("Reading needs a token here: send it as \"Authorization: Bearer …\"", "UNAUTHENTICATED");
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Whether a browser asks for GraphiQL's page, which is no secret: what it asks for then is.
fn is_graphiql(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let plain = request.uri().query().is_none() && !request.headers().contains_key(header::UPGRADE);
    request.method() == Method::GET && request.uri().path() == "/graphql" && plain && accepted.contains("text/html")
}

/// Whoever the console's cookie belongs to; a cookie that is no longer good is nobody's.
async fn of_cookie(app: &App, headers: &HeaderMap) -> Result<Caller, StoreError> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    let token = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
    let Some((_, token)) = token else { return Ok(Caller::anonymous()) };
    let mut caller = caller_of(app, token).await?.unwrap_or_else(Caller::anonymous);
    if !headers.contains_key(CONSOLE_HEADER) {
        caller.role = caller.role.min(Role::Reader);
    }
    Ok(caller)
}

fn no_database(error: &StoreError) -> Response {
    tracing::error!(%error, "a token could not be looked up");
    (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer\n").into_response()
}

/// Signs the console in: `{"token": "…"}` becomes a cookie that scripts can't read.
pub(super) async fn sign_in(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(CONSOLE_HEADER) {
        return refused("Signing in is for the console; send a token as \"Authorization: Bearer …\"", "FORBIDDEN");
    }
    let token = serde_json::from_slice::<Value>(&body).ok();
    let token = token.as_ref().and_then(|body| body.get("token")?.as_str()).map(str::trim).unwrap_or_default();
    let plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic() && !b";,\"\\".contains(&b));
    let found = if plain { caller_of(&service.app, token).await } else { Ok(None) };
    match found {
        Ok(Some(caller)) => {
            let viewer = json!({"name": caller.name, "role": format!("{:?}", caller.role).to_uppercase()});
            ([(header::SET_COOKIE, cookie(&service.app, token, COOKIE_SECONDS))], Json(viewer)).into_response()
        }
        Ok(None) => refused("The token is unknown, revoked or expired", "UNAUTHENTICATED"),
        Err(error) => no_database(&error),
    }
}

/// Signs the console out.
pub(super) async fn sign_out(State(service): State<Service>) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&service.app, "", 0))]).into_response()
}

fn cookie(app: &App, token: &str, seconds: u32) -> String {
    let secure = if app.settings.public_url.scheme() == "https" { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn refused(message: &str, code: &str) -> Response {
    let body = json!({"data": null, "errors": [{"message": message, "extensions": {"code": code}}]});
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, Json(body)).into_response()
}
