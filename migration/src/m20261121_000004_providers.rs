use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("request_budgets")
                    // Provider and a fingerprint of the key, never the key.
                    .col(text("id").primary_key())
                    .col(integer("day").default(0))
                    .col(integer("used").default(0))
                    .col(big_integer("next_slot_at").default(0))
                    .col(big_integer("blocked_until").default(0))
                    .to_owned(),
            )
            .await?;
        // What a provider has refused a key for good, so that it isn't asked again and again.
        manager
            .create_table(
                Table::create()
                    .table("provider_refusals")
                    .col(text("budget_id"))
                    .col(text("feature"))
                    .col(big_integer("refused_at"))
                    .primary_key(Index::create().col("budget_id").col("feature"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("provider_refusals").to_owned()).await?;
        manager.drop_table(Table::drop().table("request_budgets").to_owned()).await
    }
}
