//! Figures out of stored JSON, to the last digit: `serde_json` itself may read the double beside the one that was written.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub(super) fn one<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let text = Box::<RawValue>::deserialize(from)?;
    text.get().parse().map_err(D::Error::custom)
}

pub(super) fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let text = Box::<RawValue>::deserialize(from)?;
    if text.get() == "null" { Ok(None) } else { text.get().parse().map(Some).map_err(D::Error::custom) }
}

#[cfg(test)]
mod tests {
    use crate::backtest::Metrics;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stored_figure_is_read_as_it_was(money in 1.0..1e9_f64, ratio in -1.0..1.0_f64) {
            let stored = Metrics {
                final_equity: money,
                total_return: ratio,
                cagr: Some(ratio / 3.0),
                sharpe: None,
                fees_paid: money / 7.0,
                ..Metrics::of_curve(&[0, 9], &[1.0, 2.0], 1.0)
            };
            let text = serde_json::to_string(&stored).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Metrics>(&text).expect("figures"), stored);
        }
    }
}
