//! Strategies as inputs.

use async_graphql::{InputObject, OneofObject, SimpleObject};

use super::price::OperandInput;
use crate::backtest::{Comparison, Condition, Execution, Fill, InvalidField, Strategy, WindowRange};
use crate::market::Operand;

/// When to buy and when to sell: long only, one position at a time, all in. While flat only `buy` is looked at, while
/// in the market only `sell`, once a bar at its close; nothing is decided before every window is full.
#[derive(Debug, InputObject)]
pub struct StrategyInput {
    /// Buys where this is true, while flat.
    buy: ConditionInput,
    /// Sells where this is true, while in the market.
    sell: ConditionInput,
    /// Sells at this share below the entry price: 0.1 is 10 % below. Above 0, below 1. Acts inside a bar, at the open
    /// where it gaps past.
    stop_loss: Option<f64>,
    /// Sells at this share above the entry price, above 0, below 1,000. Where both could act in one bar, the stop
    /// does.
    take_profit: Option<f64>,
}

/// Something that's true on some bars. May be nested 8 deep.
#[derive(Debug, OneofObject)]
pub enum ConditionInput {
    /// The close below its simple moving average of this many days.
    PriceBelowSma(i32),
    /// The close above its simple moving average of this many days.
    PriceAboveSma(i32),
    /// Two values, compared.
    Compare(CompareInput),
    /// Every one of these.
    All(Vec<ConditionInput>),
    /// At least one of these.
    Any(Vec<ConditionInput>),
    /// The opposite.
    Not(Box<ConditionInput>),
}

/// Two values, compared. Prices, constants, simple averages, highs and lows are compared exactly.
#[derive(Debug, InputObject)]
pub struct CompareInput {
    /// The value that is compared.
    left: OperandInput,
    /// How it stands to the other.
    is: Comparison,
    /// What it is compared with.
    right: OperandInput,
}

/// How orders are carried out.
#[derive(Debug, InputObject)]
pub struct ExecutionInput {
    /// Money at the start, in the symbol's currency: above 0, at most 1e15; 10,000 if left out.
    #[graphql(default = 10000.0)]
    initial_cash: f64,
    /// Where an order that was decided on at a bar's close is filled; at the next open if left out.
    #[graphql(default_with = "Fill::NextOpen")]
    fill: Fill,
    /// Share of each order's value, both ways: 0.002 is 0.2 %. 0 to 0.5; 0 if left out.
    #[graphql(default = 0.0)]
    commission: f64,
    /// Share by which every price moves against the trader. 0 to 0.5; 0 if left out.
    #[graphql(default = 0.0)]
    slippage: f64,
    /// Whether shares come in whole numbers only.
    #[graphql(default = true)]
    whole_shares: bool,
}

/// How the orders of a stored run were carried out.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Execution")]
pub struct StoredExecution {
    /// Money at the start, in the symbol's currency.
    initial_cash: f64,
    /// Where an order that was decided on at a bar's close was filled.
    fill: Fill,
    /// Share of each order's value, both ways: 0.002 is 0.2 %.
    commission: f64,
    /// Share by which every price moved against the trader.
    slippage: f64,
    /// Whether shares came in whole numbers only.
    whole_shares: bool,
}

impl From<Execution> for StoredExecution {
    fn from(execution: Execution) -> Self {
        let Execution { initial_cash, fill, commission, slippage, whole_shares } = execution;
        Self { initial_cash, fill, commission, slippage, whole_shares }
    }
}

/// Windows from one to another, both included where the steps meet them.
#[derive(Debug, InputObject)]
#[graphql(name = "WindowRange")]
pub struct WindowRangeInput {
    /// The shortest window, in bars.
    from: i32,
    /// The longest window, in bars; at most 10,000.
    to: i32,
    /// From one window to the next, in bars; 1 if left out.
    #[graphql(default = 1)]
    step: i32,
}

/// A negative window is as wrong as zero, and is named as such.
fn window(days: i32) -> usize {
    usize::try_from(days).unwrap_or(0)
}

fn operand(input: OperandInput, path: &str, side: &str) -> Result<Operand, InvalidField> {
    Operand::try_from(input).map_err(|message| InvalidField { field: format!("{path}.{side}"), message })
}

impl ConditionInput {
    fn into_condition(self, path: &str) -> Result<Condition, InvalidField> {
        let list = |inner: Vec<Self>, name: &str| {
            let each = inner.into_iter().enumerate();
            each.map(|(i, c)| c.into_condition(&format!("{path}.{name}.{i}"))).collect::<Result<Vec<_>, _>>()
        };
        Ok(match self {
            Self::PriceBelowSma(days) => Condition::price_below_sma(window(days)),
            Self::PriceAboveSma(days) => Condition::price_above_sma(window(days)),
            Self::Compare(CompareInput { left, is, right }) => {
                let path = format!("{path}.compare");
                Condition::Compare { left: operand(left, &path, "left")?, is, right: operand(right, &path, "right")? }
            }
            Self::All(inner) => Condition::All(list(inner, "all")?),
            Self::Any(inner) => Condition::Any(list(inner, "any")?),
            Self::Not(inner) => Condition::Not(Box::new(inner.into_condition(&format!("{path}.not"))?)),
        })
    }
}

impl TryFrom<StrategyInput> for Strategy {
    type Error = InvalidField;

    fn try_from(input: StrategyInput) -> Result<Self, InvalidField> {
        Ok(Self {
            buy: input.buy.into_condition("strategy.buy")?,
            sell: input.sell.into_condition("strategy.sell")?,
            stop_loss: input.stop_loss,
            take_profit: input.take_profit,
        })
    }
}

impl From<ExecutionInput> for Execution {
    fn from(input: ExecutionInput) -> Self {
        Self {
            initial_cash: input.initial_cash,
            fill: input.fill,
            commission: input.commission,
            slippage: input.slippage,
            whole_shares: input.whole_shares,
        }
    }
}

impl From<WindowRangeInput> for WindowRange {
    fn from(input: WindowRangeInput) -> Self {
        Self { from: window(input.from), to: window(input.to), step: window(input.step) }
    }
}
