use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Which token of the settings opened a session: one that can't tell ends, as the setting may have changed since.
        let digest = Table::alter().table("sessions").add_column(text_null("settings_hash")).to_owned();
        manager.alter_table(digest).await?;
        let connection = manager.get_connection();
        connection.execute_unprepared("DELETE FROM sessions WHERE token_id IS NULL").await?;
        // A token's sessions are looked through at each sign-in.
        connection.execute_unprepared("CREATE INDEX sessions_token_id ON sessions (token_id)").await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX sessions_token_id").await?;
        let digest = Table::alter().table("sessions").drop_column("settings_hash").to_owned();
        manager.alter_table(digest).await
    }
}
