//! One module a table, column for column as the migrations make it.

pub mod api_token;
pub mod audit_event;
pub mod backtest;
pub mod backtest_curve;
pub mod corporate_action;
pub mod deleted_ipo;
pub mod exchange_holiday;
pub mod flag;
pub mod ipo;
pub mod ipo_revision;
pub mod job;
pub mod job_file;
pub mod job_key;
pub mod market_day;
pub mod model;
pub mod prediction;
pub mod price_bar;
pub mod request_budget;
pub mod schedule;
pub mod session;
pub mod sweep;
pub mod sweep_columns;
pub mod symbol;
