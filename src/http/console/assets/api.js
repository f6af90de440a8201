// The console is a client of the GraphQL API and nothing else.

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

async function answer(request, signal) {
  let response;
  try {
    response = await fetch("/graphql", { method: "POST", credentials: "same-origin", signal, ...request });
  } catch (error) {
    if (signal?.aborted) throw error;
    reaches(false);
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  reaches(true);
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
export function ask(query, variables = {}, signal) {
  return answer({ headers: HEADERS, body: JSON.stringify({ query, variables }) }, signal);
}

/** Runs a mutation with one file, by the GraphQL multipart request specification. */
export function upload(query, variables, path, file) {
  const form = new FormData();
  form.append("operations", JSON.stringify({ query, variables }));
  form.append("map", JSON.stringify({ 0: [path] }));
  form.append("0", file);
  return answer({ headers: OWN, body: form });
}

/** What the service makes beside GraphQL: a report's JSON, a chart's SVG as text, a PDF as bytes. */
export async function read(path, signal, as = "text") {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", headers: OWN, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    reaches(false);
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  reaches(true);
  if (response.ok) return response[as]();
  const codes = { 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND" };
  throw new ApiError(response.status === 404 ? "There is no such thing" : `The service answered with ${response.status}`, codes[response.status]);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads a stream of events; true once the service says that there will be no more. */
async function events(response, next) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    text += value;
    const parts = text.split(/\r?\n\r?\n/);
    text = parts.pop();
    for (const part of parts) {
      const lines = part.split(/\r?\n/);
      const kind = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
      if (kind === "complete") return true;
      if (kind !== "next") continue;
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
      const message = JSON.parse(data);
      if (message.data) next(message.data);
      else if (message.errors) return true;
    }
  }
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
        if (response.ok && (await events(response, (data) => { wait = 1000; next(data); }))) return;
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
  throw new ApiError(body?.errors?.[0]?.message ?? `Signing in did not work: the service answered with ${response.status}.`, "UNAUTHENTICATED");
}

export async function signOut() {
  try {
    await fetch("/session", { method: "DELETE", credentials: "same-origin", headers: HEADERS });
  } catch {
    reaches(false);
    throw new ApiError("The service can't be reached, so you are still signed in.", "OFFLINE");
  }
}
