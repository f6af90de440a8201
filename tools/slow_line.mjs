// Fills a service with 10,000 IPOs and 500 symbols and measures how long the console's pages take on a slow line.
//
//   ADMIN_TOKEN=… prospectus serve          (an empty database, a release build: assets are kept for a year only there)
//   npm install --no-save playwright-core
//   ADMIN_TOKEN=… node tools/slow_line.mjs http://127.0.0.1:8000 [--fill] [--latency 400] [--kilobytes 60]
//
// Each page is opened once at full speed; then, on the slow line, it is opened in a new tab, loaded anew and reached by a link.
// It counts as usable once its heading and what it is for (rows, figures, a chart) are there. Exits with 1 if a page takes
// longer than a second. The line is a relay before the service, so that the console's worker is slow as well: a round trip
// for a new connection and one for each request, all connections sharing the speed.

import net from "node:net";
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
    ["/forecasts", rows], [`/forecasts/${found.predictions.nodes[0].id}`, "main dl dd"], ["/jobs", rows], ["/admin/ipos", rows], ["/admin/records", "main .form"], ["/admin/models", rows], ["/admin/tokens", "main .form"],
  ];
}

/** A relay to the service; slow while `slow` is set. */
function relay() {
  const to = new URL(url);
  const state = { slow: false };
  const waiting = new Map();
  const PIECE = 1460;
  const later = (milliseconds, run) => (milliseconds ? setTimeout(run, milliseconds) : run());
  let sending = false;
  // In turns, a packet of each.
  const send = () => {
    const next = waiting.entries().next().value;
    sending = Boolean(next);
    if (!next) return;
    const [client, bytes] = next;
    waiting.delete(client);
    const [piece, rest] = [bytes.subarray(0, PIECE), bytes.subarray(PIECE)];
    if (rest.length) waiting.set(client, rest);
    later(LATENCY / 2, () => client.writable && client.write(piece));
    setTimeout(send, (piece.length / BYTES) * 1000);
  };
  const server = net.createServer((client) => {
    const service = net.connect({ host: to.hostname, port: to.port });
    // A connection takes a round trip before anything is said on it.
    const open = Date.now() + (state.slow ? LATENCY : 0);
    client.on("data", (bytes) => later(state.slow ? Math.max(0, open - Date.now()) + LATENCY / 2 : 0, () => service.writable && service.write(bytes)));
    service.on("data", (bytes) => {
      if (!state.slow) return client.write(bytes);
      waiting.set(client, waiting.has(client) ? Buffer.concat([waiting.get(client), bytes]) : bytes);
      if (!sending) send();
    });
    for (const [one, other] of [[client, service], [service, client]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => setTimeout(() => other.destroy(), LATENCY));
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ state, base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() })));
}

/** How long until what a page is for is there, which isn't what was there before. */
async function usable(page, selector, go) {
  await page.evaluate(() => document.querySelectorAll("main *").forEach((element) => (element.wasThere = true))).catch(() => null);
  const started = Date.now();
  go().catch(() => null);
  const there = (wanted) => [...document.querySelectorAll(wanted)].some((element) => !element.wasThere && element.getClientRects().length) && Date.now();
  for (;;) {
    try {
      const found = await page.waitForFunction(there, selector, { polling: "raf", timeout: 60_000 });
      return (await found.jsonValue()) - started;
    } catch (error) {
      if (!/context|navigat/i.test(error.message)) throw error;
    }
  }
}

const shifted = (page) =>
  page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => !entry.hadRecentInput && (sum += entry.value))).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(sum), 2500);
  }));

async function measure() {
  const { state, base, close } = await relay();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${base}/reporting/nowhere`);
  await page.evaluate((secret) => fetch("/session", { method: "POST", headers: { "content-type": "application/json", "x-prospectus-console": "1" }, body: JSON.stringify({ token: secret }) }), token);
  // The first visit is over once the console's worker is in its place, which takes as long as its parts do.
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  let worst = 0;
  const found = { "at full speed": [], "in a new tab": [], "loaded anew": [], "by a link": [] };
  for (const [path, selector] of await pages()) {
    const address = `${base}/reporting${path}`;
    state.slow = false;
    const times = { "at full speed": await usable(page, selector, () => page.goto(address)) };
    await page.waitForLoadState("networkidle").catch(() => {});
    await page.goto("about:blank");
    state.slow = true;
    const tab = await context.newPage();
    times["in a new tab"] = await usable(tab, selector, () => tab.goto(address));
    await tab.waitForTimeout(3000);
    times["loaded anew"] = await usable(tab, selector, () => tab.reload());
    const shift = await shifted(tab);
    await tab.close();
    // By a link from another page of the console.
    state.slow = false;
    await page.goto(`${base}/reporting/nowhere`);
    await page.waitForSelector("main h1");
    await page.waitForTimeout(300);
    state.slow = true;
    times["by a link"] = await usable(page, selector, () => page.evaluate((to) => {
      history.pushState(null, "", to);
      dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    }, `/reporting${path}`));
    for (const [how, time] of Object.entries(times)) found[how].push(time);
    const slowest = Math.max(...Object.entries(times).map(([how, time]) => (how === "at full speed" ? 0 : time)));
    worst = Math.max(worst, slowest);
    const line = Object.entries(times).map(([how, time]) => `${how} ${String(time).padStart(5)} ms`).join("   ");
    console.log(`${path.padEnd(60)} ${line}   shift ${shift.toFixed(3)}${slowest > WITHIN ? "   SLOW" : ""}`);
  }
  for (const [how, times] of Object.entries(found)) console.log(`${how}: ${Math.min(...times)} to ${Math.max(...times)} ms, ${times.filter((time) => time <= WITHIN).length} of ${times.length} within ${WITHIN}`);
  await browser.close();
  close();
  return worst;
}

if (flags.includes("--fill")) await fill();
process.exit((await measure()) > WITHIN ? 1 : 0);
