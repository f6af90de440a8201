use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: [&str; 5] = [
    "CREATE INDEX audit_events_at ON audit_events (at)",
    "CREATE INDEX audit_events_object ON audit_events (object)",
    // What is forgotten after a while is found by when it ended.
    "CREATE INDEX data_issues_resolved ON data_issues (resolved_at) WHERE resolved_at IS NOT NULL",
    "CREATE INDEX sweeps_created ON sweeps (created_at)",
    "CREATE INDEX sessions_expires ON sessions (expires_at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_events")
                    .col(big_pk_auto("id"))
                    .col(big_integer("at"))
                    // The token's name stays when the token is gone.
                    .col(text("token"))
                    .col(text_null("address"))
                    .col(text("action"))
                    .col(text_null("object"))
                    .col(text("arguments"))
                    .col(text("outcome"))
                    .col(text_null("trace"))
                    .to_owned(),
            )
            .await?;
        let used = big_integer_null("last_used_at");
        manager.alter_table(Table::alter().table("api_tokens").add_column(used).to_owned()).await?;
        for index in INDEXES {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in ["data_issues_resolved", "sweeps_created", "sessions_expires"] {
            manager.get_connection().execute_unprepared(&format!("DROP INDEX {index}")).await?;
        }
        manager.alter_table(Table::alter().table("api_tokens").drop_column("last_used_at").to_owned()).await?;
        manager.drop_table(Table::drop().table("audit_events").to_owned()).await
    }
}
