// Apollo Client 4, with apollo-upload-client and graphql-ws.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, InMemoryCache, gql } from '@apollo/client';
import { HttpLink } from '@apollo/client/link/http';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { API, AUTH, BACKWARDS, CREATE, IMPORT, IPOS, JOBS, LASTING, SOCKET, VIEWER, check, done, expect, outlives, prices, refused, whole } from './client.mjs';

const sent = [];
const counted = (url, options) => {
  sent.push({ url: String(url), ...options });
  return fetch(url, options);
};
const http = new UploadHttpLink({ uri: API, headers: AUTH, fetch: counted });
const socket = createClient({ ...LASTING, url: SOCKET, webSocketImpl: WebSocket, connectionParams: AUTH });
const cache = () =>
  new InMemoryCache({ typePolicies: { Query: { fields: { ipos: relayStylePagination(['filter', 'orderBy']) } } } });
const client = (link) => new ApolloClient({ link, cache: cache() });
const apollo = client(
  ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, new GraphQLWsLink(socket), http),
);

await check('query', async () => {
  const { data } = await apollo.query({ query: gql(VIEWER) });
  expect(data.viewer.role === 'ADMIN', data);
});

await check('all pages, by fetchMore and relayStylePagination', async () => {
  const list = { query: gql(IPOS), variables: { first: 10 } };
  await apollo.query(list);
  const query = apollo.watchQuery(list);
  const watching = query.subscribe(() => {});
  let { pageInfo } = apollo.readQuery(list).ipos;
  while (pageInfo.hasNextPage) {
    const { data } = await query.fetchMore({ variables: { after: pageInfo.endCursor } });
    pageInfo = data.ipos.pageInfo;
  }
  watching.unsubscribe();
  const { edges, totalCount } = apollo.readQuery(list).ipos;
  return whole(edges, totalCount);
});

await check('mutation with userErrors', async () => {
  const { data } = await apollo.mutate({ mutation: gql(CREATE), variables: { input: BACKWARDS } });
  return refused(data.createIpo);
});

await check('a wrong token has a code', async () => {
  const wrong = client(new HttpLink({ uri: API, headers: { authorization: 'Bearer wrong' } }));
  const error = await wrong.query({ query: gql(VIEWER) }).then(() => null, (thrown) => thrown);
  expect(CombinedGraphQLErrors.is(error), `${error}`);
  expect(error.errors[0].extensions.code === 'UNAUTHENTICATED', error.errors);
});

const upload = async () => {
  const { data } = await apollo.mutate({ mutation: gql(IMPORT), variables: { ticker: 'APOLLO', file: prices(300) } });
  expect(data.importPrices.userErrors.length === 0, data);
  return data.importPrices.job.id;
};

await check('upload, and a subscription that outlives a restart', async () => {
  const heard = [];
  const watching = apollo
    .subscribe({ query: gql(JOBS) })
    .subscribe({ next: ({ data, error }) => (data ? heard.push(data.jobUpdated) : console.log(error)), error: console.log });
  const note = await outlives(heard, upload);
  watching.unsubscribe();
  return note;
});

await check('persisted queries: hash, text once, hash alone, by GET', async () => {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const persisted = client(
    new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(new HttpLink({ uri: API, headers: AUTH, fetch: counted })),
  );
  sent.length = 0;
  const query = gql`query Persisted { viewer { name } }`;
  for (let turn = 0; turn < 2; turn += 1) {
    const { data } = await persisted.query({ query, fetchPolicy: 'network-only' });
    expect(data.viewer.name, data);
  }
  const kinds = sent.map(({ method, url, body }) => `${method}${/viewer/.test(decodeURIComponent(url) + (body ?? '')) ? ' text' : ''}`);
  expect(kinds.length === 3 && !kinds[0].includes('text') && kinds[1].includes('text') && !kinds[2].includes('text'), kinds);
  return kinds.join(', ');
});

await socket.dispose();
done();
