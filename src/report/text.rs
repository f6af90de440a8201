//! Numbers as a reader expects them, and names as the report's font can show them.

use any_ascii::any_ascii_char;

use super::fonts::has_glyph;
use crate::market::exact::{Decimal, tidy};

/// The text with what the font has no sign for spelled in Latin letters; a sign that has no spelling is left out. A PDF
/// for screen readers may not hold a character without a glyph.
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
            "" if c.is_whitespace() => printed.push(' '),
            spelled => printed.push_str(spelled),
        }
    }
    printed
}

/// The text with places to break a line within words that no line may have room for.
#[must_use]
pub fn breakable(text: &str) -> String {
    let (mut broken, mut length) = (String::with_capacity(text.len()), 0_usize);
    for c in text.chars() {
        if length >= LONG_WORD && length % BREAK_EVERY == 0 {
            broken.push('\u{200b}');
        }
        length = if c.is_whitespace() { 0 } else { length + 1 };
        broken.push(c);
    }
    broken
}

/// Characters of a word that is left as it is, and how far places to break a longer one are apart.
const LONG_WORD: usize = 30;
const BREAK_EVERY: usize = 10;

/// So many of something, by its name in the singular.
#[must_use]
pub fn counted(count: usize, name: &str) -> String {
    format!("{} {name}{}", number(count as f64, 0), if count == 1 { "" } else { "s" })
}

/// About how wide the text is in a table, in digits.
#[must_use]
pub fn breadth(text: &str) -> f64 {
    let wide = |c: char| match c {
        ',' | '.' | ' ' | NO_BREAK => 0.42,
        '%' => 1.52,
        'm' => 1.35,
        _ => 1.0,
    };
    text.chars().map(wide).sum()
}

/// A space that no line ends at.
const NO_BREAK: char = '\u{a0}';

/// A number where there's room for so many digits: without its decimals, or shortened, where it's longer.
#[must_use]
pub fn number_within(value: f64, decimals: usize, room: f64) -> String {
    let mut spelled = [decimals, 0].into_iter().map(|decimals| number(value, decimals));
    spelled.find(|text| breadth(text) <= room).unwrap_or_else(|| short(value, room))
}

/// The same, with a dash where there's none.
#[must_use]
pub fn maybe_within(value: Option<f64>, decimals: usize, room: f64) -> String {
    value.map_or_else(|| "–".to_owned(), |value| number_within(value, decimals, room))
}

/// Money in that room: with two decimals, or with as many as say anything of less than a hundredth.
#[must_use]
pub fn money_within(value: f64, room: f64) -> String {
    if value.abs() < 0.005 { price_within(value, room) } else { number_within(value, MONEY_PLACES as usize, room) }
}

/// A ratio as a percentage in that room, on one line.
#[must_use]
pub fn percent_within(ratio: f64, decimals: usize, room: f64) -> String {
    let mut spelled = (0..=decimals).rev().map(|decimals| percent(ratio, decimals).replace(' ', "\u{a0}"));
    let sign = format!("{NO_BREAK}%");
    spelled.find(|text| breadth(text) <= room).unwrap_or_else(|| short(ratio * 100.0, room - breadth(&sign)) + &sign)
}

/// The same, with a dash where there's none.
#[must_use]
pub fn maybe_percent_within(ratio: Option<f64>, decimals: usize, room: f64) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| percent_within(ratio, decimals, room))
}

/// A large number as on the charts' axes, with as many of two decimals as there's room for.
fn short(value: f64, room: f64) -> String {
    let (unit, name) = match value.abs() {
        1e15.. => return power(value),
        1e9.. => (1e9, "bn"),
        1e6.. => (1e6, "m"),
        _ => (1e3, "k"),
    };
    let shortened = |decimals: usize| number(value / unit, decimals) + name;
    (0..=2).rev().map(shortened).find(|text| breadth(text) <= room).unwrap_or_else(|| power(value))
}

/// A number by its power of ten.
fn power(value: f64) -> String {
    format!("{value:.2e}").replace('-', "−")
}

/// Year, month and day of an RFC 3339 moment.
#[must_use]
pub fn date_of(moment: &str) -> [i32; 3] {
    let part = |range: std::ops::Range<usize>| moment.get(range).and_then(|n| n.parse::<i32>().ok()).unwrap_or(1);
    [part(0..4), part(5..7), part(8..10)]
}

