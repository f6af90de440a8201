// Backtests beside each other, as the API compares them: what differs, figures in columns, curves from one start.

import { html, lazy, useQuery, useState, Head, Panel, Table, Empty, Waiting, Field, Form, Link, Mistakes, go, setQuery, count, number, percent, signed, shortRun, fileName, percentOf, whole } from "./ui.js";
import { Source } from "./api.js";
import { againAddress, reportOf } from "./backtest.js";
import { adjustmentSaid } from "./strategyform.js";

const Curves = lazy(() => import("./curves.js"), "Curves", 500);
const MOST = 8;
const RUN = "id name description from to adjustment symbol { ticker firstDate lastDate }";
const COMPARE = `query($ids: [ID!]!) { compareBacktests(ids: $ids) { backtests { ${RUN} } differences { input values } metrics { metric values best } } }`;
// Far larger than the figures, which don't wait for them.
const CURVES = "query($ids: [ID!]!) { compareBacktests(ids: $ids) { curves { dates runs { equity buyAndHold } } } }";
// Of what can't be compared (one run alone, or one of them gone), what is there.
const THERE = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Backtest { ${RUN} } } }`;
const OTHERS = `query($filter: BacktestFilter) { backtests(first: 50, filter: $filter) { nodes { id name description symbol { ticker } } } }`;

const FIGURES = {
  finalEquity: ["Final equity", (v) => number(v, 0)], totalReturn: ["Total return", (v) => signed(v, 2)], buyAndHoldReturn: ["Buy and hold", (v) => signed(v, 2)],
  cagr: ["A year (CAGR)", (v) => signed(v, 2)], maxDrawdown: ["Maximum drawdown", (v) => percent(v, 2)], maxDrawdownDays: ["Longest drawdown, days", count],
  tradeCount: ["Trades", count], winRate: ["Winners", percent], profitFactor: ["Profit factor", number], bestTrade: ["Best trade", (v) => signed(v, 2)],
  worstTrade: ["Worst trade", (v) => signed(v, 2)], averageTrade: ["Average trade", (v) => signed(v, 2)], exposure: ["Exposure", percent], volatility: ["Volatility", percent],
  sharpe: ["Sharpe ratio", number], sortino: ["Sortino ratio", number], calmar: ["Calmar ratio", number], sqn: ["Quality (SQN)", number], feesPaid: ["Fees paid", number],
};
const share = (value) => `${percentOf(Number(value))} %`;
const yes = (on, off) => (value) => (value === "true" ? on : off);
const INPUTS = {
  ticker: ["Symbol"], buy: ["Buy when"], sell: ["Sell when"], stopLoss: ["Stop loss", share], takeProfit: ["Take profit", share], initialCash: ["Initial investment", (v) => number(Number(v), 0)],
  fill: ["Orders are filled", (v) => (v === "NEXT_OPEN" ? "at the next open" : "at the same close")], commission: ["Commission", share], slippage: ["Slippage", share],
  wholeShares: ["Shares", yes("whole", "fractions")], from: ["From"], to: ["To"], adjustment: ["Prices", adjustmentSaid], dataVersion: ["Data version"], engineVersion: ["Engine version"],
};
const named = (run) => run.name ?? `${run.symbol.ticker} ${shortRun(run.description)}`;
const letter = (i) => String.fromCharCode(65 + i);

/** Fills the form from a stored run, which is read when it's wanted. */
function Again({ run }) {
  const [state, setState] = useState(null);
  const again = async () => {
    setState("busy");
    try {
      go(againAddress(await reportOf(run.id)(new Source(false)), run.symbol));
    } catch (error) {
      setState(error.message);
    }
  };
  return html`<button class="small" onClick=${again} disabled=${state === "busy"}>Edit and run again</button>${state && state !== "busy" && html`<span class="error" role="alert">${state}</span>`}`;
}

function Runs({ of, takeOut }) {
  return html`<${Panel} title="Runs"><ol class="runs">
    ${of.map((run, i) => html`<li key=${run.id}><span class=${`key-${(i % 5) + 1}`}><span class="swatch"></span><strong>${letter(i)}</strong></span>
      <${Link} to=${`/reporting/backtests/${run.id}`} title=${run.description}>${named(run)}<//> <span class="small muted">${run.symbol.ticker}, ${whole(`${run.from} to ${run.to}`)}</span>
      <span class="row"><${Again} run=${run} /><button class="small" onClick=${() => takeOut(run.id)} aria-label=${`Take out ${letter(i)}`}>Take out</button></span></li>`)}
  </ol><//>`;
}

function differing({ differences, backtests }) {
  const values = backtests.map((run) => run.adjustment);
  const others = differences.filter(({ input }) => !["adjusted", "adjustment"].includes(input));
  return values.every((value) => value === values[0]) ? others : [...others, { input: "adjustment", values }];
}

