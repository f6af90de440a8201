// Ctrl-K: one field that goes to any symbol, issue, run or page.

import { html, useEffect, useRef, useState, useQuery, useRole, go, shortRun, words, many } from "./ui.js";

const FIND = `query($q: String!) { symbols(first: 6, filter: { search: $q }) { nodes { ticker name } } ipos(first: 6, filter: { search: $q }) { nodes { id name ticker exchange } }
  backtests(first: 5, filter: { search: $q }) { nodes { id name description symbol { ticker } } } sweeps(first: 4, filter: { search: $q }) { nodes { id name combinations symbol { ticker } } } }`;

const PAGES = [
  ["Symbols", "/", "ANONYMOUS"], ["IPOs", "/ipos", "ANONYMOUS"], ["Backtests", "/backtests", "ANONYMOUS"], ["New backtest", "/backtests/new", "OPERATOR"], ["Sweeps", "/sweeps", "ANONYMOUS"],
  ["New sweep", "/sweeps/new", "OPERATOR"], ["Forecasts", "/forecasts", "ANONYMOUS"], ["Jobs", "/jobs", "ANONYMOUS"], ["Failed jobs", "/jobs?state=FAILED", "ANONYMOUS"],
  ["Flagged records", "/admin/records", "ANONYMOUS"], ["Edit IPOs", "/admin/ipos", "ADMIN"], ["Tokens", "/admin/tokens", "ADMIN"],
];
const at = (kind, id) => `/reporting/${kind}/${encodeURIComponent(id)}`;

/** What was found, as [kind, words, address]. */
function found(data, pages) {
  if (!data) return pages;
  return [
    ...data.symbols.nodes.map((s) => ["Symbol", `${s.ticker}${s.name ? `, ${s.name}` : ""}`, at("symbols", s.ticker)]),
    ...data.ipos.nodes.map((i) => ["IPO", `${i.name}${i.ticker ? `, ${i.ticker}` : ""} (${words(i.exchange)})`, at("ipos", i.id)]),
    ...data.backtests.nodes.map((b) => ["Backtest", b.name ?? `${b.symbol.ticker} ${shortRun(b.description)}`, at("backtests", b.id)]),
    ...data.sweeps.nodes.map((s) => ["Sweep", s.name ?? `${s.symbol.ticker}, ${many(s.combinations, "pair")}`, at("sweeps", s.id)]),
    ...pages,
  ];
}

export function Palette({ close }) {
  const dialog = useRef(null);
  const list = useRef(null);
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [place, setPlace] = useState(0);
  const may = { ANONYMOUS: true, OPERATOR: useRole("OPERATOR"), ADMIN: useRole("ADMIN") };
  useEffect(() => dialog.current.showModal(), []);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const query = useQuery(asked ? FIND : null, { q: asked });
  const wanted = text.trim().toLowerCase();
  const pages = PAGES.filter(([name, , role]) => may[role] && name.toLowerCase().includes(wanted)).map(([name, to]) => ["Page", name, `/reporting${to}`]);
  const rows = found(asked && text.trim() ? query.data : null, pages).slice(0, 20);
  const chosen = Math.min(place, rows.length - 1);
  const open = (row) => {
    dialog.current.close();
    go(row[2]);
  };
  const key = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = (chosen + step + rows.length) % Math.max(1, rows.length);
      setPlace(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && rows[chosen]) {
      event.preventDefault();
      open(rows[chosen]);
    }
  };
  const nothing = asked === text.trim() && query.data && rows.length === 0;
  return html`<dialog ref=${dialog} class="palette" aria-label="Go to" onClose=${close} onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
    <input type="search" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${rows[chosen] ? `palette-${chosen}` : undefined} aria-label="Go to a symbol, IPO, run or page"
      placeholder="Symbol, IPO, run or page" autocomplete="off" autofocus value=${text} onInput=${(event) => { setText(event.target.value); setPlace(0); }} onKeyDown=${key} />
    <ul id="palette-list" role="listbox" aria-label="Found" ref=${list}>
      ${rows.map((row, i) => html`<li key=${row[2]} id=${`palette-${i}`} role="option" aria-selected=${i === chosen} onPointerMove=${() => setPlace(i)} onClick=${() => open(row)}><span>${row[1]}</span><span class="small muted">${row[0]}</span></li>`)}
    </ul>
    <p class="small muted" role="status">${query.error ? query.error.message : nothing ? "Nothing is called so." : "Arrows and Enter go there, Escape closes."}</p>
  </dialog>`;
}
