//! The words and numbers that subjects are made of, and what is said of a clause that stays unread.

use std::sync::LazyLock;

use regex::Regex;

use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind};

pub(super) struct Patterns {
    pub(super) thousands: Regex,
    pub(super) odd_votes: Regex,
    pub(super) votes: Regex,
    pub(super) keyword: Regex,
    pub(super) bonus: Regex,
    pub(super) bonus_ratio: Regex,
    pub(super) ratio_bonus: Regex,
    pub(super) other_bonus: Regex,
    pub(super) ratio: Regex,
    pub(super) given_ratio: Regex,
    pub(super) of_days: Regex,
    pub(super) not_shares: Regex,
    pub(super) split: Regex,
    pub(super) other_split: Regex,
    pub(super) from_to: Regex,
    pub(super) and_then_to: Regex,
    pub(super) totals: Regex,
    pub(super) into_shares: Regex,
    pub(super) consolidation: Regex,
    pub(super) reduction: Regex,
    pub(super) rights: Regex,
    pub(super) rights_ratio: Regex,
    pub(super) premium: Regex,
    pub(super) at_par: Regex,
    pub(super) issue_price: Regex,
    pub(super) price_goes_on: Regex,
    pub(super) price: Regex,
    pub(super) odd_rights: Regex,
    pub(super) unknown_effect: Regex,
    pub(super) called_off: Regex,
    pub(super) of_units: Regex,
    pub(super) of_shares: Regex,
    pub(super) times: Regex,
    pub(super) change: Regex,
    pub(super) of_a_share: Regex,
    pub(super) needs_no_telling: Regex,
}

/// A number, once the commas of its thousands are gone.
pub(super) const N: &str = r"(\d+(?:\.\d+)?)";
pub(super) const RUPEES: &str = r"(?:R[se]\.?|INR|₹|rupees?)";
/// As people type it: bouns, bonous, bonas, bous, bon, bns.
pub(super) const BONUS: &str = r"(?:bo[nuoa]{2,4}s|\b(?:bous|bon|bns)\b)";
/// Beside the word and its misspellings, a face value that changes: "Change In Face Value", "Fv Rs 10 To Rs 2".
pub(super) const SPLIT: &str = r"\bsp(?:li|il|l)t+(?:ting)?\b|(?:face value|fv|f\.v\.?)\s*sp[lt]|sub[\s-]*div[a-z]*|(?:change|decrease|alteration)\s+(?:in|of)\s+(?:the\s+)?face\s+value|\b(?:f\.?v\.?|face\s+value)\s*[:-]?\s*(?:from\s+)?(?:R[se]\.?|rupees?)\s*\d+(?:\.\d+)?\s*(?:/-)?\s*(?:per\s+share\s+)?to\s+(?:R[se]|rupees?)\b";
/// Of shares, and not "Consolidated Accounts".
pub(super) const CONSOLIDATION: &str =
    r"cons[oi]l[id]{1,4}a?tion|consolidated?\s+(?:of|from|into)\b|\bf\.?v\.?\s*cons?\b";
pub(super) const RIGHTS: &str = r"\b(?:rights?|righst|rigths?|rigts?|rghts?|rgts?|rhts?|rts)\b";
/// As people type it: dividend, divdend, divided, dividned, divident, dvidend, div, and I.D. of an interim one.
pub(super) const DIVIDEND: &str = r"(?:(?:div[ident]*g?|ividend|d[ei]?vi?d[ea]n[dt])s?\b|\bi\.\s?d\b\.?)";
pub(super) const UNKNOWN_EFFECT: &str = r"de-?merge|\bspin[\s-]*off|sc?heme\s+of|ara+ngement|arrangement|capital\s+reduction|reduction\s+of\s+capital|amalgamation";
pub(super) const CALLED_OFF: &str = "the subject says that it was called off";
/// Other matters that a subject speaks of.
const MATTERS: &str = r"general me|\ba\.?g\.?m\b|\be\.?o?\.?g\.?m\b|distribution";
/// Matters that name amounts of their own.
pub(super) const OTHER_MONEY: &str = r"(?:open|exit)\s+offer|offer\s+for\s+sale|\bofs\b|preferential|\besops?\b|return\s+o[fn]\s+capital|capital\s+re(?:payment|turn)|repayment\s+of|(?:first|second|final)\s+call\b|call\s+money|buy[\s-]*back|interest|redemption|delisting";
const NOT_SHARES: &str = r"debenture|\bdebs?\b|\bpref[a-z]*|\bwarr[a-z]*|differential|\bdvrs?\b|\b(?:nc|cc|oc|r)[rp]*ps\b|\b[ncopf]cds?\b|\bbonds?\b";
/// "Post 1:1", "Entitled To", "Adjusted For The": what follows is another action, that was or will be.
const BESIDE: &str = r"\b(?:post|pre|after|before|prior\s+to|adjust[a-z]*\s+(?:for|to)|entitled\s+(?:to|for)|eligible\s+(?:to|for)|consequent[a-z]*\s+(?:to|up\s?on))\W+(?:(?:the|said|proposed|recent|issue|of|shares?|face|value|stock)\W+)*(?:\d+\s*:\s*\d+\W*)?";

pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?i){text}")).expect("a pattern in the source")
}

