//! A strategy and its execution in one plain sentence.

use super::strategy::{Comparison, Condition, Execution, Fill, Strategy};
use crate::market::{Operand, PriceField};

/// "Buys when the close is below its 50-day average, sells when …; fills at the next open, …".
#[must_use]
pub fn describe(strategy: &Strategy, execution: &Execution) -> String {
    let mut text =
        format!("Buys when {}, sells when {}", condition(&strategy.buy, false), condition(&strategy.sell, false));
    if let Some(share) = strategy.stop_loss {
        text += &format!(", or {} below the entry price", percent(share));
    }
    if let Some(share) = strategy.take_profit {
        text += &format!(
            ", or {} above {}",
            percent(share),
            if strategy.stop_loss.is_some() { "it" } else { "the entry price" }
        );
    }
    let fill = match execution.fill {
        Fill::NextOpen => "the next open",
        Fill::SameClose => "the same close",
    };
    let shares = if execution.whole_shares { "whole shares" } else { "fractions of shares" };
    text += &format!("; starts with {} in cash, trades {shares} at {fill}", execution.initial_cash);
    match (execution.commission > 0.0, execution.slippage > 0.0) {
        (false, false) => text += ", without fees",
        (true, false) => text += &format!(", with a commission of {}", percent(execution.commission)),
        (false, true) => text += &format!(", with a slippage of {}", percent(execution.slippage)),
        (true, true) => {
            let (commission, slippage) = (percent(execution.commission), percent(execution.slippage));
            text += &format!(", with a commission of {commission} and a slippage of {slippage}");
        }
    }
    text + "."
}

/// When a condition holds, in words: "the close is below its 50-day average".
#[must_use]
pub fn describe_condition(of: &Condition) -> String {
    condition(of, false)
}

fn percent(share: f64) -> String {
    // Twelve digits say all that a person has typed, and nothing of how binary fractions round.
    let rounded = (share * 100.0 * 1e10).round() / 1e10;
    format!("{rounded} %")
}

fn condition(of: &Condition, inside: bool) -> String {
    let join = |parts: &[Condition], word: &str| {
        let text = parts.iter().map(|c| condition(c, parts.len() > 1)).collect::<Vec<_>>().join(word);
        if inside && parts.len() > 1 { format!("({text})") } else { text }
    };
    match of {
        Condition::Compare { left, is, right } => {
            let is = match is {
                Comparison::Below => "is below",
                Comparison::Above => "is above",
                Comparison::CrossesBelow => "crosses below",
                Comparison::CrossesAbove => "crosses above",
            };
            let its = matches!(left, Operand::Price(PriceField::Close));
            format!("{} {is} {}", operand(left, false), operand(right, its))
        }
        Condition::All(parts) => join(parts, " and "),
        Condition::Any(parts) => join(parts, " or "),
        Condition::Not(inner) => format!("not ({})", condition(inner, false)),
    }
}

/// With `its`, what is of the close that was just named.
fn operand(of: &Operand, its: bool) -> String {
    let the = if its { "its" } else { "the" };
    let of_close = if its { "" } else { " of closes" };
    match *of {
        Operand::Price(PriceField::Open) => "the open".to_owned(),
        Operand::Price(PriceField::High) => "the high".to_owned(),
        Operand::Price(PriceField::Low) => "the low".to_owned(),
        Operand::Price(PriceField::Close) => "the close".to_owned(),
        Operand::Constant(value) => value.to_string(),
        Operand::Sma(n) => format!("{the} {n}-day average{of_close}"),
        Operand::Ema(n) => format!("{the} {n}-day exponential average{of_close}"),
        Operand::Rsi(n) => format!("{the} {n}-day RSI"),
        Operand::BollingerLower { window, deviations } => {
            format!("{the} lower Bollinger band ({window} days, {deviations} deviations)")
        }
        Operand::BollingerUpper { window, deviations } => {
            format!("{the} upper Bollinger band ({window} days, {deviations} deviations)")
        }
        Operand::Macd { fast, slow, signal } => format!("{the} MACD line ({fast}, {slow}, {signal})"),
        Operand::MacdSignal { fast, slow, signal } => format!("{the} MACD signal ({fast}, {slow}, {signal})"),
        Operand::Highest(n) => format!("{the} {n}-day high{of_close}"),
        Operand::Lowest(n) => format!("{the} {n}-day low{of_close}"),
        Operand::Atr(n) => format!("{the} {n}-day average true range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn a_strategy_reads_as_a_sentence() {
        let simple = Strategy {
            buy: Condition::price_below_sma(50),
            sell: Condition::price_above_sma(200),
            stop_loss: None,
            take_profit: None,
        };
        assert_snapshot!(
            describe(&simple, &Execution { commission: 0.002, ..Execution::default() }),
            @"Buys when the close is below its 50-day average, sells when the close is above its 200-day average; starts with 10000 in cash, trades whole shares at the next open, with a commission of 0.2 %."
        );
        let compare = |left, is, right| Condition::Compare { left, is, right };
        let nested = Strategy {
            buy: Condition::All(vec![
                compare(Operand::Sma(20), Comparison::CrossesAbove, Operand::Sma(100)),
                Condition::Any(vec![
                    compare(Operand::Rsi(14), Comparison::Below, Operand::Constant(30.0)),
                    Condition::Not(Box::new(Condition::price_above_sma(10))),
                ]),
            ]),
            sell: Condition::price_above_sma(5),
            stop_loss: Some(0.07),
            take_profit: Some(0.2),
        };
        let execution =
            Execution { fill: Fill::SameClose, slippage: 0.001, whole_shares: false, ..Execution::default() };
        assert_snapshot!(
            describe(&nested, &execution),
            @"Buys when the 20-day average of closes crosses above the 100-day average of closes and (the 14-day RSI is below 30 or not (the close is above its 10-day average)), sells when the close is above its 5-day average, or 7 % below the entry price, or 20 % above it; starts with 10000 in cash, trades fractions of shares at the same close, with a slippage of 0.1 %."
        );
    }
}
