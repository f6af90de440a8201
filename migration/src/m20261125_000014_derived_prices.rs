use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::boolean;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An issue price that no source stated: the close before the listing day.
        let column = boolean("issue_price_derived").default(false).take();
        manager.alter_table(Table::alter().table("ipos").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("ipos").drop_column("issue_price_derived").to_owned()).await
    }
}
