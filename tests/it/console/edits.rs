//! What people name, take back and look up: runs, deleted issues, files whose dates can be read two ways.

use serde_json::json;

use super::browser::Browser;
use super::{at_work, with_history};
use crate::forecasts::long_history;
use crate::harness::{Database, TestApp, day, state};

/// A file whose dates tell no order is asked about, and nothing is stored before that is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_file_whose_dates_can_be_read_two_ways_is_asked_about() {
    let app = TestApp::start(Database::Sqlite).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/").await;
    let file = browser.folder().join("TCS.csv");
    let mut rows = "date,open,high,low,close,volume\n".to_owned();
    for month in 2..=6 {
        rows += &format!("05/{month:02}/2024,10,11,9,10,100\n");
    }
    std::fs::write(&file, rows).expect("a file");
    browser.click("//button[normalize-space()='Import a file…']").await;
    browser.find("//input[@type='file']").await.send_keys(&file.display().to_string()).await.expect("a file");
    browser.find("//dialog//*[@role='alert'][contains(., 'Which number of a date is the day?')]").await;
    browser.until("return [...document.querySelectorAll('dialog button')].find((b) => b.innerText.startsWith('Import')).disabled").await;
    browser
        .click("//label[normalize-space()='Dates are written']/following-sibling::select/option[@value='MDY']")
        .await;
    browser.find("//dialog//*[@role='status'][contains(., 'from 2024-05-02 to 2024-05-06')]").await;
    browser
        .click("//label[normalize-space()='Dates are written']/following-sibling::select/option[@value='DMY']")
        .await;
    browser.find("//dialog//*[@role='status'][contains(., 'from 2024-02-05 to 2024-06-05')]").await;
    browser.click("//dialog//button[normalize-space()='Import 5 days']").await;
    browser.find("//dialog//*[@role='status'][contains(., '5 added')]").await;
    let stored = app.anonymous.data("{ symbol(ticker: \"TCS\") { firstDate lastDate } }", json!({})).await;
    assert_eq!(stored["symbol"], json!({"firstDate": "2024-02-05", "lastDate": "2024-06-05"}));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_sweep_is_named_found_again_and_deleted() {
    let (app, browser) = at_work().await;
    let run = "mutation { a: sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 9 }, sellAboveSma: { from: 10, to: 14 } }) { sweep { id } } \
               b: sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 6 }, sellAboveSma: { from: 10, to: 11 } }) { sweep { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/a/sweep/id").and_then(serde_json::Value::as_str).expect("an id");
    browser.go(&format!("/reporting/sweeps/{id}")).await;
    browser.click("//button[normalize-space()='Name…']").await;
    browser.fill("Name", "Slow and wide").await;
    browser.click("//dialog//button[normalize-space()='Save']").await;
    browser.find("//h1[normalize-space()='Slow and wide']").await;
    browser.go("/reporting/sweeps").await;
    browser.until("return document.querySelectorAll('tbody tr').length === 2").await;
    browser.fill("Search", "wide").await;
    browser.until("return location.search === '?q=wide' && document.querySelectorAll('tbody tr').length === 1").await;
    browser.click("//td//a[contains(., 'Slow and wide')]").await;
    browser.click("//summary[normalize-space()='More']").await;
    browser.click("//button[normalize-space()='Delete…']").await;
    browser.click("//dialog[@open]//button[normalize-space()='Delete it']").await;
    browser.find("//h1[normalize-space()='Sweeps']").await;
    browser.until("return document.querySelectorAll('tbody tr').length === 1").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_deleted_issue_comes_back_at_once_and_later() {
    let app = TestApp::start(Database::Sqlite).await;
    app.admin
        .data(
            "mutation { createIpo(input: { name: \"Acme Limited\", exchange: NSE, ticker: \"ACME\" }) { ipo { id } } }",
            json!({}),
        )
        .await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/admin/ipos").await;
    let delete = async || {
        browser.click("//button[normalize-space()='Delete']").await;
        browser.click("//dialog[@open]//button[normalize-space()='Delete it']").await;
        browser.find("//*[contains(., 'No IPOs here')]").await;
    };
    delete().await;
    browser.click("//*[@role='status']//button[normalize-space()='Undo']").await;
    browser.find("//td//strong[normalize-space()='Acme Limited']").await;
    delete().await;
    browser.go("/reporting/admin/ipos").await;
    browser.click("//summary[normalize-space()='Deleted IPOs']").await;
    browser.click("//button[@aria-label='Restore Acme Limited']").await;
    browser.find("//button[@aria-label='Edit Acme Limited']").await;
    let found = app.anonymous.data("{ ipos { totalCount } }", json!({})).await;
    assert_eq!(found["ipos"]["totalCount"], 1);
    browser.close().await;
}

