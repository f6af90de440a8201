mod cells;
mod misdated;
mod misread;

use super::*;
use crate::providers::RawBar;

fn file(text: &str, ticker: &str) -> Result<PriceFile, ProviderError> {
    read(text.as_bytes(), &Options { ticker: ticker.to_owned(), date_order: None, day: None })
}

fn rows(text: &str, ticker: &str) -> Vec<String> {
    let file = file(text, ticker).expect("a file");
    let mut rows = Vec::new();
    let show = |text: Option<&str>| text.unwrap_or("–").to_owned();
    let batch = file.batch().expect("dates");
    batch
        .for_each(|b| {
            rows.push(format!(
                "{} {} {} {} {} {}",
                b.date,
                show(b.open),
                show(b.high),
                show(b.low),
                show(b.close),
                show(b.volume)
            ));
        })
        .expect("rows");
    rows
}

fn refusal(text: &str, ticker: &str) -> String {
    match file(text, ticker) {
        Err(error) => error.to_string(),
        Ok(file) => file.undecided.expect("a refusal"),
    }
}

#[test]
fn every_format_comes_in_cell_for_cell() {
    let cases = [
        (
            "Date,Close/Last,Volume,Open,High,Low\n12/13/2024,$191.38,18883220,$192.71,$194.34,$191.26\n",
            "2024-12-13 192.71 194.34 191.26 191.38 18883220",
        ),
        (
            "\u{feff}\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\"09/29/2023\",\"1,612.34\",\"1,620.00\",\"1,630.5\",\"1,600.00\",\"51.86M\",\"0.30%\"\n,,,,,,\n",
            "2023-09-29 1620.00 1630.5 1600.00 1612.34 51860000",
        ),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nAAPL.US,D,19840907,000000,0.0992653,0.100484,0.0980668,0.0992653,99149603,0\nAAPL.US,60,19840907,100000,1,1,1,1,1,0\n",
            "1984-09-07 0.0992653 0.100484 0.0980668 0.0992653 99149603",
        ),
        (
            "\"Date \",\"series \",\"OPEN \",\"HIGH \",\"LOW \",\"PREV. CLOSE \",\"ltp \",\"close \",\"vwap \",\"52W H \",\"52W L \",\"VOLUME \",\"VALUE \",\"No of trades \"\n\"19-Feb-2020\",\"EQ\",\"502.00\",\"523.00\",\"501.35\",\"502.15\",\"522.00\",\"516.75\",\"513.91\",\"568.20\",\"370.05\",1547819,\"795,434,488.60\",34547\n\"19-Feb-2020\",\"N3\",\"1.00\",\"1.00\",\"1.00\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",1,\"1\",1\n",
            "2020-02-19 502.00 523.00 501.35 516.75 1547819",
        ),
        (
            "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL,MSFT,MSFT,MSFT,MSFT,MSFT\nPrice,Open,High,Low,Close,Volume,Open,High,Low,Close,Volume\nDate,,,,,,,,,,\n2024-01-02,1.5,3,1,2,10,5,6,4,5,11\n",
            "2024-01-02 1.5 3 1 2 10",
        ),
        (
            "date,close,volume,open,high,low\n2019/05/24,190.6300,14136570.0000,199.8300,199.9800,188.7505\n",
            "2019-05-24 199.8300 199.9800 188.7505 190.6300 14136570.0000",
        ),
        (
            "\"Datum\",\"Zuletzt\",\"Eröffn.\",\"Hoch\",\"Tief\",\"Vol.\",\"+/- %\"\n\"29.09.2023\",\"1.171,21\",\"1.172,02\",\"1.173,07\",\"1.170,34\",\"51,86M\",\"0,30%\"\n",
            "2023-09-29 1172.02 1173.07 1170.34 1171.21 51860000",
        ),
        (
            "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n1997-03-28 00:00:00+05:30,2,3,1,1.5,10\n",
            "1997-03-28 1.5 3 1 2 10",
        ),
        (
            "Date,Open,High,Low,Close,Adj Close,Volume\n2021-05-13,1,3,1,2,2,10\n2021-05-14,null,null,null,null,null,null\n",
            "2021-05-13 1 3 1 2 10",
        ),
        ("[[\"2017-12-15T00:00:00+0530\",1.10,3,1,2,10,0]]", "2017-12-15 1.10 3 1 2 10"),
        (
            "{\"Meta Data\": {}, \"Time Series (Daily)\": {\"2024-01-02\": {\"1. open\": \"1.0\", \"2. high\": \"3\", \"3. low\": \"1\", \"4. close\": \"2\", \"5. volume\": \"10\"}}}",
            "2024-01-02 1.0 3 1 2 10",
        ),
        (
            "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY\nAAPL, EQ, 30-Dec-2024, 1, 1.5, 3, 1, 2, 2.5, 2, 10\nB, EQ, 30-Dec-2024, 1, 1.5, 3, 1, 2, 2.5, 2, 10\n",
            "2024-12-30 1.5 3 1 2.5 10",
        ),
        (
            "Date;Open;High;Low;Close;Volume\n24.05.2019;1.234,5;1.300,0;1.200,0;1.250,75;1.000.000\n",
            "2019-05-24 1234.5 1300.0 1200.0 1250.75 1000000",
        ),
        ("Prices of a share\n\nDate|Open|High|Low|Close|Volume\n2024-01-02|1|3|1|2|10\n", "2024-01-02 1 3 1 2 10"),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(text, "AAPL"), [expected], "{text}");
    }
}

