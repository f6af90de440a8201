//! Stored backtests beside each other: inputs that differ, figures in rows, curves from one start on common days.

use super::backtests::Curve;
use crate::backtest::{Execution, Fill, Metrics, describe_condition};
use crate::market::{Day, day};
use crate::store::StoreError;
use crate::store::entity::backtest;

/// An input that isn't the same in all runs, with its value in each; none where a run has none.
#[derive(Debug, Clone, PartialEq)]
pub struct InputDifference {
    pub input: &'static str,
    pub values: Vec<Option<String>>,
}

/// A figure of each run; none where it's undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    pub metric: &'static str,
    pub values: Vec<Option<f64>>,
    /// Which run does best, where there is a better and a worse.
    pub best: Option<usize>,
}

/// Curves on the days that all runs have, each 1 on the first of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CommonCurves {
    pub days: Vec<Day>,
    pub equity: Vec<Vec<f64>>,
    pub buy_and_hold: Vec<Vec<f64>>,
}

type Figure = fn(&Metrics) -> Option<f64>;

/// As the API names them; 1 where more is better, -1 where less is, 0 where neither.
const METRICS: [(&str, i8, Figure); 19] = [
    ("finalEquity", 0, |m| Some(m.final_equity)),
    ("totalReturn", 1, |m| Some(m.total_return)),
    ("buyAndHoldReturn", 0, |m| Some(m.buy_and_hold_return)),
    ("cagr", 1, |m| m.cagr),
    ("maxDrawdown", 1, |m| Some(m.max_drawdown)),
    ("maxDrawdownDays", -1, |m| Some(m.max_drawdown_days.into())),
    ("tradeCount", 0, |m| Some(m.trade_count.into())),
    ("winRate", 1, |m| m.win_rate),
    ("profitFactor", 1, |m| m.profit_factor),
    ("bestTrade", 1, |m| m.best_trade),
    ("worstTrade", 1, |m| m.worst_trade),
    ("averageTrade", 1, |m| m.average_trade),
    ("exposure", 0, |m| Some(m.exposure)),
    ("volatility", -1, |m| m.volatility),
    ("sharpe", 1, |m| m.sharpe),
    ("sortino", 1, |m| m.sortino),
    ("calmar", 1, |m| m.calmar),
    ("sqn", 1, |m| m.sqn),
    ("feesPaid", -1, |m| Some(m.fees_paid)),
];

/// The inputs that differ between runs of these symbols.
pub fn differences(rows: &[backtest::Model], tickers: &[String]) -> Result<Vec<InputDifference>, StoreError> {
    let runs: Vec<Vec<(&'static str, Option<String>)>> =
        rows.iter().zip(tickers).map(|(row, ticker)| inputs(row, ticker)).collect::<Result<_, _>>()?;
    let Some(first) = runs.first() else { return Ok(Vec::new()) };
    let of_all = first.iter().enumerate().map(|(at, (input, _))| InputDifference {
        input,
        values: runs.iter().filter_map(|run| run.get(at)).map(|(_, value)| value.clone()).collect(),
    });
    Ok(of_all.filter(|row| row.values.windows(2).any(|pair| pair[0] != pair[1])).collect())
}

fn inputs(row: &backtest::Model, ticker: &str) -> Result<Vec<(&'static str, Option<String>)>, StoreError> {
    let strategy = row.strategy()?;
    let Execution { initial_cash, fill, commission, slippage, whole_shares } = row.execution()?;
    let fill = match fill {
        Fill::NextOpen => "NEXT_OPEN",
        Fill::SameClose => "SAME_CLOSE",
    };
    Ok(vec![
        ("ticker", Some(ticker.to_owned())),
        ("buy", Some(describe_condition(&strategy.buy))),
        ("sell", Some(describe_condition(&strategy.sell))),
        ("stopLoss", strategy.stop_loss.map(|share| share.to_string())),
        ("takeProfit", strategy.take_profit.map(|share| share.to_string())),
        ("initialCash", Some(initial_cash.to_string())),
        ("fill", Some(fill.to_owned())),
        ("commission", Some(commission.to_string())),
        ("slippage", Some(slippage.to_string())),
        ("wholeShares", Some(whole_shares.to_string())),
        ("from", Some(day::iso(row.from_day))),
        ("to", Some(day::iso(row.to_day))),
        ("adjusted", Some(row.adjusted.to_string())),
        ("adjustment", row.adjustment.clone()),
        ("dataVersion", Some(row.data_version.to_string())),
        ("engineVersion", Some(row.engine_version.to_string())),
    ])
}

/// Every figure of the runs, a row each.
#[must_use]
pub fn metric_rows(metrics: &[Metrics]) -> Vec<MetricRow> {
    let row = |(metric, sign, figure): &(&'static str, i8, Figure)| {
        let values: Vec<Option<f64>> = metrics.iter().map(figure).collect();
        MetricRow { metric, best: best(&values, *sign), values }
    };
    METRICS.iter().map(row).collect()
}

/// The run with the best value; none where the known ones are equal, fewer than two, or nothing is better.
fn best(values: &[Option<f64>], sign: i8) -> Option<usize> {
    let mut known: Vec<(usize, f64)> =
        values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)? * f64::from(sign)))).collect();
    // The first of equals stays first.
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (first, last) = (known.first()?, known.last()?);
    (sign != 0 && first.1 > last.1).then_some(first.0)
}

