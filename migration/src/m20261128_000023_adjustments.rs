use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What prices were adjusted for; unknown of runs of before, which only tell whether they were.
const RUNS: [&str; 2] = ["backtests", "sweeps"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dividends = text("dividends").default("[]").take();
        manager.alter_table(Table::alter().table("symbols").add_column(dividends).to_owned()).await?;
        for table in RUNS {
            manager.alter_table(Table::alter().table(table).add_column(text_null("adjustment")).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in RUNS {
            manager.alter_table(Table::alter().table(table).drop_column("adjustment").to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("symbols").drop_column("dividends").to_owned()).await
    }
}
