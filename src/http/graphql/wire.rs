//! The messages of graphql-transport-ws, and of its elder, which the world still calls graphql-ws.

use async_graphql::{Response as GraphQLResponse, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::{answer, auth};

/// Which of the two a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    TransportWs,
    Legacy,
}

/// Why a socket is closed: the protocol's codes, and one that every socket has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        // A close frame has room for 123 bytes.
        let mut reason = reason.into();
        while reason.len() > 120 {
            reason.pop();
        }
        Self { code, reason }
    }
}

/// What a client says.
#[derive(Debug)]
pub(super) enum Said {
    Init(Option<Value>),
    Subscribe {
        id: String,
        payload: Box<Payload>,
    },
    Complete(String),
    /// What comes back is as it came.
    Ping(Option<Box<RawValue>>),
    Pong,
    Terminate,
}

/// An operation in a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<serde_json::Map<String, Value>>,
    pub extensions: Option<serde_json::Map<String, Value>>,
    pub document_id: Option<String>,
}

#[derive(Deserialize)]
struct Message<'a> {
    r#type: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Longest name of an operation on a socket.
const LONGEST_ID: usize = 200;
/// Bytes of what a client sends along with its first message, and with a ping, which is sent back.
const LONGEST_INIT: usize = 16 << 10;
const LONGEST_PING: usize = 1 << 10;

impl Said {
    /// Reads a message.
    ///
    /// # Errors
    /// The close that the protocol has for what can't be read.
    pub(super) fn read(text: &str, dialect: Dialect) -> Result<Self, Close> {
        let invalid = |reason: &str| Close::new(4400, reason);
        let message: Message<'_> = serde_json::from_str(text)
            .map_err(|_| invalid("A message is a JSON object with a type, and its id a string"))?;
        let payload = |most: usize| match message.payload {
            None => Ok(None),
            Some(raw) if raw.get() == "null" => Ok(None),
            Some(raw) if raw.get().len() > most => Err(invalid(&format!("Such a payload has at most {most} bytes"))),
            Some(raw) if raw.get().starts_with('{') => Ok(Some(raw)),
            Some(_) => Err(invalid("A payload is a JSON object")),
        };
        let id = || match &message.id {
            Some(id) if !id.is_empty() && id.len() <= LONGEST_ID => Ok(id.clone()),
            _ => Err(invalid("The message needs an id of 1 to 200 bytes")),
        };
        match (message.r#type.as_str(), dialect) {
            ("connection_init", _) => {
                let read = payload(LONGEST_INIT)?.map(|raw| serde_json::from_str(raw.get())).transpose();
                Ok(Self::Init(read.map_err(|_| invalid("A payload is a JSON object"))?))
            }
            ("subscribe", Dialect::TransportWs) | ("start", Dialect::Legacy) => {
                let raw = message.payload.ok_or_else(|| invalid("The message needs a payload with a query"))?;
                let read = serde_json::from_str::<Payload>(raw.get());
                let read =
                    read.map_err(|_| invalid("The payload is not an operation: it takes query and variables"))?;
                let named = read.document_id.is_some()
                    || read.extensions.as_ref().is_some_and(|e| e.contains_key("persistedQuery"));
                if !raw.get().trim_start().starts_with('{') || (read.query.is_none() && !named) {
                    return Err(invalid("The payload needs a query"));
                }
                Ok(Self::Subscribe { id: id()?, payload: Box::new(read) })
            }
            ("complete", Dialect::TransportWs) | ("stop", Dialect::Legacy) => Ok(Self::Complete(id()?)),
            ("ping", Dialect::TransportWs) => Ok(Self::Ping(payload(LONGEST_PING)?.map(ToOwned::to_owned))),
            ("pong", Dialect::TransportWs) => Ok(Self::Pong),
            ("connection_terminate", Dialect::Legacy) => Ok(Self::Terminate),
            (other, _) => {
                let other: String = other.chars().take(40).collect();
                Err(invalid(&format!("There is no message of the type {other:?}")))
            }
        }
    }
}

