use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, integer, integer_null, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("data_issues")
                    .col(big_pk_auto("id"))
                    .col(text("source"))
                    .col(text("scope"))
                    .col(text("record"))
                    .col(integer_null("day"))
                    .col(text_null("field"))
                    .col(text("reason"))
                    .col(text("raw"))
                    .col(text("fingerprint").unique_key())
                    .col(big_integer("first_seen_at"))
                    .col(big_integer("last_seen_at"))
                    .col(integer("occurrences").default(1))
                    .col(big_integer_null("resolved_at"))
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        connection
            .execute_unprepared("CREATE INDEX data_issues_open ON data_issues (scope) WHERE resolved_at IS NULL")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("data_issues").to_owned()).await
    }
}
