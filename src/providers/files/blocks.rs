//! Shares one below the other, under a heading that isn't known for naming them: a column whose text changes where the
//! price jumps, and never changes back. Taken for one share's, the jump would be called a split.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::amounts::{Style, plain};
use super::headings::{Headings, Meaning, squeezed};

/// Columns that are watched.
const MOST_COLUMNS: usize = 16;
/// Names of a column that are known again; a column of more has shown what it is.
const MOST_NAMES: usize = 1_000;
/// A block is of so many rows, or more.
const FEWEST_ROWS: usize = 2;
/// Headings of texts that change with a year, a board or an event, of which a split may be one.
const NO_NAMES: [&str; 9] =
    ["fy", "fiscalyear", "financialyear", "year", "board", "group", "remark", "note", "comment"];
/// What a price jumps by at least where a split would be seen in it, up or down.
const JUMP: f64 = 1.4;

/// The columns that may name shares, for as long as they do.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    columns: Vec<Column>,
    hasher: RandomState,
    close: Option<f64>,
}

#[derive(Debug)]
struct Column {
    at: usize,
    heading: String,
    name: String,
    rows: usize,
    names: HashSet<u64>,
    /// What to say of its first change.
    change: Option<String>,
}

impl Blocks {
    pub(super) fn of(headings: &Headings) -> Self {
        let may_name = |(_, (name, meaning)): &(usize, (&String, &Meaning))| {
            let is_known = NO_NAMES.contains(&squeezed(name).trim_end_matches('s'));
            (**meaning == Meaning::Unknown && !is_known) || (**meaning == Meaning::Ignored && name.is_empty())
        };
        let columns = headings.names.iter().zip(&headings.meanings).enumerate().filter(may_name).take(MOST_COLUMNS);
        let column = |(at, (heading, _)): (usize, (&String, &Meaning))| {
            let heading = heading.chars().take(40).collect();
            Column { at, heading, name: String::new(), rows: 0, names: HashSet::new(), change: None }
        };
        Self { columns: columns.map(column).collect(), ..Self::default() }
    }

    pub(super) fn add(&mut self, line: usize, row: &[Cow<'_, str>], close: &str) {
        if self.columns.is_empty() {
            return;
        }
        let number = |style: Style| plain(close, style, false).parse::<f64>().ok();
        let close = number(Style::Point).or_else(|| number(Style::Comma));
        let (before, hasher) = (self.close, &self.hasher);
        self.columns.retain_mut(|column| {
            let name = row.get(column.at).map_or("", |cell| cell.trim());
            column.goes_on(line, name, before.zip(close), hasher.hash_one(name))
        });
        self.close = close;
    }

    /// Why the rows can't be one share's.
    pub(super) fn fault(&self) -> Option<String> {
        let told = self.columns.iter().filter(|column| column.rows >= FEWEST_ROWS).find_map(|c| c.change.as_deref())?;
        Some(format!(
            "its {told}, so that it seems to hold several shares; name that column \"symbol\" if it does, and remove it if it \
             doesn't"
        ))
    }
}

/// Whether a cell may name a share: a word, or a code.
fn is_name(cell: &str) -> bool {
    cell.chars().any(char::is_alphabetic) || (cell.len() >= 5 && cell.bytes().all(|b| b.is_ascii_digit()))
}

impl Column {
    /// Counts a row in; `false` once the column can't be naming shares.
    fn goes_on(&mut self, line: usize, name: &str, closes: Option<(f64, f64)>, hash: u64) -> bool {
        if name == self.name {
            self.rows += 1;
            return self.rows > 1;
        }
        if !is_name(name) {
            return false;
        }
        if self.rows > 0 {
            let Some((from, to)) = closes else { return false };
            let jumps = to >= from * JUMP || from >= to * JUMP;
            if !jumps || self.rows < FEWEST_ROWS || self.names.contains(&hash) {
                return false;
            }
            let shown = |text: &str| text.chars().take(40).collect::<String>();
            let (one, other, at) = (shown(&self.name), shown(name), self.at + 1);
            let column =
                if self.heading.is_empty() { format!("column {at}") } else { format!("column {:?}", self.heading) };
            self.change.get_or_insert_with(|| {
                format!("{column} changes from {one:?} to {other:?} on line {line}, where the price goes from {from} to {to}")
            });
        }
        if self.names.len() < MOST_NAMES {
            self.names.insert(hash);
        }
        name.clone_into(&mut self.name);
        self.rows = 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of rows of a text and a close.
    fn said(heading: &str, rows: &[(&str, &str)]) -> Option<String> {
        let headings = Headings::read(&["Date", "Open", "High", "Low", "Close", "Volume", heading]).expect("headings");
        let mut blocks = Blocks::of(&headings);
        for (n, (name, close)) in rows.iter().enumerate() {
            let row = ["", "", "", "", *close, "", *name].map(Cow::Borrowed);
            blocks.add(n + 2, &row, close);
        }
        blocks.fault()
    }

    #[test]
    fn a_text_that_changes_where_the_price_jumps_names_shares() {
        let two = [("ACME", "10"), ("ACME", "10.5"), ("Other Ltd", "100"), ("Other Ltd", "101")];
        let told = "its column \"Firm\" changes from \"ACME\" to \"Other Ltd\" on line 4, where the price goes from 10.5 to 100, so \
                    that it seems to hold several shares; name that column \"symbol\" if it does, and remove it if it doesn't";
        assert_eq!(said("Firm", &two).as_deref(), Some(told));
        assert!(said("", &two).is_some_and(|told| told.starts_with("its column 7 changes")));
        assert!(said("Firm", &two.map(|(name, close)| (name, if close == "100" { "100,5" } else { close }))).is_some());
        let codes = [("500325", "10"), ("500325", "10"), ("532540", "3"), ("532540", "3")];
        assert!(said("Kürzel", &codes).is_some());
    }

    #[test]
    fn what_else_stands_beside_prices_names_none() {
        for rows in [
            // No jump, a jump of one row, back again, a blank, a factor.
            &[("A", "10"), ("A", "10"), ("B", "11"), ("B", "11")][..],
            &[("A", "10"), ("A", "10"), ("split", "100"), ("A", "100"), ("A", "100")],
            &[("A", "10"), ("A", "10"), ("B", "100"), ("B", "100"), ("A", "10"), ("A", "10")],
            &[("A", "10"), ("A", "10"), ("", "10"), ("B", "100"), ("B", "100")],
            &[("1", "10"), ("1", "10"), ("0.1", "1"), ("0.1", "1")],
            &[("A", "10"), ("B", "100"), ("C", "10")],
            &[("A", "10"), ("A", "100"), ("A", "10")],
        ] {
            assert_eq!(said("Mood", rows), None, "{rows:?}");
        }
        let split = [("Pre-split", "100"), ("Pre-split", "101"), ("Post-split", "10"), ("Post-split", "10.1")];
        for heading in ["Remark", "Remarks", "Board", "FY", "Comments"] {
            assert_eq!(said(heading, &split), None, "{heading}");
        }
        assert!(said("Firm", &split).is_some());
        let known = Headings::read(&["Date", "Open", "High", "Low", "Close", "VWAP", "Symbol"]).expect("headings");
        assert!(Blocks::of(&known).columns.is_empty());
    }
}
