//! From a token to a caller: in a bearer header, or by the console's session.
//!
//! The session's cookie is no token: it is random, has an end of its own, is forgotten at sign-out, and dies with the token
//! that opened it. It is HttpOnly and SameSite=Strict, and opens no more than reading unless the request also carries
//! [`CONSOLE_HEADER`], which another site's page can't send without asking first.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{self, accepted};
use super::failure::failure;
use super::rates::{self, Client, address_of, seconds};
use super::refusal::failed;
use super::{Service, observe};
use crate::actions::{Caller, Credential};
use crate::app::App;
use crate::graphql::Code;
use crate::store::entity::api_token;
use crate::store::{Role, StoreError, now};
use crate::telemetry::{metrics, traces};

/// The name binds the cookie to this host and to TLS (or to this machine); browsers refuse it elsewhere.
const COOKIE: &str = "__Host-prospectus";
/// The name where the service is reached without TLS over a network.
const PLAIN_COOKIE: &str = "prospectus";
/// Bytes of cookies that are looked through; browsers send fewer to one host.
const LONGEST_COOKIES: usize = 16 << 10;
/// What the console's own scripts send with every request.
const CONSOLE_HEADER: &str = "x-prospectus-console";
/// What a sign-in costs of its token's rate: it looks a token up and writes.
const SIGN_IN_COST: u64 = 1_000;
/// How long a session lasts.
const SESSION: Duration = Duration::from_hours(7 * 24);
/// What a client that guesses is told to wait.
const BLOCKED: Duration = Duration::from_mins(1);

/// The token of a bearer header.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose token this is; `None` if it's nobody's, or no longer good.
pub(super) async fn caller_of(app: &App, token: &str) -> Result<Option<Caller>, StoreError> {
    if is_of_settings(app, token) {
        return Ok(Some(of_settings(Credential::Settings)));
    }
    let found = app.store.tokens().find(token).await?;
    if let Some(token) = found.clone() {
        let app = app.clone();
        // Nobody waits for it.
        tokio::spawn(async move {
            if let Err(error) = app.store.tokens().used(&token).await {
                tracing::debug!(%error, "a token's last use was not noted");
            }
        });
    }
    Ok(found.map(|token| named(token, Credential::Token)))
}

fn is_of_settings(app: &App, token: &str) -> bool {
    // Hashes are compared, so the time taken tells nothing of the token.
    let is_same = |admin: &secrecy::SecretString| {
        Sha256::digest(admin.expose_secret().as_bytes()) == Sha256::digest(token.as_bytes())
    };
    app.settings.admin_token.as_ref().is_some_and(is_same)
}

fn of_settings(credential: Credential) -> Caller {
    Caller { name: "ADMIN_TOKEN".to_owned(), role: Role::Admin, credential, ..Caller::anonymous() }
}

fn named(token: api_token::Model, credential: impl FnOnce(i64) -> Credential) -> Caller {
    Caller { credential: credential(token.id), name: token.name, role: token.role, ..Caller::anonymous() }
}

/// Tells every handler who is asking, and from where, unless that is known already. A token that isn't good is refused rather
/// than passed over.
pub(super) async fn identify(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let address = address_of(&request, service.app.settings.http.trusted_proxies);
    let looked_up =
        (request.extensions().get::<Caller>().cloned(), request.extensions().get::<Arc<Unidentified>>().cloned());
    let caller = match looked_up {
        (Some(caller), _) => Ok(caller),
        (None, Some(error)) => Err(error),
        (None, None) => caller(&service, request.headers(), address).await.map_err(Arc::new),
    };
    let caller = match caller.as_ref().map_err(|error| &**error) {
        Ok(caller) => caller,
        Err(Unidentified::Slowed) => return slowed(&request),
        Err(Unidentified::Malformed) => {
            return refused("A token is sent as \"Authorization: Bearer …\"", &request);
        }
        Err(Unidentified::Unknown) => {
            service.gate.rates.guessed(address);
            return refused("The token is unknown, revoked or expired", &request);
        }
        Err(Unidentified::NoDatabase(error)) => return no_database(error, &request),
    };
    let shut = service.app.settings.require_token_to_read && !is_open(&request);
    if shut && caller.role < Role::Reader {
        return refused("Reading needs a token here: send it as \"Authorization: Bearer …\"", &request);
    }
    observe::name_caller(caller);
    request.extensions_mut().insert(caller.clone());
    next.run(request).await
}

