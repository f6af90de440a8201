use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, integer};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Grows with every change that a person can see, so that whoever follows a job hears of each once.
        let revision = integer("revision").default(0).to_owned();
        manager.alter_table(Table::alter().table("job_records").add_column(revision).to_owned()).await?;
        let ended = "CREATE INDEX job_records_finished ON job_records (finished_at)";
        manager.get_connection().execute_unprepared(ended).await?;
        // Written to see whether a disk that was full has space again; empty otherwise.
        manager
            .create_table(
                Table::create()
                    .table("storage_probes")
                    .col(big_integer("id").primary_key())
                    .col(blob("filler"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("storage_probes").to_owned()).await?;
        manager.get_connection().execute_unprepared("DROP INDEX job_records_finished").await?;
        manager.alter_table(Table::alter().table("job_records").drop_column("revision").to_owned()).await
    }
}
