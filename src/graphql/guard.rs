//! Who is asking, and whether they may.

use async_graphql::{Context, Error, ErrorExtensions, Guard, Result, SimpleObject};

use crate::store::Role;

/// Whoever sent the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}

impl Caller {
    /// Somebody without a token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { name: "anonymous".to_owned(), role: Role::Anonymous }
    }
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
        ("UNAUTHENTICATED", format!("This needs a token of the role {needed}: send it as \"Authorization: Bearer …\""))
    } else {
        ("FORBIDDEN", format!("This needs a token of the role {needed}"))
    };
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
