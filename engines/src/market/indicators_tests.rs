//! Every indicator beside what TA-Lib itself computes of the same bars; `tools/make_talib_reference.py` made the figures.

use super::*;

const REFERENCE: &str = include_str!("../../../tests/fixtures/talib.json");
const BARS: &str = include_str!("../../../tests/fixtures/models/bars.csv");
/// Figures are written with twelve decimals; TA-Lib's running sums stray by about as much.
const TOLERANCE: f64 = 1e-9;

/// A column of the bars: date, open, high, low, close, volume.
fn column(at: usize, bars: usize) -> Vec<f64> {
    let rows = BARS.lines().skip(1).take(bars);
    rows.map(|row| row.split(',').nth(at).and_then(|text| text.parse().ok()).expect("a price")).collect()
}

#[test]
fn every_indicator_is_talibs() {
    let reference: serde_json::Value = serde_json::from_str(REFERENCE).expect("JSON");
    let bars = usize::try_from(reference["bars"].as_u64().expect("a count")).expect("small");
    let (high, low, close) = (column(2, bars), column(3, bars), column(4, bars));
    let flat: Vec<f64> = (0..60).map(|n| 12.5 + f64::from((n - 40).max(0)) / 4.0).collect();
    let values = reference["values"].as_object().expect("columns");
    assert!(values.len() >= 35, "{}", values.len());
    for (name, expected) in values {
        let (x, name) = name.strip_prefix("flat ").map_or((&close, name.as_str()), |rest| (&flat, rest));
        let mut words = name.split(' ');
        let what = words.next().unwrap_or_default();
        let numbers: Vec<f64> = words.map(|word| word.parse().expect("a number")).collect();
        let window = |at: usize| numbers[at] as usize;
        let ours = match what {
            "sma" => sma(x, window(0)),
            "ema" => ema(x, window(0)),
            "rsi" => rsi(x, window(0)),
            "highest" => highest(x, window(0)),
            "lowest" => lowest(x, window(0)),
            "atr" => atr(&high, &low, x, window(0)),
            "lower" => bollinger(x, window(0), numbers[1]).0,
            "upper" => bollinger(x, window(0), numbers[1]).1,
            "macd" => macd(x, window(0), window(1), window(2)).0,
            "signal" => macd(x, window(0), window(1), window(2)).1,
            other => panic!("{other} is not known"),
        };
        let expected = expected.as_array().expect("a column");
        assert_eq!(ours.len(), expected.len(), "{name}");
        for (bar, (ours, theirs)) in ours.iter().zip(expected).enumerate() {
            match theirs.as_f64() {
                None => assert!(ours.is_nan(), "{name}, bar {bar}: {ours} where TA-Lib gives none"),
                Some(theirs) => assert!(
                    (ours - theirs).abs() <= TOLERANCE * theirs.abs().max(1.0),
                    "{name}, bar {bar}: {ours}, TA-Lib {theirs}"
                ),
            }
        }
    }
}
