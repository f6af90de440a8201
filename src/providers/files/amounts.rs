//! Numbers as people's programs write them: thousands, decimal commas, currencies, `51.86M`.

use std::borrow::Cow;

/// What parts the whole from the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    #[default]
    Point,
    Comma,
}

/// What stands before or behind an amount, the longer ones first.
const CURRENCIES: [&str; 27] = [
    "US$", "CA$", "AU$", "HK$", "NZ$", "C$", "A$", "S$", "R$", "$", "€", "£", "₹", "¥", "₩", "USD", "EUR", "GBP",
    "INR", "CHF", "SEK", "NOK", "DKK", "Rs.", "Rs", "kr.", "kr",
];
/// What volumes are counted in, with the zeros that it stands for.
const UNITS: [(&str, i32); 14] = [
    ("k", 3),
    ("m", 6),
    ("mn", 6),
    ("mln", 6),
    ("mio", 6),
    ("million", 6),
    ("b", 9),
    ("bn", 9),
    ("lakh", 5),
    ("lakhs", 5),
    ("lac", 5),
    ("cr", 7),
    ("crore", 7),
    ("crores", 7),
];
/// Characters of a number before its exponent: with fewer, a spreadsheet has rounded it to be shown.
const SHORTEST_MANTISSA: usize = 6;

/// Whether a cell says that there's no value.
pub(super) fn is_nothing(cell: &str) -> bool {
    let cell = cell.trim();
    let words = ["n/a", "na", "#n/a", "null", "none", "nan", "nil"];
    cell.chars().all(|c| matches!(c, '-' | '–' | '—')) || words.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

fn strip_start<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then_some(rest)
}

fn strip_end<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(name.len())?)?;
    tail.eq_ignore_ascii_case(name).then_some(rest)
}

/// A number without the currency at its ends; in the middle it would part one number from another.
fn without_currency(text: &str) -> &str {
    // An apostrophe before a number is a spreadsheet's mark of text.
    let text = text.trim();
    let text = text.strip_prefix('\'').unwrap_or(text);
    let text = CURRENCIES.iter().find_map(|name| strip_start(text, name)).unwrap_or(text);
    let text = text.strip_suffix("/-").unwrap_or(text).trim();
    CURRENCIES.iter().find_map(|name| strip_end(text, name)).unwrap_or(text).trim()
}

/// A cell's sign, and its number without a currency.
pub(super) fn bare(cell: &str) -> (&'static str, &str) {
    let text = without_currency(cell);
    match text.strip_prefix('-') {
        Some(rest) => ("-", without_currency(rest)),
        None => ("", text.strip_prefix('+').map_or(text, without_currency)),
    }
}

/// Blanks and apostrophes, which part thousands and nothing else.
fn is_gap(c: char) -> bool {
    matches!(c, '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}')
}

/// A number without blanks and apostrophes between its thousands; `None` where they stand elsewhere.
pub(super) fn closed(text: &str) -> Option<Cow<'_, str>> {
    let Some(gap) = text.chars().find(|c| is_gap(*c)) else { return Some(Cow::Borrowed(text)) };
    let (whole, rest) = text.split_at(text.find(['.', ',']).unwrap_or(text.len()));
    (grouped(whole, gap) && !rest.contains(is_gap)).then(|| Cow::Owned(whole.replace(gap, "") + rest))
}

/// A volume's number, and the zeros of what it's counted in.
pub(super) fn split_unit(text: &str) -> (&str, i32) {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(number.len()..).unwrap_or_default();
    let known = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name));
    known.map_or((text, 0), |&(_, zeros)| (number.trim_end(), zeros))
}

/// What stands before an exponent as programs write it, `1.050000E+01`, and by how many digits that moves the point.
fn split_exponent(text: &str) -> Option<(&str, i32)> {
    let (mantissa, power) = text.split_once(['e', 'E'])?;
    let digits = power.strip_prefix(['+', '-'])?;
    let is_written_so = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
    let by = power.parse::<i32>().ok().filter(|_| is_written_so && mantissa.len() >= SHORTEST_MANTISSA)?;
    Some((mantissa, by))
}

/// Digits in groups of three, or in India's way: three at the end, two before.
pub(super) fn grouped(text: &str, mark: char) -> bool {
    let groups: Vec<&str> = text.split(mark).collect();
    let Some((first, rest)) = groups.split_first() else { return false };
    let Some((last, between)) = rest.split_last() else { return false };
    let size = between.first().map_or(3, |group| group.len());
    (1..=size).contains(&first.len())
        && last.len() == 3
        && (size == 2 || size == 3)
        && between.iter().all(|group| group.len() == size)
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit()))
}

