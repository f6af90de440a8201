//! The exchange's JSON: rows whose fields move, are missing, or are numbers here and strings there.

use serde_json::{Map, Value};

use super::NAME;
use crate::market::ipo::{Subscription, SubscriptionScope};
use crate::market::text::clean;
use crate::market::{Exchange, dates, day};
use crate::providers::{ProviderError, RawIpo};

/// The rows of an answer: a bare array, or one under `data`.
fn rows(body: &str) -> Result<Vec<Value>, ProviderError> {
    let malformed = |what: &str| ProviderError::Malformed { provider: NAME, what: what.to_owned() };
    let text = body.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(malformed("an empty answer"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        malformed(if error.is_eof() { "an answer that broke off before its end" } else { "something that isn't JSON" })
    })?;
    match value {
        Value::Array(rows) => Ok(rows),
        Value::Object(mut object) => match object.remove("data") {
            Some(Value::Array(rows)) => Ok(rows),
            _ => Err(malformed("an object without rows")),
        },
        _ => Err(malformed("something without rows")),
    }
}

/// A field's text under any of its names; numbers count, and what is blank or a dash is none.
fn text(row: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = match row.get(*name)? {
            Value::String(text) => clean(text),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty() && text != "-").then_some(text)
    })
}

fn raw_of(row: &Value) -> String {
    row.to_string()
}

/// Current and upcoming issues.
pub(super) fn live_issues(body: &str) -> Result<Vec<RawIpo>, ProviderError> {
    Ok(rows(body)?.iter().map(live_issue).collect())
}

fn live_issue(value: &Value) -> RawIpo {
    let mut record = RawIpo { exchange: Exchange::Nse, raw: raw_of(value), ..RawIpo::default() };
    let Value::Object(row) = value else { return record };
    if text(row, &["isBse"]).as_deref() == Some("1") {
        record.exchange = Exchange::Bse;
    }
    record.name = text(row, &["companyName", "company"]);
    record.ticker = text(row, &["symbol"]);
    record.security = text(row, &["series", "securityType"]);
    record.open = text(row, &["issueStartDate", "ipoStartDate"]);
    record.close = text(row, &["issueEndDate", "ipoEndDate"]);
    record.band = text(row, &["priceBand", "priceRange"]);
    record.issue_price = text(row, &["issuePrice"]);
    record.issue_size = text(row, &["issueSize"]);
    record.lot_size = text(row, &["lotSize"]);
    record.standing = text(row, &["status"]);
    let (total, bid) = (number(row, "noOfTime"), number(row, "noOfsharesBid"));
    // Nothing offered and nothing bid means that nobody knows yet.
    if let (Some(total), Some(bid)) = (total, bid)
        && (total > 0.0 || bid > 0.0)
    {
        record.subscription = Some(only_total(total));
    }
    record
}

fn only_total(total: f64) -> Subscription {
    Subscription {
        scope: SubscriptionScope::Exchange,
        as_of: None,
        total: Some(total),
        qualified_institutional: None,
        non_institutional: None,
        retail: None,
        employee: None,
    }
}

/// Past issues.
pub(super) fn past_issues(body: &str) -> Result<Vec<RawIpo>, ProviderError> {
    let past = |value: &Value| {
        let mut record = RawIpo { exchange: Exchange::Nse, is_past: true, raw: raw_of(value), ..RawIpo::default() };
        let Value::Object(row) = value else { return record };
        record.name = text(row, &["companyName", "company"]);
        record.ticker = text(row, &["symbol"]);
        record.security = text(row, &["securityType", "series"]);
        record.open = text(row, &["ipoStartDate", "issueStartDate"]);
        record.close = text(row, &["ipoEndDate", "issueEndDate"]);
        record.listing = text(row, &["listingDate"]);
        record.band = text(row, &["priceRange", "priceBand"]);
        record.issue_price = text(row, &["issuePrice"]);
        record.issue_size = text(row, &["issueSize"]);
        record.lot_size = text(row, &["lotSize"]);
        record
    };
    Ok(rows(body)?.iter().map(past).collect())
}

fn number(row: &Map<String, Value>, name: &str) -> Option<f64> {
    text(row, &[name])?.replace(',', "").parse::<f64>().ok().filter(|n| n.is_finite())
}

