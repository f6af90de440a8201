// GraphQL over HTTP to the letter, a row a case: what is sent, what must come back.
import { gzipSync } from 'node:zlib';
import { createHash, randomUUID } from 'node:crypto';
import { API, AUTH, HOST, ask, check, done, expect, prices } from './client.mjs';

const JSON_TYPE = 'application/json';
const GRAPHQL = 'application/graphql-response+json';
const EVENTS = 'text/event-stream';
const VIEWER = '{ viewer { role } }';

/** Sends a request; its answer with the text, and as JSON where it is some. */
async function send({ method = 'POST', path = '/graphql', headers = {}, body, query }) {
  const given = query === undefined ? body : JSON.stringify({ query });
  const answer = await fetch(HOST + path, {
    method,
    headers: { ...(given === undefined ? {} : { 'content-type': JSON_TYPE }), ...headers },
    body: given,
    signal: AbortSignal.timeout(60_000),
  });
  const text = await answer.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', header: (name) => answer.headers.get(name), text, json };
}

const code = (answer) => answer.json?.errors?.[0]?.extensions?.code;
const get = (query, more = '') => `/graphql?query=${encodeURIComponent(query)}${more}`;
const row = (what, request, ...wanted) =>
  check(what, async () => {
    const answer = await send(request);
    for (const want of wanted) {
      const got = typeof want === 'number' ? answer.status === want : typeof want === 'string' ? answer.type.startsWith(want) : want(answer);
      expect(got, `wanted ${want}, got ${answer.status} ${answer.type} ${answer.text.slice(0, 300)}`);
    }
  });
const coded = (wanted) => (answer) => code(answer) === wanted;
const bare = (answer) => answer.json && !('data' in answer.json) && answer.json.errors.length > 0;

console.log('Accept');
const accept = (value, ...wanted) => row(value, { query: VIEWER, headers: { accept: value } }, ...wanted);
await accept('application/json', 200, JSON_TYPE);
await accept('*/*', 200, JSON_TYPE);
await accept('application/json, text/event-stream', 200, JSON_TYPE);
await accept('text/event-stream, application/json', 200, JSON_TYPE);
await accept('application/graphql-response+json, application/json, text/event-stream;q=0.1', 200, GRAPHQL);
await accept('application/graphql-response+json;q=0.1, application/json', 200, JSON_TYPE);
await accept('application/json;q=0.5, application/graphql-response+json', 200, GRAPHQL);
await accept('application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed', 200, GRAPHQL);
await accept('text/event-stream', 200, EVENTS, ({ text }) => /event: ?next/.test(text) && /event: ?complete/.test(text));
await accept('application/json ; q=0.1, application/graphql-response+json ; q=0.2', 200, GRAPHQL);
await accept('application/json;q=0.2, */*;q=0.9', 200, GRAPHQL);
await accept('application/json;profile="a,b", image/png', 200, JSON_TYPE);
await accept('image/png', 406, coded('BAD_REQUEST'));

console.log('Status');
const response = { accept: GRAPHQL };
await row('a syntax error', { query: '{', headers: response }, 400, GRAPHQL, bare, (a) => code(a) && a.text.length < 400);
await row('a syntax error for an older client', { query: '{' }, 200, bare, (a) => code(a));
await row('an unknown field', { query: '{ nothing }', headers: response }, 400, bare, (a) => code(a) && a.json.errors[0].locations[0].line === 1);
await row('a missing variable', { query: 'query($t: String!) { symbol(ticker: $t) { id } }', headers: response }, 400, bare,
  (a) => code(a) && /"?\$t"? of required type "?String!"? was not provided/.test(a.json.errors[0].message));
await row('a variable out of range: one error for one mistake',
  { body: JSON.stringify({ query: 'query($n: Int) { ipos(first: $n) { totalCount } }', variables: { n: 2147483648 } }), headers: response }, 400, bare, (a) => a.json.errors.length === 1 && code(a));
