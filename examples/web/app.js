import { address, follow, isSignedIn, run, signIn, upload } from './api.js';

const at = (id) => document.getElementById(id);

/** Runs what a form asks for; what goes wrong is said beside its button. */
function onSubmit(form, act) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const said = form.querySelector('output');
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      said.textContent = (await act(Object.fromEntries(new FormData(form)))) ?? '';
    } catch (error) {
      said.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  });
}

/** A person's mistakes come with the answer, as sentences. */
function checked({ userErrors, ...payload }) {
  if (userErrors.length) throw new Error(userErrors.map(({ message }) => message).join(' '));
  return payload;
}

// Read: a page of symbols at a time.
let cursor = null;

function row(cells) {
  const line = document.createElement('tr');
  for (const text of cells) line.insertCell().textContent = text ?? '–';
  return line;
}

async function more() {
  const { symbols } = await run(
    `query Symbols($after: String) {
      symbols(first: 20, after: $after) {
        nodes { ticker name barCount latestBar { date close } }
        pageInfo { hasNextPage endCursor }
      }
    }`,
    { after: cursor },
  );
  const rows = symbols.nodes.map(({ ticker, name, barCount, latestBar }) => row([ticker, name, latestBar?.date, latestBar?.close, barCount]));
  at('symbols').append(...rows);
  at('tickers').append(...symbols.nodes.map(({ ticker }) => new Option(ticker)));
  cursor = symbols.pageInfo.endCursor;
  at('more').hidden = !symbols.pageInfo.hasNextPage;
}

async function reload() {
  cursor = null;
  at('symbols').replaceChildren();
  at('tickers').replaceChildren();
  await more();
}

// Sign in.
async function who() {
  const { viewer } = await run('{ viewer { name role } }');
  at('viewer').textContent = `${viewer.name} (${viewer.role})`;
  at('sign-out').hidden = !isSignedIn();
}

onSubmit(at('sign-in'), async ({ token }) => {
  signIn(token);
  try {
    await who();
  } catch (error) {
    signIn(null);
    throw error;
  }
  at('sign-in').reset();
  listen();
});

at('sign-out').addEventListener('click', async () => {
  signIn(null);
  await who();
  listen();
});

// Mutate.
const percent = (share) => (share === null ? '–' : `${(100 * share).toFixed(1)} %`);

onSubmit(at('backtest'), async ({ ticker, buy, sell }) => {
  const { runBacktest } = await run(
    `mutation Run($input: RunBacktestInput!) {
      runBacktest(input: $input) {
        backtest { metrics { totalReturn buyAndHoldReturn tradeCount } }
        userErrors { message }
      }
    }`,
    { input: { ticker, strategy: { buy: { priceBelowSma: Number(buy) }, sell: { priceAboveSma: Number(sell) } } } },
  );
  const { totalReturn, buyAndHoldReturn, tradeCount } = checked(runBacktest).backtest.metrics;
  return `${percent(totalReturn)} in ${tradeCount} trades; held: ${percent(buyAndHoldReturn)}`;
});

// Upload.
onSubmit(at('import'), async ({ ticker, file }) => {
  const { importPrices } = await upload(
    `mutation Import($ticker: String!, $file: Upload!) {
      importPrices(input: { ticker: $ticker, file: $file }) { job { id } userErrors { message } }
    }`,
    { ticker },
    file,
  );
  checked(importPrices);
  return `The file is on its way: see Jobs.`;
});

// Subscribe.
let stop = () => {};

function listen() {
  stop();
  stop = follow('subscription { jobUpdated { id kind state message symbol { ticker } } }', {
    online: (is) => (at('connection').textContent = is ? 'connected' : 'connecting …'),
    next: ({ jobUpdated: { id, kind, state, message, symbol } }) => {
      const line = row([symbol?.ticker, kind, state, message]);
      line.dataset.job = id;
      const old = at('jobs').querySelector(`[data-job="${CSS.escape(id)}"]`);
      if (old) old.replaceWith(line);
      else at('jobs').prepend(line);
      if (state === 'SUCCEEDED') reload();
    },
  });
}

at('address').textContent = address;
at('more').addEventListener('click', more);
try {
  await Promise.all([who(), reload()]);
} catch (error) {
  at('viewer').textContent = `${address} can't be read: ${error.message}. Does its CORS_ORIGINS name ${location.origin}?`;
}
listen();