const BSE_DAY: &str = "SC_CODE,SC_NAME,SC_GROUP,SC_TYPE,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,NO_TRADES,NO_OF_SHRS,NET_TURNOV,TDCLOINDI\n\
    500325,RELIANCE    ,A ,Q,2581.05,2606.00,2573.55,2589.85,2589.85,2584.85,6352,67641,175008138.00,\n\
    700325,RELIANCE    ,A ,P,100.00,100.00,100.00,100.00,100.00,100.00,1,1,1.00,\n\
    532540,TCS LTD.    ,A ,Q,3792.00,3831.90,3772.80,3810.60,3810.60,3794.95,8634,68853,261891493.00,\n";

#[test]
fn the_bse_names_the_day_in_the_files_name_and_shares_by_their_type() {
    for ticker in ["500325", "500325.BSE", "RELIANCE.BSE"] {
        let day = crate::market::daily::day_in_name("EQ010124.CSV");
        let file = read(BSE_DAY.as_bytes(), &Options { ticker: ticker.to_owned(), date_order: None, day });
        let file = file.expect("a file");
        let mut rows = Vec::new();
        let show = |b: RawBar<'_>| rows.push(format!("{} {:?} {:?}", b.date, b.close, b.volume));
        file.batch().expect("dates").for_each(show).expect("rows");
        assert_eq!(rows, ["2024-01-01 Some(\"2589.85\") Some(\"67641\")"], "{ticker}");
        assert_eq!((file.format, file.adjusted), ("BSE bhavcopy", Some(false)));
        assert!(file.notes.iter().any(|note| note.contains("2024-01-01")), "{:?}", file.notes);
    }
    assert!(refusal(BSE_DAY, "500325").contains("the file's name"), "{}", refusal(BSE_DAY, "500325"));
}

