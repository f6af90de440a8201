// graphql-transport-ws and server-sent events to the letter. The slow cases run beside each other.
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { API, AUTH, SOCKET, TOKEN, ask, check, done, expect } from './client.mjs';

const INIT = { type: 'connection_init', payload: AUTH };
const subscribe = (id, query) => ({ id, type: 'subscribe', payload: { query } });
const JOBS = subscribe('1', 'subscription { jobUpdated { id } }');
const VIEWER = subscribe('1', '{ viewer { role } }');

/** A socket whose messages are read one by one. */
function open(protocols = ['graphql-transport-ws'], options = {}) {
  const socket = new WebSocket(SOCKET, protocols, options);
  const heard = [];
  const waiting = [];
  const tell = (event) => (waiting.length ? waiting.shift()(event) : heard.push(event));
  socket.on('message', (text) => tell(JSON.parse(text)));
  socket.on('close', (code, reason) => tell({ closed: code, reason: `${reason}` }));
  socket.on('error', () => {});
  const next = (patience = 30_000) =>
    heard.length
      ? heard.shift()
      : new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`nothing within ${patience} ms`)), patience);
          waiting.push((event) => (clearTimeout(timer), resolve(event)));
        });
  const say = (...messages) => messages.forEach((m) => socket.send(typeof m === 'string' || Buffer.isBuffer(m) ? m : JSON.stringify(m)));
  const ready = new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return { socket, ready, next, say, end: () => socket.terminate() };
}

/** Says the messages and gathers what comes, until it is enough. */
async function talk(messages, enough, { protocols, options, patience } = {}) {
  const line = open(protocols, options);
  await line.ready;
  line.say(...messages);
  const all = [];
  do all.push(await line.next(patience));
  while (!enough(all.at(-1)) && !all.at(-1).closed);
  line.end();
  return all;
}

const closes = (what, code, messages, rest) =>
  check(`${code}: ${what}`, async () => {
    const all = await talk(messages, () => false, rest);
    expect(all.at(-1).closed === code, all);
    return all.at(-1).reason;
  });

const slow = [
  closes('no connection_init', 4408, []),
  check('a quiet subscription is pinged and stays', async () => {
    const line = open();
    await line.ready;
    line.say(INIT, JOBS);
    await line.next();
    await new Promise((resolve, reject) => {
      line.socket.on('ping', resolve).on('close', (code) => reject(new Error(`closed with ${code}`)));
      setTimeout(() => reject(new Error('no ping within 60 s')), 60_000).unref();
    });
    line.end();
  }),
  check('a quiet stream of events has heartbeats', async () => {
    const stop = new AbortController();
    const answer = await fetch(API, { method: 'POST', signal: stop.signal, headers: { ...AUTH, accept: 'text/event-stream', 'content-type': 'application/json' }, body: JSON.stringify(JOBS.payload) });
    expect(answer.headers.get('x-accel-buffering') === 'no' && /no-cache/.test(answer.headers.get('cache-control')), 'a proxy would keep it back');
    const reader = answer.body.getReader();
    let text = '';
    for (const end = Date.now() + 60_000; !/^:/m.test(text); ) {
      expect(Date.now() < end, 'none within 60 s');
      text += new TextDecoder().decode((await reader.read()).value);
    }
    stop.abort();
  }),
];

await closes('no JSON', 4400, ['no JSON']);
await closes('no object', 4400, ['[]']);
await closes('an unknown type', 4400, [{ type: 'whatever' }]);
await closes('no id', 4400, [INIT, { type: 'subscribe', payload: { query: '{ viewer { role } }' } }]);
await closes('a number for an id', 4400, [INIT, { ...VIEWER, id: 1 }]);
await closes('no query', 4400, [INIT, { id: '1', type: 'subscribe', payload: {} }]);
await closes('subscribe before connection_init', 4401, [VIEWER]);
await closes('a wrong token', 4403, [{ type: 'connection_init', payload: { authorization: 'Bearer wrong' } }]);
await closes('no Bearer', 4403, [{ type: 'connection_init', payload: { Authorization: TOKEN } }]);
await closes('an id that is in use', 4409, [INIT, JOBS, JOBS]);
await closes('a second connection_init', 4429, [INIT, INIT]);
await closes('a message of 1.2 MiB', 1009, [INIT, `"${'x'.repeat(1_200_000)}"`]);

await check('a client that closes is answered', async () => {
  const line = open();
  await line.ready;
  line.say(INIT);
  await line.next();
  line.socket.close(4321);
  const event = await line.next();
  expect(event.closed === 4321, event);
});

