// Strategies as the form holds them, as the API takes them, as reports store them, and as an address carries them.

/** Operands: name in the API, words, parameters as [name, words, start]. */
export const OPERANDS = [
  ["price", "Close", []],
  ["open", "Open", []],
  ["high", "High", []],
  ["low", "Low", []],
  ["sma", "SMA", [["value", "Days", 50]]],
  ["ema", "EMA", [["value", "Days", 20]]],
  ["rsi", "RSI", [["value", "Days", 14]]],
  ["highest", "Highest close", [["value", "Days", 20]]],
  ["lowest", "Lowest close", [["value", "Days", 20]]],
  ["bollingerLower", "Bollinger low", [["value", "Days", 20], ["deviations", "Deviations", 2]]],
  ["bollingerUpper", "Bollinger high", [["value", "Days", 20], ["deviations", "Deviations", 2]]],
  ["macd", "MACD", [["fast", "Fast", 12], ["slow", "Slow", 26], ["signal", "Signal", 9]]],
  ["macdSignal", "MACD signal", [["fast", "Fast", 12], ["slow", "Slow", 26], ["signal", "Signal", 9]]],
  ["atr", "ATR", [["value", "Days", 14]]],
  ["constant", "Number", [["value", "Value", 30]]],
];
export const COMPARISONS = [["BELOW", "is below"], ["ABOVE", "is above"], ["CROSSES_BELOW", "falls through"], ["CROSSES_ABOVE", "rises through"]];
const SIGNS = { BELOW: "<", ABOVE: ">", CROSSES_BELOW: "falls through", CROSSES_ABOVE: "rises through" };
export const parameters = (name) => OPERANDS.find(([known]) => known === name)?.[2] ?? [];
export const startOf = (name) => Object.fromEntries([["name", name], ...parameters(name).map(([part, , start]) => [part, start])]);

const PRICES = { price: "CLOSE", open: "OPEN", high: "HIGH", low: "LOW" };

// From the form to the API.

export function operandInput(of) {
  if (PRICES[of.name]) return { price: PRICES[of.name] };
  if (of.name.startsWith("bollinger")) return { [of.name]: { window: Number(of.value), deviations: Number(of.deviations ?? 2) } };
  if (of.name.startsWith("macd")) return { [of.name]: { fast: Number(of.fast), slow: Number(of.slow), signal: Number(of.signal) } };
  return { [of.name]: Number(of.value) };
}

export function conditionInput(of) {
  if (of.raw !== undefined) return JSON.parse(of.raw);
  const inputs = of.list.map((c) => ({ compare: { left: operandInput(c.left), is: c.is, right: operandInput(c.right) } }));
  return inputs.length === 1 ? inputs[0] : { [of.join]: inputs };
}

// From the API to the form.

function operandForm(input) {
  const [[name, value]] = Object.entries(input);
  if (name === "price") return { name: Object.keys(PRICES).find((field) => PRICES[field] === value) ?? "price" };
  if (name.startsWith("bollinger")) return { name, value: value.window ?? 20, deviations: value.deviations ?? 2 };
  if (name.startsWith("macd")) return { name, fast: value.fast ?? 12, slow: value.slow ?? 26, signal: value.signal ?? 9 };
  return { name, value };
}

function comparison(input) {
  if (input.compare) return { left: operandForm(input.compare.left), is: input.compare.is, right: operandForm(input.compare.right) };
  const sma = (is, value) => ({ left: { name: "price" }, is, right: { name: "sma", value } });
  if (input.priceBelowSma !== undefined) return sma("BELOW", input.priceBelowSma);
  if (input.priceAboveSma !== undefined) return sma("ABOVE", input.priceAboveSma);
  return null;
}

/** A condition for the form; what is nested deeper than the form shows stays as it is, as text. */
export function conditionForm(input) {
  const one = comparison(input);
  if (one) return { join: "all", list: [one] };
  const join = input.all ? "all" : "any";
  const list = (input.all ?? input.any ?? []).map(comparison);
  if (list.length && list.every(Boolean)) return { join, list };
  return { raw: JSON.stringify(input, null, 1) };
}