#[test]
fn who_wrote_a_file_says_whether_its_prices_are_adjusted() {
    let told = |text: &str| file(text, "TCS").map(|file| (file.format, file.adjusted)).expect("a file");
    for text in [
        "date,open,high,low,close,volume\n2017-12-15 00:00:00+05:30,1,3,1,2,10\n",
        "[[\"2017-12-15T00:00:00+0530\",1,3,1,2,10,0]]",
        "[{\"date\":\"2017-12-15T00:00:00+05:30\",\"open\":1,\"high\":3,\"low\":1,\"close\":2,\"volume\":10}]",
    ] {
        assert_eq!(told(text), ("Kite", Some(true)), "{text}");
    }
    for text in [
        "Symbol,Series,Date,Prev Close,Open Price,High Price,Low Price,Last Price,Close Price,Average Price,Total Traded Quantity\nTCS,EQ,01-Jan-2020,2,2,3,1,2,2,2,10\n",
        "Date,Symbol,Series,Prev Close,Open,High,Low,Last,Close,VWAP,Volume,Turnover,Trades,Deliverable Volume,%Deliverble\n2010-01-04,TCS,EQ,2,2,3,1,2,2,2,10,1,1,1,1\n",
    ] {
        assert_eq!(told(text), ("NSE history", Some(false)), "{text}");
    }
    assert_eq!(told("date,close,volume,open,high,low\n2019/05/24,2,10,2,3,1\n"), ("Nasdaq", Some(true)));
}

#[test]
fn rows_that_do_not_belong_together_are_refused() {
    for (head, fault) in
        [("", "8 of its 8 days"), ("exchange", "several exchanges, AA, BB"), ("Kürzel", "8 of its 8 days")]
    {
        let rows = (1..9).map(|day| format!("2024-02-0{day},10,11,9,10,5,AA\n2024-02-0{day},100,101,99,100,5,BB\n"));
        let text = format!("Date,Open,High,Low,Close,Volume,{head}\n{}", rows.collect::<String>());
        assert!(refusal(&text, "AA").contains(fault), "{}", refusal(&text, "AA"));
    }
    let codes = "Code,Date,Open,High,Low,Close,Volume\nA1,2024-02-01,1,3,1,2,10\nB2,2024-02-02,100,300,100,200,10\n";
    assert!(refusal(codes, "C3").contains("A1, B2"), "{}", refusal(codes, "C3"));
    let clock = "Date,Time,Open,High,Low,Close,Volume\n2024-02-05,09:15,1,3,1,2,10\n2024-02-05,09:16,1,3,1,2,10\n";
    assert!(refusal(clock, "A").contains("one row a day"), "{}", refusal(clock, "A"));
    let slip = "Date,Open,High,Low,Close,Volume\n2024-02-05,1,3,1,2,10\n2024-02-05,2,3,1,2,10\n2024-02-06,1,3,1,2,10\n";
    assert_eq!(rows(slip, "A").len(), 3, "a slip of one day is flagged later");
}

#[test]
fn lines_may_end_in_several_ways() {
    let text =
        "Date,Open,High,Low,Close,Volume\r\n2024-02-05,1,3,1,2,10\n2024-02-06,1,3,1,2,10\r2024-02-07,1,3,1,2,10\r\r\n";
    assert_eq!(rows(text, "A").len(), 3);
}

#[test]
fn a_date_that_is_none_in_the_stated_order_is_left_out() {
    let text = "Date,Open,High,Low,Close,Volume\n13/02/2024,1,3,1,2,10\n02/14/2024,1,3,1,2,10\n2024-02-15,1,3,1,2,10\n";
    let options = Options { ticker: "A".to_owned(), date_order: Some(DateOrder::Dmy), day: None };
    let file = read(text.as_bytes(), &options).expect("a file");
    let mut found = Vec::new();
    let show = |bar: RawBar<'_>| found.push((bar.date.into_owned(), bar.broken.map(str::to_owned)));
    file.batch().expect("dates").for_each(show).expect("rows");
    let reason = "\"02/14/2024\" is no date in the order DMY";
    let expected = [("2024-02-13", None), ("02/14/2024", Some(reason)), ("2024-02-15", None)];
    assert_eq!(found, expected.map(|(date, broken)| (date.to_owned(), broken.map(str::to_owned))));
}

#[test]
fn other_encodings_are_read() {
    let text = "Date,Open,High,Low,Close,Volume\n2024-01-02,£1,3,1,2,10\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let windows: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for content in [utf16, big, windows, text.as_bytes().to_vec()] {
        let file = read(&content, &Options::default()).expect("a file");
        let mut opens = Vec::new();
        file.batch().expect("dates").for_each(|b| opens.push(b.open.map(str::to_owned))).expect("rows");
        assert_eq!(opens, [Some("1".to_owned())]);
    }
}

