//! What becomes known later about a market: tickers that were changed, announcements that are revised.

use serde_json::{Value, json};

use prospectus::ingest;
use prospectus::market::day::parse_iso;
use prospectus::providers::market::{DayFile, actions_of_csv, read_day};

use crate::harness::TestApp;
use crate::harness::archive::{Row, full_bhavcopy, udiff};
use crate::on_each_database;

impl TestApp {
    /// Stores a day's file.
    async fn store_day(&self, text: String) {
        let DayFile::Session(session) = read_day(text.as_bytes(), None) else { panic!("a session: {text}") };
        ingest::market(&self.app.store, vec![session]).await.expect("stored");
    }

    async fn learn(&self, changes: &[(&str, &str, &str)]) {
        let change = |(old, new, day): &(&str, &str, &str)| {
            ((*old).to_owned(), (*new).to_owned(), parse_iso(day).expect("a day"))
        };
        let changes: Vec<_> = changes.iter().map(change).collect();
        ingest::ticker_changes(&self.app.store, &changes).await.expect("learnt");
    }

    async fn actions(&self, filter: &str) -> Vec<String> {
        let query = format!(
            "{{ corporateActions(first: 100{filter}) {{ nodes {{ kind ratio amount source applied symbol {{ ticker }} }} }} }}"
        );
        let nodes = self.anonymous.data(&query, json!({})).await["corporateActions"]["nodes"].clone();
        let line = |a: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let (kind, amount, ticker) = (text(&a["kind"]), text(&a["amount"]), text(&a["symbol"]["ticker"]));
            format!("{kind} {} {amount} {} {} {ticker}", a["ratio"], text(&a["source"]), a["applied"])
        };
        let mut lines: Vec<String> = nodes.as_array().expect("actions").iter().map(line).collect();
        lines.sort();
        lines
    }
}

const FLAT: &str = "10 10 10 10 10 5";

