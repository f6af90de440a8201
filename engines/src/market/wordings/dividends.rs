//! What subjects say of dividends: the sum of what is paid on a share. Other amounts stand beside it: face values,
//! totals, percentages, what was announced before. Amounts are added up only where nothing but words of dividends stands
//! between them; else no one can tell which of them holds.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

use super::patterns::{BONUS, CALLED_OFF, DIVIDEND, N, OTHER_MONEY, Patterns, RIGHTS, RUPEES, doubted, pattern};
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind};

/// What shares are worth by their papers.
const FACE_VALUES: [u32; 5] = [1, 2, 5, 10, 100];
const FACE_VALUE: &str = r"(?:face value|\bf\.?v\b\.?|nominal value|paid[\s-]?up)";
/// Which dividend it is, as people type it: interim, inteim, nterim; special, splecial, spl.
const WHICH: &str = r"i*n?t?[eir]{2,5}[mn]|int|fin(?:al)?|sp(?:[ecl][a-z]*)?|jub(?:ilee)?|centenary|anniversary|additional|one[\s-]*time";
/// What else may stand between two amounts that are added up.
const FILLING: &str = r"p[er]{1,2}|er|eq|equity|ordinary|sh[a-z]{0,5}|company|hsare|each|every|an?|the|on|of|for|occasion|fully|paid|up|and|with|plus|also|along|one|time|silver|golden|diamond|platinum|maiden|first|second|third|fourth|annual|fy|financial|year|quarter|ended|declared|recommended|(?:int|fin|spl|l)div[a-z]*|20\d\d(?:\s*-\s*\d{2,4})?|(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*|\d{1,2}(?:st|nd|rd|th)|3[01]";

struct Amounts {
    dividend: Regex,
    amount: Regex,
    bare_amount: Regex,
    unmarked_amount: Regex,
    of_share: Regex,
    on_face_value: Regex,
    two_face_values: Regex,
    face_value: Regex,
    face_value_after: Regex,
    outlay: Regex,
    before: Regex,
    odd_unit: Regex,
    goes_on: Regex,
    elsewhere: Regex,
    revised: Regex,
    subject_to: Regex,
    a_share: Regex,
    percent: Regex,
    percent_of: Regex,
    percent_beside: Regex,
    includes: Regex,
    includes_in_brackets: Regex,
    one_of_two: Regex,
    joined: Regex,
    which: Regex,
    other_money: Regex,
    next_matter: Regex,
    not_equity: Regex,
    other_class: Regex,
    equity: Regex,
}

