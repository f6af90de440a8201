use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The outbox is read at every change of any job, and mostly nothing is in it: not through all that wait.
        let undelivered =
            "CREATE INDEX job_records_undelivered ON job_records (state, run_after) WHERE enqueued_at IS NULL";
        manager.get_connection().execute_unprepared(undelivered).await?;
        // It stayed where a change of tickers moved bars with adjusted closes from one symbol to another.
        let adjusted = "UPDATE symbols SET adjusted_until = (SELECT MAX(b.day) FROM price_bars AS b \
                        WHERE b.symbol_id = symbols.id AND b.adjusted_close IS NOT NULL) \
                        WHERE adjusted_until IS NOT NULL OR id IN (SELECT symbol_id FROM former_tickers)";
        manager.get_connection().execute_unprepared(adjusted).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX job_records_undelivered").await.map(drop)
    }
}
