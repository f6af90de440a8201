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

    /// "ticker day:close … < former ticker until" of each share.
    async fn shares(&self) -> Vec<String> {
        let query = "{ symbols(first: 50, orderBy: [{ field: TICKER }]) { nodes { ticker barCount series(adjusted: false) { dates close } formerTickers { ticker until } } } }";
        let nodes = self.anonymous.data(query, json!({})).await["symbols"]["nodes"].clone();
        let line = |s: &Value| {
            let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
            let (dates, closes) = (list(&s["series"]["dates"]), list(&s["series"]["close"]));
            assert_eq!(s["barCount"].as_u64(), Some(dates.len() as u64), "{s}");
            let mut parts = vec![s["ticker"].as_str().expect("a ticker").to_owned()];
            parts.extend(
                dates.iter().zip(&closes).map(|(day, close)| format!("{}:{close}", &day.as_str().expect("a day")[8..])),
            );
            for former in list(&s["formerTickers"]) {
                let text = |name: &str| former[name].as_str().expect("a text").to_owned();
                parts.push(format!("< {} {}", text("ticker"), &text("until")[5..]));
            }
            parts.join(" ")
        };
        nodes.as_array().expect("symbols").iter().map(line).collect()
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
const A: &str = "INE111A01011";
const B: &str = "INE222B01019";
const C: &str = "INE333C01017";
const D: &str = "INE444D01015";

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

    async fn days_of_both_layouts_become_one_share_when_the_change_is_known(app: TestApp) {
        // A file without ISINs had the new ticker before the ISIN came under it.
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, "10 10 10 10 10 5"), ("FIRST", "EQ", C, FLAT)])).await;
        app.store_day(udiff("2024-07-19", &[("OLD", "EQ", A, "11 11 11 11 10 5")])).await;
        app.store_day(full_bhavcopy("2024-07-22", &[("NEW", "EQ", "", "12 12 12 12 11 5")])).await;
        // SECOND was another company's meanwhile, as its ISIN tells.
        app.store_day(udiff("2024-07-22", &[("SECOND", "EQ", D, FLAT)])).await;
        app.store_day(udiff("2024-07-23", &[("NEW", "EQ", A, "13 13 13 13 12 5"), ("SECOND", "EQ", C, FLAT)])).await;
        assert_eq!(app.symbol("NEW.NSE").await["barCount"], 3);
        for _ in 0..2 {
            app.learn(&[("OLD", "NEW", "2024-07-22"), ("FIRST", "SECOND", "2024-07-22")]).await;
            assert_eq!(app.shares().await, [
                "INE444D01015.NSE 22:10.0 < SECOND.NSE 07-23",
                "NEW.NSE 18:10.0 19:11.0 22:12.0 23:13.0 < OLD.NSE 07-22",
                "SECOND.NSE 18:10.0 23:10.0 < FIRST.NSE 07-22",
            ]);
        }
    }

    async fn days_before_a_change_join_the_share_that_its_isin_has_led_over_it(app: TestApp) {
        app.store_day(full_bhavcopy("2024-07-19", &[("OLD", "EQ", "", "11 11 11 11 10 5"), ("OTHER", "EQ", "", "7 7 7 7 7 5")])).await;
        app.store_day(udiff("2024-07-22", &[("NEW", "EQ", A, "12 12 12 12 11 5"), ("ANOTHER", "EQ", C, FLAT)])).await;
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, "10 10 10 10 10 5"), ("OTHER", "EQ", C, FLAT)])).await;
        app.store_day(udiff("2024-07-23", &[("NEW", "EQ", A, "13 13 13 13 12 5")])).await;
        // The day of both is told in two ways here, so they stay two.
        app.store_day(udiff("2024-07-19", &[("OTHER", "EQ", C, FLAT)])).await;
        for _ in 0..2 {
            app.learn(&[("OLD", "NEW", "2024-07-22"), ("OTHER", "ANOTHER", "2024-07-22")]).await;
            assert_eq!(app.shares().await, [
                "ANOTHER.NSE 18:10.0 19:10.0 22:10.0 < OTHER.NSE 07-22", "NEW.NSE 18:10.0 19:11.0 22:12.0 23:13.0 < OLD.NSE 07-22",
                "OTHER.NSE 19:7.0",
            ]);
            // The day again is the share's.
            app.store_day(full_bhavcopy("2024-07-19", &[("OLD", "EQ", "", "11 11 11 11 10 5")])).await;
        }
    }

    async fn a_split_beside_a_change_of_ticker_leaves_one_share(app: TestApp) {
        // Their issuers' other shares have ISINs that look like those of a split, and trade on the same days.
        let (full, lesser) = ("INE224E01028", "INE224E01036");
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, "100 100 100 100 100 5"), ("FULL", "EQ", full, "6 6 6 6 6 5")])).await;
        app.store_day(udiff("2024-07-23", &[("NEW", "EQ", "INE111A01029", "51 51 51 51 50 5"), ("FULL", "EQ", full, "7 7 7 7 6 5"), ("LESSER", "EQ", lesser, "2 2 2 2 2 5")])).await;
        app.store_day(udiff("2024-07-22", &[("NEW", "EQ", "INE111A01029", "50 50 50 50 100 5")])).await;
        app.store_day(udiff("2024-07-19", &[("NEW", "EQ", A, "100 100 100 100 100 5")])).await;
        app.learn(&[("OLD", "NEW", "2024-07-19"), ("FULL", "LESSER", "2024-07-19")]).await;
        assert_eq!(app.shares().await, [
            "FULL.NSE 18:6.0 23:7.0", "LESSER.NSE 23:2.0", "NEW.NSE 18:100.0 19:100.0 22:50.0 23:51.0 < OLD.NSE 07-19",
        ]);
        assert_eq!(app.symbol(A).await["isin"], "INE111A01029");
    }

    async fn days_of_two_companies_under_one_ticker_are_parted_by_their_isins_and_prices(app: TestApp) {
        let parted = ["NEW.NSE 18:100.0 19:101.0 22:102.0 23:103.0 < OLD.NSE 07-22", "OLD.NSE 22:5.1 23:5.2"];
        let second = full_bhavcopy("2024-07-19", &[("OLD", "EQ", "", "101 101 101 101 100 5")]);
        let fourth = full_bhavcopy("2024-07-23", &[("OLD", "EQ", "", "5.2 5.2 5.2 5.2 5.1 5"), ("NEW", "EQ", "", "103 103 103 103 102 5")]);
        app.store_day(second).await;
        app.store_day(fourth).await;
        app.store_day(udiff("2024-07-22", &[("OLD", "EQ", B, "5.1 5.1 5.1 5.1 5 5"), ("NEW", "EQ", A, "102 102 102 102 101 5")])).await;
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, "100 100 100 100 99 5")])).await;
        for _ in 0..2 {
            app.learn(&[("OLD", "NEW", "2024-07-22")]).await;
            assert_eq!(app.shares().await, parted);
        }
        assert_eq!((&app.symbol(A).await["ticker"], &app.symbol(B).await["ticker"]), (&json!("NEW.NSE"), &json!("OLD.NSE")));
    }

    async fn a_ticker_of_two_companies_forgets_an_isin_that_may_be_of_either(app: TestApp) {
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, "100 100 100 100 99 5")])).await;
        app.store_day(full_bhavcopy("2024-07-23", &[("OLD", "EQ", "", "5.2 5.2 5.2 5.2 5.1 5"), ("NEW", "EQ", "", "103 103 103 103 102 5")])).await;
        app.learn(&[("OLD", "NEW", "2024-07-22")]).await;
        app.store_day(full_bhavcopy("2024-07-19", &[("OLD", "EQ", "", "101 101 101 101 100 5")])).await;
        app.store_day(udiff("2024-07-22", &[("OLD", "EQ", B, "5.1 5.1 5.1 5.1 5 5"), ("NEW", "EQ", A, "102 102 102 102 101 5")])).await;
        assert_eq!(app.shares().await, ["NEW.NSE 18:100.0 19:101.0 22:102.0 23:103.0 < OLD.NSE 07-22", "OLD.NSE 22:5.1 23:5.2"]);
        assert_eq!((&app.symbol(A).await["ticker"], &app.symbol(B).await["ticker"]), (&json!("NEW.NSE"), &json!("OLD.NSE")));
    }

    async fn a_share_that_its_isin_or_its_price_leads_over_a_change_is_not_parted(app: TestApp) {
        app.store_day(udiff("2024-07-19", &[("OLD", "EQ", B, "50 50 50 50 50 5"), ("KEPT", "EQ", C, "50 50 50 50 50 5")])).await;
        app.store_day(udiff("2024-07-22", &[("OLD", "EQ", B, "51 51 51 51 50 5"), ("NEW", "EQ", A, "9 9 9 9 8 5")])).await;
        app.store_day(full_bhavcopy("2024-07-23", &[("KEPT", "EQ", "", "51 51 51 51 50 5"), ("GREW", "EQ", "", "9 9 9 9 8 5")])).await;
        app.learn(&[("OLD", "NEW", "2024-07-22"), ("KEPT", "GREW", "2024-07-22")]).await;
        assert_eq!(app.shares().await, ["GREW.NSE 23:9.0", "KEPT.NSE 19:50.0 23:51.0", "NEW.NSE 22:9.0", "OLD.NSE 19:50.0 22:51.0"]);
        assert_eq!(app.symbol("KEPT.NSE").await["isin"], C);
    }

    async fn a_former_ticker_ends_on_the_day_of_the_list_and_else_on_the_first_stored_one(app: TestApp) {
        app.store_day(udiff("2024-07-18", &[("OLD", "EQ", A, FLAT), ("GONE", "EQ", C, FLAT)])).await;
        app.store_day(udiff("2024-07-23", &[("NEW", "EQ", A, FLAT), ("HERE", "EQ", C, FLAT)])).await;
        let shares = |day: &str| ["HERE.NSE 18:10.0 23:10.0 < GONE.NSE 07-23".to_owned(), format!("NEW.NSE 18:10.0 23:10.0 < OLD.NSE {day}")];
        assert_eq!(app.shares().await, shares("07-23"));
        for _ in 0..2 {
            app.learn(&[("OLD", "NEW", "2024-07-22"), ("GONE", "ELSEWHERE", "2024-07-22")]).await;
            assert_eq!(app.shares().await, shares("07-22"));
        }
        // A day between is the share's under its new ticker.
        app.store_day(full_bhavcopy("2024-07-22", &[("NEW", "EQ", "", FLAT)])).await;
        assert_eq!(app.shares().await[1], "NEW.NSE 18:10.0 22:10.0 23:10.0 < OLD.NSE 07-22");
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
