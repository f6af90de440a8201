//! The texts that sources write prices and numbers of an issue in.

/// The numbers in a text, as they are written but for grouping commas: the dot of `Rs.99` is no decimal point. `Err` where
/// one is below zero, or its comma may be a decimal point.
pub(super) fn numbers(text: &str) -> Result<Vec<String>, ()> {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
    let mut found: Vec<String> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        if !is_digit(i) {
            i += 1;
            continue;
        }
        if is_negative(&chars[..i]) {
            return Err(());
        }
        let start = i;
        let mut has_point = false;
        while i < chars.len() {
            match chars[i] {
                c if c.is_ascii_digit() => {}
                ',' if is_digit(i + 1) && !has_point => {}
                '.' if is_digit(i + 1) && !has_point => has_point = true,
                _ => break,
            }
            i += 1;
        }
        let written: String = chars[start..i].iter().collect();
        found.push(ungrouped(&written).ok_or(())?);
    }
    Ok(found)
}

/// Whether what stands before a number ends with a minus, and not with a dash between two of them (`100-120`), a hyphen
/// (`Series-1`) or the end of a price (`50/-`).
fn is_negative(before: &[char]) -> bool {
    let Some((sign, before)) = before.split_last() else { return false };
    if !matches!(sign, '-' | '\u{2212}') {
        return false;
    }
    let is_hyphen = before.last().is_some_and(|c| c.is_alphabetic());
    let last = before.iter().rev().find(|c| !c.is_whitespace());
    !(is_hyphen || last.is_some_and(|c| c.is_ascii_digit() || matches!(c, '/' | '-')))
}

/// A number without the commas that group its digits by three, or by two as in `4,34,81,697`.
fn ungrouped(number: &str) -> Option<String> {
    let whole = number.split('.').next().unwrap_or_default();
    let groups: Vec<usize> = whole.split(',').map(str::len).collect();
    let is_grouped = match &groups[..] {
        [_] => true,
        [first, between @ .., last] => {
            let alike = between.iter().all(|&n| n == 2) || between.iter().all(|&n| n == 3);
            *last == 3 && (1..=3).contains(first) && alike
        }
        [] => false,
    };
    is_grouped.then(|| number.replace(',', ""))
}

/// Nothing, in the ways that sources write it: a spreadsheet that was too narrow, a dash, a blank.
pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim();
    text.chars().all(|c| c == '#' || c == '-') || text.eq_ignore_ascii_case("null") || text.eq_ignore_ascii_case("na")
}

/// One price or a lowest and a highest one; `Err` where it's neither.
pub(super) fn prices(text: &str) -> Result<Option<(String, String)>, ()> {
    if is_nothing(text) {
        return Ok(None);
    }
    match &numbers(text)?[..] {
        [one] => Ok(Some((one.clone(), one.clone()))),
        [low, high] => Ok(Some((low.clone(), high.clone()))),
        _ => Err(()),
    }
}

/// A count of shares: `58422516`, `8.1798244E7`, `4340100.0`, `4,34,81,697`.
pub(super) fn count(text: &str) -> Option<i64> {
    let value: f64 = ungrouped(text.trim())?.parse().ok()?;
    ((0.0..9.0e15).contains(&value) && value.fract() == 0.0).then_some(value as i64)
}

/// The first number of a text, such as a lot's, if there is one.
pub(super) fn first_number(text: &str) -> Result<Option<String>, ()> {
    Ok(numbers(text)?.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn price_ranges_are_read_in_every_form_they_come_in() {
        let two = |low: &str, high: &str| Ok(Some((low.to_owned(), high.to_owned())));
        let cases = [
            ("Rs.200 to Rs.210", two("200", "210")),
            ("RS.164 to RS.174", two("164", "174")),
            ("Rs.71.50 to RS. 75", two("71.50", "75")),
            ("Rs 76 to Rs 80\r", two("76", "80")),
            ("Rs.130 Rs.140", two("130", "140")),
            ("Rs 9 to Rs Rs 9", two("9", "9")),
            ("64 to 66 \t", two("64", "66")),
            ("402", two("402", "402")),
            ("Rs.94", two("94", "94")),
            ("Rs.1,020 to Rs.1,080.50", two("1020", "1080.50")),
            ("Rs. 50/- per equity share to Rs. 53/- equity share", two("50", "53")),
            ("   186", two("186", "186")),
            ("783.05", two("783.05", "783.05")),
            ("100-120", two("100", "120")),
            ("100 -120", two("100", "120")),
            ("100\u{2013}120", two("100", "120")),
            ("50/-53/-", two("50", "53")),
            ("Rs. 1,00,000", two("100000", "100000")),
            ("-", Ok(None)),
            ("######", Ok(None)),
            ("", Ok(None)),
            ("to be announced", Err(())),
            ("1 to 2 to 3", Err(())),
            ("-94", Err(())),
            ("Rs. -94", Err(())),
            ("\u{2212}94", Err(())),
            ("90 to -94", Err(())),
            ("12,50", Err(())),
            ("64,66", Err(())),
            ("1,02,0", Err(())),
        ];
        for (text, expected) in cases {
            assert_eq!(prices(text), expected, "{text:?}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count("8.1798244E7"), Some(81_798_244));
        assert_eq!(count("4340100.0"), Some(4_340_100));
        assert_eq!(count("4,34,81,697"), Some(43_481_697));
        assert_eq!(count("1.5"), None);
        assert_eq!(count("12,50"), None);
        assert_eq!(count("-5"), None);
        let number = |text: &str| first_number(text).map(Option::unwrap_or_default);
        assert_eq!(number("Minimum 281 Equity shares and in multiples thereof").as_deref(), Ok("281"));
        assert_eq!(number("Rs. 2 per Equity Share").as_deref(), Ok("2"));
        assert_eq!(number("Series-1").as_deref(), Ok("1"));
        assert_eq!(number("to be announced").as_deref(), Ok(""));
        assert_eq!(number("-281"), Err(()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = (prices(&text), count(&text), first_number(&text));
        }
    }
}
