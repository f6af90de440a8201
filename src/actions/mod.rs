//! What a person can do, one file an aggregate. An action takes the caller, authorises, checks, then acts: it computes with
//! the engines and stores, or records a job. GraphQL, the REST routes over it, the command line and the demo come through
//! here, and who may do what is said here.

pub mod audit;
pub mod backtests;
mod caller;
pub mod flags;
mod idempotency;
pub mod ipos;
pub mod jobs;
pub mod market;
pub mod market_files;
pub mod models;
pub mod predictions;
pub mod prices;
mod research;
pub mod sweeps;
pub mod symbols;
pub mod tokens;

pub use caller::{Caller, Credential};

/// Characters of a name that a person gives to something.
const LONGEST_NAME: usize = 200;
