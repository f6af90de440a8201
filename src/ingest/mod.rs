//! The way in: parse, validate, compare, then write or flag, in bulk. The only writer of prices.

mod compare;
mod corporate_actions;
mod errors;
mod ipo_dates;
mod ipo_kinds;
mod ipo_records;
mod ipo_text;
mod ipos;
mod listings;
mod made_good;
mod market;
mod prices;
mod share_lists;
mod validate;

pub use compare::{Merged, merge};
pub use corporate_actions::{all_corporate_actions, corporate_actions, judge_actions};
pub use errors::IngestError;
pub use ipo_records::{IpoRecord, ParsedIpos, parse_ipos};
pub use ipos::{ipo_scope, ipos};
pub use market::{market, market_scope, ticker_changes};
pub use prices::{Ingested, plan, prices, scope, today};
pub use share_lists::ShareLists;
pub use validate::{Parsed, parse};
