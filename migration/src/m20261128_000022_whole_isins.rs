use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// An issuer's shares with full and with lesser votes may have ISINs that differ by no more than a face value split's:
/// they are kept whole. Rows of nine characters stay, as what is known of ISINs of before.
const UP: [&str; 3] = [
    "ALTER TABLE symbol_isins RENAME COLUMN isin_key TO isin",
    "INSERT INTO symbol_isins (symbol_id, exchange, isin) SELECT id, 'NSE', isin FROM symbols \
     WHERE isin IS NOT NULL AND ticker LIKE '%.NSE' ON CONFLICT DO NOTHING",
    "CREATE INDEX symbol_isins_key ON symbol_isins (substr(isin, 1, 9))",
];

const DOWN: [&str; 4] = [
    "DROP INDEX symbol_isins_key",
    "INSERT INTO symbol_isins (symbol_id, exchange, isin) SELECT symbol_id, exchange, substr(isin, 1, 9) \
     FROM symbol_isins WHERE true ON CONFLICT DO NOTHING",
    "DELETE FROM symbol_isins WHERE length(isin) > 9",
    "ALTER TABLE symbol_isins RENAME COLUMN isin TO isin_key",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in UP {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in DOWN {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
