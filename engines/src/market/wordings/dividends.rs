//! What subjects say of dividends: the sum of what is paid on a share. Other amounts stand beside it: face values,
//! totals, percentages, what was announced before.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

use super::patterns::{CALLED_OFF, DIVIDEND, N, Patterns, RUPEES, doubted, pattern};
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind};

/// What shares are worth by their papers.
const FACE_VALUES: [u32; 5] = [1, 2, 5, 10, 100];

struct Amounts {
    dividend: Regex,
    amount: Regex,
    bare_amount: Regex,
    of_share: Regex,
    face_value: Regex,
    outlay: Regex,
    before: Regex,
    odd_unit: Regex,
    goes_on: Regex,
    elsewhere: Regex,
    a_share: Regex,
    percent_of: Regex,
    in_brackets: Regex,
    twice: Regex,
    not_equity: Regex,
}

static AMOUNTS: LazyLock<Amounts> = LazyLock::new(|| Amounts {
    dividend: pattern(DIVIDEND),
    // The "re 9" in "Share 9purpose Revised" is no amount.
    amount: pattern(r"(?:\bR[se]|\bINR|₹|\brupees?)(\.?)\s*-?\s*(?:R[se]\.?\s*)?(\d+(?:\.\d+)?|\.\d+)"),
    bare_amount: pattern(&format!(r"{DIVIDEND}\s*-?\s*{N}\s*(?:/|R[se]\b|p[er]{{1,2}}\b|-er\b)")),
    of_share: pattern(&format!(r"\bsh(?:are)?s?\.?\s+(?:of|on)\s+{RUPEES}\s*-?\s*{N}(?:\s*/-)?")),
    face_value: pattern(&format!(
        r"(?:face value|\bf\.?v\.?|nominal value|paid[\s-]?up)[^\d%]{{0,12}}{N}|\bof\s+{RUPEES}\s*{N}\s*(?:/-)?\s*each|{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*(?:face value|f\.?v\b|nominal|paid[\s-]?up)"
    )),
    // What all shares together are paid.
    outlay: pattern(&format!(
        r"{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*(?:crores?|cr|lakhs?|lacs?|millions?|mn|billions?|bn)\b"
    )),
    before: pattern(&format!(r"\brevis\w*\s+from\s+{RUPEES}\s*-?\s*{N}")),
    odd_unit: pattern(r"\bpais[ae]\b|\b(?:crores?|lakhs?|lacs?|millions?|billions?)\b"),
    // "Rs.2/50", "Rs 1,5", "Rs 2 50", "Rs 25%"; but "Rs 10/-" ends there, and a year or a ratio is none of it.
    goes_on: pattern(r"^(?:\s*[/,.]\s*\d|\s+\d{1,2}(?:\s|$|/)|\s*%)"),
    elsewhere: pattern(r"\([^)]*(?:book\s*closure|record\s+date|\ba\.?g\.?m|\be\.?g\.?m|meeting)[^)]*\)"),
    a_share: pattern(r"^\s*(?:/-?)?\s*-?\s*(?:p[er]{1,2}|an?|each|every)\s+(?:equity\s+)?sh"),
    percent_of: pattern(r"%[^\d]{0,20}?\b(?:on|of)\s"),
    in_brackets: pattern(r"\([^)]*\d"),
    twice: pattern(
        r"\btotal|\baggregat|\brevis\w*\s+(?:from|to|(?:\w+\s+)?div)|\bearlier|\bpreviously|\binstead of|\bin place of|\bas against",
    ),
    // What trusts distribute is another thing.
    not_equity: pattern(
        r"preference|distribution|\bper\s+units?\b|debenture|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b",
    ),
});

/// What a piece says of a dividend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Paid {
    Amount(Decimal),
    /// It names no amount, or one that can be read in two ways.
    Unclear,
    CalledOff,
}

