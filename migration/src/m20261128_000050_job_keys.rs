use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Keys of requests that were answered with another's job; the key that made a job stays in its row.
        let keys = Table::create()
            .table("job_keys")
            .col(text("idempotency_key").primary_key())
            .col(big_integer("job_id"))
            .foreign_key(
                ForeignKey::create()
                    .name("job_keys_job")
                    .from("job_keys", "job_id")
                    .to("job_records", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(keys).await?;
        let by_job = "CREATE INDEX job_keys_job_id ON job_keys (job_id)";
        manager.get_connection().execute_unprepared(by_job).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("job_keys").to_owned()).await
    }
}
