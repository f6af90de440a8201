//! Shares by what they are known by.

use super::*;

fn row(ticker: &str, isin: &str, previous: f64, close: f64) -> ShareDay {
    let isin = (!isin.is_empty()).then(|| isin.to_owned());
    let (open, high, low) = (close, close, close);
    ShareDay { ticker: ticker.to_owned(), isin, open, high, low, close, previous_close: Some(previous), volume: 1 }
}

impl Register {
    fn resolve(&mut self, row: &ShareDay, day: Day) -> usize {
        self.resolve_day(std::slice::from_ref(row), day)[0]
    }
}

const A: &str = "INE111A01011";
const B: &str = "INE222B01019";

#[test]
fn a_renamed_ticker_stays_one_share_with_or_without_the_list() {
    let changes = vec![("OLD".to_owned(), "NEW".to_owned(), 10)];
    for changes in [changes, Vec::new()] {
        for days in [[9, 10], [10, 9]] {
            let mut register = Register::new(Vec::new(), Vec::new(), changes.clone());
            let found: Vec<usize> =
                days.map(|day| register.resolve(&row(if day < 10 { "OLD" } else { "NEW" }, A, 5.0, 5.0), day)).to_vec();
            assert_eq!((found[0], register.shares.len()), (found[1], 1));
            assert_eq!(register.shares[0].ticker, "NEW");
            assert_eq!(register.shares[0].former, [("OLD".to_owned(), 10)]);
            assert_eq!(register.find("OLD", 9).map(|s| s.ticker.as_str()), Some("NEW"));
        }
    }
}

#[test]
fn a_ticker_used_again_by_another_company_is_another_share() {
    for days in [[5, 500], [500, 5]] {
        let mut register = Register::new(Vec::new(), Vec::new(), Vec::new());
        let found: Vec<usize> =
            days.map(|day| register.resolve(&row("X", if day == 5 { A } else { B }, 1.0, 2.0), day)).to_vec();
        assert_ne!(found[0], found[1]);
        let newer = register.find("X", 600).expect("the present bearer");
        assert_eq!((newer.ticker.as_str(), newer.isin.as_deref()), ("X", Some(B)));
        assert_eq!(register.find("X", 5).and_then(|s| s.isin.as_deref()), Some(A));
        // Without an ISIN the day decides.
        let bare = register.resolve(&row("X", "", 1.0, 2.0), 6);
        assert_eq!(register.shares[bare].isin.as_deref(), Some(A));
    }
}

#[test]
fn a_new_isin_is_the_same_share_where_the_close_carries_on_or_the_issuer_is_the_same() {
    let mut register = Register::new(Vec::new(), Vec::new(), Vec::new());
    let first = register.resolve(&row("X", A, 1.0, 2.0), 5);
    assert_eq!(register.resolve(&row("X", "INE111A01029", 2.0, 1.0), 6), first, "a face value split");
    assert_eq!(register.resolve(&row("X", B, 1.0, 1.5), 7), first, "the close carries on");
    assert_eq!(register.shares[first].isin.as_deref(), Some(B));
}

#[test]
fn two_shares_of_one_issuer_are_told_apart_whichever_comes_first() {
    let (full, lesser) = ("INE224E01028", "INE224E01036");
    let both = [row("FULL", full, 0.6, 0.55), row("LESSER", lesser, 1.55, 1.6)];
    let alone = |at: usize| std::slice::from_ref(&both[at]);
    let bare = [row("LESSER", "", 1.6, 1.65), row("FULL", "", 0.55, 0.5)];
    let days: [[(&[ShareDay], Day); 3]; 4] = [
        [(&both, 10), (&bare, 11), (alone(0), 30)],
        [(alone(0), 9), (alone(1), 10), (&both, 11)],
        [(alone(1), 30), (&both, 12), (&bare, 9)],
        [(&bare, 12), (&both, 11), (alone(1), 10)],
    ];
    for days in days {
        let mut register = Register::new(Vec::new(), Vec::new(), Vec::new());
        for (rows, day) in days {
            for (row, at) in rows.iter().zip(register.resolve_day(rows, day)) {
                assert_eq!(register.shares[at].ticker, row.ticker, "{day}");
            }
        }
        assert_eq!(register.shares.len(), 2);
        assert!(register.shares.iter().all(|share| share.isins.len() == 1 && share.former.is_empty()));
    }
}

#[test]
fn a_split_under_a_new_ticker_is_the_same_share_where_the_close_carries_on() {
    let mut register = Register::new(Vec::new(), Vec::new(), Vec::new());
    let first = register.resolve(&row("OLD", A, 100.0, 100.0), 5);
    assert_eq!(register.resolve(&row("NEW", "INE111A01029", 100.0, 20.0), 6), first);
    assert_eq!(register.shares[first].ticker, "NEW");
    assert_ne!(register.resolve(&row("OTHER", "INE111A01037", 7.0, 7.0), 7), first, "its price is another");
}

#[test]
fn two_shares_that_swap_their_tickers_keep_their_histories() {
    let mut register = Register::new(Vec::new(), Vec::new(), Vec::new());
    let before = register.resolve_day(&[row("X", A, 1.0, 1.0), row("Y", B, 2.0, 2.0)], 5);
    let after = register.resolve_day(&[row("Y", A, 1.0, 1.0), row("X", B, 2.0, 2.0)], 6);
    assert_eq!(before, after);
    let tickers: Vec<&str> = before.iter().map(|&at| register.shares[at].ticker.as_str()).collect();
    assert_eq!(tickers, ["Y", "X"]);
    assert_eq!(register.find("X", 5).and_then(|share| share.isin.as_deref()), Some(A));
}

#[test]
fn without_isins_the_list_tells_of_two_shares_that_swap_their_tickers() {
    let changes = vec![("X".to_owned(), "Y".to_owned(), 10), ("Y".to_owned(), "X".to_owned(), 10)];
    let before = |day: Day| (day, [row("X", "", 1.0, 1.0), row("Y", "", 2.0, 2.0)]);
    let after = |day: Day| (day, [row("Y", "", 1.0, 1.0), row("X", "", 2.0, 2.0)]);
    for days in [[before(5), before(6), after(10), after(11)], [after(11), before(6), after(10), before(5)]] {
        let mut register = Register::new(Vec::new(), Vec::new(), changes.clone());
        for (day, rows) in days {
            let tickers: Vec<String> =
                register.resolve_day(&rows, day).iter().map(|&at| register.shares[at].ticker.clone()).collect();
            assert_eq!(tickers, ["Y", "X"], "{day}");
        }
        assert_eq!(register.shares.len(), 2);
    }
}

#[test]
fn chains_loops_and_self_changes_end() {
    let change = |old: &str, new: &str, day| (old.to_owned(), new.to_owned(), day);
    let changes = vec![
        change("A", "B", 10),
        change("B", "C", 20),
        change("C", "C", 25),
        change("P", "Q", 5),
        change("Q", "P", 5),
    ];
    let register = Register::new(Vec::new(), Vec::new(), changes);
    assert_eq!(["A", "B", "C"].map(|t| register.present_ticker(t, 0)), ["C", "C", "C"]);
    assert_eq!(register.present_ticker("A", 15), "A", "used again later");
    assert_eq!(register.present_ticker("P", 0), "Q");
}
