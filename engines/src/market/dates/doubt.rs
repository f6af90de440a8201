//! Whether one or two dates alone decide what is day and what is month, against what the others show.

use crate::market::day::Day;

/// So many dates are a slip of the pen, or come from another file.
const FEW: usize = 2;
/// Of the others, from which their distances are seen.
const FEWEST: usize = 3;
/// Distances of days that follow each other, and of what day and month exchanged make of them.
const NEAR: Day = 5;
const FAR: Day = 27;

/// The mark between a date's numbers, and how many digits its year has.
type Form = (char, usize);

/// What a column's dates are with the day first, and with the month first.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubt {
    /// Forms of the dates that one of both orders can't read, up to one more than a few.
    deciding: Vec<Form>,
    /// Forms of those that both can read.
    open: Vec<Form>,
    /// How many those are.
    count: usize,
    before: Option<[Day; 2]>,
    /// The shortest and the longest distance between them, by each order.
    gaps: [Option<(Day, Day)>; 2],
}

impl Doubt {
    /// Counts in a date with its days, day first and month first.
    pub(super) fn add(&mut self, text: &str, days: [Option<Day>; 2]) {
        if let [Some(day_first), Some(month_first)] = days {
            self.add_open(form(text), [day_first, month_first]);
        } else if days != [None; 2] && self.deciding.len() <= FEW {
            self.deciding.push(form(text));
        }
    }

    fn add_open(&mut self, form: Form, days: [Day; 2]) {
        if !self.open.contains(&form) {
            self.open.push(form);
        }
        if self.before == Some(days) {
            return;
        }
        self.count += 1;
        if let Some(before) = self.before {
            for ((gap, day), before) in self.gaps.iter_mut().zip(days).zip(before) {
                let length = (day - before).abs();
                let (shortest, longest) = gap.get_or_insert((length, length));
                (*shortest, *longest) = ((*shortest).min(length), (*longest).max(length));
            }
        }
        self.before = Some(days);
    }

    /// Whether the order that is left, 0 for the day first and 1 for the month first, hangs on few dates that stand
    /// against the others: those follow each other by the other order, or are written in another way and show nothing.
    pub(super) fn is_of(&self, left: usize) -> bool {
        if self.deciding.is_empty() || self.deciding.len() > FEW || self.count < FEWEST {
            return false;
        }
        let other = 1 - left;
        let written_otherwise = || self.deciding.iter().all(|form| !self.open.contains(form));
        self.follow_each_other(other) || (!self.follow_each_other(left) && written_otherwise())
    }

    /// Whether days follow each other by this order, and are months apart by the other one.
    fn follow_each_other(&self, order: usize) -> bool {
        let is_near = self.gaps[order].is_some_and(|(_, longest)| longest <= NEAR);
        is_near && self.gaps[1 - order].is_some_and(|(shortest, _)| shortest >= FAR)
    }
}

fn form(text: &str) -> Form {
    let numbers = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mark = numbers.chars().find(|c| !c.is_ascii_digit()).unwrap_or(' ');
    let year = numbers.split(mark).nth(2).map_or(0, |last| last.bytes().take_while(u8::is_ascii_digit).count());
    (mark, year)
}