/// Why it can't be said who is asking.
pub(super) enum Unidentified {
    Slowed,
    Malformed,
    Unknown,
    NoDatabase(StoreError),
}

/// Who is asking from an address.
pub(super) async fn caller(service: &Service, headers: &HeaderMap, address: IpAddr) -> Result<Caller, Unidentified> {
    let caller = match headers.get(header::AUTHORIZATION) {
        None => of_cookie(&service.app, headers).await.map_err(Unidentified::NoDatabase)?,
        Some(_) if service.gate.rates.is_blocked(address) => return Err(Unidentified::Slowed),
        Some(value) => {
            let token = value.to_str().ok().and_then(bearer).ok_or(Unidentified::Malformed)?;
            let found = caller_of(&service.app, token).await.map_err(Unidentified::NoDatabase)?;
            found.ok_or(Unidentified::Unknown)?
        }
    };
    Ok(Caller { address, ..caller })
}

/// What is no secret where reading needs a token: GraphiQL's page, as what it asks for then is; and a WebSocket before its
/// first message, which brings the token.
fn is_open(request: &Request) -> bool {
    if request.method() != Method::GET || request.uri().path() != "/graphql" {
        return false;
    }
    asks_for_socket(request.headers())
        || (request.uri().query().is_none() && answer::names(request.headers(), "text/html"))
}

/// Whoever the console's cookie belongs to; a cookie that is no longer good is nobody's.
async fn of_cookie(app: &App, headers: &HeaderMap) -> Result<Caller, StoreError> {
    if headers.get_all(header::COOKIE).iter().map(header::HeaderValue::len).sum::<usize>() > LONGEST_COOKIES {
        return Ok(Caller::anonymous());
    }
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(app)) else { return Ok(Caller::anonymous()) };
    let settings: Option<&str> = app.settings.admin_token.as_ref().map(ExposeSecret::expose_secret);
    let Some((session, token)) = app.store.sessions().find(cookie.value(), settings).await? else {
        return Ok(Caller::anonymous());
    };
    let credential = Credential::Session { id: session.id, token: session.token_id };
    let mut caller = match token {
        Some(token) => named(token, |_| credential),
        None => of_settings(credential),
    };
    if !headers.contains_key(CONSOLE_HEADER) {
        caller.role = caller.role.min(Role::Reader);
    }
    Ok(caller)
}

/// An error in the form of the route that it is for.
fn turned_down(status: StatusCode, code: Code, message: &str, request: &Request) -> Response {
    if request.uri().path() == "/graphql" {
        let form = accepted(request.headers()).single.unwrap_or(answer::Form::Json);
        return answer::with_status(status, &failed(code, message), form);
    }
    let mut response = failure(code.name(), message, None);
    *response.status_mut() = status;
    response
}

fn no_database(error: &StoreError, request: &Request) -> Response {
    tracing::error!(%error, "a token could not be looked up");
    turned_down(StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded, "The database does not answer", request)
}

fn refused(message: &str, request: &Request) -> Response {
    let mut response = turned_down(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message, request);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

fn slowed(request: &Request) -> Response {
    metrics::rate_limited(metrics::Rate::Guesses);
    let message = "Too many wrong tokens came from this address; try again in a minute";
    let mut response = turned_down(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message, request);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds(BLOCKED)));
    response
}

