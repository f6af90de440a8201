// Addresses within the console: going there, coming back to where one was, and views that live in the query.

import { html, useCallback, useEffect, useRef, useState } from "./vendor/preact-htm.js";

const listeners = new Set();
// The address of what is on the page, which Back has left already when it's told of.
let shown = location.pathname + location.search;
const tell = () => {
  shown = location.pathname + location.search;
  listeners.forEach((listener) => listener());
};
/** How the page that is shown was reached: "load", "push" or "pop". */
export const arrival = { how: "load" };

history.scrollRestoration = "manual";
addEventListener("popstate", (event) => {
  // The skip link's hash is no page.
  if (location.hash && !event.state) return;
  if (stays(location.href)) return history.pushState(null, "", shown);
  arrival.how = "pop";
  tell();
  // Lists come from the cache, so their height is there at once or soon.
  const y = event.state?.y ?? 0;
  const until = performance.now() + 1500;
  const settle = () => {
    scrollTo(0, y);
    if (Math.abs(scrollY - y) > 2 && performance.now() < until && arrival.how === "pop") requestAnimationFrame(settle);
  };
  requestAnimationFrame(settle);
});

/** Whether a newer build of the console has taken over: the next page is then loaded, not only drawn. */
export const newer = { is: false };

/** Whether something was typed that would be lost; set by the form that holds it. */
export const unsaved = { is: false };

/** Whether a person who has been typing would rather not go there. */
const stays = (path) => unsaved.is && new URL(path, location.href).pathname !== new URL(shown, location.href).pathname && !confirm("Leave without saving what you have typed?");

export function go(path, replace = false) {
  if (stays(path)) return;
  if (replace) history.replaceState(history.state, "", path);
  else if (newer.is) return location.assign(path);
  else {
    history.replaceState({ y: scrollY }, "");
    history.pushState(null, "", path);
    arrival.how = "push";
    scrollTo(0, 0);
  }
  tell();
}

export function usePath() {
  const read = () => location.pathname + location.search;
  const [path, setPath] = useState(read());
  useEffect(() => {
    const update = () => setPath(read());
    listeners.add(update);
    update();
    return () => listeners.delete(update);
  }, []);
  return path;
}

/** Sets parameters of the address in place; those that are empty are left out. */
export function setQuery(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : "") + location.hash, true);
}

/** One parameter of the address as a state; its fallback is left out of the address, and stands for what `isKnown` refuses. */
export function useAddress(name, fallback = "", isKnown = () => true) {
  usePath();
  const given = new URLSearchParams(location.search).get(name);
  const value = given !== null && isKnown(given) ? given : fallback;
  const set = useCallback((next) => setQuery({ [name]: next === fallback ? "" : next }), [name, fallback]);
  return [value, set];
}

/** Whether a parameter is one of a field's options. */
export const isOneOf = (options) => (given) => options.some(([name]) => name === given);

/** A text parameter: what is typed at once, and in the address once the typing rests. */
export function useTyped(name, wait = 250) {
  const [settled, settle] = useAddress(name);
  const [text, setText] = useState(settled);
  const timer = useRef(null);
  const own = useRef(settled);
  useEffect(() => {
    // The address was changed by somebody else: a preset, or Back.
    if (settled !== own.current) {
      own.current = settled;
      clearTimeout(timer.current);
      setText(settled);
    }
  }, [settled]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      own.current = next.trim();
      settle(next.trim());
    }, wait);
  };
  return [text, type, settled];
}

export function Link({ to, children, ...rest }) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${to} onClick=${follow} ...${rest}>${children}</a>`;
}
