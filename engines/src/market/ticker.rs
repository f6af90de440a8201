//! Tickers as people spell them.

const LONGEST_TICKER: usize = 32;

/// A ticker as the provider spells it: upper case, no blanks at the ends.
///
/// # Errors
/// A sentence, when it can't be one.
pub fn normalise(text: &str) -> Result<String, String> {
    let ticker = text.trim().to_uppercase();
    let plausible = ticker.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '^')
        && ticker.chars().all(|c| c.is_ascii_alphanumeric() || ".-^=&_".contains(c));
    if ticker.len() > LONGEST_TICKER || !plausible {
        return Err(format!(
            "{text:?} can't be a ticker: it takes up to {LONGEST_TICKER} letters, digits and . - ^ = & _, such as \
             IBM or RELIANCE.BSE"
        ));
    }
    Ok(ticker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_case_go_and_what_is_no_ticker_is_refused() {
        for (text, ticker) in [(" ibm ", "IBM"), ("reliance.bse", "RELIANCE.BSE"), ("^nsei", "^NSEI"), ("M&M", "M&M")] {
            assert_eq!(normalise(text).as_deref(), Ok(ticker));
        }
        for wrong in ["", "  ", "-A", "A B", "A/B", "É", &"A".repeat(33)] {
            assert!(normalise(wrong).is_err_and(|why| why.contains("can't be a ticker")), "{wrong}");
        }
    }
}
