// GraphiQL from this binary: operations by fetch, subscriptions by server-sent events, examples in tabs.

import { events } from "./events.js";

const HEADERS = { "content-type": "application/json", "x-prospectus-console": "1" };

const EXAMPLES = [
  `# Symbols, each with its newest bar.
# Press the triangle, or Ctrl-Enter.
query Symbols {
  symbols(first: 20) {
    nodes {
      ticker name exchange barCount
      latestBar { date close volume }
    }
  }
}
`,
  `# Columns for a chart, and averages.
query Series($ticker: String!) {
  symbol(ticker: $ticker) {
    series(from: "2012-01-01") {
      dates
      close
      sma50: indicator(by: { sma: 50 })
      sma200: indicator(by: { sma: 200 })
      chartUrl
    }
  }
}
`,
  `# Open and coming IPOs, and what
# became of those that are listed.
query Ipos {
  ipos(filter: { status: [OPEN, UPCOMING] }, orderBy: [{ field: OPEN_DATE }]) {
    nodes { name ticker status priceBandLow priceBandHigh lotSize minimumInvestment openDate closeDate }
  }
  ipoStatistics { count withPerformance medianListingGain shareListedAboveIssue }
}
`,
  `# Runs and stores a backtest. Sign in
# at /reporting/ first, or set an
# Authorization header below.
mutation Backtest {
  runBacktest(input: {
    ticker: "IBM"
    strategy: { buy: { priceBelowSma: 50 }, sell: { priceAboveSma: 200 } }
    execution: { commission: 0.002 }
  }) {
    backtest { description metrics { totalReturn buyAndHoldReturn maxDrawdown sharpe tradeCount } reportUrl(format: PDF) }
    userErrors { code message field }
  }
}
`,
  `# The next 30 trading days with bands,
# and what to make of them.
mutation Forecast {
  predict(input: { ticker: "IBM" }) {
    prediction { asOf verdict points { date value lower80 upper80 lower95 upper95 } evaluation { origins skill coverage80 coverage95 } }
    userErrors { code message field }
  }
}
`,
  `# Every change of every job.
subscription Jobs {
  jobUpdated { kind state done total message symbol { ticker } }
}
`,
];

const VARIABLES = ["", '{ "ticker": "IBM" }', "", "", "", ""];

/** What a subscription answers, one after the other. */
async function* answers(response) {
  for await (const { kind, data } of events(response)) {
    if (kind === "next") yield JSON.parse(data);
  }
}

// Headers that are typed in one tab are sent from all that have none of their own.
let typed = {};
const parsed = (text) => {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
};

/** Says who is signed in, in the strip above. */
async function whoami() {
  const who = document.getElementById("who");
  try {
    const response = await fetch("/graphql", { method: "POST", credentials: "same-origin", headers: HEADERS, body: JSON.stringify({ query: "{ viewer { name role } }" }) });
    const { name, role } = (await response.json()).data.viewer;
    who.replaceChildren(role === "ANONYMOUS" ? "Not signed in: " : `Signed in as ${name}, ${role.toLowerCase()}`);
    if (role === "ANONYMOUS") who.append(Object.assign(document.createElement("a"), { href: "/reporting/", textContent: "sign in at the console" }));
  } catch {
    who.textContent = "The service can't be reached.";
  }
}
whoami();
addEventListener("focus", whoami);

async function fetcher(operation, options = {}) {
  // An editor with several operations sends the name of the one that is meant.
  const meant = options.documentAST?.definitions.find(
    (d) => d.kind === "OperationDefinition" && (!operation.operationName || d.name?.value === operation.operationName),
  );
  const follows = meant?.operation === "subscription";
  const response = await fetch("/graphql", {
    method: "POST",
    credentials: "same-origin",
    headers: { ...HEADERS, ...typed, ...options.headers, ...(follows ? { accept: "text/event-stream" } : {}) },
    body: JSON.stringify(operation),
  });
  return follows ? answers(response) : response.json();
}

const { createElement } = window.React;
window.ReactDOM.createRoot(document.getElementById("graphiql")).render(
  createElement(window.GraphiQL, {
    fetcher,
    defaultTabs: EXAMPLES.map((query, i) => ({ query, variables: VARIABLES[i] })),
    shouldPersistHeaders: false,
    forcedTheme: document.documentElement.dataset.theme,
    onEditHeaders: (text) => {
      typed = parsed(text);
    },
  }),
);
