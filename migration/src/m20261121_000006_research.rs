use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, blob, boolean, integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

fn of_symbol(name: &str, table: &str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table.to_owned(), "symbol_id")
        .to("symbols", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("backtests")
                    .col(big_pk_auto("id"))
                    .col(big_integer("symbol_id"))
                    .col(integer("data_version"))
                    .col(integer("engine_version"))
                    .col(boolean("adjusted"))
                    .col(integer("from_day"))
                    .col(integer("to_day"))
                    .col(integer("bar_count"))
                    .col(text("strategy"))
                    .col(text("execution"))
                    .col(text("metrics"))
                    .col(big_integer("created_at"))
                    .foreign_key(&mut of_symbol("backtests_symbol", "backtests"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("sweeps")
                    .col(big_pk_auto("id"))
                    .col(big_integer("symbol_id"))
                    .col(big_integer_null("job_id").unique_key())
                    .col(integer("data_version"))
                    .col(integer("engine_version"))
                    .col(boolean("adjusted"))
                    .col(integer("from_day"))
                    .col(integer("to_day"))
                    .col(text("windows"))
                    .col(text("execution"))
                    .col(integer("combinations"))
                    .col(big_integer("created_at"))
                    .foreign_key(&mut of_symbol("sweeps_symbol", "sweeps"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("sweeps_job")
                            .from("sweeps", "job_id")
                            .to("job_records", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .to_owned(),
            )
            .await?;
        // What is long stands apart, so that lists don't read it.
        for (table, column, of) in
            [("backtest_curves", "backtest_id", "backtests"), ("sweep_columns", "sweep_id", "sweeps")]
        {
            manager
                .create_table(
                    Table::create()
                        .table(table)
                        .col(big_integer(column).primary_key())
                        .col(blob("content"))
                        .foreign_key(
                            ForeignKey::create()
                                .name(format!("{table}_{of}"))
                                .from(table, column)
                                .to(of, "id")
                                .on_delete(ForeignKeyAction::Cascade),
                        )
                        .to_owned(),
                )
                .await?;
        }
        let connection = manager.get_connection();
        for sql in [
            "CREATE INDEX backtests_symbol_id ON backtests (symbol_id, id)",
            "CREATE INDEX backtests_created_at ON backtests (created_at, id)",
            "CREATE INDEX sweeps_symbol_id ON sweeps (symbol_id, id)",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sweep_columns", "backtest_curves", "sweeps", "backtests"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
