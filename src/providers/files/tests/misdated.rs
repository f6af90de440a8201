//! Files whose dates are days as they stand, and would be stored as others, or none: read right, asked for or refused.

use super::*;
use crate::market::day::{is_weekend, parse_iso, to_date};

fn table<T: AsRef<str>>(dates: &[T]) -> String {
    let rows: Vec<String> = dates.iter().map(|date| format!("{},1,3,1,2,10\n", date.as_ref())).collect();
    format!("Date,Open,High,Low,Close,Volume\n{}", rows.concat())
}

/// Days of trade from one on, in a form.
fn days(from: &str, count: usize, form: &str) -> Vec<String> {
    let from = parse_iso(from).expect("a day");
    let open = (from..).filter(|&day| !is_weekend(day)).take(count);
    open.map(|day| to_date(day).format(form).to_string()).collect()
}

#[test]
fn days_that_a_spreadsheet_wrote_as_words_once_it_had_exchanged_them_are_refused() {
    // The 4th to the 12th of March, and the days after.
    let low = ["03-Apr-24", "03-May-24", "03-Jun-24", "03-Jul-24", "03-Aug-24", "03-Nov-24", "03-Dec-24"];
    for form in ["%d-%m-%Y", "%d-%b-%y"] {
        let high = days("2024-03-13", 13, form);
        let dates: Vec<&str> = low.into_iter().chain(high.iter().map(String::as_str)).collect();
        let told = refusal(&table(&dates), "A");
        assert!(told.contains("exchanged"), "{told}");
        assert_eq!(rows(&table(&days("2024-03-04", 20, form)), "A").len(), 20, "{form}");
    }
    let exchanged = table(&["2024-04-03", "2024-05-03", "2024-06-03"]);
    assert!(refusal(&exchanged, "A").contains("exchanged them"), "{}", refusal(&exchanged, "A"));
}

#[test]
fn a_row_from_elsewhere_does_not_turn_the_order_of_the_others() {
    let first = days("2024-04-01", 6, "%d/%m/%Y");
    for last in ["04-15-2024", "04/15/2024", "12/31/2024"] {
        let dates: Vec<&str> = first.iter().map(String::as_str).chain([last]).collect();
        let told = refusal(&table(&dates), "A");
        assert!(told.contains("dateOrder, DMY or MDY"), "{told}");
        let options = Options { ticker: "A".to_owned(), date_order: Some(DateOrder::Dmy), day: None };
        let file = read(table(&dates).into_bytes(), &options).expect("a file");
        assert_eq!((file.date_order, file.undecided), (Some(DateOrder::Dmy), None));
    }
    let young = rows(&table(&days("2024-04-09", 5, "%m/%d/%Y")), "A");
    assert_eq!(young[0], "2024-04-09 1 3 1 2 10");
}

#[test]
fn years_before_a_month_s_name_are_read_where_the_column_shows_them() {
    for (form, order) in [("%y-%b-%d", Some(DateOrder::Ymd)), ("%d-%b-%y", None)] {
        let text = table(&days("2024-01-02", 60, form));
        let found = rows(&text, "A");
        assert_eq!((&found[0][..10], &found[59][..10]), ("2024-01-02", "2024-03-25"), "{form}");
        assert_eq!(file(&text, "A").expect("a file").date_order, order);
    }
    assert_eq!(rows(&table(&["24-Jan-05"]), "A"), ["2005-01-24 1 3 1 2 10"], "the day is first");
}

#[test]
fn the_price_of_the_moment_after_a_day_s_row_costs_no_file() {
    let mut dates = days("2024-12-02", 11, "%Y-%m-%d 00:00:00-05:00");
    dates.push("2024-12-16 16:00:01-05:00".to_owned());
    assert_eq!(rows(&table(&dates), "A").len(), 12, "the last one is flagged beside its day");
    // Followed by others, or of a few rows, it's a time of day.
    let mut times = dates.clone();
    times.push("2024-12-17 00:00:00-05:00".to_owned());
    for times in [&times[..], &dates[9..]] {
        let told = refusal(&table(times), "A");
        assert!(told.contains("is another time of the day before it"), "{told}");
    }
}

#[test]
fn rows_of_weeks_are_days_where_a_column_says_so() {
    let mut weeks: Vec<String> = (0..9).map(|n| crate::market::day::iso(19_723 + n * 7)).collect();
    // The export's last row is of the day it was made on.
    weeks.push("2024-02-28".to_owned());
    let text = table(&weeks);
    let told = refusal(&text, "A");
    assert!(told.contains("a week apart") && told.contains("\"period\" with D in every row"), "{told}");
    let marked = text.replace("Date,", "Period,Date,").replace("\n2024", "\nD,2024");
    assert_eq!(rows(&marked, "A").len(), 10);
}
