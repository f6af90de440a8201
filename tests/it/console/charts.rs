//! What charts say, read from their pixels.

use serde_json::{Value, json};

use super::at_work;
use super::browser::Browser;

/// How many pixels of a chart's pane have a colour of the theme, between two shares of its height.
const PIXELS: &str = "
    const [pane, name, from, to] = arguments;
    const wanted = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const [red, green, blue] = [1, 3, 5].map((i) => Number.parseInt(wanted.slice(i, i + 2), 16));
    const rows = [...document.querySelectorAll('.price-chart tr')].filter((row) => row.querySelector('canvas'));
    const canvas = rows.at(pane)?.children[1].querySelector('canvas');
    if (!canvas?.width || !canvas.height) return 0;
    const [top, height] = [Math.round(canvas.height * from), Math.round(canvas.height * (to - from))];
    const { data } = canvas.getContext('2d').getImageData(0, top, canvas.width, height);
    let found = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255) found++;
    return found;";

/// Contrast between two colours of the theme, by the formula of WCAG.
const CONTRAST: &str = "
    const luminance = (name) => {
      const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [light, dark] = [...arguments].map(luminance).sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);";

async fn pixels(browser: &Browser, pane: i64, colour: &str, from: f64, to: f64) -> u64 {
    let arguments = vec![json!(pane), json!(colour), json!(from), json!(to)];
    browser.page.execute(PIXELS, arguments).await.expect("pixels").as_u64().expect("a count")
}

/// Waits until a pane has been drawn in this colour.
async fn drawn(browser: &Browser, pane: i64, colour: &str, from: f64, to: f64) {
    let started = std::time::Instant::now();
    while pixels(browser, pane, colour, from, to).await == 0 {
        assert!(started.elapsed() < super::browser::PATIENCE, "pane {pane} has nothing in {colour}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// A fall is filled from 0 down to where it is, and nothing above 0 looks like one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn a_drawdown_is_filled_below_zero_alone() {
    let (app, browser) = at_work().await;
    let run = "mutation { runBacktest(input: { ticker: \"ACME\", strategy: { buy: { priceBelowSma: 10 }, sell: { priceAboveSma: 20 } } }) { backtest { id } } }";
    let made = app.admin.data(run, json!({})).await;
    let id = made.pointer("/runBacktest/backtest/id").and_then(Value::as_str).expect("an id");
    browser.go(&format!("/reporting/backtests/{id}")).await;
    // The last row is the axis of time, the pane above it the drawdown's, whose 0 is at a quarter of its height.
    let pane = -2;
    drawn(&browser, pane, "--loss-soft", 0.25, 1.0).await;
    assert_eq!(pixels(&browser, pane, "--loss-soft", 0.0, 0.2).await, 0);
    browser.close().await;
}

/// Volume and candles say in which direction a day went, and those who see no colours can tell the two apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_chromium), ignore = "Chromium and chromedriver are not installed")]
async fn volume_has_its_days_direction_in_both_themes() {
    let (_app, browser) = at_work().await;
    for theme in ["light", "dark"] {
        browser.run(&format!("localStorage.setItem('theme', '{theme}')")).await;
        browser.go("/reporting/symbols/ACME").await;
        drawn(&browser, 0, "--rise", 0.9, 1.0).await;
        drawn(&browser, 0, "--fall", 0.9, 1.0).await;
        let contrast = async |one: &str, other: &str| {
            let found = browser.page.execute(CONTRAST, vec![json!(one), json!(other)]).await.expect("a contrast");
            found.as_f64().expect("a number")
        };
        for colour in ["--rise", "--fall"] {
            let seen = contrast(colour, "--raised").await;
            assert!(seen >= 3.0, "{colour} stands out by {seen} in {theme}");
        }
        let apart = contrast("--rise", "--fall").await;
        assert!(apart >= 2.0, "the directions differ by {apart} in {theme}");
    }
    browser.close().await;
}
