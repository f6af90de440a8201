//! Tokens, for administrators.

use async_graphql::{Context, Guard, ID, InputObject, Object, Result, SimpleObject};

use super::errors::{Fault, UserError, UserErrorCode};
use super::guard::RoleGuard;
use super::ids::{self, Kind};
use super::scalars::DateTime;
use super::symbol::moment;
use crate::app::App;
use crate::market::text::clean;
use crate::store::entity::api_token as row;
use crate::store::{Role, now};

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
        moment(self.0.created_at)
    }

    /// Null if it's good without end.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(moment)
    }

    /// When it was used last, to some minutes; null if it wasn't since that is noted.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(moment)
    }

    /// When it was revoked; null while it is good.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(moment)
    }
}

/// A guard would null the whole answer, and so would an error of a resolver: one within an option nulls its field alone.
async fn all_tokens(ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
    RoleGuard(Role::Admin).check(ctx).await?;
    let tokens = ctx.data_unchecked::<App>().store.tokens().list().await.map_err(Fault::from)?;
    Ok(tokens.into_iter().map(ApiToken).collect())
}

#[derive(Default)]
pub struct TokenQuery;

#[Object]
impl TokenQuery {
    /// All tokens, without their secrets; null, with an error, for anyone but an administrator.
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

const LONGEST_NAME: usize = 200;
const DAY_MS: i64 = 86_400_000;
const MOST_DAYS: i32 = 3_650;

#[derive(Default)]
pub struct TokenMutation;

fn mistake(input: &CreateTokenInput) -> Option<UserError> {
    let invalid = |field, message: String| Some(UserError::new(UserErrorCode::Invalid, field, message));
    if clean(&input.name).is_empty() || input.name.chars().count() > LONGEST_NAME {
        return invalid("name", format!("a token's name has 1 to {LONGEST_NAME} characters"));
    }
    if input.role == Role::Anonymous {
        return invalid("role", "a token's role is READER, OPERATOR or ADMIN".to_owned());
    }
    let possible = input.days.is_none_or(|days| (1..=MOST_DAYS).contains(&days));
    if possible { None } else { invalid("days", format!("a token is good for 1 to {MOST_DAYS} days, or without end")) }
}

#[Object]
impl TokenMutation {
    /// Makes a token. Its secret is in the answer and nowhere else.
    #[graphql(guard = "RoleGuard(Role::Admin)")]
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whom, and what it allows.")] input: CreateTokenInput,
    ) -> Result<CreateTokenPayload> {
        if let Some(error) = mistake(&input) {
            return Ok(CreateTokenPayload { token: None, secret: None, user_errors: vec![error] });
        }
        let expires_at = input.days.map(|days| now() + i64::from(days) * DAY_MS);
        let tokens = ctx.data_unchecked::<App>().store.tokens();
        let (token, secret) = tokens.create(&clean(&input.name), input.role, expires_at).await.map_err(Fault::from)?;
        Ok(CreateTokenPayload { token: Some(ApiToken(token)), secret: Some(secret), user_errors: Vec::new() })
    }

    /// Revokes a token at once.
    #[graphql(guard = "RoleGuard(Role::Admin)")]
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: RevokeTokenInput,
    ) -> Result<RevokeTokenPayload> {
        let tokens = ctx.data_unchecked::<App>().store.tokens();
        let revoked = match ids::decode_as(Kind::Token, &input.id) {
            Some(id) => tokens.revoke(id).await.map_err(Fault::from)?,
            None => false,
        };
        if revoked {
            return Ok(RevokeTokenPayload {
                revoked_token_id: Some(input.id.clone()),
                revoked_id: Some(input.id),
                user_errors: Vec::new(),
            });
        }
        let error = UserError::new(UserErrorCode::NotFound, "id", "there is no live token with this id");
        Ok(RevokeTokenPayload { revoked_token_id: None, revoked_id: None, user_errors: vec![error] })
    }
}
