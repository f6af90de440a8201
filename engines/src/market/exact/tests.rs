use super::*;
use proptest::prelude::*;

#[test]
fn the_unit_is_what_it_says() {
    let finest = |price| finest(price).expect("a price that is held");
    assert_eq!(PER_UNIT, 2.0_f64.powi(60) * 390_625.0);
    assert_eq!(finest(1.0) as f64, PER_UNIT);
    assert_eq!(finest(0.1) * 2, finest(0.2));
    assert_eq!(finest(0.1) + finest(0.2), finest(0.3), "decimals add up, unlike doubles");
    assert_eq!(finest(70_000_000.01) * 100, finest(1.0) * 7_000_000_001, "large decimals, too");
}

#[test]
fn what_is_not_held_exactly_is_refused() {
    for price in [1e100, -1e100, 2e10, f64::MAX, f64::NAN, f64::INFINITY, 1e-30, f64::MIN_POSITIVE, 5e-324] {
        assert_eq!(finest(price), None, "{price:e}");
    }
    for price in [0.0, -0.0, 1e-8, 2.0_f64.powi(-60), 1.7e10] {
        assert!(finest(price).is_some(), "{price:e}");
    }
}

#[test]
fn products_of_decimals_are_those_of_paper() {
    let of = |value| Decimal::shortest(value).expect("a decimal");
    let target = of(100.0).times(Decimal::ONE.plus(of(0.1)).expect("1.1")).expect("a product");
    assert_eq!((target.compare(of(110.0)), target.to_f64()), (Some(Ordering::Equal), 110.0));
    assert_eq!(of(1.1).times(of(0.9)).map(Decimal::to_f64), Some(0.99), "not 0.9900000000000001");
    assert_eq!(of(110.0).whole_quotient(of(1.1)), Some(100));
    assert_eq!((of(1.5e20).places(), of(1e-20).places(), of(12.5).places()), (0, 20, 1));
    assert_eq!((Decimal::shortest(1e300), Decimal::shortest(f64::NAN)), (None, None));
    assert_eq!(Decimal::ONE.plus(of(1e-300)), None, "what doesn't fit isn't guessed");
}

#[test]
fn figures_are_those_of_paper() {
    assert_eq!((tidy(0.1 + 0.2), tidy(110.000_000_000_000_01), tidy(0.0), tidy(-1e300)), (0.3, 110.0, 0.0, -1e300));
    assert_eq!((tidy(99.999_999_999_999_7), tidy(-0.300_000_000_000_002), tidy(8e14)), (100.0, -0.3, 8e14));
    assert_eq!((tidy(2.0 / 3.0), tidy(1e15 + 1.0)), (0.666_666_666_666_667, 1e15 + 1.0));
    assert_eq!((quotient(16.6, 10.0), quotient(16.6, 0.1), quotient(1.0, 3.0)), (1.66, 166.0, 1.0 / 3.0));
    assert_eq!((quotient(693.0826, 7.0), quotient(99.0, 0.0)), (99.0118, f64::INFINITY));
    assert_eq!((product(1.2, 1.5), product(0.1, 3.0), product(1e300, 10.0)), (1.8, 0.3, 1e301));
    assert_eq!((change(10_000.0, 11_000.0), change(1_000.0, 1_063.820_14)), (0.1, 0.063_820_14));
    assert_eq!((change(38.0, 42.05), change(110.0, 110.0)), (4.05 / 38.0, 0.0));
    assert!(change(0.0, 1.0).is_infinite() && change(1e300, 1e301) > 8.9);
    assert_eq!((snap(0.079_000_000_000_001_8), snap(-0.010_000_000_000_000_453), snap(-1e-17)), (0.079, -0.01, 0.0));
    assert_eq!(
        (snap(1.0 / 3.0), snap(-0.170_520_400_000_069_7), snap(1e200)),
        (1.0 / 3.0, -0.170_520_400_000_069_7, 1e200)
    );
    assert_eq!(snap(-0.119_062_713_025_990_1), -0.119_062_713_025_990_1, "near 12 places, and none");
    let many = |value: f64| Decimal { digits: (value * 1e18) as i128, places: 30 };
    assert!(many(5.0).plus(Decimal::new(7 * 10_i128.pow(10), 10)).is_some(), "trailing zeros cost no room");
}

fn any_finite() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite())
}

proptest! {
    #[test]
    fn order_is_kept(a in any_finite(), b in any_finite(), c in 0.001..1e10_f64, d in -3..4_i64) {
        let near = f64::from_bits(c.to_bits().wrapping_add_signed(d));
        for (a, b) in [(a, b), (c, near), (a, c)] {
            if let (Some(x), Some(y)) = (finest(a), finest(b)) {
                prop_assert_eq!(x.cmp(&y), a.partial_cmp(&b).expect("an order"));
                prop_assert_eq!(finest(-a), Some(-x));
            }
            if let Some(order) = Decimal::shortest(a).zip(Decimal::shortest(b)).and_then(|(a, b)| a.compare(b)) {
                prop_assert_eq!(order, a.partial_cmp(&b).expect("an order"));
            }
        }
    }

    #[test]
    fn a_decimal_reads_as_its_double(value in any_finite(), ticks in -1_000_000_000_000_i64..1_000_000_000_000) {
        for value in [value, ticks as f64 / 1e6, ticks as f64 / 1e4, ticks as f64] {
            if let Some(decimal) = Decimal::shortest(value) {
                prop_assert_eq!(decimal.to_f64(), value);
                prop_assert_eq!(decimal.trimmed().to_f64(), value);
                prop_assert_eq!(format!("{}e-{}", decimal.digits, decimal.places).parse(), Ok(value));
            }
        }
    }

    #[test]
    fn the_nearest_double_of_many_digits_is_that_of_their_text(digits in any::<i128>(), shift in 0..100, places in 0..40_u32) {
        let digits = digits >> shift;
        let read: f64 = format!("{digits}e-{places}").parse().expect("a number");
        prop_assert_eq!(Decimal { digits, places }.to_f64(), read);
        let tidied = tidy(read);
        prop_assert_eq!(tidy(tidied), tidied);
        prop_assert!((tidied - read).abs() <= read.abs() * 2e-14);
    }

    #[test]
    fn a_decimal_is_the_same_at_every_scale(ticks in 1..170_000_000_000_000_i64) {
        let price = ticks as f64 / 1e4;
        prop_assert_eq!(decimal(price, 1e4), Some(ticks));
        prop_assert_eq!(decimal(price, 1e8).is_none_or(|t| t == ticks * 10_000), true);
        prop_assert_eq!(finest(price).expect("held") * 10_000, i128::from(ticks) * finest(1.0).expect("held"));
    }

    #[test]
    fn products_compare_as_wider_numbers_do(
        a in any::<i64>(), b in 0..1_i64 << 62, c in any::<i64>(), d in 0..1_i64 << 62,
    ) {
        let (a, c) = (i128::from(a), i128::from(c));
        prop_assert_eq!(compare_products(a, b, c, d), (a * i128::from(b)).cmp(&(c * i128::from(d))));
        // Shifted beyond what 128 bits hold the products of, the order stays.
        prop_assert_eq!(compare_products(a << 63, b, c << 63, d), compare_products(a, b, c, d));
    }
}
