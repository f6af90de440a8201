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
    let gone = superseded(stored, &rows(subjects), &raw(subjects), None);
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
    assert_eq!(gone(&[stored_before(FINAL)], &["Dividend - Rs 3 Per Share"]), [FINAL], "another amount of that day");
}

#[test]
fn a_final_dividend_is_one_however_it_is_called_and_no_other_ones() {
    let agm = "Annual General Meeting/Dividend - Rs 2 Per Share";
    assert_eq!(rows(&[agm, "Final Dividend - Rs 2 Per Share"]).len(), 1);
    assert_eq!(rows(&["Interim Dividend - Rs 2 Per Share", "Final Dividend - Rs 2 Per Share", SPECIAL]).len(), 3);
    assert_eq!(rows(&[agm, "Final Dividend - Rs 3 Per Share"]).len(), 2);
}

#[test]
fn what_is_announced_otherwise_takes_the_place_of_its_kind_alone() {
    let stored = rows(&["Bonus 1:4", FINAL]);
    assert_eq!(gone(&stored, &["Bonus 1:1"]), ["Bonus 1:4"]);
    assert!(gone(&stored, &["Bonus 1:4"]).is_empty());
    let renamed: Vec<Model> = stored.iter().map(|row| Model { ticker: "OLD".to_owned(), ..row.clone() }).collect();
    assert!(gone(&renamed, &["Bonus 1:1"]).is_empty(), "of another ticker");
    let later: Vec<Model> = stored.iter().map(|row| Model { ex_day: DAY + 1, ..row.clone() }).collect();
    assert!(gone(&later, &["Bonus 1:1"]).is_empty(), "of another day");
}

#[test]
fn what_a_whole_answer_does_not_have_any_more_is_taken_back() {
    let stored = rows(&["Bonus 1:4", FINAL]);
    let whole = |from: Day, subjects: &[&str]| {
        let gone = superseded(&stored, &rows(subjects), &raw(subjects), Some((from, DAY + 5)));
        gone.into_iter().map(|row| row.subject).collect::<Vec<_>>()
    };
    assert_eq!(whole(DAY, &[FINAL]), ["Bonus 1:4"]);
    assert_eq!(whole(DAY, &[]).len(), 2);
    assert!(whole(DAY + 1, &[]).is_empty(), "of other days");
    assert!(whole(DAY + 1, &[FINAL]).is_empty(), "an answer with other days than those asked for");
    let named = |n: usize| Model { fingerprint: n.to_string(), ..stored[0].clone() };
    let many: Vec<Model> = (0..50).map(named).collect();
    assert!(superseded(&many, &rows(&[FINAL]), &raw(&[FINAL]), Some((DAY, DAY))).is_empty(), "a faulty answer");
}

#[test]
fn a_revised_date_takes_the_action_off_the_day_it_had() {
    let on = |day: Day, subject: &str| RawAction { ex_day: day, ..raw(&[subject]).remove(0) };
    let gone = |stored: RawAction, answer: RawAction| {
        let register = Register::default();
        let (stored, rows) = (rows_of(&register, &[stored]), rows_of(&register, std::slice::from_ref(&answer)));
        superseded(&stored, &rows, &[answer], None).len()
    };
    let revised = "Bonus 1:1 (Date Revised)";
    assert_eq!(gone(on(DAY, "Bonus 1:1"), on(DAY + 7, revised)), 1);
    assert_eq!(gone(on(DAY, FINAL), on(DAY - 7, "Dividend - Rs 2 Per Share (Record Date Revised)")), 1);
    assert_eq!(gone(on(DAY, "Bonus 1:2"), on(DAY + 7, revised)), 0, "another ratio");
    assert_eq!(gone(on(DAY, SPECIAL), on(DAY + 7, "Dividend - Rs 2 Per Share (Date Revised)")), 0, "another one");
    assert_eq!(gone(on(DAY, "Bonus 1:1"), on(DAY + 90, revised)), 0, "long after it");
    assert_eq!(gone(on(DAY, "Bonus 1:1"), on(DAY + 7, "Bonus 1:1 (Purpose Revised)")), 0);
    let both = rows_of(&Register::default(), &[on(DAY, "Bonus 1:1"), on(DAY + 7, revised)]);
    assert_eq!(both.iter().map(|row| row.ex_day).collect::<Vec<_>>(), [DAY + 7]);
}

#[test]
fn rights_are_kept_as_they_were_said_with_their_price() {
    let (bare, priced) = ("Rights 1:4", "Rights 1:4 @ Rs 510/-");
    for subjects in [[bare, priced], [priced, bare]] {
        let rows = rows(&subjects);
        assert_eq!((rows.len(), rows[0].amount.as_deref(), rows[0].doubt.as_deref()), (1, Some("510"), None));
    }
}
