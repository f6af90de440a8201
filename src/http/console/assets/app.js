// The frame around all pages, and which page an address means.

import { render } from "./vendor/preact-htm.js";
import { html, go, Link, Session, usePath, useEffect, useRef, useState, Empty, Head } from "./ui.js";
import { ask, signIn, signOut } from "./api.js";
import { Symbols } from "./symbols.js";
import { SymbolPage } from "./symbol.js";
import { Ipos, IpoPage } from "./ipos.js";
import { Backtests, BacktestPage, NewBacktest } from "./backtests.js";
import { NewSweep, SweepPage } from "./sweeps.js";
import { Forecasts, ForecastPage } from "./forecasts.js";
import { Jobs } from "./jobs.js";
import { Admin } from "./admin.js";

const BASE = "/reporting";

const ROUTES = [
  [/^\/$/, Symbols],
  [/^\/symbols\/([^/]+)$/, SymbolPage],
  [/^\/ipos$/, Ipos],
  [/^\/ipos\/([^/]+)$/, IpoPage],
  [/^\/backtests$/, Backtests],
  [/^\/backtests\/new$/, NewBacktest],
  [/^\/backtests\/([^/]+)$/, BacktestPage],
  [/^\/sweeps\/new$/, NewSweep],
  [/^\/sweeps\/([^/]+)$/, SweepPage],
  [/^\/forecasts$/, Forecasts],
  [/^\/forecasts\/([^/]+)$/, ForecastPage],
  [/^\/jobs$/, Jobs],
  [/^\/admin(?:\/(\w+))?$/, Admin],
];

const MENU = [
  ["Symbols", "/", /^\/(symbols|$)/],
  ["IPOs", "/ipos", /^\/ipos/],
  ["Backtests", "/backtests", /^\/backtests/],
  ["Sweeps", "/sweeps/new", /^\/sweeps/],
  ["Forecasts", "/forecasts", /^\/forecasts/],
  ["Jobs", "/jobs", /^\/jobs/],
];

function NotFound() {
  return html`<${Head} title="Not found" /><${Empty} title="There is nothing at this address">
      <${Link} to=${`${BASE}/`}>Go to the symbols<//>
    <//>`;
}

function Page({ path }) {
  const url = new URL(path, location.origin);
  const within = url.pathname.replace(/^\/reporting/, "") || "/";
  for (const [pattern, component] of ROUTES) {
    const found = pattern.exec(within);
    if (found) {
      const part = found[1] && decodeURIComponent(found[1]);
      return html`<${component} key=${within} part=${part} query=${url.searchParams} />`;
    }
  }
  return html`<${NotFound} />`;
}

function SignIn({ dialog, done }) {
  const [token, setToken] = useState("");
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn(token);
      setToken("");
      setError(null);
      dialog.current.close();
      done();
    } catch (failed) {
      setError(failed.message);
    }
  };
  return html`<dialog ref=${dialog} aria-labelledby="sign-in">
    <form onSubmit=${submit}>
      <h2 id="sign-in">Sign in</h2>
      <input type="text" autocomplete="username" value="token" readonly hidden />
      <div class="field">
        <label for="token">Token</label>
        <input id="token" type="password" autocomplete="current-password" value=${token} required
          aria-invalid=${error ? "true" : undefined} aria-describedby="token-hint" onInput=${(e) => setToken(e.target.value)} />
        <div id="token-hint" class=${error ? "error" : "hint"} role=${error ? "alert" : undefined}>
          ${error ?? "An operator's token refreshes and researches; an administrator's also edits IPOs. The demo printed one when it started."}
        </div>
      </div>
      <div class="row">
        <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
        <button class="primary">Sign in</button>
      </div>
    </form>
  </dialog>`;
}

function Side({ path, viewer, askToSignIn, leave }) {
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
      <${Link} class="brand" to=${`${BASE}/`}><img src="/reporting/assets/icon.svg" alt="" />Prospectus<//>
      <button class="menu-button" aria-expanded=${open} onClick=${() => setOpen(!open)}>Menu</button>
    </div>
    <nav aria-label="Console">
      <ul>${MENU.map(item)}</ul>
      <p class="group">Administration</p>
      <ul>${item(["IPOs, records, tokens", "/admin", /^\/admin/])}</ul>
      <p class="group">For developers</p>
      <ul><li><a href="/graphql">GraphiQL</a></li></ul>
    </nav>
    <div class="foot">
      <button onClick=${turn} aria-pressed=${dark}>Dark theme</button>
      ${viewer && viewer.role !== "ANONYMOUS"
        ? html`<span class="small muted">${viewer.name}, ${viewer.role.toLowerCase()}</span><button onClick=${leave}>Sign out</button>`
        : html`<button class="primary" onClick=${askToSignIn}>Sign in</button>`}
    </div>
  </header>`;
}

function App() {
  const path = usePath();
  const dialog = useRef(null);
  const [viewer, setViewer] = useState(null);
  const look = async () => {
    try {
      setViewer((await ask("{ viewer { name role } }")).viewer);
    } catch {
      setViewer({ name: "anonymous", role: "ANONYMOUS" });
    }
  };
  useEffect(() => {
    look();
    // An address of the console without the last slash, or of another page of it.
    if (location.pathname === BASE) go(`${BASE}/`, true);
  }, []);
  const askToSignIn = () => dialog.current.open || dialog.current.showModal();
  const leave = async () => {
    await signOut();
    look();
  };
  if (!viewer) return null;
  return html`<${Session.Provider} value=${{ viewer, askToSignIn }}>
    <a class="skip" href="#main">To the content</a>
    <div class="frame">
      <${Side} path=${path} viewer=${viewer} askToSignIn=${askToSignIn} leave=${leave} />
      <main id="main"><${Page} path=${path} /></main>
    </div>
    <${SignIn} dialog=${dialog} done=${look} />
  <//>`;
}

render(html`<${App} />`, document.getElementById("app"));
