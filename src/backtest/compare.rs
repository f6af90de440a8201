//! Comparing operands exactly.
//!
//! A price that equals its average must be seen as equal, which rolling sums of floats don't promise. Prices become
//! whole numbers ([`exact`]), averages sums of them over a number of bars, and fractions are compared by
//! cross-multiplication. Where every price is a short decimal, small whole numbers decide the same faster.

use crate::market::{Columns, Operand, PriceField, exact};

/// Whole numbers that prices are counted in: `i64` where everything fits, else `i128`.
pub(super) trait Tick:
    Copy + Ord + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self>
{
    fn of(value: i128) -> Self;
    /// A price in ticks; callers have checked that it fits.
    fn of_price(price: f64, unit: Unit) -> Self;
}

impl Tick for i64 {
    fn of(value: i128) -> Self {
        value as Self
    }

    #[inline]
    fn of_price(price: f64, unit: Unit) -> Self {
        match unit {
            Unit::Decimal(scale) => exact::decimal(price, scale).unwrap_or_default(),
            Unit::Finest => unit.tick(price) as Self,
        }
    }
}

impl Tick for i128 {
    fn of(value: i128) -> Self {
        value
    }

    fn of_price(price: f64, unit: Unit) -> Self {
        unit.tick(price)
    }
}

/// How prices become ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// Ticks are 1 / `.0`, a power of ten that every price is a whole multiple of.
    Decimal(f64),
    /// Ticks are [`exact::finest`].
    Finest,
}

/// Scales that are tried; exchanges quote at most four places, some vendors six.
const SCALES: [f64; 4] = [1e2, 1e4, 1e6, 1e8];

impl Unit {
    /// The coarsest unit that every value is a whole multiple of. It changes how fast is decided, never what.
    fn of(values: &[&[f64]]) -> Self {
        let all = || values.iter().copied().flatten().copied();
        let fits = |scale: f64| all().all(|v| exact::decimal(v, scale).is_some());
        SCALES.iter().find(|&&scale| fits(scale)).map_or(Self::Finest, |&scale| Self::Decimal(scale))
    }

    #[inline]
    fn tick(self, v: f64) -> i128 {
        match self {
            Self::Decimal(scale) => i128::from(exact::decimal(v, scale).unwrap_or_default()),
            Self::Finest => exact::finest(v),
        }
    }
}

/// A column of fractions with one denominator, from the bar `first` on.
#[derive(Debug, Clone)]
struct Fractions<T> {
    numerators: Vec<T>,
    denominator: T,
    first: usize,
}

/// Products up to these fit `i64` and `i128`, with room for a sum.
const NARROW: u128 = 1 << 62;
const WIDE: u128 = 1 << 126;

fn largest(values: &[&[f64]], unit: Unit) -> u128 {
    unit.tick(values.iter().copied().flatten().fold(0.0, |most: f64, v| most.max(v.abs()))).unsigned_abs()
}

/// Stands for the sign of what can't be compared.
pub(super) const NO_SIGN: i8 = i8::MIN;

/// Signs of `left − right` on every bar: −1, 0 or 1, and [`NO_SIGN`] where one of them has no value.
pub(super) fn signs(columns: &Columns, left: &Operand, right: &Operand) -> Vec<i8> {
    if let (Some(l), Some(r)) = (Exact::of(columns, left), Exact::of(columns, right)) {
        let mut inputs = l.inputs.clone();
        inputs.extend(&r.inputs);
        let unit = Unit::of(&inputs);
        let largest = largest(&inputs, unit);
        let most = largest.saturating_mul(l.window as u128).saturating_mul(r.window as u128);
        let n = columns.len();
        if most < NARROW {
            return compare(&l.fractions::<i64>(n, unit), &r.fractions::<i64>(n, unit));
        }
        if most < WIDE {
            return compare(&l.fractions::<i128>(n, unit), &r.fractions::<i128>(n, unit));
        }
    }
    let (left, right) = (left.values(columns), right.values(columns));
    left.iter().zip(&right).map(|(l, r)| l.partial_cmp(r).map_or(NO_SIGN, |order| order as i8)).collect()
}

fn compare<T: Tick>(left: &Fractions<T>, right: &Fractions<T>) -> Vec<i8> {
    let pairs = left.numerators.iter().zip(&right.numerators);
    let mut signs: Vec<i8> = pairs.map(|(&l, &r)| (l * right.denominator).cmp(&(r * left.denominator)) as i8).collect();
    let first = left.first.max(right.first).min(signs.len());
    signs[..first].fill(NO_SIGN);
    signs
}

/// An operand whose values are sums of prices over a whole number.
struct Exact<'a> {
    operand: Operand,
    inputs: Vec<&'a [f64]>,
    window: usize,
}

impl<'a> Exact<'a> {
    fn of(columns: &'a Columns, operand: &'a Operand) -> Option<Self> {
        let (inputs, window): (&[f64], usize) = match operand {
            Operand::Price(PriceField::Open) => (&columns.open, 1),
            Operand::Price(PriceField::High) => (&columns.high, 1),
            Operand::Price(PriceField::Low) => (&columns.low, 1),
            Operand::Price(PriceField::Close) | Operand::Highest(_) | Operand::Lowest(_) => (&columns.close, 1),
            Operand::Sma(window) => (&columns.close, *window),
            Operand::Constant(value) => (std::slice::from_ref(value), 1),
            _ => return None,
        };
        Some(Self { operand: *operand, inputs: vec![inputs], window })
    }

