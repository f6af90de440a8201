// Runs beside each other: figures in columns with the better one marked, inputs that differ, curves from one start.

import { html, lazy, useLoaded, useState, Head, Panel, Table, Empty, Waiting, Form, Field, Link, setQuery, useQuery, count, number, percent, signed, shortRun, fileName } from "./ui.js";
import { reportOf, againAddress } from "./backtest.js";
import { storedRun, strategyName, conditionName } from "./strategy.js";
import { percentOf } from "./form.js";

const Curves = lazy(() => import("./curves.js"), "Curves", 520);
const MOST = 8;

const OTHERS = `query($ticker: String) { backtests(first: 100, filter: { ticker: $ticker }) { nodes { id description createdAt symbol { ticker } } } }`;

const FIGURES = [
  ["Total return", (r) => r.metrics.total_return, (v) => signed(v, 2), 1], ["Buy and hold", (r) => r.metrics.buy_and_hold_return, (v) => signed(v, 2), 0],
  ["A year (CAGR)", (r) => r.metrics.cagr, (v) => signed(v, 2), 1], ["Maximum drawdown", (r) => r.metrics.max_drawdown, (v) => percent(v, 2), 1],
  ["Longest drawdown, days", (r) => r.metrics.max_drawdown_days, count, -1], ["Sharpe ratio", (r) => r.metrics.sharpe, number, 1],
  ["Sortino ratio", (r) => r.metrics.sortino, number, 1], ["Calmar ratio", (r) => r.metrics.calmar, number, 1], ["Volatility", (r) => r.metrics.volatility, percent, -1],
  ["Exposure", (r) => r.metrics.exposure, percent, 0], ["Trades", (r) => r.metrics.trade_count, count, 0], ["Winners", (r) => r.metrics.win_rate, percent, 1],
  ["Profit factor", (r) => r.metrics.profit_factor, number, 1], ["Worst trade", (r) => r.metrics.worst_trade, (v) => signed(v, 2), 1], ["Fees paid", (r) => r.metrics.fees_paid, number, -1],
];
const share = (value) => (value === null ? "none" : `${percentOf(value)} %`);
const INPUTS = [
  ["Symbol", (r) => r.symbol.ticker], ["Buy when", (r) => conditionName(storedRun(r).strategy.buy)], ["Sell when", (r) => conditionName(storedRun(r).strategy.sell)],
  ["Stop loss", (r) => share(r.strategy.stop_loss)], ["Take profit", (r) => share(r.strategy.take_profit)], ["From", (r) => r.from], ["To", (r) => r.to],
  ["Prices", (r) => (r.adjusted ? "adjusted" : "as traded")], ["Initial investment", (r) => number(r.execution.initial_cash, 0)], ["Filled at", (r) => (r.execution.fill === "next_open" ? "the next open" : "the same close")],
  ["Commission", (r) => share(r.execution.commission)], ["Slippage", (r) => share(r.execution.slippage)], ["Shares", (r) => (r.execution.whole_shares ? "whole" : "fractions")], ["Data version", (r) => r.data_version],
];

/** The best of a row of figures; -1 where there is no better or worse. */
function bestOf(values, sign) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (!sign || known.length < 2) return -1;
  const best = sign > 0 ? Math.max(...known) : Math.min(...known);
  return known.every((value) => value === best) ? -1 : values.indexOf(best);
}

