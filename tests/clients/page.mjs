// The example's page in Chromium, on an origin that CORS_ORIGINS names and on one that it doesn't.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { API, TOKEN, check, done, expect, prices, restart } from './client.mjs';

const folder = new URL('../../examples/web/', import.meta.url);
const types = { html: 'text/html', js: 'text/javascript' };
const server = createServer(async ({ url }, answer) => {
  const name = new URL(url, 'http://page').pathname.slice(1) || 'index.html';
  try {
    answer.setHeader('content-type', types[name.split('.').at(-1)]);
    answer.end(await readFile(new URL(name, folder)));
  } catch {
    answer.writeHead(404).end();
  }
});
const { hostname, port } = new URL(process.env.PAGE_ORIGIN);
await new Promise((listening) => server.listen(port, hostname, listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage();
page.setDefaultTimeout(60_000);
const wrong = [];
page.on('pageerror', (error) => wrong.push(error.message));
const at = (form) => page.locator(`#${form} output`);
const csv = async (days) => ({ name: 'prices.csv', mimeType: 'text/csv', buffer: Buffer.from(await prices(days).arrayBuffer()) });
const has = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

await check('reads', async () => {
  await page.goto(`${process.env.PAGE_ORIGIN}/?api=${encodeURIComponent(API)}`);
  await has('#viewer', 'ANONYMOUS');
  await has('#connection', /^connected/);
});

await check('says that a token is wrong', async () => {
  await page.fill('[name=token]', 'wrong');
  await page.click('#sign-in button');
  await has('#sign-in output', /token/i);
});

await check('signs in with a token', async () => {
  await page.fill('[name=token]', TOKEN);
  await page.click('#sign-in button');
  await has('#viewer', 'ADMIN');
});

const upload = async (ticker) => {
  await page.fill('#import [name=ticker]', ticker);
  await page.setInputFiles('#import [name=file]', await csv(300));
  await page.click('#import button');
  await has('#jobs tr', new RegExp(`${ticker}.*SUCCEEDED`));
  await has('#symbols tr', ticker);
};

await check('uploads, and sees the job end', () => upload('PAGE'));

await check('mutates, and says what is wrong', async () => {
  await page.fill('#backtest [name=ticker]', 'PAGE');
  await page.fill('#backtest [name=buy]', '0');
  await page.click('#backtest button');
  await has('#backtest output', /\w+ \w+ \w+/);
  const mistake = await at('backtest').textContent();
  await page.fill('#backtest [name=buy]', '20');
  await page.click('#backtest button');
  await has('#backtest output', /% in \d+ trades/);
  return `"${mistake}", then "${await at('backtest').textContent()}"`;
});

await check('subscribes again after a restart', async () => {
  await restart();
  await has('#connection', /^connected/);
  await upload('PAGE2');
});

await check('an origin that is not listed is kept out', async () => {
  const other = await browser.newPage();
  await other.goto(`http://localhost:${port}/?api=${encodeURIComponent(API)}`);
  await other.locator('#viewer', { hasText: 'CORS_ORIGINS' }).waitFor();
});

await check('no error in the page', () => expect(wrong.length === 0, wrong));

await browser.close();
server.close();
done();
