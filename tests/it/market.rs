//! A whole market a day, from the exchange's files to the API.

use serde_json::{Value, json};

use crate::harness::archive::{bhavcopy, full_bhavcopy, udiff, zipped};
use crate::harness::{TestApp, day, state};
use crate::on_each_database;

const ABC: &str = "INE111A01011";
const DEF: &str = "INE222B01019";

impl TestApp {
    /// Fetches a span of days and answers with the jobs once they have ended.
    pub(crate) async fn refresh_market(&self, from: &str, to: &str) -> Vec<Value> {
        self.fetched(json!({"exchange": "NSE", "from": from, "to": to})).await
    }

    /// The same with days that are known already.
    pub(crate) async fn refresh_market_again(&self, from: &str, to: &str) -> Vec<Value> {
        self.fetched(json!({"exchange": "NSE", "from": from, "to": to, "again": true})).await
    }

    async fn fetched(&self, input: Value) -> Vec<Value> {
        let query = "mutation($input: RefreshMarketInput!) { refreshMarket(input: $input) { jobs { id kind } userErrors { message } } }";
        let data = self.operator.data(query, json!({"input": input})).await;
        let jobs = data["refreshMarket"]["jobs"].as_array().cloned().unwrap_or_default();
        assert!(!jobs.is_empty(), "{data}");
        let mut ended = Vec::new();
        for job in jobs {
            assert_eq!(job["kind"], "REFRESH_MARKET");
            ended.push(self.settled(job["id"].as_str().expect("an id")).await);
        }
        ended
    }

    pub(crate) async fn symbol(&self, ticker: &str) -> Value {
        let query =
            "query($t: String!) { symbol(ticker: $t) { ticker isin exchange currency source barCount firstDate lastDate
                     dataVersion delisted listedOn name formerTickers { ticker until } splits { date ratio detected }
                     corporateActions { kind exDate ratio amount text source applied doubt }
                     series { dates close } raw: series(adjusted: false) { close } } }";
        self.anonymous.data(query, json!({"t": ticker})).await["symbol"].clone()
    }
}

/// Made-up shares of every board with prices in paise: ticker, series, ISIN, "open high low close previous volume".
fn market(shares: u32) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let text = |text: String| -> &'static str { text.leak() };
    let row = |n: u32| {
        let series = ["EQ", "BE", "BZ", "SM", "ST", "SZ"][n as usize % 6];
        // Neighbours are two kinds of shares of one issuer.
        let isin = format!("INE{:03}A010{}", n / 2, 11 + n % 2);
        let paise = |k: u32| format!("{}.{:02}", 10 + (n * 37) % 3_000, (n * k) % 50);
        let prices = format!("{} {}.90 {}.01 {} {} {}", paise(7), 13_000, 1, paise(11), paise(13), n * 1_009);
        (text(format!("T{n}")), series, text(isin), text(prices))
    };
    (0..shares).map(row).collect()
}

/// A price as JSON has it: the fewest digits, with a point.
fn shortest(price: &str) -> String {
    json!(price.parse::<f64>().expect("a price")).to_string()
}