#[test]
fn refusals_say_what_to_do() {
    let head = "Date,Open,High,Low,Close,Volume\n";
    assert!(refusal(&format!("{head}05/02/2024,1,3,1,2,10\n"), "A").contains("dateOrder"));
    assert!(refusal(&format!("{head}13/02/2024,1,3,1,2,10\n02/13/2024,1,3,1,2,10\n"), "A").contains("contradict"));
    assert!(
        refusal("Symbol,Date,Open,High,Low,Close,Volume\nX,2024-01-02,1,3,1,2,1\nY,2024-01-02,1,3,1,2,1\n", "A")
            .contains("X, Y")
    );
    assert!(refusal("Exceeded the daily hits limit", "A").contains("Exceeded"));
    assert!(refusal("<!DOCTYPE html><html>", "A").contains("web page"));
    assert!(refusal(head, "A").contains("no rows"));
    assert!(
        refusal(&format!("{head}2024-01-02 09:15,1,3,1,2,10\n2024-01-02 09:20,1,3,1,2,10\n"), "A").contains("daily")
    );
}

#[test]
fn an_open_quotation_mark_costs_its_own_line() {
    let text =
        "Date,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,10\n2024-01-03,\"1,3,1,2,10\n2024-01-04,1,3,1,2,10\n";
    let file = file(text, "A").expect("a file");
    let mut broken = Vec::new();
    let mut good = 0;
    let count = |b: RawBar<'_>| match b.broken {
        Some(reason) => broken.push(format!("{}: {reason}", b.date)),
        None => good += 1,
    };
    file.batch().expect("dates").for_each(count).expect("rows");
    assert_eq!((good, broken), (2, vec!["2024-01-03: line 3 has a quotation mark that isn't closed".to_owned()]));
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "(Date,Open,High,Low,Close,Volume\n)?[\\PC\n,\";]{0,200}") {
        if let Ok(file) = file(&text, "A")
            && let Ok(batch) = file.batch()
        {
            let _ = batch.for_each(|_| {});
        }
    }
}

#[test]
fn rows_beside_a_notice_are_made_up_and_a_day_that_was_going_on_is_left_out() {
    let notice = r#"{"message":"This is a premium endpoint. THE SAMPLE DATA BELOW IS ARTIFICIAL","data":[
        {"symbol":"IBM","timestamp":"2024-10-18","open":"1","high":"2","low":"1","close":"2","volume":"5"}]}"#;
    assert!(refusal(notice, "IBM").contains("notice"), "{}", refusal(notice, "IBM"));
    let day = r#"{"1. open":"1","2. high":"3","3. low":"1","4. close":"2","5. volume":"10"}"#;
    let series = |refreshed: &str| {
        format!(
            r#"{{"Meta Data":{{"2. Symbol":"IBM","3. Last Refreshed":"{refreshed}"}},
                "Time Series (Daily)":{{"2020-05-08":{day},"2020-05-07":{day}}}}}"#
        )
    };
    assert_eq!(rows(&series("2020-05-08"), "IBM").len(), 2);
    assert_eq!(rows(&series("2020-05-08 14:07:57"), "IBM"), ["2020-05-07 1 3 1 2 10"]);
    let told = file(&series("2020-05-08 14:07:57"), "IBM").expect("a file").notes;
    assert!(told.iter().any(|note| note.starts_with("2020-05-08 was still going on")), "{told:?}");
}

#[test]
fn an_archive_of_one_table_is_opened() {
    use std::io::Write;
    let zipped = |name: &str| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
        writer.write_all(b"Date,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,10\n").expect("content");
        writer.finish().expect("an archive").into_inner()
    };
    let file = read(zipped("cm02JAN2024bhav.csv"), &Options::default()).expect("a file");
    assert_eq!(file.columns.len(), 6);
    let refused = read(zipped("xl/workbook.xml"), &Options::default()).expect_err("a spreadsheet").to_string();
    assert!(refused.contains("save it as CSV"), "{refused}");
}

