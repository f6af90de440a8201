//! Cells that say something else than a plain number, and rows whose cells, tickers or exchanges aren't what they seem.

use super::*;

const HEAD: &str = "Date,Open,High,Low,Close,Volume";

/// A table of one line of headings and these rows.
fn table(head: &str, rows: &[&str]) -> String {
    format!("{head}\n{}\n", rows.join("\n"))
}

/// What is said of the rows that can't be taken apart.
fn broken(text: &str, ticker: &str) -> Vec<String> {
    let mut found = Vec::new();
    let batch = file(text, ticker).and_then(|file| file.batch()).expect("a batch");
    batch.for_each(|bar| found.extend(bar.broken.map(str::to_owned))).expect("rows");
    found
}

fn notes(text: &str, ticker: &str) -> Vec<String> {
    file(text, ticker).expect("a file").notes
}

#[test]
fn points_between_thousands_are_known_by_the_columns_beside_them() {
    let change = table(&format!("{HEAD},Change %"), &["2024-01-02,4.500,4.600,4.450,4.520,812,\"0,44%\""]);
    assert_eq!(rows(&change, "A"), ["2024-01-02 4500 4600 4450 4520 812"]);
    assert_eq!(rows(&change.replace("0,44", "0.44"), "A"), ["2024-01-02 4.500 4.600 4.450 4.520 812"]);
    let value = table(&format!("{HEAD},Value"), &["2024-01-02,4.500,4.600,4.450,4.520,812,\"3.670.240,50\""]);
    assert_eq!(rows(&value, "A"), ["2024-01-02 4500 4600 4450 4520 812"]);
    assert_eq!(rows(&value.replace("3.670.240,50", "3,670.24"), "A"), ["2024-01-02 4.500 4.600 4.450 4.520 812"]);
}

#[test]
fn a_list_or_a_range_beside_prices_tells_nothing_of_points() {
    for beside in ["1,2", "14,45", "12,34"] {
        let text =
            table(&format!("{HEAD},Remarks"), &[&format!("2024-01-02,4.500,4.600,4.450,4.520,8123456,\"{beside}\"")]);
        assert_eq!(rows(&text, "A"), ["2024-01-02 4.500 4.600 4.450 4.520 8123456"], "{beside}");
    }
    // A volume without groups contradicts points that part thousands.
    let change = table(&format!("{HEAD},Change %"), &["2024-01-02,4.500,4.600,4.450,4.520,8123456,\"0,44%\""]);
    assert!(refusal(&change, "A").contains("a point between thousands"));
}

