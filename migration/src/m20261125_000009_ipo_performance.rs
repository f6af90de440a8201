use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, double_null, integer_null};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What became of an issue's price, and what that was worked out from. Filled in at the next start.
fn columns() -> Vec<ColumnDef> {
    let mut columns: Vec<ColumnDef> = [
        "listing_open",
        "listing_gain",
        "first_day_return",
        "return_since_issue",
        "max_drawdown",
        "performance_peak",
        "performance_shares",
        // The total of the subscription, as a number to sort by.
        "subscription_total",
    ]
    .into_iter()
    .map(double_null)
    .collect();
    columns.extend(["performance_as_of", "performance_version"].into_iter().map(integer_null));
    columns.extend(["performance_listing", "performance_first_day"].into_iter().map(integer_null));
    columns.extend(["symbol_id", "performance_price"].into_iter().map(big_integer_null));
    columns
}

/// What is missing sorts last in both directions, so each direction has its own sentinel and index.
const INDEXES: [(&str, &str); 12] = [
    ("ipos_open_desc", "(coalesce(open_day, -2147483647)), id"),
    ("ipos_close_desc", "(coalesce(close_day, -2147483647)), id"),
    ("ipos_listing_desc", "(coalesce(listing_day, -2147483647)), id"),
    ("ipos_price_desc", "(coalesce(issue_price_units, -9223372036854775807)), id"),
    ("ipos_size", "(coalesce(issue_size, 9223372036854775807)), id"),
    ("ipos_size_desc", "(coalesce(issue_size, -9223372036854775807)), id"),
    ("ipos_gain", "(coalesce(listing_gain, 1e22)), id"),
    ("ipos_gain_desc", "(coalesce(listing_gain, -1e22)), id"),
    ("ipos_return", "(coalesce(return_since_issue, 1e22)), id"),
    ("ipos_return_desc", "(coalesce(return_since_issue, -1e22)), id"),
    ("ipos_subscription", "(coalesce(subscription_total, 1e22)), id"),
    ("ipos_subscription_desc", "(coalesce(subscription_total, -1e22)), id"),
];

const OTHER_INDEXES: [(&str, &str); 4] = [
    ("ipos_symbol", "ipos (symbol_id)"),
    ("symbols_last_day_desc", "symbols ((coalesce(last_day, -2147483647)), id)"),
    ("symbols_last_refreshed_at_desc", "symbols ((coalesce(last_refreshed_at, -9223372036854775807)), id)"),
    ("sweeps_created_at", "sweeps (created_at, id)"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            manager.alter_table(Table::alter().table("ipos").add_column(column).to_owned()).await?;
        }
        let total = if manager.get_database_backend() == DbBackend::Postgres {
            "(subscription::jsonb ->> 'total')::double precision"
        } else {
            "json_extract(subscription, '$.total')"
        };
        let connection = manager.get_connection();
        let fill = format!("UPDATE ipos SET subscription_total = {total} WHERE subscription IS NOT NULL");
        connection.execute_unprepared(&fill).await?;
        for (name, expression) in INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON ipos ({expression})")).await?;
        }
        for (name, on) in OTHER_INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON {on}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES.iter().chain(&OTHER_INDEXES) {
            manager.get_connection().execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        for column in columns() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table("ipos").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
