//! Numbers as a reader expects them, and names as the report's font can show them.

use any_ascii::any_ascii_char;

use super::fonts::has_glyph;
use crate::market::exact::{Decimal, tidy};

/// The text with what the font has no sign for spelled in Latin letters; a sign that has no spelling is a box. A PDF for
/// screen readers may not hold a character without a glyph.
#[must_use]
pub fn printable(text: &str) -> String {
    if text.is_ascii() {
        return text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    }
    let mut printed = String::with_capacity(text.len());
    for c in text.chars().filter(|c| *c == '\n' || !c.is_control()) {
        if c.is_ascii() || has_glyph(c) {
            printed.push(c);
            continue;
        }
        match any_ascii_char(c) {
            // Joiners, marks of direction and selectors of variants are no signs of their own.
            "" if c.is_whitespace() => printed.push(' '),
            "" if matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}') =>
                {}
            "" => printed.push(MISSING),
            spelled => printed.push_str(spelled),
        }
    }
    printed
}

/// Stands for a sign that can't be shown.
const MISSING: char = '□';

/// A ratio as a percentage with a real minus sign.
#[must_use]
pub fn percent(ratio: f64, decimals: usize) -> String {
    let sign = if ratio < 0.0 { "-" } else { "" };
    signed(format!("{sign}{}", rounded(ratio.abs() * 100.0, decimals))) + " %"
}

/// The same, with a dash where there's none.
#[must_use]
pub fn maybe_percent(ratio: Option<f64>, decimals: usize) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| percent(ratio, decimals))
}

/// A number, with a dash where there's none.
#[must_use]
pub fn maybe_number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| number(value, decimals))
}

/// A number with its thousands parted.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    let text = rounded(value.abs(), decimals);
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut grouped = String::with_capacity(text.len() + 4);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    let zero = grouped.chars().all(|c| !c.is_ascii_digit() || c == '0');
    if value < 0.0 && !zero { format!("−{grouped}") } else { grouped }
}

/// A price with all of its decimals, two at least; of one that is no short decimal, as many as its size asks for.
#[must_use]
pub fn price(value: f64) -> String {
    let of_size = || if value.abs() < 1.0 { (3.0 - value.abs().log10().floor()) as u32 } else { MONEY_PLACES };
    let places = Decimal::fifteen(value).map(Decimal::places).filter(|places| *places <= MOST_PLACES);
    number(value, places.unwrap_or_else(of_size).clamp(MONEY_PLACES, MOST_PLACES) as usize)
}

/// The same where there is room for so many characters: a longer one has fewer decimals, two at least.
#[must_use]
pub fn price_within(value: f64, room: usize) -> String {
    let whole = price(value);
    let decimals = whole.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match whole.chars().count().checked_sub(room) {
        None | Some(0) => whole,
        Some(excess) => number(value, decimals.saturating_sub(excess).max(MONEY_PLACES as usize)),
    }
}

const MONEY_PLACES: u32 = 2;
const MOST_PLACES: u32 = 8;

/// A size at so many decimals, halves upwards as on paper: 2.675 is 2.68, whatever the double below it.
fn rounded(size: f64, decimals: usize) -> String {
    let exact = || {
        let decimal = Decimal::fifteen(tidy(size))?;
        let places = u32::try_from(decimals).ok()?;
        let digits = match decimal.places().checked_sub(places) {
            None | Some(0) => decimal.at(places)?,
            Some(more) => {
                let unit = 10_i128.checked_pow(more)?;
                (decimal.at(decimal.places())? + unit / 2) / unit
            }
        };
        let text = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = text.split_at_checked(text.len() - decimals)?;
        Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
    };
    exact().unwrap_or_else(|| format!("{size:.decimals$}"))
}

fn signed(text: String) -> String {
    let zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    match text.strip_prefix('-') {
        Some(rest) if zero => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_can_be_printed() {
        for (text, expected) in [
            ("Plain Ltd – 5 €", "Plain Ltd – 5 €"),
            ("Société Générale Ελλάδα Москва", "Société Générale Ελλάδα Москва"),
            ("腾讯", "TengXun"),
            ("भारत", "bhart"),
            ("شركة", "shrkh"),
            ("A\u{0}\u{7}B", "AB"),
            ("x\u{f0000}", "x□"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
        let emoji = printable("🚀 up");
        assert!(emoji.is_ascii() && emoji.ends_with(" up") && emoji.len() > 3, "{emoji}");
        assert!(has_glyph(MISSING));
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(1_234_567.891, 2), "1,234,567.89");
        assert_eq!((number(-999.0, 0), number(-0.001, 2), number(0.0, 0)), ("−999".into(), "0.00".into(), "0".into()));
        assert_eq!((number(2.675, 2), number(1.005, 2), number(0.5, 0)), ("2.68".into(), "1.01".into(), "1".into()));
        assert_eq!(
            (number(-2.5, 0), number(0.0049, 2), number(1e22, 1)),
            ("−3".into(), "0.00".into(), "10,000,000,000,000,000,000,000.0".into())
        );
        assert_eq!((percent(0.285, 0), percent(-0.001_25, 2)), ("29 %".to_owned(), "−0.13 %".to_owned()));
        assert_eq!(
            (price(0.0001), price(19.9199), price(1_234.5)),
            ("0.0001".into(), "19.9199".into(), "1,234.50".into())
        );
        assert_eq!(
            (price(100.0 / 3.0), price(0.1 / 3.0), price(-0.0)),
            ("33.33".into(), "0.03333".into(), "0.00".into())
        );
        assert_eq!(
            (price_within(1.144_399_36, 9), price_within(3.26, 9), price_within(441_234.5, 9)),
            ("1.1443994".into(), "3.26".into(), "441,234.50".into())
        );
        assert_eq!((percent(-0.4102, 1), percent(-0.00001, 1)), ("−41.0 %".to_owned(), "0.0 %".to_owned()));
        assert_eq!((maybe_percent(None, 1), maybe_number(None, 1)), ("–".to_owned(), "–".to_owned()));
    }
}
