// What pages are put together from.

import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useContext } from "./vendor/preact-htm.js";
import { Session, useLoaded } from "./data.js";
import { read } from "./api.js";
import { arrival } from "./route.js";
import { save } from "./csv.js";
import { signed, side, weekdaysSince, words } from "./format.js";

export { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useContext };
export * from "./format.js";
export * from "./route.js";
export * from "./data.js";
export * from "./form.js";
export * from "./table.js";

const BUILD = new URL(import.meta.url).pathname.split("/")[3];

/** The theme that is on, told anew when it changes. */
export function useTheme() {
  const now = () => document.documentElement.dataset.theme;
  const [theme, setTheme] = useState(now());
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(now()));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, []);
  return theme;
}

/** A ratio in the colour of its sign. */
export const Change = ({ of, digits }) => html`<span class=${side(of)}>${signed(of, digits)}</span>`;

// Parts.

const DAY = /(\d{4}-\d\d-\d\d)/;
/** Text whose dates don't break at their hyphens. */
export const whole = (part) =>
  Array.isArray(part) ? part.map(whole) : typeof part === "string" && DAY.test(part) ? part.split(DAY).map((piece, i) => (i % 2 ? html`<span class="whole">${piece}</span>` : piece)) : part;

/** A page's heading, with room for what is still to come where it's `waiting`: it gets the focus when one comes from another page, and its name goes to the window and the screen reader. */
export function Head({ title, children, actions, titleExtra, named, waiting }) {
  const heading = useRef(null);
  const full = named ?? title;
  useEffect(() => {
    document.title = `${full} · Prospectus`;
    const live = document.getElementById("announce");
    if (live && arrival.how !== "load") live.textContent = full;
  }, [full]);
  useEffect(() => {
    if (arrival.how === "push") heading.current.focus({ preventScroll: true });
  }, []);
  return html`<div class=${`head ${waiting ? "waiting" : ""}`}>
    <div>
      <h1 tabindex="-1" ref=${heading}>${title}${titleExtra && html` ${titleExtra}`}</h1>
      ${children && html`<p>${whole(children)}</p>`}
    </div>
    ${actions && html`<div class="row">${actions}</div>`}
  </div>`;
}

export function Panel({ title, aside, children, id }) {
  return html`<section class="panel" aria-label=${title} id=${id}>
    ${title && html`<div class="panel-head"><h2>${title}</h2>${aside}</div>`} ${children}
  </section>`;
}

/** Figures are [name, value, {tone, note, length, title}]; a value is never broken, it shrinks to its tile. */
export function Figures({ of, big }) {
  return html`<dl class=${`figures by-${of.length} ${big ? "big" : ""}`}>
    ${of.map(([name, value, { tone, note, length, title } = {}]) => {
      const letters = length ?? (typeof value === "string" ? value.length : 9);
      return html`<div key=${name}><dt>${whole(name)}</dt><dd class=${`${tone ?? ""} ${/^\d{4}-\d\d/.test(value) ? "date" : ""}`} title=${title} style=${{ "--letters": Math.max(letters, 6) }}>${value}${note && html`<small>${note}</small>`}</dd></div>`;
    })}
  </dl>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong>${children}</div>`;
}

/** What a query has to say before its data can be shown; null when it's there. */
export function Waiting({ query, lines = 3 }) {
  const { viewer, askToSignIn } = useContext(Session);
  if (query.error) {
    const shut = ["UNAUTHENTICATED", "FORBIDDEN"].includes(query.error.code);
    const reader = query.error.code === "FORBIDDEN" && viewer?.role !== "ANONYMOUS";
    return html`<div class="notice bad" role="alert">
      ${reader ? "Your token doesn't open this." : query.error.message} ${" "}
      ${shut ? html`<button onClick=${askToSignIn}>Sign in</button>` : html`<button onClick=${query.reload}>Try again</button>`}
    </div>`;
  }
  return query.data ? null : html`<div class="skeleton" role="status"><span class="skip">Loading…</span>${Array.from({ length: lines }, (_, i) => html`<i key=${i}></i>`)}</div>`;
}

/** Why an id names nothing: it was never one, or what it named has gone. */
export const isGone = (query) => query.error && ["BAD_USER_INPUT", "NOT_FOUND"].includes(query.error.code);

const TONES = {
  SUCCEEDED: "good", RUNNING: "busy", QUEUED: "busy", RETRYING: "warn", FAILED: "bad", CANCELLED: "",
  OPEN: "good", UPCOMING: "busy", LISTED: "", CLOSED: "", WITHDRAWN: "bad", POSTPONED: "warn",
};

export const Chip = ({ of, tone }) => html`<span class=${`chip ${tone ?? TONES[of] ?? ""}`}>${words(of)}</span>`;

/** "as of" beside a last price, marked when it's more than five trading days old. */
export const AsOf = ({ day }) =>
  day ? html`<span class=${`as-of ${weekdaysSince(day) > 5 ? "old" : "muted"}`} title=${weekdaysSince(day) > 5 ? "More than five trading days old" : undefined}>as of <span>${day}</span></span>` : null;

