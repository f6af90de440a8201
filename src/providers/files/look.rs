//! One walk over a table's rows, from which the way to read them follows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::blocks::Blocks;
use super::headings::Meaning;
use super::lines::{Inner, Line, bad};
use super::misdated::Misdated;
use super::numbers::{StyleVotes, is_nothing};
use super::repeats::Days;
use super::sequence::Sequence;
use crate::market::dates::{self, OrderVotes};
use crate::providers::ProviderError;

/// Rows of one share in a file, whether they can be read or not: trading days of two centuries are half as many.
pub(super) const MOST_ROWS: usize = 100_000;
/// Rows of days from which the last one may be today's, live.
const FEWEST_BEFORE_LIVE: usize = 10;

#[derive(Default)]
pub(super) struct Seen {
    pub(super) order: OrderVotes,
    pub(super) style: StyleVotes,
    pub(super) left_out: BTreeMap<Cow<'static, str>, u32>,
    pub(super) rows: usize,
    pub(super) broken: usize,
    pub(super) unknown_volumes: usize,
    pub(super) closing_times: bool,
    pub(super) indian_time: bool,
    pub(super) misdated: Misdated,
    pub(super) days: Days,
    pub(super) sequence: Sequence,
    pub(super) blocks: Blocks,
}

/// What the rows tell together.
///
/// # Errors
/// With a sentence, when they can't be daily prices.
pub(super) fn look(inner: &Inner) -> Result<Seen, ProviderError> {
    let mut seen = Seen { blocks: Blocks::of(&inner.table.headings), ..Seen::default() };
    let is_unused = |meaning: Meaning| matches!(meaning, Meaning::Ignored | Meaning::Unknown);
    let columns = inner.table.headings.meanings.iter().enumerate();
    let beside: Vec<usize> = columns.filter(|(_, meaning)| is_unused(**meaning)).map(|(i, _)| i).collect();
    let mut before: Option<(dates::Written, String)> = None;
    let mut live: Option<String> = None;
    for (number, line) in inner.table.lines() {
        if seen.rows + seen.broken > MOST_ROWS {
            return Err(bad(format!(
                "it has more than {MOST_ROWS} rows of one share, and there are not so many trading days; daily prices are needed, \
                 one row a day"
            )));
        }
        let row = match inner.line(number, line) {
            Line::Row(row) => row,
            Line::LeftOut(reason) => {
                *seen.left_out.entry(reason).or_default() += 1;
                continue;
            }
            Line::Broken(_) => {
                seen.broken += 1;
                continue;
            }
            Line::Blank => continue,
            Line::OtherHeadings(fault) => return Err(bad(fault)),
        };
        if let Some(fault) = live.take() {
            return Err(bad(fault));
        }
        seen.rows += 1;
        let cell = |i: usize| row.get(i).map_or("", Cow::as_ref);
        let text = cell(inner.at.date);
        let written = if inner.day.is_none() { dates::read(text).ok() } else { None };
        seen.misdated.add(text, written.as_ref());
        if let Some(written) = written {
            seen.indian_time |= text.ends_with("+05:30") || text.ends_with("+0530");
            seen.order.add(text, &written);
            seen.sequence.add(&written);
            if written.utc && written.time == Some(66_600) {
                return Err(bad(format!(
                    "line {number}: {text:?} is midnight in India written in UTC, so that its date is the day before; \
                     save the dates in the exchange's own time"
                )));
            }
            let clock = inner.at.time.map_or("", cell);
            if let Some((earlier, at)) = &before
                && (earlier.time != written.time || at != clock)
                && earlier.is_same_day(&written)
            {
                let text = format!("{text} {clock}");
                let text = text.trim_end();
                let fault = format!(
                    "line {number}: {text:?} is another time of the day before it; daily prices are needed, one row a day"
                );
                // Once and at the end it's the price of the moment when the file was saved, as Yahoo's are: its day stands
                // there already, so that the row is flagged when it's compared.
                if seen.rows <= FEWEST_BEFORE_LIVE {
                    return Err(bad(fault));
                }
                live = Some(fault);
            }
            seen.closing_times |= written.time == Some(57_600);
            before = Some((written, clock.to_owned()));
        }
        let prices = [inner.at.open, inner.at.high, inner.at.low, inner.at.close];
        seen.days.add(text, prices.map(cell));
        seen.blocks.add(number, &row, cell(inner.at.close));
        for i in prices.into_iter().chain(inner.at.adjusted) {
            seen.style.add(cell(i), false);
        }
        if seen.style.is_open() {
            for &i in &beside {
                seen.style.add_beside(cell(i));
            }
        }
        match inner.at.volume.map(cell) {
            Some(volume) if !is_nothing(volume) => seen.style.add(volume, true),
            _ => seen.unknown_volumes += 1,
        }
    }
    Ok(seen)
}
