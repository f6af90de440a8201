// The console is a client of the GraphQL API and nothing else.

const HEADERS = { "content-type": "application/json", "x-prospectus-console": "1" };

/** What the service refused, or what went wrong on the way. */
export class ApiError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

function failure(errors) {
  const [first] = errors;
  return new ApiError(first.message, first.extensions?.code);
}

async function answer(request) {
  let response;
  try {
    response = await fetch("/graphql", { method: "POST", credentials: "same-origin", ...request });
  } catch {
    throw new ApiError("The service can't be reached. Is it running?", "OFFLINE");
  }
  const body = await response.json().catch(() => null);
  if (!body) throw new ApiError(`The service answered with ${response.status}`, "MALFORMED");
  if (body.errors?.length) throw failure(body.errors);
  return body.data;
}

/** Runs a query or a mutation and gives its data. */
export function ask(query, variables = {}) {
  return answer({ headers: HEADERS, body: JSON.stringify({ query, variables }) });
}

/** Runs a mutation with one file, by the GraphQL multipart request specification. */
export function upload(query, variables, path, file) {
  const form = new FormData();
  form.append("operations", JSON.stringify({ query, variables }));
  form.append("map", JSON.stringify({ 0: [path] }));
  form.append("0", file);
  return answer({ headers: { "x-prospectus-console": "1" }, body: form });
}

/** Follows a subscription over server-sent events until the function that it gives is called. */
export function follow(query, variables, next) {
  const stop = new AbortController();
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        const response = await fetch("/graphql", {
          method: "POST",
          credentials: "same-origin",
          headers: { ...HEADERS, accept: "text/event-stream" },
          body: JSON.stringify({ query, variables }),
          signal: stop.signal,
        });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          text += value;
          const events = text.split("\n\n");
          text = events.pop();
          for (const event of events) {
            const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
            if (!event.includes("event: next") && !event.includes("event:next")) continue;
            const message = JSON.parse(data);
            if (message.data) next(message.data);
          }
        }
      } catch {
        // It's tried again below.
      }
      if (!stop.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  };
  run();
  return () => stop.abort();
}

/** Turns a token into a cookie that scripts can't read. */
export async function signIn(token) {
  const response = await fetch("/session", {
    method: "POST",
    credentials: "same-origin",
    headers: HEADERS,
    body: JSON.stringify({ token }),
  });
  if (response.ok) return response.json();
  const body = await response.json().catch(() => null);
  throw new ApiError(body?.errors?.[0]?.message ?? "Signing in did not work", "UNAUTHENTICATED");
}

export function signOut() {
  return fetch("/session", { method: "DELETE", credentials: "same-origin", headers: HEADERS });
}
