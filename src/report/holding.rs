//! The figures of buying and holding, with those of the one trade that it is.

use crate::backtest::{Comparison, Condition, Execution, Fill, Metrics, Strategy, affords, run};
use crate::market::{Columns, Day, Operand, PriceField};

/// Of the curve, and of the trade: none where the cash doesn't buy a share at the first close.
pub(super) fn metrics(days: &[Day], close: &[f64], hold: &[f64], execution: &Execution) -> Metrics {
    let of_curve = Metrics::of_curve(days, hold, execution.initial_cash);
    if close.first().is_none_or(|&first| !affords(first, execution)) {
        return of_curve;
    }
    // A rule that buys at the first close and never sells does the same.
    let columns = Columns { days: days.to_vec(), close: close.to_vec(), ..Columns::default() };
    let above_zero =
        |is| Condition::Compare { left: Operand::Price(PriceField::Close), is, right: Operand::Constant(0.0) };
    let (buy, sell) = (above_zero(Comparison::Above), above_zero(Comparison::Below));
    let strategy = Strategy { buy, sell, stop_loss: None, take_profit: None };
    let Ok(ran) = run(&columns, &strategy, &Execution { fill: Fill::SameClose, ..*execution }) else {
        return of_curve;
    };
    Metrics {
        trade_count: ran.metrics.trade_count,
        win_rate: ran.metrics.win_rate,
        profit_factor: ran.metrics.profit_factor,
        best_trade: ran.metrics.best_trade,
        worst_trade: ran.metrics.worst_trade,
        average_trade: ran.metrics.average_trade,
        exposure: ran.metrics.exposure,
        sqn: ran.metrics.sqn,
        fees_paid: ran.metrics.fees_paid,
        ..of_curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::buy_and_hold;

    #[test]
    fn holding_is_one_trade_with_its_fees() {
        let close = [100.0, 90.0, 120.0];
        let execution = Execution { initial_cash: 1_001.0, commission: 0.001, ..Execution::default() };
        let hold = buy_and_hold(&close, &execution);
        let of = metrics(&[0, 1, 2], &close, &hold, &execution);
        // Ten shares for 1,000, sold for 1,200.
        assert_eq!((of.trade_count, of.exposure, of.win_rate), (1, 1.0, Some(1.0)));
        assert!((of.fees_paid - 2.2).abs() < 1e-9 && (of.final_equity - 1_198.8).abs() < 1e-9, "{of:?}");
        assert_eq!(of.final_equity.to_bits(), hold[2].to_bits());
        let alone = metrics(&[0], &close[..1], &buy_and_hold(&close[..1], &execution), &execution);
        assert_eq!((alone.trade_count, alone.exposure), (1, 1.0));
    }

    #[test]
    fn what_was_never_bought_is_no_trade_though_it_gets_cheaper() {
        let close = [2_000.0, 100.0];
        let execution = Execution { initial_cash: 1_000.0, ..Execution::default() };
        let of = metrics(&[0, 1], &close, &buy_and_hold(&close, &execution), &execution);
        assert_eq!((of.trade_count, of.exposure, of.fees_paid), (0, 0.0, 0.0));
    }
}