    fn fractions<T: Tick>(&self, len: usize, unit: Unit) -> Fractions<T> {
        let input = self.inputs[0];
        let ticks = |values: &[f64]| values.iter().map(|&v| T::of_price(v, unit)).collect::<Vec<T>>();
        let numerators = match self.operand {
            Operand::Constant(value) => vec![T::of_price(value, unit); len],
            Operand::Sma(window) => rolling_sums(&ticks(input), window),
            // Extremes are prices, or NaN before the window is full, which `first` covers.
            Operand::Highest(window) => ticks(&without_gaps(crate::market::indicators::highest(input, window))),
            Operand::Lowest(window) => ticks(&without_gaps(crate::market::indicators::lowest(input, window))),
            _ => ticks(input),
        };
        Fractions { numerators, denominator: T::of(self.window as i128), first: self.operand.first_value() }
    }
}

fn without_gaps(mut values: Vec<f64>) -> Vec<f64> {
    values.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = 0.0);
    values
}

/// Sums over the last `window` values; meaningless before the window is full.
fn rolling_sums<T: Tick>(ticks: &[T], window: usize) -> Vec<T> {
    let mut sum = T::of(0);
    ticks
        .iter()
        .enumerate()
        .map(|(t, &tick)| {
            sum = sum + tick;
            if t >= window {
                sum = sum - ticks[t - window];
            }
            sum
        })
        .collect()
}

/// The close and its moving averages in whole numbers, for many windows over one series.
pub(super) enum CloseTicks {
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

impl CloseTicks {
    /// `None` where the closes are too large for exact sums.
    pub(super) fn of(close: &[f64], longest_window: usize) -> Option<Self> {
        let unit = Unit::of(&[close]);
        let most = largest(&[close], unit).saturating_mul(longest_window as u128);
        if most < NARROW {
            return Some(Self::Narrow(close.iter().map(|&v| i64::of_price(v, unit)).collect()));
        }
        (most < WIDE).then(|| Self::Wide(close.iter().map(|&v| unit.tick(v)).collect()))
    }

    /// On which side of its average over `window` the close is, given to `each` bar by bar as −1, 0 or 1.
    pub(super) fn sides(&self, window: usize, each: impl FnMut(i8)) {
        match self {
            Self::Narrow(ticks) => sides(ticks, window, each),
            Self::Wide(ticks) => sides(ticks, window, each),
        }
    }
}

fn sides<T: Tick>(ticks: &[T], window: usize, mut each: impl FnMut(i8)) {
    let denominator = T::of(window as i128);
    let mut sum = T::of(0);
    for (t, &tick) in ticks.iter().enumerate() {
        sum = sum + tick;
        if t >= window {
            sum = sum - ticks[t - window];
        }
        each(if t + 1 < window { 0 } else { (tick * denominator).cmp(&sum) as i8 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns(close: Vec<f64>) -> Columns {
        let n = close.len();
        Columns {
            days: (0..n as i32).collect(),
            open: close.clone(),
            high: close.clone(),
            low: close.clone(),
            close,
            volume: vec![1; n],
        }
    }

    const CLOSE: Operand = Operand::Price(PriceField::Close);

    #[test]
    fn a_tie_of_price_and_average_is_seen_as_one() {
        // In floats, (0.1 + 0.2 + 0.3) / 3 is 0.20000000000000004.
        let closes = columns(vec![0.1, 0.3, 0.2, 0.2, 0.2]);
        assert_eq!(signs(&closes, &CLOSE, &Operand::Sma(3)), [NO_SIGN, NO_SIGN, 0, -1, 0]);
        let constants = signs(&closes, &Operand::Constant(0.2), &Operand::Sma(3));
        assert_eq!(constants, [NO_SIGN, NO_SIGN, 0, -1, 0]);
    }

    proptest! {
        #[test]
        fn both_units_decide_as_rational_numbers_do(
            ticks in proptest::collection::vec(1..4_000_i64, 1..60),
            window in 1..12_usize,
            binary in any::<bool>(),
        ) {
            // Thirds are no short decimals.
            let place = |t: i64| if binary { t as f64 / 3.0 } else { t as f64 / 10_000.0 };
            let closes = columns(ticks.iter().map(|&t| place(t)).collect());
            let found = signs(&closes, &CLOSE, &Operand::Sma(window));
            if !binary {
                for t in 0..ticks.len() {
                    let expected = (t + 1 >= window).then(|| {
                        let sum: i64 = ticks[t + 1 - window..=t].iter().sum();
                        (ticks[t] * window as i64).cmp(&sum) as i8
                    });
                    prop_assert_eq!(found[t], expected.unwrap_or(NO_SIGN));
                }
            }
            let mut quick = Vec::new();
            let side = CloseTicks::of(&closes.close, window).expect("a unit");
            side.sides(window, |s| quick.push(s));
            prop_assert_eq!(quick, found.iter().map(|&s| if s == NO_SIGN { 0 } else { s }).collect::<Vec<_>>());
        }
    }
}