await row('no query', { body: '{}', headers: response }, 400, bare);
await row('a wrong token', { query: VIEWER, headers: { ...response, authorization: 'Bearer wrong' } }, 401, GRAPHQL, coded('UNAUTHENTICATED'), (a) => /Bearer/.test(a.header('www-authenticate')));
await row('a field error leaves the rest', { query: '{ viewer { role } symbols(first: -1) { totalCount } }', headers: response }, 200, GRAPHQL, (a) => 'data' in a.json && code(a));
await row('too deep', { query: '{ __schema ' + '{ types { fields { type '.repeat(12) + '{ name }' + '}}}'.repeat(12) + '}' }, (a) => a.status < 500 && bare(a) && code(a));
await row('1.2 MiB', { query: `{ viewer { role } } # ${'x'.repeat(1_200_000)}` }, 413, coded('BAD_REQUEST'));

console.log('Methods and media types');
const create = (name) => `mutation { createIpo(input: { name: "${name}", exchange: NSE }) { ipo { id } } }`;
const absent = (name) => async () => (await ask(`{ ipos(filter: { search: "${name}" }) { totalCount } }`)).data.ipos.totalCount === 0;
for (const [method, name] of [['HEAD', 'By HEAD'], ['GET', 'By GET']]) {
  await row(`${method} runs no mutation`, { method, path: get(create(name)), headers: AUTH }, 405);
  await check(`${method}: nothing was created`, async () => expect(await absent(name)(), 'there it is'));
}
await row('GET query', { method: 'GET', path: get(VIEWER) }, 200, JSON_TYPE);
await row('PUT', { method: 'PUT', body: '{}' }, 405, coded('BAD_REQUEST'));
await row('OPTIONS', { method: 'OPTIONS' }, (a) => a.status < 300 && a.header('allow') === 'GET, POST, OPTIONS');
for (const [what, headers] of [
  ['text/plain; x=json', { 'content-type': 'text/plain; x=json' }],
  ['application/x-njson', { 'content-type': 'application/x-njson' }],
  ['application/x-www-form-urlencoded', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['charset=utf-16', { 'content-type': 'application/json; charset=utf-16' }],
]) await row(what, { query: VIEWER, headers }, 415, coded('BAD_REQUEST'));
await row('charset=UTF-8', { query: VIEWER, headers: { 'content-type': 'application/json; charset=UTF-8' } }, 200);
await row('a compressed body', { body: gzipSync(JSON.stringify({ query: VIEWER })), headers: { 'content-encoding': 'gzip' } }, 415, coded('BAD_REQUEST'));
await row('a byte order mark', { body: `\uFEFF${JSON.stringify({ query: VIEWER })}` }, 200);
await row('a blank before the charset', { query: VIEWER, headers: { 'content-type': 'application/json ; charset=utf-8' } }, 200);
await row('bytes that are no UTF-8', { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, 400, coded('BAD_REQUEST'));
for (const batch of ['[]', JSON.stringify([{ query: VIEWER }]), JSON.stringify([VIEWER]), ` [${JSON.stringify({ query: VIEWER })}]`]) {
  await row(`batch ${batch.slice(0, 30)}`, { body: batch }, 400, coded('BAD_REQUEST'));
}
for (const encoding of ['gzip', 'br', 'zstd']) {
  await row(`an answer in ${encoding}`, { query: '{ __schema { types { name description } } }', headers: { 'accept-encoding': encoding } }, 200,
    (a) => a.header('content-encoding') === encoding && /accept-encoding/i.test(a.header('vary')));
}

console.log('Caches, ids, origins');
await check('ETag', async () => {
  const path = get(VIEWER);
  const first = await send({ method: 'GET', path });
  const etag = first.header('etag');
  expect(etag && /no-cache|max-age=0/.test(first.header('cache-control')), `${etag} ${first.header('cache-control')}`);
  expect(/authorization/i.test(first.header('vary')) && /accept/i.test(first.header('vary')), first.header('vary'));
  const second = await send({ method: 'GET', path, headers: { 'if-none-match': etag } });
  expect(second.status === 304 && second.text === '', `${second.status}`);
});
await row('x-request-id comes back', { query: VIEWER, headers: { 'x-request-id': 'a-request' } }, (a) => a.header('x-request-id') === 'a-request');
await row('x-request-id is made', { query: VIEWER }, (a) => a.header('x-request-id')?.length > 8);
const preflight = (origin) => ({ method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
await row('preflight of a listed origin', preflight(process.env.PAGE_ORIGIN),
  (a) => a.status < 300 && a.header('access-control-allow-origin') === process.env.PAGE_ORIGIN && /authorization/i.test(a.header('access-control-allow-headers')));
await row('preflight of another origin', preflight('https://evil.example'), (a) => a.header('access-control-allow-origin') === null && a.header('access-control-allow-credentials') === null);
await row('what it cost', { query: '{ ipos(first: 10) { nodes { id } } }' }, (a) => a.json.extensions.cost.requested > 0);
await row('what is left to this client', { query: VIEWER, headers: { origin: process.env.PAGE_ORIGIN } },
  (a) => Number(a.header('ratelimit-remaining')) < Number(a.header('ratelimit-limit')) && a.header('ratelimit-reset') && a.header('retry-after') === null,
  (a) => /ratelimit-remaining/i.test(a.header('access-control-expose-headers')));
await row('a hash of another text', { body: JSON.stringify({ query: VIEWER, extensions: { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(randomUUID()).digest('hex') } } }) }, (a) => bare(a) && code(a) === 'BAD_USER_INPUT');

console.log('Execution');
const data = (wanted) => ({ text }) => text.includes(`"data":${wanted}`);
await row('fields in the order of the query', { query: '{ models { isDefault name } viewer { name role } ipos(first: 1) { totalCount } }' },
  (a) => /"models":.*"viewer":.*"ipos":/.test(a.text) && /"viewer":\{"name":.*"role":/.test(a.text));
await row('a skipped root', { query: '{ viewer @skip(if: true) { name } }' }, 200, data('{}'));
await row('an error in a non-null field nulls its parent', { query: '{ ipos(first: 1) { nodes { revisions(first: -1) { totalCount } } } }' }, 200,
  data('null'), (a) => a.json.errors[0].path.join('.') === 'ipos.nodes.0.revisions');
await row('an unknown directive on __typename', { query: '{ __typename @aa }', headers: response }, 400, bare);
await row('fields of one name that differ', { query: '{ a: ipos(first: 1) { totalCount } ...F } fragment F on Query { a: ipos(first: 2) { totalCount } }', headers: response }, 400, bare,
  coded('GRAPHQL_VALIDATION_FAILED'));
await row('every type, argument and directive is described', { query: '{ __schema { types { name description fields(includeDeprecated: true) { name description args { name description } } inputFields { name description } enumValues { name description } } directives { name description args { name description } } } }' }, 200, (a) => {
  const bare = (all) => (all ?? []).flatMap((one) => [...(one.description ? [] : [one.name]), ...bare(one.args), ...bare(one.fields), ...bare(one.inputFields), ...bare(one.enumValues)]);
  const { types, directives } = a.json.data.__schema;
  return bare([...types.filter(({ name }) => !name.startsWith('__')), ...directives]).length === 0;
});
await row('two roots of a subscription', { query: 'subscription { jobUpdated { id } ipoChanged { change } }', headers: { accept: EVENTS } }, (a) => /"errors"/.test(a.text) && !/"data":\{/.test(a.text));
await row('a subscription without a stream', { query: 'subscription { jobUpdated { id } }', headers: response }, 400, bare, (a) => code(a));
await row('2^53 in BigInt', { query: 'mutation { createIpo(input: { name: "Big", exchange: NSE, issueSize: 9007199254740993 }) { ipo { id } } }', headers: { ...AUTH, ...response } }, 400, (a) => code(a));
await row('U+0000 in a search', { body: JSON.stringify({ query: '{ ipos(filter: { search: "\\u0000" }) { totalCount } }' }) }, (a) => a.status === 200 && code(a) !== 'INTERNAL');

console.log('Uploads');
const IMPORT = 'mutation($f: Upload!) { a: importPrices(input: { ticker: "FORM", file: $f }) { job { id } userErrors { message } } }';
const TWICE = 'mutation($f: Upload!, $g: Upload!) { a: previewImport(input: { ticker: "FORM", file: $f }) { userErrors { message } } b: previewImport(input: { ticker: "FORM", file: $g }) { userErrors { message } } }';
const form = (parts) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(parts)) body.set(name, value);
  return { body, headers: { ...AUTH, 'content-type': undefined } };
};
const operations = (query, variables) => JSON.stringify({ query, variables });
const upload = (what, parts, ...wanted) =>
  check(what, async () => {
    const { body, headers } = form(parts);
    delete headers['content-type'];
    const answer = await fetch(API, { method: 'POST', headers, body });
    const text = await answer.text();
    const got = { status: answer.status, text, type: answer.headers.get('content-type'), json: JSON.parse(text) };
    for (const want of wanted) expect(typeof want === 'number' ? got.status === want : want(got), `wanted ${want}, got ${got.status} ${text}`);
    return got.json.errors?.[0].message;
  });
const told = (a) => a.status < 500 && bare(a) && Boolean(code(a));
const one = operations(IMPORT, { f: null });
await upload('as the specification says', { operations: one, map: '{"0":["variables.f"]}', 0: prices(30) }, 200, (a) => a.json.data.a.job);
await upload('no map', { operations: one, 0: prices(3) }, told);
await upload('no operations', { map: '{"0":["variables.f"]}', 0: prices(3) }, told);
await upload('a map that is no JSON', { operations: one, map: 'x', 0: prices(3) }, told);
await upload('a map to a variable that is not there', { operations: one, map: '{"0":["variables.h.x"]}', 0: prices(3) }, told);
await upload('a file that does not come', { operations: one, map: '{"0":["variables.f"]}' }, told);
await upload('two files', { operations: one, map: '{"0":["variables.f"],"1":["variables.g"]}', 0: prices(3), 1: prices(3) }, told);
await upload('one file for two variables', { operations: operations(TWICE, { f: null, g: null }), map: '{"0":["variables.f","variables.g"]}', 0: prices(30) },
  (a) => a.status < 500 && (told(a) || (a.json.data.a.userErrors.length === 0 && a.json.data.b.userErrors.length === 0)));
await upload('a file for a text', { operations: operations('mutation($i: CreateIpoInput!) { createIpo(input: $i) { ipo { name } } }', { i: { name: null, exchange: 'NSE' } }), map: '{"0":["variables.i.name"]}', 0: prices(3) }, told);
await upload('one variable in two fields', { operations: operations(TWICE.replaceAll('$g', '$f').replace('$f: Upload!, $f: Upload!', '$f: Upload!'), { f: null }), map: '{"0":["variables.f"]}', 0: prices(30) },
  (a) => a.json.data.a.userErrors.length === 0 && a.json.data.b.userErrors.length === 0);
await upload('an empty file', { operations: one, map: '{"0":["variables.f"]}', 0: new File([], 'none.csv') }, 200, (a) => a.json.data.a.userErrors.length === 1);
for (const handle of ['#__graphql_file__:0', '#__graphql_file__:7', 'x']) {
  await row(`"${handle}" for a file`, { body: operations(IMPORT, { f: handle }), headers: AUTH }, (a) => a.status < 500 && bare(a) && code(a) !== 'INTERNAL');
}
await row('a form without a header that forms cannot send', { body: new URLSearchParams(), headers: { 'content-type': 'multipart/form-data; boundary=x' } }, 400, coded('BAD_REQUEST'));
done();
