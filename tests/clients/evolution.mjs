// Whoever has built on the last release must not be broken by the next: tests/fixtures/schema.released.graphql is the schema of the
// last release, schema.graphql the one of today. At a release the one is copied over the other.
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { check, done, expect } from './client.mjs';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const released = read('../fixtures/schema.released.graphql');
const now = read('../../schema.graphql');

async function breaking(before, after) {
  const changes = await diff(buildSchema(before), buildSchema(after));
  const broken = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  return { changes, broken: broken.map(({ message }) => message) };
}

await check('nothing that was released is broken', async () => {
  const { changes, broken } = await breaking(released, now);
  expect(broken.length === 0, broken.join('\n'));
  return `${changes.length} changes since the last release, none breaking`;
});

await check('a field of another name would be found', async () => {
  const { broken } = await breaking(now, now.replace('\tviewer: Viewer', '\twho: Viewer'));
  expect(broken.length === 1, broken);
  return broken[0];
});
done();
