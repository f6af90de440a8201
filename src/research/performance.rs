//! What became of an issue: its price against the stock's, from the first day on.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::App;
use crate::market::ipo::provider_tickers;
use crate::market::{Day, Series, Split};
use crate::request::RequestError;
use crate::store::StoreError;
use crate::store::entity::{ipo, symbol};

/// Ratios to the issue price, less 1: 0.25 is a quarter above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Performance {
    /// The first day's open, in the issue's currency.
    pub listing_open: f64,
    /// First open / issue price − 1.
    pub listing_gain: f64,
    /// First close / issue price − 1.
    pub first_day_return: f64,
    /// Last close × new shares for an old one since / issue price − 1.
    pub return_since_issue: f64,
    /// The lowest close over the highest one before it, less 1, for splits adjusted.
    pub max_drawdown: f64,
    pub as_of: Day,
}

/// Figures over many issues; `None` where there is nothing to take them of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Statistics {
    pub count: usize,
    pub with_performance: usize,
    pub mean_listing_gain: Option<f64>,
    pub median_listing_gain: Option<f64>,
    /// Share of those with a performance that opened above their issue price.
    pub share_above_issue: Option<f64>,
    pub median_return: Option<f64>,
}

/// Prices may begin so many days after the listing date and still hold the first day: weekends and holidays.
const LATE_START: Day = 7;

/// The performance of an issue; `None` where the price or the first day isn't known.
#[must_use]
pub fn performance(issue_price: f64, listing: Day, series: &Series, splits: &[Split]) -> Option<Performance> {
    let bars = &series.raw;
    let first = bars.days.partition_point(|&day| day < listing);
    let first_day = *bars.days.get(first).filter(|&&day| day <= listing + LATE_START)?;
    if issue_price <= 0.0 {
        return None;
    }
    // A share of the issue has become so many.
    let shares_on =
        |day: Day| splits.iter().filter(|s| s.day > first_day && s.day <= day).map(|s| s.ratio).product::<f64>();
    let (mut peak, mut lowest, mut last) = (f64::NEG_INFINITY, 0.0_f64, 0.0);
    for t in first..bars.len() {
        last = bars.close[t] * if splits.is_empty() { 1.0 } else { shares_on(bars.days[t]) };
        peak = peak.max(last);
        lowest = lowest.min(last / peak - 1.0);
    }
    Some(Performance {
        listing_open: bars.open[first],
        listing_gain: bars.open[first] / issue_price - 1.0,
        first_day_return: bars.close[first] / issue_price - 1.0,
        return_since_issue: last / issue_price - 1.0,
        max_drawdown: lowest,
        as_of: bars.days.last().copied()?,
    })
}

/// The tracked stocks of these issues, by the issues' ids.
///
/// # Errors
/// When the database fails.
pub async fn symbols_of(app: &App, ipos: &[ipo::Model]) -> Result<HashMap<i64, symbol::Model>, StoreError> {
    let spelled = |row: &ipo::Model| row.ticker.as_ref().map(|t| provider_tickers(row.exchange, t)).unwrap_or_default();
    let mut tickers: Vec<String> = ipos.iter().flat_map(spelled).collect();
    tickers.sort_unstable();
    tickers.dedup();
    let mut symbols: HashMap<String, symbol::Model> = HashMap::new();
    for tickers in tickers.chunks(5_000) {
        symbols.extend(app.store.symbols().by_tickers(tickers).await?.into_iter().map(|s| (s.ticker.clone(), s)));
    }
    let found = ipos.iter().filter_map(|row| {
        let symbol = spelled(row).iter().find_map(|ticker| symbols.get(ticker))?;
        Some((row.id, symbol.clone()))
    });
    Ok(found.collect())
}

/// The performances of these issues, by their ids; the bars of all their stocks come together.
///
/// # Errors
/// When the database fails.
pub async fn performances(app: &App, ipos: &[ipo::Model]) -> Result<HashMap<i64, Performance>, RequestError> {
    let symbols = symbols_of(app, ipos).await?;
    let mut distinct: Vec<symbol::Model> = symbols.values().filter(|s| s.bar_count > 0).cloned().collect();
    distinct.sort_unstable_by_key(|s| s.id);
    distinct.dedup_by_key(|s| s.id);
    let loaded = app.series.get(&distinct).await?;
    let series: HashMap<i64, Arc<Series>> = distinct.iter().map(|s| s.id).zip(loaded).collect();
    let mut found = HashMap::new();
    for row in ipos {
        let (Some(symbol), Some(listing)) = (symbols.get(&row.id), row.listing_day) else { continue };
        let price = row.issue_price.as_ref().and_then(|p| p.parse::<f64>().ok());
        let (Some(price), Some(series)) = (price, series.get(&symbol.id)) else { continue };
        let splits: Vec<Split> = serde_json::from_str(&symbol.splits).unwrap_or_default();
        if let Some(performance) = performance(price, listing, series, &splits) {
            found.insert(row.id, performance);
        }
    }
    Ok(found)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Sums issues up.
#[must_use]
pub fn statistics(count: usize, performances: &[Performance]) -> Statistics {
    let gains: Vec<f64> = performances.iter().map(|p| p.listing_gain).collect();
    let n = gains.len() as f64;
    let any = |value: f64| (!gains.is_empty()).then_some(value);
    Statistics {
        count,
        with_performance: gains.len(),
        mean_listing_gain: any(gains.iter().sum::<f64>() / n),
        share_above_issue: any(gains.iter().filter(|g| **g > 0.0).count() as f64 / n),
        median_return: median(performances.iter().map(|p| p.return_since_issue).collect()),
        median_listing_gain: median(gains),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Columns;

    fn series(days: &[Day], open: &[f64], close: &[f64]) -> Series {
        let raw = Columns {
            days: days.to_vec(),
            open: open.to_vec(),
            high: close.to_vec(),
            low: open.to_vec(),
            close: close.to_vec(),
            volume: vec![1; days.len()],
        };
        Series { adjusted_close: close.to_vec(), raw }
    }

    #[test]
    fn returns_count_the_shares_that_a_split_has_made() {
        let prices = series(&[9, 10, 11, 12, 13], &[1.0, 120.0, 130.0, 65.0, 50.0], &[1.0, 110.0, 140.0, 60.0, 55.0]);
        let split = Split { day: 12, ratio: 2.0, detected: false };
        let found = performance(100.0, 10, &prices, &[split]).expect("a performance");
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(
            near(found.listing_gain, 0.2) && near(found.first_day_return, 0.1) && near(found.return_since_issue, 0.1)
        );
        assert!(near(found.max_drawdown, 110.0 / 140.0 - 1.0) && found.as_of == 13);
        assert_eq!(performance(100.0, 1, &prices, &[]), None, "the first day is not among the bars");
        assert_eq!(performance(100.0, 14, &prices, &[]), None, "not listed yet");
    }

    #[test]
    fn statistics_of_nothing_are_nothing() {
        let none = statistics(3, &[]);
        assert_eq!((none.count, none.with_performance, none.mean_listing_gain, none.median_return), (3, 0, None, None));
        assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }
}
