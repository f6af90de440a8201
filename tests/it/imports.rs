//! Files that people own: read right or refused, with nothing dropped without a word.

use serde_json::{Value, json};

use crate::harness::{TestApp, state, summary};
use crate::on_each_database;

const HEADINGS: &str = "Date,Open,High,Low,Close,Volume\n";

async fn import(app: &TestApp, rows: &str) -> Value {
    let answer = app.operator.import("ACME", &format!("{HEADINGS}{rows}")).await;
    app.settled(answer["job"]["id"].as_str().unwrap_or_else(|| panic!("no job: {answer}"))).await
}

async fn dates(app: &TestApp) -> Vec<String> {
    app.bars("ACME").await.iter().map(|bar| bar[..10].to_owned()).collect()
}

on_each_database! {
    async fn days_before_months_are_decided_from_the_whole_column_or_asked_for(app: TestApp) {
        let asked = app.operator.import("ACME", &format!("{HEADINGS}05/02/2024,1,3,1,2,10\n")).await;
        assert_eq!((&asked["job"], &asked["userErrors"][0]["field"]), (&Value::Null, &json!(["dateOrder"])), "{asked}");
        import(&app, "05/02/2024,1,3,1,2,10\n13/02/2024,1,3,1,2,10\n").await;
        assert_eq!(dates(&app).await, ["2024-02-05", "2024-02-13"]);
    }

    async fn a_corrected_file_takes_back_what_was_misread(app: TestApp) {
        import(&app, "2024-05-02,1,3,1,2,10\n2024-02-13,1,3,1,2,11\n").await;
        let job = import(&app, "2024-02-05,1,3,1,2,10\n2024-02-13,1,3,1,2,11\n").await;
        assert_eq!(dates(&app).await, ["2024-02-05", "2024-02-13"]);
        assert!(summary(&job).contains("removed (2024-05-02)"), "{job}");
    }

    async fn days_without_a_trade_and_rows_without_prices_take_nothing_back(app: TestApp) {
        // Days of two months that look alike, as those of a share that nobody trades do.
        import(&app, "2024-03-04,10,10,10,10,0\n2024-03-05,10,10,10,10,0\n2024-03-06,10,10,10,10,0\n").await;
        let job = import(&app, "2024-04-02,10,10,10,10,0\n2024-04-03,10,10,10,10,0\n2024-04-04,10,10,10,10,0\n").await;
        assert_eq!(summary(&job), "SUCCEEDED: 3 added, 0 changed, 0 unchanged");
        // A newer file that has no prices of a day doesn't say that there were none.
        let row = |n: u32| format!("2024-05-{n:02},1,3,1,2,{n}\n");
        let days = [13, 14, 15, 16, 17, 20, 21, 22, 23, 24];
        import(&app, &days.iter().map(|n| row(*n)).collect::<String>()).await;
        let holed: String = days.iter().map(|n| if *n == 16 { "2024-05-16,null,null,null,null,null\n".to_owned() } else { row(*n) }).collect();
        let job = import(&app, &holed).await;
        assert!(summary(&job).starts_with("SUCCEEDED: 0 added, 0 changed, 9 unchanged"), "{job}");
        assert_eq!(dates(&app).await.len(), 16, "{job}");
        // Nor does one whose rows are partly left out.
        let listed = days.iter().map(|n| format!("{},{}\n", row(*n).trim(), if *n == 16 { "Euronext" } else { "NSE" })).collect::<Vec<_>>().concat();
        let answer = app.operator.import("ACME", &format!("{}\n{}", HEADINGS.trim().to_owned() + ",Exchange", listed)).await;
        if let Some(id) = answer["job"]["id"].as_str() {
            app.settled(id).await;
        }
        assert_eq!(dates(&app).await.len(), 16, "{answer}");
    }

    async fn a_file_that_may_not_overwrite_bars_removes_none(app: TestApp) {
        let traded = "date,open,high,low,close,volume\n2024-02-05,10,10,10,10,5\n2024-02-06,10,10,10,10,5\n2024-02-07,10,10,10,10,5\n\
                      2024-02-08,10,10,10,10,5\n2024-02-09,10,10,10,10,5\n2024-02-10,10,10,10,10,5\n2024-02-12,10,10,10,10,5\n";
        // Adjusted prices, without the session of a Saturday.
        let adjusted: String = traded.lines().filter(|line| !line.starts_with("2024-02-10"))
            .map(|line| line.replace(",10,10,10,10,5", ",10,10,10,10,9,5").replace("close,volume", "close,Adj Close,volume") + "\n").collect();
        app.imported("ACME", traded).await;
        let job = app.imported("ACME", &adjusted).await;
        assert_eq!(dates(&app).await.len(), 7, "{job}");
    }

    async fn an_import_of_which_nothing_can_be_used_fails_and_says_why(app: TestApp) {
        let job = import(&app, "2024-02-05,1,3,5,2,10\n").await;
        assert_eq!(state(&job), "FAILED", "{job}");
        assert!(summary(&job).contains("high 3 is below the low 5"), "{job}");
    }

    async fn an_open_quotation_mark_costs_one_row(app: TestApp) {
        let job = import(&app, "2024-01-02,1,3,1,2,10\n2024-01-03,\"1,3,1,2,10\n2024-01-04,1,3,1,2,10\n").await;
        assert_eq!(summary(&job), "SUCCEEDED: 2 added, 0 changed, 0 unchanged, 1 flagged and left out");
        assert_eq!(dates(&app).await, ["2024-01-02", "2024-01-04"]);
        // It's the record of its day, which the mended file resolves.
        let open = "{ dataIssues(filter: { resolved: false }) { nodes { record field reason } } }";
        let reason = "line 3 has a quotation mark that isn't closed";
        let flagged = json!([{"record": "ACME 2024-01-03", "field": "row", "reason": reason}]);
        assert_eq!(app.anonymous.data(open, json!({})).await["dataIssues"]["nodes"], flagged);
        import(&app, "2024-01-02,1,3,1,2,10\n2024-01-04,1,3,1,2,10\n").await;
        assert_eq!(app.anonymous.data(open, json!({})).await["dataIssues"]["nodes"], flagged);
        import(&app, "2024-01-03,1,3,1,2,10\n").await;
        assert_eq!(app.anonymous.data(open, json!({})).await["dataIssues"]["nodes"], json!([]));
    }

    async fn several_shares_in_a_file_are_told_apart(app: TestApp) {
        let file = "Symbol,Series,Date,Open,High,Low,Close,Volume\nACME,EQ,2024-01-02,1,3,1,2,10\n\
                    ACME,N3,2024-01-02,9,9,9,9,1\nOTHER,EQ,2024-01-02,5,5,5,5,5\n";
        let answer = app.operator.import("ACME.NSE", file).await;
        let job = app.settled(answer["job"]["id"].as_str().expect("a job")).await;
        assert!(summary(&job).starts_with("SUCCEEDED: 1 added, 0 changed, 0 unchanged; 1 rows of other tickers left out"), "{job}");
        assert!(summary(&job).contains("series N3"), "{job}");
        let refused = app.operator.import("THIRD", file).await;
        assert!(refused["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("ACME, OTHER")), "{refused}");
        // One below the other, under a heading that nobody knows: the jump is no split.
        let firms = "Date,Open,High,Low,Close,Volume,Firm\n2024-01-02,1,3,1,2,10,Acme Ltd\n2024-01-03,1,3,1,2,10,Acme Ltd\n\
                     2024-01-04,9,9,9,9,1,Other Ltd\n2024-01-05,9,9,9,9,1,Other Ltd\n";
        let refused = app.operator.import("FOURTH", firms).await;
        assert!(refused["userErrors"][0]["message"].as_str().is_some_and(|m| m.contains("seems to hold several shares")), "{refused}");
        assert_eq!(app.anonymous.data("{ symbol(ticker: \"FOURTH\") { barCount } }", json!({})).await["symbol"], Value::Null);
    }

    async fn a_zero_byte_costs_no_more_than_its_row(app: TestApp) {
        let job = import(&app, "2024-01-02,1,3,1,2,10\n2024-01-03,1\u{0},3,1,2,10\n").await;
        assert_eq!(summary(&job), "SUCCEEDED: 1 added, 0 changed, 0 unchanged, 1 flagged and left out");
    }

    async fn the_exchanges_file_is_believed_first_and_adjusted_prices_stay_apart(app: TestApp) {
        const ROW: [crate::harness::archive::Row; 1] = [("ACME", "EQ", "INE111A01011", "10 12 9 11 10 5")];
        app.archive.session("2024-07-18", &ROW);
        app.archive.session("2024-07-19", &ROW);
        // Nasdaq's prices are adjusted for splits, and never as traded.
        let nasdaq = "Date,Close/Last,Volume,Open,High,Low\n07/18/2024,$5.50,10,$5.00,$6.00,$4.50\n07/17/2024,$5.40,10,$5.00,$6.00,$4.50\n";
        let import = |file: String| {
            let app = &app;
            async move { app.settled(app.operator.import("ACME.NSE", &file).await["job"]["id"].as_str().expect("a job")).await }
        };
        import(nasdaq.to_owned()).await;
        let refresh = "mutation { refreshMarket(input: { exchange: NSE, from: \"2024-07-18\", to: \"2024-07-19\" }) { jobs { id } } }";
        let job = app.operator.data(refresh, json!({})).await["refreshMarket"]["jobs"][0]["id"].as_str().expect("a job").to_owned();
        let job = app.settled(&job).await;
        assert_eq!(job["outcome"], json!({"added": 1, "changed": 0, "unchanged": 0, "flagged": 1}), "{job}");
        let closes = || async { app.bars("ACME.NSE").await.iter().map(|bar| bar.split(' ').nth(4).unwrap_or_default().to_owned()).collect::<Vec<_>>() };
        assert_eq!(closes().await, ["5.4", "5.5", "11.0"]);
        // Over the exchange's day neither an adjusted file nor another one goes.
        for file in [nasdaq.replace("07/18", "07/19"), format!("{HEADINGS}2024-07-19,10,12,9,11.5,5\n")] {
            let job = import(file).await;
            assert!(summary(&job).contains("1 days stay as they are"), "{job}");
        }
        assert_eq!(closes().await.last().map(String::as_str), Some("11.0"));
        let issues = app.anonymous.data("{ dataIssues(filter: { resolved: false }) { nodes { record field reason } } }", json!({})).await;
        let reasons = issues["dataIssues"]["nodes"].to_string();
        assert!(reasons.contains("isn't laid over it") && reasons.contains("has the close 11 and is believed first"), "{reasons}");
    }
}
