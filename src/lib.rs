//! Prospectus: IPOs, daily prices, backtests and forecasts behind one GraphQL endpoint.
//!
//! Data flows one way, from outside in and out again; `docs/ARCHITECTURE.md` has the order of the modules.

pub mod actions;
pub mod app;
pub mod cli;
pub mod export;
pub mod graphql;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod providers;
pub mod registry;
pub mod report;
pub mod request;
pub mod research;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod workers;

pub use engines::{backtest, forecast, market};
