use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, boolean, double, integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("models")
                    .col(big_pk_auto("id"))
                    .col(text("key").unique_key())
                    .col(text("content"))
                    .col(boolean("may_be_default"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("predictions")
                    .col(big_pk_auto("id"))
                    .col(big_integer("symbol_id"))
                    .col(text("model"))
                    .col(integer("as_of"))
                    .col(integer("horizon"))
                    .col(integer("data_version"))
                    .col(double("close"))
                    .col(text("points"))
                    .col(text("evaluation"))
                    .col(big_integer("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("predictions_symbol")
                            .from("predictions", "symbol_id")
                            .to("symbols", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        for sql in [
            "CREATE INDEX predictions_symbol_id ON predictions (symbol_id, id)",
            "CREATE INDEX predictions_created_at ON predictions (created_at, id)",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["predictions", "models"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
