//! A stand-in for Alpha Vantage that answers each symbol as told.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// How a symbol is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A body with status 200.
    Body(String),
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// An answer that takes this long.
    Late(Duration, String),
}

#[derive(Default)]
struct Answers {
    by_symbol: HashMap<String, Answer>,
    /// What the adjusted call gets; a refusal unless set.
    adjusted: HashMap<String, Answer>,
    /// Functions and sizes asked for, in order.
    asked: Vec<String>,
}

/// The stand-in.
pub struct Provider {
    server: MockServer,
    answers: Arc<Mutex<Answers>>,
}

struct Responder(Arc<Mutex<Answers>>);

pub const PREMIUM: &str = r#"{"Information": "This is a premium endpoint. Subscribe to a premium plan to unlock it."}"#;
pub const UNKNOWN: &str = r#"{"Error Message": "Invalid API call. Please retry or visit the documentation."}"#;

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let asked = |name: &str| query.get(name).map_or("", String::as_str);
        let (function, symbol) = (asked("function"), asked("symbol"));
        let mut answers = self.0.lock().expect("answers");
        answers
            .asked
            .push(format!("{function} {symbol}{} {}", asked("keywords"), asked("outputsize")).trim().to_owned());
        let answer = match function {
            "SYMBOL_SEARCH" => {
                let found = answers.by_symbol.get(&format!("search {}", asked("keywords"))).cloned();
                found.unwrap_or_else(|| Answer::Body(r#"{"bestMatches": []}"#.to_owned()))
            }
            "TIME_SERIES_DAILY_ADJUSTED" => {
                answers.adjusted.get(symbol).cloned().unwrap_or_else(|| Answer::Body(PREMIUM.to_owned()))
            }
            _ => answers.by_symbol.get(symbol).cloned().unwrap_or_else(|| Answer::Body(UNKNOWN.to_owned())),
        };
        match answer {
            Answer::Body(body) => ResponseTemplate::new(200).set_body_raw(body, "application/json"),
            Answer::Status(status, headers, body) => headers
                .into_iter()
                .fold(ResponseTemplate::new(status).set_body_raw(body, "text/html"), |template, (name, value)| {
                    template.insert_header(name, value.as_str())
                }),
            Answer::Late(delay, body) => {
                ResponseTemplate::new(200).set_body_raw(body, "application/json").set_delay(delay)
            }
        }
    }
}

impl Provider {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let answers: Arc<Mutex<Answers>> = Arc::default();
        Mock::given(method("GET")).and(path("/query")).respond_with(Responder(answers.clone())).mount(&server).await;
        Self { server, answers }
    }

    pub fn url(&self) -> String {
        self.server.uri()
    }

    pub fn answer(&self, symbol: &str, answer: Answer) {
        self.answers.lock().expect("answers").by_symbol.insert(symbol.to_owned(), answer);
    }

    pub fn answer_adjusted(&self, symbol: &str, answer: Answer) {
        self.answers.lock().expect("answers").adjusted.insert(symbol.to_owned(), answer);
    }

    /// Answers with these days, given as `(date, [open, high, low, close], volume)` in the provider's decimals.
    pub fn daily(&self, symbol: &str, days: &[(String, [&str; 4], &str)]) {
        self.answer(symbol, Answer::Body(daily(symbol, days)));
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.answers.lock().expect("answers").asked.clone()
    }
}

/// A payload of `TIME_SERIES_DAILY`, newest first as the provider sends it.
pub fn daily(symbol: &str, days: &[(String, [&str; 4], &str)]) -> String {
    let mut series = String::new();
    for (date, [open, high, low, close], volume) in days.iter().rev() {
        let comma = if series.is_empty() { "" } else { ",\n" };
        let _ = write!(
            series,
            r#"{comma}"{date}": {{"1. open": "{open}", "2. high": "{high}", "3. low": "{low}", "4. close": "{close}", "5. volume": "{volume}"}}"#
        );
    }
    let last = days.last().map_or("", |(date, ..)| date);
    format!(
        r#"{{"Meta Data": {{"2. Symbol": "{symbol}", "3. Last Refreshed": "{last}"}}, "Time Series (Daily)": {{{series}}}}}"#
    )
}

/// The `n`th weekday from Monday, 2024-01-01 on.
pub fn day(n: usize) -> String {
    let days = (n / 5 * 7 + n % 5) as u64;
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date");
    (start + chrono::Days::new(days)).to_string()
}
