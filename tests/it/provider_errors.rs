//! Whatever a provider does, the job says what happened, nothing is half-written, and the service goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestApp, day, provider, state};
use crate::on_each_database;

fn information(text: &str) -> Answer {
    Answer::Body(json!({"Information": text}).to_string())
}

fn good_payload() -> String {
    let days: Vec<_> = (0..50).map(|n| (day(n), ["10.0", "11.0", "9.0", "10.5"], "7")).collect();
    provider::daily("ACME", &days)
}

/// The job once its first attempt is over.
async fn first_attempt(app: &TestApp, answer: Answer) -> Value {
    app.provider.answer("ACME", answer);
    let id = app.operator.add_symbol("ACME").await;
    app.job_when(&id, |job| ["RETRYING", "FAILED", "SUCCEEDED"].contains(&state(job))).await
}

async fn check(app: &TestApp, answer: Answer, wanted_state: &str, wanted_message: &str) {
    let job = first_attempt(app, answer).await;
    let message = job["message"].as_str().unwrap_or_default();
    assert_eq!(state(&job), wanted_state, "{message}");
    assert!(message.contains(wanted_message), "{message:?} does not say {wanted_message:?}");
    assert!(!message.contains("SECRETKEY123"), "the key stays out of messages: {message}");
    assert_eq!(app.bars("ACME").await, Vec::<String>::new(), "nothing is half-written");
    assert_eq!(app.anonymous.get("/readyz").await.0, 200);
    assert_eq!(app.anonymous.data("{ symbols { totalCount } }", json!({})).await["symbols"]["totalCount"], 1);
}

macro_rules! provider_errors {
    ($($name:ident: $answer:expr => $state:literal, $message:literal;)*) => {
        on_each_database! {
            $(async fn $name(app: TestApp) { check(&app, $answer, $state, $message).await; })*
        }
    };
}

provider_errors! {
    an_unknown_symbol: Answer::Body(provider::UNKNOWN.to_owned()) => "FAILED", "doesn't know the symbol ACME";
    a_bad_key: Answer::Body(r#"{"Error Message": "the parameter apikey is invalid or missing"}"#.to_owned())
        => "FAILED", "refuses the key";
    a_spent_budget: information("Your API key is SECRETKEY123; the standard rate limit is 25 requests per day.")
        => "RETRYING", "used up; next try";
    too_many_a_second: information("Please spread out requests: 1 request per second. Premium lifts 25 requests per day")
        => "RETRYING", "fewer requests at a time";
    a_premium_only_call: information("This is a premium endpoint.") => "FAILED", "only to premium keys";
    the_demo_key: information("The **demo** API key is for demo purposes only.") => "FAILED", "refuses the key";
    the_older_note: Answer::Body(r#"{"Note": "5 calls per minute and 500 calls per day"}"#.to_owned())
        => "RETRYING", "fewer requests at a time";
    an_empty_object: Answer::Body("{}".to_owned()) => "RETRYING", "an empty answer";
    an_empty_series: Answer::Body(r#"{"Meta Data": {}, "Time Series (Daily)": {}}"#.to_owned())
        => "RETRYING", "no prices at all";
    made_up_rows: Answer::Body(
        r#"{"message": "for premium members", "data": [{"date": "2024-01-01", "close": "1"}],
            "Time Series (Daily)": {"2024-01-01": {"1. open": "1", "2. high": "1", "3. low": "1", "4. close": "1", "5. volume": "1"}}}"#
            .to_owned()) => "FAILED", "only to premium keys";
    a_server_error: Answer::Status(500, vec![], "oops".to_owned()) => "RETRYING", "the error 500";
    a_forbidden_address: Answer::Status(403, vec![], "<html>Access Denied</html>".to_owned()) => "FAILED", "the error 403";
    a_hang: Answer::Late(Duration::from_secs(20), good_payload()) => "RETRYING", "didn't answer within 1 seconds";
    a_truncated_body: Answer::Body(good_payload()[..900].to_owned()) => "RETRYING", "broke off";
    a_web_page: Answer::Status(200, vec![], "<!DOCTYPE html><html><body>Maintenance</body></html>".to_owned())
        => "RETRYING", "a web page";
}

on_each_database! {
    async fn retry_after_is_respected_by_everyone(app: TestApp) {
        let wait = vec![("Retry-After", "3600".to_owned())];
        let job = first_attempt(&app, Answer::Status(429, wait, String::new())).await;
        assert_eq!(state(&job), "RETRYING");
        app.provider.answer("BETA", Answer::Body(good_payload()));
        let id = app.operator.add_symbol("BETA").await;
        let other = app.job_when(&id, |job| state(job) == "RETRYING").await;
        assert!(other["message"].as_str().is_some_and(|m| m.contains("next try")), "{other}");
        assert!(!app.provider.asked().iter().any(|asked| asked.contains("BETA")), "nobody asks before it's time");
    }

    async fn a_job_that_failed_once_succeeds_when_the_provider_is_well_again(app: TestApp) {
        let job = first_attempt(&app, Answer::Status(503, vec![], String::new())).await;
        assert_eq!(state(&job), "RETRYING");
        app.provider.answer("ACME", Answer::Body(good_payload()));
        let jobs = app.anonymous.data("{ jobs { nodes { id } } }", json!({})).await;
        let done = app.settled(jobs["jobs"]["nodes"][0]["id"].as_str().expect("a job")).await;
        assert_eq!((state(&done), done["attempts"].as_i64()), ("SUCCEEDED", Some(2)));
        assert_eq!(app.bars("ACME").await.len(), 50);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_s_budget_postpones_what_is_beyond_it_to_midnight() {
    let app = TestApp::start_with(Database::Sqlite, &[("ALPHA_VANTAGE_PER_DAY", "3")]).await;
    app.provider.answer("ACME", Answer::Body(good_payload()));
    app.provider.answer("BETA", Answer::Body(good_payload()));
    // Adjusted and refused, plain, and the search for the name: three requests.
    assert_eq!(state(&app.add_symbol("ACME").await), "SUCCEEDED");
    let id = app.operator.add_symbol("BETA").await;
    let job = app.job_when(&id, |job| state(job) == "RETRYING").await;
    let message = job["message"].as_str().unwrap_or_default();
    assert!(message.contains("3 requests for today") && message.contains("00:00 UTC"), "{message}");
    assert_eq!(app.provider.asked().len(), 3);
}