/// What the pages of one issue say beside its row in the list.
#[derive(Debug, Default, Clone)]
pub(super) struct Details {
    lot_size: Option<String>,
    face_value: Option<String>,
    registrar: Option<String>,
    pub(super) subscription: Option<Subscription>,
}

impl Details {
    /// Reads `ipo-detail`: titled values, and the bids of all exchanges, else the exchange's own.
    pub(super) fn read_detail(&mut self, body: &str) {
        let Ok(detail) = serde_json::from_str::<Value>(body) else { return };
        let titled = detail.pointer("/issueInfo/dataList").and_then(Value::as_array);
        for row in titled.into_iter().flatten().filter_map(Value::as_object) {
            let value = text(row, &["value"]).map(|v| v.trim_matches('"').trim().to_owned());
            match text(row, &["title"]).unwrap_or_default().to_lowercase().as_str() {
                "bid lot" | "lot size" => self.lot_size = value,
                "minimum order quantity" if self.lot_size.is_none() => self.lot_size = value,
                "face value" => self.face_value = value,
                "name of the registrar" => self.registrar = value,
                _ => {}
            }
        }
        if let Some(all) = detail.get("activeCat") {
            self.subscription = categories(all, "noOfTotalMeant", SubscriptionScope::AllExchanges);
        }
        if self.subscription.is_none()
            && let Some(rows) = detail.get("bidDetails")
        {
            let own = serde_json::json!({"dataList": rows});
            self.subscription = categories(&own, "noOfTime", SubscriptionScope::Exchange);
        }
    }

    /// Reads `ipo-active-category`: the bids of all exchanges.
    pub(super) fn read_categories(&mut self, body: &str) {
        if let Ok(all) = serde_json::from_str::<Value>(body) {
            self.subscription = categories(&all, "noOfTotalMeant", SubscriptionScope::AllExchanges);
        }
    }

    /// Adds what the row lacks; bids by category say more than the row's own total.
    pub(super) fn fill(&self, record: &mut RawIpo) {
        record.lot_size = record.lot_size.take().or_else(|| self.lot_size.clone());
        record.face_value.clone_from(&self.face_value);
        record.registrar.clone_from(&self.registrar);
        if self.subscription.is_some() {
            record.subscription.clone_from(&self.subscription);
        }
    }
}

/// Times subscribed by category. Rows such as `1(a)` and `2.1` are parts of another and would count twice.
fn categories(value: &Value, times: &str, scope: SubscriptionScope) -> Option<Subscription> {
    let mut found = Subscription { scope, as_of: as_of(value), total: None, ..only_total(0.0) };
    for row in value.get("dataList")?.as_array()?.iter().filter_map(Value::as_object) {
        let is_part = text(row, &["srNo"]).is_some_and(|n| n.contains(['(', '.']) && n != "Sr.No.");
        let category = text(row, &["category"]).unwrap_or_default().to_lowercase();
        let Some(times) = number(row, times).filter(|_| !is_part) else { continue };
        let slot = match category.as_str() {
            "total" => &mut found.total,
            c if c.starts_with("qualified institutional") || c.starts_with("qib") => &mut found.qualified_institutional,
            c if c.starts_with("non institutional") || c.starts_with("non-institutional") => {
                &mut found.non_institutional
            }
            c if c.contains("employee") => &mut found.employee,
            c if is_retail(c) => &mut found.retail,
            _ => continue,
        };
        *slot = Some(times);
    }
    // A total of nothing, of no known time, is the exchange's way to say that it doesn't know yet.
    let unknown = found.total.is_none_or(|total| total == 0.0) && found.as_of.is_none();
    (!unknown).then_some(found)
}

/// SME issues since July 2025 have individual investors, with bids of two lots and more, in retail's place.
fn is_retail(category: &str) -> bool {
    let individual =
        ["investor", "bidder", "applicant"].iter().any(|who| category.starts_with(&format!("individual {who}")));
    (category.starts_with("retail") || individual) && !category.contains("other than")
}

