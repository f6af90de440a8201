//! A symbol's bars from the provider's answer to the API, and what the next refresh makes of them.

use serde_json::json;

use crate::harness::{Answer, TestApp, day, provider, state, summary};
use crate::on_each_database;

type Days = Vec<(String, [&'static str; 4], &'static str)>;

fn three_days() -> Days {
    vec![
        (day(0), ["196.6200", "197.0100", "195.5000", "196.62"], "5821"),
        (day(1), ["0.0001", "2.5000", "0.0001", "1.3333"], "0"),
        (day(2), ["123456.7890", "123456.7891", "0.1000", "99999.9999"], "9007199254740991"),
    ]
}

async fn data_version(app: &TestApp, ticker: &str) -> i64 {
    let query = "query($t: String!) { symbol(ticker: $t) { dataVersion } }";
    app.anonymous.data(query, json!({"t": ticker})).await["symbol"]["dataVersion"].as_i64().expect("a version")
}

on_each_database! {
    async fn bars_come_back_with_every_decimal_of_the_payload(app: TestApp) {
        app.provider.daily("ACME", &three_days());
        let job = app.add_symbol("ACME").await;
        assert_eq!(summary(&job), "SUCCEEDED: 3 added, 0 changed, 0 unchanged");
        assert_eq!(
            app.bars("ACME").await,
            [
                "2024-01-01 196.62 197.01 195.5 196.62 196.62 5821",
                "2024-01-02 0.0001 2.5 0.0001 1.3333 1.3333 0",
                "2024-01-03 123456.789 123456.7891 0.1 99999.9999 99999.9999 9007199254740991",
            ]
        );
    }

    async fn only_what_changed_counts_and_raises_the_version(app: TestApp) {
        let mut days = three_days();
        app.provider.daily("ACME", &days);
        app.add_symbol("ACME").await;
        let version = data_version(&app, "ACME").await;

        let again = app.refresh("ACME").await;
        assert_eq!(summary(&again), "SUCCEEDED: 0 added, 0 changed, 3 unchanged");
        assert_eq!(data_version(&app, "ACME").await, version);

        days[1].1[3] = "1.3334";
        app.provider.daily("ACME", &days);
        let corrected = app.refresh("ACME").await;
        assert_eq!(summary(&corrected), "SUCCEEDED: 0 added, 1 changed, 2 unchanged");
        assert_eq!(data_version(&app, "ACME").await, version + 1);
        assert_eq!(app.bars("ACME").await[1], "2024-01-02 0.0001 2.5 0.0001 1.3334 1.3334 0");
    }

    async fn bad_records_are_flagged_with_field_and_reason_and_the_rest_goes_in(app: TestApp) {
        let weekday = |n: u64| (chrono::NaiveDate::default() + chrono::Days::new(16_804 + n / 5 * 7 + n % 5)).to_string();
        let mut days: Days = (0..1_000).map(|n| (weekday(n), ["10.0", "11.0", "9.0", "10.5"], "7")).collect();
        let flaws: [[&'static str; 4]; 5] = [
            ["12.0", "11.0", "9.0", "10.5"],
            ["10.0", "11.0", "9.0", "8.5"],
            ["10.0", "8.0", "9.0", "8.5"],
            ["-1.0", "11.0", "9.0", "10.5"],
            ["10.0", "11.0", "9.0", "ten"],
        ];
        for (n, record) in days.iter_mut().enumerate() {
            if n % 50 == 7 {
                record.1 = flaws[n / 50 % 5];
            }
        }
        app.provider.daily("ACME", &days);
        let job = app.add_symbol("ACME").await;
        assert_eq!(summary(&job), "SUCCEEDED: 980 added, 0 changed, 0 unchanged, 20 flagged and left out");

        let query = "{ dataIssues(first: 100, filter: { resolved: false }) { totalCount nodes {
                     id record field reason raw occurrences source } } }";
        let issues = app.anonymous.data(query, json!({})).await["dataIssues"].clone();
        assert_eq!(issues["totalCount"], 20);
        let nodes = issues["nodes"].as_array().expect("issues");
        let of = |reason: &str| nodes.iter().filter(|i| i["reason"].as_str().is_some_and(|r| r == reason)).count();
        let found = [
            "12 is above the high 11", "8.5 is below the low 9", "8 is below the low 9", "-1 is negative",
            "\"ten\" is not a number",
        ].map(of);
        assert_eq!(found, [4, 4, 4, 4, 4], "{nodes:#?}");
        assert!(nodes.iter().all(|i| i["field"].is_string() && i["raw"].as_str().is_some_and(|r| r.contains("1. open"))));

        let _ = app.refresh("ACME").await;
        let issues = app.anonymous.data(query, json!({})).await["dataIssues"]["nodes"].clone();
        assert!(issues.as_array().expect("issues").iter().all(|i| i["occurrences"] == 2), "seen again, counted again");

        for record in &mut days {
            record.1 = ["10.0", "11.0", "9.0", "10.5"];
        }
        app.provider.daily("ACME", &days);
        let mended = app.refresh("ACME").await;
        assert_eq!(summary(&mended), "SUCCEEDED: 20 added, 0 changed, 980 unchanged");
        assert_eq!(app.anonymous.data(query, json!({})).await["dataIssues"]["totalCount"], 0, "fixed at the source");
    }

    async fn an_unfinished_day_waits_until_it_is_over(app: TestApp) {
        let days = three_days();
        let during = provider::daily("ACME", &days).replace(
            &format!("\"3. Last Refreshed\": \"{}\"", day(2)),
            &format!("\"3. Last Refreshed\": \"{} 14:07:57\"", day(2)),
        );
        app.provider.answer("ACME", Answer::Body(during));
        app.add_symbol("ACME").await;
        assert_eq!(app.bars("ACME").await.len(), 2);
        app.provider.daily("ACME", &days);
        assert_eq!(summary(&app.refresh("ACME").await), "SUCCEEDED: 1 added, 0 changed, 2 unchanged");
    }

    async fn what_a_key_is_refused_is_asked_for_once(app: TestApp) {
        app.provider.daily("ACME", &three_days());
        app.provider.daily("BETA", &three_days());
        app.add_symbol("ACME").await;
        app.add_symbol("BETA").await;
        let asked: Vec<String> = app.provider.asked().into_iter().filter(|a| a.contains("ADJUSTED")).collect();
        assert_eq!(asked, ["TIME_SERIES_DAILY_ADJUSTED ACME full"]);
    }

    async fn the_provider_s_adjusted_closes_and_splits_are_served_beside_the_raw_ones(app: TestApp) {
        let body = format!(
            r#"{{"Meta Data": {{"3. Last Refreshed": "{d2}"}}, "Time Series (Daily)": {{
            "{d2}": {{"1. open": "51.0", "2. high": "52.0", "3. low": "50.0", "4. close": "51.5", "5. adjusted close": "51.5",
                      "6. volume": "40", "7. dividend amount": "0.0000", "8. split coefficient": "2.0"}},
            "{d1}": {{"1. open": "100.0", "2. high": "104.0", "3. low": "99.0", "4. close": "102.0", "5. adjusted close": "50.9",
                      "6. volume": "20", "7. dividend amount": "0.1000", "8. split coefficient": "1.0"}}}}}}"#,
            d1 = day(1), d2 = day(2),
        );
        app.provider.answer_adjusted("ACME", Answer::Body(body));
        assert_eq!(state(&app.add_symbol("ACME").await), "SUCCEEDED");
        let query = "{ symbol(ticker: \"ACME\") { splits { date ratio detected }
                     raw: series(adjusted: false) { open close volume } series { open close } } }";
        let symbol = app.anonymous.data(query, json!({})).await["symbol"].clone();
        assert_eq!(symbol["splits"], json!([{"date": day(2), "ratio": 2.0, "detected": false}]));
        assert_eq!(symbol["raw"], json!({"open": [100.0, 51.0], "close": [102.0, 51.5], "volume": [20, 40]}));
        assert_eq!(symbol["series"]["close"], json!([50.9, 51.5]));
    }

    async fn newest_bars_that_contradict_older_ones_bring_the_whole_history_again(app: TestApp) {
        // Recent days, so that the second refresh asks for the newest bars alone.
        let today = chrono::Utc::now().date_naive();
        let date = |back: u64| (today - chrono::Days::new(back)).to_string();
        let days: Days = (0..30).map(|n| (date(40 - n), ["10.0", "11.0", "9.0", "10.5"], "7")).collect();
        app.provider.daily("ACME", &days);
        app.add_symbol("ACME").await;
        let halved: Days = days.iter().map(|d| (d.0.clone(), ["5.0", "5.5", "4.5", "5.25"], "14")).collect();
        app.provider.daily("ACME", &halved);
        let job = app.refresh("ACME").await;
        assert_eq!(summary(&job), "SUCCEEDED: 0 added, 30 changed, 0 unchanged");
        let asked = app.provider.asked();
        let sizes: Vec<&str> =
            asked.iter().filter_map(|a| a.strip_prefix("TIME_SERIES_DAILY ACME ")).collect();
        assert_eq!(sizes, ["full", "compact", "full"]);
    }

    async fn a_csv_file_adds_its_symbol_and_its_bars(app: TestApp) {
        let file = "Date,Open,High,Low,Close,Volume\n2024-01-02,10,11,9,10.25,100\n2024-01-03,10,11,12,10,100\n";
        let answer = app.operator.import("tata.bse", file).await;
        assert_eq!(answer["symbol"], json!({"ticker": "TATA.BSE", "source": "CSV"}));
        let job = app.settled(answer["job"]["id"].as_str().expect("a job")).await;
        assert_eq!(summary(&job), "SUCCEEDED: 1 added, 0 changed, 0 unchanged, 1 flagged and left out");
        assert_eq!(app.bars("TATA.BSE").await, ["2024-01-02 10 11 9 10.25 10.25 100"].map(|b| b.replace(" 10 11 9 ", " 10.0 11.0 9.0 ")));
        let wrong = app.operator.import("TATA.BSE", "a,b\n1,2\n").await;
        assert_eq!((&wrong["job"], &wrong["userErrors"][0]["field"]), (&json!(null), &json!(["file"])));
    }

    async fn what_came_from_a_file_is_not_asked_of_the_provider_when_all_are_refreshed(app: TestApp) {
        app.provider.daily("ACME", &three_days());
        app.add_symbol("ACME").await;
        let file = "date,open,high,low,close,volume\n2024-01-02,10,11,9,10.25,100\n";
        let job = app.operator.import("TATA.BSE", file).await["job"]["id"].as_str().expect("a job").to_owned();
        assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
        let options = prospectus::providers::files::Options { ticker: "BETA".to_owned(), date_order: None, day: None };
        let caller = prospectus::actions::Caller::command_line();
        prospectus::actions::prices::import_at_once(&app.app, &caller, file.as_bytes(), options).await.expect("imported");
        let all = "mutation { refreshSymbols(input: {}) { jobs { symbol { ticker } } userErrors { message } } }";
        let asked = app.operator.data(all, json!({})).await;
        assert_eq!(asked["refreshSymbols"], json!({"jobs": [{"symbol": {"ticker": "ACME"}}], "userErrors": []}));
        let now = chrono::Utc::now();
        for moment in [now, now + chrono::TimeDelta::days(7)] {
            prospectus::workers::run_due(&app.app, moment).await.expect("a look");
        }
        let of_file = "{ jobs(filter: { ticker: \"TATA.BSE\" }) { nodes { kind } } }";
        let jobs = app.anonymous.data(of_file, json!({})).await;
        assert_eq!(jobs["jobs"]["nodes"], json!([{"kind": "IMPORT_PRICES"}]));
    }
}
