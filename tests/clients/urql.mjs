// urql, with graphql-ws and its exchange for persisted queries.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { API, AUTH, BACKWARDS, CREATE, IMPORT, IPOS, JOBS, LASTING, SOCKET, VIEWER, check, done, expect, outlives, prices, refused, whole } from './client.mjs';

const answers = [];
const counted = async (url, options) => {
  const answer = await fetch(url, options);
  answers.push({ type: answer.headers.get('content-type'), method: options.method ?? 'GET', sent: decodeURIComponent(url) + (options.body ?? '') });
  return answer;
};
const socket = createClient({ ...LASTING, url: SOCKET, webSocketImpl: WebSocket, connectionParams: AUTH });
const subscriptions = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  }),
});
const urql = (...exchanges) =>
  new Client({ url: API, exchanges: [...exchanges, fetchExchange], fetch: counted, fetchOptions: { headers: AUTH }, preferGetMethod: false });
const client = urql(subscriptions);

await check('query, as one answer of JSON', async () => {
  const { data, error } = await client.query(VIEWER, {});
  expect(data?.viewer.role === 'ADMIN', `${error}`);
  const { type } = answers.at(-1);
  expect(type.startsWith('application/graphql-response+json'), type);
  return type;
});

await check('all pages', async () => {
  const edges = [];
  let page = { pageInfo: { hasNextPage: true, endCursor: null } };
  while (page.pageInfo.hasNextPage) {
    const { data, error } = await client.query(IPOS, { first: 10, after: page.pageInfo.endCursor });
    expect(data, `${error}`);
    page = data.ipos;
    edges.push(...page.edges);
  }
  return whole(edges, page.totalCount);
});

await check('mutation with userErrors', async () => {
  const { data, error } = await client.mutation(CREATE, { input: BACKWARDS });
  expect(data, `${error}`);
  return refused(data.createIpo);
});

await check('a wrong token has a code', async () => {
  const { error } = await client.query('{ viewer { role } }', {}, { fetchOptions: { headers: { authorization: 'Bearer wrong' } } });
  expect(error?.graphQLErrors[0]?.extensions.code === 'UNAUTHENTICATED', `${error}`);
});

const upload = async () => {
  const { data, error } = await client.mutation(IMPORT, { ticker: 'URQL', file: prices(300) });
  expect(data?.importPrices.job, `${error ?? JSON.stringify(data)}`);
  return data.importPrices.job.id;
};

await check('upload, and a subscription that outlives a restart', async () => {
  const heard = [];
  const watching = client.subscription(JOBS, {}).subscribe(({ data }) => data && heard.push(data.jobUpdated));
  const note = await outlives(heard, upload);
  watching.unsubscribe();
  return note;
});

await check('a subscription as server-sent events, to its end', async () => {
  const events = new Client({ url: API, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: { headers: AUTH }, preferGetMethod: false });
  const id = await upload();
  const states = [];
  await new Promise((resolve, reject) => {
    events.subscription('subscription($id: ID!) { jobUpdated(id: $id) { state } }', { id }).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      if (data) states.push(data.jobUpdated.state);
      if (states.at(-1) === 'SUCCEEDED' || !hasNext) resolve();
    });
  });
  expect(states.at(-1) === 'SUCCEEDED', states);
  return states.join(', ');
});

await check('persisted queries', async () => {
  const persisted = urql(persistedExchange({ preferGetForPersistedQueries: true }));
  answers.length = 0;
  for (let turn = 0; turn < 2; turn += 1) {
    const { data, error } = await persisted.query('query Persisted { viewer { name role } }', {}, { requestPolicy: 'network-only' });
    expect(data?.viewer.name, `${error}`);
  }
  const kinds = answers.map(({ method, sent }) => `${method}${/viewer/.test(sent) ? ' text' : ''}`);
  expect(kinds.length === 3 && !kinds[0].includes('text') && kinds[1].includes('text') && !kinds[2].includes('text'), kinds);
  return kinds.join(', ');
});

await socket.dispose();
done();
