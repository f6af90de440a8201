use super::*;

const DAY: Day = 19_927;

fn raw(subjects: &[&str]) -> Vec<RawAction> {
    let action = |subject: &&str| RawAction {
        exchange: Exchange::Nse,
        ticker: "ABC".to_owned(),
        isin: None,
        subject: (*subject).to_owned(),
        ex_day: DAY,
        face_value: None,
    };
    subjects.iter().map(action).collect()
}

fn rows(subjects: &[&str]) -> Vec<Model> {
    rows_of(&Register::default(), &raw(subjects))
}

/// As it was stored when fingerprints of dividends held no subject.
fn stored_before(subject: &str) -> Model {
    let row = rows(&[subject]).remove(0);
    let key = format!("NSE|ABC|{DAY}|Dividend|{}", row.amount.as_deref().unwrap_or_default());
    Model { fingerprint: hex::encode(&Sha256::digest(key.as_bytes())[..16]), ..row }
}

/// The stored subjects that go when these are announced.
fn gone(stored: &[Model], subjects: &[&str]) -> Vec<String> {
    let gone = superseded(stored.to_vec(), &rows(subjects), &raw(subjects));
    gone.into_iter().map(|row| row.subject).collect()
}

const FINAL: &str = "Dividend - Rs 2 Per Share";
const SPECIAL: &str = "Special Dividend - Rs 2 Per Share";

#[test]
fn two_dividends_of_one_amount_and_day_both_count_and_one_that_is_said_twice_counts_once() {
    assert_eq!(rows(&[FINAL, SPECIAL]).len(), 2);
    assert_eq!(rows(&[FINAL, "dividend -  Rs 2 Per Share", FINAL]).len(), 1);
    let worded = ["Annual General Meeting/Dividend - Rs 2 Per Share", "Dividend Rs 2/- Per Share", FINAL];
    assert_eq!(rows(&worded).len(), 1, "one dividend in other words");
    assert!(gone(&rows(&[FINAL, SPECIAL]), &[SPECIAL]).is_empty(), "a list of some takes no others away");
    assert_eq!(rows(&["Bonus 1:1", "Bonus Issue 1:1"]).len(), 1, "other actions are known by their ratio");
}

#[test]
fn a_revision_leaves_a_dividend_the_same() {
    let key = |subject: &str| rows(&[subject]).remove(0).fingerprint;
    for revised in ["(Purpose Revised)", "((Purposed Revised)", "(Record Date  Revised)", "Revised"] {
        assert_eq!(key(&format!("{FINAL} {revised}")), key(FINAL), "{revised}");
    }
    assert_ne!(key(&format!("{FINAL} (Special)")), key(FINAL));
}

#[test]
fn a_dividend_that_was_stored_under_the_key_of_before_makes_way_for_the_same_one() {
    for applied in [true, false] {
        let before = Model { applied, ..stored_before(FINAL) };
        assert_eq!(gone(std::slice::from_ref(&before), &[FINAL]), [FINAL]);
        assert_eq!(gone(std::slice::from_ref(&before), &[FINAL, SPECIAL]), [FINAL]);
        assert_eq!(gone(&[before], &["Dividend Rs 2 Per Share"]), [FINAL], "worded otherwise");
    }
    assert!(gone(&rows(&[FINAL, SPECIAL]), &[SPECIAL, FINAL]).is_empty());
    assert!(gone(&[stored_before(FINAL)], &["Dividend - Rs 3 Per Share"]).is_empty(), "another amount is another one");
}
