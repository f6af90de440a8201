//! From a request to a WebSocket: who may open one, and which protocol it speaks.

use async_graphql_axum::GraphQLProtocol;
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::body::LARGEST_MESSAGE;
use super::socket::Socket;
use super::wire::Dialect;
use crate::actions::Caller;
use crate::graphql::Code;
use crate::http::rates::Client;
use crate::http::refusal::failed;
use crate::http::server::Place;
use crate::http::{Service, answer};
use crate::settings::Origins;
use crate::telemetry::metrics;

/// Room that a quiet socket takes for reading and writing.
const BUFFER: usize = 4 << 10;

const WANTED: &str = "Ask for the WebSocket protocol graphql-transport-ws";

/// Turns a request into a socket.
pub(super) async fn upgrade(service: Service, caller: Caller, parts: &mut Parts) -> Response {
    let refused =
        |status, message: &str| answer::with_status(status, &failed(Code::BadRequest, message), answer::Form::Json);
    if !is_own_page(&service, &parts.headers) {
        let message = "This page's origin may not open a WebSocket here; CORS_ORIGINS names those that may";
        return answer::with_status(StatusCode::FORBIDDEN, &failed(Code::Forbidden, message), answer::Form::Json);
    }
    // A list of protocols may come in several headers.
    let offered: Vec<&[u8]> =
        parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().map(HeaderValue::as_bytes).collect();
    if offered.len() > 1
        && let Ok(all) = HeaderValue::from_bytes(&offered.join(&b", "[..]))
    {
        parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, all);
    }
    // The library knows the names of both protocols; the newer one is spoken wherever it is offered.
    if let Err(status) = GraphQLProtocol::from_request_parts(parts, &()).await {
        return refused(status, WANTED);
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let status = rejection.into_response().status();
            return refused(status, "This is no WebSocket handshake: it takes version 13 and a Sec-WebSocket-Key");
        }
    };
    let Some(slot) = service.sockets.room_now(Client::of(&caller), 1) else {
        return answer::respond(
            &failed(Code::Overloaded, "Too many sockets are open; try again later"),
            answer::Form::Json,
        );
    };
    let upgrade = upgrade
        .protocols(["graphql-transport-ws", "graphql-ws"])
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(64 << 20);
    let dialect = match upgrade.selected_protocol().map(|name| name.as_bytes().to_vec()) {
        Some(name) if name == b"graphql-ws" => Dialect::Legacy,
        Some(_) => Dialect::TransportWs,
        // Its name in another spelling is another's.
        None => return refused(StatusCode::BAD_REQUEST, WANTED),
    };
    let place = parts.extensions.remove::<Place>();
    let mut answer = upgrade.on_upgrade(move |stream| async move {
        let _places = (slot, place);
        let _present = metrics::Present::websocket();
        Socket::new(service, caller, dialect).serve(stream).await;
    });
    // Python's gql looks for the chosen protocol under `Sec-WebSocket-Protocol` in its own spelling alone, and speaks the
    // elder one where it finds none. The client's spelling is an extension of its request that hyper writes by.
    answer.extensions_mut().extend(std::mem::take(&mut parts.extensions));
    answer
}

/// Browsers send cookies along to a socket whoever's page opens them, and no rule but this one asks whose it is.
fn is_own_page(service: &Service, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    let own = &service.app.settings.public_url;
    let same_host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).is_some_and(|host| {
        let port = origin.port().map_or_else(String::new, |port| format!(":{port}"));
        origin.host_str().is_some_and(|name| format!("{name}{port}").eq_ignore_ascii_case(host))
    });
    same_host
        || origin.origin() == own.origin()
        || match &service.app.settings.http.cors_origins {
            Origins::Off => false,
            Origins::Any => true,
            Origins::These(list) => list.contains(&origin.origin().ascii_serialization()),
        }
}
