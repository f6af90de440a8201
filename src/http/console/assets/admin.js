// Administration: IPOs, flagged records, models, tokens.

import { html, lazy, useContext, useEffect, useRef, useState, Head, Panel, Table, Empty, Waiting, useQuery, usePages, More, useAction, useRole, useTyped, Session, Form, Field, Check, Link, Mistakes, Chip, Confirm, go, unsaved, decimal, date, moment } from "./ui.js";
import { band } from "./ipos.js";

const Records = lazy(() => import("./records.js"), "Records");
const Models = lazy(() => import("./models.js"), "Models");
const Tokens = lazy(() => import("./tokens.js"), "Tokens");

const TABS = [["ipos", "IPOs"], ["records", "Flagged records"], ["models", "Models"], ["tokens", "Tokens"]];

export function Admin({ part = "ipos", query }) {
  const admin = useRole("ADMIN");
  const { askToSignIn } = useContext(Session);
  const inside = { ipos: EditIpos, records: Records, models: Models, tokens: Tokens }[part];
  return html`<${Head} title="Administration" named=${`Administration: ${TABS.find(([name]) => name === part)?.[1] ?? ""}`} />
    <nav class="tabs" aria-label="Administration">
      ${TABS.map(([name, title]) => html`<${Link} key=${name} to=${`/reporting/admin/${name}`} aria-current=${name === part ? "page" : undefined}>${title}<//>`)}
    </nav>
    ${!inside
      ? html`<${Empty} title="There is nothing here" />`
      : admin || part === "records"
        ? html`<${inside} query=${query} />`
        : html`<${Empty} title="This takes an administrator">
            <p>Sign in with a token of the role ADMIN; the demo printed one when it started.</p>
            <button class="primary" onClick=${askToSignIn}>Sign in</button>
          <//>`}`;
}

// IPOs.

const FIELDS = "id name ticker exchange board status issuePrice priceBandLow priceBandHigh currency lotSize issueSize openDate closeDate listingDate";
const LIST = `query($first: Int, $after: String, $filter: IpoFilter) { ipos(first: $first, after: $after, filter: $filter, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
  totalCount pageInfo { hasNextPage endCursor } nodes { ${FIELDS} } } }`;
const CREATE = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { message field } } }";
const UPDATE = "mutation($input: UpdateIpoInput!) { updateIpo(input: $input) { ipo { id } userErrors { message field } } }";
const RESTORE = "mutation($id: ID!) { restoreIpo(input: { id: $id }) { ipo { id } userErrors { message } } }";
const DELETED = "{ deletedIpos { id name ticker exchange deletedAt author } }";
const DELETE = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId userErrors { message } } }";

const NOTHING = { name: "", ticker: "", exchange: "NSE", board: "MAINBOARD", priceBandLow: "", priceBandHigh: "", issuePrice: "", lotSize: "", issueSize: "", openDate: "", closeDate: "", listingDate: "" };
const BOARDS = [["MAINBOARD", "Main board"], ["SME", "SME"]];
const EXCHANGES = ["NSE", "BSE", "NYSE", "NASDAQ", "OTHER"].map((name) => [name, name]);

const AMOUNT = { inputmode: "decimal", pattern: "\\s*\\d{1,12}(\\.\\d{1,6})?\\s*", "data-says": "Type an amount such as 71.50." };
const WHOLE = { inputmode: "numeric", pattern: "\\s*\\d{1,15}\\s*", "data-says": "Type a whole number of shares." };

function IpoForm({ ipo, saved, leave }) {
  const start = Object.fromEntries(Object.entries(NOTHING).map(([name, empty]) => [name, String(ipo?.[name] ?? empty)]));
  const [form, setForm] = useState({ ...start, withdrawn: ipo?.status === "WITHDRAWN" });
  const save = useAction(ipo ? "updateIpo" : "createIpo", ipo ? UPDATE : CREATE);
  const put = (name) => (value) => setForm((old) => ({ ...old, [name]: value }));
  const inside = useRef(null);
  useEffect(() => inside.current.querySelector("input")?.focus(), []);
  const changed = form.withdrawn !== (ipo?.status === "WITHDRAWN") || Object.keys(NOTHING).some((name) => form[name] !== start[name]);
  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    unsaved.is = true;
    return () => {
      unsaved.is = false;
      removeEventListener("beforeunload", ask);
    };
  }, [changed]);
  const read = (name, value) => (value.trim() === "" ? null : ["lotSize", "issueSize"].includes(name) ? Number(value) : value.trim());
  const submit = async () => {
    const input = {};
    const before = {};
    for (const [name, value] of Object.entries(form)) {
      if (name === "withdrawn" || (ipo && (name === "exchange" || value === start[name]))) continue;
      const given = read(name, value);
      // What a new issue doesn't have is left out.
      if (ipo || given !== null) input[name] = given;
      before[name] = read(name, start[name]);
    }
    if (ipo) {
      input.id = ipo.id;
      if (form.withdrawn !== (ipo.status === "WITHDRAWN")) [input.withdrawn, before.withdrawn] = [form.withdrawn, !form.withdrawn];
    }
    const made = await save.run({ input });
    if (made) saved(ipo && { ...before, id: ipo.id });
  };
  const field = (name, label, rest = {}) => html`<${Field} label=${label} path=${name} value=${form[name]} onInput=${put(name)} ...${rest} />`;
  return html`<${Panel} title=${ipo ? `Edit ${ipo.name}` : "A new IPO"}>
    <div ref=${inside}><${Form} class="form" errors=${save.errors} onSubmit=${submit}>
      ${field("name", "Name", { required: true, class: "wide", "data-missing": "A name is needed." })}
      ${field("ticker", "Symbol")}
      ${ipo ? null : field("exchange", "Exchange", { options: EXCHANGES })}
      ${field("board", "Board", { options: BOARDS })}
      ${field("priceBandLow", "Band from", AMOUNT)}
      ${field("priceBandHigh", "Band to", AMOUNT)}
      ${field("issuePrice", "Issue price", AMOUNT)}
      ${field("lotSize", "Lot", { type: "number", min: "1", step: "1" })}
      ${field("issueSize", "Shares", WHOLE)}
      ${field("openDate", "Opens", { type: "date" })}
      ${field("closeDate", "Closes", { type: "date" })}
      ${field("listingDate", "Lists", { type: "date" })}
      ${ipo && html`<${Check} label="Withdrawn" checked=${form.withdrawn} onInput=${put("withdrawn")} />`}
      <div class="wide"><${Mistakes} /></div>
      <div class="row wide">
        <button class="primary" disabled=${save.busy}>${ipo ? "Save" : "Add it"}</button>
        <button type="button" onClick=${leave}>Cancel</button>
      </div>
    <//></div>
  <//>`;
}

