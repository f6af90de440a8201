//! What a run is made of goes with it, wherever the console takes it.

use serde_json::{Value, json};

use super::at_work;

/// What the form says of prices.
const CHOSEN: &str = "[...document.querySelectorAll('select')].find((select) => select.labels[0]?.innerText === 'Prices adjusted for')?.value";

/// A run on prices that aren't the symbol's usual ones is run again on the same, and so are a sweep's cells and halves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn what_prices_are_adjusted_for_goes_along() {
    const SAID: &str = "//p[contains(., 'prices adjusted for splits and dividends')]";
    let (app, browser) = at_work().await;
    let made = app
        .admin
        .data(
            "mutation { runBacktest(input: { ticker: \"ACME\", adjustment: TOTAL_RETURN, strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 20 } } }) { backtest { id } }
               sweepBacktests(input: { ticker: \"ACME\", adjustment: TOTAL_RETURN, buyBelowSma: { from: 5, to: 9 }, sellAboveSma: { from: 10, to: 14 } }) { sweep { id } } }",
            json!({}),
        )
        .await;
    let id = |path: &str| made.pointer(path).and_then(Value::as_str).expect("an id").to_owned();
    let sweep = format!("/reporting/sweeps/{}", id("/sweepBacktests/sweep/id"));
    browser.go(&format!("/reporting/backtests/{}", id("/runBacktest/backtest/id"))).await;
    browser.find(SAID).await;
    browser.click("//a[normalize-space()='Edit and run again']").await;
    browser.until(&format!("return {CHOSEN} === 'TOTAL_RETURN'")).await;
    browser.click("//button[normalize-space()='Run the backtest'][not(@disabled)]").await;
    browser.find("//h1[normalize-space()='ACME backtest']").await;
    browser.find(SAID).await;

    browser.go(&sweep).await;
    browser.find(SAID).await;
    browser.click("//*[@aria-label='The best pairs, table']//tbody//button").await;
    browser.find("//h1[normalize-space()='ACME backtest']").await;
    browser.find(SAID).await;
    browser.go(&sweep).await;
    browser.click("//button[normalize-space()='First half beside second']").await;
    browser.find("//h2[starts-with(normalize-space(), 'Second half, ')]").await;

    let asked = "{ backtests(first: 10) { nodes { adjustment } } sweeps(first: 10) { nodes { adjustment } } }";
    let stored = app.anonymous.data(asked, json!({})).await;
    let all = json!({"adjustment": "TOTAL_RETURN"});
    assert_eq!(stored["backtests"]["nodes"], json!([all, all, all]));
    assert_eq!(stored["sweeps"]["nodes"], json!([all, all, all]));

    // Where nobody has chosen, the form starts with what the service takes: this symbol's prices came without adjusted ones.
    browser.go("/reporting/backtests/new?symbol=ACME").await;
    browser.until(&format!("return {CHOSEN} === 'SPLITS'")).await;
    browser.close().await;
}
