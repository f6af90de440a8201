//! The dates of issues: read by the one reader of dates, in the order that the whole batch has, and held against when
//! an issue can be at all.

use super::ipo_text::is_nothing;
use crate::market::Exchange;
use crate::market::dates::{self, DateOrder, OrderVotes};
use crate::market::day::{Day, iso};
use crate::market::ipo::check_issue_day;
use crate::providers::RawIpo;

/// An issue whose bidding is over, or whose year has two digits, isn't so far ahead.
const SHORT_AHEAD: Day = 366;

/// How a batch writes its dates.
pub(super) struct IssueDates {
    order: Option<DateOrder>,
    /// The date at the exchange.
    today: Day,
}

impl IssueDates {
    /// Decides the order of day and month from all dates of these records.
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a RawIpo>, today: Day) -> Self {
        let mut votes = OrderVotes::default();
        for text in records.flat_map(|r| [&r.open, &r.close, &r.listing]).flatten() {
            if let Ok(written) = dates::read(text) {
                votes.add(text, &written);
            }
        }
        Self { order: votes.decide().ok(), today }
    }

    /// The day of a text; `None` where it says that there is none.
    ///
    /// # Errors
    /// Why it can't be the day of an issue, to be put after the field's name.
    pub(super) fn day(&self, exchange: Exchange, is_past: bool, text: Option<&str>) -> Result<Option<Day>, String> {
        let Some(text) = text else { return Ok(None) };
        if text.trim().is_empty() {
            return Err("is missing".to_owned());
        }
        if is_nothing(text) {
            return Ok(None);
        }
        let shown: String = text.trim().chars().take(40).collect();
        let written = dates::read(text).map_err(|fault| format!("{shown:?} {fault}"))?;
        let day = match self.order.and_then(|order| written.by(order)) {
            Some(day) => day,
            None => written.only().map_err(|fault| format!("{shown:?} {fault}"))?,
        };
        check_issue_day(exchange, day).map_err(|why| format!("{} {why}", iso(day)))?;
        if (is_past || written.short_year) && day > self.today + SHORT_AHEAD {
            return Err(format!("{} lies too far ahead", iso(day)));
        }
        Ok(Some(day))
    }

    /// A day near which the record lies, whatever else is wrong with it.
    pub(super) fn near(&self, raw: &RawIpo) -> Option<Day> {
        let texts = [&raw.open, &raw.close, &raw.listing].into_iter();
        texts.flatten().find_map(|text| self.day(raw.exchange, raw.is_past, Some(text)).ok().flatten())
    }
}
