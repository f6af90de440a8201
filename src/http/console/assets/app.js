// The frame around all pages, and which page an address means.

import { render } from "./vendor/preact-htm.js";
import { html, go, lazy, Link, Session, usePath, useEffect, useRef, useState, Empty, Head, Form, Field, Mistakes, forgetAnswers } from "./ui.js";
import { ask, probe, signIn, signOut, watchConnection } from "./api.js";
import { copyPlainly } from "./csv.js";
import { keep } from "./release.js";

const BASE = "/reporting";
const Palette = lazy(() => import("./palette.js"), "Palette");

const page = (file, name) => lazy(() => import(`./${file}.js`), name);
const ROUTES = [
  [/^\/(?:symbols)?$/, page("symbols", "Symbols")],
  [/^\/symbols\/([^/]+)$/, page("symbol", "SymbolPage")],
  [/^\/ipos$/, page("ipos", "Ipos")],
  [/^\/ipos\/([^/]+)$/, page("ipo", "IpoPage")],
  [/^\/backtests$/, page("backtests", "Backtests")],
  [/^\/backtests\/new$/, page("newbacktest", "NewBacktest")],
  [/^\/backtests\/compare$/, page("compare", "Compare")],
  [/^\/backtests\/([^/]+)$/, page("backtest", "BacktestPage")],
  [/^\/sweeps$/, page("sweeps", "Sweeps")],
  [/^\/sweeps\/new$/, page("newsweep", "NewSweep")],
  [/^\/sweeps\/([^/]+)$/, page("sweep", "SweepPage")],
  [/^\/forecasts$/, page("forecasts", "Forecasts")],
  [/^\/forecasts\/([^/]+)$/, page("forecast", "ForecastPage")],
  [/^\/jobs$/, page("jobs", "Jobs")],
  [/^\/admin(?:\/(\w+))?$/, page("admin", "Admin")],
];

const MENU = [
  ["Symbols", "/", /^\/(symbols|$)/],
  ["IPOs", "/ipos", /^\/ipos/],
  ["Backtests", "/backtests", /^\/backtests/],
  ["Sweeps", "/sweeps", /^\/sweeps/],
  ["Forecasts", "/forecasts", /^\/forecasts/],
  ["Jobs", "/jobs", /^\/jobs/],
];