/** What was deleted, asked for when it's looked at; each can come back with its history. */
function Deleted({ restore, busy, version }) {
  const [open, setOpen] = useState(false);
  const list = useQuery(open ? DELETED : null, {});
  useEffect(() => {
    if (open) list.reload();
  }, [version]);
  const columns = [
    { label: "Issue", lead: true, wrap: true, cell: (d) => html`<strong>${d.name}</strong><div class="small muted">${[d.ticker, d.exchange].filter(Boolean).join(" · ")}</div>`, csv: [["name", (d) => d.name], ["symbol", (d) => d.ticker], ["exchange", (d) => d.exchange]] },
    { label: "Deleted", day: true, key: true, cell: (d) => moment(d.deletedAt), csv: (d) => d.deletedAt },
    { label: "By", prio: 2, cell: (d) => d.author ?? "–", csv: (d) => d.author },
    { label: "", full: true, cell: (d) => html`<button disabled=${busy} onClick=${() => restore(d)} aria-label=${`Restore ${d.name}`}>Restore</button>` },
  ];
  return html`<details class="more-filters" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>Deleted IPOs</summary>
    ${open && html`<div class="beneath-line"><${Waiting} query=${list} />
      ${list.data && html`<${Table} label="Deleted IPOs" columns=${columns} rows=${list.data.deletedIpos} csv="deleted-ipos" empty=${html`<p class="muted">None that can come back.</p>`} />`}</div>`}
  </details>`;
}