static AMOUNTS: LazyLock<Amounts> = LazyLock::new(|| Amounts {
    dividend: pattern(DIVIDEND),
    // The "re 9" in "Share 9purpose Revised" is no amount.
    amount: pattern(r"(?:\bR[se]|\bINR|₹|\brupees?)(\.?)\s*-?\s*(?:R[se]\.?\s*)?(\d+(?:\.\d+)?|\.\d+)"),
    bare_amount: pattern(&format!(r"{DIVIDEND}\s*-?\s*{N}\s*(?:/|R[se]\b|p[er]{{1,2}}\b|-er\b)")),
    unmarked_amount: pattern(&format!(r"{N}\s*(?:/-)?\s*p[er]{{1,2}}\s+(?:eq(?:uity)?\s+)?sh")),
    // "Per Share Of Rs 10", "Per Rs 10 Share".
    of_share: pattern(&format!(
        r"\bsh(?:are)?s?\.?\s+(?:of|on)\s+{RUPEES}\s*-?\s*{N}(?:\s*/-)?|\bp[er]{{1,2}}\s+{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*(?:(?:equity|ordinary|fully|paid|up)[\s-]+)*sh[a-z]*"
    )),
    on_face_value: pattern(&format!(r"\bon\s+(?:an?\s+|each\s+)?{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*{FACE_VALUE}")),
    two_face_values: pattern(&format!(r"\d\s*(?:/-)?\s*{FACE_VALUE}[^\d%]{{0,12}}{N}")),
    face_value: pattern(&format!(r"{FACE_VALUE}[^\d%]{{0,12}}{N}(?:\s*/-)?|\bof\s+{RUPEES}\s*{N}\s*(?:/-)?\s*each")),
    // Only where no number follows: in "Rs 2 Face Value Rs 10" the dividend comes first.
    face_value_after: pattern(&format!(
        r"{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*(?:face value|f\.?v\b|nominal|paid[\s-]?up)[^\d]*$"
    )),
    // What all shares together are paid.
    outlay: pattern(&format!(
        r"{RUPEES}\s*-?\s*{N}\s*(?:/-)?\s*(?:crores?|cr|lakhs?|lacs?|millions?|mn|billions?|bn)\b"
    )),
    before: pattern(&format!(r"\brevis\w*\s+from\s+{RUPEES}\s*-?\s*{N}")),
    // "Rs 5 Per 10 Shares", "Per Adr".
    odd_unit: pattern(
        r"\bpais[ae]\b|\b(?:crores?|lakhs?|lacs?|millions?|billions?)\b|\b(?:p[er]{1,2}|for|every|each)\s+(?:[2-9]|\d{2,}|two|five|ten|hundred)\s+(?:[a-z-]+\s+){0,3}sh|\b[ag]d[rs]s?\b",
    ),
    // "Rs.2/50", "Rs 1,5", "Rs 2 50", "Rs 25%", "Rs 5-6"; but "Rs 10/-" ends there, and a year or a ratio is none of it.
    goes_on: pattern(r"^(?:\s*[/,.]\s*\d|\s+\d{1,2}(?:\s|$|/)|\s*%|\s*-\s*\d)"),
    elsewhere: pattern(r"\([^)]*(?:book\s*closure|record\s+date|\ba\.?g\.?m|\be\.?g\.?m|meeting)[^)]*\)"),
    revised: pattern(r"\([^()\d]*revised\s*\)"),
    // "Rs 5 Subject To Tds @ 10%" leads from no amount to another.
    subject_to: pattern(r"\bsubject\s+to\b"),
    a_share: pattern(
        r"^\s*(?:/-?)?\s*(?:\(\s*@?\s*\d+(?:\.\d+)?\s*%\s*\))?\s*-?\s*(?:p[er]{1,2}|an?|each|every)\s+(?:equity\s+)?sh",
    ),
    percent: pattern(r"(\d+(?:\.\d+)?)\s*%"),
    percent_of: pattern(&format!(r"%[^\d]{{0,20}}?\b(?:on|of)\s+{RUPEES}\s*-?\s*\d")),
    percent_beside: pattern(&format!(
        r"%\s*(?:\(|=|i\.?\s?e\.?|being)\s*-?\s*{RUPEES}|\(\s*@?\s*\d+(?:\.\d+)?\s*%\s*\)"
    )),
    includes: pattern(r"\bincl(?:\b|ud|us)"),
    includes_in_brackets: pattern(r"\([^()]*\bincl(?:\b|ud|us)[^()]*\)"),
    // Beside several amounts: one holds the others, or takes the place of another.
    one_of_two: pattern(
        r"\btotal|\baggregat|\bcombined|\brevis\w*\s+(?:from|to|(?:\w+\s+)?div)|\bearlier|\bprev|\binstead\b|\bin\s+(?:place|lieu)\s+of|\bagainst|\bvs\b|\bamend|\bcorrect|\bchange|\bmodif|\balready|\bpaid\s+on|\bless\b|\bgross|\bnet\b|\btds\b|\btax|\bor\b|\bnot\b|\bto\s+be\s+read",
    ),
    joined: pattern(&format!(r"^(?:[\s/&+,.;:@()'-]|\b(?:{WHICH}|{DIVIDEND}|{FILLING})\b)*$")),
    which: pattern(&format!(r"\b(?:{WHICH})\b|{DIVIDEND}")),
    other_money: pattern(&format!(r"{OTHER_MONEY}|offer\s+price|warrant")),
    next_matter: pattern(&format!(r"{OTHER_MONEY}|offer\s+price|warrant|{BONUS}|{RIGHTS}")),
    // What trusts distribute is another thing, and so is what nobody claimed.
    not_equity: pattern(
        r"\bpref[a-z]*|distribution|\bper\s+units?\b|debenture|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b|\biepf\b|\bunpaid\s+div|\bunclaimed",
    ),
    other_class: pattern(r"\ba\b\W{0,2}\s*ordinary|\bdvrs?\b|differential|part(?:ly|ially)[\s-]*paid"),
    equity: pattern(r"\bequity\b"),
});

/// What a piece says of a dividend.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Paid {
    /// The words of the dividend, without what stands beside it.
    Words(String),
    /// It can't be told what it says.
    Unclear,
    CalledOff,
}

