//! What conditions compare and charts draw: a price, a number, or an indicator of the price.

use super::indicators as ta;
use super::series::Columns;

/// One of a bar's four prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
pub enum PriceField {
    /// First price of the day.
    Open,
    /// Highest price of the day.
    High,
    /// Lowest price of the day.
    Low,
    /// Last price of the day.
    Close,
}

/// A value for every bar. Indicators are of the close; windows are in bars.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Operand {
    Price(PriceField),
    Constant(f64),
    Sma(usize),
    Ema(usize),
    Rsi(usize),
    BollingerLower { window: usize, deviations: f64 },
    BollingerUpper { window: usize, deviations: f64 },
    Macd { fast: usize, slow: usize, signal: usize },
    MacdSignal { fast: usize, slow: usize, signal: usize },
    Highest(usize),
    Lowest(usize),
    Atr(usize),
}

/// The longest window that may be asked for; forty years of days.
pub const LONGEST_WINDOW: usize = 10_000;

impl Operand {
    /// Checks the parameters.
    ///
    /// # Errors
    /// A sentence that says what they may be.
    pub fn validate(&self) -> Result<(), String> {
        let window = |name: &str, n: usize, least: usize| {
            if (least..=LONGEST_WINDOW).contains(&n) {
                return Ok(());
            }
            Err(format!("the window of {name} is {n}; it takes {least} to {LONGEST_WINDOW} days"))
        };
        match *self {
            Self::Price(_) => Ok(()),
            Self::Constant(value) if value.is_finite() => Ok(()),
            Self::Constant(_) => Err("a constant must be a finite number".to_owned()),
            Self::Sma(n) => window("sma", n, 1),
            Self::Ema(n) => window("ema", n, 1),
            Self::Rsi(n) => window("rsi", n, 2),
            Self::BollingerLower { window: n, deviations } | Self::BollingerUpper { window: n, deviations } => {
                if !deviations.is_finite() || deviations.abs() > 100.0 {
                    return Err("the deviations of a Bollinger band are a number from -100 to 100".to_owned());
                }
                window("a Bollinger band", n, 2)
            }
            Self::Macd { fast, slow, signal } | Self::MacdSignal { fast, slow, signal } => {
                window("macd's fast average", fast, 2)?;
                window("macd's slow average", slow, 2)?;
                window("macd's signal", signal, 1)
            }
            Self::Highest(n) => window("highest", n, 1),
            Self::Lowest(n) => window("lowest", n, 1),
            Self::Atr(n) => window("atr", n, 1),
        }
    }

    /// The value on every bar, `NaN` where the window isn't full.
    #[must_use]
    pub fn values(&self, columns: &Columns) -> Vec<f64> {
        let close = &columns.close;
        match *self {
            Self::Price(PriceField::Open) => columns.open.clone(),
            Self::Price(PriceField::High) => columns.high.clone(),
            Self::Price(PriceField::Low) => columns.low.clone(),
            Self::Price(PriceField::Close) => close.clone(),
            Self::Constant(value) => vec![value; columns.len()],
            Self::Sma(n) => ta::sma(close, n),
            Self::Ema(n) => ta::ema(close, n),
            Self::Rsi(n) => ta::rsi(close, n),
            Self::BollingerLower { window, deviations } => ta::bollinger(close, window, deviations).0,
            Self::BollingerUpper { window, deviations } => ta::bollinger(close, window, deviations).1,
            Self::Macd { fast, slow, signal } => ta::macd(close, fast, slow, signal).0,
            Self::MacdSignal { fast, slow, signal } => ta::macd(close, fast, slow, signal).1,
            Self::Highest(n) => ta::highest(close, n),
            Self::Lowest(n) => ta::lowest(close, n),
            Self::Atr(n) => ta::atr(&columns.high, &columns.low, close, n),
        }
    }

    /// The first bar that [`Operand::values`] gives a value on.
    #[must_use]
    pub fn first_value(&self) -> usize {
        match *self {
            Self::Price(_) | Self::Constant(_) => 0,
            Self::Sma(n) | Self::Ema(n) | Self::Highest(n) | Self::Lowest(n) => n - 1,
            Self::Rsi(n) | Self::Atr(n) => n,
            Self::BollingerLower { window, .. } | Self::BollingerUpper { window, .. } => window - 1,
            Self::Macd { fast, slow, signal } | Self::MacdSignal { fast, slow, signal } => fast.max(slow) + signal - 2,
        }
    }
}
