//! Alpha Vantage's notices: JSON objects with one sentence in them where data should be.

use std::time::Duration;

use serde::Deserialize;

use super::NAME;
use crate::providers::ProviderError;

/// The fields that notices come in.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Notice {
    #[serde(rename = "Error Message")]
    error: Option<String>,
    #[serde(rename = "Information")]
    information: Option<String>,
    #[serde(rename = "Note")]
    note: Option<String>,
    message: Option<String>,
}

/// Fails if the answer is a notice, an empty object, or no JSON at all.
pub(super) fn check(body: &str) -> Result<(), ProviderError> {
    let text = body.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(malformed("an empty answer"));
    }
    if text.starts_with('<') {
        return Err(malformed("a web page instead of data"));
    }
    let notice: Notice = serde_json::from_str(text).map_err(|error| {
        malformed(if error.is_eof() { "an answer that broke off before its end" } else { "something that isn't JSON" })
    })?;
    if text.trim_matches(|c: char| c == '{' || c == '}' || c.is_whitespace()).is_empty() {
        return Err(malformed("an empty answer"));
    }
    if let Some(error) = notice.error {
        return Err(of_error(&error));
    }
    match notice.information.or(notice.note).or(notice.message) {
        Some(text) => Err(of_information(&text)),
        None => Ok(()),
    }
}

fn malformed(what: &str) -> ProviderError {
    ProviderError::Malformed { provider: NAME, what: what.to_owned() }
}

fn of_error(text: &str) -> ProviderError {
    let text = text.to_lowercase();
    if text.contains("apikey") || text.contains("api key") {
        return ProviderError::BadKey { provider: NAME, why: "it is invalid or missing" };
    }
    if text.contains("invalid api call") {
        return ProviderError::UnknownSymbol { provider: NAME, ticker: String::new() };
    }
    malformed("an error that it doesn't explain")
}

/// The order matters: the notice about too many requests a second also names the day's 25 and the premium plans.
fn of_information(text: &str) -> ProviderError {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if has(&["per second", "spreading out", "burst"]) {
        return ProviderError::TooFast { provider: NAME, wait: Duration::from_millis(1_500) };
    }
    if has(&["per minute"]) {
        return ProviderError::TooFast { provider: NAME, wait: Duration::from_mins(1) };
    }
    if has(&["premium endpoint", "premium feature", "premium function", "premium-only", "premium only"]) {
        return ProviderError::Premium { provider: NAME, what: "this" };
    }
    if has(&["demo"]) {
        return ProviderError::BadKey { provider: NAME, why: "it's the demo key; claim a free one and set it" };
    }
    if has(&["per day", "daily", "rate limit"]) {
        // The caller knows when the day ends and how large the budget is.
        return ProviderError::BudgetSpent { provider: NAME, per_day: String::new(), until: 0 };
    }
    if has(&["premium"]) {
        return ProviderError::Premium { provider: NAME, what: "this" };
    }
    if has(&["api key", "apikey"]) {
        return ProviderError::BadKey { provider: NAME, why: "it says so without a reason" };
    }
    malformed("a notice instead of data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_apart(body: &str) -> String {
        match check(body).expect_err(body) {
            ProviderError::UnknownSymbol { .. } => "unknown symbol".into(),
            ProviderError::BudgetSpent { .. } => "budget spent".into(),
            ProviderError::TooFast { wait, .. } => format!("too fast, {} ms", wait.as_millis()),
            ProviderError::Premium { .. } => "premium".into(),
            ProviderError::BadKey { .. } => "bad key".into(),
            other => other.to_string(),
        }
    }

    #[test]
    fn each_notice_is_told_apart() {
        let information = |text: &str| format!("{{\"Information\": \"{text}\"}}");
        let cases = [
            (
                information(
                    "Please spread out your requests (1 request per second). Premium plans lift the limit of 25 \
                     requests per day and unlock all premium endpoints",
                ),
                "too fast, 1500 ms",
            ),
            (
                information("Your API key is KEY and the standard rate limit is 25 requests per day. Premium plans…"),
                "budget spent",
            ),
            (information("This is a premium endpoint."), "premium"),
            (information("outputsize=full is a premium feature for this endpoint"), "premium"),
            (information("The **demo** API key is for demo purposes only."), "bad key"),
            ("{\"Note\": \"5 calls per minute and 500 calls per day\"}".into(), "too fast, 60000 ms"),
            ("{\"Error Message\": \"the parameter apikey is invalid or missing.\"}".into(), "bad key"),
            ("{\"Error Message\": \"Invalid API call. Please retry.\"}".into(), "unknown symbol"),
            ("{\"message\": \"for premium members\", \"data\": [{\"symbol\": \"A\"}]}".into(), "premium"),
            ("{}".into(), "Alpha Vantage sent an empty answer"),
            (" { }\n".into(), "Alpha Vantage sent an empty answer"),
            ("<!DOCTYPE html>".into(), "Alpha Vantage sent a web page instead of data"),
            ("{\"Meta Data\": {".into(), "Alpha Vantage sent an answer that broke off before its end"),
            ("oops".into(), "Alpha Vantage sent something that isn't JSON"),
        ];
        for (body, expected) in cases {
            assert_eq!(told_apart(&body), expected, "{body}");
        }
        assert!(check("{\"Meta Data\": {}, \"Time Series (Daily)\": {}}").is_ok());
    }
}
