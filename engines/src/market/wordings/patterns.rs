//! The words and numbers that subjects are made of, and what is said of a clause that stays unread.

use std::sync::LazyLock;

use regex::Regex;

use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind};

pub(super) struct Patterns {
    pub(super) thousands: Regex,
    pub(super) keyword: Regex,
    pub(super) bonus: Regex,
    pub(super) bonus_ratio: Regex,
    pub(super) ratio_bonus: Regex,
    pub(super) ratio: Regex,
    pub(super) given_ratio: Regex,
    pub(super) not_shares: Regex,
    pub(super) split: Regex,
    pub(super) from_to: Regex,
    pub(super) into_shares: Regex,
    pub(super) consolidation: Regex,
    pub(super) reduction: Regex,
    pub(super) rights: Regex,
    pub(super) rights_ratio: Regex,
    pub(super) premium: Regex,
    pub(super) at_par: Regex,
    pub(super) issue_price: Regex,
    pub(super) odd_rights: Regex,
    pub(super) unknown_effect: Regex,
    pub(super) called_off: Regex,
    pub(super) restated: Regex,
}

/// A number, once the commas of its thousands are gone.
pub(super) const N: &str = r"(\d+(?:\.\d+)?)";
pub(super) const RUPEES: &str = r"(?:R[se]\.?|INR|₹)";
pub(super) const BONUS: &str = "bo[nu]{2,4}s";
pub(super) const SPLIT: &str =
    r"\bsp(?:li|il|l)t+(?:ting)?\b|(?:face value|fv|f\.v\.?)\s*spl|sub[\s-]*divi(?:sion|ded|ding)";
pub(super) const CONSOLIDATION: &str = "consolidat";
pub(super) const RIGHTS: &str = r"\brights?\b";
/// As people type it: dividend, divdend, divided, dividned, div.
pub(super) const DIVIDEND: &str = r"(?:div[iden]*|ividend)s?\b";
pub(super) const UNKNOWN_EFFECT: &str = r"de-?merge|\bspin[\s-]*off|sc?heme\s+of|ara+ngement|arrangement|capital\s+reduction|reduction\s+of\s+capital|amalgamation";
pub(super) const CALLED_OFF: &str = "the subject says that it was called off";
/// Other matters that a subject speaks of.
pub(super) const MATTERS: &str =
    r"general me|\ba\.?g\.?m\b|\be\.?o?\.?g\.?m\b|buy[\s-]*back|interest|redemption|distribution|delisting";

pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?i){text}")).expect("a pattern in the source")
}

pub(super) static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // "5 Equity Shares", "5 (Five) Shares", "Five (5) Fully Paid-Up Equity Shares": a count, and no face value.
    let shares = format!(
        r"(?:[a-z]+\s*\(\s*)?{N}\s*\)?\s*(?:\([^)\d]*\)\s*)?(?:(?:nos?|new|fully|paid|up|existing|equity|ordinary)\b[\s.-]*)*shares?\b"
    );
    let keyword = [BONUS, SPLIT, CONSOLIDATION, RIGHTS, DIVIDEND, UNKNOWN_EFFECT, MATTERS].join("|");
    Patterns {
        thousands: pattern(r"\b\d{1,3}(?:,\d{2,3})*,\d{3}\b"),
        keyword: pattern(&keyword),
        bonus: pattern(BONUS),
        bonus_ratio: pattern(&format!(r"{BONUS}[^\d]{{0,40}}?{N}\s*:\s*{N}")),
        ratio_bonus: pattern(&format!(r"{N}\s*:\s*{N}\s*{BONUS}")),
        ratio: pattern(r"\d\s*:\s*\d"),
        given_ratio: pattern(&format!(r"{N}\s*:\s*{N}")),
        not_shares: pattern(
            r"debenture|preference|warrant|\bdvrs?\b|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncof]cds?\b|\bbonds?\b",
        ),
        split: pattern(SPLIT),
        from_to: pattern(&format!(
            r"(?:{RUPEES}\s*-?\s*|\bfro?m\s+){N}[^\d%:]{{0,40}}?\b(?:in)?to\b[^\d%:]{{0,25}}?{N}"
        )),
        into_shares: pattern(&format!(
            r"(?:{shares}[^0-9%:]{{0,60}}?)?(?:{RUPEES}\s*-?\s*{N})?[^0-9%:]{{0,40}}?\b(?:in)?to\b\s*{shares}(?:[^0-9%:]{{0,60}}?{RUPEES}\s*-?\s*{N})?"
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
        unknown_effect: pattern(UNKNOWN_EFFECT),
        called_off: pattern(
            r"cancel|withdrawn|postpone|deferred|called off|revoked|rescinded|\bnot\s+(?:being\s+|been\s+)?(?:declared|approved|recommended|paid)\b",
        ),
        restated: pattern(r"\brevis|\bearlier|\bpreviously|\binstead of|\bin place of|\bas against"),
    }
});

pub(super) fn doubted(kind: Kind, doubt: &'static str) -> Clause {
    Clause { kind, ratio: None, amount: None, doubt: Some(doubt) }
}
