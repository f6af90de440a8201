//! Who is asking, and whether they may.

use async_graphql::{Context, Error, SimpleObject};

use super::codes::Code;
use crate::actions::Caller;
use crate::store::Role;

/// Who is asking.
pub(super) fn caller(ctx: &Context<'_>) -> Caller {
    ctx.data_opt::<Caller>().cloned().unwrap_or_else(Caller::anonymous)
}

/// Who is asking.
#[derive(Debug, SimpleObject)]
pub struct Viewer {
    /// The token's name.
    pub name: String,
    /// What the token allows.
    pub role: Role,
}

/// Why a role does not suffice.
#[must_use]
pub fn denied(role: Role, needed: Role) -> Error {
    let needed = needed.name();
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
