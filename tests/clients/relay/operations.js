// What relay-compiler reads; the artifacts are what is run.
import { graphql } from 'relay-runtime';

graphql`
  query operationsViewerQuery {
    viewer { name role }
  }
`;

graphql`
  query operationsIposQuery($first: Int!, $after: String) {
    ...operations_ipos @arguments(first: $first, after: $after)
  }
`;

graphql`
  fragment operations_ipos on Query
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
  @refetchable(queryName: "operationsMoreIposQuery") {
    ipos(first: $first, after: $after, orderBy: [{ field: NAME, direction: ASC }]) @connection(key: "operations_ipos") {
      totalCount
      edges { node { id name performance { listingGain } } }
    }
  }
`;

graphql`
  mutation operationsCreateMutation($input: CreateIpoInput!) {
    createIpo(input: $input) {
      ipo { id name }
      userErrors { code message field }
    }
  }
`;

graphql`
  mutation operationsDeleteMutation($input: DeleteIpoInput!, $connections: [ID!]!) {
    deleteIpo(input: $input) {
      deletedId @deleteEdge(connections: $connections) @deleteRecord
      userErrors { code }
    }
  }
`;

graphql`
  mutation operationsImportMutation($ticker: String!, $file: Upload!) {
    importPrices(input: { ticker: $ticker, file: $file }) {
      job { id state }
      userErrors { code message }
    }
  }
`;

graphql`
  subscription operationsJobsSubscription {
    jobUpdated { id state }
  }
`;