/// The day of an RFC 3339 moment.
#[must_use]
pub fn day_of(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

/// What each page of a report ends with.
#[must_use]
pub fn footer(id: &str, created_at: &str) -> String {
    format!("Made {} · {id}", day_of(created_at))
}

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

/// The same where there is room for so many digits: a longer one has fewer decimals, or is shortened.
#[must_use]
pub fn price_within(value: f64, room: f64) -> String {
    let whole = price(value);
    let decimals = whole.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let says = |text: &String| value == 0.0 || text.contains(|c: char| matches!(c, '1'..='9'));
    let mut spelled = (MONEY_PLACES as usize..=decimals).rev().map(|decimals| number(value, decimals));
    let fitting = spelled.find(|text| breadth(text) <= room && says(text));
    fitting.unwrap_or_else(|| if value.abs() < 1.0 { power(value) } else { number_within(value, 0, room) })
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
            ("नमस्ते 日本", "nmste RiBen"),
            ("x\u{f0000}", "x"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
        let emoji = printable("🚀 up");
        assert!(emoji.is_ascii() && emoji.ends_with(" up") && emoji.len() > 3, "{emoji}");
        assert!([NO_BREAK, '\u{200b}', '\u{2007}', '…'].into_iter().all(has_glyph));
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
            (price_within(1.144_399_36, 9.0), price_within(3.26, 9.0), price_within(441_234.5, 9.0)),
            ("1.1443994".into(), "3.26".into(), "441,234.50".into())
        );
        assert_eq!((percent(-0.4102, 1), percent(-0.00001, 1)), ("−41.0 %".to_owned(), "0.0 %".to_owned()));
        assert_eq!((maybe_percent(None, 1), maybe_within(None, 1, 9.0)), ("–".to_owned(), "–".to_owned()));
        assert_eq!((counted(1, "bar"), counted(1_250, "bar")), ("1 bar".to_owned(), "1,250 bars".to_owned()));
    }

    #[test]
    fn large_figures_keep_within_their_column() {
        let money = |value| money_within(value, 12.7);
        for (value, expected) in [
            (10_000.0, "10,000.00"),
            (-99_999_999.99, "−99,999,999.99"),
            (1_234_567_890.12, "1,234,567,890"),
            (922_670_045_371.38, "922.67bn"),
            (1_199_104_006_206.75, "1,199.10bn"),
            (1e15, "1.00e15"),
            (1.2e-6, "0.0000012"),
            (-1.2e-9, "−1.20e−9"),
            (0.0, "0.00"),
        ] {
            assert_eq!(money(value), expected);
        }
        assert_eq!(
            (number_within(1_234_567.0, 2, 8.9), number_within(-2.5e7, 2, 8.9)),
            ("1,234,567".into(), "−25.00m".into())
        );
        let ratio = |ratio| percent_within(ratio, 2, 8.0);
        assert_eq!((ratio(1.3281), ratio(-1.3281)), ("132.81\u{a0}%".into(), "−132.8\u{a0}%".into()));
        assert_eq!((ratio(123_456.0), ratio(1e9)), ("12.35m\u{a0}%".into(), "100bn\u{a0}%".into()));
        assert_eq!((price_within(1.5e9, 8.1), price_within(1e-7, 8.1)), ("1.50bn".into(), "1.00e−7".into()));
        for value in (-12..18).map(|power| 9.876_543_21 * 10.0_f64.powi(power)).flat_map(|value| [value, -value]) {
            for text in [number_within(value, 2, 8.9), price_within(value, 8.1), percent_within(value, 2, 8.7)] {
                assert!(breadth(&text) <= 9.5, "{value}: {text}");
            }
        }
    }

    #[test]
    fn words_longer_than_a_line_can_be_broken() {
        let name = "Société Générale (GLE.PAR), 2001-01-02 to 2012-12-31";
        assert_eq!(breakable(name), name);
        let parts: Vec<usize> = breakable(&"W".repeat(60)).split('\u{200b}').map(str::len).collect();
        assert_eq!(parts, [30, 10, 10, 10]);
    }
}