/// A cell as a plain decimal; the cell itself where it's no number.
pub(super) fn plain(cell: &str, style: Style, is_volume: bool) -> Cow<'_, str> {
    let cell = cell.trim();
    if cell.bytes().all(|b| b.is_ascii_digit() || (b == b'.' && style == Style::Point)) {
        return Cow::Borrowed(cell);
    }
    normal(cell, style, is_volume).map_or(Cow::Borrowed(cell), Cow::Owned)
}

fn normal(cell: &str, style: Style, is_volume: bool) -> Option<String> {
    let (sign, text) = bare(cell);
    let (text, zeros) = if is_volume { split_unit(text) } else { (text, 0) };
    let (text, by) = split_exponent(text).filter(|_| zeros == 0).unwrap_or((text, zeros));
    let text = closed(text)?;
    let text: &str = &text;
    let (point, group) = if style == Style::Point { ('.', ',') } else { (',', '.') };
    let (whole, fraction) = text.split_once(point).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if !(digits(whole) || grouped(whole, group)) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = if whole.is_empty() { "0" } else { &whole };
    if by != 0 {
        return Some(format!("{sign}{}", moved(whole, fraction, by)));
    }
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// A number with its point moved to the right by so many digits, or to the left.
fn moved(whole: &str, fraction: &str, by: i32) -> String {
    let at = whole.len() as i32 + by;
    let zeros = if at < 1 { 1 + at.unsigned_abs() as usize } else { 0 };
    let at = at.max(1) as usize;
    let digits = format!("{}{whole}{fraction}", "0".repeat(zeros));
    let digits = format!("{digits:0<at$}");
    let (whole, fraction) = digits.split_at(at);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_plain() {
        for (cell, style, expected) in [
            ("$191.38", Style::Point, "191.38"),
            ("1,612.34", Style::Point, "1612.34"),
            ("4,34,81,697", Style::Point, "43481697"),
            ("1.234,56", Style::Comma, "1234.56"),
            ("1 234,5", Style::Comma, "1234.5"),
            ("1'234.5", Style::Point, "1234.5"),
            ("₹ 1,00,000.50", Style::Point, "100000.50"),
            ("12,34.5", Style::Point, "12,34.5"),
            ("abc", Style::Point, "abc"),
            ("1e5", Style::Point, "1e5"),
            ("-1.5", Style::Point, "-1.5"),
        ] {
            assert_eq!(plain(cell, style, false), expected, "{cell}");
        }
        for (cell, style, expected) in [
            ("51.86M", Style::Point, "51860000"),
            ("51,86M", Style::Comma, "51860000"),
            ("1K", Style::Point, "1000"),
            ("1.2B", Style::Point, "1200000000"),
            ("1.2345K", Style::Point, "1234.5"),
            ("1.2Cr", Style::Point, "12000000"),
            ("12.5 Lakh", Style::Point, "1250000"),
            ("1.2mn", Style::Point, "1200000"),
            ("12 3", Style::Point, "12 3"),
            ("1 234", Style::Point, "1234"),
            ("12 Dozen", Style::Point, "12 Dozen"),
        ] {
            assert_eq!(plain(cell, style, true), expected, "{cell}");
        }
    }

    #[test]
    fn currencies_stand_at_the_ends_and_blanks_between_thousands() {
        for cell in
            ["12€50", "10$50", "12£5", "10.50 1", "10 5", "5'11", "1 23", "1.5 000", "1 2345", "1 234'567", "Rs"]
        {
            assert_eq!(plain(cell, Style::Point, false), cell);
        }
        for (cell, expected) in [
            ("C$10.50", "10.50"),
            ("CHF 1'234.50", "1234.50"),
            ("10.50 kr", "10.50"),
            ("₩71,200", "71200"),
            ("Rs. 10.50/-", "10.50"),
            ("10.50 USD", "10.50"),
            ("$ 10.50 USD", "10.50"),
            ("-$5", "-5"),
            ("$-5", "-5"),
            ("1\u{a0}234\u{a0}567.5", "1234567.5"),
            ("1\u{202f}234", "1234"),
            ("12 34 567", "1234567"),
        ] {
            assert_eq!(plain(cell, Style::Point, false), expected, "{cell}");
        }
    }

    #[test]
    fn an_exponent_moves_the_point_unless_the_number_was_rounded_for_it() {
        for (cell, expected) in [
            ("1.050000E+01", "10.5"),
            ("1.051999999999999957e+01", "10.51999999999999957"),
            ("9.500000e-01", "0.95"),
            ("9.500000e-03", "0.0095"),
            ("1.234567E+06", "1234567"),
            ("1.05E+01", "1.05E+01"),
            ("1.050000E1", "1.050000E1"),
        ] {
            assert_eq!(plain(cell, Style::Point, false), expected, "{cell}");
        }
    }
}
