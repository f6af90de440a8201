// The form of a sweep: two ranges of windows, dates and costs; what it holds is in the address.

import { html, useEffect, useState, Head, Panel, Form, Field, Mistake, Mistakes, Needs, useAction, useRole, go, setQuery, count, many } from "./ui.js";
import { Execution, Prices, TickerField, adjustmentOf, executionForm, executionInput, startingExecution, useUsual } from "./strategyform.js";
import { JobWatch } from "./jobs.js";

const RUN = `mutation($input: SweepBacktestsInput!) { sweepBacktests(input: $input) { sweep { id } job { id state message done total } userErrors { message field } } }`;
/** More pairs than this are refused. */
const MOST_PAIRS = 1_000_000;

function Range({ title, name, of, set }) {
  const put = (part) => (value) => set({ ...of, [part]: value });
  const days = { type: "number", step: "1", required: true, "data-missing": "A number of days.", max: 10000, unit: "days" };
  return html`<fieldset><legend>${title}</legend><div class="form">
      <${Field} label="From, days" min="1" ...${days} path=${`${name}.from`} value=${of.from} onInput=${put("from")} />
      <${Field} label="To, days" ...${days} min=${Number(of.from) || 1} path=${`${name}.to`} value=${of.to} onInput=${put("to")} />
      <${Field} label="Step" ...${days} min="1" path=${`${name}.step`} value=${of.step} onInput=${put("step")} />
    </div><${Mistake} path=${name} /></fieldset>`;
}

const whole = ({ from, to, step }) => ({ from: Number(from), to: Number(to), step: Number(step) });
const windows = ({ from, to, step }) => Math.max(0, Math.floor((to - from) / step) + 1) || 0;

function given(query) {
  try {
    return JSON.parse(query.get("sweep") ?? "null");
  } catch {
    return null;
  }
}

/** Where the form is, filled in. */
export function sweepAddress({ ticker, from, to, ...sweep }) {
  const query = new URLSearchParams();
  if (ticker) query.set("symbol", ticker);
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  query.set("sweep", JSON.stringify(sweep));
  return `/reporting/sweeps/new?${query}`;
}

export function NewSweep({ query }) {
  const [start] = useState(() => given(query));
  const [ticker, setTicker] = useState(query.get("symbol") ?? "");
  const [buy, setBuy] = useState(start?.buy ?? { from: 5, to: 100, step: 5 });
  const [sell, setSell] = useState(start?.sell ?? { from: 20, to: 250, step: 5 });
  const [execution, setExecution] = useState(start?.execution ? executionForm(start.execution) : startingExecution);
  const [span, setSpan] = useState({ from: query.get("from") ?? "", to: query.get("to") ?? "" });
  const [chosen, setChosen] = useState(() => adjustmentOf(start));
  const usual = useUsual(ticker);
  const [job, setJob] = useState(null);
  const operator = useRole("OPERATOR");
  const run = useAction("sweepBacktests", RUN);
  const input = { buy: whole(buy), sell: whole(sell), execution: executionInput(execution), adjustment: chosen ?? undefined };
  const text = JSON.stringify(input);
  const [first] = useState(text);
  useEffect(() => {
    if (text === first && ticker === (query.get("symbol") ?? "") && !span.from && !span.to) return undefined;
    const timer = setTimeout(() => setQuery({ symbol: ticker, from: span.from, to: span.to, sweep: text }), 300);
    return () => clearTimeout(timer);
  }, [text, ticker, span.from, span.to]);
  const submit = async () => {
    const made = await run.run({ input: { ticker, buyBelowSma: input.buy, sellAboveSma: input.sell, execution: input.execution, adjustment: chosen ?? usual, from: span.from || null, to: span.to || null } });
    if (made?.sweep) go(`/reporting/sweeps/${made.sweep.id}`);
    else if (made) setJob(made.job);
  };
  const pairs = windows(input.buy) * windows(input.sell);
  const toomany = pairs > MOST_PAIRS;
  return html`<${Head} title="New sweep" named=${ticker ? `New sweep of ${ticker}` : undefined}>Buys below one moving average, sells above another: every pair of windows at once.<//>
    <${Form} class="stack" errors=${run.errors} onSubmit=${submit}>
      <${Needs} to="Running a sweep" />
      <${Panel} title="Symbol and dates"><div class="form">
        <${TickerField} value=${ticker} onInput=${setTicker} />
        <${Field} label="From" type="date" path="from" value=${span.from} max=${span.to || undefined} onInput=${(from) => setSpan({ ...span, from })} hint="Empty: from the first day" />
        <${Field} label="To" type="date" path="to" value=${span.to} min=${span.from || undefined} onInput=${(to) => setSpan({ ...span, to })} hint="Empty: to the last day" />
        <${Prices} value=${chosen ?? usual} onInput=${(of) => setChosen(of || null)} />
      </div><//>
      <${Panel} title="Windows" aside=${html`<span class=${toomany ? "error" : "muted small"} role="status">${many(pairs, "pair")}${toomany ? `; at most ${count(MOST_PAIRS)}: take larger steps or shorter ranges` : ""}</span>`}>
        <div class="stack">
          <${Range} title="Buy below the average of" name="buyBelowSma" of=${buy} set=${setBuy} />
          <${Range} title="Sell above the average of" name="sellAboveSma" of=${sell} set=${setSell} />
        </div>
      <//>
      <${Panel} title="Money and orders"><div class="form"><${Execution} of=${execution} set=${setExecution} /></div><//>
      <${Mistakes} />
      ${job && html`<${JobWatch} key=${job.id} id=${job.id} initial=${job} done=${(ended) => ended.sweep && go(`/reporting/sweeps/${ended.sweep.id}`)} />`}
      <div class="row"><button class="primary" disabled=${run.busy || !operator}>${run.busy ? "Running…" : "Run the sweep"}</button></div>
    <//>`;
}
