//! Which flags of issues a batch resolves: those of records that it has again, made good.

use std::collections::{HashMap, HashSet};

use super::ipo_records::ParsedIpos;
use crate::market::Day;
use crate::market::ipo::{IpoField, name_key};
use crate::store::entity::flag;
use crate::store::entity::ipo::Model;

/// The dates of one issue may move by so many days while it's still to come.
pub(super) const SAME_ISSUE_DAYS: Day = 90;

/// The records of a batch that hold together, to tell which flags they resolve.
pub(super) struct MadeGood {
    days: HashMap<String, Vec<Day>>,
    names: HashMap<String, Vec<Day>>,
    /// Symbols of which the source says something new.
    news: HashSet<String>,
}

impl MadeGood {
    /// `news` are the symbols of which the source says something new.
    pub(super) fn of<'a>(parsed: &ParsedIpos, news: impl Iterator<Item = &'a Model>) -> Self {
        let mut good = Self { days: HashMap::new(), names: HashMap::new(), news: HashSet::new() };
        for record in &parsed.records {
            good.days.entry(record.ticker.clone()).or_default().extend(record.day);
            let name = record.values.get(&IpoField::Name).map(|name| name_key(name)).unwrap_or_default();
            good.names.entry(name).or_default().extend(record.day);
        }
        good.news.extend(news.filter_map(|row| row.ticker.clone()));
        good
    }

    /// Whether the flagged record stands here: the same symbol (the name of one without a symbol) about the same day.
    /// One without any day is it if it brought something new: older issues of the symbol don't.
    pub(super) fn resolves(&self, flag: &flag::Model) -> bool {
        let near = |days: &Vec<Day>| {
            flag.day.is_some_and(|flagged| days.iter().any(|day| (day - flagged).abs() <= SAME_ISSUE_DAYS))
        };
        if flag.field.as_deref() == Some("symbol") {
            let ends = flag.record.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at);
            let mut names = ends.chain([flag.record.len()]).map(|end| name_key(&flag.record[..end]));
            return names.any(|name| self.names.get(&name).is_some_and(near));
        }
        let ticker = flag.record.split(' ').next().unwrap_or_default().to_uppercase();
        match self.days.get(&ticker) {
            None => false,
            Some(_) if flag.day.is_none() => self.news.contains(&ticker),
            Some(days) => near(days),
        }
    }
}
