use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = Table::alter().table("models").add_column(text_null("name")).to_owned();
        manager.alter_table(name).await?;
        // One row at most: the model that is used where nobody names one.
        let choice = Table::create()
            .table("default_model")
            .col(integer("id").primary_key())
            .col(text("model_key"))
            .col(big_integer("chosen_at"))
            .to_owned();
        manager.create_table(choice).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("default_model").to_owned()).await?;
        let name = Table::alter().table("models").drop_column("name").to_owned();
        manager.alter_table(name).await
    }
}
