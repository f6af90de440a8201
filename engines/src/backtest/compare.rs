//! Comparing operands exactly.
//!
//! Doubles order as the decimals do that they were read from, so prices and constants are compared as they are. A price
//! that equals its average must be seen as equal, too, which rolling sums of floats don't promise. There prices become
//! whole numbers ([`exact`]), averages sums of them over a number of bars, and fractions are compared by
//! cross-multiplication. Where every price is a short decimal, or one divided by a split, small whole numbers decide. Bars with a
//! number in sight that [`exact`] doesn't hold (from 2^34 on, or with digits below 2^-60) are decided by the values'
//! nearest doubles.

use std::cmp::Ordering;

use crate::market::{Columns, Operand, PriceField, exact};

/// Whole numbers that prices are counted in: `i64` where everything fits, else `i128`.
pub(super) trait Tick:
    Copy + Ord + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self>
{
    fn of(value: i64) -> Self;
    /// A price in ticks; zero for what the unit doesn't hold.
    fn of_price(price: f64, unit: Unit) -> Self;
    /// How `self × by` stands to `other × its`.
    fn compare(self, by: i64, other: Self, its: i64) -> Ordering;
}

impl Tick for i64 {
    fn of(value: i64) -> Self {
        value
    }

    #[inline]
    fn of_price(price: f64, unit: Unit) -> Self {
        match unit {
            Unit::Parts(scale) => exact::decimal(price, scale).unwrap_or_default(),
            Unit::Finest => unit.tick(price) as Self,
        }
    }

    #[inline]
    fn compare(self, by: i64, other: Self, its: i64) -> Ordering {
        (self * by).cmp(&(other * its))
    }
}

impl Tick for i128 {
    fn of(value: i64) -> Self {
        value.into()
    }

    fn of_price(price: f64, unit: Unit) -> Self {
        unit.tick(price)
    }

    #[inline]
    fn compare(self, by: i64, other: Self, its: i64) -> Ordering {
        exact::compare_products(self, by, other, its)
    }
}

/// How prices become ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// Ticks are 1 / `.0`, a whole number of which every price is a multiple: a power of ten, or a few times one where
    /// splits have made fractions of decimals.
    Parts(f64),
    /// Ticks are [`exact::finest`].
    Finest,
}

/// Scales that are tried; exchanges quote at most four places, some vendors six.
const SCALES: [f64; 4] = [1e2, 1e4, 1e6, 1e8];
/// Of these, the ones whose decimals splits may have divided.
const DIVIDED: [f64; 2] = [1e4, 1e8];
/// What splits divide by at most, all together. With few of them, no double that means something else is near a part by chance.
const MOST_PARTS: f64 = 10_000.0;
/// One split's: whole numbers that a power of ten has no share in.
const DIVISORS: std::ops::Range<u32> = 3..100;

impl Unit {
    /// The coarsest unit that every value is a whole multiple of. Among decimals it changes how fast is decided, never what; where
    /// some are thirds or sevenths of decimals, as a split of 3 or 7 for 1 leaves them, and all others are those or decimals,
    /// they are what they were divided from.
    fn of(values: &[&[f64]]) -> Self {
        let all = || values.iter().copied().flatten().copied();
        let fits = |scale: f64| all().all(|v| exact::decimal(v, scale).is_some());
        let whole = SCALES.iter().copied().find(|&scale| fits(scale));
        let divided = || DIVIDED.iter().find_map(|&scale| Some(scale * parts(all(), scale)?));
        whole.or_else(divided).map_or(Self::Finest, Self::Parts)
    }

    #[inline]
    fn tick(self, v: f64) -> i128 {
        match self {
            Self::Parts(scale) => i128::from(exact::decimal(v, scale).unwrap_or_default()),
            Self::Finest => exact::finest(v).unwrap_or_default(),
        }
    }
}

/// The least number of parts of `1 / scale` that every value is a whole multiple of; `None` where there is none below
/// [`MOST_PARTS`].
fn parts(values: impl Iterator<Item = f64>, scale: f64) -> Option<f64> {
    let mut parts = 1.0;
    for value in values {
        if exact::decimal(value, scale * parts).is_some() {
            continue;
        }
        let divisors = DIVISORS.filter(|by| by % 2 != 0 && by % 5 != 0).map(|by| parts * f64::from(by));
        parts = divisors
            .take_while(|&more| more <= MOST_PARTS)
            .find(|more| exact::decimal(value, scale * more).is_some())?;
    }
    Some(parts)
}

/// A column of fractions with one denominator, from the bar `first` on.
#[derive(Debug, Clone)]
struct Fractions<T> {
    numerators: Vec<T>,
    denominator: i64,
    first: usize,
}

/// Products up to this fit `i64`, with room for a sum.
const NARROW: u128 = 1 << 62;

fn largest(values: &[&[f64]], unit: Unit) -> u128 {
    unit.tick(values.iter().copied().flatten().fold(0.0, |most: f64, v| most.max(v.abs()))).unsigned_abs()
}

/// Stands for the sign of what can't be compared.
pub(super) const NO_SIGN: i8 = i8::MIN;

