// graphql-request, with graphql-sse for what it leaves out.
import { createHash } from 'node:crypto';
import { ClientError, GraphQLClient } from 'graphql-request';
import { createClient } from 'graphql-sse';
import { API, AUTH, BACKWARDS, CREATE, IMPORT, IPOS, JOBS, LASTING, VIEWER, check, done, expect, outlives, prices, refused, whole } from './client.mjs';

const client = new GraphQLClient(API, { headers: AUTH });
const events = createClient({ url: API, headers: AUTH, retryAttempts: LASTING.retryAttempts, retry: LASTING.retryWait });

await check('query', async () => {
  const { viewer } = await client.request(VIEWER);
  expect(viewer.role === 'ADMIN', viewer);
});

await check('all pages', async () => {
  const edges = [];
  let page = { pageInfo: { hasNextPage: true } };
  while (page.pageInfo.hasNextPage) {
    ({ ipos: page } = await client.request(IPOS, { first: 10, after: page.pageInfo.endCursor }));
    edges.push(...page.edges);
  }
  return whole(edges, page.totalCount);
});

await check('mutation with userErrors', async () => refused((await client.request(CREATE, { input: BACKWARDS })).createIpo));

await check('a wrong token has a code', async () => {
  const wrong = new GraphQLClient(API, { headers: { authorization: 'Bearer wrong' } });
  const error = await wrong.request(VIEWER).then(() => null, (thrown) => thrown);
  expect(error instanceof ClientError && error.response.errors[0].extensions.code === 'UNAUTHENTICATED', `${error}`);
});

// The multipart request specification by hand: since version 7 the client has no uploads of its own.
const upload = async () => {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: IMPORT, variables: { ticker: 'REQUEST', file: null } }));
  form.set('map', JSON.stringify({ 0: ['variables.file'] }));
  form.set('0', prices(300));
  const { data, errors } = await (await fetch(API, { method: 'POST', headers: AUTH, body: form })).json();
  expect(data?.importPrices.job, errors ?? data);
  return data.importPrices.job.id;
};

await check('upload, and a subscription that outlives a restart', async () => {
  const heard = [];
  const stop = events.subscribe(
    { query: JOBS },
    { next: ({ data }) => data && heard.push(data.jobUpdated), error: (error) => console.log(error), complete: () => {} },
  );
  const note = await outlives(heard, upload);
  stop();
  return note;
});

await check('persisted queries', async () => {
  const query = 'query Persisted { viewer { role name } }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const persisted = async (text) => {
    const body = JSON.stringify({ query: text, extensions: { persistedQuery: { version: 1, sha256Hash } } });
    return (await fetch(API, { method: 'POST', headers: { ...AUTH, 'content-type': 'application/json' }, body })).json();
  };
  const [unknown, told, known] = [await persisted(), await persisted(query), await persisted()];
  expect(unknown.errors?.[0].message === 'PersistedQueryNotFound', unknown);
  expect(told.data && known.data?.viewer.role === 'ADMIN', known);
});

events.dispose();
done();
