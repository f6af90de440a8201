//! Which share a row of a daily file is about. A ticker is good for a span of days only: it is changed, and later used
//! again by others; an ISIN changes when the face value is split. So a row is known by its ISIN, then by its ticker on
//! that day and the changes since, then by what stays of its ISIN. An issuer may have several shares, with full and
//! with lesser votes, whose ISINs differ by no more than a split's: two rows of one day are never one share.

use std::collections::{HashMap, HashSet};

use super::daily::{ShareDay, isin, isin_key};
use super::day::Day;

/// A share as it's known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Share {
    /// Its row; `None` until it has one.
    pub id: Option<i64>,
    /// Today's, as the exchange spells it.
    pub ticker: String,
    pub isin: Option<String>,
    /// Every ISIN that it has had; nine characters where only what stays of one is known.
    pub isins: Vec<String>,
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    pub last_close: Option<f64>,
    /// The close before its first day.
    pub before_first: Option<f64>,
    /// Tickers found in this batch that it no longer has, and the first day without each.
    pub former: Vec<(String, Day)>,
    /// Whether its row must be written: ticker, ISIN.
    pub changed: bool,
}

/// Every share of an exchange.
#[derive(Debug, Default)]
pub struct Register {
    pub shares: Vec<Share>,
    by_ticker: HashMap<String, usize>,
    by_isin: HashMap<String, usize>,
    /// By what stays of an ISIN.
    by_key: HashMap<String, Vec<usize>>,
    /// Spans of tickers that ended: the first day without, and whose it was.
    former: HashMap<String, Vec<(Day, usize)>>,
    /// The exchange's list of changes, by the old ticker.
    changes: HashMap<String, Vec<(Day, String)>>,
}

/// Changes of one ticker that are followed; the longest real chain has five.
const LONGEST_CHAIN: usize = 32;
/// A share may rest so many days and still carry its close on.
const LONGEST_REST: Day = 15;

impl Register {
    /// A register of these shares, with ended spans (`ticker`, first day without, row) and changes (old, new, day).
    #[must_use]
    pub fn new(shares: Vec<Share>, former: Vec<(String, Day, i64)>, changes: Vec<(String, String, Day)>) -> Self {
        let mut register = Self { shares, ..Self::default() };
        let mut by_id = HashMap::new();
        for (at, share) in register.shares.iter().enumerate() {
            register.by_ticker.insert(share.ticker.clone(), at);
            for isin in &share.isins {
                register.by_isin.insert(isin.clone(), at);
                let of_key = register.by_key.entry(isin_key(isin).to_owned()).or_default();
                if !of_key.contains(&at) {
                    of_key.push(at);
                }
            }
            if let Some(id) = share.id {
                by_id.insert(id, at);
            }
        }
        for (ticker, until, id) in former {
            if let Some(&at) = by_id.get(&id) {
                register.former.entry(ticker).or_default().push((until, at));
            }
        }
        for spans in register.former.values_mut() {
            spans.sort_unstable_by_key(|span| span.0);
        }
        for (old, new, day) in changes {
            if old != new {
                register.changes.entry(old).or_default().push((day, new));
            }
        }
        for changes in register.changes.values_mut() {
            changes.sort_unstable();
        }
        register
    }

    /// What the share that had this ticker on that day is called today, by the list of changes.
    #[must_use]
    pub fn present_ticker(&self, ticker: &str, day: Day) -> String {
        self.renamed(ticker, day).0.to_owned()
    }

