//! What companies do to their shares, as the NSE words it: kind, ratio, amount; and whether the day's prices agree.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum CorporateActionKind {
    /// Money for every share.
    #[sea_orm(string_value = "DIVIDEND")]
    Dividend,
    /// A smaller face value, and as many more shares.
    #[sea_orm(string_value = "SPLIT")]
    Split,
    /// New shares for nothing.
    #[sea_orm(string_value = "BONUS")]
    Bonus,
    /// New shares for money, offered to those who hold some.
    #[sea_orm(string_value = "RIGHTS")]
    Rights,
    /// A greater face value, and as many fewer shares.
    #[sea_orm(string_value = "CONSOLIDATION")]
    Consolidation,
    /// Anything else: demergers, schemes, buy-backs, meetings.
    #[sea_orm(string_value = "OTHER")]
    Other,
}

/// One clause of a subject. A subject may hold several: "Bonus 1:1/Face Value Split …".
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    pub kind: CorporateActionKind,
    /// New shares for an old one: a bonus of 1:1 is 2, a split of 10 to 2 is 5.
    pub ratio: Option<f64>,
    /// In rupees a share: of a dividend the sum of those named, of rights the issue price.
    pub amount: Option<Decimal>,
    /// Why the prices can't be adjusted for it, where they should be.
    pub doubt: Option<&'static str>,
}

struct Patterns {
    bonus: Regex,
    not_shares: Regex,
    split: Regex,
    from_to: Regex,
    consolidation: Regex,
    reduction: Regex,
    rights: Regex,
    rights_ratio: Regex,
    premium: Regex,
    odd_rights: Regex,
    dividend: Regex,
    amount: Regex,
    unknown_effect: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(&format!("(?i){text}")).expect("a pattern in the source");
    Patterns {
        bonus: pattern(r"bonus.{0,10}?(\d+)\s*:\s*(\d+)"),
        not_shares: pattern(r"debenture|ncrps|preference|\bdvr\b|\bncd"),
        split: pattern(r"(?:face value|fv)\s*spl|\bsplit\b|\bsplt\b|sub-?division"),
        from_to: pattern(r"R[se]\.?\s*(\d+(?:\.\d+)?)\s*(?:/-)?\s*(?:per share)?\s*to\s*R[se]\.?\s*(\d+(?:\.\d+)?)"),
        consolidation: pattern(r"consolidation"),
        reduction: pattern(r"capital\s+reduction"),
        rights: pattern(r"\bright(?:s)?\b"),
        rights_ratio: pattern(r"\bright(?:s)?\b.{0,20}?(\d+)\s*:\s*(\d+)"),
        premium: pattern(r"pr(?:e)?m(?:ium)?\.?\s*(?:of\s*)?-?\s*R[se]\.?\s*(\d+(?:\.\d+)?)"),
        odd_rights: pattern(r"partly|warrant|debenture|\bfcd|\bccd|\bncd|preference|\bdvr\b"),
        dividend: pattern(r"div(?:idend)?\b|distribution"),
        // The "re 9" in "Share 9purpose Revised" is no amount.
        amount: pattern(r"\bR[se]\.?\s*-?\s*(\d[\d,]*(?:\.\d+)?|\.\d+)"),
        unknown_effect: pattern(r"demerger|sc?heme\s+of|ara+ngement|arrangement|capital\s+reduction|amalgamation"),
    }
});

/// The clauses of a subject. `face_value` is the one after the action, as the exchange states it.
#[must_use]
pub fn read_subject(subject: &str, face_value: Option<Decimal>) -> Vec<Clause> {
    let p = &*PATTERNS;
    let mut clauses = Vec::new();
    let plain = |kind| Clause { kind, ratio: None, amount: None, doubt: None };
    clauses.extend(bonus(p, subject));
    clauses.extend(face_value_change(p, subject));
    if p.rights.is_match(subject) && !subject.to_lowercase().contains("entitlement of bonus") {
        clauses.push(rights(p, subject, face_value));
    }
    if p.dividend.is_match(subject) {
        let amounts = dividend_amounts(p, subject);
        clauses.push(Clause { amount: amounts, ..plain(CorporateActionKind::Dividend) });
    }
    let has_ratio = clauses.iter().any(|c| c.ratio.is_some());
    if p.unknown_effect.is_match(subject) && !has_ratio {
        let doubt = Some("the subject gives no ratio, and the price may change by it");
        clauses.push(Clause { doubt, ..plain(CorporateActionKind::Other) });
    }
    if clauses.is_empty() {
        clauses.push(plain(CorporateActionKind::Other));
    }
    clauses
}

