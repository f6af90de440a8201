//! The dates of lists and announcements, read in the order that the whole column has; and the rows that can't be read,
//! which are counted, so that whoever asked hears of them.

use crate::market::dates::{self, DateOrder, OrderVotes};
use crate::market::ipo::check_issue_day;
use crate::market::text::clean;
use crate::market::{Day, Exchange};

/// What is shown of a row.
const LONGEST_SHOWN: usize = 120;

/// Rows that weren't read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    pub count: usize,
    /// The first one's text, and why it wasn't read.
    pub first: Option<String>,
}

impl Unread {
    pub(super) fn add(&mut self, row: &str, why: &str) {
        self.count += 1;
        if self.first.is_none() {
            let shown: String = clean(row).chars().take(LONGEST_SHOWN).collect();
            self.first = Some(format!("{shown}: {why}"));
        }
    }

    /// Adds those of another file.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    /// "2 rows not read (first: …)"; `None` where all were read.
    #[must_use]
    pub fn sentence(&self, one: &str, several: &str) -> Option<String> {
        let what = if self.count == 1 { one } else { several };
        let first = self.first.as_ref()?;
        Some(format!("{} {what} not read (first: {first})", self.count))
    }
}

/// How a column writes its dates.
pub(super) struct ColumnDates {
    order: Option<DateOrder>,
}

impl ColumnDates {
    /// Decides the order of day and month from all dates of a column.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut votes = OrderVotes::default();
        for text in texts {
            if let Ok(written) = dates::read(text) {
                votes.add(text, &written);
            }
        }
        Self { order: votes.decide().ok() }
    }

    /// The day of a text; `None` where it says that there is none.
    ///
    /// # Errors
    /// Why it can't be read.
    pub(super) fn day(&self, text: &str) -> Result<Option<Day>, String> {
        let text = text.trim();
        if text.chars().all(|c| c == '-') {
            return Ok(None);
        }
        let shown: String = text.chars().take(40).collect();
        let written = dates::read(text).map_err(|fault| format!("{shown:?} {fault}"))?;
        let day = match self.order.and_then(|order| written.by(order)) {
            Some(day) => day,
            None => written.only().map_err(|fault| format!("{shown:?} {fault}"))?,
        };
        check_issue_day(Exchange::Nse, day).map_err(|why| format!("{shown:?} {why}"))?;
        Ok(Some(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::day::iso;

    #[test]
    fn the_whole_column_says_which_number_is_the_day() {
        let day = |column: &[&str], text: &str| {
            ColumnDates::of(column.iter().copied()).day(text).map(|day| day.map_or_else(String::new, iso))
        };
        assert_eq!(day(&["05-02-2024", "13-02-2024"], "05-02-2024").as_deref(), Ok("2024-02-05"));
        assert_eq!(day(&["05-02-2024", "02-13-2024"], "05-02-2024").as_deref(), Ok("2024-05-02"));
        let undecided = day(&["05-02-2024"], "05-02-2024").expect_err("it may be either");
        assert_eq!(undecided, "\"05-02-2024\" can be 2024-02-05 or 2024-05-02");
        assert_eq!(day(&["05-02-2024"], "02-Jan-2024").as_deref(), Ok("2024-01-02"));
        assert_eq!((day(&[], " - ").as_deref(), day(&[], "").as_deref()), (Ok(""), Ok("")));
        assert!(day(&[], "soon").is_err() && day(&[], "02-Jan-1950").is_err());
    }

    #[test]
    fn rows_are_counted_and_the_first_one_is_shown() {
        let mut unread = Unread::default();
        assert_eq!(unread.sentence("row", "rows"), None);
        unread.add("ABC,x", "why");
        assert_eq!(unread.sentence("row", "rows").as_deref(), Some("1 row not read (first: ABC,x: why)"));
        let mut all = Unread::default();
        all.merge(unread.clone());
        all.merge(unread);
        assert_eq!(all.sentence("row", "rows").as_deref(), Some("2 rows not read (first: ABC,x: why)"));
    }
}
