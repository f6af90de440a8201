use super::*;

fn row(kind: Kind, ratio: Option<f64>, amount: Option<&str>) -> Model {
    Model {
        id: 0,
        exchange: Exchange::Nse,
        symbol_id: Some(1),
        ticker: "ABC".to_owned(),
        isin: None,
        kind,
        ex_day: 0,
        ratio,
        amount: amount.map(str::to_owned),
        subject: String::new(),
        source: DataSource::Nse,
        applied: false,
        doubt: None,
        fingerprint: String::new(),
        created_at: 0,
    }
}

fn bonus(ratio: f64) -> Model {
    row(Kind::Bonus, Some(ratio), None)
}

fn dividend(amount: &str) -> Model {
    row(Kind::Dividend, None, Some(amount))
}

/// Which of these are applied, where a share that closed at 1000 opens; all others have a doubt.
fn applied(rows: &[Model], open: f64) -> Vec<bool> {
    let judged = judged(rows, &ExDay { day: 0, open, previous_close: 1000.0 });
    assert!(judged.iter().all(|row| row.applied == row.doubt.is_none()), "{judged:?}");
    judged.iter().map(|row| row.applied).collect()
}

#[test]
fn a_large_dividend_is_held_against_the_open_and_a_small_one_is_not() {
    assert_eq!(applied(&[dividend("500")], 500.0), [true]);
    assert_eq!(applied(&[dividend("500"), dividend("5")], 1002.0), [false, true]);
    assert_eq!(applied(&[dividend("20")], 1100.0), [true]);
    assert_eq!(applied(&[dividend("1000"), dividend("1500")], 1000.0), [false, false]);
}

#[test]
fn a_bonus_is_held_against_the_close_without_the_dividends() {
    assert_eq!(applied(&[bonus(1.1), dividend("400")], 545.0), [true, true]);
    assert_eq!(applied(&[bonus(1.1), dividend("400")], 1000.0), [false, false]);
    assert_eq!(applied(&[bonus(2.0), dividend("400")], 505.0), [true, false]);
    assert_eq!(applied(&[bonus(2.0), dividend("400")], 605.0), [false, true]);
}

#[test]
fn of_two_ratios_of_one_kind_the_one_that_fits_is_applied() {
    assert_eq!(applied(&[bonus(1.25), bonus(2.0)], 500.0), [false, true]);
    assert_eq!(applied(&[bonus(1.25), bonus(2.0)], 400.0), [true, true]);
    assert_eq!(applied(&[bonus(1.25), bonus(2.0)], 1000.0), [false, false]);
    assert_eq!(applied(&[bonus(2.0), bonus(2.0)], 500.0), [true, false], "said of two tickers");
    let split = row(Kind::Split, Some(10.0), None);
    assert_eq!(applied(&[bonus(2.0), split], 50.0), [true, true]);
}

#[test]
fn what_is_not_read_keeps_its_doubt() {
    let demerger = Model { doubt: Some("no ratio".to_owned()), ..row(Kind::Other, None, None) };
    assert_eq!(
        judged(std::slice::from_ref(&demerger), &ExDay { day: 0, open: 500.0, previous_close: 1000.0 }),
        [demerger]
    );
}
