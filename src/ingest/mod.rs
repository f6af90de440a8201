//! The way in: parse, validate, compare, then write or flag, in bulk. The only writer of prices.

mod compare;
mod prices;
mod validate;

pub use compare::{Merged, merge};
pub use prices::{IngestError, Ingested, plan, prices, scope};
pub use validate::{Parsed, parse};
