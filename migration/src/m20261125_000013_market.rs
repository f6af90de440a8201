use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_pk_auto, boolean, double_null, integer, integer_null, text, text_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Tables that hold an exchange's tickers and days, with their keys.
const INDEXES: [&str; 5] = [
    "CREATE UNIQUE INDEX former_tickers_span ON former_tickers (exchange, ticker, until_day)",
    "CREATE INDEX former_tickers_symbol ON former_tickers (symbol_id)",
    "CREATE INDEX symbol_isins_symbol ON symbol_isins (symbol_id)",
    "CREATE INDEX corporate_actions_symbol ON corporate_actions (symbol_id, ex_day)",
    "CREATE INDEX corporate_actions_ex_day ON corporate_actions (ex_day, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // One table after the other: a list, however long.
    #[allow(clippy::too_many_lines)]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [text_null("isin"), integer_null("listed_day"), boolean("delisted").default(false).take()] {
            let table = Table::alter().table("symbols").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        // The session's before, as the exchange states it: on a first day it is the issue price.
        let table = Table::alter().table("price_bars").add_column(double_null("previous_close")).to_owned();
        manager.alter_table(table).await?;
        manager
            .create_table(
                Table::create()
                    .table("market_days")
                    .col(text("exchange"))
                    .col(integer("day"))
                    .col(text("state"))
                    .col(integer_null("shares"))
                    .col(text_null("reason"))
                    .col(text_null("layout"))
                    .col(big_integer("updated_at"))
                    .primary_key(Index::create().col("exchange").col("day"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                of_symbol("former_tickers")
                    .col(big_pk_auto("id"))
                    .col(text("ticker"))
                    .col(integer("until_day"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                of_symbol("symbol_isins")
                    .col(text("isin_key"))
                    .primary_key(Index::create().col("exchange").col("isin_key"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("ticker_changes")
                    .col(text("exchange"))
                    .col(text("old_ticker"))
                    .col(text("new_ticker"))
                    .col(integer("day"))
                    .primary_key(Index::create().col("exchange").col("old_ticker").col("day").col("new_ticker"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("market_funds")
                    .col(text("exchange"))
                    .col(text("ticker"))
                    .primary_key(Index::create().col("exchange").col("ticker"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("market_lists")
                    .col(text("name").primary_key())
                    .col(big_integer("fetched_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("corporate_actions")
                    .col(big_pk_auto("id"))
                    .col(text("exchange"))
                    .col(ColumnDef::new("symbol_id").big_integer())
                    // As the feed has it, which is as of the fetch.
                    .col(text("ticker"))
                    .col(text_null("isin"))
                    .col(text("kind"))
                    .col(integer("ex_day"))
                    .col(double_null("ratio"))
                    .col(text_null("amount"))
                    .col(text("subject"))
                    .col(text("source"))
                    .col(boolean("applied").default(false))
                    .col(text_null("doubt"))
                    .col(text("fingerprint").unique_key())
                    .col(big_integer("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("corporate_actions_symbol_row")
                            .from("corporate_actions", "symbol_id")
                            .to("symbols", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .to_owned(),
            )
            .await?;
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "corporate_actions",
            "market_lists",
            "market_funds",
            "ticker_changes",
            "symbol_isins",
            "former_tickers",
            "market_days",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("price_bars").drop_column("previous_close").to_owned()).await?;
        for column in ["delisted", "listed_day", "isin"] {
            manager.alter_table(Table::alter().table("symbols").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

/// A table of what a symbol has; it goes with the symbol.
fn of_symbol(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(big_integer("symbol_id"))
        .col(text("exchange"))
        .foreign_key(
            ForeignKey::create()
                .name(format!("{name}_symbol_row"))
                .from(name, "symbol_id")
                .to("symbols", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
