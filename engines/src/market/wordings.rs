//! How the exchanges word corporate actions, read as clauses: kind, ratio, amount, doubt.
//!
//! A subject is cut into its pieces first ("Bonus 1:1/Dividend On Preference Shares"), so that what is said of one action
//! never colours another. What is no clear ratio or amount is left unread, and the doubt says so.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::corporate_actions::{Clause, CorporateActionKind as Kind};

struct Patterns {
    thousands: Regex,
    keyword: Regex,
    bonus: Regex,
    bonus_ratio: Regex,
    ratio_bonus: Regex,
    ratio: Regex,
    not_shares: Regex,
    split: Regex,
    from_to: Regex,
    consolidation: Regex,
    reduction: Regex,
    rights: Regex,
    rights_ratio: Regex,
    premium: Regex,
    at_par: Regex,
    issue_price: Regex,
    odd_rights: Regex,
    dividend: Regex,
    amount: Regex,
    bare_amount: Regex,
    face_value: Regex,
    not_equity: Regex,
    unknown_effect: Regex,
    called_off: Regex,
}

/// A number, once the commas of its thousands are gone.
const N: &str = r"(\d+(?:\.\d+)?)";
const RUPEES: &str = r"(?:R[se]\.?|INR|₹)";
const BONUS: &str = "bo[nu]{2,4}s";
const SPLIT: &str = r"\bsp(?:li|il|l)t+(?:ting)?\b|(?:face value|fv|f\.v\.?)\s*spl|sub[\s-]*divi(?:sion|ded|ding)";
const CONSOLIDATION: &str = "consolidat";
const RIGHTS: &str = r"\brights?\b";
/// As people type it: dividend, divdend, divided, dividned, div.
const DIVIDEND: &str = r"(?:div[iden]*|ividend)s?\b";
const UNKNOWN_EFFECT: &str = r"de-?merge|\bspin[\s-]*off|sc?heme\s+of|ara+ngement|arrangement|capital\s+reduction|reduction\s+of\s+capital|amalgamation";
/// Other matters that a subject speaks of.
const MATTERS: &str =
    r"general me|\ba\.?g\.?m\b|\be\.?o?\.?g\.?m\b|buy[\s-]*back|interest|redemption|distribution|delisting";

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(&format!("(?i){text}")).expect("a pattern in the source");
    let keyword = [BONUS, SPLIT, CONSOLIDATION, RIGHTS, DIVIDEND, UNKNOWN_EFFECT, MATTERS].join("|");
    Patterns {
        thousands: pattern(r"\b\d{1,3}(?:,\d{2,3})*,\d{3}\b"),
        keyword: pattern(&keyword),
        bonus: pattern(BONUS),
        bonus_ratio: pattern(&format!(r"{BONUS}[^\d]{{0,40}}?{N}\s*:\s*{N}")),
        ratio_bonus: pattern(&format!(r"{N}\s*:\s*{N}\s*{BONUS}")),
        ratio: pattern(r"\d\s*:\s*\d"),
        not_shares: pattern(
            r"debenture|preference|warrant|\bdvrs?\b|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b",
        ),
        split: pattern(SPLIT),
        from_to: pattern(&format!(
            r"(?:{RUPEES}\s*-?\s*|\bfro?m\s+){N}[^\d%:]{{0,40}}?\b(?:in)?to\b[^\d%:]{{0,25}}?{N}"
        )),
        consolidation: pattern(CONSOLIDATION),
        reduction: pattern(r"capital\s+reduction|reduction\s+of\s+capital"),
        rights: pattern(RIGHTS),
        rights_ratio: pattern(&format!(r"{RIGHTS}[^\d]{{0,40}}?{N}\s*:\s*{N}")),
        premium: pattern(&format!(r"\bpre?m(?:ium)?\b\.?[^\d%/]{{0,6}}?(?:{RUPEES}\s*)?-?\s*{N}")),
        at_par: pattern(r"(?:@|\bat)\s*par\b"),
        issue_price: pattern(&format!(
            r"(?:@|\bat\b|\bprice\b)\s*(?:an?\s+)?(?:issue\s+)?(?:price\s*)?(?:of\s*)?[-:]?\s*{RUPEES}\s*-?\s*{N}"
        )),
        odd_rights: pattern(
            r"part(?:ly|ially)|warrant|debenture|preference|\bdvrs?\b|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b",
        ),
        dividend: pattern(DIVIDEND),
        // The "re 9" in "Share 9purpose Revised" is no amount.
        amount: pattern(r"(?:\bR[se]|\bINR|₹|\brupees?)(\.?)\s*-?\s*(?:R[se]\.?\s*)?(\d+(?:\.\d+)?|\.\d+)"),
        bare_amount: pattern(&format!(r"{DIVIDEND}\s*-?\s*{N}\s*(?:/|R[se]\b|p[er]{{1,2}}\b|-er\b)")),
        face_value: pattern(&format!(
            r"(?:face value|\bf\.?v\.?|nominal value|paid[\s-]?up)[^\d%]{{0,12}}{N}|\bof\s+{RUPEES}\s*{N}\s*(?:/-)?\s*each"
        )),
        // What trusts distribute is another thing.
        not_equity: pattern(
            r"preference|distribution|\bper\s+units?\b|debenture|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b",
        ),
        unknown_effect: pattern(UNKNOWN_EFFECT),
        called_off: pattern(r"cancel|withdrawn|postpone|deferred|called off"),
    }
});

