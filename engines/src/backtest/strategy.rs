//! A strategy as data: conditions over operands, and how orders are carried out.

use serde::{Deserialize, Serialize};

use crate::market::{Operand, PriceField};

/// When to buy and when to sell. Long only, one position at a time, all in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    /// Looked at while there's no position.
    pub buy: Condition,
    /// Looked at while there's one.
    pub sell: Condition,
    /// Sells at this share below the entry price: 0.1 is 10 % below.
    pub stop_loss: Option<f64>,
    /// Sells at this share above the entry price.
    pub take_profit: Option<f64>,
}

/// Something that's true on some bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Compare { left: Operand, is: Comparison, right: Operand },
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

/// How two operands stand to each other. At a tie neither is below nor above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Less, on this bar.
    Below,
    /// More, on this bar.
    Above,
    /// Not less on the bar before, less on this one.
    CrossesBelow,
    /// Not more on the bar before, more on this one.
    CrossesAbove,
}

/// How orders are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Money at the start, in the symbol's currency.
    pub initial_cash: f64,
    pub fill: Fill,
    /// Share of each order's value, both ways: 0.002 is 0.2 %.
    pub commission: f64,
    /// Share by which every price moves against the trader.
    pub slippage: f64,
    /// Whether shares come in whole numbers only.
    pub whole_shares: bool,
}

/// Where an order that was decided on at a bar's close is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// At the next bar's open; an order of the last bar is never filled.
    NextOpen,
    /// At the close that it was decided on.
    SameClose,
}

impl Default for Execution {
    fn default() -> Self {
        Self { initial_cash: 10_000.0, fill: Fill::NextOpen, commission: 0.0, slippage: 0.0, whole_shares: true }
    }
}

/// What is wrong with an input: the dotted path of the field and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    pub field: String,
    pub message: String,
}

/// How deep conditions may be nested.
const DEEPEST: usize = 8;
/// How many conditions a strategy may have in all.
const MOST_CONDITIONS: usize = 64;
const MOST_CASH: f64 = 1e15;
/// The largest commission and slippage: beyond, a typing error is likelier than a broker.
const MOST_COST: f64 = 0.5;
const MOST_PROFIT: f64 = 1_000.0;

impl Condition {
    /// The close below its moving average.
    #[must_use]
    pub fn price_below_sma(window: usize) -> Self {
        let left = Operand::Price(PriceField::Close);
        Self::Compare { left, is: Comparison::Below, right: Operand::Sma(window) }
    }

    /// The close above its moving average.
    #[must_use]
    pub fn price_above_sma(window: usize) -> Self {
        let left = Operand::Price(PriceField::Close);
        Self::Compare { left, is: Comparison::Above, right: Operand::Sma(window) }
    }

    fn check(&self, path: &str, depth: usize, left_over: &mut usize) -> Result<(), InvalidField> {
        let fault = |message: String| Err(InvalidField { field: path.to_owned(), message });
        if depth > DEEPEST {
            return fault(format!("conditions are nested more than {DEEPEST} deep; make the strategy flatter"));
        }
        let Some(rest) = left_over.checked_sub(1) else {
            return fault(format!("a strategy has at most {MOST_CONDITIONS} conditions"));
        };
        *left_over = rest;
        match self {
            Self::Compare { left, right, .. } => [left, right].into_iter().try_for_each(|operand| {
                operand.validate().map_err(|message| InvalidField { field: path.to_owned(), message })
            }),
            Self::All(inner) if inner.is_empty() => fault("all needs at least one condition".to_owned()),
            Self::Any(inner) if inner.is_empty() => fault("any needs at least one condition".to_owned()),
            Self::All(inner) => check_each(inner, &format!("{path}.all"), depth, left_over),
            Self::Any(inner) => check_each(inner, &format!("{path}.any"), depth, left_over),
            Self::Not(inner) => inner.check(&format!("{path}.not"), depth + 1, left_over),
        }
    }

    /// The first bar that every operand has a value on.
    #[must_use]
    pub fn first_value(&self) -> usize {
        match self {
            Self::Compare { left, right, .. } => left.first_value().max(right.first_value()),
            Self::All(inner) | Self::Any(inner) => inner.iter().map(Self::first_value).max().unwrap_or(0),
            Self::Not(inner) => inner.first_value(),
        }
    }
}

fn check_each(inner: &[Condition], path: &str, depth: usize, left_over: &mut usize) -> Result<(), InvalidField> {
    inner.iter().enumerate().try_for_each(|(i, c)| c.check(&format!("{path}.{i}"), depth + 1, left_over))
}

impl Strategy {
    /// Checks every condition and parameter.
    ///
    /// # Errors
    /// The first field that can't be what it is.
    pub fn check(&self) -> Result<(), InvalidField> {
        let mut left_over = MOST_CONDITIONS;
        self.buy.check("strategy.buy", 1, &mut left_over)?;
        self.sell.check("strategy.sell", 1, &mut left_over)?;
        let within = |value: Option<f64>, most: f64| value.is_none_or(|v| v > 0.0 && v < most);
        if !within(self.stop_loss, 1.0) {
            let message = "a stop loss is a share of the entry price between 0 and 1, such as 0.1".to_owned();
            return Err(InvalidField { field: "strategy.stopLoss".to_owned(), message });
        }
        if !within(self.take_profit, MOST_PROFIT) {
            let message =
                format!("a take profit is a share of the entry price above 0, such as 0.2, and below {MOST_PROFIT}");
            return Err(InvalidField { field: "strategy.takeProfit".to_owned(), message });
        }
        Ok(())
    }

    /// The first bar that a decision is made on: every window of the strategy is full there.
    #[must_use]
    pub fn first_decision(&self) -> usize {
        self.buy.first_value().max(self.sell.first_value())
    }
}

impl Execution {
    /// Checks every parameter.
    ///
    /// # Errors
    /// The first field that can't be what it is.
    pub fn check(&self) -> Result<(), InvalidField> {
        let fault = |field: &str, message: String| Err(InvalidField { field: format!("execution.{field}"), message });
        if !(self.initial_cash > 0.0 && self.initial_cash <= MOST_CASH) {
            return fault("initialCash", format!("the initial cash is above 0 and at most {MOST_CASH:e}"));
        }
        for (name, field, value) in
            [("commission", "commission", self.commission), ("slippage", "slippage", self.slippage)]
        {
            if !(0.0..=MOST_COST).contains(&value) {
                return fault(field, format!("the {name} is a share from 0 to {MOST_COST}, such as 0.002 for 0.2 %"));
            }
        }
        Ok(())
    }
}

/// Exits inside a bar.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stops {
    pub(super) loss: Option<f64>,
    pub(super) profit: Option<f64>,
}