/// Signs the console in: `{"token": "…"}` opens a session, whose cookie scripts can't read.
pub(super) async fn sign_in(State(service): State<Service>, request: Request) -> Response {
    traces::decide(false);
    let address = address_of(&request, service.app.settings.http.trusted_proxies);
    if !request.headers().contains_key(CONSOLE_HEADER) {
        return turned_down(
            StatusCode::FORBIDDEN,
            Code::Forbidden,
            "Signing in is for the console; send a token as \"Authorization: Bearer …\"",
            &request,
        );
    }
    if service.gate.rates.is_blocked(address) {
        return slowed(&request);
    }
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, axum::body::Body::empty());
    let reading = tokio::time::timeout(SIGN_IN_TIMEOUT, axum::body::to_bytes(body, LONGEST_SIGN_IN));
    let body = reading.await.ok().and_then(Result::ok).unwrap_or_default();
    match opened(&service, &body, address).await {
        Ok(Opened::Session(caller, secret)) => {
            let viewer = json!({"name": caller.name, "role": caller.role.name()});
            let jar = CookieJar::new().add(cookie(&service.app, secret, SESSION));
            (jar, Json(viewer)).into_response()
        }
        Ok(Opened::Nothing) => refused("The token is unknown, revoked or expired", &request),
        Ok(Opened::Later(wait)) => rates::refused(wait),
        Err(error) => no_database(&error, &request),
    }
}

const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_SIGN_IN: usize = 4 << 10;

/// What a sign-in comes to.
enum Opened {
    /// Whose it is, and the cookie's secret.
    Session(Caller, String),
    Nothing,
    /// The token has spent its rate.
    Later(Duration),
}

async fn opened(service: &Service, body: &Bytes, address: IpAddr) -> Result<Opened, StoreError> {
    let app = &service.app;
    let body = serde_json::from_slice::<Value>(body).ok();
    let token = body.as_ref().and_then(|body| body.get("token")?.as_str()).map(str::trim).unwrap_or_default();
    let Some(caller) = caller_of(app, token).await? else {
        service.gate.rates.guessed(address);
        return Ok(Opened::Nothing);
    };
    if let Err(wait) = service.gate.rates.charge(Client::of(&caller), SIGN_IN_COST) {
        metrics::rate_limited(metrics::Rate::Cost);
        return Ok(Opened::Later(wait));
    }
    let token_id = if let Credential::Token(id) = caller.credential { Some(id) } else { None };
    let lasts = i64::try_from(SESSION.as_millis()).unwrap_or(i64::MAX);
    let secret = app.store.sessions().open(token_id, token, now().saturating_add(lasts)).await?;
    Ok(Opened::Session(caller, secret))
}

/// Signs the console out: the session is over wherever its cookie has been copied to. That is a change, so the cookie alone
/// isn't enough for it.
pub(super) async fn sign_out(State(service): State<Service>, request: Request) -> Response {
    traces::decide(false);
    if !request.headers().contains_key(CONSOLE_HEADER) {
        let message = "Signing out is for the console, whose requests say that they are its own";
        return turned_down(StatusCode::FORBIDDEN, Code::Forbidden, message, &request);
    }
    let jar = CookieJar::from_headers(request.headers());
    if let Some(cookie) = jar.get(cookie_name(&service.app))
        && let Err(error) = service.app.store.sessions().close(cookie.value()).await
    {
        return no_database(&error, &request);
    }
    let jar = CookieJar::new().add(cookie(&service.app, String::new(), Duration::ZERO));
    (StatusCode::NO_CONTENT, jar).into_response()
}

/// Browsers take a `__Host-` cookie over TLS, and from this very machine.
fn is_secure(app: &App) -> bool {
    let url = &app.settings.public_url;
    let is_local = url.host_str().is_some_and(|host| {
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    url.scheme() == "https" || is_local
}

fn cookie_name(app: &App) -> &'static str {
    if is_secure(app) { COOKIE } else { PLAIN_COOKIE }
}

fn cookie(app: &App, secret: String, lasts: Duration) -> Cookie<'static> {
    Cookie::build((cookie_name(app), secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_secure(app))
        .max_age(lasts.try_into().unwrap_or_default())
        .build()
}

/// Whether a request is to become a socket. Some clients offer HTTP/2 (`h2c`) by the same header, which is passed over.
pub(super) fn asks_for_socket(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("websocket"))
}
