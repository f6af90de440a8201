// What pages are put together from.

import { html, useCallback, useEffect, useRef, useState, createContext, useContext } from "./vendor/preact-htm.js";
import { ask } from "./api.js";

export { html, useCallback, useEffect, useRef, useState, useContext };

/** Who is signed in, and how to become somebody else. */
export const Session = createContext({ viewer: null, askToSignIn() {} });

const ROLES = ["ANONYMOUS", "READER", "OPERATOR", "ADMIN"];

/** Whether the viewer's role suffices. */
export function useRole(role) {
  const { viewer } = useContext(Session);
  return ROLES.indexOf(viewer?.role ?? "ANONYMOUS") >= ROLES.indexOf(role);
}

// Navigation within the console.

const listeners = new Set();

export function go(path, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  for (const listener of listeners) listener();
}

export function usePath() {
  const read = () => location.pathname + location.search;
  const [path, setPath] = useState(read());
  useEffect(() => {
    const update = () => setPath(read());
    listeners.add(update);
    addEventListener("popstate", update);
    return () => {
      listeners.delete(update);
      removeEventListener("popstate", update);
    };
  }, []);
  return path;
}

export function Link({ to, children, ...rest }) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
    scrollTo(0, 0);
  };
  return html`<a href=${to} onClick=${follow} ...${rest}>${children}</a>`;
}

/** The theme that is on, told anew when it changes. */
export function useTheme() {
  const read = () => document.documentElement.dataset.theme;
  const [theme, setTheme] = useState(read());
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(read()));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, []);
  return theme;
}

/** Data of a query, asked again when its variables change. */
export function useQuery(query, variables = {}) {
  const key = JSON.stringify(variables);
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const latest = useRef(0);
  const { viewer } = useContext(Session);
  const load = useCallback(async () => {
    const turn = ++latest.current;
    setState((old) => ({ ...old, loading: true }));
    try {
      const data = await ask(query, JSON.parse(key));
      if (turn === latest.current) setState({ data, error: null, loading: false });
    } catch (error) {
      if (turn === latest.current) setState((old) => ({ ...old, error, loading: false }));
    }
  }, [query, key, viewer?.role]);
  useEffect(() => {
    load();
  }, [load]);
  return { ...state, reload: load };
}

/** Runs a mutation; gives what's under way, the mistakes by field, and a function that starts it. */
export function useAction(field, query) {
  const [state, setState] = useState({ busy: false, errors: [] });
  const { askToSignIn } = useContext(Session);
  const run = async (variables, via = ask) => {
    setState({ busy: true, errors: [] });
    try {
      const payload = (await via(query, variables))[field];
      setState({ busy: false, errors: payload.userErrors });
      return payload.userErrors.length ? null : payload;
    } catch (error) {
      setState({ busy: false, errors: [{ message: error.message }] });
      if (error.code === "UNAUTHENTICATED") askToSignIn();
      return null;
    }
  };
  return { ...state, run };
}

// Figures.

const DASH = "–";

export const number = (value, digits = 2) =>
  value === null || value === undefined
    ? DASH
    : Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
export const count = (value) => number(value, 0);
export const percent = (ratio, digits = 1) =>
  ratio === null || ratio === undefined ? DASH : `${number(ratio * 100, digits)} %`;
export const price = (value) => number(value, Math.abs(value) < 1 ? 4 : 2);
export const date = (value) => value ?? DASH;
export const moment = (value) => {
  if (!value) return DASH;
  const at = new Date(value);
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
};
export const words = (name) => (name ? name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ") : DASH);
export const side = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "");

/** A ratio in the colour of its sign. */
export const Change = ({ of, digits }) => html`<span class=${side(of)}>${of > 0 ? "+" : ""}${percent(of, digits)}</span>`;

// Parts.

export function Head({ title, children, actions, titleExtra }) {
  useEffect(() => {
    document.title = `${title} · Prospectus`;
  }, [title]);
  return html`<div class="head">
    <div>
      <h1>${title} ${titleExtra}</h1>
      ${children && html`<p>${children}</p>`}
    </div>
    ${actions && html`<div class="row">${actions}</div>`}
  </div>`;
}

export function Panel({ title, aside, children, id }) {
  return html`<section class="panel" aria-label=${title} id=${id}>
    ${title && html`<div class="panel-head"><h2>${title}</h2>${aside}</div>`} ${children}
  </section>`;
}

export function Figures({ of }) {
  return html`<dl class="figures">
    ${of.map(([name, value, tone]) => html`<div key=${name}><dt>${name}</dt><dd class=${tone ?? ""}>${value}</dd></div>`)}
  </dl>`;
}

