//! Which number of a column's dates is the day, decided from all of them.

use super::doubt::Doubt;
use super::written::{DateOrder, ORDERS, Written};
use crate::market::day::{self, Day};

/// Why a column's dates can't be read; the sentences ask for what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    #[error(
        "the dates don't say which number is the day: {text:?} can be {} or {}; say which with dateOrder, {}",
        day::iso(*.one), day::iso(*.other), .orders
    )]
    Undecided { text: String, one: Day, other: Day, orders: String },
    #[error(
        "the dates contradict each other: {one:?} and {other:?} can't be in one order; write them all one way, or say \
         with dateOrder which to take, and the others are left out"
    )]
    Contradiction { one: String, other: String },
}

/// Decides the order of a column of dates from all of them, given in the order of their rows.
#[derive(Debug, Clone, Default)]
pub struct OrderVotes {
    numbers: Votes,
    /// Dates with two digits on either side of a month's name, as 24-Jan-05.
    words: Votes,
    year_first: bool,
}

impl OrderVotes {
    /// Counts one date in.
    pub fn add(&mut self, text: &str, written: &Written) {
        self.year_first |= written.year_first;
        if written.numeric {
            self.numbers.add(text, written);
        } else if written.short_ends {
            self.words.add(text, written);
        }
    }

    /// The order that fits all; any where it doesn't matter.
    ///
    /// # Errors
    /// When no order fits, or several do and give different days.
    pub fn decide(&self) -> Result<DateOrder, OrderFault> {
        match (self.numbers.count, self.words.count) {
            (0, 0) => Ok(DateOrder::Ymd),
            (0, _) => Ok(self.words.of_words()),
            _ => self.numbers.decide(),
        }
    }

    /// The order to be shown for a column that was read in `order`: none where each text had one meaning by its words.
    #[must_use]
    pub fn shown(&self, order: DateOrder) -> Option<DateOrder> {
        let is_year_by_choice = self.words.count > 0 && order == DateOrder::Ymd;
        if self.numbers.count > 0 || is_year_by_choice {
            Some(order)
        } else {
            self.year_first.then_some(DateOrder::Ymd)
        }
    }
}

/// What dates of one kind say.
#[derive(Debug, Clone, Default)]
struct Votes {
    /// For each order, a text that it can't read, though others can, and how many there are.
    against: [Option<String>; 3],
    unread: [i32; 3],
    /// For each pair of orders, a text that they read as different days.
    differ: [Option<(String, Day, Day)>; 3],
    /// For each order, the first and the last of the days.
    spans: [Option<(Day, Day)>; 3],
    runs: [Run; 3],
    count: i32,
    doubt: Doubt,
}

const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

impl Votes {
    fn add(&mut self, text: &str, written: &Written) {
        for ((against, unread), day) in self.against.iter_mut().zip(&mut self.unread).zip(written.by_order) {
            if day.is_none() {
                *unread = unread.saturating_add(1);
                if against.is_none() {
                    *against = Some(text.trim().to_owned());
                }
            }
        }
        self.count = self.count.saturating_add(1);
        for ((span, run), day) in self.spans.iter_mut().zip(&mut self.runs).zip(written.by_order) {
            if let Some(day) = day {
                run.add(day);
                let (first, last) = span.get_or_insert((day, day));
                (*first, *last) = ((*first).min(day), (*last).max(day));
            }
        }
        for (differ, (a, b)) in self.differ.iter_mut().zip(PAIRS) {
            if let (None, Some(a), Some(b)) = (&differ, written.by_order[a], written.by_order[b])
                && a != b
            {
                *differ = Some((text.trim().to_owned(), a, b));
            }
        }
        self.doubt.add(text, [written.by(DateOrder::Dmy), written.by(DateOrder::Mdy)]);
    }

