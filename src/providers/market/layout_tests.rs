use super::*;
use insta::assert_snapshot;
use proptest::prelude::*;

const OLD: &str = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n";
const UDIFF: &str = "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,\
    OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,\
    TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n";
const FULL: &str = "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, \
    TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n";

fn udiff(ticker: &str, series: &str, isin: &str, prices: &str) -> String {
    let [open, high, low, close, previous, volume] = prices.split(' ').collect::<Vec<_>>()[..] else { panic!("six") };
    format!(
        "2024-07-19,2024-07-19,CM,NSE,STK,1,{isin},{ticker},{series},,,,,A NAME,{open},{high},{low},{close},{close},\
         {previous},,{close},,,{volume},1.00,1,F1,1,,,,,\n"
    )
}

fn shown(file: &DayFile) -> String {
    let DayFile::Session(session) = file else { return format!("{file:?}") };
    let mut lines = vec![format!(
        "{} {}, {} left out, funds {:?}",
        iso(session.day),
        session.layout.name(),
        session.left_out,
        session.funds
    )];
    for s in &session.shares {
        let isin = s.isin.as_deref().unwrap_or("-");
        let previous = s.previous_close.map_or("-".to_owned(), |p| p.to_string());
        lines.push(format!(
            "{} {isin} {} {} {} {} after {previous}, {}",
            s.ticker, s.open, s.high, s.low, s.close, s.volume
        ));
    }
    for f in &session.flagged {
        lines.push(format!("! {} | {} | {}", f.record, f.field.as_deref().unwrap_or("-"), f.reason));
    }
    lines.join("\n")
}

fn day(text: &str) -> Option<Day> {
    crate::market::day::parse_iso(text)
}