pub(super) static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // "5 Equity Shares", "5 (Five) Shares", "Five (5) Fully Paid-Up Equity Shares": a count, and no face value.
    let shares = format!(
        r"(?:[a-z]+\s*\(\s*)?{N}\s*\)?\s*(?:\([^)\d]*\)\s*)?(?:(?:nos?|new|fully|paid|up|existing|equity|ordinary)\b[\s.-]*)*shares?\b"
    );
    let from_to = format!(r"(?:{RUPEES}\s*-?\s*|\bfro?m\s+){N}[^\d%:]{{0,40}}?\b(?:in)?to\b[^\d%:]{{0,25}}?{N}");
    let of_a_share = r"p[er]{1,2}\s+(?:eq(?:uity)?\s+)?sh";
    let keyword = [BONUS, SPLIT, CONSOLIDATION, RIGHTS, DIVIDEND, UNKNOWN_EFFECT, MATTERS, OTHER_MONEY].join("|");
    Patterns {
        thousands: pattern(r"\b\d{1,3}(?:,\d{2,3})*,\d{3}\b"),
        odd_votes: pattern(r"(?:differential|superior)\s+voting\s+rights?"),
        votes: pattern(r"\bvoting\s+rights?"),
        keyword: pattern(&keyword),
        bonus: pattern(BONUS),
        bonus_ratio: pattern(&format!(r"{BONUS}[^\d]{{0,40}}?{N}\s*:\s*{N}")),
        ratio_bonus: pattern(&format!(r"{N}\s*:\s*{N}\s*{BONUS}")),
        other_bonus: pattern(&format!(
            r"{BESIDE}{BONUS}|{BONUS}\b[^/]{{0,40}}?\b(?:already|adjusted|also\s+eligible|rank)"
        )),
        ratio: pattern(r"\d\s*:\s*\d"),
        given_ratio: pattern(&format!(r"{N}\s*:\s*{N}")),
        // "Bonus Book Closure 10:12".
        of_days: pattern(r"closure|\bb\.?c\b|\bdate|\btime|meeting"),
        not_shares: pattern(NOT_SHARES),
        split: pattern(SPLIT),
        other_split: pattern(&format!("{BESIDE}(?:{SPLIT})")),
        from_to: pattern(&from_to),
        // "From Rs 10 To Rs 5 Changed To Rs 2".
        and_then_to: pattern(&format!(r"{from_to}[^\d%:]{{0,40}}?\bto\s+{RUPEES}\s*-?\s*\d")),
        totals: pattern(r"\b(?:crores?|cr|lakhs?|lacs?|millions?|mn|billions?|bn)\b"),
        into_shares: pattern(&format!(
            r"(?:{shares}[^0-9%:]{{0,60}}?)?(?:{RUPEES}\s*-?\s*{N})?[^0-9%:]{{0,40}}?\b(?:in)?to\b\s*{shares}(?:[^0-9%:]{{0,60}}?{RUPEES}\s*-?\s*{N})?"
        )),
        consolidation: pattern(CONSOLIDATION),
        reduction: pattern(r"capital\s+reduction|reduction\s+(?:of|in)\s+(?:the\s+)?(?:capital|face\s+value)"),
        rights: pattern(RIGHTS),
        rights_ratio: pattern(&format!(r"{RIGHTS}[^\d]{{0,40}}?{N}\s*:\s*{N}")),
        premium: pattern(&format!(r"\bpre?m(?:ium)?\b\.?[^\d%/]{{0,6}}?(?:{RUPEES}\s*)?-?\s*{N}")),
        at_par: pattern(r"(?:@|\bat)\s*par\b"),
        issue_price: pattern(&format!(
            r"(?:@|\bat\b|\bprice\b)\s*(?:an?\s+)?(?:issue\s+)?(?:price\s*)?(?:of\s*)?[-:]?\s*{RUPEES}\s*-?\s*{N}"
        )),
        // "Premium 200%", "Rs 20-25", "Rs 20 To 25", "Rs 20 Lakhs".
        price_goes_on: pattern(r"^\s*(?:%|(?:-|to\b)\s*\d|(?:crores?|cr|lakhs?|lacs?)\b)"),
        price: pattern(&format!(r"(?:\bR[se]\.?|\bINR|₹|\brupees?)\s*-?\s*{N}")),
        odd_rights: pattern(&format!("part(?:ly|ially)|{NOT_SHARES}")),
        unknown_effect: pattern(UNKNOWN_EFFECT),
        called_off: pattern(
            r"cancel|withdrawn|postpone|deferred|called off|revoked|rescinded|\bnot\s+(?:being\s+|been\s+)?(?:declared|approved|recommended|paid)\b",
        ),
        of_units: pattern(&format!(
            r"\bper\s+units?\b|\binvits?\b|\breits?\b|\bincome\s+distribution|\bdistri[a-z]*tion\b.*{DIVIDEND}"
        )),
        of_shares: pattern(&format!(r"\b{of_a_share}")),
        times: pattern(r"\d{1,2}\s*:\s*\d{2}\s*(?:a\.?m\b|p\.?m\b|hrs?\b|hours\b|ist\b)|\bat\s+\d{1,2}\s*:\s*\d{2}\b"),
        change: pattern(&format!(r"{RUPEES}\s*{N}\s*(?:/-)?\s*(?:per\s+share\s*)?to\s+{RUPEES}\s*\d")),
        of_a_share: pattern(&format!(r"\bR[se]\.?\s*-?\s*{N}\s*(?:/-)?\s*{of_a_share}")),
        needs_no_telling: pattern(&format!(
            r"{NOT_SHARES}|(?:open|exit)\s+offer|offer\s+(?:price|for\s+sale)|\bofs\b|\besops?\b|buy[\s-]*back|interest|redemption|\biepf\b|unpaid|unclaimed"
        )),
    }
});

pub(super) fn doubted(kind: Kind, doubt: &'static str) -> Clause {
    Clause { kind, ratio: None, amount: None, doubt: Some(doubt) }
}
