// The form that builds a strategy and runs it; what it holds is in the address.

import { html, useEffect, useState, Head, Panel, Form, Field, Mistakes, Needs, useAction, useRole, go, setQuery, shareOf, percentOf } from "./ui.js";
import { Conditions, Execution, Prices, TickerField, adjustmentOf, executionForm, executionInput, startingExecution, useUsual } from "./strategyform.js";
import { conditionForm, conditionInput, runOf, strategyName } from "./strategy.js";

const RUN = `mutation($input: RunBacktestInput!) { runBacktest(input: $input) { backtest { id } userErrors { message field } } }`;
const START = { strategy: { buy: { priceBelowSma: 50 }, sell: { priceAboveSma: 200 } } };

export function NewBacktest({ query }) {
  const [start] = useState(() => runOf(query) ?? START);
  const [ticker, setTicker] = useState(query.get("symbol") ?? "");
  const [buy, setBuy] = useState(() => conditionForm(start.strategy.buy));
  const [sell, setSell] = useState(() => conditionForm(start.strategy.sell));
  const [stops, setStops] = useState({ stopLoss: percentOf(start.strategy.stopLoss), takeProfit: percentOf(start.strategy.takeProfit) });
  const [execution, setExecution] = useState(start.execution ? executionForm(start.execution) : startingExecution);
  const [span, setSpan] = useState({ from: query.get("from") ?? "", to: query.get("to") ?? "" });
  const [chosen, setChosen] = useState(() => adjustmentOf(start));
  const usual = useUsual(ticker);
  const operator = useRole("OPERATOR");
  const run = useAction("runBacktest", RUN);
  const strategy = { buy: conditionInput(buy), sell: conditionInput(sell), stopLoss: shareOf(stops.stopLoss), takeProfit: shareOf(stops.takeProfit) };
  const given = { strategy, execution: executionInput(execution), adjustment: chosen ?? undefined };
  const text = JSON.stringify(given);
  const [first] = useState(text);
  useEffect(() => {
    if (text === first && !query.get("run") && ticker === (query.get("symbol") ?? "") && !span.from && !span.to) return undefined;
    const timer = setTimeout(() => setQuery({ symbol: ticker, from: span.from, to: span.to, run: text === JSON.stringify(START) ? "" : text }), 300);
    return () => clearTimeout(timer);
  }, [text, ticker, span.from, span.to]);
  const submit = async () => {
    const made = await run.run({ input: { ticker, from: span.from || null, to: span.to || null, ...given, adjustment: chosen ?? usual } });
    if (made) go(`/reporting/backtests/${made.backtest.id}`);
  };
  return html`<${Head} title="New backtest" named=${ticker ? `New backtest of ${ticker}` : undefined}>While there are no shares only the buying rule is looked at, while there are some only the selling rule.<//>
    <${Form} class="stack" errors=${run.errors} onSubmit=${submit}>
      <${Needs} to="Running a backtest" />
      <${Panel} title="Symbol and dates">
        <div class="form">
          <${TickerField} value=${ticker} onInput=${setTicker} />
          <${Field} label="From" type="date" path="from" value=${span.from} max=${span.to || undefined} onInput=${(from) => setSpan({ ...span, from })} hint="Empty: from the first day" />
          <${Field} label="To" type="date" path="to" value=${span.to} min=${span.from || undefined} onInput=${(to) => setSpan({ ...span, to })} hint="Empty: to the last day" />
          <${Prices} value=${chosen ?? usual} onInput=${(of) => setChosen(of || null)} />
        </div>
      <//>
      <${Panel} title="Strategy">
        <div class="stack">
          <${Conditions} title="Buy when" name="buy" of=${buy} set=${setBuy} />
          <${Conditions} title="Sell when" name="sell" of=${sell} set=${setSell} />
          <div class="form short">
            <${Field} label="Stop loss, %" type="number" min="0.0001" max="99.99" step="any" unit="%" says="A percentage above 0 and below 100, such as 5; empty for none." hint="Below the price paid; empty for none" path="strategy.stopLoss" value=${stops.stopLoss} onInput=${(stopLoss) => setStops({ ...stops, stopLoss })} />
            <${Field} label="Take profit, %" type="number" min="0.0001" max="99999" step="any" unit="%" says="A percentage above 0, such as 20; empty for none." hint="Above the price paid; empty for none" path="strategy.takeProfit" value=${stops.takeProfit} onInput=${(takeProfit) => setStops({ ...stops, takeProfit })} />
          </div>
        </div>
      <//>
      <${Panel} title="Money and orders"><div class="form"><${Execution} of=${execution} set=${setExecution} /></div><//>
      <p class="muted" aria-live="polite">${strategyName(strategy)}</p>
      <${Mistakes} />
      <div class="row"><button class="primary" disabled=${run.busy || !operator}>${run.busy ? "Running…" : "Run the backtest"}</button></div>
    <//>`;
}
