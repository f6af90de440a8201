//! What a view holds that goes elsewhere: into the address, into a spreadsheet, into the next visit.

use serde_json::{Value, json};

use super::at_work;
use crate::harness::state;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn rows_are_copied_as_rows_of_plain_values() {
    let (_app, browser) = at_work().await;
    browser.go("/reporting/").await;
    browser.find("//td[.//strong[normalize-space()='ACME']]").await;
    let copied = browser
        .run(
            "const range = document.createRange(); range.selectNodeContents(document.querySelector('main table')); \
             getSelection().removeAllRanges(); getSelection().addRange(range); \
             const event = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), bubbles: true, cancelable: true }); \
             document.dispatchEvent(event); return event.clipboardData.getData('text/plain')",
        )
        .await;
    let rows: Vec<Vec<&str>> =
        copied.as_str().expect("text").split('\n').map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2, "{copied}");
    assert_eq!(rows[0].len(), rows[1].len(), "{copied}");
    // A name's second line is in its cell, and the currency in none.
    assert_eq!(rows[0][..4], ["Symbol", "Last close", "Change", "As of"], "{copied}");
    assert_eq!(rows[1][..4], ["ACME, OTHER", "15.19", "-1.94%", "2002-12-12"], "{copied}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_trade_that_is_looked_at_is_in_the_address() {
    let (app, browser) = at_work().await;
    let run = "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 20 } } }) { backtest { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/runBacktest/backtest/id").and_then(Value::as_str).expect("an id");
    browser.go(&format!("/reporting/backtests/{id}")).await;
    browser.find("//div[@id='explore']//canvas").await;
    let second = "[aria-label='Trades, table'] tbody tr:nth-child(2)";
    let bought = format!("document.querySelector(\"{second} .link\").innerText");
    browser.click("(//*[@aria-label='Trades, table']//tbody//button[contains(@class, 'link')])[2]").await;
    browser.until("return new URLSearchParams(location.search).get('trade') === '2'").await;
    browser.page.refresh().await.expect("a page");
    browser.find("//div[@id='explore']//canvas").await;
    browser
        .until(&format!(
            "return document.querySelector(\"{second}\")?.ariaCurrent === 'true' && \
             document.querySelector('#explore .readout').innerText.startsWith({bought})"
        ))
        .await;
    browser.click("//div[@id='explore']//button[normalize-space()='1Y']").await;
    browser.until("return location.search === '?range=1Y'").await;
    // What a hand has moved to is two dates; a range that nobody knows is none.
    let chart = browser.find("//div[@id='explore']//*[@role='application']").await;
    chart.send_keys("+").await.expect("a key");
    browser.until("return /^\\?range=\\d{4}-\\d\\d-\\d\\d\\.\\.\\d{4}-\\d\\d-\\d\\d$/.test(location.search)").await;
    browser.go(&format!("/reporting/backtests/{id}?range=nowhere")).await;
    browser.find("//div[@id='explore']//button[@aria-pressed='true'][normalize-space()='All']").await;
    browser.go("/reporting/?order=NOTHING").await;
    browser.find("//td[.//strong[normalize-space()='ACME']]").await;
    browser.close().await;
}

/// The chart of a symbol whose prices are new is asked for before its page is there: neither of its two readings, of what
/// is kept and of what is new, waits for the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_kept_chart_waits_for_no_answer() {
    const LATENCY: u32 = 6_000;
    let (app, browser) = at_work().await;
    let today = chrono::Utc::now().date_naive();
    let days =
        (1..600).rev().map(|back| format!("{},50,60,40,{},1000", today - chrono::Days::new(back), 50 + back % 7));
    let bars: Vec<String> = ["date,open,high,low,close,volume".to_owned()].into_iter().chain(days).collect();
    let job = app.operator.import("NEW", &bars.join("\n")).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
    let chart = "//*[contains(@class, 'price-chart')]//canvas";
    browser.go("/reporting/nowhere").await;
    browser.find("//header//button[normalize-space()='Sign out']").await;
    browser.go("/reporting/symbols/NEW").await;
    browser.find(chart).await;
    let read = "performance.getEntriesByType('resource').map((r) => r.name)";
    browser.go("/reporting/nowhere").await;
    browser.until(&format!("return {read}.some((name) => name.endsWith('/palette.js'))")).await;
    browser.be_slow(LATENCY).await;
    let go = "history.pushState(null, '', '/reporting/symbols/NEW'); dispatchEvent(new PopStateEvent('popstate', { state: {} })); \
              return performance.now()";
    let began = browser.run(go).await.as_f64().expect("a time");
    browser.find(chart).await;
    let took = browser.run("return performance.now()").await.as_f64().expect("a time") - began;
    assert!(took < f64::from(LATENCY), "nothing is waited for, but it took {took} ms");
    browser.close().await;
}
