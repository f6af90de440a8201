//! Who is asking, and whether they may.

use std::net::{IpAddr, Ipv4Addr};

use async_graphql::{Context, Error, Guard, Result, SimpleObject};

use super::codes::Code;
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
    /// A console session's row.
    Session(i64),
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
}

/// The name of the token that was sent.
pub(super) fn caller<'a>(ctx: &'a Context<'_>) -> &'a str {
    ctx.data_opt::<Caller>().map_or("anonymous", |caller| caller.name.as_str())
}

/// Who is asking.
#[derive(Debug, SimpleObject)]
pub struct Viewer {
    /// The token's name.
    pub name: String,
    /// What the token allows.
    pub role: Role,
}

/// Lets callers of a role and above pass.
pub struct RoleGuard(pub Role);

impl Guard for RoleGuard {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        let role = ctx.data_opt::<Caller>().map_or(Role::Anonymous, |caller| caller.role);
        if role >= self.0 { Ok(()) } else { Err(denied(role, self.0)) }
    }
}

/// Why a role does not suffice.
#[must_use]
pub fn denied(role: Role, needed: Role) -> Error {
    let needed = format!("{needed:?}").to_uppercase();
    let (code, message) = if role == Role::Anonymous {
        (
            Code::Unauthenticated,
            format!("This needs a token of the role {needed}: send it as \"Authorization: Bearer …\""),
        )
    } else {
        (Code::Forbidden, format!("This needs a token of the role {needed}"))
    };
    code.error(message)
}