function NotFound() {
  return html`<${Head} title="Not found" /><${Empty} title="There is nothing at this address">
      <${Link} to=${`${BASE}/`}>Go to the symbols<//>
    <//>`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Page({ path }) {
  const url = new URL(path, location.origin);
  // A slash at the end means the same page.
  const within = url.pathname.replace(/^\/reporting/, "").replace(/(.)\/+$/, "$1") || "/";
  for (const [pattern, component] of ROUTES) {
    const found = pattern.exec(within);
    if (found) return html`<${component} key=${within} part=${found[1] && decoded(found[1])} query=${url.searchParams} />`;
  }
  return html`<${NotFound} key="nowhere" />`;
}

function SignIn({ dialog, done }) {
  const [token, setToken] = useState("");
  const [errors, setErrors] = useState([]);
  // However it closes, the next one begins with an empty form.
  const [round, setRound] = useState(0);
  const closed = () => {
    setToken("");
    setErrors([]);
    setRound((old) => old + 1);
  };
  const submit = async () => {
    try {
      await signIn(token);
      dialog.current.close();
      done();
    } catch (failed) {
      setErrors([{ message: failed.message, field: "token" }]);
    }
  };
  return html`<dialog ref=${dialog} aria-labelledby="sign-in" onClose=${closed}>
    <${Form} key=${round} errors=${errors} onSubmit=${submit}>
      <h2 id="sign-in">Sign in</h2>
      <input type="text" autocomplete="username" value="token" readonly hidden />
      <${Field} label="Token" path="token" type="password" autocomplete="current-password" value=${token} onInput=${setToken} required
        data-missing="Paste a token." hint="An operator's token refreshes and researches; an administrator's also edits IPOs. The demo printed one when it started." />
      <${Mistakes} />
      <div class="row">
        <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
        <button class="primary">Sign in</button>
      </div>
    <//>
  </dialog>`;
}

function Side({ path, viewer, askToSignIn, leave, find }) {
  const [open, setOpen] = useState(false);
  const [dark, setDark] = useState(document.documentElement.dataset.theme === "dark");
  useEffect(() => setOpen(false), [path]);
  const within = path.replace(/^\/reporting/, "").split("?")[0] || "/";
  const turn = () => {
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!dark);
  };
  const item = ([name, to, current]) =>
    html`<li key=${to}><${Link} to=${BASE + to} aria-current=${current.test(within) ? "page" : undefined}>${name}<//></li>`;
  return html`<header class=${`side ${open ? "open" : ""}`}>
    <div class="top">
      <${Link} class="brand" to=${`${BASE}/`}><img src=${new URL("icon.svg", import.meta.url).pathname} alt="" width="24" height="24" />Prospectus<//>
      <button class="find" onClick=${find} aria-keyshortcuts="Control+K">Go to…<kbd aria-hidden="true">Ctrl K</kbd></button>
      <button class="menu-button" aria-expanded=${open} onClick=${() => setOpen(!open)}>Menu</button>
    </div>
    <nav aria-label="Console">
      <ul>${MENU.map(item)}</ul>
      ${viewer?.role === "ADMIN" ? html`<p class="group">Administration</p>` : html`<p class="group">Records</p>`}
      <ul>${item(viewer?.role === "ADMIN" ? ["IPOs, models, tokens", "/admin", /^\/admin/] : ["Flagged records", "/admin/records", /^\/admin/])}</ul>
      <p class="group">For developers</p>
      <ul><li><a href="/graphql">GraphiQL</a></li></ul>
    </nav>
    <div class="foot">
      <button onClick=${turn} aria-pressed=${dark}>Dark theme</button>
      ${viewer &&
      (viewer.role !== "ANONYMOUS"
        ? html`<span class="small muted">${viewer.name}, ${viewer.role.toLowerCase()}</span><button onClick=${leave}>Sign out</button>`
        : html`<button class="primary" onClick=${askToSignIn}>Sign in</button>`)}
    </div>
  </header>`;
}

const SIGNED_IN = "signed-in";
const VIEWER = "viewer";
/** Who was signed in when this browser last asked, so that what they may do stands on the page before the answer is there. */
function lastViewer() {
  try {
    return JSON.parse(localStorage.getItem(VIEWER));
  } catch {
    return null;
  }
}
const PROBE_EVERY = 10_000;
const LOOK_EVERY = 60_000;
const LOOK_AFTER = 3_000;

/** One bar for a service that can't be reached; it goes by itself. */
function Connection() {
  const [lost, setLost] = useState(false);
  useEffect(() => watchConnection((what) => what !== "ended" && setLost(what === "lost")), []);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || probe(), lost ? 2000 : PROBE_EVERY);
    return () => clearInterval(timer);
  }, [lost]);
  return html`<div class="banner" role="status">${lost && "Connection lost, trying again…"}</div>`;
}

