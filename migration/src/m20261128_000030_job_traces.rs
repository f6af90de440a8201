use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The trace of the request that asked for the job, which the worker goes on with.
        let traceparent = text_null("traceparent");
        manager.alter_table(Table::alter().table("job_records").add_column(traceparent).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("job_records").drop_column("traceparent").to_owned()).await
    }
}
