use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What a person calls a run, who edited an issue, and what it takes to bring a deleted issue back.
fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("backtests", text_null("name").take()),
        ("sweeps", text_null("name").take()),
        ("ipo_revisions", text_null("author").take()),
        ("deleted_ipos", big_integer_null("ipo_id").take()),
        ("deleted_ipos", text_null("name").take()),
        ("deleted_ipos", big_integer_null("at").take()),
        ("deleted_ipos", text_null("author").take()),
        ("deleted_ipos", text_null("content").take()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One at a time: SQLite adds no two columns in a statement.
        for (table, column) in columns() {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        manager.get_connection().execute_unprepared("CREATE INDEX deleted_ipos_ipo ON deleted_ipos (ipo_id)").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX deleted_ipos_ipo").await?;
        for (table, column) in columns().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