function EditIpos({ query }) {
  const [text, type, search] = useTyped("q");
  const [editing, setEditing] = useState(null);
  const [said, setSaid] = useState(null);
  const [undoing, setUndoing] = useState(null);
  const list = usePages(LIST, "ipos", { first: 30, filter: search ? { search } : null });
  const drop = useAction("deleteIpo", DELETE);
  const undo = useAction("updateIpo", UPDATE);
  const bring = useAction("restoreIpo", RESTORE);
  const [version, setVersion] = useState(0);
  const asked = query.get("edit");
  const one = useQuery(asked ? `query($id: ID!) { ipo(by: { id: $id }) { ${FIELDS} } }` : null, { id: asked }, { fresh: true });
  useEffect(() => {
    if (asked && one.data?.ipo) setEditing(one.data.ipo);
  }, [asked, one.data]);
  const start = (ipo) => {
    setSaid(null);
    setEditing(ipo);
    scrollTo(0, 0);
  };
  const close = (message, back) => {
    const name = editing?.name;
    setEditing(null);
    setSaid(message ?? null);
    setUndoing(back ?? null);
    if (asked) go("/reporting/admin/ipos", true);
    // Back to where the edit began.
    const focus = () => (document.querySelector(`[aria-label=${JSON.stringify(`Edit ${name}`)}]`) ?? document.querySelector("h1"))?.focus({ preventScroll: true });
    setTimeout(focus, 50);
    // What was changed last comes first, and a row that moves takes the focus from its button.
    list.reload().then(() => setTimeout(() => document.activeElement === document.body && focus(), 50));
  };
  const restore = async ({ id, name }) => {
    if (!(await bring.run({ id }))) return;
    close(`${name} is back.`);
    setVersion((old) => old + 1);
  };
  const takeBack = async () => {
    if (undoing.deleted) await restore(undoing.deleted);
    else if (await undo.run({ input: undoing })) close("Set back.");
  };
  const columns = [
    {
      label: "Issue", lead: true, wrap: true, csv: [["name", (i) => i.name], ["symbol", (i) => i.ticker], ["exchange", (i) => i.exchange]],
      cell: (ipo) => html`<${Link} to=${`/reporting/ipos/${ipo.id}`}><strong>${ipo.name}</strong><//><div class="small muted">${[ipo.ticker, ipo.exchange].filter(Boolean).join(" · ")}</div>`,
    },
    { label: "Status", cell: (ipo) => html`<${Chip} of=${ipo.status} />`, csv: (i) => i.status },
    { label: "Open", day: true, prio: 2, cell: (ipo) => date(ipo.openDate), csv: (i) => i.openDate },
    { label: "Close", day: true, prio: 2, cell: (ipo) => date(ipo.closeDate), csv: (i) => i.closeDate },
    { label: "Band", num: true, prio: 3, cell: band, csv: [["band from", (i) => i.priceBandLow], ["band to", (i) => i.priceBandHigh]] },
    { label: "Issue price", num: true, key: true, cell: (ipo) => decimal(ipo.issuePrice), csv: (i) => i.issuePrice },
    {
      label: "",
      full: true,
      cell: (ipo) => html`<div class="row">
        <button onClick=${() => start(ipo)} aria-label=${`Edit ${ipo.name}`}>Edit</button>
        <${Confirm} label="Delete" question=${`Delete ${ipo.name}? A fetch won't bring it back; Undo or “Deleted IPOs” does.`} confirm="Delete it"
          onConfirm=${async () => { if (await drop.run({ id: ipo.id })) { close(`${ipo.name} is deleted.`, { deleted: ipo }); setVersion((old) => old + 1); } }} />
      </div>`,
    },
  ];
  return html`<div class="stack">
    ${said && html`<div class="notice good" role="status">${said} ${undoing && html`<button onClick=${takeBack} disabled=${undo.busy || bring.busy}>Undo</button>`}</div>`}
    <${Mistakes} errors=${[...drop.errors, ...undo.errors, ...bring.errors]} />
    ${editing
      ? html`<${IpoForm} key=${editing.id ?? "new"} ipo=${editing.id ? editing : null} saved=${(back) => close("Saved.", back)} leave=${() => close()} />`
      : html`<div class="row"><button class="primary" onClick=${() => start({})}>Add an IPO</button></div>`}
    <div class="form"><${Field} label="Search" type="search" value=${text} onInput=${type} /></div>
    <${Waiting} query=${list} lines=${8} />
    ${list.data && html`<div><${Table} label="IPOs" columns=${columns} rows=${list.rows} total=${list.total} csv="ipos" all=${list.all} empty=${html`<${Empty} title="No IPOs here">Add one, or fetch them on the page of IPOs.<//>`} /><${More} of=${list} /></div>`}
    <${Deleted} restore=${restore} busy=${bring.busy} version=${version} />
  </div>`;
}