fn bonus(p: &Patterns, subject: &str) -> Option<Clause> {
    let lower = subject.to_lowercase();
    // Bonus debentures and preference shares change no number of shares.
    if !lower.contains("bonus") || lower.contains("entitlement of bonus") || p.not_shares.is_match(subject) {
        return None;
    }
    // In "Bonus/Rights 1:5" the ratio is the rights'.
    let found = p.bonus.captures(subject).filter(|found| !p.rights.is_match(&found[0]));
    let ratio = found.and_then(|found| Some((whole(&found[1])?, whole(&found[2])?)));
    let ratio = ratio.map(|(new, held)| (new + held) / held);
    let doubt = ratio.is_none().then_some("the subject gives no ratio of the bonus");
    Some(Clause { kind: CorporateActionKind::Bonus, ratio, amount: None, doubt })
}

fn face_value_change(p: &Patterns, subject: &str) -> Option<Clause> {
    let split = p.split.find(subject).map(|m| m.start());
    let consolidation = p.consolidation.find(subject).map(|m| m.start());
    let start = match (split, consolidation) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b)?,
    };
    let kind = if consolidation.is_some() && split.is_none() {
        CorporateActionKind::Consolidation
    } else {
        CorporateActionKind::Split
    };
    if p.reduction.is_match(subject) {
        let doubt = Some("a reduction of capital beside it leaves no one ratio");
        return Some(Clause { kind: CorporateActionKind::Consolidation, ratio: None, amount: None, doubt });
    }
    let found = p.from_to.captures(subject.get(start..)?);
    let values = found.and_then(|found| {
        let (old, new) = (found[1].parse::<f64>().ok()?, found[2].parse::<f64>().ok()?);
        (old > 0.0 && new > 0.0 && old != new).then_some(old / new)
    });
    let Some(ratio) = values else {
        let doubt = Some("the subject gives no face values to take a ratio of");
        return Some(Clause { kind, ratio: None, amount: None, doubt });
    };
    let kind = if ratio < 1.0 { CorporateActionKind::Consolidation } else { CorporateActionKind::Split };
    Some(Clause { kind, ratio: Some(ratio), amount: None, doubt: None })
}

fn rights(p: &Patterns, subject: &str, face_value: Option<Decimal>) -> Clause {
    let kind = CorporateActionKind::Rights;
    let odd = |doubt| Clause { kind, ratio: None, amount: None, doubt: Some(doubt) };
    if p.odd_rights.is_match(subject) {
        return odd("rights to something else than whole shares, or partly paid");
    }
    let ratio = p.rights_ratio.captures(subject).and_then(|found| Some((whole(&found[1])?, whole(&found[2])?)));
    let Some((new, held)) = ratio else { return odd("the subject gives no ratio") };
    let premium = p.premium.captures(subject).and_then(|found| found[1].parse::<Decimal>().ok());
    let amount = premium.zip(face_value).and_then(|(premium, face)| premium.checked_add(face));
    let doubt = amount.is_none().then_some("the subject gives no issue price");
    Clause { kind, ratio: Some((new + held) / held), amount, doubt }
}

/// The sum of the dividends that a subject names; `None` where it names none.
fn dividend_amounts(p: &Patterns, subject: &str) -> Option<Decimal> {
    // Face values of a split in the same subject are no dividend.
    let without = p.from_to.replace_all(subject, "");
    let without = p.premium.replace_all(&without, "");
    let mut sum: Option<Decimal> = None;
    for found in p.amount.captures_iter(&without) {
        let amount: Decimal = found[1].replace(',', "").parse().ok()?;
        sum = Some(sum.unwrap_or_default().checked_add(amount)?);
    }
    sum
}

/// A count in a ratio: at least one, and no more than any real one.
fn whole(text: &str) -> Option<f64> {
    text.parse::<u32>().ok().filter(|n| (1..=100_000).contains(n)).map(f64::from)
}

/// What the price is multiplied by on the ex-date for a clause, given the close before; `None` where it isn't known.
#[must_use]
pub fn price_factor(clause: &Clause, previous_close: f64) -> Option<f64> {
    let ratio = clause.ratio.filter(|_| clause.doubt.is_none())?;
    match clause.kind {
        CorporateActionKind::Rights => {
            use rust_decimal::prelude::ToPrimitive;
            let price = clause.amount?.to_f64()?;
            // Rights at or above the market's price aren't taken up.
            (price < previous_close).then(|| (previous_close + (ratio - 1.0) * price) / (ratio * previous_close))
        }
        CorporateActionKind::Bonus | CorporateActionKind::Split | CorporateActionKind::Consolidation => {
            Some(1.0 / ratio)
        }
        CorporateActionKind::Dividend | CorporateActionKind::Other => None,
    }
}

/// A price moves this far overnight at most, as a log ratio; circuit limits are 20 %.
const FARTHEST_MOVE: f64 = 0.30;

