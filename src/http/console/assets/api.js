// The console is a client of the GraphQL API and nothing else.

import { events } from "./events.js";

const OWN = { "x-prospectus-console": "1" };
const HEADERS = { "content-type": "application/json", ...OWN };

/** What the service refused, or what went wrong on the way. */
export class ApiError extends Error {
  constructor(message, code, field) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

// Whether the service is reached, and whether the session is still good: told to whoever listens.

const watchers = new Set();
let reached = true;

/** Calls back with "lost", "found" and "ended"; gives what stops it. */
export function watchConnection(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
const tell = (what) => watchers.forEach((watcher) => watcher(what));

function reaches(now) {
  if (now === reached) return;
  reached = now;
  tell(now ? "found" : "lost");
}

/** Whether the service answers; what it found is told to all. */
export async function probe() {
  try {
    reaches((await fetch("/healthz", { cache: "no-store" })).ok);
  } catch {
    reaches(false);
  }
  return reached;
}

const EXPECTED = { Int: "Type a whole number.", Float: "Type a number.", Decimal: "Type an amount such as 71.50.", BigInt: "Type a whole number.", Date: "Type a date such as 2026-11-20." };

/** The words of a parser become a person's, with the field that they are about where it's named. */
function failure(errors) {
  const [{ message, extensions }] = errors;
  const code = extensions?.code;
  const path = /(?:argument|variable|at) "?\$?(?:input\.)?([\w.]+)"?/.exec(message)?.[1];
  const type = /expected (?:type )?"(\w+)/.exec(message)?.[1] ?? /Failed to parse "(\w+)"/.exec(message)?.[1];
  if (type || /occurred while parsing|Invalid value for/.test(message)) {
    const field = path && path !== "input" ? path.split(".") : undefined;
    return new ApiError(EXPECTED[type] ?? "A value of this form can't be read. Look through its figures and dates.", code ?? "BAD_USER_INPUT", field);
  }
  return new ApiError(message, code);
}

async function answer(request, signal, address = "/graphql") {
  let response;
  try {
    response = await fetch(address, { method: "POST", credentials: "same-origin", signal, ...request });
  } catch (error) {
    if (signal?.aborted) throw error;
    reaches(false);
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  reaches(true);
  return [await dataOf(response), response.headers.get("etag")];
}

async function dataOf(response) {
  const body = await response.json().catch(() => null);
  if (!body) {
    const wait = response.status === 429 || response.status === 503 ? " Try again in a moment." : "";
    throw new ApiError(`The service answered with ${response.status}.${wait}`, "MALFORMED");
  }
  if (body.errors?.length) {
    const failed = failure(body.errors);
    if (failed.code === "UNAUTHENTICATED") tell("ended");
    throw failed;
  }
  return body.data;
}

/** Runs a query or a mutation and gives its data. */
export async function ask(query, variables = {}, signal) {
  return (await answer({ headers: HEADERS, body: JSON.stringify({ query, variables }) }, signal))[0];
}

// What is read goes by GET, so that the browser keeps it under its address and its cookie: on the way back, and after a
// reload, what was answered last is shown at once, and what hasn't changed since isn't sent again.

const LONGEST_ADDRESS = 6000;

/** The address of a query; null where it is too long for one. */
function addressOf(query, variables) {
  const address = `/graphql?${new URLSearchParams({ query: query.replace(/\s+/g, " "), variables: JSON.stringify(variables) })}`;
  return address.length > LONGEST_ADDRESS ? null : address;
}

// Which addresses were read lately, as hashes: to ask the browser for one that it doesn't have would ask the service twice.
const KEPT = "kept";
const MOST_KEPT = 300;
let names = null;

function keptNames() {
  try {
    names ??= new Set(JSON.parse(localStorage.getItem(KEPT) ?? "[]"));
  } catch {
    names = new Set();
  }
  return names;
}

const nameOf = (address) => {
  let hash = 2166136261;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 16777619);
  return (hash >>> 0).toString(36);
};

function nowKept(address) {
  const name = nameOf(address);
  const known = keptNames();
  if (known.has(name)) return;
  known.add(name);
  if (known.size > MOST_KEPT) known.delete(known.values().next().value);
  localStorage.setItem(KEPT, JSON.stringify([...known]));
}

/** What was read belongs to who has read it. */
export function forgetKept() {
  names = new Set();
  localStorage.removeItem(KEPT);
}

class Unkept extends Error {}

/** What the browser has kept of an address, as it was. */
async function keptAt(address, signal) {
  if (!address || !keptNames().has(nameOf(address))) throw new Unkept();
  const response = await fetch(address, { cache: "force-cache", credentials: "same-origin", headers: OWN, signal });
  if (!response.ok) throw new Unkept();
  return response;
}

/** Reads for one purpose, and remembers by `tag` which versions were read; one of what is `kept` asks nobody. */
export class Source {
  constructor(kept, signal) {
    this.kept = kept;
    this.signal = signal;
    this.tags = [];
  }
  get tag() {
    return this.tags.includes(null) ? null : this.tags.join();
  }
  async ask(query, variables = {}) {
    const address = addressOf(query, variables);
    if (this.kept) {
      const response = await keptAt(address, this.signal);
      this.tags.push(response.headers.get("etag"));
      const body = await response.json();
      if (body.errors?.length) throw new Unkept();
      return body.data;
    }
    const request = address ? { method: "GET", headers: OWN, cache: "no-cache" } : { headers: HEADERS, body: JSON.stringify({ query, variables }) };
    const [data, tag] = await answer(request, this.signal, address ?? undefined);
    this.tags.push(tag);
    if (address && tag) nowKept(address);
    return data;
  }
  async read(path, as = "text") {
    const response = this.kept ? await keptAt(path, this.signal) : await fetched(path, this.signal);
    this.tags.push(response.headers.get("etag"));
    nowKept(path);
    return response[as]();
  }
}

/** Runs a mutation with one file, by the GraphQL multipart request specification. */
export function upload(query, variables, path, file) {
  const form = new FormData();
  form.append("operations", JSON.stringify({ query, variables }));
  form.append("map", JSON.stringify({ 0: [path] }));
  form.append("0", file);
  return answer({ headers: OWN, body: form }).then(([data]) => data);
}

/** What the service makes beside GraphQL: a report's JSON, a chart's SVG as text, a PDF as bytes. */
export async function read(path, signal, as = "text") {
  return (await fetched(path, signal))[as]();
}

async function fetched(path, signal) {
  let response;
  try {
    // What names its version is the same for good, and where the browser has it, nobody is asked.
    const cache = path.includes("&v=") ? "default" : "no-cache";
    response = await fetch(path, { credentials: "same-origin", headers: OWN, cache, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    reaches(false);
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  reaches(true);
  if (response.ok) return response;
  const codes = { 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND" };
  throw new ApiError(response.status === 404 ? "There is no such thing" : `The service answered with ${response.status}`, codes[response.status]);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads a stream of events; true once the service says that there will be no more. */
async function ends(response, next) {
  for await (const { kind, data } of events(response)) {
    if (kind === "complete") return true;
    if (kind !== "next") continue;
    const message = JSON.parse(data);
    if (message.data) next(message.data);
    else if (message.errors) return true;
  }
  return false;
}

/** Follows a subscription over server-sent events, to its end or until the function that it gives is called. */
export function follow(query, variables, next) {
  const stop = new AbortController();
  const run = async () => {
    for (let wait = 1000; !stop.signal.aborted; wait = Math.min(wait * 2, 15_000)) {
      try {
        const headers = { ...HEADERS, accept: "text/event-stream" };
        const response = await fetch("/graphql", { method: "POST", credentials: "same-origin", headers, body: JSON.stringify({ query, variables }), signal: stop.signal });
        reaches(true);
        // Asking again wouldn't change a refusal.
        if (response.status === 401 || response.status === 403) return tell("ended");
        if (response.status >= 400 && response.status < 500 && response.status !== 429) return;
        if (response.ok && (await ends(response, (data) => { wait = 1000; next(data); }))) return;
      } catch {
        if (stop.signal.aborted) return;
        await probe();
      }
      await pause(wait);
    }
  };
  run();
  return () => stop.abort();
}

/** Turns a token into a cookie that scripts can't read. */
export async function signIn(token) {
  let response;
  try {
    response = await fetch("/session", { method: "POST", credentials: "same-origin", headers: HEADERS, body: JSON.stringify({ token }) });
  } catch {
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  if (response.ok) return response.json();
  const body = await response.json().catch(() => null);
  throw new ApiError(body?.error?.message ?? body?.errors?.[0]?.message ?? `Signing in did not work: the service answered with ${response.status}.`, "UNAUTHENTICATED");
}

export async function signOut() {
  try {
    await fetch("/session", { method: "DELETE", credentials: "same-origin", headers: HEADERS });
  } catch {
    reaches(false);
    throw new ApiError("The service can't be reached, so you are still signed in.", "OFFLINE");
  }
}
