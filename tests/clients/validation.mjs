// What the service refuses, beside graphql-js: random operations of its own schema, a part of them spoiled. Each that one
// refuses the other must refuse: `bash server.sh run node validation.mjs [NUMBER] [SEED]`.
import { buildSchema, getNamedType, getVariableValues, isEnumType, isInputObjectType, isInterfaceType, isLeafType, isListType, isNonNullType, isObjectType, parse, validate } from 'graphql';
import { API, HOST, check, done, expect } from './client.mjs';

const NUMBER = Number(process.argv[2] ?? 600);
let seed = Number(process.argv[3] ?? 1);
// mulberry32: the same documents each time.
const random = () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const by = (chance) => random() < chance;

const schema = buildSchema(await (await fetch(`${HOST}/schema.graphql`)).text());
const PLAIN = { Int: ['7', '0'], Float: ['1', '1.5', '2e3'], String: ['"a"', '"""b"""'], ID: ['"x"', '1'], Boolean: ['true', 'false'], Date: ['"2024-01-02"'], DateTime: ['"2024-01-02T00:00:00Z"'], Decimal: ['"1.5"'], BigInt: ['7'], Upload: ['null'] };
const WRONG = { Int: ['"1"', '1.5', '99999999999'], Float: ['"1"', 'true'], String: ['1', 'A'], ID: ['1.5', 'true'], Boolean: ['"true"', '1'] };

function value(type, variables, depth = 0) {
  if (isNonNullType(type)) return value(type.ofType, variables, depth);
  if (by(0.02)) return 'null';
  if (by(0.12)) {
    const name = `v${variables.length}`;
    variables.push(`$${name}: ${by(0.8) ? type : pick(['Int', 'String', 'ID!', '[String!]', 'Exchange', 'IpoFilter', 'Symbol', 'Nothing'])}`);
    return `$${name}`;
  }
  if (isListType(type)) return by(0.2) ? value(type.ofType, variables, depth) : `[${Array.from({ length: Math.floor(random() * 3) }, () => value(type.ofType, variables, depth))}]`;
  if (isEnumType(type)) return by(0.95) ? pick(type.getValues()).name : pick(['NOPE', '"NSE"', '1']);
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    if (depth > 3) return '{}';
    const some = type.isOneOf ? (by(0.85) ? [pick(fields)] : fields.slice(0, 2)) : fields.filter((field) => by(isNonNullType(field.type) ? 0.95 : 0.25));
    return `{${some.map((field) => `${field.name}: ${value(field.type, variables, depth + 1)}`)}${by(0.03) ? ' nothing: 1' : ''}}`;
  }
  return pick((by(0.05) && WRONG[type.name]) || PLAIN[type.name]);
}

function selection(type, operation, depth) {
  const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const chance = random();
    if (chance < 0.05) return `__typename${by(0.1) ? ' @nothing' : ''}`;
    if (chance < 0.12 && depth < 5) {
      const on = by(0.85) ? type : (schema.getType(pick(['Ipo', 'Symbol', 'Viewer', 'Node'])));
      const condition = pick(['', '', '', '@skip(if: false) ', '@include(if: true) ', '@nothing ']);
      return `... ${by(0.7) ? `on ${on.name} ` : ''}${condition}${selection(on, operation, depth + 1)}`;
    }
    if (chance < 0.2 && depth < 5) {
      const name = `F${operation.fragments.push('') - 1}`;
      operation.fragments[Number(name.slice(1))] = `fragment ${name} on ${by(0.95) ? type.name : 'Viewer'} ${selection(type, operation, depth + 1)}`;
      return `...${by(0.95) ? name : pick(['F0', 'FX'])}`;
    }
    const fields = Object.values(type.getFields());
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    const field = pick(depth > 4 && leaves.length ? leaves : fields);
    const given = field.args.filter((argument) => by(isNonNullType(argument.type) && argument.defaultValue === undefined ? 0.96 : 0.15));
    const list = given.map((argument) => `${argument.name}: ${value(argument.type, operation.variables)}`).concat(by(0.02) ? ['nothing: 1'] : []);
    const named = getNamedType(field.type);
    const within = isObjectType(named) || isInterfaceType(named) ? (depth > 6 ? '{ __typename }' : by(0.98) ? selection(named, operation, depth + 1) : '') : by(0.99) ? '' : '{ x }';
    const condition = by(0.04) ? pick(['@skip(if: true)', '@include(if: $v0)', '@skip', '@skip(if: true) @skip(if: true)', '@deprecated']) : '';
    // Few names, so that some meet.
    return `${by(0.2) ? `${pick(['a', 'b', 'id', 'name'])}: ` : ''}${field.name}${by(0.02) ? 'x' : ''}${list.length ? `(${list})` : ''} ${condition} ${within}`;
  });
  return `{ ${items.join(' ')} }`;
}

function document() {
  const operation = { variables: [], fragments: [] };
  const kind = pick(['query', 'query', 'query', 'mutation', 'subscription']);
  const body = selection(schema.getRootType(kind), operation, 0);
  if (by(0.02)) operation.variables.push('$unused: Int');
  if (by(0.02)) operation.variables.pop();
  return `${kind} Q${operation.variables.length ? `(${operation.variables})` : ''} ${body} ${operation.fragments.join(' ')}`;
}

function byReference(text) {
  try {
    const read = parse(text);
    const errors = validate(schema, read, undefined, { maxErrors: 1 });
    if (errors.length) return errors[0].message;
    return getVariableValues(schema, read.definitions[0].variableDefinitions ?? [], {}).errors?.[0].message ?? null;
  } catch (error) {
    return error.message;
  }
}

// graphql-js 16 is of before the specification of 2025, which refuses these.
const NEWER = [/^Variable ".*" of type ".*[^!]" used in position expecting type ".*!"/, /must not use "@skip" or "@include" directives in the top level/];

let refused = 0;
await check(`${NUMBER} operations`, async () => {
  for (let turn = 0; turn < NUMBER; turn += 1) {
    const text = document();
    // Nobody may do what a mutation does.
    const answer = await fetch(API, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' }, body: JSON.stringify({ query: text }) });
    const { data, errors } = await answer.json();
    const [code, message] = [errors?.[0].extensions.code, errors?.[0].message];
    expect(answer.status < 500 && (!errors || errors.every((error) => error.extensions.code && error.locations?.every(({ line }) => line > 0))), `${answer.status} ${text} ${message}`);
    // A bound, or a subscription that is looked at no further for the want of events.
    if (['QUERY_TOO_COMPLEX', 'RATE_LIMITED'].includes(code) || /accept text\/event-stream/.test(message)) continue;
    const isRefused = data === undefined;
    const reference = byReference(text);
    refused += Number(isRefused);
    if (isRefused !== (reference !== null) && !(isRefused && NEWER.some((pattern) => pattern.test(message)))) {
      throw new Error(`${text}\n    here: ${message ?? 'taken'}\n    graphql-js: ${reference ?? 'taken'}`);
    }
  }
  expect(refused > NUMBER / 10 && refused < NUMBER, `${refused} of ${NUMBER} refused: too few of either`);
  return `${refused} refused by both`;
});
done();
