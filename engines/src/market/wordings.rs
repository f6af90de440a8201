//! How the exchanges word corporate actions, read as clauses: kind, ratio, amount, doubt.
//!
//! A subject is cut into its pieces first ("Bonus 1:1/Dividend On Preference Shares"), so that what is said of one action
//! never colours another. What is no clear ratio or amount is left unread, and the doubt says so.

mod dividends;
mod patterns;

use std::collections::HashSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use self::dividends::{Paid, dividend_of, of_all, without_face_values};
use self::patterns::{CALLED_OFF, PATTERNS, Patterns, doubted};
use super::corporate_actions::{Clause, CorporateActionKind as Kind};

/// The clauses of a subject. `face_value` is the one after the action, as the exchange states it.
#[must_use]
pub fn read_subject(subject: &str, face_value: Option<Decimal>) -> Vec<Clause> {
    let p = &*PATTERNS;
    let subject = p.thousands.replace_all(subject, |found: &regex::Captures<'_>| found[0].replace(',', ""));
    // The rights of "Voting Rights" are offered to no one.
    let subject = p.odd_votes.replace_all(&subject, "DVR");
    let subject = p.votes.replace_all(&subject, "votes");
    // A trust's subject is one in all its pieces, whichever of them says so.
    let of_trust = p.of_units.is_match(&subject) && !p.of_shares.is_match(&subject);
    let mut clauses: Vec<Clause> = Vec::new();
    let mut dividends: Vec<Paid> = Vec::new();
    for piece in pieces(p, &subject) {
        let mut found = actions_of(p, &piece, &subject, face_value);
        let paid = if of_trust { None } else { dividend_of(p, &piece) };
        if !of_trust && is_unread(p, &piece, &found, paid.as_ref()) {
            found.push(doubted(Kind::Other, "the subject has figures that nothing here can read"));
        }
        clauses.extend(found);
        dividends.extend(paid);
    }
    doubt_differing(&mut clauses);
    clauses.extend(of_all(&dividends));
    settle(clauses)
}

/// What a piece says of all but dividends.
fn actions_of(p: &Patterns, piece: &[&str], subject: &str, face_value: Option<Decimal>) -> Vec<Clause> {
    let text = piece.join(" ");
    let mut found: Vec<Clause> = Vec::new();
    if !text.to_lowercase().contains("entitlement of bonus") {
        found.extend(bonus(p, piece));
        found.extend(p.rights.is_match(&text).then(|| rights(p, &text, face_value)));
        doubt_second_ratio(p, piece, &mut found);
    }
    found.extend(face_value_change(p, &text, subject));
    if p.unknown_effect.is_match(&text) && found.iter().all(|c| c.ratio.is_none()) {
        found.push(doubted(Kind::Other, "the subject gives no ratio, and the price may change by it"));
    }
    if p.called_off.is_match(&text) {
        for clause in &mut found {
            (clause.ratio, clause.doubt) = (None, Some(CALLED_OFF));
        }
    }
    found
}

/// Whether a piece has a ratio, a change of values or an amount a share that no one has read: it must not vanish untold.
fn is_unread(p: &Patterns, piece: &[&str], found: &[Clause], paid: Option<&Paid>) -> bool {
    let parts: Vec<&str> = piece.iter().filter(|part| !p.needs_no_telling.is_match(part)).copied().collect();
    let text = parts.join(" ");
    let text = p.times.replace_all(&text, " ");
    // An unread dividend is told already.
    let is_told = matches!(paid, Some(Paid::Unclear | Paid::CalledOff));
    let amount = found.is_empty() && paid.is_none() && p.of_a_share.is_match(&text);
    let ratio = found.is_empty() && p.ratio.is_match(&text);
    let change = found.iter().all(|c| c.kind == Kind::Bonus) && !is_told && p.change.is_match(&text);
    amount || ratio || change
}

const TWO_RATIOS: &str = "the subject gives two ratios, and doesn't say for certain which one holds";

/// "Bonus 2:1 Changed To 1:1": a piece with more ratios than actions doesn't say which one holds, whatever is between them.
fn doubt_second_ratio(p: &Patterns, piece: &[&str], found: &mut [Clause]) {
    let of_shares: Vec<&str> = piece.iter().filter(|part| !p.not_shares.is_match(part)).copied().collect();
    let text = of_shares.join(" ");
    let given: HashSet<(&str, &str)> =
        p.given_ratio.captures_iter(&text).filter_map(|c| Some((c.get(1)?.as_str(), c.get(2)?.as_str()))).collect();
    if given.len() > found.iter().filter(|c| c.ratio.is_some()).count() {
        for clause in found.iter_mut().filter(|c| c.ratio.is_some()) {
            (clause.ratio, clause.doubt) = (None, Some(TWO_RATIOS));
        }
    }
}

/// Two pieces of one kind that give different ratios or prices.
fn doubt_differing(clauses: &mut [Clause]) {
    for kinds in [[Kind::Bonus; 2], [Kind::Rights; 2], [Kind::Split, Kind::Consolidation]] {
        let is_read = |c: &Clause| kinds.contains(&c.kind) && c.ratio.is_some();
        let mut read = clauses.iter().filter(|c| is_read(c)).map(|c| (c.ratio, c.amount));
        let first = read.next();
        if read.any(|other| Some(other) != first) {
            for clause in clauses.iter_mut().filter(|c| is_read(c)) {
                (clause.ratio, clause.doubt) = (None, Some(TWO_RATIOS));
            }
        }
    }
}

/// Drops what is said twice, and a face value's change without values beside one that has them.
fn settle(clauses: Vec<Clause>) -> Vec<Clause> {
    let changes_face_value = |c: &Clause| matches!(c.kind, Kind::Split | Kind::Consolidation);
    let is_read = clauses.iter().any(|c| changes_face_value(c) && c.ratio.is_some());
    let mut kept: Vec<Clause> = Vec::new();
    for clause in clauses {
        let idle = is_read && changes_face_value(&clause) && clause.ratio.is_none();
        if !idle && !kept.contains(&clause) {
            kept.push(clause);
        }
    }
    if kept.is_empty() {
        kept.push(Clause { kind: Kind::Other, ratio: None, amount: None, doubt: None });
    }
    kept
}

/// Cuts a subject where one matter ends and the next begins. A part that names no matter belongs to the one before it,
/// or, at the beginning, to the one after it.
fn pieces<'a>(p: &Patterns, subject: &'a str) -> Vec<Vec<&'a str>> {
    let mut pieces: Vec<Vec<&str>> = Vec::new();
    let mut leading: Vec<&str> = Vec::new();
    for part in parts(subject) {
        if p.keyword.is_match(part) {
            let mut piece = std::mem::take(&mut leading);
            piece.push(part);
            pieces.push(piece);
        } else {
            match pieces.last_mut() {
                Some(piece) => piece.push(part),
                None => leading.push(part),
            }
        }
    }
    if pieces.is_empty() && !leading.is_empty() {
        pieces.push(leading);
    }
    pieces
}