const is = (type) => (message) => message.type === type;
await check('query: next, then complete', async () => {
  const all = await talk([INIT, VIEWER], is('complete'));
  expect(all.map(({ type }) => type).join() === 'connection_ack,next,complete' && all[1].payload.data.viewer.role === 'ADMIN', all);
});
for (const [what, payload] of [['token', { token: TOKEN }], ['headers', { headers: AUTH }], ['Authorization', { Authorization: `Bearer ${TOKEN}` }]]) {
  await check(`a token in "${what}"`, async () => {
    const all = await talk([{ type: 'connection_init', payload }, VIEWER], is('next'));
    expect(all.at(-1).payload?.data.viewer.role === 'ADMIN', all);
  });
}
for (const query of ['{', '{ nothing }', 'subscription { nothing }', 'subscription { jobUpdated(id: "none") { id } }']) {
  await check(`"${query}": one error, no complete`, async () => {
    const all = await talk([INIT, subscribe('7', query)], is('error'));
    expect(all.map(({ type }) => type).join() === 'connection_ack,error' && all[1].payload[0].extensions.code, all);
  });
}
await check('ping before and after connection_init', async () => {
  const all = await talk([{ type: 'ping', payload: { n: 1 } }, INIT, { type: 'pong' }, { type: 'ping' }, VIEWER], is('complete'));
  expect(all.map(({ type }) => type).join() === 'pong,connection_ack,pong,next,complete', all);
});
await check('a subscription that is completed, and its id used again', async () => {
  const all = await talk([INIT, JOBS, { id: '1', type: 'complete' }, VIEWER], is('complete'));
  expect(all.map(({ type }) => type).join() === 'connection_ack,next,complete', all);
});
await check('a file as a string ends its own operation alone', async () => {
  const broken = subscribe('9', 'mutation { importPrices(input: { ticker: "X", file: "#__graphql_file__:0" }) { job { id } } }');
  const all = await talk([INIT, broken, VIEWER], is('complete'));
  expect(all.some((m) => m.id === '1' && m.type === 'next') && !all.some((m) => m.closed), all);
});
await check('operations at a time are bounded', async () => {
  const many = Array.from({ length: 101 }, (_, n) => ({ ...JOBS, id: `${n}` }));
  const all = await talk([INIT, ...many], is('error'));
  expect(all.at(-1).payload[0].extensions.code === 'LIMIT_EXCEEDED', all.at(-1));
});
await check('both protocols on offer: the newer is spoken', async () => {
  for (const protocols of [['graphql-ws', 'graphql-transport-ws'], ['graphql-transport-ws', 'graphql-ws']]) {
    const all = await talk([INIT, VIEWER], is('next'), { protocols });
    expect(all.at(-1).type === 'next', all);
  }
});
await check('graphql-ws alone: the older is spoken', async () => {
  const all = await talk([INIT, { ...VIEWER, type: 'start' }], is('complete'), { protocols: ['graphql-ws'] });
  expect(all.some(is('data')), all);
});
const refuses = (what, status, protocols, options) =>
  check(`${status}: ${what}`, async () => {
    const { ready } = open(protocols, options);
    const error = await ready.then(() => null, (thrown) => thrown);
    expect(error?.message.includes(String(status)), `${error}`);
  });
await refuses('a protocol that is not spoken', 400, ['soap']);
await refuses('a page of another origin', 403, ['graphql-transport-ws'], { origin: 'https://evil.example' });
await refuses('a wrong token in the header', 401, ['graphql-transport-ws'], { headers: { authorization: 'Bearer wrong' } });
await check('two messages in a row are not held back', async () => {
  const line = open();
  await line.ready;
  line.say(INIT);
  await line.next();
  const waits = [];
  for (let turn = 0; turn < 30; turn += 1) {
    line.say({ ...VIEWER, id: `${turn}` });
    await line.next();
    const since = performance.now();
    await line.next();
    waits.push(performance.now() - since);
  }
  line.end();
  const median = waits.sort((a, b) => a - b)[15];
  expect(median < 10, `${median} ms`);
  return `median ${median.toFixed(2)} ms`;
});
await check('4403: a token that is revoked ends its open sockets', async () => {
  const made = await ask('mutation { createToken(input: { name: "short", role: OPERATOR }) { secret token { id } } }');
  const { secret, token } = made.data.createToken;
  const line = open();
  await line.ready;
  line.say({ type: 'connection_init', payload: { token: secret } }, JOBS);
  await line.next();
  await sleep(200);
  await ask(`mutation { revokeToken(input: { id: "${token.id}" }) { revokedId } }`);
  const event = await line.next();
  expect(event.closed === 4403, event);
});
await Promise.all(slow);
done();
