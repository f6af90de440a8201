//! The demo's stand-ins for both providers: real prices in Alpha Vantage's format, and made-up issues in the NSE's, with
//! days around today.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{Days, NaiveDate, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::errors::CommandError;

macro_rules! sample {
    ($ticker:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $ticker, ".json.gz"))
    };
}

/// Real daily prices of 2000 to 2013, in the public domain; `samples/README.md` tells where they come from.
/// Deflated, as they are served.
pub(super) const SAMPLES: [(&str, &str, &[u8]); 5] = [
    ("AAPL", "Apple Inc", sample!("AAPL")),
    ("FB", "Facebook Inc", sample!("FB")),
    ("GOOG", "Google Inc", sample!("GOOG")),
    ("IBM", "International Business Machines Corp", sample!("IBM")),
    ("MSFT", "Microsoft Corporation", sample!("MSFT")),
];

/// An issue that nobody has offered.
struct Issue {
    symbol: &'static str,
    name: &'static str,
    /// EQ or SME.
    series: &'static str,
    /// Days from today on which it opens.
    opens: i64,
    band: (u32, u32),
    lot: u32,
    shares: u32,
}

impl Issue {
    const fn new(symbol: &'static str, name: &'static str, series: &'static str, opens: i64) -> Self {
        Self { symbol, name, series, opens, band: (0, 0), lot: 0, shares: 0 }
    }

    const fn at(mut self, band: (u32, u32), lot: u32, shares: u32) -> Self {
        (self.band, self.lot, self.shares) = (band, lot, shares);
        self
    }
}

const ISSUES: [Issue; 8] = [
    Issue::new("LOTUSLAMP", "Lotus Lamp Works Limited", "EQ", 6).at((210, 221), 67, 24_000_000),
    Issue::new("KAVERITEX", "Kaveri Textile Mills Limited", "SME", 9).at((88, 92), 1_200, 3_100_000),
    Issue::new("MONSOONSOL", "Monsoon Solar Limited", "EQ", -1).at((96, 101), 147, 41_000_000),
    Issue::new("PEPPERCORN", "Peppercorn Foods Limited", "SME", -2).at((54, 57), 2_000, 2_400_000),
    Issue::new("BANYANFIN", "Banyan Housing Finance Limited", "EQ", -16).at((305, 321), 46, 18_500_000),
    Issue::new("RIVERGLASS", "River Glass Limited", "SME", -24).at((120, 126), 1_000, 1_900_000),
    Issue::new("TEAKLINE", "Teakline Furniture Limited-Issue Withdrawn", "EQ", -30).at((140, 148), 101, 9_000_000),
    Issue::new("SARASMED", "Saras Medical Devices Limited", "EQ", -45).at((410, 432), 34, 7_700_000),
];

/// Serves both on a port of the system's choice.
pub(super) async fn serve() -> Result<Url, CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(format!("the samples can't be served: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| failed(&e))?;
    let address = listener.local_addr().map_err(|e| failed(&e))?;
    let samples: HashMap<&str, (&str, &[u8])> = SAMPLES.iter().map(|(t, name, body)| (*t, (*name, *body))).collect();
    let router = Router::new()
        .route("/", get(|| async { ([(header::SET_COOKIE, "session=demo; Path=/")], "home") }))
        .route("/query", get(prices))
        .route("/api/all-upcoming-issues", get(|| async { Json(issues(|opens| opens > 0)) }))
        .route("/api/ipo-current-issue", get(|| async { Json(issues(|opens| (-3..=0).contains(&opens))) }))
        .route("/api/public-past-issues", get(|| async { Json(past_issues()) }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(Arc::new(samples));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the samples are no longer served");
        }
    });
    Url::parse(&format!("http://{address}")).map_err(|e| failed(&e))
}

type Samples = State<Arc<HashMap<&'static str, (&'static str, &'static [u8])>>>;

async fn prices(State(samples): Samples, Query(query): Query<HashMap<String, String>>) -> Response {
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    let json = |body: String| ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    if asked("function") == "SYMBOL_SEARCH" {
        let matches: Vec<Value> = samples
            .get_key_value(asked("keywords"))
            .into_iter()
            .map(|(ticker, (name, _))| {
                json!({"1. symbol": ticker, "2. name": name, "3. type": "Equity",
                    "4. region": "United States", "8. currency": "USD", "9. matchScore": "1.0000"})
            })
            .collect();
        return json(json!({"bestMatches": matches}).to_string());
    }
    match samples.get(asked("symbol")) {
        Some((_, deflated)) => {
            ([(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")], *deflated)
                .into_response()
        }
        None => json(r#"{"Error Message": "Invalid API call. The demo has its samples only."}"#.to_owned()),
    }
}

/// A date so many days from today, as the NSE spells it.
fn date(from_today: i64) -> String {
    let today = Utc::now().date_naive();
    let days = Days::new(from_today.unsigned_abs());
    let date = if from_today < 0 { today.checked_sub_days(days) } else { today.checked_add_days(days) };
    date.unwrap_or(NaiveDate::MIN).format("%d-%b-%Y").to_string()
}

fn issues(which: impl Fn(i64) -> bool) -> Vec<Value> {
    let listed = |issue: &Issue| {
        let (band, shares) = (format!("Rs.{} to Rs.{}", issue.band.0, issue.band.1), issue.shares.to_string());
        let bids = if issue.opens > 0 { (String::new(), "") } else { ((issue.shares * 3).to_string(), "3.00") };
        json!({"symbol": issue.symbol, "companyName": issue.name, "series": issue.series, "status": "Active",
            "issueStartDate": date(issue.opens), "issueEndDate": date(issue.opens + 3), "issueSize": shares,
            "issuePrice": band, "priceBand": band, "lotSize": issue.lot.to_string(), "noOfSharesOffered": shares,
            "noOfsharesBid": bids.0, "noOfTime": bids.1})
    };
    ISSUES.iter().filter(|issue| which(issue.opens)).map(listed).collect()
}

fn past_issues() -> Vec<Value> {
    let listed = |issue: &Issue| {
        let withdrawn = issue.name.ends_with("Withdrawn");
        let unless_withdrawn = |text: String| if withdrawn { "-".to_owned() } else { text };
        json!({"symbol": issue.symbol, "company": issue.name, "securityType": issue.series,
            "ipoStartDate": date(issue.opens), "ipoEndDate": date(issue.opens + 3),
            "listingDate": unless_withdrawn(date(issue.opens + 8)),
            "priceRange": format!("Rs.{} to Rs.{}", issue.band.0, issue.band.1),
            "issuePrice": unless_withdrawn(issue.band.1.to_string())})
    };
    ISSUES.iter().filter(|issue| issue.opens < -3).map(listed).collect()
}
