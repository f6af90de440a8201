use super::*;
use crate::market::DataSource;
use insta::assert_snapshot;

const TODAY: Day = 20_000; // 2024-10-04

fn past(name: &str, symbol: &str, dates: [&str; 3], range: &str, price: &str) -> RawIpo {
    let some = |text: &str| (!text.is_empty() && text != "-").then(|| text.to_owned());
    RawIpo {
        exchange: Exchange::Nse,
        name: some(name),
        ticker: some(symbol),
        security: Some("EQ".to_owned()),
        open: some(dates[0]),
        close: some(dates[1]),
        listing: some(dates[2]),
        band: some(range),
        issue_price: some(price),
        raw: format!("{{{symbol}}}"),
        is_past: true,
        ..RawIpo::default()
    }
}

fn parsed(records: Vec<RawIpo>) -> ParsedIpos {
    parse_ipos(&IpoBatch { source: DataSource::Nse, exchanges: vec![Exchange::Nse], records }, TODAY)
}

#[test]
fn every_kind_of_bad_record_is_named_with_its_field_and_reason() {
    let ok = ["22-MAR-2024", "27-MAR-2024", "02-APR-2024"];
    let found = parsed(vec![
        past("", "A", ok, "Rs.1 to Rs.2", "2"),
        past("B Ltd", "", ok, "Rs.1 to Rs.2", "2"),
        past("C Ltd", "C", ["soon", ok[1], ok[2]], "Rs.1 to Rs.2", "2"),
        past("D Ltd", "D", ["", ok[1], ok[2]], "Rs.1 to Rs.2", "2"),
        past("E Ltd", "E", [ok[1], ok[0], ok[2]], "Rs.1 to Rs.2", "2"),
        past("F Ltd", "F", [ok[0], ok[1], "01-MAR-2024"], "Rs.1 to Rs.2", "2"),
        past("G Ltd", "G", ok, "Rs.9 to Rs.7", "8"),
        past("H Ltd", "H", ok, "Rs.7 to Rs.9", "9.50"),
        past("I Ltd", "I", ok, "around nine", "9"),
        past("J Ltd", "J", ok, "Rs.0 to Rs.9", "9"),
        past("K Ltd", "K", ok, "Rs.7 to Rs.9", "9"),
        past("K Ltd", "K", ok, "Rs.7 to Rs.9", "8"),
        past("L Ltd", "L", ["22-MAR-202", ok[1], ok[2]], "-", "-"),
        past("M Ltd", "M", ["22-MAR-1024", ok[1], ok[2]], "-", "-"),
        past("N Ltd", "N", ["31-DEC-1899", ok[1], ok[2]], "-", "-"),
        past("O Ltd", "O", ["02-NOV-1994", ok[1], ok[2]], "-", "-"),
        past("P Ltd", "P", [ok[0], "27-MAR-2204", ok[2]], "-", "-"),
        past("Q Ltd", "Q", [ok[0], ok[1], "02-APR-2042"], "-", "-"),
        past("R Ltd", "R", ["22-MAR-42", "-", "-"], "-", "-"),
        past("S Ltd", "S", ["05/02/2024", "-", "-"], "-", "-"),
    ]);
    let line = |i: &NewFlag| format!("{} | {} | {}", i.record, i.field.as_deref().unwrap_or("-"), i.reason);
    assert_snapshot!(found.flags.iter().map(line).collect::<Vec<_>>().join("\n"), @r#"
    A 22-MAR-2024 | name | is missing
    B Ltd 22-MAR-2024 | symbol | is missing
    C soon | openDate | "soon" is not a date
    D 02-APR-2024 | openDate | is missing
    E 27-MAR-2024 | closeDate | 2024-03-22 is before the open date 2024-03-27
    F 22-MAR-2024 | listingDate | 2024-03-01 is before the open date 2024-03-22
    G 22-MAR-2024 | priceRange | the band is upside down: 9 to 7
    H 22-MAR-2024 | issuePrice | 9.50 is outside the band 7 to 9
    I 22-MAR-2024 | priceRange | "around nine" is not a price
    J 22-MAR-2024 | priceRange | is zero
    K 22-MAR-2024 | issuePrice | the same symbol and start date stand in the batch before with another value
    L 22-MAR-202 | openDate | "22-MAR-202" is not a date: a year has four digits, or two
    M 22-MAR-1024 | openDate | "22-MAR-1024" lies outside the years 1900 to 2100
    N 31-DEC-1899 | openDate | "31-DEC-1899" lies outside the years 1900 to 2100
    O 02-NOV-1994 | openDate | 1994-11-02 lies before 1994-11-03, when trading began
    P 22-MAR-2024 | closeDate | "27-MAR-2204" lies outside the years 1900 to 2100
    Q 22-MAR-2024 | listingDate | 2042-04-02 lies too far ahead
    R 22-MAR-42 | openDate | 2042-03-22 lies too far ahead
    S 05/02/2024 | openDate | "05/02/2024" can be 2024-02-05 or 2024-05-02
    "#);
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.flags[11].day, crate::market::day::parse_iso("2024-03-27"), "near its end");
}