/** Columns are {label, cell(row), num, lead, full}. */
export function Table({ label, columns, rows, empty, keyOf = (row) => row.id }) {
  if (!rows.length) return empty ?? null;
  const kind = (column) => [column.num && "num", column.lead && "lead", column.full && "full", column.wrap && "wrap"].filter(Boolean).join(" ");
  return html`<div class="table" tabindex="0" role="region" aria-label=${`${label}, table`}>
    <table>
      <thead>
        <tr>${columns.map((c) => html`<th scope="col" class=${kind(c)}>${c.label || html`<span class="skip">Actions</span>`}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          (row, i) => html`<tr key=${keyOf(row, i)}>
            ${columns.map((c) => html`<td class=${kind(c)} data-label=${c.label}>${c.cell(row, i)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong>${children}</div>`;
}

/** What a query has to say before its data can be shown; null when it's there. */
export function Waiting({ query }) {
  const { askToSignIn } = useContext(Session);
  if (query.error) {
    const shut = ["UNAUTHENTICATED", "FORBIDDEN"].includes(query.error.code);
    return html`<div class="notice bad" role="alert">
      ${query.error.message} ${" "}
      ${shut ? html`<button onClick=${askToSignIn}>Sign in</button>` : html`<button onClick=${query.reload}>Try again</button>`}
    </div>`;
  }
  return query.data ? null : html`<p class="muted" role="status">Loading…</p>`;
}

let ids = 0;

/** A field with its label; its mistakes are those of `errors` with its path. */
export function Field({ label, path, errors = [], hint, children, type = "text", value, onInput, options, class: kind = "", ...rest }) {
  const id = useRef(`f${++ids}`).current;
  const own = path ? errors.filter((error) => error.field && error.field.join(".").startsWith(path)) : [];
  const described = own.length || hint ? `${id}-d` : undefined;
  const shared = {
    id,
    value,
    "aria-invalid": own.length ? "true" : undefined,
    "aria-describedby": described,
    onInput: (event) => onInput(event.target.value),
    ...rest,
  };
  return html`<div class=${`field ${kind}`}>
    <label for=${id}>${label}</label>
    ${options
      ? html`<select ...${shared} onChange=${shared.onInput}>
          ${options.map(([name, text]) => html`<option value=${name} selected=${name === value}>${text}</option>`)}
        </select>`
      : html`<input type=${type} ...${shared} />`}
    ${described &&
    html`<div id=${described} class=${own.length ? "error" : "hint"} role=${own.length ? "alert" : undefined}>
      ${own.length ? own.map((error) => error.message).join(" ") : hint}
    </div>`}
    ${children}
  </div>`;
}

export function Check({ label, checked, onInput }) {
  return html`<label class="check"><input type="checkbox" checked=${checked} onChange=${(e) => onInput(e.target.checked)} /> ${label}</label>`;
}

/** Mistakes that no field of the form shows. */
export function Mistakes({ errors, paths = [] }) {
  const left = errors.filter((error) => !error.field || !paths.some((path) => error.field.join(".").startsWith(path)));
  if (!left.length) return null;
  return html`<div class="notice bad" role="alert">${left.map((error) => error.message).join(" ")}</div>`;
}

const TONES = {
  SUCCEEDED: "good", RUNNING: "busy", QUEUED: "busy", RETRYING: "warn", FAILED: "bad", CANCELLED: "",
  OPEN: "good", UPCOMING: "busy", LISTED: "", CLOSED: "", WITHDRAWN: "bad", POSTPONED: "warn",
};

export const Chip = ({ of, tone }) => html`<span class=${`chip ${tone ?? TONES[of] ?? ""}`}>${words(of)}</span>`;

/** A picture that the service draws, in the theme that is on and as wide as there's room: it counts two units a pixel. */
export function Picture({ src, alt }) {
  const theme = useTheme();
  const holder = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    // In steps, so that not every pixel of a window asks for another picture.
    const measure = () => setWidth(Math.min(2400, Math.max(560, Math.round(holder.current.clientWidth / 20) * 40)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  const path = new URL(src, location.origin);
  path.searchParams.set("theme", theme);
  path.searchParams.set("width", width);
  path.searchParams.set("title", "no");
  return html`<div ref=${holder}>${width > 0 && html`<img class="picture" src=${path.pathname + path.search} alt=${alt} />`}</div>`;
}

/** A link that is given absolute, as this page reaches it. */
export const local = (url) => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

/** A button that asks before it does something that can't be undone. */
export function Confirm({ label, question, confirm, onConfirm, tone = "danger" }) {
  const dialog = useRef(null);
  return html`<button class=${tone} onClick=${() => dialog.current.showModal()}>${label}</button>
    <dialog ref=${dialog} aria-label=${question}>
      <p>${question}</p>
      <div class="row">
        <button onClick=${() => dialog.current.close()}>Keep it</button>
        <button
          class="danger"
          onClick=${() => {
            dialog.current.close();
            onConfirm();
          }}
        >
          ${confirm}
        </button>
      </div>
    </dialog>`;
}

/** Pages of a list, one after the other. */
export function usePages(query, field, variables) {
  const key = JSON.stringify(variables);
  const [rows, setRows] = useState([]);
  const [more, setMore] = useState(null);
  const first = useQuery(query, { ...variables, after: null });
  useEffect(() => {
    if (first.data) {
      setRows(first.data[field].nodes);
      setMore(first.data[field].pageInfo.hasNextPage ? first.data[field].pageInfo.endCursor : null);
    }
  }, [first.data, key]);
  const loadMore = async () => {
    const page = (await ask(query, { ...variables, after: more }))[field];
    setRows((old) => [...old, ...page.nodes]);
    setMore(page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null);
  };
  return { ...first, rows, total: first.data?.[field].totalCount, loadMore: more ? loadMore : null };
}

export const More = ({ of }) => of.loadMore && html`<p><button onClick=${of.loadMore}>Show more</button></p>`;
