//! What becomes of announcements once prices are there: applied, flagged, taken back.

use serde_json::{Value, json};

use prospectus::ingest;
use prospectus::market::day::parse_iso;
use prospectus::providers::market::{DayFile, actions_of_csv, read_day};

use crate::harness::TestApp;
use crate::harness::archive::{Row, full_bhavcopy};
use crate::on_each_database;

const FEED: &str = "/api/corporates-corporateActions";
const ABC: &str = "INE111A01011";

/// The feed's answer: ticker, subject, ex-date, face value.
fn feed(rows: &[(&str, &str, &str, &str)]) -> String {
    let row = |(ticker, subject, ex, face): &(&str, &str, &str, &str)| json!({"symbol": ticker, "series": "EQ", "subject": subject, "exDate": ex, "faceVal": face});
    Value::Array(rows.iter().map(row).collect()).to_string()
}

/// A day on which one price was paid.
fn flat(price: &str, previous: &str) -> String {
    format!("{price} {price} {price} {price} {previous} 5")
}

/// Days of ABC at these prices; those without one are none.
fn days_of_abc(app: &TestApp, prices: &[(&str, &str)]) {
    let mut previous = prices[0].1;
    for &(day, price) in prices {
        app.archive.session(day, &[("ABC", "EQ", ABC, &flat(price, previous))]);
        previous = price;
    }
}

/// The subjects of ABC's actions with whether they are applied, the first total return, the splits.
async fn found(app: &TestApp) -> (Vec<String>, f64, Value) {
    let query = "{ symbol(ticker: \"ABC.NSE\") { corporateActions { text exDate applied } splits { ratio detected }
                 series(adjustment: TOTAL_RETURN) { close } } }";
    let symbol = app.anonymous.data(query, json!({})).await["symbol"].clone();
    let line = |a: &Value| {
        format!(
            "{} {} {}",
            &a["exDate"].as_str().expect("a day")[8..],
            a["text"].as_str().expect("a text"),
            a["applied"]
        )
    };
    let mut lines: Vec<String> = symbol["corporateActions"].as_array().expect("actions").iter().map(line).collect();
    lines.sort();
    let first = symbol["series"]["close"][0].as_f64().expect("a close");
    (lines, (first * 100.0).round() / 100.0, symbol["splits"].clone())
}

/// The records of what is flagged and not resolved.
async fn flagged(app: &TestApp) -> Vec<String> {
    let query = "{ dataIssues(first: 100, filter: { resolved: false }) { nodes { record } } }";
    let nodes = app.anonymous.data(query, json!({})).await["dataIssues"]["nodes"].clone();
    let record = |issue: &Value| issue["record"].as_str().expect("a record").to_owned();
    let mut records: Vec<String> = nodes.as_array().expect("issues").iter().map(record).collect();
    records.sort();
    records
}

/// Takes in a file of announcements of ABC: purpose, ex-date.
async fn imported(app: &TestApp, rows: &[(&str, &str)]) {
    let rows = rows.iter().map(|(purpose, ex)| format!("ABC,Abc,EQ,{purpose},10,{ex}\n")).collect::<Vec<_>>().concat();
    let file = format!("SYMBOL,COMPANY NAME,SERIES,PURPOSE,FACE VALUE,EX-DATE\n{rows}");
    let actions = actions_of_csv(file.as_bytes()).expect("actions").actions;
    ingest::corporate_actions(&app.app.store, actions).await.expect("stored");
}