    fn decide(&self) -> Result<DateOrder, OrderFault> {
        let mut left: Vec<usize> = (0..3).filter(|&i| self.against[i].is_none()).collect();
        self.keep_days_in_turn(&mut left);
        self.keep_days_together(&mut left);
        let Some(&first) = left.first() else {
            let text = |i: usize| self.against[i].clone().unwrap_or_default();
            return Err(OrderFault::Contradiction { one: text(2), other: text(1) });
        };
        let open = PAIRS.iter().zip(&self.differ).filter(|((a, b), _)| left.contains(a) && left.contains(b));
        let mut open = open.filter_map(|(_, differ)| differ.as_ref());
        match open.next_back().or_else(|| self.doubted(first)) {
            Some((text, one, other)) => {
                let left: &[usize] = if left.len() > 1 { &left } else { &[1, 2] };
                let names: Vec<&str> = left.iter().map(|&i| ORDERS[i].name()).collect();
                Err(OrderFault::Undecided { text: text.clone(), one: *one, other: *other, orders: names.join(" or ") })
            }
            None => Ok(ORDERS[first]),
        }
    }

    /// A text that the day first and the month first read as different days, where few dates alone decide between them.
    fn doubted(&self, left: usize) -> Option<&(String, Day, Day)> {
        let is_doubtful = match ORDERS[left] {
            DateOrder::Ymd => false,
            DateOrder::Dmy => self.doubt.is_of(0),
            DateOrder::Mdy => self.doubt.is_of(1),
        };
        self.differ[2].as_ref().filter(|_| is_doubtful)
    }

    /// The order of dates with a month's name: the day first, as nearly all are, unless most first numbers can't be a
    /// day, or the days show otherwise.
    fn of_words(&self) -> DateOrder {
        const FEWEST: i32 = 3;
        let (year_first, day_first) = (DateOrder::Ymd.index(), DateOrder::Dmy.index());
        if self.unread[day_first] > self.count / 2 {
            return DateOrder::Ymd;
        }
        let mut left = vec![year_first, day_first];
        if self.count >= FEWEST {
            self.keep_days_in_turn(&mut left);
            self.keep_days_together(&mut left);
        }
        if left == [year_first] { DateOrder::Ymd } else { DateOrder::Dmy }
    }

    /// Of a year first and a year last, leaves the one whose days rise from row to row, or fall, if those of the other
    /// jump to and fro over a longer time. (Rows that were sorted as text rise with a year first, whatever they mean.)
    fn keep_days_in_turn(&self, left: &mut Vec<usize>) {
        const FEWEST: i32 = 10;
        let is_first = |i: usize| i == DateOrder::Ymd.index();
        let of = |first: bool| left.iter().copied().filter(move |&i| is_first(i) == first);
        let in_turn = |first: bool| of(first).any(|i| self.runs[i].is_in_turn());
        let shortest = |first: bool| of(first).map(|i| self.length(i)).min().unwrap_or(Day::MAX);
        let first = in_turn(true);
        if self.count >= FEWEST && first != in_turn(false) && shortest(first) <= shortest(!first) {
            left.retain(|&i| is_first(i) == first);
        }
    }

    fn length(&self, order: usize) -> Day {
        self.spans[order].map_or(Day::MAX, |(first, last)| last - first)
    }

    /// Of a year first and a year last, leaves the one whose days are close together if those of the other are years
    /// apart.
    fn keep_days_together(&self, left: &mut Vec<usize>) {
        const CLOSE: Day = 31;
        const FURTHER: Day = 20;
        let length = |i: usize| self.length(i);
        let is_close = |i: usize| length(i) > 0 && length(i) / CLOSE < self.count.max(2) - 1;
        let Some(&closest) = left.iter().filter(|&&i| is_close(i)).min_by_key(|&&i| length(i)) else { return };
        let year_first = DateOrder::Ymd.index();
        let is_far = |i: usize| length(i) / FURTHER > length(closest);
        left.retain(|&i| (i == year_first) == (closest == year_first) || !is_far(i));
    }
}

/// Which way days go from row to row.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    before: Option<Day>,
    rises: bool,
    falls: bool,
}

impl Run {
    fn add(&mut self, day: Day) {
        if let Some(before) = self.before {
            self.rises |= day > before;
            self.falls |= day < before;
        }
        self.before = Some(day);
    }

    fn is_in_turn(self) -> bool {
        self.rises != self.falls
    }
}
