// TypeScript types of the schema and of the operations beside this file, by graphql-codegen.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import * as typescript from '@graphql-codegen/typescript';
import { parse } from 'graphql';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const scalars = { Date: 'string', DateTime: 'string', Decimal: 'string', BigInt: 'number', Upload: 'File' };
const config = { strictScalars: true, useTypeImports: true, scalars };
mkdirSync(new URL('__generated__', import.meta.url), { recursive: true });
// Two files: both plugins write the input types.
for (const [filename, plugin] of Object.entries({ schema: typescript, operations })) {
  const text = await codegen({
    filename: `${filename}.ts`,
    schema: parse(read('../../../schema.graphql')),
    documents: filename === 'schema' ? [] : [{ location: 'operations.graphql', document: parse(read('operations.graphql')) }],
    config,
    plugins: [{ [filename]: {} }],
    pluginMap: { [filename]: plugin },
  });
  writeFileSync(new URL(`__generated__/${filename}.ts`, import.meta.url), text);
}