/// Back asks, as a link does, before it takes what somebody has typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn back_asks_before_it_takes_what_was_typed() {
    let app = TestApp::start(Database::Sqlite).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/ipos").await;
    browser.click("//a[normalize-space()='IPOs, models, tokens']").await;
    browser.click("//button[normalize-space()='Add an IPO']").await;
    browser.fill("Name", "Acme Limited").await;
    let back = "window.asked = 0; window.confirm = () => { window.asked++; return arguments[0]; }; history.back()";
    let back = async |leaves: bool| browser.page.execute(back, vec![json!(leaves)]).await.expect("back");
    back(false).await;
    browser.until("return window.asked === 1 && location.pathname === '/reporting/admin'").await;
    browser.until("return [...document.querySelectorAll('input')].some((i) => i.value === 'Acme Limited')").await;
    back(true).await;
    browser.find("//h1[normalize-space()='IPOs']").await;
    browser.until("return window.asked === 1 && location.pathname === '/reporting/ipos'").await;
    browser.close().await;
}

/// With keys alone: Ctrl-K, a few letters, Enter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn ctrl_k_goes_anywhere() {
    let (_app, browser) = at_work().await;
    browser.go("/reporting/jobs").await;
    browser.find("//h1[normalize-space()='Jobs']").await;
    let body = browser.find("//body").await;
    body.send_keys("\u{e009}k\u{e000}").await.expect("keys");
    let field = browser.find("//dialog[@open]//input[@role='combobox']").await;
    field.send_keys("acm").await.expect("keys");
    browser.find("//*[@role='option'][@aria-selected='true'][contains(., 'ACME')]").await;
    field.send_keys("\u{e007}").await.expect("a key");
    browser.find("//h1[normalize-space()='ACME']").await;
    browser
        .until("return location.pathname === '/reporting/symbols/ACME' && !document.querySelector('dialog[open]')")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_forecast_says_whether_to_trust_it() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let made = app
        .admin
        .data(
            "mutation { predict(input: { ticker: \"ACME\" }) { prediction { id verdict independentOrigins } } }",
            json!({}),
        )
        .await;
    let prediction = &made["predict"]["prediction"];
    let id = prediction["id"].as_str().expect("an id");
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.go(&format!("/reporting/forecasts/{id}")).await;
    let few = prediction["independentOrigins"].as_u64() < Some(50);
    let said = browser.find("//main//div[contains(@class, 'notice')]").await.text().await.expect("text");
    assert_eq!(said.contains("Too few past forecasts"), few, "{said}");
    // Data that the model hadn't seen come first, and each day ahead has its figures.
    let rows = browser.run("return [...document.querySelectorAll('[aria-label=\"How good it was, table\"] tbody td.lead')].map((c) => c.innerText)").await;
    assert!(rows[0].as_str().is_some_and(|row| row.starts_with("On data the model had not seen")), "{rows}");
    browser.until("return document.querySelectorAll('svg.picture').length >= 3").await;
    browser.find("//*[local-name()='svg']/*[local-name()='title'][contains(., 'within the bands')]").await;
    browser.close().await;
}

