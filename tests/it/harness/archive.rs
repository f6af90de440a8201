//! A stand-in for the NSE's archive of files, and a writer of its daily file.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

#[derive(Default)]
struct State {
    files: HashMap<String, (u16, Vec<u8>)>,
    asked: Vec<String>,
}

pub struct ArchiveStub {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

struct Responder(Arc<Mutex<State>>);

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("a state");
        let path = request.url.path().trim_start_matches('/').to_owned();
        state.asked.push(path.clone());
        match state.files.get(&path) {
            Some((status, body)) => {
                ResponseTemplate::new(*status).set_body_raw(body.clone(), "application/octet-stream")
            }
            None => ResponseTemplate::new(404).set_body_raw("<html>Resource not found</html>", "text/html"),
        }
    }
}

impl ArchiveStub {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let state: Arc<Mutex<State>> = Arc::default();
        Mock::given(method("GET")).respond_with(Responder(state.clone())).mount(&server).await;
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.uri()
    }

    pub fn file(&self, path: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.state.lock().expect("a state").files.insert(path.to_owned(), (status, body.into()));
    }

    /// The daily file of a day since July 2024, zipped, where the archive keeps it.
    pub fn session(&self, date: &str, rows: &[Row]) {
        let name = format!("BhavCopy_NSE_CM_0_0_0_{}_F_0000.csv", date.replace('-', ""));
        let zipped = zipped(&name, udiff(date, rows).as_bytes());
        self.file(&format!("content/cm/{name}.zip"), 200, zipped);
    }

    /// The daily files that were asked for since the last look.
    pub fn asked(&self) -> Vec<String> {
        let mut state = self.state.lock().expect("a state");
        std::mem::take(&mut state.asked).into_iter().filter(|path| path.contains("20")).collect()
    }
}

/// Ticker, series, ISIN, "open high low close previous volume".
pub type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

pub const UDIFF: &str = "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,\
    StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,\
    ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n";

pub fn udiff(date: &str, rows: &[Row]) -> String {
    let mut text = UDIFF.to_owned();
    for (ticker, series, isin, prices) in rows {
        let [open, high, low, close, previous, volume] = prices.split(' ').collect::<Vec<_>>()[..] else {
            panic!("six figures")
        };
        text.push_str(&format!(
            "{date},{date},CM,NSE,STK,1,{isin},{ticker},{series},,,,,A NAME,{open},{high},{low},{close},{close},{previous},\
             ,{close},,,{volume},1.00,1,F1,1,,,,,\n"
        ));
    }
    text
}

/// Rows that are no shares: a fund, a bond, an entitlement, a preference share.
const OTHERS: [Row; 4] = [
    ("NIFTYBEES", "EQ", "INF204KB14I2", "1 1 1 1 1 1"),
    ("BOND", "GS", "IN0020200104", "1 1 1 1 1 1"),
    ("T1-RE", "BE", "INE111A20011", "1 1 1 1 1 1"),
    ("PREF", "P1", "INE111A04011", "1 1 1 1 1 1"),
];

fn six(prices: &str) -> [&str; 6] {
    prices.split(' ').collect::<Vec<_>>().try_into().expect("six figures")
}

fn dated(date: &str, format: &str) -> String {
    chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").expect("a date").format(format).to_string()
}

/// The layout of before July 2024, which drops zeros at the end.
pub fn bhavcopy(date: &str, rows: &[Row]) -> String {
    let mut text =
        "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n".to_owned();
    let day = dated(date, "%d-%b-%Y").to_uppercase();
    let short = |price: &str| price.parse::<f64>().expect("a price").to_string();
    for (ticker, series, isin, prices) in OTHERS.iter().chain(rows) {
        let [open, high, low, close, previous, volume] = six(prices);
        let prices = [open, high, low, close, close, previous].map(short).join(",");
        text.push_str(&format!("{ticker},{series},{prices},{volume},1,{day},1,{isin},\n"));
    }
    text
}

/// The layout with deliveries, which names no ISIN and has blanks before its cells.
pub fn full_bhavcopy(date: &str, rows: &[Row]) -> String {
    let mut text = "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, \
                    AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n"
        .to_owned();
    let day = dated(date, "%d-%b-%Y");
    for (ticker, series, _, prices) in OTHERS.iter().chain(rows) {
        let [open, high, low, close, previous, volume] = six(prices);
        text.push_str(&format!(
            "{ticker}, {series}, {day}, {previous}, {open}, {high}, {low}, {close}, {close}, {close}, {volume}, 0.1, 1, -, -\n"
        ));
    }
    text
}

pub fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
    writer.write_all(content).expect("content");
    writer.finish().expect("an archive").into_inner()
}