#[test]
fn one_day_reads_the_same_from_all_three_layouts() {
    let old = format!(
        "{OLD}BAJAJ-AUTO,EQ,9500,9600.5,9450,9550.05,9551,9480,1200,1.5,19-JUL-2024,9,INE917I01010,\n\
         GOLDFUND,EQ,50,51,49,50,50,50,10,1,19-JUL-2024,1,INF204KB14I2,\n\
         SMALLCO,ST,100,105,99,104.3,104,100,2400,1,19-JUL-2024,4,INE0AAA01011,\n\
         BOND1,GS,100,100,100,100,100,100,5,1,19-JUL-2024,1,IN0020200104,\n\
         SMALLCO-RE,BE,1,1,1,1,1,1,5,1,19-JUL-2024,1,INE0AAA20011,\n"
    );
    let new = [
        UDIFF.to_owned(),
        udiff("BAJAJ-AUTO", "EQ", "INE917I01010", "9500.00 9600.50 9450.00 9550.05 9480.00 1200"),
        udiff("GOLDFUND", "EQ", "INF204KB14I2", "50.00 51.00 49.00 50.00 50.00 10"),
        udiff("SMALLCO", "ST", "INE0AAA01011", "100.00 105.00 99.00 104.30 100.00 2400"),
        udiff("BOND1", "GS", "IN0020200104", "100.00 100.00 100.00 100.00 100.00 5"),
        udiff("SMALLCO-RE", "BE", "INE0AAA20011", "1.00 1.00 1.00 1.00 1.00 5"),
    ]
    .concat();
    let full = format!(
        "{FULL}BAJAJ-AUTO, EQ, 19-Jul-2024, 9480.00, 9500.00, 9600.50, 9450.00, 9551.00, 9550.05, 9500.00, 1200, 1.50, 9, 600, 50.00\n\
         SMALLCO, ST, 19-Jul-2024, 100.00, 100.00, 105.00, 99.00, 104.00, 104.30, 101.00, 2400, 1.00, 4, -, -\n"
    );
    assert_snapshot!(shown(&read_day(old.as_bytes(), day("2024-07-19"))), @r#"
    2024-07-19 bhavcopy, 3 left out, funds ["GOLDFUND"]
    BAJAJ-AUTO INE917I01010 9500 9600.5 9450 9550.05 after 9480, 1200
    SMALLCO INE0AAA01011 100 105 99 104.3 after 100, 2400
    "#);
    let body = |file: DayFile| shown(&file).split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(body(read_day(new.as_bytes(), None)), body(read_day(old.as_bytes(), None)));
    let without_isin =
        body(read_day(old.as_bytes(), None)).map(|t| t.replace("INE917I01010", "-").replace("INE0AAA01011", "-"));
    assert_eq!(body(read_day(full.as_bytes(), None)), without_isin);
    // As a spreadsheet saves it again: a mark before the heading, returns, no last comma, short years.
    let saved = old.replace(",\n", "\r\n").replace("-2024", "-24");
    let saved = format!("\u{feff}{saved}");
    assert_eq!(read_day(saved.as_bytes(), None), read_day(old.as_bytes(), None));
}

#[test]
fn each_thing_that_isnt_the_day_ends_as_what_it_is() {
    let row = "RELIANCE,EQ,10,11,9,10,10,10,5,1,19-JUL-2024,9,INE002A01018,\n";
    let good = format!("{OLD}{row}");
    let read = |text: &str| shown(&read_day(text.as_bytes(), day("2024-07-22")));
    assert_snapshot!(read(&good), @"OtherDay(19923)");
    assert_snapshot!(read("<html>Access Denied</html>"), @"Page");
    assert_snapshot!(read(""), @r#"Broken("it is empty")"#);
    assert_snapshot!(read("Resource not found"), @r#"Broken("its first line isn't the heading of a daily file of the NSE")"#);
    assert_snapshot!(read(&good[..good.len() - 30]), @r#"Broken("it breaks off in the middle of a line")"#);
    assert_snapshot!(read(OLD), @r#"Broken("it has no rows that can be read")"#);
    let mixed = format!("{good}{}", row.replace("19-JUL", "22-JUL").replace("RELIANCE", "OTHER"));
    assert_snapshot!(read(&mixed), @r#"Broken("its rows are of several days, 2024-07-19 to 2024-07-22")"#);
    let futures = format!("{UDIFF}{}", udiff("X", "EQ", "INE002A01018", "1 1 1 1 1 1").replace(",CM,", ",FO,"));
    assert_snapshot!(read(&futures), @r#"Broken("it isn't the NSE's equity segment: a row is of segment FO of NSE")"#);
    let bse = format!("{UDIFF}{}", udiff("X", "A", "INE002A01018", "1 1 1 1 1 1").replace(",NSE,", ",BSE,"));
    let bse_before = "SC_CODE,SC_NAME,SC_GROUP,SC_TYPE,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE\n500325,X,A,Q,1,1,1,1,1,1\n";
    for file in [bse.as_str(), bse_before] {
        assert_eq!(read_day(file.as_bytes(), None), DayFile::Broken(OF_BSE.to_owned()));
    }
}

#[test]
fn rows_that_cant_be_right_are_named_and_the_rest_comes_in() {
    let row =
        |ticker: &str, prices: &str, isin: &str| format!("{ticker},EQ,{prices},10,10,5,1,19-JUL-2024,9,{isin},\n");
    let text = [
        OLD.to_owned(),
        row("GOOD", "10,11,9,10", "INE002A01018"),
        row("GOOD", "10,11,9,10", "INE002A01018"),
        row("GOOD", "10,11,9,10.5", "INE002A01018"),
        row("LOWHIGH", "10,9,11,10", "INE002B01016"),
        row("ZERO", "0,11,9,10", "INE002C01014"),
        row("WORD", "10,11,9,ten", "INE002D01012"),
        row("CUTISIN", "10,11,9,10", "INE002"),
        "RUN,EQ,10,11,9,10,10,10,5,1,19-JUL-2024,9,INE002E01010,TOGETHER,EQ,10\n".to_owned(),
        row("LATE", "10,11,9,10", "").replace("19-JUL-2024", "someday"),
        row("NOISIN", "10,11,9,10", ""),
    ]
    .concat();
    assert_snapshot!(shown(&read_day(text.as_bytes(), None)), @r#"
    2024-07-19 bhavcopy, 0 left out, funds []
    GOOD INE002A01018 10 11 9 10 after 10, 5
    NOISIN - 10 11 9 10 after 10, 5
    ! GOOD 2024-07-19 | ticker | the same share stands in the file before with other values
    ! LOWHIGH 2024-07-19 | high | 9 is below the low 11
    ! ZERO 2024-07-19 | open | is zero
    ! WORD 2024-07-19 | close | "ten" is not a number
    ! CUTISIN 2024-07-19 | isin | "INE002" is not an ISIN
    ! RUN 2024-07-19 | - | the line has 16 cells where the heading has 13
    ! LATE 2024-07-19 | date | "someday" is not a date
    "#);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,300}", layout in 0..3_usize) {
        let heading = [OLD, UDIFF, FULL][layout];
        let _ = read_day(format!("{heading}{text}").as_bytes(), Some(0));
    }

    #[test]
    fn every_price_comes_out_with_its_digits(paise in 1..99_999_999_u32) {
        let text = format!("{}.{:02}", paise / 100, paise % 100);
        let row = udiff("X", "EQ", "INE002A01018", &format!("{text} {text} {text} {text} {text} 7"));
        let DayFile::Session(session) = read_day(format!("{UDIFF}{row}").as_bytes(), None) else { panic!("a session") };
        prop_assert_eq!(format!("{:.2}", session.shares[0].close), text);
    }
}

#[test]
fn an_open_quotation_mark_costs_its_own_share() {
    let row = |n: usize| {
        let row = udiff(&format!("SHARE{n}"), "EQ", &format!("INE00{n}A01010"), "10 11 9 10 10 100");
        if n == 2 { row.replace("A NAME", "\"A NAME") } else { row }
    };
    let text = format!("{UDIFF}{}", (1..=4).map(row).collect::<String>());
    let DayFile::Session(session) = read_day(text.as_bytes(), day("2024-07-19")) else { panic!("no session") };
    let tickers: Vec<&str> = session.shares.iter().map(|share| share.ticker.as_str()).collect();
    assert_eq!(tickers, ["SHARE1", "SHARE3", "SHARE4"]);
    let flagged: Vec<_> = session.flagged.iter().map(|flag| (flag.record.as_str(), flag.reason.as_str())).collect();
    assert_eq!(flagged, [("SHARE2 2024-07-19", NOT_CLOSED)]);
    // The last line, cut within a cell that is quoted.
    let cut = format!("{UDIFF}{}{}", row(1), row(2).split_once("NAME").map_or("", |(head, _)| head));
    assert!(matches!(read_day(cut.as_bytes(), None), DayFile::Broken(why) if why.contains("breaks off")));
}

#[test]
fn a_file_that_a_spreadsheet_has_saved_reads_as_the_exchange_s_own() {
    let text =
        format!("{UDIFF}{}", udiff("ACME", "EQ", "INE917I01010", "9500.00 9600.50 9450.00 9550.05 9480.00 1200"));
    let expected = shown(&read_day(text.as_bytes(), None));
    assert!(expected.contains("ACME INE917I01010 9500 9600.5 9450 9550.05 after 9480, 1200"), "{expected}");
    let semicolons = text.replace(',', ";");
    let utf16: Vec<u8> = text.replace(',', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let titled = format!("Prices of a day\n\n{text}");
    for bytes in [semicolons.as_bytes(), utf16.as_slice(), titled.as_bytes()] {
        assert_eq!(shown(&read_day(bytes, None)), expected);
    }
    let other = format!("Prices of a day\n{}", "a,b\n1,2\n");
    assert!(matches!(read_day(other.as_bytes(), None), DayFile::Broken(why) if why.contains("first line")));
}
