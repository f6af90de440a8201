// How figures, dates and names read.

const DASH = "–";
const missing = (value) => value === null || value === undefined || value === "";

export const number = (value, digits = 2) =>
  missing(value)
    ? DASH
    : Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/^-(?=[0.,]*$)/, "").replace("-", "−");
export const count = (value) => number(value, 0);
/** "1 day", "2 days". */
export const many = (value, what) => `${count(value)} ${what}${Number(value) === 1 ? "" : "s"}`;
export const percent = (ratio, digits = 1) => (missing(ratio) ? DASH : `${number(ratio * 100, digits)} %`);
export const signed = (ratio, digits = 1) => (missing(ratio) ? DASH : `${ratio > 0 ? "+" : ""}${percent(ratio, digits)}`);
export const price = (value) => number(value, Math.abs(value) < 1 ? 4 : 2);
/** A decimal of the API, which is exact, with the digits that it has: two at least. */
export const decimal = (text) => {
  if (missing(text)) return DASH;
  const [whole, part = ""] = String(text).split(".");
  return `${count(whole)}.${part.replace(/0+$/, "").padEnd(2, "0")}`;
};
export const times = (value) => (missing(value) ? DASH : `${number(value)}×`);
export const date = (value) => value ?? DASH;
export const side = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "");

const two = (n) => String(n).padStart(2, "0");
export const moment = (value) => {
  if (!value) return DASH;
  const at = new Date(value);
  return `${isoDay(at)} ${two(at.getHours())}:${two(at.getMinutes())}`;
};

/** A date of this browser's calendar as text. */
export const isoDay = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** Today, or so many months or days away from it. */
export function dayFromNow({ months = 0, days = 0 } = {}) {
  const at = new Date();
  // A month has no 31st day everywhere; the last one it has is taken.
  const day = at.getDate();
  at.setDate(1);
  at.setMonth(at.getMonth() + months);
  at.setDate(Math.min(day, new Date(at.getFullYear(), at.getMonth() + 1, 0).getDate()) + days);
  return isoDay(at);
}

/** Weekdays from one date to another, which is how old a price is. */
export function weekdaysSince(day) {
  if (!day) return 0;
  let at = Date.parse(day);
  const now = Date.now();
  if (now - at > 40 * 86_400_000) return 29;
  let days = 0;
  for (at += 86_400_000; at <= now; at += 86_400_000) if (![0, 6].includes(new Date(at).getUTCDay())) days++;
  return days;
}

const WORDS = {
  REFRESH_SYMBOL: "Refresh prices", REFRESH_IPOS: "Fetch IPOs", SWEEP: "Sweep", TRAIN_MODEL: "Train a model",
  IMPORT_PRICES: "Import a file", REFRESH_MARKET: "Fetch market days", ALPHA_VANTAGE: "Alpha Vantage", NSE: "NSE", BSE: "BSE",
  NYSE: "NYSE", NASDAQ: "Nasdaq", OTHER: "Other", SME: "SME", MAINBOARD: "Main board", CSV: "A file", MANUAL: "An administrator",
  SAMPLE: "A sample", ONNX: "ONNX", END_OF_DATA: "End of data", EndOfData: "End of data", StopLoss: "Stop loss", TakeProfit: "Take profit",
};
export const words = (name) => (name ? (WORDS[name] ?? name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ")) : DASH);

/** Whether a provider is asked for a symbol's prices: none knows what came from a file, or with the exchange's daily files. */
export const isFetched = (s) => !["NSE", "CSV", "ADJUSTED_CSV"].includes(s.source);

// What a symbol's prices are stated in: GBP, or GBP/100 where pence are quoted.
export const unit = (s) => (s.currency && s.quotationUnit && Number(s.quotationUnit) !== 1 ? `${s.currency}/${Math.round(1 / s.quotationUnit)}` : s.currency);

const IPO_FIELDS = {
  name: "Name", ticker: "Symbol", exchange: "Exchange", board: "Board", status: "Status", standing: "Withdrawn or postponed", subscription: "Subscription",
  priceBandLow: "Band from", priceBandHigh: "Band to", issuePrice: "Issue price", currency: "Currency", lotSize: "Lot", issueSize: "Shares",
  openDate: "Opens", closeDate: "Closes", listingDate: "Lists", faceValue: "Face value", registrar: "Registrar", isin: "ISIN",
};
/** What a field of an IPO is called on the pages. */
export const fieldName = (name) => IPO_FIELDS[name] ?? words(name.replace(/([A-Z])/g, "_$1").toUpperCase());

const SHORTER = [
  [/; (?:starts with|trades) .*$/, ""], [/^Buys when /, ""], [/, sells when /, " → "], [/\bthe (?:close|price)\b/g, "close"],
  // Before the plain average, which its name begins like.
  [/\b(?:its|the) (\d+)-day average true range/g, "ATR $1"],
  [/\b(?:its|the) (\d+)-day exponential average(?: of closes)?/g, "EMA $1"], [/\b(?:its|the) (\d+)-day average(?: of closes)?/g, "SMA $1"],
  [/\b(?:its|the) (\d+)-day RSI/g, "RSI $1"],
  [/\b(?:its|the) (\d+)-day (high|low)(?: of closes)?/g, "$1-day $2"],
  [/\b(?:its|the) (lower|upper) Bollinger band \((\d+) days, ([\d.]+) deviations\)/g, "$1 band $2"],
  [/\b(?:its|the) MACD (line|signal) \(([^)]*)\)/g, "MACD $1 $2"], [/crosses below/g, "falls through"], [/crosses above/g, "rises through"],
  [/is below/g, "<"], [/is above/g, ">"], [/, or ([\d.]+ %) below the entry price/, ", stop $1"], [/, or ([\d.]+ %) above (?:it|the entry price)/, ", target $1"],
  [/\bthe (open|high|low)\b/g, "$1"], [/\.$/, ""], [/ %/g, "%"],
];
/** A strategy's sentence as a name that tells runs apart: "close < SMA 50 → close > SMA 200, stop 5%". */
export const shortRun = (description) => SHORTER.reduce((text, [from, to]) => text.replace(from, to), description ?? "");

/** A part of a file's name. */
export const fileName = (...parts) =>
  parts.filter(Boolean).join("-").replace(/</g, "below").replace(/>/g, "above").replace(/→/g, "to").replace(/[^\w.]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 100);
