//! The National Stock Exchange of India: current, upcoming and past issues, and what it says of each.
//!
//! The exchange has no public API; this reads what its own pages read, as they do: the home page first, for its
//! cookies, then the data, at three requests a second at most. A denial is respected.

mod client;
mod holidays;
mod payload;

pub use client::Nse;
pub(super) use client::{BROWSER, blocked_minutes};

const NAME: &str = "The NSE";
