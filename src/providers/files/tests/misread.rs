//! Files that would be read as something else than they say: decided by what they hold, or refused.

use super::*;

#[test]
fn bars_of_weeks_are_not_stored_as_days() {
    let weeks = (0..8).map(|n| format!("{},1,3,1,2,10\n", day::iso(19_723 + n * 7))).collect::<Vec<_>>().concat();
    let text = format!("Date,Open,High,Low,Close,Volume\n{weeks}");
    assert!(
        refusal(&text, "A").contains("its rows are a week apart; daily prices are needed"),
        "{}",
        refusal(&text, "A")
    );
    let days = (0..8).map(|n| format!("2024-01-{:02},1,3,1,2,10\n", 1 + n)).collect::<Vec<_>>().concat();
    assert_eq!(rows(&format!("Date,Open,High,Low,Close,Volume\n{days}"), "A").len(), 8);
    // The exchange lets some shares trade on Mondays alone, and its files say that these are days.
    let series = text.replace("Date,", "Series,Date,").replace("\n2024", "\nEQ,2024");
    assert_eq!(rows(&series, "A").len(), 8);
}

#[test]
fn dates_that_a_spreadsheet_has_exchanged_are_not_read_as_other_days() {
    let table = |days: &[&str]| {
        let rows = days.iter().map(|day| format!("{day},1,3,1,2,10\n")).collect::<Vec<_>>().concat();
        format!("Date,Open,High,Low,Close,Volume\n{rows}")
    };
    let iso = table(&["2024-10-01", "2024-11-01", "2024-12-01", "2024-01-15", "2024-01-16"]);
    assert!(refusal(&iso, "A").contains("seems to have exchanged them"), "{}", refusal(&iso, "A"));
    let mixed = table(&["2024-11-01", "2024-12-01", "15/01/2024", "16/01/2024"]);
    assert!(refusal(&mixed, "A").contains("in two ways"), "{}", refusal(&mixed, "A"));
}

#[test]
fn json_s_rows_are_read_by_the_names_beside_them() {
    let expected = ["2024-01-02 1.5 3 1 2 10"];
    for text in [
        // pandas, with the dates as a column and as the index; Nasdaq Data Link, of a data set and of a table.
        r#"{"columns":["Close","Date","High","Low","Open","Volume"],"index":[0],"data":[[2,"2024-01-02",3,1,1.5,10]]}"#,
        r#"{"columns":["Close","High","Low","Open","Volume"],"index":["2024-01-02T00:00:00.000"],"data":[[2,3,1,1.5,10]]}"#,
        r#"{"dataset":{"id":7,"column_names":["Date","Close","High","Low","Open","Volume"],
            "data":[["2024-01-02",2,3,1,1.5,10]]}}"#,
        r#"{"datatable":{"data":[["AAPL","2024-01-02",2,3,1,1.5,10]],"columns":[{"name":"ticker","type":"String"},
            {"name":"date"},{"name":"close"},{"name":"high"},{"name":"low"},{"name":"open"},{"name":"volume"}]},"meta":{}}"#,
    ] {
        assert_eq!(rows(text, "AAPL"), expected, "{text}");
    }
    let answer = r#"{"status":200,"headers":{"content-type":"json"},"data":{"candles":[["2024-01-02T00:00:00+0530",1.5,3,1,2,10]]}}"#;
    assert_eq!(rows(answer, "AAPL"), expected);
    let unnamed = r#"{"columns":{"a":"Date"},"data":[["2024-01-02",2,3,1,1.5,10]]}"#;
    assert!(refusal(unnamed, "A").contains("names its columns"), "{}", refusal(unnamed, "A"));
    assert!(refusal(r#"{"columns":["a","b"],"data":[["2024-01-02",2]]}"#, "A").contains("no line of headings"));
}

#[test]
fn json_s_columns_are_those_of_all_rows() {
    let text = r#"[{"date":"2024-01-02","open":1,"high":3,"low":1,"close":2},
        {"date":"2024-01-03","open":1,"high":3,"low":1,"close":2,"volume":10}]"#;
    assert_eq!(rows(text, "A"), ["2024-01-02 1 3 1 2 –", "2024-01-03 1 3 1 2 10"]);
    let names = (0..9_000).map(|n| format!("{{\"{n:06}\":1}}")).collect::<Vec<_>>().join(",");
    assert!(refusal(&format!("[{names}]"), "A").contains("too many different names"));
}