/// The clause of a subject's dividends, where it has any.
pub(super) fn of_all(dividends: &[Paid]) -> Option<Clause> {
    if dividends.is_empty() {
        return None;
    }
    if dividends.contains(&Paid::CalledOff) {
        return Some(doubted(Kind::Dividend, CALLED_OFF));
    }
    let words = dividends.iter().map(|paid| match paid {
        Paid::Words(words) => Some(words.as_str()),
        Paid::Unclear | Paid::CalledOff => None,
    });
    let amount = words.collect::<Option<Vec<&str>>>().and_then(|words| sum_of(&AMOUNTS, &words));
    let doubt = amount.is_none().then_some("the subject gives no clear amount of the dividend");
    Some(Clause { kind: Kind::Dividend, ratio: None, amount, doubt })
}

/// The dividend on shares that a piece is.
pub(super) fn dividend_of(p: &Patterns, piece: &[&str]) -> Option<Paid> {
    let a = &*AMOUNTS;
    // "Sub-Divided" has a dividend in it, and a face value is none.
    let names_one = |part: &str| a.dividend.is_match(&p.split.replace_all(part, " "));
    let mut parts: Vec<&str> = Vec::new();
    let mut of_other_class = false;
    for &part in piece {
        if a.not_equity.is_match(part) {
            if names_one(part) && a.equity.is_match(part) {
                return Some(Paid::Unclear);
            }
        } else if a.other_class.is_match(part) {
            of_other_class |= names_one(part);
        } else if names_one(part) || !a.other_money.is_match(part) {
            parts.push(part);
        }
    }
    let text = p.split.replace_all(&parts.join(" "), " ").into_owned();
    let Some(named) = a.dividend.find(&text) else { return of_other_class.then_some(Paid::Unclear) };
    // A meeting that was called off is no dividend that was.
    if p.called_off.is_match(&a.elsewhere.replace_all(&piece.join(" "), " ")) {
        return Some(Paid::CalledOff);
    }
    let text = match a.next_matter.find_at(&text, named.end()) {
        Some(next) if a.dividend.is_match(&text[next.end()..]) => return Some(Paid::Unclear),
        Some(next) => &text[..next.start()],
        None => text.as_str(),
    };
    let text = a.includes_in_brackets.replace_all(text, " incl ");
    let text = a.subject_to.replace_all(&text, " subject ");
    let text = a.before.replace_all(&text, " ");
    let text = p.from_to.replace_all(&text, " ");
    let text = p.premium.replace_all(&text, " ");
    // "Rs 10 Face Value Rs 2.50" can be either way round.
    let is_odd = |found: regex::Captures<'_>| !found[1].parse::<Decimal>().is_ok_and(is_face_value);
    if a.two_face_values.captures(&a.on_face_value.replace_all(&text, " ")).is_some_and(is_odd) {
        return Some(Paid::Unclear);
    }
    let words = a.outlay.replace_all(&without_face_values(&text), " ").into_owned();
    // One unread amount makes the sum of all unknown.
    Some(if sum_of(a, &[words.as_str()]).is_some() { Paid::Words(words) } else { Paid::Unclear })
}

fn is_face_value(amount: Decimal) -> bool {
    FACE_VALUES.iter().any(|value| amount == Decimal::from(*value))
}

/// A text without the face values that it names.
pub(super) fn without_face_values(text: &str) -> String {
    let a = &*AMOUNTS;
    let text = a.of_share.replace_all(text, " share ");
    let text = a.on_face_value.replace_all(&text, " ");
    let text = a.face_value.replace_all(&text, " ");
    a.face_value_after.replace_all(&text, " ").into_owned()
}

