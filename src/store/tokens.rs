//! Bearer tokens: random 256 bits, kept as hashes, shown once.

use async_recursion::async_recursion as boxed;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use sha2::{Digest, Sha256};

use super::entity::api_token::{ActiveModel, Column, Entity, Model, Role};
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Tokens;
use super::{Millis, Result, now};

/// How often it's noted that a token is used: reading must not write each time.
const USE_NOTED_EVERY_MS: i64 = 300_000;

/// A new random token.
///
/// # Panics
/// When the operating system has no randomness to give; nothing secret can be made then.
#[must_use]
pub fn random_token() -> String {
    let mut bytes = [0_u8; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    format!("prs_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256 in base64.
#[must_use]
pub fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

/// Neither revoked nor expired.
pub(super) fn is_live() -> Condition {
    let unexpired = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now()));
    Condition::all().add(Column::RevokedAt.is_null()).add(unexpired)
}

impl Tokens<'_> {
    /// Makes a token; the second value is the secret, which can't be had again.
    #[boxed]
    pub async fn create(&self, name: &str, role: Role, expires_at: Option<Millis>) -> Result<(Model, String)> {
        let secret = random_token();
        let row = ActiveModel {
            name: Set(name.to_owned()),
            role: Set(role),
            hash: Set(hash(&secret)),
            created_at: Set(now()),
            expires_at: Set(expires_at),
            ..Default::default()
        };
        Ok((row.insert(&self.0.write).await?, secret))
    }

    /// The live token with this secret.
    #[boxed]
    pub async fn find(&self, secret: &str) -> Result<Option<Model>> {
        Ok(Entity::find().filter(Column::Hash.eq(hash(secret))).filter(is_live()).one(&self.0.read).await?)
    }

    /// Notes that a token was used, unless that was noted a short while ago.
    #[boxed]
    pub async fn used(&self, token: &Model) -> Result<()> {
        let now = now();
        if token.last_used_at.is_some_and(|at| at > now - USE_NOTED_EVERY_MS) {
            return Ok(());
        }
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::val(now))
            .filter(Column::Id.eq(token.id))
            .exec(&self.0.write)
            .await?;
        Ok(())
    }

    /// One token, good or not.
    #[boxed]
    pub async fn get(&self, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(&self.0.read).await?)
    }

    #[boxed]
    pub async fn page(&self, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find(), &newest_first());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self) -> Result<u64> {
        Ok(Entity::find().count(&self.0.read).await?)
    }

    /// Every token, the oldest first.
    #[boxed]
    pub async fn list(&self) -> Result<Vec<Model>> {
        Ok(Entity::find().order_by_asc(Column::Id).all(&self.0.read).await?)
    }

    /// Ends a token's life; false if there is no live token of that id.
    #[boxed]
    pub async fn revoke(&self, id: i64) -> Result<bool> {
        let updated = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::val(now()))
            .filter(Column::Id.eq(id))
            .filter(Column::RevokedAt.is_null())
            .exec(&self.0.write)
            .await?;
        Ok(updated.rows_affected > 0)
    }
}
