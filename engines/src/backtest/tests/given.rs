//! Bars, strategies and executions at random, of the kind that make ties.

use proptest::prelude::*;
use proptest::strategy::Strategy as Strategy_;

use crate::backtest::{Comparison, Condition, Execution, Fill, Strategy};
use crate::market::{Columns, Operand, PriceField};

/// Bars whose prices stay close together, so that ties with averages are common.
pub(super) fn bars(longest: usize) -> impl Strategy_<Value = Columns> {
    proptest::collection::vec((80..140_i32, -6..6_i32, 0..8_i32, 0..8_i32, 1..4_i32), 2..longest).prop_map(|rows| {
        let mut columns = Columns::default();
        let mut day = 14_000;
        for (open, change, above, below, gap) in rows {
            let close = open + change;
            day += gap;
            columns.days.push(day);
            columns.open.push(f64::from(open) / 10.0);
            columns.high.push(f64::from(open.max(close) + above) / 10.0);
            columns.low.push(f64::from(open.min(close) - below) / 10.0);
            columns.close.push(f64::from(close) / 10.0);
            columns.volume.push(1_000);
        }
        columns
    })
}

/// What a tick of [`bars`] is worth in ten-thousandths, and what lies below all prices: levels tie at every size.
pub(super) fn scales() -> impl Strategy_<Value = (i32, i32)> {
    prop_oneof![
        Just((1_000, 0)),
        Just((500, 0)),
        Just((100, 0)),
        Just((100, 1_000_000)),
        Just((1, 0)),
        Just((1, 990_000))
    ]
}

pub(super) fn scaled(price: f64, (tick, below): (i32, i32)) -> f64 {
    f64::from((price * 10.0).round() as i32 * tick + below) / 10_000.0
}

pub(super) fn scaled_columns(columns: &Columns, scale: (i32, i32)) -> Columns {
    let column = |prices: &[f64]| prices.iter().map(|price| scaled(*price, scale)).collect();
    Columns {
        open: column(&columns.open),
        high: column(&columns.high),
        low: column(&columns.low),
        close: column(&columns.close),
        ..columns.clone()
    }
}

/// The condition with its constants at the scale of the prices.
pub(super) fn scaled_condition(condition: &Condition, scale: (i32, i32)) -> Condition {
    let operand = |operand: Operand| match operand {
        Operand::Constant(value) => Operand::Constant(scaled(value, scale)),
        other => other,
    };
    let all = |inner: &[Condition]| inner.iter().map(|c| scaled_condition(c, scale)).collect();
    match condition {
        Condition::Compare { left, is, right } => {
            Condition::Compare { left: operand(*left), is: *is, right: operand(*right) }
        }
        Condition::All(inner) => Condition::All(all(inner)),
        Condition::Any(inner) => Condition::Any(all(inner)),
        Condition::Not(inner) => Condition::Not(Box::new(scaled_condition(inner, scale))),
    }
}

pub(super) fn operands() -> impl Strategy_<Value = Operand> {
    let window = || 1..9_usize;
    prop_oneof![
        prop_oneof![Just(PriceField::Open), Just(PriceField::High), Just(PriceField::Low), Just(PriceField::Close)]
            .prop_map(Operand::Price),
        (90..130_i32).prop_map(|c| Operand::Constant(f64::from(c) / 10.0)),
        window().prop_map(Operand::Sma),
        window().prop_map(Operand::Ema),
        (2..9_usize).prop_map(Operand::Rsi),
        (2..9_usize).prop_map(|window| Operand::BollingerLower { window, deviations: 1.5 }),
        window().prop_map(Operand::Highest),
        window().prop_map(Operand::Lowest),
        window().prop_map(Operand::Atr),
        (2..5_usize, 3..7_usize, 1..4_usize).prop_map(|(fast, slow, signal)| Operand::Macd { fast, slow, signal }),
    ]
}

pub(super) fn comparisons() -> impl Strategy_<Value = Condition> {
    let is = prop_oneof![
        Just(Comparison::Below),
        Just(Comparison::Above),
        Just(Comparison::CrossesBelow),
        Just(Comparison::CrossesAbove)
    ];
    (operands(), is, operands()).prop_map(|(left, is, right)| Condition::Compare { left, is, right })
}

pub(super) fn conditions() -> impl Strategy_<Value = Condition> {
    comparisons().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

pub(super) fn strategies() -> impl Strategy_<Value = Strategy> {
    let stop = || proptest::option::weighted(0.3, 1..15_i32).prop_map(|share| share.map(|s| f64::from(s) / 100.0));
    (conditions(), conditions(), stop(), stop()).prop_map(|(buy, sell, stop_loss, take_profit)| Strategy {
        buy,
        sell,
        stop_loss,
        take_profit,
    })
}

pub(super) fn executions() -> impl Strategy_<Value = Execution> {
    let cost = || prop_oneof![Just(0.0), (1..50_i32).prop_map(|c| f64::from(c) / 1_000.0)];
    let commission = prop_oneof![cost(), (1..300_i32).prop_map(|c| f64::from(c) / 100_000.0)];
    let fill = prop_oneof![Just(Fill::NextOpen), Just(Fill::SameClose)];
    // Little enough cash at times that not a share can be bought.
    (prop_oneof![Just(10_000.0), Just(11.0), Just(100.0), Just(1_320.0)], fill, commission, cost(), any::<bool>())
        .prop_map(|(initial_cash, fill, commission, slippage, whole_shares)| Execution {
            initial_cash,
            fill,
            commission,
            slippage,
            whole_shares,
        })
}
