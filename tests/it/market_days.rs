//! What becomes of each day of a market that is asked for: read from another layout, without a session, tried again.

use serde_json::{Value, json};

use crate::harness::archive::{Row, full_bhavcopy, udiff, zipped};
use crate::harness::{TestApp, state};
use crate::on_each_database;

const ABC: &str = "INE111A01011";

impl TestApp {
    /// "date state shares reason" of each day.
    async fn days(&self, from: &str, to: &str) -> Vec<String> {
        let query = "query($from: Date, $to: Date) { marketDays(exchange: NSE, from: $from, to: $to) {
                     totalCount nodes { date state shares reason } } }";
        let days = self.anonymous.data(query, json!({"from": from, "to": to})).await["marketDays"].clone();
        let nodes = days["nodes"].as_array().cloned().unwrap_or_default();
        assert_eq!(days["totalCount"], nodes.len());
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        nodes
            .iter()
            .map(|d| format!("{} {} {} {}", text(&d["date"]), text(&d["state"]), d["shares"], text(&d["reason"])))
            .collect()
    }
}

fn day_of(rows: &[Row], date: &str) -> Vec<u8> {
    zipped("a.csv", udiff(date, rows).as_bytes())
}

on_each_database! {
    async fn a_day_is_stored_beside_a_query_that_does_not_end(app: TestApp) {
        let _asking = app.app.store.pace().answering();
        app.archive.session("2024-07-19", &[("ABC", "EQ", ABC, "10 11 9 10 10 5")]);
        let jobs = app.refresh_market("2024-07-19", "2024-07-19").await;
        assert_eq!(state(&jobs[0]), "SUCCEEDED", "{jobs:?}");
        assert_eq!(app.bars("ABC.NSE").await.len(), 1);
    }

    async fn each_day_ends_as_what_it_is_and_a_stored_one_is_not_asked_for_again(app: TestApp) {
        let rows: [Row; 1] = [("ABC", "EQ", ABC, "10 11 9 10 10 5")];
        app.archive.session("2024-07-29", &rows);
        let at = |date: &str| format!("content/cm/BhavCopy_NSE_CM_0_0_0_{}_F_0000.csv.zip", date.replace('-', ""));
        app.archive.file(&at("2024-07-30"), 200, day_of(&rows, "2024-07-29"));
        app.archive.file(&at("2024-07-31"), 403, "<html>Access Denied</html>");
        let whole = day_of(&rows, "2024-08-01");
        app.archive.file(&at("2024-08-01"), 200, &whole[..whole.len() / 2]);
        let futures = udiff("2024-08-02", &rows).replace(",CM,", ",FO,");
        app.archive.file(&at("2024-08-02"), 200, futures);
        let jobs = app.refresh_market("2024-07-29", "2024-08-05").await;
        assert_eq!(jobs.len(), 2, "a job a month");
        assert!(jobs.iter().all(|job| state(job) == "SUCCEEDED"), "{jobs:?}");
        let days = app.days("2024-07-29", "2024-08-05").await;
        let expected = [
            "2024-07-29 STORED 1 -",
            "2024-07-30 NO_SESSION null no session: the file is a copy of 2024-07-29",
            "2024-07-31 FAILED null the exchange sent a web page",
            "2024-08-01 FAILED null the file can't be used: the archive can't be opened",
            "2024-08-02 FAILED null the file can't be used: it isn't the NSE's equity segment",
            "2024-08-03 NO_SESSION null the exchange has no file of this day",
            "2024-08-04 NO_SESSION null the exchange has no file of this day",
            "2024-08-05 NO_SESSION null the exchange has no file of this day",
        ];
        assert_eq!(days.len(), expected.len(), "{days:#?}");
        for (day, expected) in days.iter().zip(expected) {
            assert!(day.starts_with(expected), "{day}");
        }
        let _ = app.archive.asked();
        app.archive.session("2024-07-31", &rows);
        app.refresh_market("2024-07-29", "2024-08-05").await;
        let asked = app.archive.asked();
        assert!(!asked.iter().any(|path| path.contains("20240729") || path.contains("20240803")), "{asked:?}");
        assert_eq!(app.days("2024-07-31", "2024-07-31").await, ["2024-07-31 STORED 1 -"]);
        // A file that has come late is found by who asks again, and an answer without one takes no stored day away.
        app.archive.session("2024-08-05", &rows);
        app.archive.file(&at("2024-07-29"), 404, "");
        let jobs = app.refresh_market_again("2024-07-29", "2024-08-05").await;
        assert!(jobs.iter().all(|job| state(job) == "SUCCEEDED"), "{jobs:?}");
        assert_eq!(app.days("2024-08-05", "2024-08-05").await, ["2024-08-05 STORED 1 -"]);
        assert!(app.days("2024-07-29", "2024-07-29").await[0].starts_with("2024-07-29 STORED 1"));
    }

    async fn where_the_layout_of_the_time_is_gone_another_one_is_read(app: TestApp) {
        let full = "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, \
                    TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n\
                    ABC, BE, 30-Nov-2023, 9.00, 10.00, 11.00, 9.00, 10.00, 10.50, 10.00, 7, 0.1, 1, -, -\n\
                    NIFTYBEES, EQ, 30-Nov-2023, 9.00, 10.00, 11.00, 9.00, 10.00, 10.50, 10.00, 7, 0.1, 1, 1, 1\n";
        app.archive.file("products/content/sec_bhavdata_full_30112023.csv", 200, full);
        app.refresh_market("2023-11-30", "2023-11-30").await;
        assert_eq!(app.days("2023-11-30", "2023-11-30").await, ["2023-11-30 STORED 1 -"]);
        assert_eq!(app.bars("ABC.NSE").await, ["2023-11-30 10.0 11.0 9.0 10.5 10.5 7"]);
        // That GOLDCASE is a fund shows when a file has its ISIN.
        let gold = full.replace("30-Nov-2023", "29-Nov-2023").replace("NIFTYBEES", "GOLDCASE");
        app.archive.file("products/content/sec_bhavdata_full_29112023.csv", 200, gold);
        app.refresh_market("2023-11-29", "2023-11-29").await;
        assert_eq!(app.bars("GOLDCASE.NSE").await.len(), 1);
        app.archive.session("2024-07-19", &[("GOLDCASE", "EQ", "INF0R8F01018", "9 9 9 9 9 9"), ("ABC", "EQ", ABC, "10 10 10 10 10 5")]);
        app.refresh_market("2024-07-19", "2024-07-19").await;
        assert_eq!(app.symbol("GOLDCASE.NSE").await, Value::Null);
        let old = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n\
                   ABC,EQ,10,11,9,10.5,10,9,7,1,01-DEC-2023,1,INE111A01011,\n";
        app.archive.file("content/historical/EQUITIES/2023/DEC/cm01DEC2023bhav.csv.zip", 200, zipped("cm.csv", old.as_bytes()));
        app.refresh_market("2023-12-01", "2023-12-01").await;
        let symbol = app.symbol("ABC.NSE").await;
        assert_eq!((&symbol["barCount"], &symbol["isin"]), (&json!(4), &json!(ABC)), "one history across series and layouts");
    }

    async fn the_quiet_that_the_exchange_asks_for_is_kept_by_every_job(app: TestApp) {
        let file = "content/cm/BhavCopy_NSE_CM_0_0_0_20240801_F_0000.csv.zip";
        app.archive.file(file, 403, "<html>You are blocked, try again after 10 minutes</html>");
        let mut messages = Vec::new();
        for day in ["2024-08-01", "2024-09-02"] {
            let query = "mutation($day: Date!) { refreshMarket(input: { exchange: NSE, from: $day, to: $day }) { jobs { id } } }";
            let data = app.operator.data(query, json!({"day": day})).await;
            let id = data["refreshMarket"]["jobs"][0]["id"].as_str().expect("an id").to_owned();
            let job = app.job_when(&id, |job| state(job) == "RETRYING").await;
            messages.push(job["message"].as_str().expect("a message").to_owned());
        }
        assert!(messages.iter().all(|message| message.contains("asks to be left alone")), "{messages:?}");
        let asked = app.archive.asked();
        assert!(!asked.iter().any(|path| path.contains("202409") || path.contains("092024")), "{asked:?}");
    }

    async fn a_file_that_cant_be_had_keeps_no_other_day_out_and_is_tried_again(app: TestApp) {
        let rows = [("ABC", "EQ", ABC, "10 10 10 10 10 5")];
        for date in ["2024-08-01", "2024-08-05", "2024-08-06"] {
            app.archive.session(date, &rows);
        }
        let udiff = |date: &str| format!("content/cm/BhavCopy_NSE_CM_0_0_0_{date}_F_0000.csv.zip");
        app.archive.file(&udiff("20240802"), 500, "");
        app.archive.file(&udiff("20240806"), 502, "");
        app.archive.file("products/content/sec_bhavdata_full_06082024.csv", 200, full_bhavcopy("2024-08-06", &rows));
        let query = "mutation { refreshMarket(input: { exchange: NSE, from: \"2024-08-01\", to: \"2024-08-06\" }) { jobs { id } } }";
        let data = app.operator.data(query, json!({})).await;
        let id = data["refreshMarket"]["jobs"][0]["id"].as_str().expect("an id").to_owned();
        let job = app.job_when(&id, |job| state(job) == "RETRYING").await;
        assert!(job["message"].as_str().is_some_and(|m| m.contains("the error 500")), "{job}");
        let states = async || {
            let days = app.days("2024-08-01", "2024-08-06").await;
            days.iter().map(|day| day.split(' ').nth(1).unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(states().await, ["STORED", "FAILED", "NO_SESSION", "NO_SESSION", "STORED", "STORED"]);
        app.archive.session("2024-08-02", &rows);
        assert_eq!(state(&app.settled(&id).await), "SUCCEEDED");
        assert_eq!(states().await[1], "STORED");
    }

    async fn what_cant_be_asked_for_is_said_in_a_sentence(app: TestApp) {
        let query = "mutation($e: Exchange!, $from: Date!, $to: Date!) { refreshMarket(input: { exchange: $e, from: $from, to: $to }) {
                     jobs { id } userErrors { code message field } } }";
        for (exchange, from, to, field) in [
            ("BSE", "2024-07-01", "2024-07-02", "exchange"),
            ("NSE", "2024-07-02", "2024-07-01", "to"),
            ("NSE", "1990-07-02", "2024-07-01", "from"),
            ("NSE", "2024-07-02", "2100-07-01", "to"),
        ] {
            let data = app.operator.data(query, json!({"e": exchange, "from": from, "to": to})).await["refreshMarket"].clone();
            assert_eq!((&data["jobs"], &data["userErrors"][0]["field"]), (&json!([]), &json!([field])), "{data}");
        }
        let refused = app.reader.graphql(query, json!({"e": "NSE", "from": "2024-07-01", "to": "2024-07-02"})).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
        app.archive.session("2024-07-19", &[("ABC", "EQ", ABC, "10 10 10 10 10 5")]);
        app.refresh_market("2024-07-19", "2024-07-19").await;
        let query = "mutation { refreshSymbols(input: { tickers: [\"ABC.NSE\"] }) { jobs { id } userErrors { message } } }";
        let data = app.operator.data(query, json!({})).await["refreshSymbols"].clone();
        assert!(data["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("refreshMarket")), "{data}");
    }
}
