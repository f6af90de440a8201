// The schema's style, by graphql-eslint. What is off says why.
import graphql from '@graphql-eslint/eslint-plugin';

const { rules: schema } = graphql.configs['flat/schema-recommended'];
const { rules: relay } = graphql.configs['flat/schema-relay'];

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...schema,
      ...relay,
      '@graphql-eslint/require-description': [
        'error',
        { types: true, rootField: true, DirectiveDefinition: true, EnumValueDefinition: true, FieldDefinition: true, InputValueDefinition: true,
          // The standard's own directives are printed as the library has them.
          ignoredSelectors: ['[type=DirectiveDefinition]', 'DirectiveDefinition > InputValueDefinition'] },
      ],
      // What can be asked for again by an id is a Node, and has one. The rest are values: bars, figures, curves.
      '@graphql-eslint/strict-id-in-types': 'off',
      '@graphql-eslint/relay-edge-types': [
        'error',
        {
          withEdgeSuffix: true,
          // Columns, `nodes` beside `edges`, and userErrors are lists of values.
          listTypeCanWrapOnlyEdgeType: false,
          // Price bars, trades and revisions are pages of values: a million ids would name nothing that anybody asks for.
          shouldImplementNode: false,
        },
      ],
      // `directive @specifiedBy` and `@oneOf` are printed although every reader knows them.
      '@graphql-eslint/no-unreachable-types': 'off',
    },
  },
];
