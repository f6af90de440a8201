//! Files of a whole market: the NSE's daily file in its three layouts, the exchange's lists of shares, and its
//! announcements.

mod actions;
mod archive;
mod layout;
mod lists;
mod unpack;
mod unread;

pub use actions::{Announcements, RawAction, actions_of_csv, actions_of_json};
pub use archive::{CHANGE_LISTS, DayAnswer, NseArchive, SHARE_LISTS, addresses, describe, may_still_come};
pub use layout::{DayFile, Session, read_day};
pub use lists::{ListFile, NameChange, read_list};
pub use unpack::{Unpacked, unpack, utf16};
pub use unread::Unread;
