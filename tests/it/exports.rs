//! Out again: tables as CSV, Parquet and Arrow, equal to what is stored to the last bit.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::archive::Row;
use crate::harness::{ADMIN_TOKEN, Client, Database, TestApp, day};
use crate::on_each_database;

async fn fetch(app: &TestApp, path: &str) -> (u16, Vec<u8>) {
    let client = crate::harness::http();
    let answer = client.get(format!("{}{path}", app.url)).bearer_auth(ADMIN_TOKEN).send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}

async fn text(app: &TestApp, path: &str) -> String {
    let (status, body) = fetch(app, path).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    String::from_utf8(body).expect("text")
}

/// Two shares over two days, with prices that no short decimal is.
async fn two_shares(app: &TestApp) {
    const DAYS: [(&str, [Row; 2]); 2] = [
        (
            "2024-07-18",
            [
                ("ABC", "EQ", "INE111A01011", "0.1 0.3 0.1 0.3 0.2 5"),
                ("DEF", "SM", "INE222B01019", "1234567.05 1234567.15 0.05 70.7 70.7 9007199254740991"),
            ],
        ),
        (
            "2024-07-19",
            [
                ("ABC", "EQ", "INE111A01011", "0.7 0.7 0.6 0.65 0.3 6"),
                ("DEF", "SM", "INE222B01019", "70.1 70.9 70.1 70.3 70.7 0"),
            ],
        ),
    ];
    for (date, rows) in &DAYS {
        app.archive.session(date, rows);
    }
    let query = "mutation { refreshMarket(input: { exchange: NSE, from: \"2024-07-18\", to: \"2024-07-19\" }) { jobs { id } } }";
    let job =
        app.operator.data(query, json!({})).await["refreshMarket"]["jobs"][0]["id"].as_str().expect("a job").to_owned();
    app.settled(&job).await;
}

/// What polars and pandas each read in a file: rows with doubles in hexadecimal.
fn read_in_python(file: &Path) -> [Value; 2] {
    const SCRIPT: &str = "
import datetime, json, sys
import pandas, polars
path = sys.argv[1]
parquet = path.endswith('parquet')
def plain(value):
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()[:10]
    return value
for frame in [polars.read_parquet(path) if parquet else polars.read_ipc(path),
              pandas.read_parquet(path) if parquet else pandas.read_feather(path)]:
    names = list(frame.columns)
    rows = frame.rows() if hasattr(frame, 'rows') else frame.itertuples(index=False, name=None)
    print(json.dumps([names] + [[plain(v) for v in row] for row in rows]))
";
    // The Python with pandas, polars and pyarrow: one that PYTHON names, or the system's.
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", SCRIPT]).arg(file).output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    read.try_into().expect("one of each")
}