#[test]
fn shares_are_told_apart_by_whatever_names_them() {
    let two = |heading: &str, one: &str, other: &str| {
        format!("{heading},Date,Open,High,Low,Close,Volume\n{one},2024-02-05,1,3,1,2,9\n{other},2024-02-06,5,6,5,5,9\n")
    };
    for (heading, one, other) in [
        ("ISIN", "INE002A01018", "INE009A01021"),
        ("ISIN", "US0378331005", "US5949181045"),
        ("Company Name", "Acme Ltd", "Other Ltd"),
        ("Stock", "ACME", "OTHER"),
        ("tic", "acme", "other"),
        ("Scrip Code", "500325", "500209"),
    ] {
        let told = refusal(&two(heading, one, other), "XYZ");
        assert!(told.contains("import it under one of them"), "{heading}: {told}");
    }
    // A split gives an Indian share another ISIN, and a name may be spelled in two ways.
    for (heading, one, other) in [("ISIN", "INE002A01018", "INE002A01026"), ("Ticker", "AAL", "aal")] {
        assert_eq!(rows(&two(heading, one, other), "XYZ").len(), 2, "{heading}");
    }
    let both = two("ISIN,Symbol", "INE002A01018,ONE", "INE009A01021,TWO");
    assert_eq!(rows(&both, "TWO.NSE"), ["2024-02-06 5 6 5 5 9"]);
    assert!(refusal(&both, "XYZ").contains("ONE, TWO"), "by their tickers");
}

#[test]
fn a_saved_answer_s_newest_day_stays_once_its_exchange_has_closed() {
    let saved = |refreshed: &str, symbol: &str| {
        format!(
            r#"{{"Meta Data": {{"2. Symbol": "{symbol}", "3. Last Refreshed": "{refreshed}", "5. Time Zone": "US/Eastern"}},
            "Time Series (Daily)": {{"2024-06-12": {{"1. open": "1", "2. high": "3", "3. low": "1", "4. close": "2", "5. volume": "9"}},
            "2024-06-11": {{"1. open": "1", "2. high": "3", "3. low": "1", "4. close": "2", "5. volume": "9"}}}}}}"#
        )
    };
    for (refreshed, symbol, count) in [
        ("2024-06-12", "IBM", 2),
        ("2024-06-12 16:00:01", "IBM", 2),
        ("2024-06-12 15:00:01", "IBM", 1),
        ("2024-06-12 06:30:00", "INFY.BSE", 2),
    ] {
        assert_eq!(rows(&saved(refreshed, symbol), symbol).len(), count, "{refreshed} {symbol}");
    }
}

#[test]
fn more_rows_than_there_are_days_are_not_read() {
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    for n in 0..=look::MOST_ROWS {
        text.push_str(&format!("{:04}-{:02}-{:02},1,2,1,1.5,7\n", 1800 + n / 336 % 220, 1 + n / 28 % 12, 1 + n % 28));
    }
    assert_eq!(
        refusal(&format!("{text}2024-01-02,1,2,1,1.5,7\n"), "A"),
        "the file can't be used: it has more than 100000 rows of one share, and there are not so many trading days; daily prices \
         are needed, one row a day"
    );
    // Those of other shares are not counted.
    let others = text.replace("date,", "symbol,date,").replace("\n1", "\nB,1").replace("\n2", "\nB,2");
    assert_eq!(rows(&format!("{others}A,2024-01-02,1,2,1,1.5,7\n"), "A"), ["2024-01-02 1 2 1 1.5 7"]);
    let json = format!("[{}]", "{\"date\":\"2024-01-02\"},".repeat(json::LARGEST / 20));
    assert!(refusal(&json, "A").contains("JSON of more than 16 MiB"));
}
