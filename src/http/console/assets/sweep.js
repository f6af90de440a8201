// A sweep that leads to a decision: a map to read and open, ordered by what is left when the windows are a little off.

import { html, useMemo, useState, Head, Panel, Figures, Table, Empty, Waiting, isGone, useQuery, useLoaded, useAddress, useAction, useRole, Field, Link, Menu, Mistakes, Picture, Change, go, local, count, number, percent, signed, fileName, many } from "./ui.js";
import { ask, follow } from "./api.js";
import { Heatmap } from "./heatmap.js";
import { bestCells, gridOf, neighbourhood, plateau, valuesOf } from "./heat.js";
import { runAddress } from "./strategy.js";
import { costsOf, pricesSaid } from "./strategyform.js";
import { sweepAddress } from "./newsweep.js";
import { Deleting, Naming } from "./named.js";

/** Beyond this, a picture and the best pairs are enough to send. */
const MOST_DRAWN = 300_000;
const ABOUT = `query($id: ID!) { node(id: $id) { ... on Sweep { id name combinations from to stale createdAt adjustment heatmapUrl(by: SHARPE) symbol { ticker firstDate lastDate }
  execution { initialCash fill commission slippage wholeShares } } } }`;
const COLUMNS = `query($id: ID!) { node(id: $id) { ... on Sweep { columns { buyWindow sellWindow totalReturn maxDrawdown sharpe tradeCount } } } }`;
const HOLD = `query($t: String!, $from: Date!, $to: Date!, $adjustment: Adjustment!) { symbol(ticker: $t) { series(from: $from, to: $to, adjustment: $adjustment) { close } } }`;
const RUN = `mutation($input: RunBacktestInput!) { runBacktest(input: $input) { backtest { id } userErrors { message field } } }`;
const SWEEP = `mutation($input: SweepBacktestsInput!) { sweepBacktests(input: $input) { sweep { id } job { id } userErrors { message } } }`;

const METRICS = [["sharpe", "Sharpe ratio", number], ["totalReturn", "Total return", (v) => signed(v)], ["maxDrawdown", "Maximum drawdown", (v) => percent(v)]];
const ORDERS = [["around", "3 × 3 median"], ["pair", "Pair alone"]];

/** What holding over the same dates, with the same costs, would have brought. */
function holdOf(closes, { commission, slippage }) {
  if (!closes?.length) return null;
  return (closes.at(-1) * (1 - slippage) * (1 - commission)) / (closes[0] * (1 + slippage) * (1 + commission)) - 1;
}

/** Runs a sweep to its end, at once or as a job, and gives its id. */
async function sweepThrough(input) {
  const made = (await ask(SWEEP, { input })).sweepBacktests;
  if (made.userErrors.length) throw new Error(made.userErrors[0].message);
  if (made.sweep) return made.sweep.id;
  return new Promise((resolve, reject) => {
    const stop = follow("subscription($id: ID) { jobUpdated(id: $id) { state message sweep { id } } }", { id: made.job.id }, ({ jobUpdated: job }) => {
      if (job.sweep) resolve(job.sweep.id);
      else if (["FAILED", "CANCELLED"].includes(job.state)) reject(new Error(job.message ?? "The sweep was cancelled"));
      else return;
      stop();
    });
  });
}

function useSweep(id) {
  const about = useQuery(id ? ABOUT : null, { id });
  const sweep = about.data?.node;
  const small = !sweep?.symbol || sweep.combinations <= MOST_DRAWN;
  // Asked for at once, beside what the sweep is; let go if that says that it's too large.
  const query = useLoaded(id && small ? `columns ${id}` : null, (source) => source.ask(COLUMNS, { id }));
  const columns = query.data?.node?.columns;
  const held = useQuery(sweep?.symbol ? HOLD : null, { t: sweep?.symbol?.ticker, from: sweep?.from, to: sweep?.to, adjustment: sweep?.adjustment });
  const grid = useMemo(() => columns && gridOf(columns), [columns]);
  const hold = sweep?.execution && held.data ? holdOf(held.data.symbol?.series.close, sweep.execution) : null;
  return { about, query, sweep, columns, grid, hold, small };
}

function SweepMap({ of, by, order, open, small }) {
  const [, name, show] = METRICS.find(([metric]) => metric === by);
  const values = useMemo(() => {
    const plain = valuesOf(of.grid, of.columns[by]);
    return order === "around" ? neighbourhood(of.grid, plain) : plain;
  }, [of.grid, by, order]);
  const title = order === "around" ? `median ${name} around` : name;
  return html`<${Heatmap} grid=${of.grid} columns=${of.columns} values=${values} title=${title} show=${show} hold=${of.hold} open=${open} small=${small}
    label=${`${name} of every pair of ${of.sweep.symbol.ticker}, ${of.sweep.from} to ${of.sweep.to}`} />`;
}