#[test]
fn two_digits_of_a_year_and_days_before_months_are_read_by_the_rule() {
    let days = |text: &str, others: &str| {
        let found = parsed(vec![
            past("A Ltd", "A", [text, "-", "-"], "-", "-"),
            past("B Ltd", "B", [others, "-", "-"], "-", "-"),
        ]);
        assert_eq!(found.flags, []);
        iso(found.records[0].day.expect("a day"))
    };
    assert_eq!(days("22-MAR-24", "01-APR-2024"), "2024-03-22");
    assert_eq!(days("22-03-2024", "2024-03-01"), "2024-03-22");
    assert_eq!(days("05/02/2024", "22/02/2024"), "2024-02-05");
    assert_eq!(days("05/02/2024", "02/22/2024"), "2024-05-02");
    assert_eq!(days("15-May-95", "01-APR-2024"), "1995-05-15");
}

#[test]
fn what_is_no_share_is_left_out_by_its_series_and_never_by_its_name() {
    let ok = ["22-MAR-2024", "27-MAR-2024", "02-APR-2024"];
    let of = |name: &str, symbol: &str, series: &str| {
        let mut record = past(name, symbol, ok, "Rs.10", "10");
        record.security = Some(series.to_owned());
        record
    };
    let found = parsed(vec![
        of("Some Realty Trust Limited", "TRUST", "EQ"),
        of("Right Fund Warrants Units Bonds ETF Limited", "WORDS", "sm"),
        of("A REIT", "REIT", "RR"),
        of("A Finance Limited", "BOND", "N7"),
    ]);
    assert_eq!(found.records.len(), 2);
    assert_eq!(found.flags, []);
    let shown: Vec<String> = found.left_out.iter().map(|i| format!("{}: {}", i.record, i.reason)).collect();
    assert_eq!(
        shown,
        [
            "REIT 22-MAR-2024: units of a real estate trust (RR), which isn't a share",
            "BOND 22-MAR-2024: a bond (N7), which isn't a share",
        ]
    );
}

#[test]
fn names_lose_their_suffixes_and_the_status_comes_from_them() {
    let cases = [
        ("PKH Ventures Limited - Issue Withdrawn", "PKH Ventures Limited", Some("WITHDRAWN")),
        ("Sri Priyanka Geo Commex Limited-Issue Withdrawn", "Sri Priyanka Geo Commex Limited", Some("WITHDRAWN")),
        ("Some  Limited-Issue postponed", "Some Limited", Some("POSTPONED")),
        ("Vodafone Idea Limited - FPO", "Vodafone Idea Limited", None),
        ("Adani Limited-Special Withdrawal Option", "Adani Limited", None),
        ("Utkal Speciality Industries India Limited", "Utkal Speciality Industries India Limited", None),
    ];
    for (text, name, standing) in cases {
        assert_eq!(name_and_standing(text), (name.to_owned(), standing), "{text}");
    }
}

#[test]
fn lists_complete_each_other_and_exact_repetitions_are_one() {
    let dates = ["22-MAR-2024", "27-MAR-2024", ""];
    let mut live = past("A Limited", "A", dates, "", "Rs.200 to Rs.210");
    live.issue_size = Some("4340100.0".to_owned());
    let listed = past("A Limited", "A", ["22-Mar-2024", "27-Mar-2024", "02-Apr-2024"], "Rs.200 to Rs.210", "   210");
    let mut bond = listed.clone();
    bond.security = Some("N1".to_owned());
    let found = parsed(vec![live, listed.clone(), listed, bond]);
    assert_eq!((found.records.len(), found.flags.len(), found.left_out.len(), found.read), (1, 0, 1, 4));
    let values = &found.records[0].values;
    let value = |field| values.get(&field).map(String::as_str);
    let anew = parsed(vec![past("B Limited", "B", ["22-MAR-2024", "27-MAR-2024", ""], "Rs.90", "89")]);
    let price = |field| anew.records[0].values.get(&field).map(String::as_str);
    assert_eq!((price(IpoField::IssuePrice), price(IpoField::PriceBandLow)), (Some("89"), None));
    assert_eq!(value(IpoField::IssueSize), Some("4340100"));
    assert_eq!((value(IpoField::IssuePrice), value(IpoField::PriceBandLow)), (Some("210"), Some("200")));
    assert_eq!(value(IpoField::ListingDate), Some("2024-04-02"));
}