function App() {
  const path = usePath();
  const dialog = useRef(null);
  const opener = useRef(null);
  const looked = useRef(0);
  const [session, setSession] = useState(() => ({ viewer: lastViewer(), generation: 0 }));
  const [said, setSaid] = useState(null);
  const look = async () => {
    looked.current = Date.now();
    let viewer = { name: "anonymous", role: "ANONYMOUS" };
    try {
      viewer = (await ask("{ viewer { name role } }")).viewer;
    } catch (error) {
      // Without an answer nobody has been signed out.
      if (error.code === "OFFLINE") return setSession((old) => (old.viewer ? old : { ...old, viewer }));
    }
    const known = viewer.role !== "ANONYMOUS";
    if (!known && sessionStorage.getItem(SIGNED_IN)) setSaid("You have been signed out: the token has ended or was revoked.");
    if (known) setSaid(null);
    if (known) sessionStorage.setItem(SIGNED_IN, "yes");
    else sessionStorage.removeItem(SIGNED_IN);
    localStorage.setItem(VIEWER, JSON.stringify(viewer));
    setSession((old) => {
      if (old.viewer?.role === viewer.role && old.viewer?.name === viewer.name) return old;
      // The first answer changes nothing: the cookie was sent with everything that was asked before it.
      if (old.viewer) forgetAnswers();
      return { viewer, generation: old.viewer ? old.generation + 1 : old.generation };
    });
  };
  useEffect(() => {
    look();
    // An address of the console without the last slash.
    if (location.pathname === BASE) go(`${BASE}/`, true);
    const again = () => !document.hidden && Date.now() - looked.current > LOOK_AFTER && look();
    addEventListener("focus", again);
    const stop = watchConnection((what) => what !== "lost" && Date.now() - looked.current > 2000 && look());
    return () => {
      removeEventListener("focus", again);
      stop();
    };
  }, []);
  // A token may end while its page is open: each page, and each minute, looks whether it's still good.
  const within = path.split("?")[0];
  useEffect(() => {
    if (Date.now() - looked.current > LOOK_AFTER) look();
    const timer = setInterval(() => document.hidden || look(), LOOK_EVERY);
    return () => clearInterval(timer);
  }, [within]);
  const [finding, setFinding] = useState(false);
  useEffect(() => {
    const key = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) setFinding(true);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  const askToSignIn = () => {
    if (dialog.current.open) return;
    opener.current = document.activeElement;
    dialog.current.showModal();
  };
  const signedIn = async () => {
    await look();
    // The button that asked may be gone with what it stood in.
    if (opener.current?.isConnected) opener.current.focus();
    else document.querySelector("h1")?.focus();
  };
  const leave = async () => {
    try {
      await signOut();
      sessionStorage.removeItem(SIGNED_IN);
      await look();
      // The button that was pressed is gone; the one in its place takes the focus, once it is drawn.
      requestAnimationFrame(() => document.activeElement === document.body && document.querySelector(".side .foot .primary")?.focus());
    } catch (error) {
      setSaid(error.message);
      const stop = watchConnection((what) => what === "found" && (stop(), setSaid(null)));
    }
  };
  return html`<${Session.Provider} value=${{ ...session, askToSignIn }}>
    <a class="skip" href="#main">To the content</a>
    <div id="announce" class="skip" role="status"></div>
    <${Connection} />
    <div class="frame">
      <${Side} path=${path} viewer=${session.viewer} askToSignIn=${askToSignIn} leave=${leave} find=${() => setFinding(true)} />
      <main id="main">
        ${said && html`<div class="notice warn" role="alert">${said} ${session.viewer?.role === "ANONYMOUS" && html`<button onClick=${askToSignIn}>Sign in</button>`} <button class="plain" onClick=${() => setSaid(null)}>Close</button></div>`}
        <${Page} path=${path} />
      </main>
    </div>
    ${finding && html`<${Palette} close=${() => setFinding(false)} />`}
    <${SignIn} dialog=${dialog} done=${signedIn} />
  <//>`;
}

/** Once the first page is there, the code of the others comes while nobody waits for anything. */
async function fetchAhead() {
  const parts = [...ROUTES.map(([, component]) => component.ahead), () => import("./chart.js"), () => import("./explorer.js"), Palette.ahead];
  for (const part of parts) {
    await new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve));
    await part().catch(() => null);
  }
}
if (!navigator.connection?.saveData)
  addEventListener("load", () => {
    (window.requestIdleCallback ?? setTimeout)(keep);
    setTimeout(fetchAhead, 3000);
  });

copyPlainly();
const place = document.getElementById("app");
document.documentElement.dataset.drawn = "yes";
place.replaceChildren();
render(html`<${App} />`, place);
