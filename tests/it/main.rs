//! What the service promises, asked of it over HTTP; on SQLite and, where it's installed, on PostgreSQL.

mod abuse;
mod auth;
mod backtests;
mod binary;
mod console;
mod demo;
mod documents;
mod evolution;
mod forecasts;
mod harness;
mod imports;
mod ipos;
mod jobs;
mod lists;
mod market;
mod outages;
mod performance;
mod protocol;
mod provider_errors;
mod refresh;
mod reports;
mod rest;
mod soak;
mod statements;
mod store;
mod subscriptions;