/// The dates that pyarrow finds of a ticker in a file, the latest first.
fn filtered_in_python(file: &Path, ticker: &str) -> Value {
    const SCRIPT: &str = "
import json, sys
import pyarrow.compute, pyarrow.feather, pyarrow.parquet
path, ticker = sys.argv[1:]
table = pyarrow.parquet.read_table(path) if path.endswith('parquet') else pyarrow.feather.read_table(path)
found = table.filter(pyarrow.compute.equal(table['ticker'], ticker))
found = found.sort_by([('ticker', 'ascending'), ('date', 'descending')])
print(json.dumps([day.isoformat() for day in found['date'].to_pylist()]))
";
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", SCRIPT]).arg(file).arg(ticker).output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// As Python writes a double in hexadecimal.
fn hex(value: f64) -> String {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    assert!(value > 0.0 && exponent > 0, "an ordinary number");
    let exponent = exponent - 1023;
    format!("0x1.{fraction:013x}p{}{exponent}", if exponent < 0 { "" } else { "+" })
}

on_each_database! {
    async fn prices_come_out_as_they_are_stored(app: TestApp) {
        two_shares(&app).await;
        assert_eq!(text(&app, "/export/prices.csv").await, "ticker,date,open,high,low,close,adjusted_close,volume\n\
            ABC.NSE,2024-07-18,0.1,0.3,0.1,0.3,0.3,5\nABC.NSE,2024-07-19,0.7,0.7,0.6,0.65,0.65,6\n\
            DEF.NSE,2024-07-18,1234567.05,1234567.15,0.05,70.7,70.7,9007199254740991\n\
            DEF.NSE,2024-07-19,70.1,70.9,70.1,70.3,70.3,0\n");
        assert_eq!(text(&app, "/export/prices?format=csv&ticker=DEF.NSE&from=2024-07-19").await.lines().count(), 2);
        let head = "ticker,date,open,high,low,close,adjusted_close,volume\n";
        assert_eq!(text(&app, "/export/prices.csv?to=2001-01-01").await, head);
    }

    async fn issues_runs_and_sweeps_come_out_too(app: TestApp) {
        let bars: Vec<_> = (0..60).map(|n| format!("{},10,20,10,{}.5,100\n", day(n), 10 + n * 37 % 9)).collect();
        let bars = bars.concat();
        let import = app.operator.import("ACME", &format!("date,open,high,low,close,volume\n{bars}")).await;
        app.settled(import["job"]["id"].as_str().expect("a job")).await;
        let run = "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 3 }, sell: { priceAboveSma: 3 } } }) {
                   backtest { id barCount metrics { finalEquity tradeCount } } userErrors { message } } }";
        let run = app.operator.data(run, json!({})).await["runBacktest"]["backtest"].clone();
        let id = run["id"].as_str().expect("an id");
        let all = text(&app, "/export/backtests.csv").await;
        assert!(all.lines().nth(1).is_some_and(|row| row.starts_with(&format!("{id},ACME,"))), "{all}");
        let mut table = csv::Reader::from_reader(all.as_bytes());
        let at = table.headers().expect("headings").iter().position(|name| name == "final_equity").expect("a column");
        let row = table.records().next().expect("a row").expect("a row");
        assert_eq!(row[at].parse::<f64>().ok(), run["metrics"]["finalEquity"].as_f64());
        let heading = all.lines().next().unwrap_or_default();
        assert!(heading.ends_with(",created_at,adjustment,name,engine_version"), "{heading}");
        // What a run was, too: two that differ in their prices alone don't look alike.
        let total = "mutation { runBacktest(input: { ticker: \"ACME\", adjustment: TOTAL_RETURN, strategy: { buy: { priceBelowSma: 3 }, sell: { priceAboveSma: 3 } } }) {
                     backtest { id engineVersion } userErrors { message } } }";
        let total = app.operator.data(total, json!({})).await["runBacktest"]["backtest"].clone();
        let name = "mutation($id: ID!) { nameBacktest(input: { id: $id, name: \"With dividends\" }) { userErrors { message } } }";
        assert_eq!(app.operator.data(name, json!({"id": total["id"]})).await["nameBacktest"]["userErrors"], json!([]));
        let all = text(&app, "/export/backtests.csv").await;
        let ends = |id: &str| all.lines().find(|row| row.starts_with(id)).and_then(|row| row.split_once("Z,")).map(|(_, end)| end.to_owned());
        let version = &total["engineVersion"];
        assert_eq!(ends(total["id"].as_str().expect("an id")), Some(format!("TOTAL_RETURN,With dividends,{version}")), "{all}");
        assert_eq!(ends(id), Some(format!("SPLITS,,{version}")), "{all}");
        let curve = text(&app, &format!("/export/backtests/{id}.csv")).await;
        assert_eq!(curve.lines().count() as u64 - 1, run["barCount"].as_u64().expect("bars"));
        assert!(curve.starts_with("date,close,drawdown,equity,buy_and_hold\n"), "{curve}");
        let trades = text(&app, &format!("/export/backtests/{id}/trades.csv")).await;
        assert_eq!(trades.lines().count() as u64 - 1, run["metrics"]["tradeCount"].as_u64().expect("trades"));
        let sweep = "mutation { sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 2, to: 4 }, sellAboveSma: { from: 2, to: 3 } }) {
                     sweep { id } userErrors { message } } }";
        let sweep = app.operator.data(sweep, json!({})).await["sweepBacktests"]["sweep"]["id"].as_str().expect("a sweep").to_owned();
        assert_eq!(text(&app, &format!("/export/sweeps/{sweep}.csv")).await.lines().count(), 7);
        let all = text(&app, "/export/sweeps.csv").await;
        let (heading, row) = all.trim_end().split_once('\n').expect("a row");
        assert!(heading.ends_with(",created_at,adjustment,name,engine_version,initial_cash,commission,slippage,fill,whole_shares"), "{heading}");
        assert!(row.ends_with(&format!("Z,SPLITS,,{version},10000,0,0,NEXT_OPEN,true")), "{row}");
        let create = "mutation { createIpo(input: { name: \"Acme, \\\"the\\\" Limited\", exchange: NSE, issuePrice: \"71.50\" }) { ipo { id } userErrors { message } } }";
        app.admin.data(create, json!({})).await;
        let ipos = text(&app, "/export/ipos.csv").await;
        assert!(ipos.contains("\"Acme, \"\"the\"\" Limited\"") && ipos.contains(",71.5,"), "{ipos}");
    }

    async fn what_cant_be_exported_is_said_in_a_sentence(app: TestApp) {
        for (path, status, words) in [
            ("/export/prices.xlsx", 400, "ends in .csv, .parquet or .arrow"),
            ("/export/prices.csv?ticker=NOBODY", 404, "symbol NOBODY"),
            ("/export/prices.csv?ticker=", 400, "\"field\":\"ticker\""),
            ("/export/prices.csv?tickers=%20,", 400, "the ticker is empty"),
            ("/export/prices.csv?from=", 400, "not a date"),
            ("/export/prices.csv?from=yesterday", 400, "not a date"),
            ("/export/prices.csv?from=2024-02-01&to=2024-01-01", 400, "swap from and to"),
            ("/export/prices.csv?since=2024-02-01", 400, "no parameter"),
            ("/export/ipos.csv?status=OPEN", 400, "no parameter"),
            ("/export/backtests/nothing.csv", 404, "backtest"),
            ("/export/users.csv", 400, "can be exported"),
        ] {
            let (found, body) = fetch(&app, path).await;
            let body = String::from_utf8_lossy(&body).into_owned();
            assert!(body.contains(words), "{path}: {found} {body}");
            assert_eq!(found, status, "{path}: {body}");
        }
    }
}

