// Fills a service with 10,000 IPOs and 500 symbols and measures how long the console's pages take on a slow line.
//
//   ADMIN_TOKEN=… prospectus serve          (an empty database, a release build: assets are kept for a year only there)
//   npm install --no-save playwright-core
//   ADMIN_TOKEN=… node tools/slow_line.mjs http://127.0.0.1:8000 [--fill] [--latency 400] [--kilobytes 60]
//
// Each page is opened once at full speed, then opened anew and reached by a link on the slow line. It counts as usable once
// its heading and what it is for (rows, figures, a chart) are there. Exits with 1 if a page takes longer than a second.

import { chromium } from "playwright-core";

const [url, ...flags] = process.argv.slice(2);
const flag = (name, fallback) => (flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : fallback);
const token = process.env.ADMIN_TOKEN;
const LATENCY = flag("--latency", 400);
const BYTES = flag("--kilobytes", 60) * 1000;
const WITHIN = 1000;

async function send(body, headers = {}) {
  const response = await fetch(`${url}/graphql`, { method: "POST", headers: { authorization: `Bearer ${token}`, "x-prospectus-console": "1", ...headers }, body });
  const answer = await response.json();
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data;
}
const ask = (query, variables = {}) => send(JSON.stringify({ query, variables }), { "content-type": "application/json" });

const day = (back) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);

/** Bars of three years up to yesterday, as a file. */
function bars(seed) {
  let price = 50 + (seed % 100);
  const rows = ["date,open,high,low,close,volume"];
  for (let back = 1096; back > 0; back--) {
    if ([0, 6].includes(new Date(Date.now() - back * 86_400_000).getUTCDay())) continue;
    const open = price;
    price = Math.max(5, price * (1 + Math.sin(back * 12.9898 + seed * 78.233) * 0.02));
    const [low, high] = [Math.min(open, price) * 0.99, Math.max(open, price) * 1.01];
    rows.push(`${day(back)},${open.toFixed(2)},${high.toFixed(2)},${low.toFixed(2)},${price.toFixed(2)},${100_000 + ((seed * back) % 90_000)}`);
  }
  return rows.join("\n");
}

