//! The exchange's list of trading holidays: one a segment, of the current year.

use serde_json::Value;

use super::NAME;
use crate::market::daily::parse_day;
use crate::market::{Day, day};
use crate::providers::ProviderError;

/// More in one year are no list of holidays.
const MOST: usize = 60;

/// The weekdays of rest of the equity segment. Evenings of Laxmi Pujan are sessions, and weekends rest anyway, unless a
/// session is held on one, of which the list says nothing.
pub(super) fn read(body: &str) -> Result<Vec<(Day, String)>, ProviderError> {
    let malformed = || ProviderError::Malformed { provider: NAME, what: "a list of holidays without rows".to_owned() };
    let list: Value = serde_json::from_str(body.trim_start_matches('\u{feff}')).map_err(|_| malformed())?;
    let rows = list.get("CM").and_then(Value::as_array).filter(|rows| rows.len() <= MOST).ok_or_else(malformed)?;
    let holiday = |row: &Value| {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let day = parse_day(text("tradingDate")?)?;
        let name: String = text("description").unwrap_or_default().trim().chars().take(100).collect();
        let lower = name.to_lowercase();
        let is_session = lower.contains("laxmi pujan") || lower.contains("lakshmi pujan") || lower.contains("muhurat");
        (!day::is_weekend(day) && !is_session).then_some((day, name))
    };
    Ok(rows.iter().filter_map(holiday).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equity_segment_s_weekdays_are_read() {
        let body = r#"{"FO": [{"tradingDate": "02-Jan-2028", "description": "Another segment"}], "CM": [
            {"tradingDate": "26-Jan-2028", "weekDay": "Wednesday", "description": "Republic Day", "Sr_no": 1},
            {"tradingDate": "15-Aug-2026", "weekDay": "Saturday", "description": "Independence Day", "Sr_no": 2},
            {"tradingDate": "17-Oct-2028", "weekDay": "Tuesday", "description": "Diwali Laxmi Pujan*", "Sr_no": 3},
            {"tradingDate": "soon", "description": "?"}, 7]}"#;
        let found = read(body).expect("a list");
        let shown: Vec<_> = found.iter().map(|(d, name)| (day::iso(*d), name.as_str())).collect();
        assert_eq!(shown, [("2028-01-26".to_owned(), "Republic Day")]);
        for wrong in ["[]", "{}", "<html>", r#"{"CM": 1}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
