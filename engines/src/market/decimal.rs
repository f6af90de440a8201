//! Numbers in texts, read in one way: a sign, digits, a point; no exponent, no grouping, no "nan". What is stated to the
//! last digit (an issue price, an amount) is a [`Decimal`]; the prices of bars are the nearest double.

use rust_decimal::Decimal;

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A decimal of at most 28 digits, to the last of them.
#[must_use]
pub fn exact(text: &str) -> Option<Decimal> {
    let (whole, fraction) = unsigned(text).split_once('.').unwrap_or((unsigned(text), "0"));
    (is_digits(whole) && is_digits(fraction)).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

/// Whether a text is for certain what the decimal in it is written as: no sign, no more zeros than are needed in front, 28
/// characters at most.
#[must_use]
pub fn is_canonical(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole) && is_digits(fraction) && (whole == "0" || !whole.starts_with('0')) && text.len() <= 28
}

/// The nearest double; a point may stand first or last.
#[must_use]
pub fn double(text: &str) -> Option<f64> {
    let plain = unsigned(text).bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())
}

/// A decimal that isn't negative in millionths, if it has no finer part and fits.
#[must_use]
pub fn millionths(text: &str) -> Option<i64> {
    let number = exact(text.strip_suffix('.').unwrap_or(text)).filter(|_| !text.starts_with(['-', '+']))?.normalize();
    let finer = 6_u32.checked_sub(number.scale())?;
    i64::try_from(number.mantissa() * 10_i128.pow(finer)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_counted_in_millionths() {
        assert_eq!(millionths("71.50"), Some(71_500_000));
        assert_eq!(millionths("186"), Some(186_000_000));
        assert_eq!(millionths("71."), Some(71_000_000));
        assert_eq!(millionths("0.000001"), Some(1));
        for wrong in ["", ".5", "1.0000001", "-1", "+1", "1e3", "1,000", "92233720368547.8", "9999999999999999999"] {
            assert_eq!(millionths(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_plain_digits_are_numbers() {
        for (text, number) in [("1.5", Some(1.5)), ("-2", Some(-2.0)), ("+.5", Some(0.5)), ("7.", Some(7.0))] {
            assert_eq!(double(text), number, "{text}");
        }
        for wrong in ["", ".", "-", "nan", "inf", "1e3", "1,000", "1.2.3", "0x10", &"9".repeat(400)] {
            assert_eq!(double(wrong), None, "{wrong}");
        }
        assert_eq!(exact("-71.50").map(|d| d.to_string()).as_deref(), Some("-71.50"));
        for wrong in ["", "1.", ".5", "1e3", "12345678901234567890123456789.1"] {
            assert_eq!(exact(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_text_is_how_its_decimal_is_written(text in "[-+]?0{0,2}[0-9]{0,16}(\\.[0-9]{0,16})?") {
            let written = exact(&text).map(|number| number.to_string());
            if is_canonical(&text) {
                prop_assert_eq!(written, Some(text));
            } else if written.as_ref() == Some(&text) {
                prop_assert!(text.starts_with('-') || text.len() > 28, "{} is written so", text);
            }
        }

        #[test]
        fn a_count_of_millionths_comes_back(units in 0..i64::MAX) {
            let text = format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
            prop_assert_eq!(millionths(&text), Some(units));
        }
    }
}