export function Compare({ query }) {
  const ids = [...new Set((query.get("ids") ?? "").split(",").filter(Boolean))].slice(0, MOST);
  const set = (next) => setQuery({ ids: next.join(",") });
  const all = useLoaded(`compare ${ids.join(",")}`, (signal) => Promise.all(ids.map((id) => reportOf(id)(signal).catch((error) => { if (signal.aborted) throw error; return { id, error }; }))));
  const [chosen, setChosen] = useState("");
  const found = (all.data ?? []).filter((r) => !r.error);
  const gone = (all.data ?? []).filter((r) => r.error);
  const others = useQuery(OTHERS, { ticker: found[0]?.symbol.ticker ?? null });
  const letter = (i) => String.fromCharCode(65 + i);
  const left = (others.data?.backtests.nodes ?? []).filter((b) => !ids.includes(b.id));
  const named = (b) => `${b.symbol.ticker} ${shortRun(b.description)}`;
  const add = () => {
    if (chosen) set([...ids, chosen]);
    setChosen("");
  };
  const of = (rows, extra) => [
    { label: "", lead: true, cell: ([name]) => name, csv: [["", ([name]) => name]] },
    ...found.map((r, i) => ({ label: letter(i), num: true, ...extra(r, i) })),
  ];
  const figures = of(FIGURES, (r, i) => ({
    cell: ([, value, show, sign]) => {
      const best = bestOf(found.map(value), sign) === i;
      return best ? html`<strong title="The best of these">${show(value(r))} <span aria-label="the best">✓</span></strong>` : show(value(r));
    },
    csv: [[named({ symbol: r.symbol, description: r.description }), ([, value]) => value(r)]],
  }));
  const differing = INPUTS.filter(([, value]) => new Set(found.map(value)).size > 1);
  const same = INPUTS.filter(([, value]) => new Set(found.map(value)).size === 1);
  const inputs = of(differing, (r) => ({ num: false, wrap: true, cell: ([, value]) => value(r), csv: [[named({ symbol: r.symbol, description: r.description }), ([, value]) => value(r)]] }));
  return html`<${Head} title="Compare backtests" named=${found.length ? `Compare ${found.map((r) => r.symbol.ticker).join(", ")} runs` : "Compare backtests"}
      actions=${html`<${Link} class="button" to="/reporting/backtests">All backtests<//>`}>Figures and curves of up to ${MOST} runs.<//>
    <div class="stack">
      ${gone.length > 0 && html`<div class="notice bad" role="alert">${gone.length === 1 ? "One of these backtests is" : `${gone.length} of these backtests are`} not there any more.</div>`}
      ${ids.length > 0 && !all.data && html`<${Waiting} query=${all} lines=${8} />`}
      ${ids.length < MOST &&
      html`<${Form} class="form" onSubmit=${add}>
        <${Field} label="Add a run" value=${chosen} onInput=${setChosen} options=${[["", left.length ? "Choose one" : "There are no others"], ...left.map((b) => [b.id, named(b)])]} class="wide" />
        <div class="row wide"><button disabled=${!chosen}>Add it</button></div>
      <//>`}
      ${found.length === 0 && all.data && html`<${Empty} title="Nothing to compare"><${Link} to="/reporting/backtests">Tick runs in the list<//>, then compare them.<//>`}
      ${found.length > 0 &&
      html`<${Panel} title="Runs"><ol class="runs">
          ${found.map((r, i) => html`<li key=${r.id}><span class=${`key-${(i % 5) + 1}`}><span class="swatch"></span><strong>${letter(i)}</strong></span>
            <${Link} to=${`/reporting/backtests/${r.id}`}>${r.symbol.ticker} ${strategyName(storedRun(r).strategy)}<//> <span class="small muted">${r.from} to ${r.to}</span>
            <span class="row"><${Link} class="button small" to=${againAddress(r)}>Edit and run again<//><button class="small" onClick=${() => set(ids.filter((id) => id !== r.id))} aria-label=${`Take out ${letter(i)}`}>Take out</button></span></li>`)}
        </ol><//>
        <${Panel} title="Equity, each from 100"><${Curves} key=${found.map((r) => r.id).join()} of=${found} letter=${letter} /><//>
        <${Panel} title="Figures"><${Table} label="Figures of the runs" columns=${figures} rows=${FIGURES} keyOf=${([name]) => name} stays csv=${fileName("compare", ...found.map((r) => r.symbol.ticker))} /><//>
        ${found.length > 1 &&
        html`<${Panel} title="What differs">
          <${Table} label="Inputs that differ" columns=${inputs} rows=${differing} keyOf=${([name]) => name} empty=${html`<p class="muted">Nothing: the runs have the same inputs.</p>`} />
          ${same.length > 0 && differing.length > 0 && html`<p class="small muted beneath">The same in all: ${same.map(([name, value]) => `${name.toLowerCase()} ${value(found[0])}`).join("; ")}.</p>`}
        <//>`}`}
    </div>`;
}
