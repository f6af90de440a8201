//! Sessions of the console: a random cookie of their own, with an end, that dies with the token that opened it.

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::api_token;
use super::entity::session::{ActiveModel, Column, Entity, Model};
use super::repositories::{Sessions, Tokens};
use super::tokens::{hash, is_live, random_token};
use super::{Millis, Result, now};

/// Sessions that a token has at a time: browsers of a person, and then some.
const MOST_OF_TOKEN: u64 = 20;

/// Ties a session to the token of the settings. With the cookie's secret in it, it tells nobody who reads the table whether a
/// guess at a token that somebody made up is right.
fn settings_hash(secret: &str, token: &str) -> String {
    hash(&format!("{secret} {token}"))
}

impl Sessions<'_> {
    /// Opens a session for a token: that of a row, else that of the settings. Answers with the cookie's secret. Sessions that
    /// are over go at the same time, and the token's oldest where it has too many.
    #[boxed]
    pub async fn open(&self, token_id: Option<i64>, token: &str, expires_at: Millis) -> Result<String> {
        let secret = random_token();
        Entity::delete_many().filter(Column::ExpiresAt.lte(now())).exec(&self.0.write).await?;
        let row = ActiveModel {
            hash: Set(hash(&secret)),
            token_id: Set(token_id),
            created_at: Set(now()),
            expires_at: Set(expires_at),
            settings_hash: Set(token_id.is_none().then(|| settings_hash(&secret, token))),
            ..Default::default()
        };
        row.insert(&self.0.write).await?;
        let of_token = || match token_id {
            Some(id) => Column::TokenId.eq(id),
            None => Column::TokenId.is_null(),
        };
        let newest = Entity::find().select_only().column(Column::Id).filter(of_token()).order_by_desc(Column::Id);
        let beyond: Option<i64> = newest.offset(MOST_OF_TOKEN).into_tuple().one(&self.0.write).await?;
        if let Some(id) = beyond {
            Entity::delete_many().filter(of_token()).filter(Column::Id.lte(id)).exec(&self.0.write).await?;
        }
        Ok(secret)
    }

    /// The session of this cookie that isn't over, and the live token that opened it (`None` for that of the settings, which
    /// must be the same still).
    #[boxed]
    pub async fn find(
        &self,
        secret: &str,
        settings: Option<&str>,
    ) -> Result<Option<(Model, Option<api_token::Model>)>> {
        let found = Entity::find()
            .find_also_related(api_token::Entity)
            .filter(Column::Hash.eq(hash(secret)))
            .filter(Column::ExpiresAt.gt(now()))
            .one(&self.0.read)
            .await?;
        let live =
            |token: &api_token::Model| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now());
        let is_good = |(session, token): &(Model, Option<api_token::Model>)| match (session.token_id, settings) {
            (Some(_), _) => token.as_ref().is_some_and(live),
            (None, Some(settings)) => session.settings_hash == Some(settings_hash(secret, settings)),
            (None, None) => false,
        };
        Ok(found.filter(is_good))
    }

    /// Ends a session.
    #[boxed]
    pub async fn close(&self, secret: &str) -> Result<()> {
        Entity::delete_many().filter(Column::Hash.eq(hash(secret))).exec(&self.0.write).await?;
        Ok(())
    }

    /// Which of these sessions are still good. The token of the settings is what it was when they were found, as it lasts for
    /// as long as the process.
    #[boxed]
    pub async fn live_of(&self, ids: &[i64]) -> Result<HashSet<i64>> {
        let of_settings = Condition::all().add(Column::TokenId.is_null()).add(Column::SettingsHash.is_not_null());
        // Beside no token stand nulls, which look like a live one's.
        let of_token = Condition::all().add(Column::TokenId.is_not_null()).add(is_live());
        let rows = Entity::find()
            .find_also_related(api_token::Entity)
            .filter(Column::Id.is_in(ids.iter().copied()))
            .filter(Column::ExpiresAt.gt(now()))
            .filter(Condition::any().add(of_settings).add(of_token))
            .all(&self.0.read)
            .await?;
        Ok(rows.into_iter().map(|(session, _)| session.id).collect())
    }
}

impl Tokens<'_> {
    /// Which of these tokens are still good.
    #[boxed]
    pub async fn live_of(&self, ids: &[i64]) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = api_token::Entity::find()
            .select_only()
            .column(api_token::Column::Id)
            .filter(api_token::Column::Id.is_in(ids.iter().copied()))
            .filter(is_live())
            .into_tuple()
            .all(&self.0.read)
            .await?;
        Ok(rows.into_iter().collect())
    }
}