on_each_database! {
    async fn days_under_two_tickers_become_one_share_when_the_change_is_known(app: TestApp) {
        let day = |tickers: &[&'static str]| -> Vec<Row<'static>> { tickers.iter().map(|t| (*t, "EQ", "", FLAT)).collect() };
        app.store_day(full_bhavcopy("2024-07-18", &day(&["OLD", "LONE", "REUSED", "ONE", "SWAPA", "SWAPB", "OTHER"]))).await;
        app.store_day(full_bhavcopy("2024-07-19", &day(&["OLD", "TWO", "SWAPA", "SWAPB"]))).await;
        app.store_day(full_bhavcopy("2024-07-22", &day(&["NEW", "THREE", "SWAPA", "SWAPB"]))).await;
        app.store_day(full_bhavcopy("2024-07-23", &day(&["REUSED"]))).await;
        let changes = [
            ("OLD", "NEW", "2024-07-22"), ("LONE", "LATER", "2024-07-22"), ("REUSED", "MOVED", "2024-07-22"),
            ("ONE", "TWO", "2024-07-19"), ("TWO", "THREE", "2024-07-22"),
            ("SWAPA", "SWAPB", "2024-07-22"), ("SWAPB", "SWAPA", "2024-07-22"), ("OTHER", "OTHER", "2024-07-22"),
        ];
        // Again changes nothing.
        for _ in 0..2 {
            app.learn(&changes).await;
            app.store_day(full_bhavcopy("2024-07-24", &day(&["NEW", "LATER", "REUSED", "MOVED", "THREE"]))).await;
            let query = "{ symbols(first: 50, orderBy: [{ field: TICKER }]) { nodes { ticker barCount firstDate lastDate series { dates } formerTickers { ticker until } } } }";
            let nodes = app.anonymous.data(query, json!({})).await["symbols"]["nodes"].clone();
            let line = |s: &Value| {
                assert_eq!(s["barCount"].as_u64(), s["series"]["dates"].as_array().map(|d| d.len() as u64), "{s}");
                let days: Vec<&str> = s["series"]["dates"].as_array().expect("days").iter().map(|d| &d.as_str().expect("a day")[8..]).collect();
                let former: Vec<&str> = s["formerTickers"].as_array().expect("tickers").iter().map(|f| f["ticker"].as_str().expect("one")).collect();
                format!("{} {} {}", s["ticker"].as_str().expect("a ticker"), days.join(","), former.join(","))
            };
            let lines: Vec<String> = nodes.as_array().expect("symbols").iter().map(line).collect();
            assert_eq!(lines, [
                "LATER.NSE 18,24 LONE.NSE", "MOVED.NSE 18,24 REUSED.NSE", "NEW.NSE 18,19,22,24 OLD.NSE", "OTHER.NSE 18 ",
                "REUSED.NSE 23,24 ", "SWAPA.NSE 18,19,22 ", "SWAPB.NSE 18,19,22 ", "THREE.NSE 18,19,22,24 ONE.NSE,TWO.NSE",
            ]);
        }
        assert_eq!(app.symbol("OLD.NSE").await["ticker"], "NEW.NSE");
        assert_eq!(app.symbol("ONE.NSE").await["ticker"], "THREE.NSE");
    }

    async fn a_change_joins_no_shares_whose_isins_and_prices_speak_against_it(app: TestApp) {
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", "INE111A01011", "10 10 10 10 10 5"), ("KEPT", "EQ", "INE333C01017", "7 7 7 7 7 5")])).await;
        app.store_day(udiff("2024-07-22", &[("NEW", "EQ", "INE222B01019", "50 50 50 50 50 5"), ("GREW", "EQ", "INE444D01015", "7 7 7 7 7 5")])).await;
        app.learn(&[("OLD", "NEW", "2024-07-22"), ("KEPT", "GREW", "2024-07-22")]).await;
        assert_eq!(app.symbol("OLD.NSE").await["ticker"], "OLD.NSE");
        assert_eq!(app.symbol("NEW.NSE").await["barCount"], 1);
        // The close carries on, so a new ISIN is no other company's.
        assert_eq!(app.symbol("KEPT.NSE").await["ticker"], "GREW.NSE");
        assert_eq!(app.symbol("INE333C01017").await["barCount"], 2);
    }

    async fn an_issue_keeps_its_stock_through_a_change_that_is_known_later(app: TestApp) {
        app.nse.page("/api/public-past-issues", r#"[{"company":"Old Limited","symbol":"OLD","ipoStartDate":"10-JUL-2024",
            "ipoEndDate":"12-JUL-2024","listingDate":"18-JUL-2024","priceRange":"Rs.8","issuePrice":"8","securityType":"EQ"}]"#);
        let query = "mutation { refreshIpos(input: { source: NSE }) { job { id } } }";
        let job = app.operator.data(query, json!({})).await["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        app.store_day(full_bhavcopy("2024-07-18", &[("OLD", "EQ", "", "10 10 10 10 8 5")])).await;
        app.store_day(full_bhavcopy("2024-07-22", &[("NEW", "EQ", "", "12 12 12 12 10 5")])).await;
        app.learn(&[("OLD", "NEW", "2024-07-22")]).await;
        let query = "{ ipos { nodes { ticker symbol { ticker } performance { listingGain returnSinceIssue } } } }";
        let nodes = app.anonymous.data(query, json!({})).await["ipos"]["nodes"].clone();
        assert_eq!(nodes, json!([{"ticker": "OLD", "symbol": {"ticker": "NEW.NSE"},
            "performance": {"listingGain": 0.25, "returnSinceIssue": 0.5}}]));
    }

    async fn a_revised_announcement_takes_the_place_of_the_one_before(app: TestApp) {
        let said = |subject: &str| format!(r#"[{{"symbol":"ABC","series":"EQ","subject":"{subject}","exDate":"23-Jul-2024","faceVal":"10"}}]"#);
        app.archive.session("2024-07-22", &[("ABC", "EQ", "INE111A01011", "1000 1000 1000 1000 990 5")]);
        app.archive.session("2024-07-23", &[("ABC", "EQ", "INE111A01011", "502 502 502 502 1000 5")]);
        app.nse.page("/api/corporates-corporateActions", &said("Buy Back @ Rs 500/Dividend Rs 2/Bonus 4:1"));
        app.refresh_market("2024-07-22", "2024-07-23").await;
        assert_eq!(app.actions("").await, ["BONUS 5.0 - NSE false ABC.NSE", "DIVIDEND null 2 NSE true ABC.NSE"]);
        app.nse.page("/api/corporates-corporateActions", &said("Dividend Rs 3/Bonus 1:1 (Revised)"));
        app.refresh_market("2024-07-22", "2024-07-23").await;
        assert_eq!(app.actions("").await, ["BONUS 2.0 - NSE true ABC.NSE", "DIVIDEND null 3 NSE true ABC.NSE"]);
        assert_eq!(app.symbol("ABC.NSE").await["splits"], json!([{"date": "2024-07-23", "ratio": 2.0, "detected": false}]));
    }

    async fn dividends_of_the_same_amount_on_one_day_add_up_however_often_they_are_fetched(app: TestApp) {
        app.archive.session("2024-07-22", &[("ABC", "EQ", "INE111A01011", "200 200 200 200 200 5")]);
        app.archive.session("2024-07-23", &[("ABC", "EQ", "INE111A01011", "196 196 196 196 200 5")]);
        app.nse.page("/api/corporates-corporateActions", r#"[
            {"symbol":"ABC","series":"EQ","subject":"Dividend - Rs 2 Per Share","exDate":"23-Jul-2024","faceVal":"10"},
            {"symbol":"ABC","series":"EQ","subject":"Special Dividend - Rs 2 Per Share","exDate":"23-Jul-2024","faceVal":"10"}]"#);
        for _ in 0..2 {
            app.refresh_market("2024-07-22", "2024-07-23").await;
            assert_eq!(app.actions("").await, ["DIVIDEND null 2 NSE true ABC.NSE", "DIVIDEND null 2 NSE true ABC.NSE"]);
            let query = "{ symbol(ticker: \"ABC.NSE\") { series(adjustment: TOTAL_RETURN) { close } } }";
            let found = app.anonymous.data(query, json!({})).await["symbol"]["series"]["close"].clone();
            assert_eq!(found, json!([196.0, 196.0]));
        }
    }

    async fn announcements_that_cannot_be_read_are_told_of(app: TestApp) {
        app.archive.session("2024-07-22", &[("ABC", "EQ", "INE111A01011", FLAT)]);
        app.nse.page("/api/corporates-corporateActions", r#"[{"symbol":"ABC","series":"EQ","subject":"Bonus 1:1","exDate":"soon"}]"#);
        let jobs = app.refresh_market("2024-07-22", "2024-07-22").await;
        let message = jobs[0]["message"].as_str().expect("a message");
        assert!(message.contains("corporate actions not read (first: ABC Bonus 1:1: \"soon\" is not a date)"), "{message}");
    }

    async fn the_bses_announcements_are_read_and_kept_off_shares_of_the_nse(app: TestApp) {
        app.store_day(udiff("2026-07-22", &[("HARDWYN", "EQ", "INE626Z01029", FLAT)])).await;
        app.store_day(udiff("2026-07-23", &[("HARDWYN", "EQ", "INE626Z01029", FLAT)])).await;
        let file = "Security Code,Security Name,Company Name,Ex Date,Purpose,Record Date,BC Start Date,BC End Date\t,ND Start Date\n\
                    543980,JLHL,Jupiter Ltd,23 Jul 2026,Stock  Split From Rs.10/- to Rs.2/-,23 Jul 2026,,,\n\
                    541276,HARDWYN,Hardwyn Ltd,23 Jul 2026,Bonus issue 2:5,23 Jul 2026,,,\n\
                    531161,ABMKNO,Abm Ltd,23 Jul 2026,Final Dividend - Rs. - 1.2500,23 Jul 2026,,,\n";
        let actions = actions_of_csv(file.as_bytes()).expect("actions").actions;
        ingest::corporate_actions(&app.app.store, actions).await.expect("stored");
        ingest::judge_actions(&app.app.store, 0, 40_000).await.expect("judged");
        assert_eq!(app.actions("").await, ["BONUS 1.4 - CSV false -", "DIVIDEND null 1.25 CSV false -", "SPLIT 5.0 - CSV false -"]);
        assert_eq!(app.symbol("HARDWYN.NSE").await["corporateActions"], json!([]));
    }
}