/// Whether a day's open agrees with a factor: nearer to it than to no change, and no farther than prices move.
#[must_use]
pub fn prices_agree(factor: f64, open: f64, previous_close: f64) -> bool {
    let moved = (open / previous_close).ln();
    let (to_factor, to_none) = ((moved - factor.ln()).abs(), moved.abs());
    to_factor.is_finite() && to_factor <= to_none && to_factor <= FARTHEST_MOVE
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn shown(subject: &str) -> String {
        let clause = |c: Clause| {
            let ratio = c.ratio.map_or(String::new(), |r| format!(" ratio {r}"));
            let amount = c.amount.map_or(String::new(), |a| format!(" amount {a}"));
            format!("{:?}{ratio}{amount}{}", c.kind, c.doubt.map_or("", |_| " (doubt)"))
        };
        let clauses = read_subject(subject, Some(Decimal::new(10, 0)));
        clauses.into_iter().map(clause).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn wordings_are_read_and_traps_are_not_fallen_into() {
        let subjects = [
            " Bonus 1:1",
            "Bonus- 3: 2",
            "Bonus 1:2/Dividend- Rs 3 Per Share",
            "Scheme Of Arangement- Bonus - 1 Debenture For 1 Equity Share Held",
            "Bonus Ncrps 4:1",
            "Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share",
            "Face Value Split (Sub-Division) - From Rs10/- Per Share To Rs 2/- Per Share",
            "Fv Splt Frm Rs 10 To Rs 5",
            "Bonus 1:1/Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share",
            "Agm/Spl Div- Rs.5/-",
            "Splecial Dividend - Rs 2 Per Share",
            "Consolidation Of Equity Shares From Re 1 Per Share To Rs 10 Per Share",
            "Capital Reduction Rs 10 To Rs 1 / Consolidation Rs 1 To Rs.10",
            "Rights 1:5 @ Premium Rs 90/-",
            "Right Issue 2:7",
            "Rights 1:4 @ Premium Rs 5/- Partly Paid",
            "Interim Dividend - Rs 3 Per Share/ Special Dividend - Rs 2.50 Per Share",
            "Demerger",
            "Buy Back",
            "Annual General Meeting",
        ];
        let lines: Vec<String> = subjects.iter().map(|s| format!("{s} | {}", shown(s))).collect();
        assert_snapshot!(lines.join("\n"), @r"
         Bonus 1:1 | Bonus ratio 2
        Bonus- 3: 2 | Bonus ratio 2.5
        Bonus 1:2/Dividend- Rs 3 Per Share | Bonus ratio 1.5; Dividend amount 3
        Scheme Of Arangement- Bonus - 1 Debenture For 1 Equity Share Held | Other (doubt)
        Bonus Ncrps 4:1 | Other
        Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share | Split ratio 10
        Face Value Split (Sub-Division) - From Rs10/- Per Share To Rs 2/- Per Share | Split ratio 5
        Fv Splt Frm Rs 10 To Rs 5 | Split ratio 2
        Bonus 1:1/Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share | Bonus ratio 2; Split ratio 5
        Agm/Spl Div- Rs.5/- | Dividend amount 5
        Splecial Dividend - Rs 2 Per Share | Dividend amount 2
        Consolidation Of Equity Shares From Re 1 Per Share To Rs 10 Per Share | Consolidation ratio 0.1
        Capital Reduction Rs 10 To Rs 1 / Consolidation Rs 1 To Rs.10 | Consolidation (doubt); Other (doubt)
        Rights 1:5 @ Premium Rs 90/- | Rights ratio 1.2 amount 100
        Right Issue 2:7 | Rights ratio 1.2857142857142858 (doubt)
        Rights 1:4 @ Premium Rs 5/- Partly Paid | Rights (doubt)
        Interim Dividend - Rs 3 Per Share/ Special Dividend - Rs 2.50 Per Share | Dividend amount 5.50
        Demerger | Other (doubt)
        Buy Back | Other
        Annual General Meeting | Other
        ");
    }

    #[test]
    fn a_bonus_without_a_ratio_is_doubted_and_figures_are_not_mistaken() {
        assert_eq!(shown("Bonus Issue"), "Bonus (doubt)");
        assert_eq!(shown("Bonus 1 For 2"), "Bonus (doubt)");
        assert_eq!(shown("Bonus/Rights 1:5 @ Premium Rs 90/-"), "Bonus (doubt); Rights ratio 1.2 amount 100");
        assert_eq!(shown("Dividend For Years 2019 - Rs 1,250.50 Per Share"), "Dividend amount 1250.50");
        assert_eq!(shown("Interim Dividend Rs 6/- Per Share 9purpose Revised)"), "Dividend amount 6");
    }

    #[test]
    fn a_factor_is_believed_only_where_the_open_is_nearer_to_it_than_to_no_change() {
        assert!(prices_agree(0.25, 86.0, 329.05), "a bonus of 3:1");
        assert!(!prices_agree(0.5, 99.0, 100.0), "it never happened");
        assert!(!prices_agree(0.5, 10.0, 100.0), "another ratio did");
        assert!(prices_agree(0.909, 90.0, 100.0));
    }
}