function Half({ id, title, by, order, open }) {
  const of = useSweep(id);
  if (isGone(of.about) || (of.about.data && !of.sweep?.symbol)) return html`<${Panel} title=${title}><p class="muted">It is not there any more: go back to all dates and divide them again.</p><//>`;
  // Either may be answered first, its columns or what it is.
  if (!of.grid || !of.sweep) return html`<${Panel} title=${title}><${Waiting} query=${of.about.data ? of.query : of.about} /><//>`;
  return html`<${Panel} title=${`${title}, ${of.sweep.from} to ${of.sweep.to}`}><p class="small muted">Holding: ${signed(of.hold)}. <${Link} to=${`/reporting/sweeps/${id}`}>This half alone<//></p>
    <${SweepMap} of=${of} by=${by} order=${order} open=${open(of.sweep)} small /><//>`;
}

export function SweepPage({ part }) {
  const [by, setBy] = useAddress("by", "sharpe");
  const [order, setOrder] = useAddress("order", "around");
  const [halves, setHalves] = useAddress("halves");
  const operator = useRole("OPERATOR");
  const run = useAction("runBacktest", RUN);
  const [dividing, setDividing] = useState({ busy: false, errors: [] });
  const of = useSweep(part);
  const { sweep, columns, grid, hold } = of;
  const metric = METRICS.find(([name]) => name === by) ?? METRICS[0];
  const ranked = useMemo(() => {
    if (!grid) return null;
    const plain = valuesOf(grid, columns[metric[0]]);
    const around = neighbourhood(grid, plain);
    return { plain, around, cells: bestCells(grid, order === "around" ? around : plain, 15), area: hold === null ? null : plateau(grid, valuesOf(grid, columns.totalReturn), hold) };
  }, [grid, metric[0], order, hold]);
  if (isGone(of.about) || (of.about.data && !sweep?.symbol)) return html`<${Head} title="Sweep" /><${Empty} title="There is no such sweep"><${Link} to="/reporting/sweeps">All sweeps<//><//>`;
  if (!sweep) return html`<${Head} title="Sweep" waiting /><${Waiting} query=${of.about} lines=${8} />`;
  const { ticker } = sweep.symbol;
  const base = { ticker, adjustment: sweep.adjustment, execution: sweep.execution };
  const open = (of_) => async (buy, sell) => {
    const input = { ...base, strategy: { buy: { priceBelowSma: buy }, sell: { priceAboveSma: sell } }, from: of_.from, to: of_.to };
    // Who may not run it gets the form, filled in.
    if (!operator) return go(runAddress(input));
    const made = await run.run({ input });
    if (made) go(`/reporting/backtests/${made.backtest.id}`);
  };
  const range = (list) => ({ from: list[0], to: list.at(-1), step: list.length > 1 ? list[1] - list[0] : 1 });
  const divide = async () => {
    setDividing({ busy: true, errors: [] });
    try {
      const middle = new Date((Date.parse(sweep.from) + Date.parse(sweep.to)) / 2).toISOString().slice(0, 10);
      const after = new Date(Date.parse(middle) + 86_400_000).toISOString().slice(0, 10);
      const input = { ...base, buyBelowSma: range(grid.buys), sellAboveSma: range(grid.sells) };
      const first = await sweepThrough({ ...input, from: sweep.from, to: middle });
      const second = await sweepThrough({ ...input, from: after, to: sweep.to });
      setDividing({ busy: false, errors: [] });
      setHalves(`${first},${second}`);
    } catch (error) {
      setDividing({ busy: false, errors: [error] });
    }
  };
  const row = (cell) => grid.row[cell];
  const list = [
    {
      label: "Windows, days", lead: true, csv: [["buy below", (c) => columns.buyWindow[row(c)]], ["sell above", (c) => columns.sellWindow[row(c)]]],
      cell: (c) => html`<button class="plain link" title="Open it as a backtest" onClick=${() => open(sweep)(columns.buyWindow[row(c)], columns.sellWindow[row(c)])}>buy below ${columns.buyWindow[row(c)]}, sell above ${columns.sellWindow[row(c)]}</button>`,
    },
    { label: `${metric[1]}, around`, num: true, cell: (c) => metric[2](ranked.around[c]), csv: (c) => ranked.around[c] },
    { label: "Return", num: true, key: true, cell: (c) => html`<${Change} of=${columns.totalReturn[row(c)]} />`, csv: (c) => columns.totalReturn[row(c)] },
    { label: "Sharpe", num: true, cell: (c) => number(columns.sharpe[row(c)]), csv: (c) => columns.sharpe[row(c)] },
    { label: "Drawdown", num: true, prio: 2, cell: (c) => percent(columns.maxDrawdown[row(c)]), csv: (c) => columns.maxDrawdown[row(c)] },
    { label: "Trades", num: true, prio: 2, cell: (c) => count(columns.tradeCount[row(c)]), csv: (c) => columns.tradeCount[row(c)] },
  ];
  const again = grid && sweepAddress({ ...base, buy: range(grid.buys), sell: range(grid.sells), from: sweep.symbol.firstDate === sweep.from ? "" : sweep.from, to: sweep.symbol.lastDate === sweep.to ? "" : sweep.to });
  const every = grid && Array.from(grid.row.keys()).filter((cell) => grid.row[cell] >= 0);
  return html`<${Head} title=${sweep.name ?? `${ticker} sweep`} named=${`${sweep.name ? `${sweep.name}, ` : ""}${ticker} sweep of ${many(sweep.combinations, "pair")}, ${sweep.from} to ${sweep.to}`}
      actions=${html`${again ? html`<${Link} class="button primary" to=${again}>Edit and run again<//>` : of.small && html`<button class="primary" disabled>Edit and run again</button>`}<${Naming} kind="Sweep" id=${part} name=${sweep.name} done=${of.about.reload} />
        <${Link} class="button" to="/reporting/sweeps">All sweeps<//><${Menu}><${Deleting} kind="Sweep" id=${part} named=${sweep.name ?? `the sweep of ${ticker}`} /><//>`}>
      ${many(sweep.combinations, "pair")} of windows from ${sweep.from} to ${sweep.to}, ${costsOf(sweep.execution)}, ${pricesSaid(sweep.adjustment)}.
    <//>
    <div class="stack">
      ${sweep.stale && html`<div class="notice">The prices have changed since this was run.</div>`}
      <${Mistakes} errors=${[...run.errors, ...dividing.errors]} />
      ${!of.small
        ? html`<${Panel} title="Sharpe ratio of every pair"><p class="small muted">So many pairs are shown as a picture; take larger steps for a map to work with.</p><${Picture} src=${local(sweep.heatmapUrl)} version=${`${sweep.createdAt} ${ticker}`} alt="Heatmap of the Sharpe ratio by buy and sell window" units=${952} /><//>`
        : !grid
          ? html`<${Waiting} query=${of.query} lines=${10} />`
          : html`<${Figures} of=${[
                ["Pairs", count(sweep.combinations)],
                ["Buy and hold", html`<${Change} of=${hold} />`],
                ["Pairs above holding", ranked.area ? percent(ranked.area.above / sweep.combinations, 0) : "–"],
                ["Largest area above it", ranked.area ? many(ranked.area.size, "pair") : "–"],
              ]} />
              <div class="form">
                <${Field} label="Show" value=${by} onInput=${setBy} options=${METRICS.map(([name, text]) => [name, text])} />
                <${Field} label="By" value=${order} onInput=${setOrder} options=${ORDERS} />
                ${operator && !halves && html`<div class="go"><button onClick=${divide} disabled=${dividing.busy}>${dividing.busy ? "Running both…" : "First half beside second"}</button></div>`}
              </div>
              ${halves
                ? html`<div class="row"><button onClick=${() => setHalves("")}>Back to all dates</button><span class="small muted">What holds in both halves is less likely to be luck.</span></div>
                    <div class="versus">${halves.split(",").slice(0, 2).map((id, i) => html`<${Half} key=${id} id=${id} title=${i ? "Second half" : "First half"} by=${metric[0]} order=${order} open=${open} />`)}</div>`
                : html`<${Panel} title=${`${metric[1]} of every pair`}><${SweepMap} of=${of} by=${metric[0]} order=${order} open=${open(sweep)} />
                    <p class="small muted">${ranked.area?.size > 1 ? "Outlined: the largest area of pairs that beat holding." : ranked.area ? "No two neighbours beat holding." : "\u00a0"}</p><//>`}
              <${Panel} title=${order === "around" ? "The best regions" : "The best pairs"}>
                <p class="small muted">${order === "around" ? "Ordered by the median of each pair and its eight neighbours: a lone peak is luck, a plateau may be more." : "The best of many tries look better than they will be."}</p>
                <${Table} label="The best pairs" columns=${list} rows=${ranked.cells} keyOf=${(c) => c} csv=${fileName(ticker, "sweep", sweep.from, sweep.to)} all=${async () => every} />
              <//>`}
    </div>`;
}
