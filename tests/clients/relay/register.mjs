// Writes the operations that relay-compiler has found into the folder that the service takes registered ones from.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const operations = JSON.parse(readFileSync(new URL('__generated__/operations.json', import.meta.url)));
for (const [hash, text] of Object.entries(operations)) writeFileSync(`${folder}/${hash}.graphql`, text);
