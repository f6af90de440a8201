//! Prices as whole numbers, so that sums and comparisons of them are exact.
//!
//! A price with at most eight decimal places means that decimal, whatever the double beside it; any other double means
//! itself. Both are whole multiples of 1 / (2^60 × 5^8): what a price becomes depends on nothing but the price.

/// Whole numbers in a price of 1.
pub const PER_UNIT: f64 = (1_u64 << 60) as f64 * 390_625.0;

/// The finest decimal that is looked for.
const FINEST: f64 = 1e8;
/// Decimals beyond this don't fit a double at the finest scale.
const LARGEST_DECIMAL: f64 = 9.0e7;
/// 2^-60 is the finest binary digit that is kept; below it a price is rounded.
const BINARY_PLACES: i32 = 60;
const FIVE_TO_EIGHT: i128 = 390_625;

/// The nearest whole number of a double below 2^53: a cast is an instruction, `round` may be a call.
#[inline]
fn nearest(x: f64) -> i64 {
    (x + 0.5_f64.copysign(x)) as i64
}

/// A price in units of `1 / scale`, if it's a decimal of so few places.
#[inline]
#[must_use]
pub fn decimal(price: f64, scale: f64) -> Option<i64> {
    let ticks = nearest(price * scale);
    (price.abs() < LARGEST_DECIMAL && ticks as f64 / scale == price).then_some(ticks)
}

/// A price in the finest units. Finite prices below 2^40 in size are exact down to 2^-60.
#[must_use]
pub fn finest(price: f64) -> i128 {
    if let Some(ticks) = decimal(price, FINEST) {
        // 10^8 is 2^8 × 5^8.
        return i128::from(ticks) << (BINARY_PLACES - 8);
    }
    let bits = price.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let shift = exponent + BINARY_PLACES;
    let size = if shift >= 0 { mantissa << shift.min(60) } else { mantissa >> (-shift).min(126) };
    if price < 0.0 { -size * FIVE_TO_EIGHT } else { size * FIVE_TO_EIGHT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_unit_is_what_it_says() {
        assert_eq!(PER_UNIT, 2.0_f64.powi(60) * 390_625.0);
        assert_eq!(finest(1.0) as f64, PER_UNIT);
        assert_eq!(finest(0.1) * 2, finest(0.2));
        assert_eq!(finest(0.1) + finest(0.2), finest(0.3), "decimals add up, unlike doubles");
    }

    proptest! {
        #[test]
        fn order_is_kept(a in 0.001..1e6_f64, b in 0.001..1e6_f64) {
            prop_assert_eq!(finest(a).cmp(&finest(b)), a.total_cmp(&b));
            prop_assert_eq!(finest(-a), -finest(a));
        }

        #[test]
        fn a_decimal_is_the_same_at_every_scale(ticks in 1..900_000_000_i64) {
            let price = ticks as f64 / 1e4;
            prop_assert_eq!(decimal(price, 1e4), Some(ticks));
            prop_assert_eq!(finest(price) * 10_000, i128::from(ticks) * finest(1.0));
        }
    }
}
