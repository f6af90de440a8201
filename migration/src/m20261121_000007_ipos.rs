use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, integer_null, text, text_null};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("ipos")
                    .col(big_pk_auto("id"))
                    .col(text("exchange"))
                    .col(text("name"))
                    // Letters and digits of the name in lower case: the same company, however it's written.
                    .col(text("name_key"))
                    .col(text_null("ticker"))
                    .col(text("board"))
                    // Decimals as they were written, and the price again as a number to sort by.
                    .col(text_null("issue_price"))
                    .col(big_integer_null("issue_price_units"))
                    .col(text_null("price_band_low"))
                    .col(text_null("price_band_high"))
                    .col(text("currency"))
                    .col(integer_null("lot_size"))
                    .col(big_integer_null("issue_size"))
                    .col(integer_null("open_day"))
                    .col(integer_null("close_day"))
                    .col(integer_null("listing_day"))
                    .col(text_null("face_value"))
                    .col(text_null("registrar"))
                    .col(text_null("standing"))
                    .col(text_null("subscription"))
                    .col(text("source"))
                    .col(text("seen").default("{}"))
                    .col(big_integer("created_at"))
                    .col(big_integer("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("ipo_revisions")
                    .col(big_pk_auto("id"))
                    .col(big_integer("ipo_id"))
                    .col(big_integer("at"))
                    .col(text("source"))
                    .col(text("changes"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("ipo_revisions_ipo")
                            .from("ipo_revisions", "ipo_id")
                            .to("ipos", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        // What an administrator has deleted, so that the next fetch doesn't bring it back.
        manager
            .create_table(
                Table::create()
                    .table("deleted_ipos")
                    .col(big_pk_auto("id"))
                    .col(text("exchange"))
                    .col(text("name_key"))
                    .col(text_null("ticker"))
                    .col(integer_null("day"))
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        for sql in [
            // An issue is known by its symbol and first day: symbols recur over the years.
            // The exchange stands behind: so few values are no place to begin a search.
            "CREATE UNIQUE INDEX ipos_issue ON ipos (ticker, exchange, (coalesce(open_day, listing_day, 0))) \
             WHERE ticker IS NOT NULL",
            "CREATE UNIQUE INDEX ipos_unnamed_issue ON ipos (name_key, exchange, (coalesce(open_day, listing_day, 0))) \
             WHERE ticker IS NULL",
            "CREATE INDEX ipos_name_key ON ipos (name_key, exchange)",
            // One for each order that a list can have; what is missing sorts last through the sentinel.
            "CREATE INDEX ipos_name ON ipos (name, id)",
            "CREATE INDEX ipos_open ON ipos ((coalesce(open_day, 2147483647)), id)",
            "CREATE INDEX ipos_close ON ipos ((coalesce(close_day, 2147483647)), id)",
            "CREATE INDEX ipos_listing ON ipos ((coalesce(listing_day, 2147483647)), id)",
            "CREATE INDEX ipos_price ON ipos ((coalesce(issue_price_units, 9223372036854775807)), id)",
            "CREATE INDEX ipos_created ON ipos (created_at, id)",
            "CREATE INDEX ipos_updated ON ipos (updated_at, id)",
            "CREATE INDEX ipo_revisions_ipo ON ipo_revisions (ipo_id, id)",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            for sql in [
                "CREATE EXTENSION IF NOT EXISTS pg_trgm",
                "CREATE INDEX ipos_search_name ON ipos USING gin (lower(name) gin_trgm_ops)",
                "CREATE INDEX ipos_search_ticker ON ipos USING gin (lower(ticker) gin_trgm_ops)",
            ] {
                connection.execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["deleted_ipos", "ipo_revisions", "ipos"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
