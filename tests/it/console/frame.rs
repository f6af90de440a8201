//! What stands around every page: menus and the dialog to sign in.

use serde_json::{Value, json};

use super::at_work;
use super::browser::Browser;
use crate::harness::{Database, TestApp};

const ESCAPE: &str = "\u{e00c}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_menu_stays_on_a_phones_screen_and_closes() {
    const MORE: &str = "//summary[normalize-space()='More']";
    const CLOSED: &str = "return !document.querySelector('.menu').open";
    let (app, browser) = at_work().await;
    let run = "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 20 } } }) { backtest { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/runBacktest/backtest/id").and_then(Value::as_str).expect("an id");
    for width in [320, 360, 390] {
        browser.be_wide(width).await;
        browser.go(&format!("/reporting/backtests/{id}")).await;
        browser.find("//div[@id='explore']//canvas").await;
        browser.click(MORE).await;
        browser.find("//*[contains(@class, 'menu')]//button[normalize-space()='Delete…']").await;
        let place = "const { left, right } = document.querySelector('.menu button').getBoundingClientRect(); return [left, right]";
        let place = browser.run(place).await;
        let (left, right) = (place[0].as_f64().expect("a place"), place[1].as_f64().expect("a place"));
        assert!(left >= 0.0 && right <= f64::from(width), "{place} at {width}");
    }
    browser.find(MORE).await.send_keys(ESCAPE).await.expect("a key");
    browser
        .until("return !document.querySelector('.menu').open && document.activeElement.matches('.menu summary')")
        .await;
    browser.click(MORE).await;
    browser.click("//h1").await;
    browser.until(CLOSED).await;
    browser.click(MORE).await;
    browser.until("return document.querySelector('.menu').open").await;
    browser.run("document.querySelector('.brand').focus()").await;
    browser.until(CLOSED).await;
    browser.close().await;
}

/// The dialog says what the service says, forgets what was typed, and signing out leaves the focus where one signs in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn the_dialog_to_sign_in_says_why_not_and_begins_empty() {
    const FIELD: &str = "//dialog[@open]//input[@type='password']";
    let app = TestApp::start(Database::Sqlite).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.go("/reporting/").await;
    browser.click("//header//button[normalize-space()='Sign in']").await;
    browser.find(FIELD).await.send_keys("a token that nobody has").await.expect("keys");
    browser.click("//dialog//button[normalize-space()='Sign in']").await;
    browser.find("//dialog//*[@role='alert'][normalize-space()='The token is unknown, revoked or expired']").await;
    browser.find(FIELD).await.send_keys(ESCAPE).await.expect("a key");
    browser.until("return !document.querySelector('dialog[open]')").await;
    browser.click("//header//button[normalize-space()='Sign in']").await;
    browser.find(FIELD).await;
    browser
        .until(
            "const dialog = document.querySelector('dialog[open]'); \
             return dialog.querySelector('[type=password]').value === '' && !dialog.querySelector('[role=alert]')",
        )
        .await;
    browser.click("//dialog//button[normalize-space()='Cancel']").await;
    browser.sign_in().await;
    browser.click("//header//button[normalize-space()='Sign out']").await;
    browser.until("return document.activeElement.matches('header button.primary')").await;
    browser.close().await;
}
