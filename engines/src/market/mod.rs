//! What the field is made of: bars, series of them in columns, trading calendars, splits and indicators.
//! Everything here is pure; nothing reads a clock, a file or a database.

pub mod adjustment;
pub mod bar;
pub mod calendar;
pub mod close;
pub mod corporate_actions;
pub mod currency;
pub mod daily;
pub mod dates;
pub mod day;
pub mod decimal;
pub mod exact;
pub mod identity;
pub mod indicators;
pub mod ipo;
pub(crate) mod names;
mod nse_holidays;
pub mod operand;
pub mod performance;
pub mod resample;
pub mod series;
pub mod splits;
pub mod text;
pub mod ticker;
pub mod wordings;

pub use adjustment::{Adjustment, Dividend};
pub use bar::{Bar, DataSource, Exchange, LARGEST_PRICE};
pub use dates::DateOrder;
pub use day::Day;
pub use operand::{Operand, PriceField};
pub use performance::Performance;
pub use resample::Interval;
pub use series::{Columns, Series};
pub use splits::Split;
