//! The way in: parse, validate, compare, then write or flag, in bulk. The only writer of prices.

mod compare;
mod ipo_records;
mod ipo_text;
mod ipos;
mod prices;
mod validate;

pub use compare::{Merged, merge};
pub use ipo_records::{IpoRecord, ParsedIpos, parse_ipos};
pub use ipos::{ipo_scope, ipos};
pub use prices::{IngestError, Ingested, plan, prices, scope};
pub use validate::{Parsed, parse};