/// The clauses of a subject. `face_value` is the one after the action, as the exchange states it.
#[must_use]
pub fn read_subject(subject: &str, face_value: Option<Decimal>) -> Vec<Clause> {
    let p = &*PATTERNS;
    let subject = p.thousands.replace_all(subject, |found: &regex::Captures<'_>| found[0].replace(',', ""));
    let mut clauses: Vec<Clause> = Vec::new();
    let mut dividends: Vec<Paid> = Vec::new();
    for piece in pieces(p, &subject) {
        let text = piece.join(" ");
        let mut found: Vec<Clause> = Vec::new();
        if !text.to_lowercase().contains("entitlement of bonus") {
            found.extend(bonus(p, &piece));
            found.extend(p.rights.is_match(&text).then(|| rights(p, &text, face_value)));
        }
        found.extend(face_value_change(p, &text, &subject));
        if p.unknown_effect.is_match(&text) && found.iter().all(|c| c.ratio.is_none()) {
            found.push(doubted(Kind::Other, "the subject gives no ratio, and the price may change by it"));
        }
        if p.called_off.is_match(&text) {
            for clause in &mut found {
                (clause.ratio, clause.doubt) = (None, Some("the subject says that it was called off"));
            }
        }
        clauses.extend(found);
        dividends.extend(dividend_of(p, &piece));
    }
    if !dividends.is_empty() {
        let amount = total(&dividends);
        let doubt = amount.is_none().then_some("the subject gives no clear amount of the dividend");
        clauses.push(Clause { kind: Kind::Dividend, ratio: None, amount, doubt });
    }
    settle(clauses)
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

fn doubted(kind: Kind, doubt: &'static str) -> Clause {
    Clause { kind, ratio: None, amount: None, doubt: Some(doubt) }
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
    if other.iter().any(|part| !p.ratio.is_match(part)) {
        return Some(doubted(Kind::Bonus, "the subject doesn't tell the bonus shares from something else"));
    }
    // In "Bonus Rights 1:5" the ratio is the rights'.
    let found = p.bonus_ratio.captures(text).filter(|found| !p.rights.is_match(&found[0]));
    let found = found.or_else(|| p.ratio_bonus.captures(text));
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
    let found = p.from_to.captures(text.get(start..)?).or_else(|| p.from_to.captures(text));
    let values = found.and_then(|found| {
        let (old, new) = (found[1].parse::<f64>().ok()?, found[2].parse::<f64>().ok()?);
        (old > 0.0 && new > 0.0 && old != new).then_some(old / new)
    });
    let Some(ratio) = values else {
        let kind = if split.is_none() { Kind::Consolidation } else { Kind::Split };
        return Some(doubted(kind, "the subject gives no face values to take a ratio of"));
    };
    let kind = if ratio < 1.0 { Kind::Consolidation } else { Kind::Split };
    Some(Clause { kind, ratio: Some(ratio), amount: None, doubt: None })
}

fn rights(p: &Patterns, text: &str, face_value: Option<Decimal>) -> Clause {
    if p.odd_rights.is_match(text) {
        return doubted(Kind::Rights, "rights to something else than whole shares, or partly paid");
    }
    let ratio = p.rights_ratio.captures(text).and_then(|found| Some((count(&found[1])?, count(&found[2])?)));
    let Some((new, held)) = ratio else { return doubted(Kind::Rights, "the subject gives no ratio") };
    let amount = issue_price(p, text, face_value);
    let doubt = amount.is_none().then_some("the subject gives no issue price");
    Clause { kind: Kind::Rights, ratio: Some((new + held) / held), amount, doubt }
}

/// Face value and premium, or the price where the subject names that.
fn issue_price(p: &Patterns, text: &str, face_value: Option<Decimal>) -> Option<Decimal> {
    if let Some(found) = p.premium.captures(text) {
        return face_value?.checked_add(found[1].parse().ok()?);
    }
    if p.at_par.is_match(text) {
        return face_value;
    }
    p.issue_price.captures(text).and_then(|found| found[1].parse().ok())
}

/// What a piece says of a dividend.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Paid {
    Amount(Decimal),
    /// It names no amount, or one that can be read in two ways.
    Unclear,
}

/// The sum of the dividends; one unread amount makes it unknown.
fn total(dividends: &[Paid]) -> Option<Decimal> {
    dividends.iter().try_fold(Decimal::ZERO, |sum, paid| match paid {
        Paid::Amount(amount) => sum.checked_add(*amount),
        Paid::Unclear => None,
    })
}

/// The dividend on shares that a piece is, with the sum of the amounts that it names.
fn dividend_of(p: &Patterns, piece: &[&str]) -> Option<Paid> {
    let of_equity = |part: &&&str| !p.not_equity.is_match(part);
    let parts: Vec<&str> = piece.iter().filter(of_equity).copied().collect();
    // "Sub-Divided" has a dividend in it, and a face value is none.
    let text = p.split.replace_all(&parts.join(" "), " ").into_owned();
    if !p.dividend.is_match(&text) {
        return None;
    }
    // What a dividend includes is in its amount already.
    let end = text.to_lowercase().find("includ").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(&text);
    let text = p.from_to.replace_all(text, " ");
    let text = p.premium.replace_all(&text, " ");
    let text = p.face_value.replace_all(&text, " ");
    let mut sum = Decimal::ZERO;
    let mut add = |amount: Decimal| {
        sum = sum.checked_add(amount)?;
        Some(())
    };
    for found in p.amount.captures_iter(&text) {
        let digits = &found[2];
        // "Rs.0125" may be 0.125 or 0.0125.
        let unclear = &found[1] == "." && digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
        let read = if unclear { None } else { digits.parse().ok().and_then(&mut add) };
        if read.is_none() {
            return Some(Paid::Unclear);
        }
    }
    for found in p.bare_amount.captures_iter(&text) {
        if found[1].parse().ok().and_then(&mut add).is_none() {
            return Some(Paid::Unclear);
        }
    }
    Some(if sum > Decimal::ZERO { Paid::Amount(sum) } else { Paid::Unclear })
}

/// A number in a ratio: above zero, and no more than any real one.
fn count(text: &str) -> Option<f64> {
    let value = text.parse::<Decimal>().ok()?.to_f64()?;
    (value > 0.0 && value <= 100_000.0).then_some(value)
}

#[cfg(test)]
#[path = "wordings_tests.rs"]
mod tests;