/** A picture that the service draws, put into the page in the page's own face, in the theme that is on and as wide as there's room; `units` is how high it's drawn. What never changes but with the console's build says its `version`, and is then asked for once. */
export function Picture({ src, alt, units = 452, version }) {
  const theme = useTheme();
  const holder = useRef(null);
  const [width, setWidth] = useState(0);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    // In steps, so that not every pixel of a window asks for another picture; 1.6 units a pixel make its letters 12 pixels high.
    const measure = () => {
      if (!holder.current) return;
      const wide = holder.current.clientWidth;
      setRoom(wide);
      setWidth(Math.min(2400, Math.max(560, Math.round((wide * 1.6) / 40) * 40)));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  const path = new URL(src, location.origin);
  path.searchParams.set("theme", theme);
  path.searchParams.set("width", width);
  path.searchParams.set("title", "no");
  if (version) path.searchParams.set("v", `${BUILD}.${version}`);
  const picture = useLoaded(width ? path.pathname + path.search : null, (source) => source.read(path.pathname + path.search));
  const inside = useRef(null);
  // Before the next paint, so that its place is never empty.
  useLayoutEffect(() => {
    if (!picture.data) return;
    const svg = new DOMParser().parseFromString(picture.data, "image/svg+xml").documentElement;
    if (svg.nodeName !== "svg") return;
    // Ids are the page's now, so they must differ from those of the other pictures.
    const prefix = `p${Math.random().toString(36).slice(2, 8)}`;
    for (const element of svg.querySelectorAll("[id]")) element.id = `${prefix}${element.id}`;
    svg.setAttribute("aria-labelledby", (svg.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => prefix + id).join(" "));
    if (alt && !svg.querySelector("title")) svg.setAttribute("aria-label", alt);
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.classList.add("picture");
    inside.current.replaceChildren(document.importNode(svg, true));
  }, [picture.data]);
  // As high as it's drawn, before it is there.
  const height = picture.data ? undefined : `${Math.round(width ? (units * room) / width : units / 1.6)}px`;
  return html`<div ref=${holder} class="picture-box" tabindex="0" role="group" aria-label=${alt}>
    <div ref=${inside} style=${{ height }}></div>
    ${picture.error && html`<p class="muted small">${picture.error.message} <button onClick=${picture.reload}>Try again</button></p>`}
  </div>`;
}

/** A link that is given absolute, as this page reaches it. */
export const local = (url) => {
  const { pathname, search } = new URL(url, location.origin);
  return pathname + search;
};

/** A file of the service, saved under a name that tells it from others. */
export function Download({ href, name, children }) {
  const [state, setState] = useState(null);
  const fetchIt = async (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    setState("busy");
    try {
      save(name, await read(href, undefined, "blob"));
      setState(null);
    } catch (error) {
      setState(error.message);
    }
  };
  return html`<a class="button" href=${href} download=${name} aria-busy=${state === "busy"} onClick=${fetchIt}>${children}</a>
    ${state && state !== "busy" && html`<span class="error" role="alert">${state}</span>`}`;
}

/** A dialog that a button opens; its children get what closes it. */
export function Dialog({ label, title, children, tone = "", wide }) {
  const dialog = useRef(null);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (open && !dialog.current.open) dialog.current.showModal();
  }, [open]);
  const close = () => dialog.current?.close();
  return html`<button type="button" class=${tone} onClick=${() => setOpen(true)}>${label}</button>
    ${open && html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-label=${title} onClose=${() => setOpen(false)}>${children(close)}</dialog>`}`;
}

/** A button that asks before it does something that can't be undone. */
export function Confirm({ label, question, confirm, onConfirm, tone = "danger" }) {
  return html`<${Dialog} label=${label} title=${question} tone=${tone}>${(close) => html`<p>${question}</p>
    <div class="row">
      <button type="button" onClick=${close}>Keep it</button>
      <button type="button" class="danger" onClick=${() => { close(); onConfirm(); }}>${confirm}</button>
    </div>`}<//>`;
}

/** Actions that are rarely wanted, behind one button; it closes on Escape, a click elsewhere and when the focus leaves. */
export function Menu({ label = "More", children }) {
  const menu = useRef(null);
  const close = () => void (menu.current.open = false);
  useEffect(() => {
    const elsewhere = ({ target }) => menu.current.contains(target) || close();
    for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, elsewhere);
    return () => {
      for (const kind of ["pointerdown", "focusin"]) document.removeEventListener(kind, elsewhere);
    };
  }, []);
  // The Escape of a dialog that was opened from here is the dialog's.
  const escape = (event) => {
    if (event.key !== "Escape" || !menu.current.open || event.target.closest("dialog")) return;
    close();
    menu.current.querySelector("summary").focus();
  };
  return html`<details class="menu" ref=${menu} onKeyDown=${escape}><summary>${label}</summary><div>${children}</div></details>`;
}

/** A notice for whoever can't do what a page is for. */
export function Needs({ role = "OPERATOR", to }) {
  const { viewer, askToSignIn } = useContext(Session);
  const order = ["ANONYMOUS", "READER", "OPERATOR", "ADMIN"];
  if (!viewer || order.indexOf(viewer.role) >= order.indexOf(role)) return null;
  const who = role === "ADMIN" ? "an administrator's token" : "an operator's token";
  return html`<div class="notice">${viewer.role === "ANONYMOUS" ? `${to} needs ${who}.` : `Your token may only ${viewer.role === "READER" ? "read" : "research"}; ${to.toLowerCase()} needs ${who}.`}
    ${" "}<button onClick=${askToSignIn}>Sign in</button></div>`;
}

/** A component that is loaded when it's first wanted; `height` keeps its place meanwhile. */
export function lazy(from, pick, height) {
  let part = null;
  const ahead = () => from().then((module) => void (part = module[pick]));
  function Later(props) {
    const [state, setState] = useState(null);
    useEffect(() => {
      let on = true;
      if (!part) ahead().then(() => on && setState("there"), () => on && setState("failed"));
      return () => void (on = false);
    }, []);
    if (part) return html`<${part} ...${props} />`;
    if (state === "failed") return html`<div class="notice bad" role="alert">A part of this page could not be loaded. <button onClick=${() => location.reload()}>Load it again</button></div>`;
    return html`<div class="skeleton" style=${height ? { height: `${height}px` } : {}}><i></i></div>`;
  }
  return Object.assign(Later, { ahead });
}