/// Signs of `left − right` on every bar: −1, 0 or 1, and [`NO_SIGN`] where one of them has no value.
pub(super) fn signs(columns: &Columns, left: &Operand, right: &Operand) -> Vec<i8> {
    let (l, r) = match (Exact::of(columns, left), Exact::of(columns, right)) {
        (Some(l), Some(r)) if l.window > 1 || r.window > 1 => (l, r),
        _ => return float_signs(columns, left, right),
    };
    let n = columns.len();
    let inputs = [l.input, r.input];
    let unit = Unit::of(&inputs);
    let most = largest(&inputs, unit).saturating_mul(l.window as u128).saturating_mul(r.window as u128);
    if unit != Unit::Finest && most < NARROW {
        return compare(&l.fractions::<i64>(n, unit), &r.fractions::<i64>(n, unit));
    }
    let mut signs = compare(&l.fractions::<i128>(n, unit), &r.fractions::<i128>(n, unit));
    if unit == Unit::Finest && !inputs.iter().copied().flatten().all(|&v| exact::finest(v).is_some()) {
        let by_floats = float_signs(columns, left, right);
        for (held, (sign, by_floats)) in l.held(n).zip(r.held(n)).zip(signs.iter_mut().zip(by_floats)) {
            if held != (true, true) {
                *sign = by_floats;
            }
        }
    }
    signs
}

fn float_signs(columns: &Columns, left: &Operand, right: &Operand) -> Vec<i8> {
    let (left, right) = (left.values(columns), right.values(columns));
    left.iter().zip(&right).map(|(l, r)| l.partial_cmp(r).map_or(NO_SIGN, |order| order as i8)).collect()
}

fn compare<T: Tick>(left: &Fractions<T>, right: &Fractions<T>) -> Vec<i8> {
    let pairs = left.numerators.iter().zip(&right.numerators);
    let mut signs: Vec<i8> = pairs.map(|(&l, &r)| l.compare(right.denominator, r, left.denominator) as i8).collect();
    let first = left.first.max(right.first).min(signs.len());
    signs[..first].fill(NO_SIGN);
    signs
}

/// An operand whose values are sums of prices over a whole number.
struct Exact<'a> {
    operand: Operand,
    input: &'a [f64],
    window: usize,
}

impl<'a> Exact<'a> {
    fn of(columns: &'a Columns, operand: &'a Operand) -> Option<Self> {
        let (input, window): (&[f64], usize) = match operand {
            Operand::Price(PriceField::Open) => (&columns.open, 1),
            Operand::Price(PriceField::High) => (&columns.high, 1),
            Operand::Price(PriceField::Low) => (&columns.low, 1),
            Operand::Price(PriceField::Close) | Operand::Highest(_) | Operand::Lowest(_) => (&columns.close, 1),
            Operand::Sma(window) => (&columns.close, *window),
            Operand::Constant(value) => (std::slice::from_ref(value), 1),
            _ => return None,
        };
        Some(Self { operand: *operand, input, window })
    }

    /// The values of an operand that is a price on every bar; zero where the window of an extreme isn't full.
    fn prices(&self, len: usize) -> Vec<f64> {
        match self.operand {
            Operand::Constant(value) => vec![value; len],
            Operand::Highest(window) => without_gaps(crate::market::indicators::highest(self.input, window)),
            Operand::Lowest(window) => without_gaps(crate::market::indicators::lowest(self.input, window)),
            _ => self.input.to_vec(),
        }
    }

    fn fractions<T: Tick>(&self, len: usize, unit: Unit) -> Fractions<T> {
        let ticks: Vec<T> = self.prices(len).into_iter().map(|v| T::of_price(v, unit)).collect();
        let numerators = if self.window > 1 { rolling_sums(&ticks, self.window) } else { ticks };
        Fractions { numerators, denominator: self.window as i64, first: self.operand.first_value() }
    }

