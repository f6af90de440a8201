// The parts of a form that build a strategy and say how its orders are carried out.

import { html, useEffect, useState, useQuery, Field, Check, Mistake, shareOf, percentOf } from "./ui.js";
import { OPERANDS, COMPARISONS, parameters, startOf } from "./strategy.js";

const LONGEST = 10_000;

function Operand({ label, of, set, path }) {
  const parts = parameters(of.name);
  return html`<div class="operand">
    <${Field} quiet label=${label} value=${of.name} options=${OPERANDS.map(([name, words]) => [name, words])} path=${parts.length ? undefined : path} onInput=${(name) => set(startOf(name))} />
    ${parts.map(([part, words], i) => {
      const free = part === "deviations" || of.name === "constant";
      return html`<${Field} key=${part} quiet class="days" label=${`${words} of ${label.toLowerCase()}`} type="number" required data-missing="A number."
        step=${free ? "any" : "1"} min=${free ? undefined : of.name === "rsi" ? "2" : "1"} max=${free ? undefined : LONGEST} unit=${free ? undefined : "days"}
        path=${i === 0 ? path : undefined} value=${of[part]} onInput=${(value) => set({ ...of, [part]: value })} />`;
    })}
  </div>`;
}

const NEXT = { left: { name: "rsi", value: 14 }, is: "BELOW", right: { name: "constant", value: 30 } };

/** A list of comparisons that are all to hold, or any of them. */
export function Conditions({ title, name, of, set }) {
  const base = `strategy.${name}`;
  if (of.raw !== undefined)
    return html`<fieldset><legend>${title}</legend>
      <p class="small muted">This rule is nested deeper than the form shows; it runs as it is.</p>
      <pre>${of.raw}</pre><${Mistake} path=${base} />
      <div class="row"><button type="button" onClick=${() => set({ join: "all", list: [NEXT] })}>Start afresh</button></div>
    </fieldset>`;
  const change = (i, part) => set({ ...of, list: of.list.map((c, n) => (n === i ? { ...c, ...part } : c)) });
  const many = of.list.length > 1;
  return html`<fieldset>
    <legend>${title}</legend>
    ${of.list.map((c, i) => {
      const path = many ? `${base}.${of.join}.${i}` : base;
      return html`<div key=${i}><div class="condition">
          <${Operand} label=${`${title}: what`} of=${c.left} set=${(left) => change(i, { left })} path=${`${path}.compare.left`} />
          <${Field} quiet label=${`${title}: how`} value=${c.is} options=${COMPARISONS} onInput=${(is) => change(i, { is })} />
          <${Operand} label=${`${title}: compared with`} of=${c.right} set=${(right) => change(i, { right })} path=${`${path}.compare.right`} />
          ${many && html`<button type="button" onClick=${() => set({ ...of, list: of.list.filter((_, n) => n !== i) })} aria-label=${`Remove condition ${i + 1}`}>Remove</button>`}
        </div><${Mistake} path=${path} /></div>`;
    })}
    ${many && html`<${Mistake} path=${base} />`}
    <div class="row">
      <button type="button" onClick=${() => set({ ...of, list: [...of.list, NEXT] })}>And another condition</button>
      ${many && html`<${Field} quiet label="Which must hold" value=${of.join} options=${[["all", "All of them"], ["any", "Any of them"]]} onInput=${(join) => set({ ...of, join })} />`}
    </div>
  </fieldset>`;
}

/** What was typed, once the fingers rest. */
function useSettled(value) {
  const [settled, setSettled] = useState(value.trim());
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value.trim()), 200);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** A symbol with prices, asked for on the server while one types. */
export function TickerField({ value, onInput, path = "ticker", label = "Symbol", ...rest }) {
  const asked = useSettled(value);
  const list = useQuery("query($q: String) { symbols(first: 20, filter: { hasPrices: true, search: $q }) { nodes { ticker name } } }", { q: asked || null });
  const nodes = list.data?.symbols.nodes ?? [];
  const id = `tickers-${path}`;
  return html`<${Field} label=${label} path=${path} value=${value} onInput=${onInput} required data-missing="Choose a symbol." list=${id} autocomplete="off" placeholder="IBM" ...${rest}>
    <datalist id=${id}>${nodes.map((s) => html`<option key=${s.ticker} value=${s.ticker}>${s.name ?? ""}</option>`)}</datalist>
  <//>`;
}