on_each_database! {
    async fn every_share_of_a_day_is_stored_to_the_last_decimal_and_nothing_else(app: TestApp) {
        app.archive.session("2024-07-19", &[
            ("ABC", "EQ", ABC, "101.05 110.10 99.95 105.35 100.40 123456"),
            ("DEF", "ST", DEF, "0.05 0.10 0.05 0.10 0.05 9007199254740991"),
            ("FUND", "EQ", "INF204KB14I2", "1 1 1 1 1 1"),
            ("BOND", "GS", "IN0020200104", "1 1 1 1 1 1"),
            ("ABC-RE", "BE", "INE111A20011", "1 1 1 1 1 1"),
            ("WRONG", "EQ", "INE333C01017", "5 4 6 5 5 1"),
        ]);
        let jobs = app.refresh_market("2024-07-19", "2024-07-19").await;
        assert_eq!(state(&jobs[0]), "SUCCEEDED", "{jobs:?}");
        assert_eq!(jobs[0]["outcome"], json!({"added": 2, "changed": 0, "unchanged": 0, "flagged": 1}));
        assert_eq!(app.bars("ABC.NSE").await, ["2024-07-19 101.05 110.1 99.95 105.35 105.35 123456"]);
        assert_eq!(app.bars("DEF.NSE").await, ["2024-07-19 0.05 0.1 0.05 0.1 0.1 9007199254740991"]);
        let symbols = app.anonymous.data("{ symbols { totalCount } }", json!({})).await;
        assert_eq!(symbols["symbols"]["totalCount"], 2);
        let issues = app.anonymous.data("{ dataIssues { nodes { record field reason } } }", json!({})).await;
        assert_eq!(
            issues["dataIssues"]["nodes"],
            json!([{"record": "WRONG 2024-07-19", "field": "high", "reason": "4 is below the low 6"}])
        );
        let symbol = app.symbol("ABC.NSE").await;
        assert_eq!(
            [&symbol["isin"], &symbol["currency"], &symbol["source"], &symbol["barCount"], &symbol["firstDate"]],
            [&json!(ABC), &json!("INR"), &json!("NSE"), &json!(1), &json!("2024-07-19")]
        );
        assert_eq!(app.symbol(ABC).await["ticker"], "ABC.NSE");

        // The same day from a file again: nothing changes.
        let file = prospectus::providers::market::read_day(
            &zipped("a.csv", udiff("2024-07-19", &[("ABC", "BE", ABC, "101.05 110.10 99.95 105.35 100.40 123456")]).as_bytes()), None);
        let prospectus::providers::market::DayFile::Session(session) = file else { panic!("a session") };
        let again = prospectus::ingest::market(&app.app.store, vec![session.clone()]).await.expect("stored");
        assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 1));
        assert_eq!(app.symbol("ABC.NSE").await["dataVersion"], symbol["dataVersion"]);
        // A correction is one.
        let mut corrected = session;
        corrected.shares[0].close = 105.4;
        let changed = prospectus::ingest::market(&app.app.store, vec![corrected]).await.expect("stored");
        assert_eq!((changed.added, changed.changed), (0, 1));
        assert_eq!(app.bars("ABC.NSE").await, ["2024-07-19 101.05 110.1 99.95 105.4 105.4 123456"]);
    }

    async fn a_renamed_share_is_one_and_a_ticker_used_again_is_another(app: TestApp) {
        app.archive.file("content/equities/symbolchange.csv", 200, "A Company,OLD,NEW,22-JUL-2024\n");
        app.archive.file(
            "content/equities/EQUITY_L.csv", 200,
            "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER, FACE VALUE\n\
             NEW,A Company Limited,EQ,06-OCT-2008,10,1,INE111A01011,10\n",
        );
        app.archive.file(
            "content/equities/namechange.csv", 200,
            "NCH_SYMBOL, NCH_PREV_NAME, NCH_NEW_NAME, NCH_DT\nNEW,An Older Limited,A Company Limited,02-JAN-2020\n\
             TAKEN,First Limited,Second Limited,02-JAN-2010\nGONE,Third Limited,Fourth Limited,02-JAN-2010\n",
        );
        app.archive.session("2024-07-18", &[("OLD", "EQ", ABC, "10 10 10 10 10 5"), ("TAKEN", "EQ", DEF, "7 7 7 7 7 7"), ("GONE", "EQ", "INE888Z01010", "7 7 7 7 7 7")]);
        app.archive.session("2024-07-19", &[("OLD", "EQ", ABC, "10 10 10 10 10 5")]);
        app.archive.session("2024-07-22", &[("NEW", "EQ", ABC, "10 10 10 10 10 5")]);
        app.archive.session("2025-06-02", &[("TAKEN", "SM", "INE999Z01010", "50 50 50 50 45 7"), ("NEW", "EQ", ABC, "10 10 10 10 10 5")]);
        app.refresh_market("2024-07-22", "2024-07-22").await;
        app.refresh_market("2024-07-18", "2024-07-19").await;
        app.refresh_market("2025-06-02", "2025-06-02").await;
        let renamed = app.symbol("NEW.NSE").await;
        assert_eq!(renamed["series"]["dates"], json!(["2024-07-18", "2024-07-19", "2024-07-22", "2025-06-02"]));
        assert_eq!(renamed["formerTickers"], json!([{"ticker": "OLD.NSE", "until": "2024-07-22"}]));
        assert_eq!(app.symbol("OLD.NSE").await["ticker"], "NEW.NSE");
        assert_eq!((&renamed["name"], &renamed["listedOn"]), (&json!("A Company Limited"), &json!("2008-10-06")));
        let taken = app.symbol("TAKEN.NSE").await;
        assert_eq!([&app.symbol("TAKEN").await["ticker"], &app.symbol("OLD").await["ticker"]], ["TAKEN.NSE", "NEW.NSE"]);
        assert_eq!((&taken["name"], &app.symbol("GONE.NSE").await["name"]), (&Value::Null, &json!("Fourth Limited")));
        assert_eq!((&taken["barCount"], &taken["isin"]), (&json!(1), &json!("INE999Z01010")));
        let before = app.symbol(DEF).await;
        assert_eq!(before["series"]["dates"], json!(["2024-07-18"]));
        assert_eq!(before["formerTickers"], json!([{"ticker": "TAKEN.NSE", "until": "2025-06-02"}]));
    }

    async fn filters_know_a_share_by_what_reads_it(app: TestApp) {
        let bars: Vec<_> = (0..60).map(|n| format!("{},10,20,10,{}.5,100\n", day(n), 10 + n * 37 % 9)).collect();
        app.imported("BETA.NSE", &format!("date,open,high,low,close,volume\n{}", bars.concat())).await;
        let run = "mutation { runBacktest(input: { ticker: \"beta\", strategy: { buy: { priceBelowSma: 3 }, sell: { priceAboveSma: 3 } } }) {
                   backtest { id } userErrors { message } } }";
        assert!(app.operator.data(run, json!({})).await["runBacktest"]["backtest"]["id"].is_string());
        let lists = "query($t: String!) { jobs(filter: { ticker: $t }) { totalCount } backtests(filter: { ticker: $t }) { totalCount } }";
        for (ticker, count) in [("BETA.NSE", 1), ("beta", 1), ("GAMMA", 0)] {
            let found = app.anonymous.data(lists, json!({"t": ticker})).await;
            assert_eq!(found, json!({"jobs": {"totalCount": count}, "backtests": {"totalCount": count}}), "{ticker}");
        }
        let train = "mutation { trainModel(input: { name: \"one\", tickers: [\"BETA\", \"BETA.NSE\"] }) { job { id } userErrors { message } } }";
        assert!(app.operator.data(train, json!({})).await["trainModel"]["job"]["id"].is_string());
    }

    async fn actions_are_applied_where_prices_agree_and_flagged_where_they_do_not(app: TestApp) {
        app.nse.page("/api/corporates-corporateActions", r#"[
            {"symbol":"ABC","series":"EQ","subject":"Bonus 1:1","exDate":"23-Jul-2024","faceVal":"2","isin":"INE111A01011"},
            {"symbol":"ABC","series":"EQ","subject":" Bonus 1:1","exDate":"23-Jul-2024","faceVal":"2","isin":"INE111A01011"},
            {"symbol":"ABC","series":"EQ","subject":"Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share","exDate":"23-Jul-2024","faceVal":"2"},
            {"symbol":"DEF","series":"EQ","subject":"Bonus 1:1","exDate":"23-Jul-2024","faceVal":"10"},
            {"symbol":"DEF","series":"EQ","subject":"Interim Dividend - Rs 3 Per Share/ Special Dividend - Rs 2.50 Per Share","exDate":"23-Jul-2024","faceVal":"10"}]"#);
        app.archive.session("2024-07-22", &[("ABC", "EQ", ABC, "1000 1000 1000 1000 990 5"), ("DEF", "EQ", DEF, "50 50 50 50 50 5")]);
        app.archive.session("2024-07-23", &[("ABC", "EQ", "INE111A01029", "101 102 99 102 1000 5"), ("DEF", "EQ", DEF, "51 51 51 51 50 5")]);
        app.refresh_market("2024-07-22", "2024-07-23").await;
        let abc = app.symbol("ABC.NSE").await;
        assert_eq!(abc["splits"], json!([{"date": "2024-07-23", "ratio": 10.0, "detected": false}]));
        assert_eq!((&abc["series"]["close"], &abc["raw"]["close"]), (&json!([100.0, 102.0]), &json!([1000.0, 102.0])));
        let kinds: Vec<String> = abc["corporateActions"].as_array().expect("actions").iter()
            .map(|a| format!("{} {} {}", a["kind"], a["ratio"], a["applied"])).collect();
        assert_eq!(kinds, [r#""BONUS" 2.0 true"#, r#""SPLIT" 5.0 true"#]);
        let def = app.symbol("DEF.NSE").await;
        assert_eq!(def["splits"], json!([]));
        let query = "{ corporateActions(filter: { ticker: \"DEF.NSE\" }) { totalCount nodes { kind amount applied doubt symbol { ticker } } } }";
        let actions = app.anonymous.data(query, json!({})).await["corporateActions"]["nodes"].clone();
        let of = |kind: &str| actions.as_array().expect("actions").iter().find(|a| a["kind"] == kind).cloned().expect("one");
        assert_eq!((&of("BONUS")["applied"], of("BONUS")["doubt"].is_string()), (&json!(false), true));
        assert_eq!(of("DIVIDEND")["amount"], "5.5");
        let issues = app.anonymous.data("{ dataIssues { nodes { record } } }", json!({})).await;
        assert_eq!(issues["dataIssues"]["nodes"], json!([{"record": "DEF 2024-07-23"}]));
    }

    async fn an_issue_has_its_stock_and_gain_as_soon_as_its_day_is_stored(app: TestApp) {
        let past = |symbol: &str, price: &str, listing: &str| format!(
            r#"{{"company":"{symbol} Limited","symbol":"{symbol}","ipoStartDate":"10-JUL-2024","ipoEndDate":"12-JUL-2024",
                "listingDate":"{listing}","priceRange":"Rs.90 to Rs.100","issuePrice":"{price}","securityType":"EQ"}}"#);
        let all = [past("ABC", "100", "19-JUL-2024"), past("DEF", "-", "19-JUL-2024"), past("GHI", "95", "19-JUL-2024"),
                   past("JKL", "100", "-"), past("MNO", "100", "19-JUL-2024")].join(",");
        app.nse.page("/api/public-past-issues", &format!("[{all}]"));
        let ipos = || async {
            let query = "mutation { refreshIpos(input: { source: NSE }) { job { id } } }";
            let job = app.operator.data(query, json!({})).await["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
            assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
        };
        ipos().await;
        // MNO of now is another company, which took the ticker later.
        app.archive.session("2024-07-19", &[
            ("ABC", "EQ", ABC, "150 160 140 155.5 100 5"), ("DEF", "EQ", DEF, "110 115 105 110 92.5 5"),
            ("GHI", "ST", "INE333C01017", "90 95 85 90 94 5"), ("JKL", "EQ", "INE444D01015", "120 120 120 120 100 5"),
        ]);
        app.archive.session("2024-07-22", &[("MNO", "EQ", "INE555E01013", "10 10 10 10 9 5"), ("ABC", "EQ", ABC, "156 156 156 156 155.5 5")]);
        app.refresh_market("2024-07-19", "2024-07-22").await;
        let query = "{ ipos(orderBy: [{ field: NAME }]) { nodes { ticker listingDate issuePrice issuePriceDerived symbol { ticker }
                     performance { listingGain returnSinceIssue } } } }";
        let line = |i: &Value| format!("{} {} {} {} {} {}", i["ticker"], i["listingDate"], i["issuePrice"], i["issuePriceDerived"],
            i["symbol"]["ticker"], i["performance"]["listingGain"]);
        for again in [false, true] {
            if again {
                ipos().await;
            }
            let nodes = app.anonymous.data(query, json!({})).await["ipos"]["nodes"].clone();
            let lines: Vec<String> = nodes.as_array().expect("issues").iter().map(line).collect();
            assert_eq!(lines, [
                r#""ABC" "2024-07-19" "100" false "ABC.NSE" 0.5"#,
                r#""DEF" "2024-07-19" "92.5" true "DEF.NSE" 0.1891891891891892"#,
                r#""GHI" "2024-07-19" "95" false "GHI.NSE" -0.05263157894736842"#,
                r#""JKL" "2024-07-19" "100" false "JKL.NSE" 0.2"#,
                r#""MNO" "2024-07-19" "100" false null null"#,
            ], "again: {again}");
        }
        let issues = app.anonymous.data("{ dataIssues(filter: { resolved: false }) { nodes { record field reason } } }", json!({})).await;
        assert_eq!(issues["dataIssues"]["nodes"], json!([{"record": "GHI 2024-07-19", "field": "issuePrice",
            "reason": "the issue price 95 isn't the close before the listing day, 94"}]));
    }

    async fn a_share_that_begins_with_a_later_issue_of_its_ticker_is_not_an_elder_issues(app: TestApp) {
        let past = |symbol: &str, year: &str| format!(
            r#"{{"company":"{symbol} {year} Limited","symbol":"{symbol}","ipoStartDate":"29-JUL-{year}","ipoEndDate":"31-JUL-{year}",
                "listingDate":"08-AUG-{year}","priceRange":"Rs.100","issuePrice":"100","securityType":"EQ"}}"#);
        let ipos = async |issues: &[String]| {
            app.nse.page("/api/public-past-issues", &format!("[{}]", issues.join(",")));
            let query = "mutation { refreshIpos(input: { source: NSE }) { job { id } } }";
            let job = app.operator.data(query, json!({})).await["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
            assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
            let query = "{ ipos(orderBy: [{ field: NAME }]) { nodes { ticker listingDate symbol { ticker } performance { listingGain } } } }";
            let nodes = app.anonymous.data(query, json!({})).await["ipos"]["nodes"].clone();
            let line = |i: &Value| format!("{} {} {} {}", i["ticker"], i["listingDate"], i["symbol"]["ticker"], i["performance"]["listingGain"]);
            nodes.as_array().expect("issues").iter().map(line).collect::<Vec<_>>()
        };
        // MORE was traded before its second issue; of ONCE there is no other.
        app.archive.session("2024-08-07", &[("MORE", "EQ", DEF, "110 110 110 110 110 5"), ("ONCE", "EQ", "INE333C01017", "7 7 7 7 7 5")]);
        app.archive.session("2024-08-08", &[
            ("TWICE", "EQ", ABC, "150 150 150 150 100 5"), ("MORE", "EQ", DEF, "120 120 120 120 110 5"), ("ONCE", "EQ", "INE333C01017", "7 7 7 7 7 5"),
        ]);
        app.refresh_market("2024-08-07", "2024-08-08").await;
        let elder = [past("MORE", "2018"), past("ONCE", "2018"), past("TWICE", "2018")];
        assert_eq!(ipos(&elder[..]).await, [
            r#""MORE" "2018-08-08" "MORE.NSE" null"#, r#""ONCE" "2018-08-08" "ONCE.NSE" null"#, r#""TWICE" "2018-08-08" "TWICE.NSE" null"#,
        ]);
        let all = [elder.to_vec(), vec![past("MORE", "2024"), past("TWICE", "2024")]].concat();
        for again in [false, true] {
            assert_eq!(ipos(&all[..]).await, [
                r#""MORE" "2018-08-08" "MORE.NSE" null"#, r#""MORE" "2024-08-08" "MORE.NSE" 0.2"#, r#""ONCE" "2018-08-08" "ONCE.NSE" null"#,
                r#""TWICE" "2018-08-08" null null"#, r#""TWICE" "2024-08-08" "TWICE.NSE" 0.5"#,
            ], "again: {again}");
            app.refresh_market_again("2024-08-07", "2024-08-08").await;
        }
        assert_eq!(app.app.store.ipos().measure_all().await.expect("measured"), 0, "nothing is left to do");
    }

    async fn a_listing_day_that_is_a_day_off_is_flagged_and_its_share_found_by_the_price(app: TestApp) {
        let past = |symbol: &str, listing: &str| format!(
            r#"{{"company":"{symbol} Limited","symbol":"{symbol}","ipoStartDate":"29-JUL-2024","ipoEndDate":"31-JUL-2024",
                "listingDate":"{listing}-AUG-2024","priceRange":"Rs.100","issuePrice":"100","securityType":"EQ"}}"#);
        let all = [past("EARLY", "09"), past("LATE", "08"), past("OTHER", "08"), past("OLDER", "09")].join(",");
        app.nse.page("/api/public-past-issues", &format!("[{all}]"));
        let query = "mutation { refreshIpos(input: { source: NSE }) { job { id } } }";
        let job = app.operator.data(query, json!({})).await["refreshIpos"]["job"]["id"].as_str().expect("a job").to_owned();
        assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
        // Those of OTHER and OLDER begin a day beside it, too, but at another price.
        app.archive.session("2024-08-08", &[("EARLY", "EQ", ABC, "150 150 150 150 100 5"), ("OLDER", "EQ", DEF, "70 70 70 70 60 5")]);
        app.archive.session("2024-08-09", &[
            ("EARLY", "EQ", ABC, "180 180 180 180 150 5"), ("OLDER", "EQ", DEF, "80 80 80 80 70 5"),
            ("LATE", "EQ", "INE333C01017", "120 120 120 120 100 5"), ("OTHER", "EQ", "INE444D01015", "70 70 70 70 60 5"),
        ]);
        app.refresh_market("2024-08-08", "2024-08-09").await;
        let query = "{ ipos(orderBy: [{ field: NAME }]) { nodes { id ticker symbol { ticker } performance { listingGain returnSinceIssue } } } }";
        let nodes = app.anonymous.data(query, json!({})).await["ipos"]["nodes"].clone();
        let figures = |i: &Value| format!("{} {} {}", i["symbol"]["ticker"], i["performance"]["listingGain"], i["performance"]["returnSinceIssue"]);
        let lines: Vec<String> = nodes.as_array().expect("issues").iter().map(figures).collect();
        assert_eq!(lines, [r#""EARLY.NSE" 0.5 0.8"#, r#""LATE.NSE" 0.2 0.2"#, r#""OLDER.NSE" -0.2 -0.2"#, "null null null"]);
        let flags = async || {
            let query = "{ dataIssues(filter: { resolved: false }) { nodes { record field reason } } }";
            let found = app.anonymous.data(query, json!({})).await["dataIssues"]["nodes"].clone();
            let line = |f: &Value| [&f["record"], &f["field"], &f["reason"]].map(|t| t.as_str().expect("a text")).join(": ");
            let mut lines: Vec<String> = found.as_array().expect("flags").iter().map(line).collect();
            lines.sort();
            lines
        };
        let late = "LATE 2024-08-09: listingDate: the share first traded on 2024-08-09, at the issue price, and not on 2024-08-08";
        assert_eq!(flags().await, [
            "EARLY 2024-08-08: listingDate: the share first traded on 2024-08-08, at the issue price, and not on 2024-08-09", late,
        ]);
        // The day that is put right is no longer flagged once its file is seen again.
        let update = "mutation($id: ID!) { updateIpo(input: { id: $id, listingDate: \"2024-08-08\" }) { userErrors { message } } }";
        let updated = app.admin.data(update, json!({"id": nodes[0]["id"]})).await;
        assert_eq!(updated["updateIpo"]["userErrors"], json!([]));
        app.refresh_market_again("2024-08-08", "2024-08-09").await;
        assert_eq!(flags().await, [late]);
    }

    async fn a_full_day_is_stored_share_by_share_and_alike_from_every_layout(app: TestApp) {
        let market = market(400);
        let date = "2020-07-13";
        let stored = || async {
            let mut all = Vec::new();
            for ticker in market.iter().map(|row| format!("{}.NSE", row.0)).chain(["NIFTYBEES.NSE".to_owned()]) {
                all.push(format!("{ticker} {:?}", app.bars(&ticker).await));
            }
            all
        };
        app.archive.file("content/historical/EQUITIES/2020/JUL/cm13JUL2020bhav.csv.zip", 200, zipped("cm.csv", bhavcopy(date, &market).as_bytes()));
        let jobs = app.refresh_market(date, date).await;
        assert_eq!(jobs[0]["outcome"], json!({"added": 400, "changed": 0, "unchanged": 0, "flagged": 0}));
        let first = stored().await;
        for (row, stored) in market.iter().zip(&first) {
            let figures: Vec<String> = row.3.split(' ').map(shortest).collect();
            let [open, high, low, close, _, volume] = &figures[..] else { panic!("six figures: {}", row.3) };
            assert_eq!(*stored, format!("{}.NSE [\"{date} {open} {high} {low} {close} {close} {}\"]", row.0, volume.trim_end_matches(".0")));
        }
        assert_eq!(first.last().map(String::as_str), Some("NIFTYBEES.NSE []"));
        let count = app.anonymous.data("{ symbols { totalCount } }", json!({})).await;
        assert_eq!(count["symbols"]["totalCount"], 400);
        for text in [bhavcopy(date, &market), udiff(date, &market), full_bhavcopy(date, &market)] {
            let read = prospectus::providers::market::read_day(text.as_bytes(), None);
            let prospectus::providers::market::DayFile::Session(session) = read else { panic!("{read:?}") };
            let again = prospectus::ingest::market(&app.app.store, vec![session]).await.expect("stored");
            assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 400));
        }
        assert_eq!(stored().await, first);
    }

    async fn an_issuers_shares_with_full_and_with_lesser_votes_are_two(app: TestApp) {
        // Their ISINs differ by no more than those before and after a split.
        let (full, lesser) = ("INE224E01028", "INE224E01036");
        app.archive.session("2024-07-18", &[("FULL", "BE", full, "0.6 0.6 0.6 0.6 0.6 5")]);
        app.archive.session("2024-07-19", &[("LESSER", "BE", lesser, "1.6 1.6 1.6 1.6 1.55 5")]);
        app.archive.session("2024-07-22", &[("LESSER", "BE", lesser, "1.65 1.65 1.65 1.65 1.6 5"), ("FULL", "BE", full, "0.55 0.55 0.55 0.55 0.6 7")]);
        app.refresh_market("2024-07-18", "2024-07-22").await;
        assert_eq!(app.bars("FULL.NSE").await, ["2024-07-18 0.6 0.6 0.6 0.6 0.6 5", "2024-07-22 0.55 0.55 0.55 0.55 0.55 7"]);
        assert_eq!(app.bars("LESSER.NSE").await, ["2024-07-19 1.6 1.6 1.6 1.6 1.6 5", "2024-07-22 1.65 1.65 1.65 1.65 1.65 5"]);
        assert_eq!((&app.symbol(full).await["ticker"], &app.symbol(lesser).await["ticker"]), (&json!("FULL.NSE"), &json!("LESSER.NSE")));
    }

    async fn total_returns_reinvest_dividends_and_stay_continuous_across_actions(app: TestApp) {
        app.nse.page("/api/corporates-corporateActions", r#"[
            {"symbol":"ABC","series":"EQ","subject":"Bonus 1:1","exDate":"23-Jul-2024","faceVal":"2"},
            {"symbol":"ABC","series":"EQ","subject":"Dividend - Rs 10 Per Share","exDate":"24-Jul-2024","faceVal":"2"}]"#);
        app.archive.session("2024-07-22", &[("ABC", "EQ", ABC, "200 200 200 200 200 5")]);
        app.archive.session("2024-07-23", &[("ABC", "EQ", ABC, "100 100 100 100 200 5")]);
        app.archive.session("2024-07-24", &[("ABC", "EQ", ABC, "90 90 90 90 100 5")]);
        app.refresh_market("2024-07-22", "2024-07-24").await;
        let query = "{ symbol(ticker: \"ABC.NSE\") { none: series(adjustment: NONE) { close } splits: series(adjustment: SPLITS) { close }
                     total: series(adjustment: TOTAL_RETURN) { open close } usual: series { close } raw: series(adjusted: false) { close } } }";
        let found = app.anonymous.data(query, json!({})).await["symbol"].clone();
        let close = |view: &str| found[view]["close"].clone();
        assert_eq!((close("none"), close("raw")), (json!([200.0, 100.0, 90.0]), json!([200.0, 100.0, 90.0])));
        assert_eq!((close("splits"), close("usual")), (json!([100.0, 100.0, 90.0]), json!([100.0, 100.0, 90.0])));
        assert_eq!((close("total"), &found["total"]["open"]), (json!([90.0, 90.0, 90.0]), &json!([90.0, 90.0, 90.0])));
        let run = "mutation($a: Adjustment) { runBacktest(input: { ticker: \"ABC.NSE\", adjustment: $a, strategy: {
                   buy: { compare: { left: { price: CLOSE }, is: ABOVE, right: { constant: 0 } } },
                   sell: { compare: { left: { price: CLOSE }, is: BELOW, right: { constant: 0 } } } } }) {
                   backtest { adjustment adjusted metrics { buyAndHoldReturn } } userErrors { message } } }";
        for (adjustment, adjusted, held) in [("NONE", false, -0.55), ("SPLITS", true, -0.1), ("TOTAL_RETURN", true, 0.0)] {
            let answer = app.operator.data(run, json!({"a": adjustment})).await["runBacktest"].clone();
            let backtest = &answer["backtest"];
            assert_eq!((&backtest["adjustment"], &backtest["adjusted"]), (&json!(adjustment), &json!(adjusted)), "{answer}");
            let found = backtest["metrics"]["buyAndHoldReturn"].as_f64().expect("a return");
            assert!((found - held).abs() < 1e-9, "{adjustment}: {found}");
        }
    }

    async fn a_dividend_moves_to_its_day_when_that_comes_later_than_the_days_after_it(app: TestApp) {
        app.nse.page("/api/corporates-corporateActions",
            r#"[{"symbol":"ABC","series":"EQ","subject":"Dividend - Rs 10 Per Share","exDate":"23-Jul-2024","faceVal":"2"}]"#);
        for (day, prices) in [("2024-07-22", "100 100 100 100 100 5"), ("2024-07-23", "90 90 90 90 100 5"), ("2024-07-24", "80 80 80 80 90 5")] {
            app.archive.session(day, &[("ABC", "EQ", ABC, prices)]);
        }
        let query = "{ symbol(ticker: \"ABC.NSE\") { series(adjustment: TOTAL_RETURN) { close } } }";
        app.refresh_market("2024-07-24", "2024-07-24").await;
        app.refresh_market("2024-07-22", "2024-07-23").await;
        // Reinvested at 100, the close before the 23rd, and not at that before the 24th.
        let found = app.anonymous.data(query, json!({})).await["symbol"]["series"]["close"].clone();
        assert_eq!(found, json!([90.0, 90.0, 80.0]));
    }

    async fn a_split_that_nobody_announced_is_none_once_the_days_before_it_are_there(app: TestApp) {
        let falls = ["160", "140", "120", "100", "80"];
        let days = ["2024-07-22", "2024-07-23", "2024-07-24", "2024-07-25", "2024-07-26"];
        for (at, day) in days.iter().enumerate() {
            let (price, before) = (falls[at], if at == 0 { "160" } else { falls[at - 1] });
            let prices = [price, price, price, price, before, "5"].join(" ");
            app.archive.session(day, &[("ABC", "EQ", ABC, &prices)]);
        }
        // A file with the first day and the last one looks like a split in two.
        let file = "date,open,high,low,close,volume\n2024-07-22,160,160,160,160,5\n2024-07-26,80,80,80,80,5\n";
        app.imported("ABC.NSE", file).await;
        assert_eq!(app.symbol("ABC.NSE").await["splits"][0]["detected"], true);
        app.refresh_market("2024-07-23", "2024-07-25").await;
        assert_eq!(app.symbol("ABC.NSE").await["splits"], json!([]));
    }

    async fn an_announcement_holds_for_a_share_that_was_removed_and_is_back(app: TestApp) {
        app.nse.page("/api/corporates-corporateActions",
            r#"[{"symbol":"ABC","series":"EQ","subject":"Bonus 1:1","exDate":"23-Jul-2024","faceVal":"2"}]"#);
        app.archive.session("2024-07-22", &[("ABC", "EQ", ABC, "200 200 200 200 200 5")]);
        app.archive.session("2024-07-23", &[("ABC", "EQ", ABC, "100 100 100 100 200 5")]);
        let split = json!([{"date": "2024-07-23", "ratio": 2.0, "detected": false}]);
        app.refresh_market("2024-07-22", "2024-07-23").await;
        assert_eq!(app.symbol("ABC.NSE").await["splits"], split);
        let remove = "mutation { removeSymbol(input: { ticker: \"ABC.NSE\" }) { removedId userErrors { message } } }";
        assert!(app.operator.data(remove, json!({})).await["removeSymbol"]["removedId"].is_string());
        // The days are known, and asked for again by those who say so alone.
        let known = app.refresh_market("2024-07-22", "2024-07-23").await;
        assert!(known[0]["message"].as_str().is_some_and(|m| m.contains("2 known before")), "{known:?}");
        assert_eq!(app.symbol("ABC.NSE").await, Value::Null);
        app.refresh_market_again("2024-07-22", "2024-07-23").await;
        let back = app.symbol("ABC.NSE").await;
        assert_eq!((&back["splits"], &back["barCount"]), (&split, &json!(2)));
    }

    async fn a_later_day_of_a_share_is_not_taken_for_its_first(app: TestApp) {
        app.archive.session("2024-07-19", &[("ABC", "EQ", ABC, "150 150 150 150 100 5")]);
        app.archive.session("2024-07-22", &[("ABC", "EQ", ABC, "180 180 180 180 150 5")]);
        let create = "mutation { createIpo(input: { name: \"Abc\", exchange: NSE, ticker: \"ABC\", issuePrice: \"100\", openDate: \"2024-07-15\",
                      closeDate: \"2024-07-17\", listingDate: \"2024-07-19\" }) { userErrors { message } } }";
        app.admin.data(create, json!({})).await;
        let found = || async {
            let query = "{ ipo(by: { listing: { exchange: NSE, ticker: \"ABC\" } }) { symbol { ticker } performance { listingGain } } }";
            app.anonymous.data(query, json!({})).await["ipo"].clone()
        };
        app.refresh_market("2024-07-22", "2024-07-22").await;
        assert_eq!(found().await, json!({"symbol": {"ticker": "ABC.NSE"}, "performance": null}));
        app.refresh_market("2024-07-19", "2024-07-19").await;
        assert_eq!(found().await, json!({"symbol": {"ticker": "ABC.NSE"}, "performance": {"listingGain": 0.5}}));
    }
}
