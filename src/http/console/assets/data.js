// Asking and doing: queries as hooks, actions with their mistakes, pages of lists.

import { useCallback, useEffect, useRef, useState, createContext, useContext } from "./vendor/preact-htm.js";
import { ask, forgetKept, Source, watchConnection } from "./api.js";

/** Who is signed in, how to become somebody else; `generation` grows when that changes. */
export const Session = createContext({ viewer: null, generation: 0, askToSignIn() {} });

const ROLES = ["ANONYMOUS", "READER", "OPERATOR", "ADMIN"];

/** Whether the viewer's role suffices. */
export function useRole(role) {
  const { viewer } = useContext(Session);
  return ROLES.indexOf(viewer?.role ?? "ANONYMOUS") >= ROLES.indexOf(role);
}

// What was answered last, shown at once on the way back and asked anew behind it.
const seen = new Map();
const MOST_SEEN = 40;
function remember(key, data, tag) {
  seen.delete(key);
  seen.set(key, { data, tag });
  if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value);
}
export function forgetAnswers() {
  seen.clear();
  forgetKept();
}

/**
 * What is read, first as it was when it was last read, then as it is; `show` is called once for each version. Nothing is
 * shown from before where it must be `fresh`.
 */
async function readTwice({ key, load, fresh, signal, show, fail }) {
  let known = fresh ? undefined : seen.get(key);
  if (known) show(known.data);
  else if (!fresh) {
    const source = new Source(true, signal);
    try {
      known = { data: await load(source), tag: source.tag };
      if (signal.aborted) return;
      remember(key, known.data, known.tag);
      show(known.data);
    } catch {
      // Nothing is kept.
    }
  }
  const source = new Source(false, signal);
  try {
    const data = await load(source);
    if (signal.aborted) return;
    const same = known && known.tag !== null && known.tag === source.tag;
    if (!same) remember(key, data, source.tag);
    show(same ? known.data : data);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

/** Data of a query, asked again when its variables change; `null` for a query asks nothing. A form starts from what is `fresh` alone. */
export function useQuery(query, variables = {}, { fresh = false } = {}) {
  const { generation } = useContext(Session);
  const key = `${generation} ${query} ${JSON.stringify(variables)}`;
  const [state, setState] = useState({ key, data: fresh ? null : (seen.get(key)?.data ?? null), error: null });
  const reading = useRef(null);
  const end = () => {
    reading.current?.stop.abort();
    reading.current = null;
  };
  const load = useCallback(async () => {
    if (query === null) return;
    // What is asked for meanwhile is read once more afterwards: to begin anew each time might never come to an end.
    if (reading.current?.key === key) return void (reading.current.again = true);
    end();
    const own = { key, stop: new AbortController(), again: true };
    reading.current = own;
    while (own.again && !own.stop.signal.aborted) {
      own.again = false;
      await readTwice({
        key, fresh, signal: own.stop.signal,
        load: (source) => (fresh ? ask(query, variables, source.signal) : source.ask(query, variables)),
        show: (data) => setState((old) => (old.key === key && old.data === data && !old.error ? old : { key, data, error: null })),
        fail: (error) => setState((old) => ({ ...old, key, error })),
      });
    }
    if (reading.current === own) reading.current = null;
  }, [key]);
  useEffect(() => {
    load();
    return end;
  }, [load]);
  useEffect(() => watchConnection((what) => what === "found" && load()), [load]);
  return { data: state.data, error: state.error, loading: state.key !== key || (!state.data && !state.error), reload: load };
}

/** A function that runs at most once in so many milliseconds, the last call never lost. */
export function useThrottled(run, wait = 1000) {
  const latest = useRef(run);
  latest.current = run;
  const timer = useRef(null);
  const last = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    if (timer.current) return;
    const fire = () => {
      timer.current = null;
      last.current = Date.now();
      latest.current();
    };
    timer.current = setTimeout(fire, Math.max(0, last.current + wait - Date.now()));
  }, [wait]);
}

/** Runs a mutation; gives what's under way, the mistakes by field, and a function that starts it. */
export function useAction(field, query) {
  const [state, setState] = useState({ busy: false, errors: [] });
  const { viewer, askToSignIn } = useContext(Session);
  const run = async (variables, via = ask) => {
    setState({ busy: true, errors: [] });
    try {
      const payload = (await via(query, variables))[field];
      setState({ busy: false, errors: payload.userErrors });
      return payload.userErrors.length ? null : payload;
    } catch (error) {
      const reader = error.code === "FORBIDDEN" && viewer?.role === "READER";
      const message = reader ? "Your token may only read: sign in with an operator's to do this." : error.message;
      setState({ busy: false, errors: [{ message, field: error.field }] });
      if (error.code === "UNAUTHENTICATED") askToSignIn();
      return null;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, errors: [] }) };
}

const LONGEST_PAGE = 500;
const MOST_EXPORTED = 50_000;

/** Pages of a list, one after the other. Loading anew keeps as many rows as are shown. */
export function usePages(query, field, variables) {
  const key = JSON.stringify(variables);
  const [later, setLater] = useState({ key, rows: [], page: null });
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const first = useQuery(query, { ...variables, after: null });
  const page = first.data?.[field];
  // What was loaded beyond the first page is of another list once that has changed.
  const beyond = later.key === key && later.of === page ? later : { rows: [], page: null };
  const info = (beyond.page ?? page)?.pageInfo;
  const rows = page ? [...page.nodes, ...beyond.rows] : [];
  const loadMore = async () => {
    if (busy) return;
    setBusy(true);
    setFailed(null);
    try {
      const next = (await ask(query, { ...variables, after: info.endCursor }))[field];
      setLater({ key, of: page, rows: [...beyond.rows, ...next.nodes], page: next });
    } catch (error) {
      setFailed(error);
    }
    setBusy(false);
  };
  /** Every row of the list, for a file. */
  const all = async () => {
    const found = [];
    for (let after = null; found.length < MOST_EXPORTED; ) {
      const next = (await ask(query, { ...variables, first: LONGEST_PAGE, after }))[field];
      found.push(...next.nodes);
      if (!next.pageInfo.hasNextPage) break;
      after = next.pageInfo.endCursor;
    }
    return found;
  };
  return { ...first, rows, all, total: page?.totalCount, busy, failed, loadMore: info?.hasNextPage ? loadMore : null };
}

/** Data that `load` reads from a source, read again when its key changes. */
export function useLoaded(key, load) {
  const { generation } = useContext(Session);
  const whole = `${generation} ${key}`;
  const [state, setState] = useState({ key: null, data: null, error: null });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    if (key === null) return undefined;
    const stop = new AbortController();
    readTwice({
      key: `loaded ${whole}`, load, signal: stop.signal,
      show: (data) => setState((old) => (old.key === whole && old.data === data && !old.error ? old : { key: whole, data, error: null })),
      fail: (error) => setState((old) => ({ key: whole, data: old.key === whole ? old.data : null, error })),
    });
    return () => stop.abort();
  }, [whole, again]);
  const fresh = state.key === whole;
  return { data: fresh ? state.data : null, error: fresh ? state.error : null, reload: () => setAgain(again + 1) };
}
