use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob, boolean, integer, integer_null, text, text_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Not "jobs": the queue library owns a table of that name in SQLite.
        manager
            .create_table(
                Table::create()
                    .table("job_records")
                    .col(big_pk_auto("id"))
                    .col(text("kind"))
                    .col(text("state"))
                    .col(big_integer_null("symbol_id"))
                    .col(text("payload"))
                    .col(text_null("dedupe_key"))
                    .col(text_null("exclusive_key"))
                    .col(text_null("idempotency_key"))
                    .col(integer("done").default(0))
                    .col(integer_null("total"))
                    .col(text_null("message"))
                    .col(integer("attempts").default(0))
                    .col(integer("failures").default(0))
                    .col(integer_null("added"))
                    .col(integer_null("changed"))
                    .col(integer_null("unchanged"))
                    .col(integer_null("flagged"))
                    .col(boolean("cancel_requested").default(false))
                    .col(text_null("worker"))
                    .col(big_integer_null("lease_until"))
                    .col(big_integer("run_after"))
                    .col(big_integer_null("enqueued_at"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("started_at"))
                    .col(big_integer_null("finished_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("job_records_symbol")
                            .from("job_records", "symbol_id")
                            .to("symbols", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        for sql in [
            // One active job for each thing to do, one running job for each thing that must not overlap.
            "CREATE UNIQUE INDEX job_records_active ON job_records (dedupe_key) \
             WHERE state IN ('QUEUED', 'RUNNING', 'RETRYING')",
            "CREATE UNIQUE INDEX job_records_running ON job_records (exclusive_key) WHERE state = 'RUNNING'",
            "CREATE UNIQUE INDEX job_records_idempotency ON job_records (idempotency_key)",
            "CREATE INDEX job_records_due ON job_records (run_after) \
             WHERE state IN ('QUEUED', 'RUNNING', 'RETRYING')",
            "CREATE INDEX job_records_symbol ON job_records (symbol_id, id)",
            "CREATE INDEX job_records_state ON job_records (state, id)",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("job_files")
                    .col(big_integer("job_id").primary_key())
                    .col(blob("content"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("job_files_job")
                            .from("job_files", "job_id")
                            .to("job_records", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("schedules")
                    .col(text("name").primary_key())
                    .col(big_integer("last_due_at"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["schedules", "job_files", "job_records"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
