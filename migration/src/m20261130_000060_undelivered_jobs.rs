use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The outbox is read at every change of any job, and mostly nothing is in it: not through all that wait.
        let undelivered =
            "CREATE INDEX job_records_undelivered ON job_records (state, run_after) WHERE enqueued_at IS NULL";
        manager.get_connection().execute_unprepared(undelivered).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX job_records_undelivered").await.map(drop)
    }
}