const ADJUSTMENTS = [["NONE", "As traded"], ["SPLITS", "Adjusted for splits"], ["TOTAL_RETURN", "Adjusted for splits and dividends"]];
export const adjustmentSaid = (adjustment) => (ADJUSTMENTS.find(([name]) => name === adjustment)?.[1] ?? adjustment).toLowerCase();
// As a phone's form has room for.
const CHOICES = [["NONE", "Nothing"], ["SPLITS", "Splits"], ["TOTAL_RETURN", "Splits and dividends"]];
/** What a run's prices are adjusted for, in words that stand among others. */
export const pricesSaid = (adjustment) => (adjustment === "NONE" ? "" : "prices ") + adjustmentSaid(adjustment);
/** What an address names; one of before there were three says only that prices are adjusted, or not. */
export const adjustmentOf = (run) => run?.adjustment ?? (run?.adjusted === false ? "NONE" : null);

const ONE_DAY = "series(from: $day, to: $day";
const FIRST_DAY = "query($t: String!) { symbol(ticker: $t) { source firstDate } }";
const USUAL = `query($t: String!, $day: Date!) { symbol(ticker: $t) { plain: ${ONE_DAY}) { close } splits: ${ONE_DAY}, adjustment: SPLITS) { close } all: ${ONE_DAY}, adjustment: TOTAL_RETURN) { close } } }`;

/** What prices are adjusted for where nobody has chosen: what the service takes for the symbol; null until that is known. */
export function useUsual(ticker) {
  const asked = useSettled(ticker);
  const symbol = useQuery(asked ? FIRST_DAY : null, { t: asked }).data?.symbol;
  const day = symbol?.firstDate;
  const first = useQuery(day ? USUAL : null, { t: asked, day }).data?.symbol;
  if (!first || asked !== ticker.trim()) return null;
  // What was paid since shows in the first close; where nothing was, both are the same prices, and the source tells.
  const [plain, splits, all] = [first.plain, first.splits, first.all].map(({ close }) => close[0]);
  return plain === all && (plain !== splits || symbol.source === "ALPHA_VANTAGE") ? "TOTAL_RETURN" : "SPLITS";
}

export const Prices = ({ value, onInput }) =>
  html`<${Field} label="Prices adjusted for" path="adjustment" value=${value ?? ""} onInput=${onInput} options=${value ? CHOICES : [["", "The usual"], ...CHOICES]} />`;

const COST = "A percentage from 0 to 50, such as 0.2.";

/** How orders are carried out, as a part of a form. */
export function Execution({ of, set }) {
  const put = (name) => (value) => set({ ...of, [name]: value });
  const cost = { type: "number", min: "0", max: "50", step: "any", required: true, unit: "%", says: COST, "data-missing": "0 for none." };
  return html`<${Field} label="Initial investment" type="number" min="1" max="1e15" step="any" required path="execution.initialCash" value=${of.initialCash} onInput=${put("initialCash")} />
    <${Field} label="Orders are filled" value=${of.fill} path="execution.fill" options=${[["NEXT_OPEN", "At the next open"], ["SAME_CLOSE", "At the same close"]]} onInput=${put("fill")} />
    <${Field} label="Commission, %" path="execution.commission" value=${of.commission} onInput=${put("commission")} ...${cost} />
    <${Field} label="Slippage, %" path="execution.slippage" value=${of.slippage} onInput=${put("slippage")} ...${cost} />
    <${Check} label="Whole shares only" checked=${of.wholeShares} onInput=${put("wholeShares")} />`;
}

export const startingExecution = { initialCash: 10000, fill: "NEXT_OPEN", commission: 0.2, slippage: 0, wholeShares: true };
export const executionInput = (x) => ({
  initialCash: Number(x.initialCash),
  fill: x.fill,
  commission: shareOf(x.commission),
  slippage: shareOf(x.slippage),
  wholeShares: x.wholeShares,
});
export const executionForm = (x) => ({ ...startingExecution, ...x, commission: percentOf(x.commission ?? 0), slippage: percentOf(x.slippage ?? 0) });
/** Costs in words, as results name them. */
export const costsOf = (x) => {
  const parts = [x.commission > 0 && `commission ${percentOf(x.commission)} %`, x.slippage > 0 && `slippage ${percentOf(x.slippage)} %`].filter(Boolean);
  return parts.length ? parts.join(", ") : "no costs";
};
