// The audit of the GraphQL over HTTP specification, all of it.
import { serverAudits } from 'graphql-http';
import { API, check, done, expect } from './client.mjs';

await check('graphql-http', async () => {
  const audits = serverAudits({ url: API, fetchFn: fetch });
  const results = await Promise.all(audits.map((audit) => audit.fn()));
  const wrong = results.filter(({ status }) => status !== 'ok');
  expect(wrong.length === 0, wrong.map(({ id, name, status, reason }) => `${status} ${id} ${name}: ${reason}`).join('\n'));
  return `${results.length} of ${audits.length}`;
});
done();