function Compared({ of, ids }) {
  const runs = of.backtests;
  const drawn = useQuery(CURVES, { ids });
  const curves = drawn.data?.compareBacktests.curves;
  const columns = (cell) => [
    { label: "", lead: true, cell: (row) => row.label, csv: [["", (row) => row.label]] },
    ...runs.map((run, i) => ({ label: letter(i), ...cell(i), csv: [[named(run), (row) => row.values[i]]] })),
  ];
  const figures = of.metrics.map((row) => ({ ...row, label: FIGURES[row.metric]?.[0] ?? row.metric, show: FIGURES[row.metric]?.[1] ?? number }));
  const figure = (i) => ({
    num: true,
    cell: (row) => (row.best === i ? html`<strong title="The best of these">${row.show(row.values[i])} <span aria-label="the best">✓</span></strong>` : row.show(row.values[i])),
  });
  // Two inputs say what prices are adjusted for, and elder runs name one of them alone; each run knows what that comes to.
  const inputs = differing(of).map((row) => ({ ...row, label: INPUTS[row.input]?.[0] ?? row.input, show: INPUTS[row.input]?.[1] ?? String }));
  const input = (i) => ({ wrap: true, cell: (row) => (row.values[i] === null ? "none" : row.show(row.values[i])) });
  const saved = fileName("compare", ...runs.map((run) => run.symbol.ticker));
  return html`<${Panel} title="What differs"><${Table} label="Inputs that differ" columns=${columns(input)} rows=${inputs} keyOf=${(row) => row.input} stays csv=${`${saved}-inputs`} empty=${html`<p class="muted">Nothing: the runs have the same inputs.</p>`} /><//>
    <${Panel} title="Equity, each from 100">${!curves
      ? html`<div class="chart-place"><${Waiting} query=${drawn} /></div>`
      : curves.dates.length > 1
        ? html`<${Curves} key=${runs.map((run) => run.id).join()} of=${curves} runs=${runs} letter=${letter} saved=${saved} />`
        : html`<p class="muted">These runs have no days in common, so their curves can't be set beside each other.</p>`}<//>
    <${Panel} title="Figures"><${Table} label="Figures of the runs" columns=${columns(figure)} rows=${figures} keyOf=${(row) => row.metric} stays csv=${saved} /><//>`;
}

export function Compare({ query }) {
  const ids = [...new Set((query.get("ids") ?? "").split(",").filter(Boolean))].slice(0, MOST);
  const set = (next) => setQuery({ ids: next.join(",") });
  const compared = useQuery(ids.length > 1 ? COMPARE : null, { ids });
  const refused = compared.error?.code === "BAD_USER_INPUT";
  const there = useQuery(ids.length === 1 || refused ? THERE : null, { ids });
  const [chosen, setChosen] = useState("");
  const whole = refused ? null : compared.data?.compareBacktests;
  const runs = whole?.backtests ?? (there.data?.nodes ?? []).filter((run) => run?.symbol);
  const gone = there.data ? ids.length - runs.length : 0;
  const others = useQuery(OTHERS, { filter: runs[0] ? { ticker: runs[0].symbol.ticker } : null });
  const left = (others.data?.backtests.nodes ?? []).filter((run) => !ids.includes(run.id));
  const add = () => {
    if (chosen) set([...runs.map((run) => run.id), chosen]);
    setChosen("");
  };
  const takeOut = (id) => set(ids.filter((other) => other !== id));
  return html`<${Head} title="Compare backtests" named=${runs.length ? `Compare ${runs.map((run) => run.symbol.ticker).join(", ")} runs` : "Compare backtests"}
      actions=${html`<${Link} class="button" to="/reporting/backtests">All backtests<//>`}>Figures and curves of up to ${MOST} runs, on the days that all of them have.<//>
    <div class="stack">
      ${gone > 0 &&
      html`<div class="notice bad" role="alert">${gone === 1 ? "One of these backtests is" : `${gone} of these backtests are`} not there any more.
        ${runs.length > 0 && html` <button onClick=${() => set(runs.map((run) => run.id))}>Go on with the others</button>`}</div>`}
      ${ids.length > 1 && !whole && !refused && html`<${Waiting} query=${compared} lines=${10} />`}
      ${runs.length > 0 && html`<${Runs} of=${runs} takeOut=${takeOut} />`}
      ${ids.length < MOST &&
      html`<${Form} class="form beside" onSubmit=${add}>
        <${Field} label="Add a run" value=${chosen} onInput=${setChosen} options=${[["", left.length ? "Choose one" : "There are no others"], ...left.map((run) => [run.id, named(run)])]} />
        <div class="go"><button disabled=${!chosen}>Add it</button></div><${Mistakes} />
      <//>`}
      ${runs.length === 0 && (there.data || !ids.length) && html`<${Empty} title="Nothing to compare"><${Link} to="/reporting/backtests">Tick runs in the list<//>, then compare them.<//>`}
      ${whole && html`<${Compared} key=${ids.join()} of=${whole} ids=${ids} />`}
    </div>`;
}