#[test]
fn names_of_one_exchange_and_of_sources_are_no_further_exchanges() {
    let three = |heading: &str, names: [&str; 3]| {
        let row = |(n, name): (usize, &str)| format!("A,{name},2024-01-0{},1,3,1,2,10", n + 2);
        let all: Vec<String> = names.into_iter().enumerate().map(row).collect();
        table(
            &format!("Symbol,{heading},Date,Open,High,Low,Close,Volume"),
            &all.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    };
    for names in [["-", "NSE", "N/A"], ["NSE", "NSE_EQ", "National Stock Exchange"]] {
        assert_eq!(rows(&three("Exchange", names), "A.NSE").len(), 3, "{names:?}");
    }
    assert_eq!(rows(&three("src", ["yahoo", "stooq", "yahoo"]), "A").len(), 3);
    assert_eq!(rows(&three("Exchange", ["NSE", "Euronext", "NSE"]), "A.NSE").len(), 2);
    assert_eq!(rows(&table(HEAD, &["2024-01-02,'1,'3,'1,'2,'10"]), "A"), ["2024-01-02 1 3 1 2 10"]);
}

#[test]
fn a_volume_tells_what_its_mark_is_for() {
    let english = table(HEAD, &["2024-01-02,1.469,1.516,1.443,1.501,679", "2024-01-03,1.469,1.516,1.443,1.501,1.250"]);
    assert!(refusal(&english, "A").contains("a point between thousands"), "{}", refusal(&english, "A"));
    assert_eq!(rows(&english.replace("1.250", "1250"), "A")[0], "2024-01-02 1.469 1.516 1.443 1.501 679");
    let korean = table(HEAD, &["2024-01-02,\"71,200\",\"71,900\",\"71,000\",\"71,500\",\"12,345\""]);
    assert_eq!(rows(&korean, "A"), ["2024-01-02 71200 71900 71000 71500 12345"]);
    assert!(refusal(&korean.replace("12,345", "12345"), "A").contains("a comma between thousands"));
    let semicolons = "Date;Open;High;Low;Close;Volume\n2024-01-02;101.469;101.516;101.443;101.501;1234567\n";
    assert_eq!(rows(semicolons, "A"), ["2024-01-02 101.469 101.516 101.443 101.501 1234567"]);
    assert!(refusal(&semicolons.replace("1234567", "812"), "A").contains("a point between thousands"));
}

#[test]
fn two_listings_are_not_mixed_where_one_of_them_has_no_end() {
    let head = "Symbol,Date,Open,High,Low,Close,Volume";
    let in_turn = table(head, &["VOD,2024-02-05,1,3,1,2,9", "VOD.L,2024-02-06,5,6,5,5,9"]);
    let same_days = table(
        head,
        &[
            "VOD,2024-02-05,1,3,1,2,9",
            "VOD.L,2024-02-05,5,6,5,5,9",
            "VOD,2024-02-06,1,3,1,2,9",
            "VOD.L,2024-02-06,5,6,5,5,9",
        ],
    );
    for text in [&in_turn, &same_days] {
        for (ticker, open) in [("VOD.US", "1"), ("VOD", "1"), ("VOD.LON", "5"), ("VOD.L", "5")] {
            let found = rows(text, ticker);
            assert!(found.iter().all(|row| row.contains(&format!(" {open} "))), "{ticker}: {found:?}");
            assert!(
                notes(text, ticker).iter().any(|note| note.ends_with("rows of other tickers left out")),
                "{ticker}"
            );
        }
    }
    let plain = table(head, &["TCS,2024-02-05,1,3,1,2,9", "TCS.BO,2024-02-05,5,6,5,5,9"]);
    assert_eq!(rows(&plain, "TCS.BSE"), ["2024-02-05 5 6 5 5 9"]);
    assert_eq!(rows(&plain, "TCS.NSE"), ["2024-02-05 1 3 1 2 9"]);
    assert!(notes(&plain, "TCS.NSE").contains(&"the file itself calls the share TCS".to_owned()));
    // New York's have no end, or one.
    let same = table(head, &["VOD,2024-02-05,1,3,1,2,9", "VOD.US,2024-02-06,1,3,1,2,9"]);
    assert_eq!(rows(&same, "VOD").len(), 2);
}

#[test]
fn listings_side_by_side_are_told_apart_by_their_ends() {
    let wide = "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n\
        Ticker,RELIANCE.BO,RELIANCE.NS,RELIANCE.BO,RELIANCE.NS,RELIANCE.BO,RELIANCE.NS,RELIANCE.BO,RELIANCE.NS,RELIANCE.BO,RELIANCE.NS\n\
        Date,,,,,,,,,,\n2024-01-02,2,20,3,30,1,10,1.5,15,7,70\n";
    assert_eq!(rows(wide, "RELIANCE.BSE"), ["2024-01-02 1.5 3 1 2 7"]);
    assert_eq!(rows(wide, "RELIANCE.NSE"), ["2024-01-02 15 30 10 20 70"]);
    assert!(
        refusal(wide, "RELIANCE").contains("RELIANCE.BO, RELIANCE.NS and no RELIANCE"),
        "{}",
        refusal(wide, "RELIANCE")
    );
}

#[test]
fn an_exchange_that_is_not_known_is_another_one() {
    let head = "Symbol,Exchange,Date,Open,High,Low,Close,Volume";
    let text = table(head, &["TCS,NSE,2024-02-05,1,3,1,2,9", "TCS,Euronext,2024-02-06,5,6,5,5,9"]);
    assert_eq!(rows(&text, "TCS.NSE"), ["2024-02-05 1 3 1 2 9"]);
    let told = refusal(&text, "TCS");
    assert!(told.contains("several exchanges, EURONEXT, NSE") && told.ends_with("as TCS.NSE"), "{told}");
    let unknown = refusal(&text.replace("NSE", "Vienna"), "TCS");
    assert!(unknown.ends_with("leave the rows of one"), "{unknown}");
    // One that isn't known, blanks beside it, and two names of New York's.
    for (one, other) in [("Vienna", "vienna"), ("", "Vienna"), ("NYSE", "NasdaqGS")] {
        let text = text.replace("NSE", one).replace("Euronext", other);
        assert_eq!(rows(&text, "TCS").len(), 2, "{one} {other}");
    }
}

#[test]
fn a_number_that_was_cut_at_its_commas_is_flagged() {
    let remarks = format!("{HEAD},Remarks");
    for (head, row) in [
        (remarks.as_str(), "2024-03-01,10,11,9,10.5,12,345,"),
        ("Date,Open,High,Low,Close,Volume,", "2024-03-01,10,11,9,10.5,12,345"),
        ("Date,Open,High,Low,Close,Volume,", "2024-03-01,1,010,999,990,995,5000"),
        ("Date,Open,High,Low,Close,Volume,Remarks", "2024-03-01,10,11,9,10,50,500,"),
    ] {
        let found = broken(&table(head, &[row, "2024-03-04,10,11,9,10.5,12345,"]), "A");
        assert_eq!(found.len(), 1, "{head} {row}");
        assert!(found[0].ends_with("a number with commas needs quotation marks"), "{found:?}");
    }
    for (head, row) in [
        // A comma after every row, a column of other numbers, a remark, and pandas' index.
        (HEAD, "2024-03-01,10,11,9,10.5,12345,"),
        ("Date,Open,High,Low,Close,Volume,", "2024-03-01,10,11,9,10.5,12345,"),
        ("Date,Open,High,Low,Close,Volume,RSI", "2024-03-01,10,11,9,10.5,12345,55.2,"),
        ("Date,Open,High,Low,Close,Volume,Rank", "2024-03-01,10,11,9,10.5,12345,101,"),
        (remarks.as_str(), "2024-03-01,10,11,9,10.5,12345,ex dividend,"),
        ("Date,Open,High,Low,Close,Volume,", "2024-03-01,10,11,9,10.5,12345,holiday"),
        (",Date,Open,High,Low,Close,Volume", "0,2024-03-01,10,11,9,10.5,12345"),
    ] {
        assert_eq!(rows(&table(head, &[row]), "A"), ["2024-03-01 10 11 9 10.5 12345"], "{head} {row}");
    }
    let semicolons = "Date;Open;High;Low;Close;Volume;\n2024-03-01;10,5;11;9;10,5;12;345\n";
    assert_eq!(rows(semicolons, "A"), ["2024-03-01 10.5 11 9 10.5 12"]);
}

#[test]
fn what_stands_inside_a_number_makes_it_none() {
    for cell in ["12€50", "10$50", "12£5", "10.50 1", "10 5", "5'11"] {
        let text = table(HEAD, &[&format!("2024-01-02,{cell},3,1,2,9"), "2024-01-03,1.5,3,1,2,9"]);
        assert_eq!(rows(&text, "A")[0], format!("2024-01-02 {cell} 3 1 2 9"), "flagged as no number");
    }
    assert_eq!(rows(&table(HEAD, &["2024-01-02,1.5,3,1,2,12 3"]), "A"), ["2024-01-02 1.5 3 1 2 12 3"]);
    let text = table(HEAD, &["2024-01-02,C$10.50,CHF 1'234.50,10.50 kr,10.50/-,1 234 567"]);
    assert_eq!(rows(&text, "A"), ["2024-01-02 10.50 1234.50 10.50 10.50 1234567"]);
    let volumes =
        table(HEAD, &["2024-01-02,1.5,3,1,2,1.2Cr", "2024-01-03,1.5,3,1,2,12.5 Lakh", "2024-01-04,1.5,3,1,2,1.2mn"]);
    let volumes: Vec<String> =
        rows(&volumes, "A").iter().filter_map(|row| row.rsplit(' ').next().map(str::to_owned)).collect();
    assert_eq!(volumes, ["12000000", "1250000", "1200000"]);
}

#[test]
fn a_row_of_another_kind_in_json_is_refused() {
    let list = r#"["2024-01-02",1,3,1,2,5]"#;
    let object = r#"{"date":"2024-01-03","open":1,"high":3,"low":1,"close":2,"volume":5}"#;
    assert!(refusal(&format!("[{list},{object}]"), "A").contains("a row that isn't a list"));
    assert!(refusal(&format!("[{object},{list}]"), "A").contains("a row that isn't an object"));
    assert_eq!(rows(&format!("[{list}]"), "A"), ["2024-01-02 1 3 1 2 5"]);
}

#[test]
fn an_adjusted_close_that_is_missing_between_others_is_flagged() {
    let adjusted = |cells: [&str; 3]| {
        let row = |(n, cell): (usize, &str)| format!("2024-01-0{},10,11,9,10.5,{cell},7\n", n + 2);
        let rows: String = cells.into_iter().enumerate().map(row).collect();
        let text = format!("Date,Open,High,Low,Close,Adj Close,Volume\n{rows}");
        let mut found = Vec::new();
        let batch = file(&text, "A").and_then(|file| file.batch()).expect("a batch");
        batch.for_each(|bar| found.push(bar.adjusted_close.map(str::to_owned))).expect("rows");
        found
    };
    let some = |text: &str| Some(text.to_owned());
    // An empty number is flagged as missing.
    assert_eq!(adjusted(["5.1", "-", "5.1"]), [some("5.1"), some(""), some("5.1")]);
    assert_eq!(adjusted(["5.1", "5.1", "-"]), [some("5.1"), some("5.1"), None]);
    assert_eq!(adjusted(["", "", "5.1"]), [None, None, some("5.1")]);
    assert_eq!(adjusted(["", "", ""]), vec![None::<String>; 3]);
}

#[test]
fn metastock_s_dates_are_read_and_not_its_times() {
    let text = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n\
        GAZP,D,20240103,000000,1,3,1,2,10\nGAZP,60,20240103,110000,1,3,1,2,10\n";
    assert_eq!(rows(text, "GAZP"), ["2024-01-03 1 3 1 2 10"]);
    assert_eq!(rows("time,open,high,low,close,volume\n2024-01-03,1,3,1,2,10\n", "A"), ["2024-01-03 1 3 1 2 10"]);
}

#[test]
fn tickers_with_a_hyphen_are_found_with_an_end_and_without() {
    let head = "Symbol,Date,Open,High,Low,Close,Volume";
    for (named, wanted) in [
        ("BAJAJ-AUTO", "BAJAJ-AUTO.NSE"),
        ("BAJAJ-AUTO", "BAJAJ-AUTO.NS"),
        ("BAJAJ-AUTO.NS", "BAJAJ-AUTO"),
        ("BRK-B.US", "BRK.B"),
        ("BRK-B.US", "BRK-B"),
        ("BRK-B.US", "BRK.B.US"),
    ] {
        let text = table(head, &[&format!("{named},2024-01-02,1,3,1,2,10"), "ACC,2024-01-02,5,6,5,5,9"]);
        assert_eq!(rows(&text, wanted), ["2024-01-02 1 3 1 2 10"], "{named} {wanted}");
    }
    let other = table(head, &["BRK-A.US,2024-01-02,1,3,1,2,10", "ACC,2024-01-02,5,6,5,5,9"]);
    assert!(refusal(&other, "BRK.B").contains("import it under one of them"));
}

#[test]
fn the_bse_s_groups_are_no_series_however_its_file_was_saved() {
    let text = "TradDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,TtlTradgVol\n\
        2024-07-08,CM,BSE,STK,500325,INE002A01018,RELIANCE,A,1.5,3,1,2,10\n\
        2024-07-08,CM,BSE,STK,532540,INE467B01029,TCS,A,5,6,5,5,9\n";
    let quoted = text.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect::<Vec<_>>().concat();
    for text in [text.to_owned(), text.replace(',', ";"), text.replace(',', "\t"), quoted] {
        assert_eq!(rows(&text, "RELIANCE.BSE"), ["2024-07-08 1.5 3 1 2 10"], "{text}");
        let nse = text.replace("BSE", "NSE");
        assert!(refusal(&nse, "RELIANCE.NSE").contains("the series A"), "{}", refusal(&nse, "RELIANCE.NSE"));
    }
}

#[test]
fn a_volume_that_an_index_says_it_has_not_is_zero_and_a_blank_one_is_missing() {
    let head = "Date,Open,High,Low,Close,Shares Traded,Turnover";
    let index = table(head, &["2024-01-02,1,3,1,2,-,-", "2024-01-03,1,3,1,2,,"]);
    assert_eq!(rows(&index, "NIFTY"), ["2024-01-02 1 3 1 2 0", "2024-01-03 1 3 1 2 –"]);
    assert!(notes(&index, "NIFTY").contains(&"the volume of 1 rows isn't known and is stored as 0".to_owned()));
    let share = table("Series,Date,Open,High,Low,Close,Volume", &["EQ,2024-01-02,1,3,1,2,-"]);
    assert_eq!(rows(&share, "TCS"), ["2024-01-02 1 3 1 2 –"]);
}

#[test]
fn a_remark_that_changes_with_a_split_names_no_share() {
    let four = |heading: &str, one: &str, other: &str| {
        let rows = [(one, "100"), (one, "101"), (other, "10"), (other, "10.5")]
            .iter()
            .enumerate()
            .map(|(n, (name, close))| format!("2024-01-0{},{close},{close},{close},{close},7,{name}\n", n + 2))
            .collect::<Vec<_>>()
            .concat();
        format!("{HEAD},{heading}\n{rows}")
    };
    for (heading, one, other) in
        [("Remark", "Pre-split", "Post-split"), ("Board", "SME", "MAIN"), ("FY", "FY24", "FY25")]
    {
        assert_eq!(rows(&four(heading, one, other), "A").len(), 4, "{heading}");
    }
    assert!(refusal(&four("Firm", "ACME", "Other"), "A").contains("several shares"));
}

#[test]
fn other_programs_headings_and_cells_are_known() {
    for text in [
        "Ticker,Date,Open,High,Low,Close,Volume\nTicker,Date,Open,High,Low,Close,Volume\nA,2024-01-02,1,3,1,2,10\n",
        "symbol,date,open,high,low,close,volume,adjclose,dividends,splits\nA,2024-01-02,1,3,1,2,10,2,0,0\n",
        "date,open,high,low,close,adjClose,volume,unadjustedVolume\n2024-01-02,1,3,1,2,2,10,11\n",
        "Exchange Date,Close,Open,Low,High,Volume\n02-Jan-2024,2,1,1,3,10\n",
        "Date_YMD,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,10\n",
        "Date,Timeframe,Open,High,Low,Close,Volume\n2024-01-02,D1,1,3,1,2,10\n2024-01-02,H1,1,3,1,2,10\n",
        "Date,Period,Open,High,Low,Close,Volume\n2024-01-02,1 day,1,3,1,2,10\n2024-01-02,60,1,3,1,2,10\n",
        "Date,Period,Open,High,Low,Close,Volume\n2024-01-02,1440,1,3,1,2,10\n",
        "Date,Open,High,Low,Close,Volume\n=\"2024-01-02\",1,3,1,2,10\n",
        "Date,Open,High,Low,Close,Volume\n\"=\"\"2024-01-02\"\"\",1,3,1,2,10\n",
    ] {
        assert_eq!(rows(text, "A"), ["2024-01-02 1 3 1 2 10"], "{text}");
    }
    let yahooquery =
        "symbol,date,open,high,low,close,volume,adjclose,dividends,splits\nA,2024-01-02,1,3,1,2,10,2,0,0\n";
    let yahooquery = file(yahooquery, "A").expect("a file");
    assert_eq!((yahooquery.format, yahooquery.adjusted), ("Yahoo", Some(true)));
    let mut splits = Vec::new();
    let text = format!("{HEAD},Split\n2024-01-02,1,3,1,2,10,0\n2024-01-03,1,3,1,2,10,2\n");
    let batch = file(&text, "A").and_then(|file| file.batch()).expect("a batch");
    batch.for_each(|bar| splits.push(bar.split.map(str::to_owned))).expect("rows");
    assert_eq!(splits, [None, Some("2".to_owned())]);
}