    /// Whether whole numbers hold everything that its value on a bar is made of.
    fn held(&self, len: usize) -> impl Iterator<Item = bool> {
        let window = self.window;
        let mut clean = 0;
        self.prices(len).into_iter().map(move |v| {
            clean = if exact::finest(v).is_some() { clean + 1 } else { 0 };
            clean >= window
        })
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
    /// `None` where a close is not held exactly.
    pub(super) fn of(close: &[f64], longest_window: usize) -> Option<Self> {
        let unit = Unit::of(&[close]);
        let most = largest(&[close], unit).saturating_mul(longest_window as u128);
        if unit != Unit::Finest && most < NARROW {
            return Some(Self::Narrow(close.iter().map(|&v| i64::of_price(v, unit)).collect()));
        }
        let held = unit != Unit::Finest || close.iter().all(|&v| exact::finest(v).is_some());
        held.then(|| Self::Wide(close.iter().map(|&v| unit.tick(v)).collect()))
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
    let denominator = T::of(window as i64);
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
    fn a_tie_stays_one_across_any_split() {
        for (ratio, days) in [(3.0, 3), (1.5, 3), (7.0, 4), (7.0 / 6.0, 4), (9.0, 3), (1.1, 3), (21.0, 3)] {
            // As traded, the last price before the split is the average of those up to it.
            let traded: Vec<f64> = [109.56, 109.58, 109.57, 109.57].into_iter().take(days).collect();
            let mut closes: Vec<f64> = traded.iter().map(|price| exact::quotient(*price, ratio)).collect();
            closes.extend([36.52, 36.53]);
            let found = signs(&columns(closes.clone()), &CLOSE, &Operand::Sma(3));
            assert_eq!(found[2], 0, "{ratio}: {closes:?}");
            let mut quick = Vec::new();
            CloseTicks::of(&closes, 3).expect("ticks").sides(3, |side| quick.push(side));
            assert_eq!(quick[2], 0, "{ratio}");
            assert_eq!(&quick[2..], &found[2..], "{ratio}");
        }
    }

    #[test]
    fn a_tie_of_price_and_average_is_seen_as_one() {
        // In floats, (0.1 + 0.2 + 0.3) / 3 is 0.20000000000000004.
        let closes = columns(vec![0.1, 0.3, 0.2, 0.2, 0.2]);
        assert_eq!(signs(&closes, &CLOSE, &Operand::Sma(3)), [NO_SIGN, NO_SIGN, 0, -1, 0]);
        let constants = signs(&closes, &Operand::Constant(0.2), &Operand::Sma(3));
        assert_eq!(constants, [NO_SIGN, NO_SIGN, 0, -1, 0]);
    }

    /// Any finite double, and now and then one of the ordinary ones, so that neighbours and ties come up.
    fn any_price() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite()),
            (1..50_u32).prop_map(|t| f64::from(t) / 10.0),
            (0..4_u64).prop_map(|ulps| f64::from_bits(100.0_f64.to_bits() + ulps)),
        ]
    }

    #[test]
    fn constants_of_any_size_are_compared_as_they_are() {
        let closes = columns(vec![100.0; 8]);
        for size in [1e12, 1e15, 1e39, 1e100, 1e200, 1.7e308] {
            assert_eq!(signs(&closes, &CLOSE, &Operand::Constant(size)), [-1; 8]);
            assert_eq!(signs(&closes, &CLOSE, &Operand::Constant(-size)), [1; 8]);
            for window in [2, 3, 8] {
                let average = Operand::Sma(window);
                assert_eq!(signs(&closes, &Operand::Constant(size), &average)[7], 1, "{size:e}");
                assert_eq!(signs(&closes, &average, &Operand::Constant(-size))[7], 1, "{size:e}");
                let large = columns(vec![size; 8]);
                assert_eq!(signs(&large, &CLOSE, &average)[7], 0, "{size:e} and its average");
                assert_eq!(signs(&large, &Operand::Sma(2), &average)[7], 0, "two averages of {size:e}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

        #[test]
        fn finite_doubles_compare_as_doubles(close in proptest::collection::vec(any_price(), 1..8), constant in any_price()) {
            let order = |a: f64, b: f64| a.partial_cmp(&b).expect("an order") as i8;
            let columns = columns(close.clone());
            let expected: Vec<i8> = close.iter().map(|&c| order(c, constant)).collect();
            for close in [CLOSE, Operand::Sma(1), Operand::Highest(1), Operand::Lowest(1)] {
                prop_assert_eq!(&signs(&columns, &close, &Operand::Constant(constant)), &expected);
                prop_assert_eq!(&signs(&columns, &CLOSE, &close), &vec![0; expected.len()]);
            }
            // A constant above or below every price is above or below their average.
            let window = close.len();
            let outside = close.iter().all(|&c| c < constant) || close.iter().all(|&c| c > constant);
            if outside && window > 1 {
                let found = signs(&columns, &Operand::Sma(window), &Operand::Constant(constant));
                // The average of neighbouring doubles may be rounded up to the constant.
                let average = Operand::Sma(window).values(&columns)[window - 1];
                prop_assert!(found[window - 1] == expected[0] || average == constant, "{found:?}");
            }
        }

        #[test]
        fn long_windows_of_large_prices_compare_as_fractions(
            ticks in proptest::collection::vec(1..40_i64, 30..60), one in 2..20_usize, two in 2..20_usize, third in any::<bool>(),
        ) {
            // Up to nearly 2^34, which is the largest that is held.
            // One division rounds once, so that a decimal is the double nearest to it.
            let (unit, parts) = if third { (1_288_490_188.0, 3.0) } else { (4_294_967_296.0, 10.0) };
            let closes = columns(ticks.iter().map(|&t| t as f64 * unit / parts).collect());
            let found = signs(&closes, &Operand::Sma(one), &Operand::Sma(two));
            for t in one.max(two) - 1..ticks.len() {
                let sum = |w: usize| ticks[t + 1 - w..=t].iter().sum::<i64>();
                let order = (sum(one) * two as i64).cmp(&(sum(two) * one as i64)) as i8;
                // Thirds are rounded each, so that ties of them needn't be ties.
                prop_assert!(found[t] == order || third && order == 0);
            }
        }

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