mod parquet_and_arrow_read_by_pandas_and_polars_equal_the_database_bit_for_bit {
    use super::*;

    async fn test(database: Database) {
        let app = TestApp::start(database).await;
        two_shares(&app).await;
        let stored = app
            .app
            .store
            .prices()
            .all_of(&app.app.store.snapshot().await.expect("a snapshot"), &[1, 2])
            .await
            .expect("bars");
        assert_eq!(stored.len(), 4);
        let rows: Vec<Value> = stored
            .iter()
            .map(|(symbol, bar)| {
                json!([
                    if *symbol == 1 { "ABC.NSE" } else { "DEF.NSE" },
                    prospectus::market::day::iso(bar.day),
                    hex(bar.open),
                    hex(bar.high),
                    hex(bar.low),
                    hex(bar.close),
                    hex(bar.close),
                    bar.volume,
                ])
            })
            .collect();
        let mut expected = vec![json!(["ticker", "date", "open", "high", "low", "close", "adjusted_close", "volume"])];
        expected.extend(rows);
        let folder = tempfile::tempdir().expect("a folder");
        for ending in ["parquet", "arrow"] {
            let (status, body) = fetch(&app, &format!("/export/prices.{ending}")).await;
            assert_eq!(status, 200);
            let file = folder.path().join(format!("prices.{ending}"));
            std::fs::write(&file, body).expect("a file");
            for found in read_in_python(&file) {
                assert_eq!(found, json!(expected), "{ending}");
            }
            assert_eq!(filtered_in_python(&file, "DEF.NSE"), json!(["2024-07-19", "2024-07-18"]), "{ending}");
            // A table without rows is one, too.
            let (_, body) = fetch(&app, &format!("/export/prices.{ending}?to=2001-01-01")).await;
            std::fs::write(&file, body).expect("a file");
            for found in read_in_python(&file) {
                assert_eq!(found, json!([expected[0]]), "{ending}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(not(has_notebook_tools), ignore = "Python's pandas, polars and pyarrow are not installed")]
    async fn on_sqlite() {
        test(Database::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(
        not(all(has_postgres, has_notebook_tools)),
        ignore = "PostgreSQL or Python's libraries are not installed"
    )]
    async fn on_postgres() {
        test(Database::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_reading_needs_a_token_so_do_exports() {
    let app = TestApp::start_with(Database::Sqlite, &[("REQUIRE_TOKEN_TO_READ", "true")]).await;
    let (status, body) = Client::new(&app.url, None).get("/export/prices.csv").await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("UNAUTHENTICATED")));
    assert_eq!(fetch(&app, "/export/prices.csv").await.0, 200);
}
