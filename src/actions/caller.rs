//! Who is asking.

use std::net::{IpAddr, Ipv4Addr};

use crate::request::RequestError;
use crate::store::Role;

/// Whoever sent the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub name: String,
    pub role: Role,
    pub credential: Credential,
    /// Where the request came from.
    pub address: IpAddr,
}

/// What a caller has shown: it can end while a connection stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    None,
    /// The token of the settings, good for as long as the process lives.
    Settings,
    /// A bearer token's row.
    Token(i64),
    /// A console session's row, and that of the token which opened it; none for the token of the settings.
    Session {
        id: i64,
        token: Option<i64>,
    },
}

impl Caller {
    /// Somebody without a token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: "anonymous".to_owned(),
            role: Role::Anonymous,
            credential: Credential::None,
            address: Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    /// Whoever works at the machine itself: the command line and the demo.
    #[must_use]
    pub fn command_line() -> Self {
        Self { name: "command line".to_owned(), role: Role::Admin, ..Self::anonymous() }
    }

    /// Lets a role and those above it pass.
    ///
    /// # Errors
    /// When the caller's role is below it.
    pub(super) fn must_be(&self, needed: Role) -> Result<(), RequestError> {
        if self.role >= needed { Ok(()) } else { Err(RequestError::Denied { role: self.role, needed }) }
    }
}