async function fill() {
  for (let at = 0; at < 10_000; at += 20) {
    const parts = Array.from({ length: 20 }, (_, k) => {
      const n = at + k;
      const open = day(n % 3000);
      return `c${k}: createIpo(input: { name: "Company ${n} Industries Limited", exchange: NSE, ticker: "IPO${n}", board: ${n % 3 ? "MAINBOARD" : "SME"}, priceBandLow: "95", priceBandHigh: "100", issuePrice: "100", lotSize: 100, issueSize: 4000000, openDate: "${open}" }) { userErrors { message } }`;
    });
    await ask(`mutation { ${parts.join(" ")} }`);
    if (at % 1000 === 0) console.error(`${at} IPOs`);
  }
  const query = "mutation($input: ImportPricesInput!) { importPrices(input: $input) { job { id } userErrors { message } } }";
  for (let n = 0; n < 500; n++) {
    const form = new FormData();
    form.append("operations", JSON.stringify({ query, variables: { input: { ticker: `S${String(n).padStart(3, "0")}`, file: null } } }));
    form.append("map", JSON.stringify({ 0: ["variables.input.file"] }));
    form.append("0", new Blob([bars(n)], { type: "text/csv" }), "bars.csv");
    await send(form);
    if (n % 100 === 0) console.error(`${n} symbols`);
  }
  for (;;) {
    const { jobs } = await ask("{ jobs(first: 1, filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount } }");
    if (!jobs.totalCount) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const strategy = "{ buy: { priceBelowSma: 20 }, sell: { priceAboveSma: 50 } }";
  await ask(`mutation { runBacktest(input: { ticker: "S001", strategy: ${strategy} }) { backtest { id } } b: runBacktest(input: { ticker: "S001", strategy: ${strategy}, execution: { commission: 0.01 } }) { backtest { id } }
    predict(input: { ticker: "S001" }) { prediction { id } } sweepBacktests(input: { ticker: "S001", buyBelowSma: { from: 5, to: 60, step: 5 }, sellAboveSma: { from: 20, to: 120, step: 5 } }) { sweep { id } } }`);
}

async function pages() {
  const found = await ask(`{ backtests(first: 2) { nodes { id } } sweeps(first: 1) { nodes { id } } predictions(first: 1) { nodes { id } } ipos(first: 1) { nodes { id } } }`);
  const [one, two] = found.backtests.nodes.map((b) => b.id);
  const rows = "main tbody tr";
  return [
    ["/", rows], ["/symbols/S001", "main .price-chart canvas"], ["/ipos", rows], ["/ipos?board=SME&order=LISTING_GAIN%20DESC", rows], [`/ipos/${found.ipos.nodes[0].id}`, "main dl dd"],
    ["/backtests", rows], ["/backtests/new", "main button.primary"], [`/backtests/${one}`, "main dl dd"], [`/backtests/compare?ids=${one},${two}`, rows],
    ["/sweeps", rows], ["/sweeps/new", "main button.primary"], [`/sweeps/${found.sweeps.nodes[0].id}`, "main .heatmap canvas"],
    ["/forecasts", rows], [`/forecasts/${found.predictions.nodes[0].id}`, "main dl dd"], ["/jobs", rows], ["/admin/ipos", rows], ["/admin/records", "main .form"], ["/admin/tokens", "main .form"],
  ];
}

async function usable(page, selector, go) {
  const started = Date.now();
  await Promise.all([page.waitForSelector(selector, { state: "visible", timeout: 60_000 }), go()]);
  return Date.now() - started;
}

async function measure() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const line = await context.newCDPSession(page);
  await line.send("Network.enable");
  const speed = (slow) => line.send("Network.emulateNetworkConditions", { offline: false, latency: slow ? LATENCY : 0, downloadThroughput: slow ? BYTES : -1, uploadThroughput: slow ? BYTES : -1 });
  await page.goto(`${url}/reporting/nowhere`);
  await page.evaluate((secret) => fetch("/session", { method: "POST", headers: { "content-type": "application/json", "x-prospectus-console": "1" }, body: JSON.stringify({ token: secret }) }), token);
  let worst = 0;
  for (const [path, selector] of await pages()) {
    await speed(false);
    const first = await usable(page, selector, () => page.goto(`${url}/reporting${path}`, { waitUntil: "commit" }));
    await page.waitForLoadState("networkidle").catch(() => {});
    await page.goto("about:blank");
    await speed(true);
    const anew = await usable(page, selector, () => page.goto(`${url}/reporting${path}`, { waitUntil: "commit" }));
    const shift = await page.evaluate(() => new Promise((resolve) => {
      let sum = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => !entry.hadRecentInput && (sum += entry.value))).observe({ type: "layout-shift", buffered: true });
      setTimeout(() => resolve(sum), 2500);
    }));
    // By a link from another page of the console.
    await speed(false);
    await page.goto(`${url}/reporting/nowhere`);
    await page.waitForSelector("main h1");
    await page.waitForTimeout(300);
    await speed(true);
    const link = await usable(page, selector, () => page.evaluate((to) => {
      const anchor = document.querySelector(".side nav a");
      history.pushState(null, "", to);
      dispatchEvent(new PopStateEvent("popstate", { state: {} }));
      return Boolean(anchor);
    }, `/reporting${path}`));
    worst = Math.max(worst, anew, link);
    console.log(`${path.padEnd(50)} full speed ${String(first).padStart(5)} ms   anew ${String(anew).padStart(5)} ms   by a link ${String(link).padStart(5)} ms   shift ${shift.toFixed(3)}${Math.max(anew, link) > WITHIN ? "   SLOW" : ""}`);
  }
  await browser.close();
  return worst;
}

if (flags.includes("--fill")) await fill();
process.exitCode = (await measure()) > WITHIN ? 1 : 0;
