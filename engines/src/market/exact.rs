//! Prices as whole numbers, so that sums, products and comparisons of them are exact.
//!
//! A price with at most eight decimal places means that decimal, whatever the double beside it; any other double means
//! itself. Both are whole multiples of 1 / (2^60 × 5^8): what a price becomes depends on nothing but the price.
//! Products of prices and rates are taken of the shortest decimals that read as them ([`Decimal`]).

use std::cmp::Ordering;

/// Whole numbers in a price of 1.
pub const PER_UNIT: f64 = (1_u64 << 60) as f64 * 390_625.0;

/// Counts of ticks stay below this: up to here a double holds halves, and each tick has a double of its own.
const MOST_TICKS: f64 = (1_u64 << 52) as f64;
/// 2^-60 is the finest binary digit that is kept.
const BINARY_PLACES: i32 = 60;
/// Sums of 10,000 prices below this fit `i128` in the finest units.
const LARGEST_HELD: f64 = (1_u64 << 34) as f64;
const FIVE_TO_EIGHT: i128 = 390_625;

/// The nearest whole number of a double below 2^52: a cast is an instruction, `round` may be a call.
#[inline]
fn nearest(x: f64) -> i64 {
    (x + 0.5_f64.copysign(x)) as i64
}

/// A price in units of `1 / scale`, if it's a decimal of so few places.
#[inline]
#[must_use]
pub fn decimal(price: f64, scale: f64) -> Option<i64> {
    let scaled = price * scale;
    let ticks = nearest(scaled);
    (scaled.abs() < MOST_TICKS && ticks as f64 / scale == price).then_some(ticks)
}

/// A price in the finest units; `None` from 2^34 on, and for what has binary digits below 2^-60.
#[must_use]
pub fn finest(price: f64) -> Option<i128> {
    let size = price.abs();
    if size.is_nan() || size >= LARGEST_HELD {
        return None;
    }
    // 10^8 is 2^8 × 5^8.
    let at = |scale, up: i128| decimal(price, scale).map(|ticks| (i128::from(ticks) * up) << (BINARY_PLACES - 8));
    // The finest scale that the size leaves room for; near its end the finer one can miss what the coarser one has.
    let finer = if size * 1e8 < MOST_TICKS { at(1e8, 1) } else { None };
    if let Some(units) = finer.or_else(|| at(1e4, 10_000)) {
        return Some(units);
    }
    let bits = price.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let shift = exponent + BINARY_PLACES;
    let whole = if shift >= 0 {
        mantissa << shift
    } else {
        let dropped = shift.unsigned_abs();
        if mantissa.trailing_zeros() < dropped {
            return None;
        }
        mantissa >> dropped
    };
    Some(if price < 0.0 { -whole * FIVE_TO_EIGHT } else { whole * FIVE_TO_EIGHT })
}

/// How `a × b` stands to `c × d`, for factors `b` and `d` from 0 to 2^62 and any `a` and `c`.
#[must_use]
pub fn compare_products(a: i128, b: i64, c: i128, d: i64) -> Ordering {
    // Upper and lower halves: the lower one below 2^64, so that the pairs order as the products do.
    let product = |x: i128, by: i64| {
        let by = i128::from(by);
        let low = (x & i128::from(u64::MAX)) * by;
        ((x >> 64) * by + (low >> 64), low & i128::from(u64::MAX))
    };
    product(a, b).cmp(&product(c, d))
}