/// The clause of a subject's dividends, where it has any.
pub(super) fn of_all(dividends: &[Paid], subject: &str) -> Option<Clause> {
    if dividends.is_empty() {
        return None;
    }
    if dividends.contains(&Paid::CalledOff) {
        return Some(doubted(Kind::Dividend, CALLED_OFF));
    }
    // In "Final Dividend Rs 3/Special Dividend Rs 2/Total Dividend Rs 5" the last one holds the others.
    let twice = dividends.len() > 1 && AMOUNTS.twice.is_match(subject);
    let amount = if twice { None } else { total(dividends) };
    let doubt = amount.is_none().then_some("the subject gives no clear amount of the dividend");
    Some(Clause { kind: Kind::Dividend, ratio: None, amount, doubt })
}

/// The sum of the dividends; one unread amount makes it unknown.
fn total(dividends: &[Paid]) -> Option<Decimal> {
    dividends.iter().try_fold(Decimal::ZERO, |sum, paid| match paid {
        Paid::Amount(amount) => sum.checked_add(*amount),
        Paid::Unclear | Paid::CalledOff => None,
    })
}

/// The dividend on shares that a piece is, with the sum of the amounts that it names.
pub(super) fn dividend_of(p: &Patterns, piece: &[&str]) -> Option<Paid> {
    let a = &*AMOUNTS;
    let of_equity = |part: &&&str| !a.not_equity.is_match(part);
    let parts: Vec<&str> = piece.iter().filter(of_equity).copied().collect();
    // "Sub-Divided" has a dividend in it, and a face value is none.
    let text = p.split.replace_all(&parts.join(" "), " ").into_owned();
    if !a.dividend.is_match(&text) {
        return None;
    }
    // A meeting that was called off is no dividend that was.
    if p.called_off.is_match(&a.elsewhere.replace_all(&piece.join(" "), " ")) {
        return Some(Paid::CalledOff);
    }
    // What a dividend includes is in its amount already.
    let end = text.to_lowercase().find("includ").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(&text);
    let twice = a.twice.is_match(text);
    let text = a.before.replace_all(text, " ");
    let text = p.from_to.replace_all(&text, " ");
    let text = p.premium.replace_all(&text, " ");
    let text = a.of_share.replace_all(&text, " share ");
    let text = a.face_value.replace_all(&text, " ");
    let text = a.outlay.replace_all(&text, " ");
    let named = named(a, &text).filter(|_| !a.odd_unit.is_match(&text));
    let Some((amounts, of_a_share)) = named else { return Some(Paid::Unclear) };
    let sum = amounts.iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount));
    let Some(sum) = sum.filter(|sum| *sum > Decimal::ZERO) else { return Some(Paid::Unclear) };
    let several = amounts.len() > 1;
    // "25% On Rs 10" names the face value, "25% I.E. Rs 2.50 Per Share" the dividend.
    let as_face_value = !of_a_share && FACE_VALUES.iter().any(|value| sum == Decimal::from(*value));
    let percent = text.contains('%') && (several || as_face_value || a.percent_of.is_match(&text));
    // "Rs 5 (Final Rs 3 And Special Rs 2)": one is the others' sum.
    let holds_others = |amount: &Decimal| amounts.len() > 2 && amount.checked_add(*amount) == Some(sum);
    let nested = a.in_brackets.is_match(&text) && amounts.iter().any(holds_others);
    Some(if percent || nested || (several && twice) { Paid::Unclear } else { Paid::Amount(sum) })
}

/// The amounts that a text names, and whether one is said to be a share's; `None` if one can be read in two ways.
fn named(a: &Amounts, text: &str) -> Option<(Vec<Decimal>, bool)> {
    let marked = a.amount.captures_iter(text).filter_map(|found| Some((&found[1] == ".", found.get(2)?)));
    let bare = a.bare_amount.captures_iter(text).filter_map(|found| Some((false, found.get(1)?)));
    let (mut amounts, mut of_a_share) = (Vec::new(), false);
    for (after_point, found) in marked.chain(bare) {
        let (digits, rest) = (found.as_str(), text.get(found.end()..)?);
        // "Rs.0125" may be 0.125 or 0.0125.
        let unclear = after_point && digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
        if unclear || a.goes_on.is_match(rest) {
            return None;
        }
        amounts.push(digits.parse().ok()?);
        of_a_share |= a.a_share.is_match(rest);
    }
    Some((amounts, of_a_share))
}
