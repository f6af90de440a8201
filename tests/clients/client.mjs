// What the clients' scripts share: where the service is, what is checked, and how it is restarted.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const HOST = process.env.HOST_URL;
export const API = `${HOST}/graphql`;
export const SOCKET = API.replace('http', 'ws');
export const TOKEN = process.env.TOKEN;
export const AUTH = { authorization: `Bearer ${TOKEN}` };

let failed = 0;

/** Runs one check and prints how it went; what it answers with is printed beside it. */
export async function check(what, run) {
  try {
    const note = await run();
    console.log(`  ok      ${what}${note ? `: ${note}` : ''}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED  ${what}: ${error.message ?? error}`);
  }
}

export function expect(holds, why) {
  if (!holds) throw new Error(typeof why === 'string' ? why : JSON.stringify(why));
}

/** Ends the script: with an error if a check has failed, or if an error went unhandled. */
export const done = () => process.exit(failed ? 1 : 0);

process.on('unhandledRejection', (error) => {
  failed += 1;
  console.log(`  FAILED  an error that nobody handles: ${error?.stack ?? error}`);
});

/** Waits until `holds` is true. */
export async function until(holds, what, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    if (await holds()) return;
  }
  throw new Error(`${what} did not come within ${seconds} s`);
}

/**
 * What graphql-ws needs to come back by itself: as it is, it takes a refused connection for the end, and a service that is
 * starting refuses them.
 */
export const LASTING = { retryAttempts: 100, retryWait: () => sleep(250), shouldRetry: () => true };

/** Kills the service and starts it on the same port and database. */
export const restart = () =>
  promisify(execFile)('bash', [fileURLToPath(new URL('server.sh', import.meta.url)), 'restart']);

/** A plain request, to set things up or look behind a client's back. */
export async function ask(query, variables, headers = AUTH) {
  const answer = await fetch(API, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return answer.json();
}

/** A file of daily prices. */
export function prices(days, name = 'prices.csv') {
  const rows = ['date,open,high,low,close,volume'];
  for (let day = 0; day < days; day += 1) {
    const date = new Date(Date.UTC(2023, 0, 2 + day + 2 * Math.floor(day / 5))).toISOString().slice(0, 10);
    const open = 100 + (day % 17);
    rows.push(`${date},${open},${open + 2},${open - 2},${open + 1},${1000 + day}`);
  }
  return new File([rows.join('\n')], name, { type: 'text/csv' });
}

/** The operations that every client runs. */
export const VIEWER = 'query Viewer { viewer { name role } }';
export const IPOS = `query Ipos($first: Int!, $after: String) {
  ipos(first: $first, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {
    totalCount edges { cursor node { id name } } pageInfo { hasNextPage endCursor }
  }
}`;
export const CREATE = `mutation Create($input: CreateIpoInput!) {
  createIpo(input: $input) { ipo { id name } userErrors { code message field } }
}`;
export const IMPORT = `mutation Import($ticker: String!, $file: Upload!) {
  importPrices(input: { ticker: $ticker, file: $file }) { job { id state } symbol { id ticker } userErrors { code message } }
}`;
export const JOBS = 'subscription Jobs { jobUpdated { id state } }';
/** What `createIpo` must refuse: bidding that ends before it begins. */
export const BACKWARDS = { name: 'Backwards', exchange: 'NSE', openDate: '2026-05-05', closeDate: '2026-05-01' };

/** That all pages together are the whole list, each row once. */
export function whole(edges, total) {
  const ids = new Set(edges.map(({ node }) => node.id));
  expect(edges.length === total && ids.size === total, `${edges.length} rows, ${ids.size} of them different, of ${total}`);
  return `${total} of ${total}`;
}

/** That a payload refuses the input by `userErrors`. */
export function refused({ userErrors, ...rest }) {
  const [error] = userErrors;
  expect(userErrors.length === 1 && error.code === 'INVALID' && error.field, userErrors);
  expect(Object.values(rest).every((value) => value === null || typeof value === 'string'), rest);
  return error.message;
}

/**
 * That a subscription that puts its events into `heard` hears of a job, and after the service was killed and started
 * again of another one. An event that comes while a client is away is gone, so the upload is repeated until it is back.
 */
export async function outlives(heard, upload) {
  const succeeds = (id) => heard.some((job) => job.id === id && job.state === 'SUCCEEDED');
  const told = async (seconds) => {
    const id = await upload();
    await until(() => succeeds(id), 'the end of a job', seconds);
  };
  await told(60);
  const before = heard.length;
  await restart();
  // A busy machine takes its time: each attempt waits for longer.
  for (let seconds = 2; ; seconds *= 2) {
    try {
      await told(seconds);
      break;
    } catch (error) {
      if (seconds > 60) throw error;
    }
  }
  return `${before} events before the restart, ${heard.length - before} after it`;
}