/// The decimal `digits` / 10^`places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    /// 1
    pub const ONE: Self = Self { digits: 1, places: 0 };

    /// So many of `places` behind the point.
    #[must_use]
    pub fn new(digits: i128, places: u32) -> Self {
        Self { digits, places }
    }

    /// A decimal of at most four places, which most prices are.
    #[inline]
    #[must_use]
    pub fn short(value: f64) -> Option<Self> {
        decimal(value, 1e4).map(|ticks| Self { digits: ticks.into(), places: 4 })
    }

    /// The shortest decimal that reads as this double: what a person typed who meant it. `None` for what is not finite
    /// or takes more than 38 digits before the point.
    #[must_use]
    pub fn shortest(value: f64) -> Option<Self> {
        if let Some(short) = Self::fifteen(value) {
            return Some(short);
        }
        if !value.is_finite() {
            return None;
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let after_point = mantissa.split_once('.').map_or(0, |(_, after)| after.len() as i32);
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        let places = after_point - exponent.parse::<i32>().ok()?;
        match u32::try_from(places) {
            Ok(places) => Some(Self { digits, places }),
            Err(_) => Some(Self { digits: digits.checked_mul(power(places.unsigned_abs())?)?, places: 0 }),
        }
    }

    /// A decimal of no more than the fifteen digits that every double holds; `None` for what has more, such as a third.
    #[must_use]
    pub fn fifteen(value: f64) -> Option<Self> {
        if let Some(short) = Self::short(value) {
            return Some(short);
        }
        let (places, scale) = fifteen_digits(value)?;
        let digits = nearest(value * scale);
        (digits as f64 / scale == value).then_some(Self { digits: digits.into(), places })
    }

    /// Its digits at so many places; `None` where it has more, or they don't fit.
    #[must_use]
    pub fn at(self, places: u32) -> Option<i128> {
        if let Some(more) = places.checked_sub(self.places) {
            return self.digits.checked_mul(power(more)?);
        }
        let unit = power(self.places - places)?;
        (self.digits % unit == 0).then_some(self.digits / unit)
    }

    /// How many places it takes.
    #[must_use]
    pub fn places(self) -> u32 {
        self.trimmed().places
    }

    fn trimmed(self) -> Self {
        let Self { mut digits, mut places } = self;
        if let Ok(mut few) = i64::try_from(digits) {
            while places > 0 && few % 10 == 0 {
                (few, places) = (few / 10, places - 1);
            }
            return Self { digits: few.into(), places };
        }
        while places > 0 && digits % 10 == 0 {
            (digits, places) = (digits / 10, places - 1);
        }
        Self { digits, places }
    }

    /// The sum, where it fits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = |a: Self, b: Self| {
            let places = a.places.max(b.places);
            Some(Self { digits: a.at(places)?.checked_add(b.at(places)?)?, places })
        };
        sum(self, other).or_else(|| sum(self.trimmed(), other.trimmed()))
    }

    /// The difference, where it fits.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { digits: other.digits.checked_neg()?, ..other })
    }

    /// The product, where it fits.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let product = |a: Self, b: Self| {
            Some(Self { digits: a.digits.checked_mul(b.digits)?, places: a.places.checked_add(b.places)? })
        };
        product(self, other).or_else(|| product(self.trimmed(), other.trimmed()))
    }

    /// How it stands to another one; `None` where their digits don't fit beside each other.
    #[must_use]
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let (a, b) = (self.trimmed(), other.trimmed());
        let places = a.places.max(b.places);
        Some(a.at(places)?.cmp(&b.at(places)?))
    }

    /// The whole part of `self / other`, for a positive `other`; `None` where their digits don't fit beside each other.
    #[must_use]
    pub fn whole_quotient(self, other: Self) -> Option<i128> {
        let (a, b) = (self.trimmed(), other.trimmed());
        let places = a.places.max(b.places);
        a.at(places)?.checked_div_euclid(b.at(places)?)
    }

    /// The quotient of two decimals: where neither has more digits than a double, rounded once. `None` where their
    /// digits don't fit beside each other, or the second is zero.
    #[must_use]
    pub fn ratio(self, other: Self) -> Option<f64> {
        const FEW: u128 = 1 << 53;
        let beside = |a: Self, b: Self| {
            let places = a.places.max(b.places);
            Some((a.at(places)?, b.at(places)?))
        };
        let few = |(a, b): &(i128, i128)| a.unsigned_abs() <= FEW && b.unsigned_abs() <= FEW;
        let found = beside(self, other).filter(few).or_else(|| beside(self.trimmed(), other.trimmed()));
        let (a, b) = found?;
        (b != 0).then_some(a as f64 / b as f64)
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let Some(power) = POWERS.get(self.places as usize) else {
            return format!("{}e-{}", self.digits, self.places).parse().unwrap_or(f64::NAN);
        };
        let high = self.digits as f64;
        // Both are doubles exactly, so that their quotient is rounded once.
        let quotient = high / power;
        if self.digits.unsigned_abs() < 1 << 53 {
            return quotient;
        }
        // Else what the roundings of the digits and of the quotient have dropped is added.
        let dropped = (self.digits - high as i128) as f64;
        quotient + ((-quotient).mul_add(*power, high) + dropped) / power
    }
}

