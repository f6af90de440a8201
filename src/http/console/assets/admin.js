// Administration: IPOs, flagged records, tokens.

import { html, useEffect, useState, Head, Panel, Table, Empty, Waiting, useQuery, usePages, More, useAction, useRole, useContext, Session, Field, Check, Link, Mistakes, Chip, Confirm, go, price, count, date, moment, words } from "./ui.js";
import { band } from "./ipos.js";

const TABS = [["ipos", "IPOs"], ["records", "Flagged records"], ["tokens", "Tokens"]];

export function Admin({ part = "ipos", query }) {
  const admin = useRole("ADMIN");
  const { askToSignIn } = useContext(Session);
  const inside = { ipos: EditIpos, records: Records, tokens: Tokens }[part];
  return html`<${Head} title="Administration" />
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
const DELETE = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedId userErrors { message } } }";

const NOTHING = { name: "", ticker: "", exchange: "NSE", board: "MAINBOARD", priceBandLow: "", priceBandHigh: "", issuePrice: "", lotSize: "", issueSize: "", openDate: "", closeDate: "", listingDate: "" };
const BOARDS = [["MAINBOARD", "Main board"], ["SME", "SME"]];
const EXCHANGES = ["NSE", "BSE", "NYSE", "NASDAQ", "OTHER"].map((name) => [name, name]);

function IpoForm({ ipo, saved, leave }) {
  const start = Object.fromEntries(Object.entries(NOTHING).map(([name, empty]) => [name, String(ipo?.[name] ?? empty)]));
  const [form, setForm] = useState({ ...start, withdrawn: ipo?.status === "WITHDRAWN" });
  const save = useAction(ipo ? "updateIpo" : "createIpo", ipo ? UPDATE : CREATE);
  const put = (name) => (value) => setForm((old) => ({ ...old, [name]: value }));
  const submit = async (event) => {
    event.preventDefault();
    const input = {};
    for (const [name, value] of Object.entries(form)) {
      if (name === "withdrawn" || (ipo && (name === "exchange" || value === start[name]))) continue;
      const given = value.trim() === "" ? null : name === "lotSize" ? Number(value) : value.trim();
      // What a new issue doesn't have is left out.
      if (ipo || given !== null) input[name] = given;
    }
    if (ipo) {
      input.id = ipo.id;
      if (form.withdrawn !== (ipo.status === "WITHDRAWN")) input.withdrawn = form.withdrawn;
    }
    const made = await save.run({ input });
    if (made) saved();
  };
  const field = (name, label, rest = {}) => html`<${Field} label=${label} path=${name} errors=${save.errors} value=${form[name]} onInput=${put(name)} ...${rest} />`;
  return html`<${Panel} title=${ipo ? `Edit ${ipo.name}` : "A new IPO"}>
    <form class="form" onSubmit=${submit}>
      ${field("name", "Name", { required: true, class: "wide" })}
      ${field("ticker", "Symbol")}
      ${ipo ? null : field("exchange", "Exchange", { options: EXCHANGES })}
      ${field("board", "Board", { options: BOARDS })}
      ${field("priceBandLow", "Band from", { inputmode: "decimal" })}
      ${field("priceBandHigh", "Band to", { inputmode: "decimal" })}
      ${field("issuePrice", "Issue price", { inputmode: "decimal" })}
      ${field("lotSize", "Lot", { type: "number", min: "1" })}
      ${field("issueSize", "Shares", { inputmode: "numeric" })}
      ${field("openDate", "Opens", { type: "date" })}
      ${field("closeDate", "Closes", { type: "date" })}
      ${field("listingDate", "Lists", { type: "date" })}
      ${ipo && html`<${Check} label="Withdrawn" checked=${form.withdrawn} onInput=${put("withdrawn")} />`}
      <div class="wide"><${Mistakes} errors=${save.errors} paths=${Object.keys(NOTHING)} /></div>
      <div class="row wide">
        <button class="primary" disabled=${save.busy}>${ipo ? "Save" : "Add it"}</button>
        <button type="button" onClick=${leave}>Cancel</button>
      </div>
    </form>
  <//>`;
}

