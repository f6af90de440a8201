// Many subscribers at once: `bash server.sh run node subscribers.mjs [NUMBER]`. One event must be at all of them within
// a second, and each may take 50 KB of the service's memory. Linux: it reads /proc.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { AUTH, HOST, SOCKET, ask, check, done, expect } from './client.mjs';

const NUMBER = Number(process.argv[2] ?? 1000);
const pid = readFileSync(`${process.env.SERVER}/pid`, 'utf8').trim();
const resident = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** A subscriber; `told` is called with each event. */
const subscriber = (told) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(SOCKET, 'graphql-transport-ws', { perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: AUTH })));
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { ipoChanged { ipo { id name } } }' } }));
        // An answer to a ping says that what came before it is dealt with.
        socket.send(JSON.stringify({ type: 'ping' }));
      } else if (message.type === 'pong') resolve(socket);
      else told(message);
    });
  });

const event = async (name) => {
  const { data, errors } = await ask('mutation($name: String!) { createIpo(input: { name: $name, exchange: NSE }) { ipo { id } } }', { name });
  expect(data?.createIpo.ipo, errors ?? data);
};

// What is made once for all of them isn't a subscriber's.
await Promise.all(Array.from({ length: 20 }, () => subscriber(() => {})));
await event('Warm-up');
await sleep(500);
const before = resident();
let told = 0;
let all = () => {};
const sockets = [];
while (sockets.length < NUMBER) {
  const some = Array.from({ length: Math.min(50, NUMBER - sockets.length) }, () => subscriber(() => (told += 1) === NUMBER && all()));
  sockets.push(...(await Promise.all(some)));
}
await sleep(1000);

await check(`${NUMBER} subscribers take at most 50 KB each`, () => {
  const each = (resident() - before) / NUMBER / 1000;
  expect(each <= 50, `${each.toFixed(1)} KB each`);
  return `${each.toFixed(1)} KB each, ${Math.round(before / 1e6)} MB before`;
});

await check('an event is at all of them within a second', async () => {
  const times = [];
  for (let turn = 0; turn < 5; turn += 1) {
    told = 0;
    const reached = new Promise((resolve) => (all = resolve));
    const began = performance.now();
    await event(`Event ${turn}`);
    const slow = setInterval(async () => performance.now() - began > 10_000 && (console.log(`  only ${told} were told`), process.exit(1)), 500);
    await reached;
    clearInterval(slow);
    times.push(Math.round(performance.now() - began));
  }
  expect(Math.max(...times) < 1000, times);
  return `${times.join(', ')} ms from the mutation to the last of them`;
});

await check('the service answers meanwhile, and its memory stays', async () => {
  const again = (resident() - before) / NUMBER / 1000;
  const began = performance.now();
  expect((await fetch(`${HOST}/healthz`)).ok, 'not healthy');
  return `${again.toFixed(1)} KB each after the events, /healthz in ${Math.round(performance.now() - began)} ms`;
});

done();