/// Powers of ten that are doubles exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A power of ten that is a double exactly.
#[must_use]
pub fn power_of_ten(power: u32) -> Option<f64> {
    POWERS.get(power as usize).copied()
}

/// How many places leave a number fifteen digits, and the power of ten of them.
#[inline]
fn fifteen_digits(value: f64) -> Option<(u32, f64)> {
    let exponent = (value.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    // log10(2) is about 1233 / 4096.
    let places = usize::try_from(14 - ((exponent * 1_233) >> 12)).ok()?;
    let scale = *POWERS.get(places)?;
    if value.abs() * scale < 1e15 {
        return Some((places as u32, scale));
    }
    let places = places.checked_sub(1)?;
    Some((places as u32, POWERS[places]))
}

/// A figure that rounded steps led to, at the fifteen digits that every double holds: what is a short decimal on paper
/// is one here. Where one of twelve digits is within what those steps lose, it's meant: 99.9999999999997 is 100.
#[must_use]
pub fn tidy(value: f64) -> f64 {
    const LOST: f64 = 1e-14;
    let Some((_, scale)) = fifteen_digits(value) else { return value };
    let tidied = nearest(value * scale) as f64 / scale;
    let coarse = scale / 1e3;
    let short = nearest(value * coarse) as f64 / coarse;
    if scale >= 1e3 && (short - tidied).abs() <= LOST * tidied.abs() { short } else { tidied }
}

/// A ratio of figures of fifteen digits, of which it carries the rounding: where a decimal of ten places is within
/// that, it's meant, so that 0.0790000000000018 is 0.079. (Of twelve places, one of fifty ratios is near one by chance.)
#[must_use]
pub fn snap(value: f64) -> f64 {
    const PLACES: f64 = 1e10;
    const ROUNDING: f64 = 1e-14;
    let short = nearest(value * PLACES) as f64 / PLACES;
    if (short - value).abs() <= ROUNDING { short } else { value }
}

/// `a × b` of the decimals that these are.
#[must_use]
pub fn product(a: f64, b: f64) -> f64 {
    let exact = || Decimal::shortest(a)?.times(Decimal::shortest(b)?);
    exact().map_or(a * b, Decimal::to_f64)
}

/// `a / b` of the decimals that these are.
#[must_use]
pub fn quotient(a: f64, b: f64) -> f64 {
    // Prices by whole ratios, which most are: both sides are doubles exactly.
    if b.fract() == 0.0
        && (1.0..1e6).contains(&b)
        && let Some(ticks) = decimal(a, 1e4)
    {
        return ticks as f64 / (b * 1e4);
    }
    let exact = || by_fraction(a, b).or_else(|| Decimal::shortest(a)?.ratio(Decimal::shortest(b)?));
    exact().unwrap_or(a / b)
}

/// `a / b` where `b` is no short decimal, but a fraction of small whole numbers, such as the 7 / 6 of a bonus share for six:
/// rounded once.
fn by_fraction(a: f64, b: f64) -> Option<f64> {
    const LARGEST: i64 = 100;
    if !(1e-4..1e4).contains(&b) || decimal(b, 1e4).is_some() {
        return None;
    }
    let ticks = decimal(a, 1e4)?;
    let lower = (2..=LARGEST).find(|&lower| nearest(b * lower as f64) as f64 / lower as f64 == b)?;
    let (above, below) = (ticks.checked_mul(lower)?, nearest(b * lower as f64).checked_mul(10_000)?);
    (above.abs() < MOST_TICKS as i64).then_some(above as f64 / below as f64)
}

/// By what share of it a figure has changed: `to / from − 1`, of the decimals that these are.
#[must_use]
pub fn change(from: f64, to: f64) -> f64 {
    for scale in [1e4, 1e8] {
        if let (Some(from), Some(to)) = (decimal(from, scale), decimal(to, scale)) {
            return (to - from) as f64 / from as f64;
        }
    }
    let exact = || {
        let from = Decimal::shortest(from)?;
        Decimal::shortest(to)?.minus(from)?.ratio(from)
    };
    snap(exact().unwrap_or((to - from) / from))
}

/// Powers of ten that fit.
const TENS: [i128; 39] = {
    let mut tens = [1; 39];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

#[inline]
fn power(places: u32) -> Option<i128> {
    TENS.get(places as usize).copied()
}

#[cfg(test)]
mod tests;
