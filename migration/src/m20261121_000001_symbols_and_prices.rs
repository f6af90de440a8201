use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, double, double_null, integer, integer_null, small_integer, text,
    text_null,
};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("symbols")
                    .col(big_pk_auto("id"))
                    .col(text("ticker").unique_key())
                    .col(text_null("name"))
                    .col(text("exchange"))
                    .col(text_null("currency"))
                    .col(text("source"))
                    .col(integer_null("first_day"))
                    .col(integer_null("last_day"))
                    .col(integer_null("adjusted_until"))
                    .col(integer("bar_count").default(0))
                    .col(integer("data_version").default(0))
                    .col(text("splits").default("[]"))
                    .col(big_integer_null("last_refreshed_at"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        // The orders that `symbols` can be asked for; nulls sort last through the sentinel.
        for (name, expression) in [
            ("symbols_last_day", "(coalesce(last_day, 2147483647)), id"),
            ("symbols_last_refreshed_at", "(coalesce(last_refreshed_at, 9223372036854775807)), id"),
            ("symbols_created_at", "created_at, id"),
        ] {
            let sql = format!("CREATE INDEX {name} ON symbols ({expression})");
            manager.get_connection().execute_unprepared(&sql).await?;
        }

        let mut bars = Table::create()
            .table("price_bars")
            .col(big_integer("symbol_id"))
            .col(integer("day"))
            .col(double("open"))
            .col(double("high"))
            .col(double("low"))
            .col(double("close"))
            .col(double_null("adjusted_close"))
            .col(big_integer("volume"))
            .col(double_null("split"))
            .col(small_integer("source"))
            .primary_key(Index::create().col("symbol_id").col("day"))
            .foreign_key(
                ForeignKey::create()
                    .name("price_bars_symbol")
                    .from("price_bars", "symbol_id")
                    .to("symbols", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        if manager.get_database_backend() == DbBackend::Sqlite {
            // The primary key is the table: a range of days is one scan of neighbouring rows.
            bars.extra("WITHOUT ROWID");
        }
        manager.create_table(bars).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("price_bars").to_owned()).await?;
        manager.drop_table(Table::drop().table("symbols").to_owned()).await
    }
}
