//! Real daily prices for the benches, from `samples/`.

use prospectus::market::{Columns, day};

/// The bars of a sample: as traded, oldest first.
pub fn columns(text: &str) -> Columns {
    let payload: serde_json::Value = serde_json::from_str(text).expect("a sample");
    let series = payload["Time Series (Daily)"].as_object().expect("bars");
    let mut days: Vec<_> = series.iter().collect();
    days.sort_by_key(|(date, _)| (*date).clone());
    let mut columns = Columns::default();
    for (date, bar) in days {
        let price = |field: &str| bar[field].as_str().and_then(|p| p.parse().ok()).expect("a price");
        columns.days.push(day::parse_iso(date).expect("a date"));
        columns.open.push(price("1. open"));
        columns.high.push(price("2. high"));
        columns.low.push(price("3. low"));
        columns.close.push(price("4. close"));
        columns.volume.push(1);
    }
    columns
}

/// A longer series with the same kind of days: the real ones, again and again.
pub fn longer(columns: &Columns, bars: usize) -> Columns {
    let n = columns.len();
    let again = |column: &[f64]| (0..bars).map(|t| column[t % n]).collect();
    Columns {
        days: (0..bars as i32).collect(),
        open: again(&columns.open),
        high: again(&columns.high),
        low: again(&columns.low),
        close: again(&columns.close),
        volume: vec![1; bars],
    }
}
