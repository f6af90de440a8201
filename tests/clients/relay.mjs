// Relay's runtime with what its compiler has made: operations are registered with the service and sent by their ids.
import { createRequire } from 'node:module';
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { API, AUTH, BACKWARDS, LASTING, SOCKET, check, done, expect, outlives, prices, refused, whole } from './client.mjs';

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store } = relay;
const { commitMutation, createOperationDescriptor, fetchQuery, getSelector, requestSubscription } = relay;
const require = createRequire(import.meta.url);
const made = (name) => require(`./relay/__generated__/${name}.graphql.js`);
const texts = require('./relay/__generated__/operations.json');

const socket = createClient({ ...LASTING, url: SOCKET, webSocketImpl: WebSocket, connectionParams: AUTH });
const sent = [];

async function fetchOperation({ id, text }, variables, _, uploadables) {
  const operation = { documentId: id, variables };
  sent.push(text);
  let init = { headers: { ...AUTH, 'content-type': 'application/json' }, body: JSON.stringify(operation) };
  if (uploadables) {
    const body = new FormData();
    body.set('operations', JSON.stringify(operation));
    body.set('map', JSON.stringify({ file: ['variables.file'] }));
    body.set('file', uploadables.file);
    init = { headers: AUTH, body };
  }
  return (await fetch(API, { method: 'POST', ...init })).json();
}

// graphql-ws wants the text.
const subscribeTo = ({ id, name }, variables) =>
  Observable.create((sink) => socket.subscribe({ operationName: name, query: texts[id], variables }, sink));

const environment = new Environment({
  network: Network.create(fetchOperation, subscribeTo),
  store: new Store(new RecordSource()),
  missingFieldHandlers: [],
});
const mutate = (name, variables, rest = {}) =>
  new Promise((onCompleted, onError) => commitMutation(environment, { mutation: made(name), variables, onCompleted, onError, ...rest }));
const connection = () => ConnectionHandler.getConnectionID('client:root', 'operations_ipos', { orderBy: [{ field: 'NAME', direction: 'ASC' }] });
let ipos;

await check('query, sent by its id', async () => {
  const { viewer } = await fetchQuery(environment, made('operationsViewerQuery'), {}).toPromise();
  expect(viewer.role === 'ADMIN', viewer);
  expect(sent.length === 1 && sent[0] === null, sent);
});

await check('all pages of a @connection, in its store', async () => {
  const query = made('operationsIposQuery');
  const first = createOperationDescriptor(query, { first: 10, after: null });
  environment.retain(first);
  ipos = () => environment.lookup(getSelector(made('operations_ipos'), environment.lookup(first.fragment).data)).data.ipos;
  await fetchQuery(environment, query, { first: 10, after: null }).toPromise();
  while (ipos().pageInfo.hasNextPage) {
    await fetchQuery(environment, made('operationsMoreIposQuery'), { first: 10, after: ipos().pageInfo.endCursor }).toPromise();
  }
  return whole(ipos().edges, ipos().totalCount);
});

await check('mutation with userErrors', async () => refused((await mutate('operationsCreateMutation', { input: BACKWARDS })).createIpo));

await check('a deleted issue leaves the connection', async () => {
  const { createIpo } = await mutate('operationsCreateMutation', { input: { name: 'Gone soon', exchange: 'NSE' } });
  const { id } = createIpo.ipo;
  environment.commitUpdate((store) => {
    const list = store.get(connection());
    ConnectionHandler.insertEdgeAfter(list, ConnectionHandler.createEdge(store, list, store.get(id), 'IpoEdge'));
  });
  expect(ipos().edges.some(({ node }) => node.id === id), 'the new issue is not in the connection');
  await mutate('operationsDeleteMutation', { input: { id }, connections: [connection()] });
  expect(!ipos().edges.some((edge) => edge?.node?.id === id), 'the issue is still there');
});

const upload = async () => {
  const { importPrices } = await mutate('operationsImportMutation', { ticker: 'RELAY', file: null }, { uploadables: { file: prices(300) } });
  expect(importPrices.job, importPrices.userErrors);
  return importPrices.job.id;
};

await check('upload, and a subscription that outlives a restart', async () => {
  const heard = [];
  const watching = requestSubscription(environment, {
    subscription: made('operationsJobsSubscription'),
    variables: {},
    onNext: ({ jobUpdated }) => heard.push({ ...jobUpdated }),
    onError: console.log,
  });
  const note = await outlives(heard, upload);
  watching.dispose();
  return note;
});

await check('an operation that is not registered has a code', async () => {
  const { errors } = await fetchOperation({ id: '0'.repeat(64) }, {});
  expect(errors?.[0].extensions.code === 'DOCUMENT_NOT_TRUSTED', errors);
});

await socket.dispose();
done();