// From a stored report to the API.

const lowered = (name) => name.charAt(0).toLowerCase() + name.slice(1);

function storedOperand(stored) {
  const [[name, value]] = Object.entries(stored);
  return name === "Price" ? { price: value.toUpperCase() } : { [lowered(name)]: value };
}

export function storedCondition(stored) {
  const [[kind, of]] = Object.entries(stored);
  if (kind === "compare") return { compare: { left: storedOperand(of.left), is: of.is.toUpperCase(), right: storedOperand(of.right) } };
  if (kind === "not") return { not: storedCondition(of) };
  return { [kind]: of.map(storedCondition) };
}

/** The input that would run a stored backtest again. */
export function storedRun(report) {
  const { strategy, execution } = report;
  return {
    strategy: { buy: storedCondition(strategy.buy), sell: storedCondition(strategy.sell), stopLoss: strategy.stop_loss, takeProfit: strategy.take_profit },
    execution: storedExecution(execution),
    adjustment: report.adjustment,
  };
}
export const storedExecution = (x) => ({ initialCash: x.initial_cash, fill: x.fill.toUpperCase(), commission: x.commission, slippage: x.slippage, wholeShares: x.whole_shares });

/** The operands that a condition of the API looks at. */
export function operandsOf(input) {
  if (input.compare) return [input.compare.left, input.compare.right];
  if (input.priceBelowSma !== undefined) return [{ sma: input.priceBelowSma }];
  if (input.priceAboveSma !== undefined) return [{ sma: input.priceAboveSma }];
  if (input.not) return operandsOf(input.not);
  return (input.all ?? input.any ?? []).flatMap(operandsOf);
}

/** The comparisons of a condition of the API, however they are joined. */
export function comparisonsOf(input) {
  if (input.compare) return [input.compare];
  if (input.not) return comparisonsOf(input.not);
  return (input.all ?? input.any ?? []).flatMap(comparisonsOf);
}

// Words.

export function operandName(input) {
  const form = operandForm(input);
  const [, words] = OPERANDS.find(([known]) => known === form.name) ?? [null, form.name];
  if (form.name === "constant") return String(form.value);
  if (PRICES[form.name]) return words.toLowerCase();
  if (form.name.startsWith("macd")) return `${words} ${form.fast} ${form.slow} ${form.signal}`;
  return `${words} ${form.value}${form.deviations && form.deviations !== 2 ? ` × ${form.deviations}` : ""}`;
}

/** A condition of the API in short: "close < SMA 50 and RSI 14 < 30". */
export function conditionName(input, inside = false) {
  const one = comparison(input);
  if (one) return `${operandName(operandInput(one.left))} ${SIGNS[one.is] ?? one.is} ${operandName(operandInput(one.right))}`;
  if (input.not) return `not (${conditionName(input.not)})`;
  const [parts, word] = input.all ? [input.all, " and "] : [input.any ?? [], " or "];
  const text = parts.map((part) => conditionName(part, true)).join(word);
  return inside && parts.length > 1 ? `(${text})` : text;
}

const whole = (share) => `${Number((share * 100).toPrecision(6))}%`;
/** A strategy of the API as a run's name. */
export function strategyName({ buy, sell, stopLoss, takeProfit }) {
  return `${conditionName(buy)} → ${conditionName(sell)}${stopLoss ? `, stop ${whole(stopLoss)}` : ""}${takeProfit ? `, target ${whole(takeProfit)}` : ""}`;
}

// In an address.

/** Where a run's form is, filled in. */
export function runAddress({ ticker, from, to, ...run }) {
  const query = new URLSearchParams();
  if (ticker) query.set("symbol", ticker);
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  query.set("run", JSON.stringify(run));
  return `/reporting/backtests/new?${query}`;
}

/** What an address says of a run; null if it says nothing that can be read. */
export function runOf(query) {
  try {
    const run = JSON.parse(query.get("run") ?? "null");
    if (!run?.strategy?.buy || !run.strategy.sell) return null;
    conditionForm(run.strategy.buy);
    conditionForm(run.strategy.sell);
    return run;
  } catch {
    return null;
  }
}