async fn stored_day(app: &TestApp, day: &str, rows: &[Row<'_>]) {
    let DayFile::Session(session) = read_day(full_bhavcopy(day, rows).as_bytes(), None) else { panic!("a session") };
    ingest::market(&app.app.store, vec![session]).await.expect("stored");
}

/// What is announced of a share, its close before and its open; the ratio that is applied or else found in the prices, the
/// first total return, and whether the day is flagged.
type Case = (&'static str, &'static [&'static str], &'static str, &'static str, Option<(f64, bool)>, f64, bool);

const CASES: [Case; 18] = [
    ("SPECIAL", &["Special Dividend - Rs 500 Per Share"], "1000", "500", None, 500.0, false),
    ("PAID", &["Dividend - Rs 100 Per Share"], "300", "201", None, 200.0, false),
    ("BESIDE", &["Dividend - Rs 2 Per Share"], "1000", "499", Some((2.0, true)), 499.0, false),
    ("NEVER", &["Special Dividend - Rs 500 Per Share"], "1000", "1002", None, 1000.0, true),
    ("MORE", &["Dividend - Rs 150 Per Share"], "100", "100", None, 100.0, true),
    ("DEMERGED", &["Demerger"], "1000", "500", None, 1000.0, true),
    ("SCHEME", &["Scheme Of Arrangement"], "1000", "666", None, 1000.0, true),
    ("REDUCED", &["Capital Reduction"], "5", "50", None, 5.0, true),
    ("REFUSED", &["Bonus 1:1"], "1000", "330", None, 1000.0, true),
    ("MEETING", &["Annual General Meeting"], "1000", "500", Some((2.0, true)), 500.0, false),
    ("SMALL", &["Bonus 1:20"], "1000", "985", Some((1.05, false)), 952.38, false),
    ("FLAT", &["Bonus 1:10"], "1000", "1000", None, 1000.0, true),
    ("RIGHTS", &["Rights 3:25 @ Premium Rs 490/-"], "640", "646", Some((1.024, false)), 625.0, false),
    ("BOTH", &["Bonus 1:10", "Special Dividend - Rs 400 Per Share"], "1000", "545", Some((1.1, false)), 545.45, false),
    ("RATIOS", &["Bonus 1:4", "Bonus 1:1"], "1000", "500", Some((2.0, false)), 500.0, true),
    (
        "ONCE",
        &["Annual General Meeting/Dividend - Rs 20 Per Share", "Final Dividend - Rs 20 Per Share"],
        "1000",
        "980",
        None,
        980.0,
        false,
    ),
    (
        "TWICE",
        &["Interim Dividend - Rs 20 Per Share", "Final Dividend - Rs 20 Per Share"],
        "1000",
        "960",
        None,
        960.0,
        false,
    ),
    ("CUT", &["Bonus 1:1 Cancelled"], "1000", "500", None, 1000.0, true),
];

on_each_database! {
    async fn what_is_announced_is_held_against_the_prices_of_its_day(app: TestApp) {
        let isins: Vec<String> = (0..CASES.len()).map(|n| format!("INE{:03}A01011", 100 + n)).collect();
        let day = |after: bool| -> Vec<String> {
            CASES.iter().map(|case| if after { flat(case.3, case.2) } else { flat(case.2, case.2) }).collect()
        };
        for (date, prices) in [("2024-07-22", day(false)), ("2024-07-23", day(true))] {
            let share = |at: usize| (CASES[at].0, "EQ", isins[at].as_str(), prices[at].as_str());
            let rows: Vec<Row> = (0..CASES.len()).map(share).collect();
            app.archive.session(date, &rows);
        }
        let said: Vec<_> = CASES.iter().flat_map(|case| case.1.iter().map(move |subject| (case.0, *subject, "23-Jul-2024", "10"))).collect();
        app.nse.page(FEED, &feed(&said));
        // Once more changes nothing.
        for _ in 0..2 {
            app.refresh_market_again("2024-07-22", "2024-07-23").await;
            for (ticker, _, _, _, split, total, _) in CASES {
                let query = "query($t: String!) { symbol(ticker: $t) { splits { ratio detected } series(adjustment: TOTAL_RETURN) { close } } }";
                let symbol = app.anonymous.data(query, json!({"t": format!("{ticker}.NSE")})).await["symbol"].clone();
                let close = symbol["series"]["close"][0].as_f64().expect("a close");
                assert!((close - total).abs() < 0.01, "{ticker}: {close}");
                let splits = symbol["splits"].as_array().expect("splits");
                assert_eq!(splits.len(), usize::from(split.is_some()), "{ticker}: {splits:?}");
                for (found, (ratio, detected)) in splits.iter().zip(split) {
                    assert!((found["ratio"].as_f64().expect("a ratio") - ratio).abs() < 1e-5, "{ticker}: {found}");
                    assert_eq!(found["detected"], detected, "{ticker}");
                }
            }
            let mut doubted: Vec<String> = CASES.iter().filter(|case| case.6).map(|case| format!("{} 2024-07-23", case.0)).collect();
            doubted.sort();
            assert_eq!(flagged(&app).await, doubted);
        }
    }

    async fn what_the_feed_does_not_have_any_more_is_taken_back(app: TestApp) {
        days_of_abc(&app, &[("2024-07-19", "1000"), ("2024-07-22", "1000"), ("2024-07-23", "980")]);
        let dividend = |amount: u32, ex: &str| (vec![("ABC", format!("Dividend - Rs {amount} Per Share"), ex.to_owned())], amount);
        let other = (vec![("DEF", "Bonus 1:1".to_owned(), "23-Jul-2024".to_owned())], 0);
        let steps = [
            (dividend(15, "23-Jul-2024"), 985.0), (dividend(20, "23-Jul-2024"), 980.0), (dividend(20, "22-Jul-2024"), 980.0),
            (other, 1000.0), (dividend(20, "23-Jul-2024"), 980.0), ((vec![], 0), 1000.0),
        ];
        for ((said, amount), total) in steps {
            let rows: Vec<_> = said.iter().map(|(ticker, subject, ex)| (*ticker, subject.as_str(), ex.as_str(), "10")).collect();
            app.nse.page(FEED, &feed(&rows));
            app.refresh_market_again("2024-07-19", "2024-07-23").await;
            let (lines, first, _) = found(&app).await;
            assert_eq!((lines.len(), first), (usize::from(amount > 0), total), "{said:?}: {lines:?}");
        }
    }

    async fn another_ratio_takes_the_place_of_the_one_before_and_a_list_of_some_takes_nothing_else(app: TestApp) {
        days_of_abc(&app, &[("2024-07-19", "1000"), ("2024-07-22", "1000"), ("2024-07-23", "500")]);
        app.refresh_market("2024-07-19", "2024-07-23").await;
        imported(&app, &[("Bonus 1:4", "23-Jul-2024"), ("Dividend - Rs 10 Per Share", "22-Jul-2024")]).await;
        let (lines, _, splits) = found(&app).await;
        assert_eq!(lines, ["22 Dividend - Rs 10 Per Share true", "23 Bonus 1:4 false"]);
        assert_eq!((splits, flagged(&app).await), (json!([]), vec!["ABC 2024-07-23".to_owned()]));
        imported(&app, &[("Bonus 1:1", "23-Jul-2024")]).await;
        let (lines, first, splits) = found(&app).await;
        assert_eq!(lines, ["22 Dividend - Rs 10 Per Share true", "23 Bonus 1:1 true"]);
        assert_eq!((first, splits), (495.0, json!([{"ratio": 2.0, "detected": false}])));
        assert!(flagged(&app).await.is_empty());
    }

    async fn a_revised_date_takes_the_action_and_its_flag_off_the_day_it_had(app: TestApp) {
        days_of_abc(&app, &[("2024-07-19", "1000"), ("2024-07-22", "1000"), ("2024-07-23", "500")]);
        app.refresh_market("2024-07-19", "2024-07-23").await;
        imported(&app, &[("Bonus 1:1", "22-Jul-2024")]).await;
        assert_eq!((found(&app).await.0, flagged(&app).await), (vec!["22 Bonus 1:1 false".to_owned()], vec!["ABC 2024-07-22".to_owned()]));
        imported(&app, &[("Bonus 1:1 (Date Revised)", "23-Jul-2024")]).await;
        let (lines, first, splits) = found(&app).await;
        assert_eq!((lines, first), (vec!["23 Bonus 1:1 (Date Revised) true".to_owned()], 500.0));
        assert_eq!((splits, flagged(&app).await), (json!([{"ratio": 2.0, "detected": false}]), vec![]));
    }

    async fn a_price_that_is_said_later_is_taken_and_what_says_less_takes_none_away(app: TestApp) {
        days_of_abc(&app, &[("2024-07-22", "1000"), ("2024-07-23", "902")]);
        let premium = "Rights 1:4 @ Premium Rs 500/-";
        for (subject, face, text, first) in [
            ("Rights 1:4", "10", "Rights 1:4", 1000.0), (premium, "-", "Rights 1:4", 1000.0), (premium, "10", premium, 902.0),
            ("Rights 1:4", "10", premium, 902.0), (premium, "-", premium, 902.0),
        ] {
            app.nse.page(FEED, &feed(&[("ABC", subject, "23-Jul-2024", face)]));
            app.refresh_market_again("2024-07-22", "2024-07-23").await;
            let (lines, total, _) = found(&app).await;
            assert_eq!((lines, total), (vec![format!("23 {text} {}", first < 1000.0)], first), "{subject} {face}");
        }
        // Another price is another one.
        app.nse.page(FEED, &feed(&[("ABC", "Rights 1:4 @ Premium Rs 490/-", "23-Jul-2024", "10")]));
        app.refresh_market_again("2024-07-22", "2024-07-23").await;
        assert_eq!(found(&app).await.1, 900.0);
    }

    async fn two_ex_dates_that_meet_in_one_bar_are_judged_together(app: TestApp) {
        let split = "Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share";
        app.nse.page(FEED, &feed(&[("ABC", "Bonus 1:1", "23-Jul-2024", "1"), ("ABC", split, "24-Jul-2024", "1")]));
        days_of_abc(&app, &[("2024-07-22", "1000"), ("2024-07-24", "50")]);
        app.refresh_market("2024-07-22", "2024-07-24").await;
        let (lines, first, splits) = found(&app).await;
        assert_eq!(lines, ["23 Bonus 1:1 true".to_owned(), format!("24 {split} true")]);
        assert_eq!((first, splits), (50.0, json!([{"ratio": 20.0, "detected": false}])));
    }

    async fn a_change_of_tickers_has_announcements_held_against_the_days_that_it_brings(app: TestApp) {
        let (fell, same, later) = (flat("769", "1000"), flat("1000", "1000"), flat("770", "769"));
        stored_day(&app, "2024-07-18", &[("OLD", "EQ", "", &same), ("PAST", "EQ", "", &same)]).await;
        stored_day(&app, "2024-07-19", &[("OLD", "EQ", "", &fell), ("PAST", "EQ", "", &same)]).await;
        stored_day(&app, "2024-07-22", &[("NEW", "EQ", "", &later), ("NEXT", "EQ", "", &fell)]).await;
        let file = "SYMBOL,COMPANY NAME,SERIES,PURPOSE,FACE VALUE,EX-DATE\n\
                    NEW,New,EQ,Bonus 3:10,10,19-Jul-2024\nNEXT,Next,EQ,Bonus 3:10,10,19-Jul-2024\n";
        let actions = actions_of_csv(file.as_bytes()).expect("actions").actions;
        ingest::corporate_actions(&app.app.store, actions).await.expect("stored");
        let day = parse_iso("2024-07-22").expect("a day");
        let change = |old: &str, new: &str| (old.to_owned(), new.to_owned(), day);
        assert_eq!(app.symbol("NEXT.NSE").await["corporateActions"][0]["applied"], true);
        ingest::ticker_changes(&app.app.store, &[change("OLD", "NEW"), change("PAST", "NEXT")]).await.expect("learnt");
        let (new, next) = (app.symbol("NEW.NSE").await, app.symbol("NEXT.NSE").await);
        assert_eq!((&new["corporateActions"][0]["applied"], &new["splits"][0]["ratio"]), (&json!(true), &json!(1.3)));
        assert_eq!((&next["corporateActions"][0]["applied"], &next["splits"]), (&json!(false), &json!([])));
        assert_eq!(flagged(&app).await, ["NEXT 2024-07-19"]);
    }
}