/// The parts between `/`, `+`, `&`, `;`, commas and "and". The slash of `Rs 10/-` is none of them.
fn parts(subject: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut cut = |from: usize, to: usize| {
        let part = subject.get(from..to).unwrap_or_default().trim();
        if !part.is_empty() {
            parts.push(part);
        }
    };
    for (at, sign) in subject.char_indices() {
        let (before, after) = (&subject[..at], &subject[at + sign.len_utf8()..]);
        let between_digits =
            before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit());
        let width = match sign {
            '/' => {
                let money = before.trim_end().ends_with(|c: char| c.is_ascii_digit())
                    && (after.trim_start().starts_with('-') || between_digits);
                usize::from(!money)
            }
            '+' | '&' | ';' => 1,
            ',' => usize::from(!between_digits),
            ' ' if after.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("and ")) => 4,
            _ => 0,
        };
        if width > 0 && at >= start {
            cut(start, at);
            start = at + width;
        }
    }
    cut(start, subject.len());
    parts
}

fn bonus(p: &Patterns, piece: &[&str]) -> Option<Clause> {
    // Bonus debentures and preference shares change no number of shares.
    let (other, of_shares): (Vec<&str>, Vec<&str>) = piece.iter().partition(|part| p.not_shares.is_match(part));
    let text = &of_shares.join(" ");
    if !p.bonus.is_match(text) {
        return None;
    }
    if p.other_bonus.is_match(text) {
        let doubt = "the subject speaks of a bonus beside it, which may be one of another day";
        return p.ratio.is_match(text).then(|| doubted(Kind::Other, doubt));
    }
    if other.iter().any(|part| !p.ratio.is_match(part)) {
        return Some(doubted(Kind::Bonus, "the subject doesn't tell the bonus shares from something else"));
    }
    // In "Bonus Rights 1:5" the ratio is the rights'.
    let found = p.bonus_ratio.captures(text).filter(|found| !p.rights.is_match(&found[0]));
    let found = found.or_else(|| p.ratio_bonus.captures(text));
    let found = found.filter(|found| !p.of_days.is_match(&found[0]));
    let Some((new, held)) = found.and_then(|found| Some((count(&found[1])?, count(&found[2])?))) else {
        return Some(doubted(Kind::Bonus, "the subject gives no ratio of the bonus"));
    };
    Some(Clause { kind: Kind::Bonus, ratio: Some((new + held) / held), amount: None, doubt: None })
}