#[test]
fn headings_further_down_are_those_of_the_first_line_or_refused() {
    let table = |again: &str| {
        format!("Date,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,10\n{again}\n2024-01-03,2,3,1,2,10\n")
    };
    for again in ["date,open,high,low,close,volume", "Date,Open Price,High Price,Low Price,Close Price,Volume"] {
        assert_eq!(rows(&table(again), "A").len(), 2, "{again}");
        let notes = file(&table(again), "A").expect("a file").notes;
        assert_eq!(notes, ["1 repeated headings left out"], "{again}");
    }
    for again in [
        "Date,Close,High,Low,Open,Volume",
        "Date,Open,Low,High,Close,Volume",
        "Date,Symbol,Open,High,Low,Close,Volume",
        "Date,Open,High,Low,Close,Adj Close,Volume",
    ] {
        let told = refusal(&table(again), "A");
        assert!(told.ends_with("line 3 has other headings than line 1; split the file there"), "{again}: {told}");
    }
}

#[test]
fn listings_of_one_name_at_two_exchanges_stay_apart() {
    let table = |one: &str, other: &str| {
        format!(
            "Symbol,Date,Open,High,Low,Close,Volume\n{one},2024-02-05,1,3,1,2,9\n{other},2024-02-05,5,6,5,5,9\n\
             {one},2024-02-06,1,3,1,2,9\n{other},2024-02-07,5,6,5,5,9\n"
        )
    };
    let two = table("VOD.L", "VOD.US");
    for (ticker, first) in
        [("VOD.LON", "2024-02-05 1 3 1 2 9"), ("VOD", "2024-02-05 5 6 5 5 9"), ("VOD.US", "2024-02-05 5 6 5 5 9")]
    {
        assert_eq!(rows(&two, ticker)[..1], [first], "{ticker}");
        let notes = file(&two, ticker).expect("a file").notes;
        assert_eq!(notes, ["2 rows of other tickers left out"], "{ticker}");
    }
    let refused = refusal(&table("TCS.NS", "TCS.BO"), "TCS");
    assert!(refused.ends_with("it holds TCS.BO, TCS.NS and no TCS; import it under one of them"), "{refused}");
    assert_eq!(rows(&table("TCS.NS", "TCS.BO"), "TCS.BSE").len(), 2);
    assert_eq!(rows(&table("AAPL", "AAPL.US"), "AAPL").len(), 4, "New York's tickers have no end mostly");
    // Two spellings of one exchange, and the only listing in a file.
    assert_eq!(rows(&table("TCS.NS", "TCS.NSE"), "TCS.NSE").len(), 4);
    let notes = file(&table("TCS.NS", "TCS.NS"), "TCS.BSE").expect("a file").notes;
    assert_eq!(notes, ["the file itself calls the share TCS.NS"]);
}

#[test]
fn the_rows_of_one_exchange_are_read_where_a_column_names_several() {
    for head in ["Symbol,Exchange", "Mood,Exchange"] {
        let row = |exchange: &str, day: u32| format!("TCS,{exchange},2024-02-0{day},{day},9,1,2,9\n");
        let text =
            format!("{head},Date,Open,High,Low,Close,Volume\n{}{}{}", row("NSE", 5), row("BSE", 6), row("NSE", 7));
        assert_eq!(rows(&text, "TCS.NSE"), ["2024-02-05 5 9 1 2 9", "2024-02-07 7 9 1 2 9"], "{head}");
        let notes = file(&text, "TCS.BSE").expect("a file").notes;
        assert!(notes.contains(&"2 rows of other exchanges left out".to_owned()), "{notes:?}");
        let refused = refusal(&text, "TCS");
        assert!(refused.contains("BSE, NSE, and TCS names none of them"), "{refused}");
        // One exchange under another of its names is one.
        assert_eq!(rows(&text.replace(",BSE,", ",XNSE,"), "TCS").len(), 3, "{head}");
    }
}

#[test]
fn points_between_thousands_are_not_read_as_decimals() {
    let german = "Datum;Zuletzt;Eröffn.;Hoch;Tief\n29.09.2023;15.386;15.400;15.500;15.300\n";
    assert!(refusal(german, "A").contains("\"15.400\" has a decimal point or"), "{}", refusal(german, "A"));
    let told = german.replace("Tief", "Tief;+/- %").replace("15.300", "15.300;-0,30%");
    assert_eq!(rows(&told, "A"), ["2023-09-29 15400 15500 15300 15386 0"]);
    let beside = german.replace("Tief", "Tief;VWAP").replace("15.300", "15.300;15.3861");
    assert_eq!(rows(&beside, "A"), ["2023-09-29 15.400 15.500 15.300 15.386 0"]);
    let english = "Date,Open,High,Low,Close,Volume\n2023-09-29,15.400,15.500,15.300,15.386,7\n";
    assert_eq!(rows(english, "A"), ["2023-09-29 15.400 15.500 15.300 15.386 7"]);
    let volume = "Date;Open;High;Low;Close;Volume\n2023-09-29;12;13;11;12;123.000\n";
    assert!(refusal(volume, "A").contains("\"123.000\""), "{}", refusal(volume, "A"));
}