    /// The same, and the day since which it's called so.
    fn renamed<'t>(&'t self, ticker: &'t str, day: Day) -> (&'t str, Day) {
        let (mut current, mut since) = (ticker, day);
        for _ in 0..LONGEST_CHAIN {
            let next = self.changes.get(current).and_then(|c| c.iter().find(|(changed, _)| *changed > since));
            let Some((changed, new)) = next else { break };
            (current, since) = (new, *changed);
        }
        (current, since)
    }

    /// The share that bore a ticker on a day, or bears it today.
    #[must_use]
    pub fn find(&self, ticker: &str, day: Day) -> Option<&Share> {
        let present = self.present_ticker(ticker, day);
        if present == ticker
            && let Some(at) = self.bearer_on(ticker, day)
        {
            return self.shares.get(at);
        }
        self.by_ticker.get(&present).and_then(|&at| self.shares.get(at))
    }

    /// The share that bears a ticker today.
    #[must_use]
    pub fn by_ticker(&self, ticker: &str) -> Option<&Share> {
        self.shares.get(*self.by_ticker.get(ticker)?)
    }

    /// The share that has or had an ISIN.
    #[must_use]
    pub fn by_isin(&self, isin: &str) -> Option<&Share> {
        if let Some(&at) = self.by_isin.get(isin) {
            return self.shares.get(at);
        }
        // An ISIN that isn't known yet belongs to the issuer's share of the kind that traded last.
        let of_key = self.by_key.get(isin_key(isin))?.iter().filter_map(|&at| self.shares.get(at));
        of_key.max_by_key(|share| share.last_day)
    }

    /// Whose ended span covers the day.
    fn bearer_on(&self, ticker: &str, day: Day) -> Option<usize> {
        self.former.get(ticker)?.iter().find(|(until, _)| day < *until).map(|(_, at)| *at)
    }

    /// The shares of a day's rows; those that aren't known are added. Each row is another share.
    pub fn resolve_day(&mut self, rows: &[ShareDay], day: Day) -> Vec<usize> {
        let mut taken = HashSet::with_capacity(rows.len());
        // Rows whose very ISIN is known come first, so that no other row is taken for theirs.
        let mut found: Vec<Option<usize>> = Vec::with_capacity(rows.len());
        for row in rows {
            let known = row.isin.as_ref().and_then(|isin| self.by_isin.get(isin).copied());
            taken.extend(known);
            found.push(known);
        }
        // Then those whose ticker is known, and at last what only resembles a share.
        for exactly in [true, false] {
            for (row, found) in rows.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                let known = self.by_ticker.get(&self.present_ticker(&row.ticker, day));
                if !exactly || known.is_some_and(|at| !taken.contains(at) && self.is_same(*at, row, day)) {
                    let at = self.identify(row, day, &taken);
                    taken.insert(at);
                    self.learn_isin(at, row, day);
                    *found = Some(at);
                }
            }
        }
        let found: Vec<usize> = found.into_iter().flatten().collect();
        for (row, &at) in rows.iter().zip(&found) {
            self.follow_ticker(at, row, day);
            self.learn_isin(at, row, day);
            self.learn_day(at, row, day);
        }
        found
    }

    /// Which share a row is of whose very ISIN isn't known; none of those that other rows of the day are of.
    fn identify(&mut self, row: &ShareDay, day: Day, taken: &HashSet<usize>) -> usize {
        let present = self.present_ticker(&row.ticker, day);
        let free = |at: &usize| !taken.contains(at);
        let holder = self.by_ticker.get(&present).copied().filter(free);
        let Some(isin) = row.isin.as_deref() else {
            // Whoever had the row's ticker on the day, or today's ticker since it was changed to that: before, another
            // share may have had it.
            let (_, since) = self.renamed(&row.ticker, day);
            let bearer = self.bearer_on(&row.ticker, day).filter(free);
            let bearer = bearer.or_else(|| self.bearer_on(&present, since).filter(free));
            // Where two rows lead to one ticker, whoever writes them sees that they're of one share.
            let known = bearer.or(holder).or_else(|| self.by_ticker.get(&present).copied());
            return known.unwrap_or_else(|| self.add(&present));
        };
        if let Some(&at) = self.by_isin.get(isin) {
            return at;
        }
        if let Some(at) = holder.filter(|&at| self.is_same(at, row, day)) {
            return at;
        }
        let of_key = self.by_key.get(isin_key(isin)).into_iter().flatten().copied().filter(free);
        if let Some(at) = of_key.filter(|&at| self.may_be(at, row, day)).max_by_key(|&at| self.shares[at].last_day) {
            return at;
        }
        match self.by_ticker.get(&present).copied() {
            None => self.add(&present),
            // Another company: the ticker belongs to whoever had it last.
            Some(at) if self.shares[at].last_day.is_none_or(|last| day > last) => {
                let nameless = self.nameless(at);
                self.rename(at, nameless, day);
                self.add(&present)
            }
            Some(at) => {
                let until = self.shares[at].first_day.unwrap_or(day + 1);
                let own = self.free_name(isin.to_owned());
                let new = self.add(&own);
                self.end_span(&present, until, new);
                new
            }
        }
    }

    /// Brings a share's ticker up to date with the one that it has on a day.
    fn follow_ticker(&mut self, at: usize, row: &ShareDay, day: Day) {
        let present = self.present_ticker(&row.ticker, day);
        if present != row.ticker {
            let until = self.changes.get(&row.ticker).and_then(|c| c.iter().find(|(changed, _)| *changed > day));
            if let Some(until) = until.map(|(changed, _)| *changed) {
                self.end_span(&row.ticker, until, at);
            }
        }
        if row.isin.is_some() && self.shares[at].ticker != present {
            self.meet_other_ticker(at, &present, day);
        }
    }

    /// A share that is known by its ISIN came under another ticker than today's.
    fn meet_other_ticker(&mut self, at: usize, ticker: &str, day: Day) {
        let share = &self.shares[at];
        if share.last_day.is_none_or(|last| day > last) {
            if let Some(&holder) = self.by_ticker.get(ticker) {
                // The ticker has passed on, perhaps to swap it; its bearer before comes under another one, or no more.
                if self.shares[holder].last_day.is_some_and(|last| last >= day) {
                    return;
                }
                let nameless = self.nameless(holder);
                self.rename(holder, nameless, day);
            }
            self.rename(at, ticker.to_owned(), day);
            return;
        }
        // Stored days may lie between, but the ticker surely ended before the first of those under today's.
        let until = share.first_day.filter(|first| *first > day).unwrap_or(day + 1);
        self.end_span(ticker, until, at);
    }

    /// Whether a row under a share's ticker is that share's, though no ISIN of it is known or another one is.
    fn is_same(&self, at: usize, row: &ShareDay, day: Day) -> bool {
        let share = &self.shares[at];
        let Some(isin) = &row.isin else { return true };
        // Country and issuer.
        let issuer = |isin: &str| isin.get(..7).map(str::to_owned);
        share.isins.is_empty()
            || share.isins.iter().any(|known| issuer(known) == issuer(isin))
            || self.carries_on(at, row, day) == Some(true)
    }

    /// Whether a row under another ticker may be of a share that has had an ISIN of the same issuer and kind.
    fn may_be(&self, at: usize, row: &ShareDay, day: Day) -> bool {
        let share = &self.shares[at];
        let inside =
            share.first_day.is_some_and(|first| first <= day) && share.last_day.is_some_and(|last| day <= last);
        self.carries_on(at, row, day).unwrap_or(!inside)
    }

    /// Whether a day's prices follow on the share's last ones, or go before its first; `None` where they're far apart
    /// or unknown.
    fn carries_on(&self, at: usize, row: &ShareDay, day: Day) -> Option<bool> {
        let share = &self.shares[at];
        let near = |earlier: Option<Day>, later: Option<Day>| {
            earlier.zip(later).is_some_and(|(a, b)| (1..=LONGEST_REST).contains(&(b - a)))
        };
        let follows = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a == b);
        if near(share.last_day, Some(day)) {
            follows(share.last_close, row.previous_close)
        } else if near(Some(day), share.first_day) {
            follows(share.before_first, Some(row.close))
        } else {
            None
        }
    }

    fn add(&mut self, ticker: &str) -> usize {
        let at = self.shares.len();
        self.shares.push(Share { ticker: ticker.to_owned(), changed: true, ..Share::default() });
        self.by_ticker.insert(ticker.to_owned(), at);
        at
    }

    /// What a share is called whose ticker another company has taken.
    fn nameless(&self, at: usize) -> String {
        let share = &self.shares[at];
        self.free_name(share.isin.clone().unwrap_or_else(|| format!("{}-FORMER", share.ticker)))
    }

    fn free_name(&self, name: String) -> String {
        if self.by_ticker.contains_key(&name) { format!("{name}-{}", self.shares.len()) } else { name }
    }

    fn rename(&mut self, at: usize, ticker: String, day: Day) {
        let old = std::mem::replace(&mut self.shares[at].ticker, ticker.clone());
        self.by_ticker.remove(&old);
        self.by_ticker.insert(ticker, at);
        self.shares[at].changed = true;
        // The stand-in of a share whose ticker was taken is no ticker.
        if isin(&old).is_none() {
            self.end_span(&old, day, at);
        }
    }

    fn end_span(&mut self, ticker: &str, until: Day, at: usize) {
        let spans = self.former.entry(ticker.to_owned()).or_default();
        // The same share's spans of one ticker are one.
        if let Some(span) = spans.iter().find(|(known, whose)| *whose == at && *known >= until) {
            debug_assert!(span.0 >= until);
            return;
        }
        spans.push((until, at));
        spans.sort_unstable_by_key(|span| span.0);
        self.shares[at].former.push((ticker.to_owned(), until));
    }

    fn learn_isin(&mut self, at: usize, row: &ShareDay, day: Day) {
        let share = &mut self.shares[at];
        let Some(isin) = &row.isin else { return };
        if !share.isins.contains(isin) {
            share.isins.push(isin.clone());
            share.changed = true;
            self.by_isin.insert(isin.clone(), at);
            let of_key = self.by_key.entry(isin_key(isin).to_owned()).or_default();
            if !of_key.contains(&at) {
                of_key.push(at);
            }
        }
        let newest = share.last_day.is_none_or(|last| day >= last);
        if share.isin.as_ref() != Some(isin) && (newest || share.isin.is_none()) {
            share.isin = Some(isin.clone());
            share.changed = true;
        }
    }

    fn learn_day(&mut self, at: usize, row: &ShareDay, day: Day) {
        let share = &mut self.shares[at];
        if share.last_day.is_none_or(|last| day > last) {
            (share.last_day, share.last_close) = (Some(day), Some(row.close));
        }
        if share.first_day.is_none_or(|first| day < first) {
            (share.first_day, share.before_first) = (Some(day), row.previous_close);
        }
    }
}

#[cfg(test)]
mod tests;