/// A trained model is made the default, renamed, given up and deleted; one that ships with the service says so and stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn an_administrator_chooses_renames_and_deletes_models() {
    let app = TestApp::start(Database::Sqlite).await;
    let imported = app.operator.import("ACME", &long_history()).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&imported).await), "SUCCEEDED");
    let train =
        "mutation { trainModel(input: { name: \"Ours\", tickers: [\"ACME\"] }) { job { id } userErrors { message } } }";
    let queued = app.operator.data(train, json!({})).await;
    let job = app.settled(queued["trainModel"]["job"]["id"].as_str().expect("a job")).await;
    assert_eq!(state(&job), "SUCCEEDED", "{job}");
    let stand = async || {
        let models = app.anonymous.data("{ models { name isDefault } }", json!({})).await["models"].clone();
        let models = models.as_array().expect("models").clone();
        let chosen = models.iter().find(|model| model["isDefault"] == true).map(|model| model["name"].clone());
        (chosen, models.len())
    };
    let (shipped, before) = stand().await;
    let shipped = shipped.as_ref().and_then(serde_json::Value::as_str).expect("a default").to_owned();
    let button = |model: &str, label: &str| {
        format!("//tr[.//strong[normalize-space()='{model}']]//button[normalize-space()='{label}']")
    };
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/admin/models").await;
    browser.click(&button("Ours", "Make default")).await;
    browser.find("//*[@role='status'][contains(., 'Ours is the default')]").await;
    assert_eq!(stand().await.0, Some(json!("Ours")));

    browser.click(&button("Ours", "Rename…")).await;
    browser.write("//dialog[@open]//input", "Theirs").await;
    browser.click("//dialog[@open]//button[normalize-space()='Save']").await;
    browser.find("//*[@role='status'][contains(., 'Ours is now called Theirs')]").await;
    assert_eq!(stand().await.0, Some(json!("Theirs")));

    // The default has no button that deletes it.
    let row = "[...document.querySelectorAll('tbody tr')].find((row) => row.innerText.includes('Theirs'))";
    browser.until(&format!("const row = {row}; return Boolean(row) && !row.innerText.includes('Delete')")).await;
    browser.click(&button(&shipped, "Make default")).await;
    browser.find(&format!("//*[@role='status'][contains(., '{shipped} is the default')]")).await;
    browser.click(&button("Theirs", "Delete…")).await;
    browser.click("//dialog[@open]//button[normalize-space()='Delete it']").await;
    browser.find("//*[@role='status'][contains(., 'Theirs is deleted')]").await;
    assert_eq!(stand().await, (Some(json!(shipped)), before - 1));

    // What ships isn't anybody's to change, and says what it is.
    let row = format!("[...document.querySelectorAll('tbody tr')].find((row) => row.innerText.includes('{shipped}'))");
    browser.until(&format!("const row = {row}; return row.innerText.includes('Ships with the service') && !/Rename|Delete/.test(row.innerText)")).await;
    browser.close().await;
}

/// What one cause broke is one thing to retry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn failed_jobs_are_gathered_by_their_reason_and_retried_together() {
    let app = TestApp::start(Database::Sqlite).await;
    for ticker in ["AAA", "BBB"] {
        assert_eq!(state(&app.add_symbol(ticker).await), "FAILED");
    }
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/jobs?state=FAILED").await;
    browser.find("//*[@role='status'][normalize-space()='2 jobs, 1 reason']").await;
    browser.find("//section//h2[contains(., 'know the symbol …')]").await;
    browser.click("//section//button[normalize-space()='Show them']").await;
    browser.find("//section//td[contains(., 'know the symbol AAA')]").await;
    browser.find("//section//td[contains(., 'know the symbol BBB')]").await;

    for ticker in ["AAA", "BBB"] {
        app.provider.daily(ticker, &[(day(0), ["160", "170", "150", "164.43"], "1000")]);
    }
    browser.click("//section//button[normalize-space()='Retry these 2']").await;
    browser.find("//*[contains(., 'No jobs here')]").await;
    browser.go("/reporting/jobs?state=SUCCEEDED").await;
    browser.until("return document.querySelectorAll('tbody tr').length === 2").await;
    for ticker in ["AAA", "BBB"] {
        assert_eq!(app.bars(ticker).await.len(), 1);
    }
    browser.close().await;
}

/// Without a provider one is told so before anything is tried, and what to do instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_service_without_a_provider_offers_files() {
    let app =
        TestApp::start_with(Database::Sqlite, &[("ALPHA_VANTAGE_API_KEY", ""), ("ALPHA_VANTAGE_BASE_URL", "")]).await;
    let told = app.anonymous.data("{ pricesUnavailableReason }", json!({})).await;
    assert_eq!(told["pricesUnavailableReason"], "no key for Alpha Vantage is set: set ALPHA_VANTAGE_API_KEY");
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/").await;
    browser.find("//*[contains(@class, 'notice')][contains(., 'set ALPHA_VANTAGE_API_KEY, or import files')]").await;
    browser.find("//button[normalize-space()='Import a file…']").await;
    browser
        .until("return ![...document.querySelectorAll('button')].some((b) => /Add symbol|Refresh/.test(b.innerText))")
        .await;
    browser.close().await;
}

/// What a fetch says under a symbol's name moves no column.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_jobs_message_moves_no_column() {
    let app = TestApp::start(Database::Sqlite).await;
    assert_eq!(state(&app.add_symbol("AAA").await), "FAILED");
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/").await;
    browser.find("//button[@aria-label='Refresh AAA']").await;
    browser.until("return document.fonts.status === 'loaded'").await;
    let places = "return [...document.querySelectorAll('th')].map((th) => Math.round(th.getBoundingClientRect().x))";
    let before = browser.run(places).await;
    browser.click("//button[@aria-label='Refresh AAA']").await;
    browser.find("//td//*[contains(@class, 'status')][contains(., 'know the symbol AAA')]").await;
    assert_eq!(browser.run(places).await, before);
    browser.close().await;
}