/// Curves of the runs on the days that all of them have; empty if there are none.
#[must_use]
pub fn common_curves<'a>(runs: impl IntoIterator<Item = (&'a Curve, &'a Execution)>) -> CommonCurves {
    let runs: Vec<_> = runs.into_iter().collect();
    let mut days = runs.first().map(|(curve, _)| curve.days.clone()).unwrap_or_default();
    for (curve, _) in runs.iter().skip(1) {
        days.retain(|day| curve.days.binary_search(day).is_ok());
    }
    let rebased = |curve: &Curve, values: &[f64]| -> Vec<f64> {
        let at = |day: &Day| values.get(curve.days.binary_search(day).ok()?).copied();
        let Some(base) = days.first().and_then(at).filter(|base| *base > 0.0) else { return Vec::new() };
        days.iter().filter_map(at).map(|value| value / base).collect()
    };
    let equity = runs.iter().map(|(curve, execution)| rebased(curve, &curve.equity(execution))).collect();
    let buy_and_hold = runs.iter().map(|(curve, execution)| rebased(curve, &curve.buy_and_hold(execution))).collect();
    CommonCurves { days, equity, buy_and_hold }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_begin_at_one_on_the_first_common_day() {
        let execution = Execution {
            initial_cash: 100.0,
            fill: Fill::NextOpen,
            commission: 0.0,
            slippage: 0.0,
            whole_shares: false,
        };
        let curve =
            |days: &[Day], close: &[f64]| Curve { days: days.to_vec(), close: close.to_vec(), trades: Vec::new() };
        let (a, b) =
            (curve(&[1, 2, 3, 5], &[10.0, 20.0, 30.0, 60.0]), curve(&[2, 3, 4, 5, 6], &[1.0, 2.0, 9.0, 3.0, 1.0]));
        let common = common_curves([(&a, &execution), (&b, &execution)]);
        assert_eq!(common.days, [2, 3, 5]);
        assert_eq!(common.equity, [[1.0; 3], [1.0; 3]]);
        assert_eq!(common.buy_and_hold, [[1.0, 1.5, 3.0], [1.0, 2.0, 3.0]]);
        let apart = curve(&[9], &[1.0]);
        let none = common_curves([(&a, &execution), (&apart, &execution)]);
        assert!(none.days.is_empty() && none.equity.iter().all(Vec::is_empty));
    }

    #[test]
    fn the_best_is_named_where_there_is_one() {
        assert_eq!(best(&[Some(1.0), None, Some(2.0)], 1), Some(2));
        assert_eq!(best(&[Some(1.0), None, Some(2.0)], -1), Some(0));
        assert_eq!(best(&[Some(1.0), Some(2.0)], 0), None);
        assert_eq!(best(&[Some(1.0), Some(1.0)], 1), None, "equals");
        assert_eq!(best(&[Some(1.0), None], 1), None, "nothing to compare with");
        assert_eq!(best(&[Some(3.0), Some(3.0), Some(1.0)], 1), Some(0), "the first of equals");
    }
}
