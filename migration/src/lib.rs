//! Every table and index of Prospectus, up and down, for SQLite and PostgreSQL alike.
//!
//! Points in time are milliseconds since 1970-01-01 UTC, dates are days since then: integers sort, compare and page
//! the same way in both databases.

pub use sea_orm_migration::prelude::*;

mod m20261121_000001_symbols_and_prices;
mod m20261121_000002_jobs;
mod m20261121_000003_data_issues;
mod m20261121_000004_providers;
mod m20261121_000005_api_tokens;
mod m20261121_000006_research;
mod m20261121_000007_ipos;
mod m20261121_000008_forecasts;
mod m20261125_000009_ipo_performance;
mod m20261125_000011_job_revisions;
mod m20261125_000013_market;
mod m20261125_000014_derived_prices;
mod m20261125_000016_sessions;
mod m20261128_000021_names_and_restore;
mod m20261128_000022_whole_isins;
mod m20261128_000023_adjustments;
mod m20261128_000030_job_traces;
mod m20261128_000031_audit;
mod m20261128_000040_exchange_holidays;
mod m20261128_000041_model_choice;
mod m20261128_000050_job_keys;
mod m20261130_000060_undelivered_jobs;
mod m20261201_000070_settings_sessions;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_symbols_and_prices::Migration),
            Box::new(m20261121_000002_jobs::Migration),
            Box::new(m20261121_000003_data_issues::Migration),
            Box::new(m20261121_000004_providers::Migration),
            Box::new(m20261121_000005_api_tokens::Migration),
            Box::new(m20261121_000006_research::Migration),
            Box::new(m20261121_000007_ipos::Migration),
            Box::new(m20261121_000008_forecasts::Migration),
            Box::new(m20261125_000009_ipo_performance::Migration),
            Box::new(m20261125_000011_job_revisions::Migration),
            Box::new(m20261125_000016_sessions::Migration),
            Box::new(m20261125_000013_market::Migration),
            Box::new(m20261125_000014_derived_prices::Migration),
            Box::new(m20261128_000040_exchange_holidays::Migration),
            Box::new(m20261128_000041_model_choice::Migration),
            Box::new(m20261128_000021_names_and_restore::Migration),
            Box::new(m20261128_000030_job_traces::Migration),
            Box::new(m20261128_000031_audit::Migration),
            Box::new(m20261128_000022_whole_isins::Migration),
            Box::new(m20261128_000023_adjustments::Migration),
            Box::new(m20261128_000050_job_keys::Migration),
            Box::new(m20261130_000060_undelivered_jobs::Migration),
            Box::new(m20261201_000070_settings_sessions::Migration),
        ]
    }
}
