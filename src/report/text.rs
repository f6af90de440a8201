//! Numbers as a reader expects them.

/// A ratio as a percentage with a real minus sign.
#[must_use]
pub fn percent(ratio: f64, decimals: usize) -> String {
    signed(format!("{:.decimals$}", ratio * 100.0)) + " %"
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
    let text = format!("{:.decimals$}", value.abs());
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
    fn numbers_read_well() {
        assert_eq!(number(1_234_567.891, 2), "1,234,567.89");
        assert_eq!((number(-999.0, 0), number(-0.001, 2), number(0.0, 0)), ("−999".into(), "0.00".into(), "0".into()));
        assert_eq!((percent(-0.4102, 1), percent(-0.00001, 1)), ("−41.0 %".to_owned(), "0.0 %".to_owned()));
        assert_eq!((maybe_percent(None, 1), maybe_number(None, 1)), ("–".to_owned(), "–".to_owned()));
    }
}