function EditIpos({ query }) {
  const [search, setSearch] = useState("");
  const [editing, setEditing] = useState(null);
  const [said, setSaid] = useState(null);
  const list = usePages(LIST, "ipos", { first: 30, filter: search ? { search } : null });
  const drop = useAction("deleteIpo", DELETE);
  const asked = query.get("edit");
  const one = useQuery(`query($id: ID!) { ipo(by: { id: $id }) { ${FIELDS} } }`, { id: asked ?? "none" });
  useEffect(() => {
    if (asked && one.data?.ipo) setEditing(one.data.ipo);
  }, [asked, one.data]);
  const close = (message) => {
    setEditing(null);
    setSaid(message ?? null);
    if (asked) go("/reporting/admin/ipos", true);
    list.reload();
  };
  const columns = [
    { label: "Issue", lead: true, wrap: true, cell: (ipo) => html`<${Link} to=${`/reporting/ipos/${ipo.id}`}><strong>${ipo.name}</strong><//><div class="small muted">${[ipo.ticker, ipo.exchange].filter(Boolean).join(" · ")}</div>` },
    { label: "Status", cell: (ipo) => html`<${Chip} of=${ipo.status} />` },
    { label: "Open", num: true, cell: (ipo) => date(ipo.openDate) },
    { label: "Close", num: true, cell: (ipo) => date(ipo.closeDate) },
    { label: "Band", num: true, cell: band },
    { label: "Issue price", num: true, cell: (ipo) => price(ipo.issuePrice ?? undefined) },
    {
      label: "",
      full: true,
      cell: (ipo) => html`<div class="row">
        <button onClick=${() => { setSaid(null); setEditing(ipo); scrollTo(0, 0); }} aria-label=${`Edit ${ipo.name}`}>Edit</button>
        <${Confirm} label="Delete" question=${`Delete ${ipo.name}? It won't be fetched back.`} confirm="Delete it"
          onConfirm=${async () => { if (await drop.run({ id: ipo.id })) close(`${ipo.name} is deleted.`); }} />
      </div>`,
    },
  ];
  return html`<div class="stack">
    ${said && html`<div class="notice good" role="status">${said}</div>`}
    <${Mistakes} errors=${drop.errors} />
    ${editing
      ? html`<${IpoForm} key=${editing.id ?? "new"} ipo=${editing.id ? editing : null} saved=${() => close("Saved.")} leave=${() => close()} />`
      : html`<div class="row"><button class="primary" onClick=${() => setEditing({})}>Add an IPO</button></div>`}
    <div class="form"><${Field} label="Search" type="search" value=${search} onInput=${setSearch} /></div>
    <${Waiting} query=${list} />
    ${list.data && html`<${Table} label="IPOs" columns=${columns} rows=${list.rows} empty=${html`<${Empty} title="No IPOs here">Add one, or fetch them on the page of IPOs.<//>`} /><${More} of=${list} />`}
  </div>`;
}

// Flagged records.

const ISSUES = `query($first: Int, $after: String, $filter: DataIssueFilter) { dataIssues(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { id source record field reason raw firstSeenAt lastSeenAt occurrences resolvedAt } } }`;

function Records() {
  const [resolved, setResolved] = useState("no");
  const [search, setSearch] = useState("");
  const admin = useRole("ADMIN");
  const filter = { resolved: resolved === "yes", ...(search ? { search } : {}) };
  const list = usePages(ISSUES, "dataIssues", { first: 30, filter });
  const resolve = useAction("resolveDataIssue", "mutation($id: ID!) { resolveDataIssue(input: { id: $id }) { dataIssue { id } userErrors { message } } }");
  const columns = [
    { label: "Record", lead: true, wrap: true, cell: (i) => html`<strong>${i.record}</strong><div class="small muted">${words(i.source)}${i.field ? `, ${i.field}` : ""}</div>` },
    { label: "Why it was left out", full: true, wrap: true, cell: (i) => html`${i.reason}<details><summary class="small muted">What the source sent</summary><pre>${i.raw}</pre></details>` },
    { label: "Seen", num: true, cell: (i) => `${count(i.occurrences)}×` },
    { label: "Last", num: true, cell: (i) => moment(i.lastSeenAt) },
    {
      label: "",
      full: true,
      cell: (i) => (i.resolvedAt ? html`<span class="small muted">Resolved ${moment(i.resolvedAt)}</span>` : admin && html`<button onClick=${async () => (await resolve.run({ id: i.id })) && list.reload()}>Resolve</button>`),
    },
  ];
  return html`<div class="stack">
    <div class="form">
      <${Field} label="Search" type="search" value=${search} onInput=${setSearch} />
      <${Field} label="State" value=${resolved} onInput=${setResolved} options=${[["no", "To be looked at"], ["yes", "Resolved"]]} />
    </div>
    <${Mistakes} errors=${resolve.errors} />
    <${Waiting} query=${list} />
    ${list.data &&
    html`<${Table} label="Flagged records" columns=${columns} rows=${list.rows}
      empty=${html`<${Empty} title="Nothing is flagged">A record that can't be right is kept out and shown here; once its source is mended it leaves by itself.<//>`} /><${More} of=${list} />`}
  </div>`;
}

// Tokens.

function Tokens() {
  const list = useQuery("{ tokens { id name role createdAt expiresAt revokedAt } }");
  const [form, setForm] = useState({ name: "", role: "OPERATOR", days: "" });
  const [secret, setSecret] = useState(null);
  const create = useAction("createToken", "mutation($input: CreateTokenInput!) { createToken(input: $input) { secret token { name } userErrors { message field } } }");
  const revoke = useAction("revokeToken", "mutation($id: ID!) { revokeToken(input: { id: $id }) { revokedId userErrors { message } } }");
  const submit = async (event) => {
    event.preventDefault();
    const made = await create.run({ input: { name: form.name, role: form.role, days: form.days ? Number(form.days) : null } });
    if (made) {
      setSecret(made);
      setForm({ ...form, name: "" });
      list.reload();
    }
  };
  const put = (name) => (value) => setForm({ ...form, [name]: value });
  const columns = [
    { label: "Token", lead: true, wrap: true, cell: (t) => html`<strong>${t.name}</strong>` },
    { label: "Role", cell: (t) => words(t.role) },
    { label: "Made", cell: (t) => moment(t.createdAt) },
    { label: "Good", cell: (t) => (t.revokedAt ? html`<${Chip} of="revoked" tone="bad" />` : t.expiresAt ? `until ${moment(t.expiresAt)}` : "without end") },
    { label: "", full: true, cell: (t) => !t.revokedAt && html`<${Confirm} label="Revoke" question=${`Revoke ${t.name}? Whoever uses it is shut out at once.`} confirm="Revoke it" onConfirm=${async () => (await revoke.run({ id: t.id })) && list.reload()} />` },
  ];
  return html`<div class="stack">
    <${Panel} title="A new token">
      <form class="form" onSubmit=${submit}>
        <${Field} label="For whom" required path="name" errors=${create.errors} value=${form.name} onInput=${put("name")} />
        <${Field} label="Role" path="role" errors=${create.errors} value=${form.role} onInput=${put("role")} options=${[["READER", "Reader"], ["OPERATOR", "Operator"], ["ADMIN", "Admin"]]} />
        <${Field} label="Days" type="number" min="1" hint="Empty: without end" path="days" errors=${create.errors} value=${form.days} onInput=${put("days")} />
        <div class="field"><span class="small" aria-hidden="true"> </span><button class="primary" disabled=${create.busy}>Make it</button></div>
      </form>
      ${secret && html`<p></p><div class="notice good" role="status"><p>The token for ${secret.token.name}. It is shown this once:</p><code class="secret">${secret.secret}</code></div>`}
    <//>
    <${Mistakes} errors=${[...create.errors.filter((e) => !e.field), ...revoke.errors]} />
    <${Waiting} query=${list} />
    ${list.data && html`<${Table} label="Tokens" columns=${columns} rows=${list.data.tokens} empty=${html`<${Empty} title="No tokens yet">ADMIN_TOKEN opens everything; give others tokens of their own.<//>`} />`}
  </div>`;
}
