//! What people come back to do: screen issues, build a rule, try it again, compare, sweep, import.

use serde_json::{Value, json};

use super::browser::Browser;
use super::{at_work, with_history};
use crate::harness::{Database, TestApp};

/// How wide the narrowest name may be.
const NARROWEST_NAME: f64 = 160.0;

/// Words of names, figures of tiles and dates anywhere that are broken over two lines, and names that are too narrow to read.
const BROKEN: &str = "
    const broken = [];
    const look = (within, pattern) => {
      const words = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
      while (words.nextNode()) {
        for (const word of words.currentNode.data.matchAll(pattern)) {
          const range = document.createRange();
          range.setStart(words.currentNode, word.index);
          range.setEnd(words.currentNode, word.index + word[0].length);
          if (range.getClientRects().length > 1) broken.push(word[0]);
        }
      }
    };
    look(document.querySelector('main'), /\\d{4}-\\d\\d-\\d\\d/g);
    for (const cell of document.querySelectorAll('td.lead, .figures dd, h1')) {
      look(cell, /\\S+/g);
      if (cell.matches('td.lead') && cell.getBoundingClientRect().width < arguments[0]) broken.push('narrow: ' + cell.innerText);
      if (cell.matches('dd') && cell.scrollWidth > cell.clientWidth + 1) broken.push('cut: ' + cell.innerText);
    }
    return broken;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn names_and_figures_are_whole_at_every_width() {
    let app = TestApp::start(Database::Sqlite).await;
    with_history(&app).await;
    let make = "mutation($name: String!, $ticker: String!) { createIpo(input: { name: $name, exchange: NSE, ticker: $ticker, \
                priceBandLow: \"305.00\", priceBandHigh: \"321.00\", issuePrice: \"321.00\", issueSize: 41000000, lotSize: 46, \
                openDate: \"2026-11-24\", closeDate: \"2026-11-27\", listingDate: \"2026-12-02\" }) { ipo { id } } }";
    let mut id = String::new();
    for (name, ticker) in [
        ("Kaveri Textile Mills and Superstructures Limited", "KAVERITEX"),
        ("Internationalisierungs Holdings Limited", "INTLHOLD"),
    ] {
        let made = app.admin.data(make, json!({"name": name, "ticker": ticker})).await;
        id = made.pointer("/createIpo/ipo/id").and_then(Value::as_str).expect("an id").to_owned();
    }
    let browser = Browser::open(&app, 1_440, "light").await;
    browser.signed_in().await;
    for width in [1_440, 1_200, 1_024, 900, 768, 390, 320] {
        browser.be_wide(width).await;
        for page in [
            "/reporting/",
            "/reporting/ipos",
            "/reporting/admin/ipos",
            "/reporting/admin/models",
            "/reporting/symbols/ACME",
            &format!("/reporting/ipos/{id}"),
        ] {
            browser.go(page).await;
            browser.find("//td[contains(@class, 'lead')] | //dd").await;
            let broken = browser.page.execute(BROKEN, vec![json!(NARROWEST_NAME)]).await.expect("an answer");
            assert_eq!(broken, json!([]), "{page} at {width}");
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn every_refusal_is_seen_at_its_field_in_its_unit() {
    let (_app, browser) = at_work().await;

    browser.go("/reporting/backtests/new?symbol=ACME").await;
    for (label, typed, said) in [
        ("Stop loss, %", "500", "At most 99.99 %."),
        ("Take profit, %", "-3", "At least 0.0001 %."),
        ("Commission, %", "60", "At most 50 %."),
    ] {
        browser.fill(label, typed).await;
        browser.click("//button[normalize-space()='Run the backtest']").await;
        browser
            .find(&format!("//label[normalize-space()='{label}']/..//*[@role='alert'][normalize-space()='{said}']"))
            .await;
        browser.until(&format!("return document.activeElement.labels?.[0]?.innerText === '{label}'")).await;
        browser.fill(label, "1").await;
    }
    // The second condition's mistake stands at the second condition.
    browser.click("//fieldset[1]//button[normalize-space()='And another condition']").await;
    let second = "(//input[@aria-label='Days of buy when: what'])[1]";
    browser.write(second, "1").await;
    browser.click("//button[normalize-space()='Run the backtest']").await;
    browser.find(&format!("{second}/..//*[@role='alert'][contains(., 'At least 2 days')]")).await;

    // What the service refuses of a whole range is said there.
    browser.go("/reporting/sweeps/new?symbol=ACME").await;
    for (field, value) in [
        ("(//label[normalize-space()='To, days']/following-sibling::input)[1]", "3000"),
        ("(//label[normalize-space()='Step']/following-sibling::input)[1]", "1"),
        ("(//label[normalize-space()='To, days']/following-sibling::input)[2]", "3000"),
        ("(//label[normalize-space()='Step']/following-sibling::input)[2]", "1"),
    ] {
        browser.write(field, value).await;
    }
    browser.click("//button[normalize-space()='Run the sweep']").await;
    browser.find("//fieldset[1]//*[@role='alert'][contains(., 'take larger steps or shorter ranges')]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_run_is_edited_and_run_again_and_both_are_compared() {
    let (app, browser) = at_work().await;
    let run = "mutation { runBacktest(input: { ticker: \"ACME\", execution: { commission: 0.001 }, strategy: { stopLoss: 0.05, \
               buy: { all: [{ priceBelowSma: 10 }, { compare: { left: { rsi: 14 }, is: BELOW, right: { constant: 60 } } }] }, \
               sell: { priceAboveSma: 20 } } }) { backtest { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/runBacktest/backtest/id").and_then(Value::as_str).expect("an id");
    browser.go(&format!("/reporting/backtests/{id}")).await;
    browser.click("//a[normalize-space()='Edit and run again']").await;
    browser.until("return document.querySelectorAll('.condition').length === 3").await;
    let filled = browser
        .run("const value = (label) => document.querySelector(`[aria-label='${label}']`).value; const at = (label) => [...document.querySelectorAll('label')].find((l) => l.innerText === label).control.value; return [at('Symbol'), at('Stop loss, %'), at('Commission, %'), value('Days of sell when: compared with')]")
        .await;
    assert_eq!(filled, json!(["ACME", "5", "0.1", "20"]));
    browser.fill("Stop loss, %", "8").await;
    browser.until("return decodeURIComponent(location.search).includes('\"stopLoss\":0.08')").await;
    browser.click("//button[normalize-space()='Run the backtest']").await;
    browser.find("//h1[normalize-space()='ACME backtest']").await;
    browser.until("return document.title.includes('stop 8%')").await;
    browser.find("//p[contains(., 'One of 2 stored runs of ACME')]").await;

    browser.go("/reporting/backtests").await;
    browser.click("(//tbody//input[@type='checkbox'])[1]").await;
    browser.click("(//tbody//input[@type='checkbox'])[2]").await;
    browser.click("//button[normalize-space()='Compare these 2']").await;
    browser.find("//td[normalize-space()='Stop loss']").await;
    browser.find("//h2[normalize-space()='Equity, each from 100']/../..//canvas").await;
    let differing = browser.run("return [...document.querySelectorAll('[aria-label=\"Inputs that differ, table\"] tbody tr')].map((r) => r.innerText.replace(/\\s+/g, ' ').trim())").await;
    assert_eq!(differing, json!(["Stop loss 8 % 5 %"]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_cell_of_a_sweep_opens_as_a_backtest_with_the_same_costs() {
    let (app, browser) = at_work().await;
    let run = "mutation { sweepBacktests(input: { ticker: \"ACME\", buyBelowSma: { from: 5, to: 20 }, sellAboveSma: { from: 10, to: 40 }, \
               execution: { commission: 0.003 } }) { sweep { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/sweepBacktests/sweep/id").and_then(Value::as_str).expect("an id");
    browser.go(&format!("/reporting/sweeps/{id}")).await;
    // With keys alone: to the cell of 6 and 12 days, and into it. What is read there moves no map, on a phone either.
    browser.be_wide(390).await;
    browser.until("return document.querySelector('.heatmap canvas')?.clientWidth < 390").await;
    let top = "return document.querySelector('.heatmap canvas').offsetTop";
    let before = browser.run(top).await;
    let canvas = browser.find("//div[@class='heatmap']/canvas").await;
    for key in ["\u{e014}", "\u{e014}", "\u{e013}", "\u{e013}"] {
        canvas.send_keys(key).await.expect("a key");
    }
    browser.until("return document.querySelector('.heatmap .readout').innerText.includes('sell above')").await;
    assert_eq!(browser.run(top).await, before);
    canvas.send_keys("\u{e007}").await.expect("a key");
    browser.find("//h1[normalize-space()='ACME backtest']").await;
    browser.until("return document.title.includes('close < SMA 6 → close > SMA 12')").await;
    browser.find("//*[contains(., 'commission 0.3 %')]").await;

    browser.go(&format!("/reporting/sweeps/{id}")).await;
    browser.click("//button[normalize-space()='First half beside second']").await;
    browser.until("return document.querySelectorAll('.versus .heatmap canvas[tabindex]').length === 2").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn filters_are_in_the_address_and_come_back() {
    let app = TestApp::start(Database::Sqlite).await;
    let make = "mutation { a: createIpo(input: { name: \"Acme Limited\", exchange: NSE, ticker: \"ACME\", board: SME }) { ipo { id } } \
                b: createIpo(input: { name: \"Borealis Limited\", exchange: NSE, ticker: \"BORE\" }) { ipo { id } } }";
    app.admin.data(make, json!({})).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.go("/reporting/ipos?board=SME").await;
    browser.find("//td//strong[normalize-space()='Acme Limited']").await;
    browser.until("return document.querySelectorAll('tbody tr').length === 1").await;
    browser.click("//td//a[normalize-space()='Acme Limited']").await;
    browser.find("//h1[contains(., 'Acme Limited')]").await;
    // The heading has the focus, so that a screen reader begins there.
    browser.until("return document.activeElement.tagName === 'H1'").await;
    browser.page.back().await.expect("back");
    browser
        .until("return location.search === '?board=SME' && document.querySelectorAll('tbody tr').length === 1")
        .await;
    browser.fill("Search", "bore").await;
    browser
        .until("return location.search.includes('q=bore') && document.body.innerText.includes('No IPOs here')")
        .await;
    browser.click("//button[normalize-space()='Clear']").await;
    browser.until("return location.search === '' && document.querySelectorAll('tbody tr').length === 2").await;

    // On a phone, where there are no headings to press.
    browser.be_wide(390).await;
    browser.click("//select[@aria-label='Sort IPOs']/option[normalize-space()='Issue ↑']").await;
    browser.until("return location.search === '?order=NAME+ASC'").await;
    browser.close().await;
}

/// An import says what came of it, and a job that is over is asked for no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn an_import_ends_with_a_receipt_and_a_finished_job_is_not_followed() {
    let app = TestApp::start(Database::Sqlite).await;
    let browser = Browser::open(&app, 1_280, "light").await;
    browser.signed_in().await;
    browser.go("/reporting/").await;
    let file = browser.folder().join("TCS.csv");
    let mut rows = "date,open,high,low,close,volume\n".to_owned();
    for day in 1..=28 {
        rows += &format!("2024-02-{day:02},10,11,9,{},100\n", if day == 5 { 50 } else { 10 });
    }
    std::fs::write(&file, rows).expect("a file");
    browser.click("//button[normalize-space()='Import a file…']").await;
    browser.find("//input[@type='file']").await.send_keys(&file.display().to_string()).await.expect("a file");
    browser.until("return [...document.querySelectorAll('label')].find((l) => l.innerText === 'Ticker').control.value === 'TCS'").await;
    // What would be read is shown, and nothing is stored yet.
    browser.find("//dialog//*[@role='status'][contains(., '27 days') and contains(., 'Nothing is stored yet')]").await;
    browser.find("//dialog//li[contains(., '2024-02-05')]").await;
    let stored = app.anonymous.data("{ symbols { totalCount } }", json!({})).await;
    assert_eq!(stored["symbols"]["totalCount"], 0);
    browser.click("//dialog//button[normalize-space()='Import 27 days']").await;
    browser.find("//dialog//*[@role='status'][contains(., '27 added, 1 left out')]").await;
    browser.run("performance.clearResourceTimings()").await;
    // Longer than the console waits before it asks for a broken stream again.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let asked = browser
        .run("return performance.getEntriesByType('resource').filter((r) => r.name.endsWith('/graphql')).length")
        .await;
    assert!(asked.as_i64() <= Some(2), "{asked} requests after the job's end");
    browser.click("//a[normalize-space()='See what was left out, and why']").await;
    browser.find("//td//strong[contains(., 'TCS 2024-02-05')]").await;
    browser.close().await;
}

/// On a slow line, what was read last stands on the page before the service has answered; what has changed takes its place,
/// and a session that is over has left nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn what_was_read_before_is_shown_at_once() {
    const LATENCY: u32 = 6_000;
    let (app, browser) = at_work().await;
    // What was read before the page knows who is signed in is nobody's.
    browser.go("/reporting/nowhere").await;
    browser.find("//header//button[normalize-space()='Sign out']").await;
    browser.go("/reporting/symbols/ACME").await;
    browser.find("//*[contains(@class, 'price-chart')]//canvas").await;
    let read = "performance.getEntriesByType('resource').map((r) => r.name)";
    browser.until(&format!("return {read}.filter((name) => name.includes('series')).length > 1")).await;
    browser.go("/reporting/nowhere").await;
    // The code of other pages comes while nobody waits.
    browser.until(&format!("return {read}.some((name) => name.endsWith('/palette.js'))")).await;
    browser.be_slow(LATENCY).await;
    let go = "history.pushState(null, '', '/reporting/symbols/ACME'); dispatchEvent(new PopStateEvent('popstate', { state: {} })); \
              return performance.now()";
    let began = browser.run(go).await.as_f64().expect("a time");
    browser.find("//*[contains(@class, 'price-chart')]//canvas").await;
    let took = browser.run("return performance.now()").await.as_f64().expect("a time") - began;
    assert!(took < f64::from(LATENCY), "nothing is waited for, but it took {took} ms");

    browser.be_slow(0).await;
    browser.go("/reporting/ipos").await;
    browser.find("//*[contains(., 'No IPOs here')]").await;
    let made = "mutation { createIpo(input: { name: \"Acme Limited\", exchange: NSE }) { ipo { id } } }";
    app.admin.data(made, json!({})).await;
    browser.go("/reporting/ipos").await;
    browser.find("//td[contains(., 'Acme Limited')]").await;

    let kept = "fetch(arguments[0], { cache: 'only-if-cached', mode: 'same-origin' }).then((r) => done(r.status), () => done(0))";
    let kept = format!("const done = arguments[arguments.length - 1]; const kept = () => {kept};");
    let address = browser.run(&format!("return {read}.filter((name) => name.includes('ipoStatistics')).at(-1)")).await;
    let ask = async |script: &str| {
        browser.page.execute_async(&format!("{kept} {script}"), vec![address.clone()]).await.expect("a status")
    };
    assert_eq!(ask("kept()").await, 200, "{address}");
    let over = "fetch('/session', { method: 'DELETE', headers: { 'x-prospectus-console': '1' } }).then(kept)";
    assert_eq!(ask(over).await, 0, "{address}");
    browser.close().await;
}
