//! Tokens, for administrators.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::{Fault, UserError, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::scalars::DateTime;
use crate::actions::tokens;
use crate::app::App;
use crate::store::entity::api_token as row;
use crate::store::{Role, newest_first};

/// A token, without its secret.
#[derive(Debug, Clone)]
pub struct ApiToken(row::Model);

/// A token, without its secret.
#[Object]
impl ApiToken {
    /// An opaque global id.
    async fn id(&self) -> ID {
        ids::encode(Kind::Token, self.0.id)
    }

    /// Who or what it's for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the token allows.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Null if it's good without end.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was used last, to some minutes; null if it wasn't since that is noted.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// When it was revoked; null while it is good.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

/// An error of a resolver would null the whole answer: one within an option nulls its field alone.
async fn all_tokens(ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
    let all = tokens::list(ctx.data_unchecked::<App>(), &caller(ctx)).await.map_err(Fault::from)?;
    Ok(all.into_iter().map(ApiToken).collect())
}

async fn page(ctx: &Context<'_>, arguments: PageArguments) -> Result<Connection<ApiToken>> {
    let page = arguments.request("tokens", &newest_first())?;
    let read = tokens::page(ctx.data_unchecked::<App>(), &caller(ctx), &page).map_err(Fault::from)?;
    let rows = if_asked(ctx, read).await.map_err(Fault::from)?;
    Ok(connect(rows, Total::Tokens, row::Model::keys, ApiToken))
}

#[derive(Default)]
pub struct TokenQuery;

#[Object]
impl TokenQuery {
    /// Tokens, without their secrets, the newest first; null, with an error, for anyone but an administrator.
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Begin after this cursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "End before this cursor.")] before: CursorText,
    ) -> Option<Result<Connection<ApiToken>>> {
        Some(page(ctx, PageArguments { first, after, last, before }).await)
    }

    /// One token, without its secret; null where there's none, and, with an error, for anyone but an administrator.
    async fn token(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<ApiToken>> {
        let found = tokens::get(ctx.data_unchecked::<App>(), &caller(ctx), ids::row_of(Kind::Token, &id)).await;
        found.map_err(|error| Fault::from(error).into()).transpose().map(|found| found.map(ApiToken))
    }

    /// All tokens, without their secrets; null, with an error, for anyone but an administrator.
    #[graphql(deprecation = "It has no pages: use apiTokens")]
    async fn tokens(&self, ctx: &Context<'_>) -> Option<Result<Vec<ApiToken>>> {
        Some(all_tokens(ctx).await)
    }
}

/// A token to make.
#[derive(Debug, InputObject)]
pub struct CreateTokenInput {
    /// Who or what it's for, 1 to 200 characters.
    name: String,
    /// What it allows: READER, OPERATOR or ADMIN.
    role: Role,
    /// Days that it's good for, 1 to 3,650; without end if left out.
    days: Option<i32>,
}

/// The token with its secret, which is shown this once.
#[derive(SimpleObject)]
pub struct CreateTokenPayload {
    /// The token; null if there are errors.
    token: Option<ApiToken>,
    /// What to send as "Authorization: Bearer …". It is shown this once; null if there are errors.
    secret: Option<String>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A token that is to open nothing any more.
#[derive(Debug, InputObject)]
pub struct RevokeTokenInput {
    /// Which token, by its global id.
    id: ID,
}

/// Which token was revoked.
#[derive(SimpleObject)]
pub struct RevokeTokenPayload {
    /// The id of the token that opens nothing any more; null if there are errors.
    revoked_token_id: Option<ID>,
    /// The same.
    #[graphql(deprecation = "Every payload names the type that its id is of: use revokedTokenId")]
    revoked_id: Option<ID>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Makes a token. Its secret is in the answer and nowhere else.
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whom, and what it allows.")] input: CreateTokenInput,
    ) -> Result<CreateTokenPayload> {
        let done = tokens::create(ctx.data_unchecked::<App>(), &caller(ctx), &input.name, input.role, input.days).await;
        Ok(payload!(CreateTokenPayload, done, (token, secret) => {
            token: Some(ApiToken(token)),
            secret: Some(secret)
        }))
    }

    /// Revokes a token at once.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: RevokeTokenInput,
    ) -> Result<RevokeTokenPayload> {
        let id = ids::row_of(Kind::Token, &input.id);
        let done = tokens::revoke(ctx.data_unchecked::<App>(), &caller(ctx), id).await;
        Ok(payload!(RevokeTokenPayload, done, () => {
            revoked_token_id: Some(input.id.clone()),
            revoked_id: Some(input.id)
        }))
    }
}
