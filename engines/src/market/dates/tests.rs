use super::*;
use proptest::prelude::*;

fn iso(text: &str) -> String {
    match day_of(text) {
        Ok(day) => day::iso(day),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn the_first_and_last_day_are_those_of_the_years() {
    assert_eq!((day::iso(EARLIEST), day::iso(LATEST)), ("1900-01-01".to_owned(), "2100-12-31".to_owned()));
}

#[test]
fn dates_of_every_source_are_read() {
    for (text, expected) in [
        ("2024-02-05", "2024-02-05"),
        ("2024/2/5", "2024-02-05"),
        ("20240205", "2024-02-05"),
        ("19-Feb-2020", "2020-02-19"),
        ("22-MAR-2024", "2024-03-22"),
        ("22-MAR-24", "2024-03-22"),
        ("15-May-26", "2026-05-15"),
        ("1-Apr-19", "2019-04-01"),
        ("13-Jul-69", "1969-07-13"),
        ("29-December-2023", "2023-12-29"),
        ("03 Jan 2024", "2024-01-03"),
        ("Sep 29, 2023", "2023-09-29"),
        ("Sept. 29, 2023", "2023-09-29"),
        ("Fri, 29 Sep 2023", "2023-09-29"),
        ("2017-12-15T00:00:00+0530", "2017-12-15"),
        ("2017-12-15 00:00:00+05:30", "2017-12-15"),
        ("2024-06-12 16:00:01", "2024-06-12"),
        ("24/05/2019 16:00:00", "2019-05-24"),
        ("5/24/2019 4:00 PM", "2019-05-24"),
        ("12/13/2024", "2024-12-13"),
        ("30122024", "2024-12-30"),
        ("19032021", "2021-03-19"),
        ("20112021", "2021-11-20"),
        ("20121999", "1999-12-20"),
        ("20191120", "2019-11-20"),
        ("05/05/2024", "2024-05-05"),
        ("Wed Jan 03 2024", "2024-01-03"),
        ("Monday, 05/02/2024", "2024-02-05"),
        ("\u{200e}2\u{2011}5\u{2011}2024 \u{200e}12:00:00\u{202f}AM", "can be 2024-05-02 or 2024-02-05"),
        ("2024\u{2013}02\u{2013}05", "2024-02-05"),
        ("\u{200e}2024\u{2212}02\u{2212}05\u{200f}", "2024-02-05"),
    ] {
        assert_eq!(iso(text), expected, "{text}");
    }
}

#[test]
fn what_has_no_meaning_or_several_is_refused() {
    for text in [
        "",
        "-",
        "soon",
        "+024-01-01",
        "-024-01-01",
        "2024-13-01",
        "2024-02-30",
        "31-Feb-2024",
        "22-MAR-202",
        "22-MAR-20244",
        "22-MAR-1024",
        "31-Dec-1899",
        "2024--01-02",
        "2024-01",
        "45292",
        "1706745600",
        "1/0/1900",
        "2024-01-02 x",
        "01-02/2024",
        "2024-é-0",
        "22-Mär-2024",
        "2024-01-02 25:00",
        "2101-01-01",
        "Tue, 05 Feb 2024",
        "2024-W06-1",
        "2024-036",
        "20240205.0",
        "45327.5",
        "٢٠٢٤-٠٢-٠٥",
    ] {
        assert!(day_of(text).is_err(), "{text}: {}", iso(text));
    }
    assert_eq!(iso("05/02/2024"), "can be 2024-02-05 or 2024-05-02");
}

#[test]
fn counts_of_days_and_seconds_are_named_with_what_helps() {
    for (text, kind) in [
        ("45292", DateFault::CountOfDays),
        ("45327.5", DateFault::CountOfDays),
        ("1706745600", DateFault::CountOfSeconds),
        ("1706745600.25", DateFault::CountOfSeconds),
        ("1706745600000", DateFault::CountOfSeconds),
        ("45292x", DateFault::NotADate),
        ("123", DateFault::NotADate),
        ("1", DateFault::NotADate),
    ] {
        assert_eq!(read(text), Err(kind), "{text}");
    }
}

fn decided(texts: &[&str]) -> Result<DateOrder, OrderFault> {
    let mut votes = OrderVotes::default();
    for text in texts {
        if let Ok(written) = read(text) {
            votes.add(text, &written);
        }
    }
    votes.decide()
}

#[test]
fn a_column_decides_from_all_of_its_dates() {
    assert_eq!(decided(&["05/02/2024", "13/02/2024"]), Ok(DateOrder::Dmy));
    assert_eq!(decided(&["05/02/2024", "05/13/2024"]), Ok(DateOrder::Mdy));
    assert_eq!(decided(&["05/05/2024", "2024-01-02"]), Ok(DateOrder::Dmy));
    assert_eq!(decided(&["20-01-02", "99-01-31"]), Ok(DateOrder::Ymd));
    assert_eq!(decided(&["99/99/2024", "13/02/2024"]), Ok(DateOrder::Dmy));
    assert!(matches!(decided(&["05/02/2024", "06/02/2024"]), Err(OrderFault::Undecided { .. })));
    assert!(matches!(decided(&["10-11-12"]), Err(OrderFault::Undecided { .. })));
    assert!(matches!(decided(&["13/02/2024", "02/13/2024"]), Err(OrderFault::Contradiction { .. })));
}

#[test]
fn years_of_two_digits_stand_where_days_come_close_together() {
    assert_eq!(decided(&["05/02/24", "13/02/24"]), Ok(DateOrder::Dmy));
    assert_eq!(decided(&["02/05/24", "02/13/24"]), Ok(DateOrder::Mdy));
    assert_eq!(decided(&["24/02/05", "24/02/13", "24/03/01"]), Ok(DateOrder::Ymd));
    assert_eq!(decided(&["050224", "130224"]), Ok(DateOrder::Dmy));
    let asked = |texts: &[&str]| match decided(texts) {
        Err(OrderFault::Undecided { orders, .. }) => orders,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&["05/02/24", "06/02/24"]), "DMY or MDY", "which of them is the day stays open");
    assert_eq!(asked(&["05/02/24"]), "YMD or DMY or MDY");
    assert_eq!(asked(&["13/02/24"]), "YMD or DMY");
    assert_eq!(asked(&["15/02/20", "15/06/21"]), "YMD or DMY", "neither is close together");
}

#[test]
fn years_of_two_digits_stand_where_days_follow_each_other() {
    // Six years, in which a year first is a date, too, on every row.
    let days = (0..30).map(|n| day::to_date(17_170 + n * 67));
    let written = |form: &str| days.clone().map(|date| date.format(form).to_string()).collect::<Vec<_>>();
    let decided = |texts: &[String]| decided(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let short = written("%d%m%y");
    assert_eq!(decided(&short), Ok(DateOrder::Dmy), "{short:?}");
    let falling: Vec<String> = short.iter().rev().cloned().collect();
    assert_eq!(decided(&falling), Ok(DateOrder::Dmy));
    assert_eq!(decided(&written("%m/%d/%y")), Ok(DateOrder::Mdy));
    assert_eq!(decided(&written("%y/%m/%d")), Ok(DateOrder::Ymd));
    let mixed: Vec<String> = short.iter().skip(1).step_by(2).chain(short.iter().step_by(2)).cloned().collect();
    assert!(matches!(decided(&mixed), Err(OrderFault::Undecided { .. })), "in no turn by any order");
    let mut as_text = short.clone();
    as_text.sort();
    assert!(matches!(decided(&as_text), Err(OrderFault::Undecided { .. })), "sorted by its letters");
}

#[test]
fn few_dates_alone_do_not_decide_against_the_others() {
    let asked = |texts: &[&str]| match decided(texts) {
        Err(OrderFault::Undecided { text, orders, .. }) => (text, orders),
        other => panic!("{texts:?}: {other:?}"),
    };
    let either = ("03/04/2024".to_owned(), "DMY or MDY".to_owned());
    // Day first, as they follow each other, but for a slip of the pen and a row from elsewhere.
    for last in ["04/15/2024", "12/31/2024", "04-15-2024"] {
        assert_eq!(asked(&["03/04/2024", "04/04/2024", "05/04/2024", "08/04/2024", last]), either, "{last}");
    }
    assert_eq!(asked(&["04/15/2024", "05/04/2024", "04/04/2024", "03/04/2024"]).1, "DMY or MDY");
    assert_eq!(asked(&["04/01/2024", "04/02/2024", "04/03/2024", "15/04/2024"]).1, "DMY or MDY", "month first");
    // Others that show nothing, beside one that is written in another way.
    assert_eq!(asked(&["03/04/2024", "09/05/2024", "02/11/2024", "04-15-2024"]), either);
    assert_eq!(asked(&["03/04/2024", "09/05/2024", "02/11/2024", "04/15/24"]), either);
}

#[test]
fn one_date_decides_where_the_others_do_not_contradict_it() {
    // A share's first days, in either order and in both ways of widths; and a row that goes on in another way.
    assert_eq!(decided(&["04/10/2024", "04/11/2024", "04/12/2024", "04/15/2024"]), Ok(DateOrder::Mdy));
    assert_eq!(decided(&["4/8/2024", "4/9/2024", "4/10/2024", "4/15/2024"]), Ok(DateOrder::Mdy));
    assert_eq!(decided(&["15/04/2024", "12/04/2024", "11/04/2024", "10/04/2024"]), Ok(DateOrder::Dmy));
    assert_eq!(decided(&["10/04/2024", "11/04/2024", "12/04/2024", "15-04-2024"]), Ok(DateOrder::Dmy));
    // Far from each other, and too few to tell.
    assert_eq!(decided(&["03/04/2024", "09/05/2024", "02/11/2024", "04/15/2024"]), Ok(DateOrder::Mdy));
    assert_eq!(decided(&["03/04/2024", "04/05/2024", "04-15-2024"]), Ok(DateOrder::Mdy));
}

#[test]
fn beside_a_month_s_name_the_year_is_first_where_the_column_shows_it() {
    let days = (0..60).map(|n| day::to_date(19_724 + n * 7 / 5));
    let written = |form: &str| days.clone().map(|date| date.format(form).to_string()).collect::<Vec<_>>();
    let decided = |texts: &[String]| decided(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let year_first = written("%y-%b-%d");
    assert_eq!(decided(&year_first), Ok(DateOrder::Ymd), "{year_first:?}");
    assert_eq!(decided(&year_first[3..6]), Ok(DateOrder::Ymd));
    let falling: Vec<String> = year_first.iter().rev().cloned().collect();
    assert_eq!(decided(&falling), Ok(DateOrder::Ymd));
    let text = &year_first[0];
    assert_eq!(read(text).expect("a date").by(DateOrder::Ymd).map(day::iso).as_deref(), Some("2024-01-02"));
    // The day is first else: in days that follow each other, in few, in those that lie anywhere, and beside a slip.
    assert_eq!(decided(&written("%d-%b-%y")), Ok(DateOrder::Dmy));
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    for column in [
        &["24-Jan-05", "24-Jan-08"][..],
        &["15-May-26", "02-Nov-25", "15-May-24", "07-Jan-24", "30-Oct-23"],
        &["15-Jan-05", "15-Feb-05", "15-Mar-05"],
        &["15-May-26", "32-May-26", "18-May-26"],
        &["05-Jan-99", "06-Jan-99", "07-Jan-99"],
    ] {
        assert_eq!(decided(&texts(column)), Ok(DateOrder::Dmy), "{column:?}");
    }
    // First numbers that are no days.
    assert_eq!(decided(&texts(&["99-Dec-30", "99-Dec-31", "00-Jan-03", "01-Jan-02"])), Ok(DateOrder::Ymd));
    assert!(day_of("99-Dec-30").is_err(), "alone it's a slip of the pen");
}

#[test]
fn what_a_column_shows_is_named_where_it_was_a_choice() {
    let shown = |texts: &[&str], order: DateOrder| {
        let mut votes = OrderVotes::default();
        for text in texts {
            votes.add(text, &read(text).expect("a date"));
        }
        votes.shown(order)
    };
    assert_eq!(shown(&["24-Jan-05"], DateOrder::Ymd), Some(DateOrder::Ymd));
    assert_eq!(shown(&["24-Jan-05"], DateOrder::Dmy), None);
    assert_eq!(shown(&["05-Jan-2024"], DateOrder::Ymd), None);
}

proptest! {
    #[test]
    fn every_day_survives_every_way_of_writing_it(day in EARLIEST..40_000) {
        let date = day::to_date(day);
        for form in ["%Y-%m-%d", "%d-%b-%Y", "%B %-d, %Y", "%Y%m%d", "%d %B %Y", "%Y/%m/%d 16:00:01"] {
            let text = date.format(form).to_string();
            prop_assert_eq!(day_of(&text), Ok(day), "{}", text);
        }
        prop_assert_eq!(read(&date.format("%d/%m/%Y").to_string()).expect("a date").by(DateOrder::Dmy), Some(day));
        prop_assert_eq!(read(&date.format("%m/%d/%Y").to_string()).expect("a date").by(DateOrder::Mdy), Some(day));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = read(&text);
    }
}