fn face_value_change(p: &Patterns, text: &str, subject: &str) -> Option<Clause> {
    let split = p.split.find(text).map(|m| m.start());
    let consolidation = p.consolidation.find(text).map(|m| m.start());
    let start = match (split, consolidation) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b)?,
    };
    if p.reduction.is_match(subject) {
        return Some(doubted(Kind::Consolidation, "a reduction of capital beside it leaves no one ratio"));
    }
    let plain = if split.is_none() { Kind::Consolidation } else { Kind::Split };
    if p.other_split.is_match(text) {
        return Some(doubted(
            plain,
            "the subject speaks of it beside another action, and it may be one of another day",
        ));
    }
    let from_start = text.get(start..)?;
    let of_shares = p.into_shares.captures(from_start).or_else(|| p.into_shares.captures(text));
    if of_shares.is_none() && (p.and_then_to.is_match(text) || gives_two_changes(p, text)) {
        return Some(doubted(plain, TWO_RATIOS));
    }
    let values = match of_shares {
        Some(found) => ratio_of_shares(&found),
        None => p.from_to.captures(from_start).or_else(|| p.from_to.captures(text)).and_then(|found| {
            let (old, new) = (found[1].parse::<f64>().ok()?, found[2].parse::<f64>().ok()?);
            // "From Rs 1 Cr To Rs 2 Cr" are no face values.
            let is_one = old > 0.0 && new > 0.0 && old != new && !p.totals.is_match(&found[0]);
            is_one.then_some(old / new)
        }),
    };
    let Some(ratio) = values else {
        return Some(doubted(plain, "the subject gives no face values to take a ratio of"));
    };
    if split.is_none() && ratio > 1.0 {
        return Some(doubted(Kind::Consolidation, "the values of the consolidation are those of a split"));
    }
    let kind = if ratio < 1.0 { Kind::Consolidation } else { Kind::Split };
    Some(Clause { kind, ratio: Some(ratio), amount: None, doubt: None })
}

/// Whether a text names two changes of values: "From Rs 10 To Rs 5 And Rs 5 To Re 1".
fn gives_two_changes(p: &Patterns, text: &str) -> bool {
    // "From 10 Sep To 15 Sep" are days.
    let of_days = |found: &regex::Captures<'_>| found[0].starts_with(['f', 'F']);
    let found = p.from_to.captures_iter(text).filter(|found| !of_days(found));
    found.map(|found| (found[1].to_owned(), found[2].to_owned())).collect::<HashSet<_>>().len() > 1
}

/// The ratio in "1 Equity Share Of Rs 10 Each Into 5 Equity Shares Of Rs 2 Each", where counts and face values agree.
fn ratio_of_shares(found: &regex::Captures<'_>) -> Option<f64> {
    let number = |at: usize| found.get(at).and_then(|number| count(number.as_str()));
    let (old, new) = (number(1), number(3)?);
    let by_count = new / old.unwrap_or(1.0);
    let ratio = match (number(2), number(4)) {
        (Some(from), Some(to)) => Some(from / to).filter(|ratio| (by_count / ratio - 1.0).abs() < 1e-9),
        // "Into 500000 Shares" is no ratio without the shares of before.
        _ => old.map(|_| by_count),
    };
    ratio.filter(|ratio| (ratio - 1.0).abs() > 1e-9)
}

fn rights(p: &Patterns, text: &str, face_value: Option<Decimal>) -> Clause {
    if p.odd_rights.is_match(text) {
        return doubted(Kind::Rights, "rights to something else than whole shares, or partly paid");
    }
    let found = p.rights_ratio.captures(text).filter(|found| !p.of_days.is_match(&found[0]));
    let ratio = found.and_then(|found| Some((count(&found[1])?, count(&found[2])?)));
    let Some((new, held)) = ratio else { return doubted(Kind::Rights, "the subject gives no ratio") };
    let amount = issue_price(p, text, face_value);
    let doubt = amount.is_none().then_some("the subject gives no clear issue price");
    Clause { kind: Kind::Rights, ratio: Some((new + held) / held), amount, doubt }
}

/// Face value and premium, or the price where the subject names that; `None` where other amounts stand beside it.
fn issue_price(p: &Patterns, text: &str, face_value: Option<Decimal>) -> Option<Decimal> {
    let premium = p.premium.captures(text);
    if premium.is_none() && p.at_par.is_match(text) {
        return face_value;
    }
    let is_premium = premium.is_some();
    let found = premium.or_else(|| p.issue_price.captures(text))?;
    let told: Decimal = found[1].parse().ok()?;
    let price = if is_premium { face_value?.checked_add(told)? } else { told };
    let rest = text.get(found.get(0)?.end()..)?;
    let is_other = |amount: Decimal| amount != price && amount != told && Some(amount) != face_value;
    let without = without_face_values(text);
    let mut others = p.price.captures_iter(&without).filter_map(|found| found[1].parse::<Decimal>().ok());
    (!p.price_goes_on.is_match(rest) && !others.any(is_other)).then_some(price)
}

/// A number in a ratio: above zero, and no more than any real one.
fn count(text: &str) -> Option<f64> {
    let value = text.parse::<Decimal>().ok()?.to_f64()?;
    (value > 0.0 && value <= 100_000.0).then_some(value)
}

#[cfg(test)]
mod cases;
#[cfg(test)]
#[path = "wordings_tests.rs"]
mod tests;
