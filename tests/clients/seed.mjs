// The issues that the clients page through.
import { ask, check, done, expect } from './client.mjs';

await check('66 issues', async () => {
  const names = Array.from({ length: 66 }, (_, number) => `Issue ${String(number).padStart(2, '0')}`);
  for (let at = 0; at < names.length; at += 11) {
    const fields = names
      .slice(at, at + 11)
      .map((name, n) => `a${n}: createIpo(input: { name: "${name}", exchange: NSE, issuePrice: "71.50" }) { ipo { id } userErrors { message } }`);
    const { data, errors } = await ask(`mutation { ${fields.join('\n')} }`);
    expect(!errors && Object.values(data).every((payload) => payload.ipo), errors ?? data);
  }
});
done();