/// The sum of what dividends are worded as; `None` where one amount is unread or can be read in two ways.
fn sum_of(a: &Amounts, dividends: &[&str]) -> Option<Decimal> {
    let mut texts: Vec<&str> = Vec::new();
    let mut includes = false;
    for &words in dividends {
        // What a dividend includes is in its amount already.
        let end = a.includes.find(words).map_or(words.len(), |found| found.start());
        includes |= end < words.len();
        let text = words.get(..end)?;
        if named(a, text).is_none() || a.odd_unit.is_match(text) {
            return None;
        }
        texts.push(text);
    }
    let text = texts.join(" & ");
    let (amounts, of_a_share) = named(a, &text)?;
    // "Takeover At Rs 200, Dividend Rs 2": what stands before the word may be another matter's.
    let first = amounts.first()?.at.start;
    if a.dividend.find(&text).is_some_and(|found| first < found.start()) && !is_joined(a, text.get(..first)?) {
        return None;
    }
    let sum = amounts.iter().try_fold(Decimal::ZERO, |sum, named| sum.checked_add(named.amount))?;
    if sum <= Decimal::ZERO {
        return None;
    }
    let several = amounts.len() > 1;
    if several {
        let one_holds_another = includes || a.one_of_two.is_match(&dividends.join(" & "));
        let adds_up = |pair: &[Amount]| {
            let between = text.get(pair[0].at.end..pair[1].at.start).unwrap_or_default();
            a.which.is_match(between) && is_joined(a, between)
        };
        // "Rs 5, Final Rs 3 And Special Rs 2": one is the others' sum.
        let holds_others = |named: &Amount| amounts.len() > 2 && named.amount.checked_add(named.amount) == Some(sum);
        if one_holds_another || !amounts.windows(2).all(adds_up) || amounts.iter().any(holds_others) {
            return None;
        }
    }
    // "25% On Rs 10" names the face value, "25% I.E. Rs 2.50 Per Share" the dividend.
    let as_face_value = !of_a_share && is_face_value(sum) && !percent_agrees(a, &text, sum);
    let percent = text.contains('%') && (several || as_face_value || a.percent_of.is_match(&text));
    (!percent).then_some(sum)
}

/// Whether nothing but words of dividends is in a text between amounts, and no bracket opens in it: what is in that may be
/// a part of the amount before.
fn is_joined(a: &Amounts, text: &str) -> bool {
    let text = a.elsewhere.replace_all(text, " ");
    let text = a.revised.replace_all(&text, " ");
    let open = text.chars().fold(0_usize, |open, sign| match sign {
        '(' => open + 1,
        ')' => open.saturating_sub(1),
        _ => open,
    });
    open == 0 && a.joined.is_match(&text)
}

/// Whether a text tells the amount beside its percentage, "500% (Rs 5)", and they are those of a face value.
fn percent_agrees(a: &Amounts, text: &str, amount: Decimal) -> bool {
    let mut percents = a.percent.captures_iter(text);
    let (Some(found), None) = (percents.next(), percents.next()) else { return false };
    let Ok(percent) = found[1].parse::<Decimal>() else { return false };
    let agrees = |value: &u32| Decimal::from(*value).checked_mul(percent) == amount.checked_mul(Decimal::ONE_HUNDRED);
    a.percent_beside.is_match(text) && FACE_VALUES.iter().any(agrees)
}

/// An amount, and where in the text it stands.
struct Amount {
    at: Range<usize>,
    amount: Decimal,
}

/// The amounts that a text names, and whether one is said to be a share's; `None` if there are none, or one can be read in
/// two ways.
fn named(a: &Amounts, text: &str) -> Option<(Vec<Amount>, bool)> {
    let marked = a.amount.captures_iter(text).filter_map(|found| {
        let digits = found.get(2)?;
        Some((found.get(0)?.start(), digits, &found[1] == "."))
    });
    let bare = a.bare_amount.captures_iter(text).filter_map(|found| {
        let digits = found.get(1)?;
        Some((digits.start(), digits, false))
    });
    let (mut amounts, mut of_a_share) = (Vec::new(), false);
    for (start, digits, after_point) in marked.chain(bare) {
        let (at, digits) = (start..digits.end(), digits.as_str());
        let rest = text.get(at.end..)?;
        // "Rs.0125" may be 0.125 or 0.0125.
        let unclear = after_point && digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
        if unclear || a.goes_on.is_match(rest) {
            return None;
        }
        amounts.push(Amount { at, amount: digits.parse().ok()? });
        of_a_share |= a.a_share.is_match(rest);
    }
    amounts.sort_by_key(|named| named.at.start);
    // "Interim Dividend Rs 3/Special 2 Per Share".
    let is_left_out = |found: regex::Captures<'_>| {
        found.get(1).is_some_and(|digits| amounts.iter().all(|named| named.at.end != digits.end()))
    };
    let left_out = a.unmarked_amount.captures_iter(text).any(is_left_out);
    (!amounts.is_empty() && !left_out).then_some((amounts, of_a_share))
}