/// "Updated as on 11-Aug-2026 17:00:00", in India's time.
fn as_of(value: &Value) -> Option<i64> {
    let text = value.get("updateTime")?.as_str()?;
    let stamp = dates::read(text.rsplit_once(" on ")?.1).ok()?;
    let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(stamp.time?, 0)?;
    let moment = day::to_date(stamp.only().ok()?).and_time(time);
    moment.and_local_timezone(chrono_tz::Asia::Kolkata).single().map(|t| t.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bids_are_read_by_category_and_parts_do_not_count_twice() {
        let body = r#"{"dataList": [
            {"category": "Category", "noOfTotalMeant": "No. of times", "srNo": "Sr.No."},
            {"category": "Qualified Institutional Buyers(QIBs)", "noOfTotalMeant": "0.39", "srNo": "1"},
            {"category": "Foreign Institutional Investors(FIIs)", "noOfTotalMeant": "", "srNo": "1(a)"},
            {"category": "Non Institutional Investors", "noOfTotalMeant": "0.91", "srNo": "2"},
            {"category": "Non Institutional Investors(Bid amount of more than Ten Lakh Rupees)", "noOfTotalMeant": "0.5", "srNo": "2.1"},
            {"category": "Retail Individual Investors(RIIs)", "noOfTotalMeant": "0.95", "srNo": "3"},
            {"category": "Eligible Employees", "noOfTotalMeant": "2.06", "srNo": "4"},
            {"category": "Total", "noOfTotalMeant": "0.79", "srNo": null}], "updateTime": "Updated as on 11-Aug-2026 17:00:00"}"#;
        let mut details = Details::default();
        details.read_categories(body);
        let found = details.subscription.expect("bids");
        assert_eq!(
            (found.total, found.qualified_institutional, found.non_institutional),
            (Some(0.79), Some(0.39), Some(0.91))
        );
        assert_eq!(
            (found.retail, found.employee, found.scope),
            (Some(0.95), Some(2.06), SubscriptionScope::AllExchanges)
        );
        // 17:00 in India is 11:30 UTC.
        assert_eq!(found.as_of, Some(1_786_447_800_000));
    }

    #[test]
    fn individual_investors_of_an_sme_issue_are_its_retail_bids() {
        let read = |category: &str| {
            let body = format!(
                r#"{{"dataList": [{{"category": "{category}", "noOfTotalMeant": "3.5", "srNo": "3"}},
                {{"category": "Individuals(Other than RIIs)", "noOfTotalMeant": "9", "srNo": "2.1(b)"}},
                {{"category": "Total", "noOfTotalMeant": "2", "srNo": null}}], "updateTime": "x on 11-Aug-2026 17:00:00"}}"#
            );
            let mut details = Details::default();
            details.read_categories(&body);
            details.subscription.and_then(|s| s.retail)
        };
        for category in [
            "Individual Investors",
            "Individual Investors(IIs)",
            "INDIVIDUAL INVESTOR (2 lots)",
            "Individual Bidders (minimum application size)",
            "Individual Applicants",
            "Retail Individual Bidders",
            "Retail Individual Investors(RIIs)",
        ] {
            assert_eq!(read(category), Some(3.5), "{category}");
        }
        for category in
            ["Individual Investors(Other than retail)", "Individuals", "Employees who are individual investors"]
        {
            assert_eq!(read(category), None, "{category}");
        }
    }

    #[test]
    fn bids_that_nobody_has_counted_yet_are_unknown_rather_than_zero() {
        let mut details = Details::default();
        details.read_categories(
            r#"{"dataList": [{"category": "Total", "noOfTotalMeant": "0.00", "srNo": null}],
            "updateTime": "Updated as on null"}"#,
        );
        assert_eq!(details.subscription, None);
        let row =
            live_issues(r#"[{"symbol": "A", "noOfTime": "0.00", "noOfsharesBid": "0.0"}]"#).expect("rows").remove(0);
        assert_eq!(row.subscription, None);
    }

    #[test]
    fn rows_come_bare_or_under_data() {
        assert_eq!(past_issues("[]").expect("rows").len(), 0);
        let rows =
            past_issues(r#"{"data": [{"symbol": "A", "company": " A Ltd ", "listingDate": "-"}]}"#).expect("rows");
        assert_eq!((rows[0].name.as_deref(), rows[0].listing.as_deref()), (Some("A Ltd"), None));
        assert!(past_issues("<html>").is_err() && past_issues("{\"a\": 1}").is_err());
    }
}