/// The token of the first message, where clients put it: `Authorization` or `token`, by itself or among `headers`.
pub(super) fn token_of(payload: Option<&Value>) -> Result<Option<&str>, &'static str> {
    let Some(payload) = payload else { return Ok(None) };
    for place in [Some(payload), payload.get("headers")].into_iter().flatten().filter_map(Value::as_object) {
        // Names of headers are spelt in any case.
        let field = |name: &str| {
            let found = place.iter().find(|(key, field)| key.eq_ignore_ascii_case(name) && !field.is_null());
            found.map(|(_, field)| field)
        };
        if let Some(field) = field("authorization") {
            let token = field.as_str().and_then(auth::bearer);
            return token.map(Some).ok_or("Authorization must be \"Bearer …\"");
        }
        if let Some(field) = field("token") {
            return field.as_str().map(Some).ok_or("token must be a string");
        }
    }
    Ok(None)
}

#[derive(Serialize)]
struct Out<'a, P: Serialize> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

fn written<P: Serialize>(r#type: &str, id: Option<&str>, payload: Option<P>) -> String {
    serde_json::to_string(&Out { r#type, id, payload }).unwrap_or_default()
}

impl Dialect {
    pub(super) fn acknowledged() -> String {
        written::<()>("connection_ack", None, None)
    }

    pub(super) fn pong(payload: Option<&RawValue>) -> String {
        written("pong", None, payload)
    }

    /// A result.
    pub(super) fn next(self, id: &str, response: &GraphQLResponse) -> String {
        let json = String::from_utf8(answer::json(response)).unwrap_or_default();
        let payload = RawValue::from_string(json).ok();
        let mut next = written(if self == Self::Legacy { "data" } else { "next" }, Some(id), payload);
        // As long as its client takes, so no more than it needs.
        next.shrink_to_fit();
        next
    }

    /// An operation that was not run.
    pub(super) fn error(self, id: &str, errors: &[ServerError]) -> String {
        match self {
            Self::TransportWs => written("error", Some(id), Some(errors)),
            Self::Legacy => written("error", Some(id), errors.first()),
        }
    }

    pub(super) fn complete(id: &str) -> String {
        written::<()>("complete", Some(id), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<u16> {
        Said::read(text, Dialect::TransportWs).err().map(|close| close.code)
    }

    #[test]
    fn what_is_no_message_closes_with_4400() {
        for text in [
            "",
            "{",
            "[]",
            "{\"type\":\"whatever\"}",
            "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":1,\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":\"1\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{}}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":[\"{a}\"]}",
            "{\"type\":\"complete\"}",
            "{\"type\":\"start\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\"}}",
        ] {
            assert_eq!(code(text), Some(4400), "{text}");
        }
        assert_eq!(
            code("{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\",\"variables\":null}}"),
            None
        );
        assert_eq!(code("{\"type\":\"ping\",\"payload\":null}"), None);
        for (kind, most) in [("ping", LONGEST_PING), ("connection_init", LONGEST_INIT)] {
            let long =
                |bytes: usize| format!("{{\"type\":\"{kind}\",\"payload\":{{\"a\":\"{}\"}}}}", "b".repeat(bytes - 8));
            assert_eq!((code(&long(most)), code(&long(most + 1))), (None, Some(4400)), "{kind}");
            assert_eq!(code(&format!("{{\"type\":\"{kind}\",\"payload\":[]}}")), Some(4400));
        }
        let close =
            Said::read(&format!("{{\"type\":\"{}\"}}", "ü".repeat(500)), Dialect::TransportWs).expect_err("unknown");
        assert!(close.reason.len() <= 123);
    }

    #[test]
    fn a_token_is_found_however_its_name_is_spelt() {
        for payload in [
            serde_json::json!({"AUTHORIZATION": "Bearer t"}),
            serde_json::json!({"headers": {"Authorization": "bearer t"}}),
            serde_json::json!({"authorization": null, "token": "t"}),
        ] {
            assert_eq!(token_of(Some(&payload)), Ok(Some("t")), "{payload}");
        }
        assert_eq!(token_of(Some(&serde_json::json!({"headers": "Authorization"}))), Ok(None));
        assert!(token_of(Some(&serde_json::json!({"aUTHORIZATION": "t"}))).is_err());
    }
}
