// Records that were kept out, gathered by why.

import { html, useState, Table, Empty, Waiting, usePages, More, useAction, useRole, useAddress, useTyped, useThrottled, Field, Mistakes, count, moment, words, whole, many } from "./ui.js";
import { gather, plainly } from "./groups.js";

const ISSUES = `query($first: Int, $after: String, $filter: DataIssueFilter) { dataIssues(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { id source record field reason raw firstSeenAt lastSeenAt occurrences resolvedAt } } }`;
const RESOLVE = "mutation($id: ID!) { resolveDataIssue(input: { id: $id }) { dataIssue { id } userErrors { message } } }";

const kindOf = (issue) => `${issue.source} ${issue.field ?? ""} ${plainly(issue.reason)}`;

function Group({ rows, admin, resolve, busy }) {
  const [open, setOpen] = useState(rows.length === 1);
  const [shown, setShown] = useState(20);
  const [first] = rows;
  const left = rows.filter((row) => !row.resolvedAt);
  const columns = [
    { label: "Record", lead: true, wrap: true, cell: (i) => html`<strong>${whole(i.record)}</strong>`, csv: [["source", (i) => i.source], ["record", (i) => i.record], ["field", (i) => i.field]] },
    { label: "Why", full: true, wrap: true, cell: (i) => html`${whole(i.reason)}<details><summary class="small muted">What the source sent</summary><pre>${i.raw}</pre></details>`, csv: [["reason", (i) => i.reason], ["raw", (i) => i.raw]] },
    { label: "Seen", num: true, cell: (i) => `${count(i.occurrences)}×`, csv: (i) => i.occurrences },
    { label: "Last", day: true, prio: 2, cell: (i) => moment(i.lastSeenAt), csv: (i) => i.lastSeenAt },
    { label: "", full: true, cell: (i) => (i.resolvedAt ? html`<span class="small muted">Resolved ${moment(i.resolvedAt)}</span>` : admin && html`<button disabled=${busy} onClick=${() => resolve([i])}>Resolve</button>`) },
  ];
  return html`<section class="panel">
    <div class="panel-head"><h2>${first.field ? `${first.field}: ` : ""}${rows.length > 1 ? first.reason.replace(/"[^"]*"|“[^”]*”/g, "…") : first.reason}</h2>
      <span class="row"><span class="small muted">${words(first.source)}, ${count(rows.length)} ${rows.length === 1 ? "record" : "records"}</span>
        ${rows.length > 1 && html`<button aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Hide them" : "Show them"}</button>`}
        ${admin && left.length > 1 && html`<button disabled=${busy} onClick=${() => resolve(left)}>Resolve these ${count(left.length)}</button>`}</span></div>
    ${open && html`<${Table} label="Flagged records" columns=${columns} rows=${rows.slice(0, shown)} csv="flagged-records" all=${async () => rows} />
      ${shown < rows.length && html`<p class="row beneath"><button onClick=${() => setShown(shown + 100)}>Show more</button></p>`}`}
  </section>`;
}

export function Records() {
  const [resolved, setResolved] = useAddress("resolved", "no");
  const [text, type, search] = useTyped("q");
  const admin = useRole("ADMIN");
  const filter = { resolved: resolved === "yes", ...(search ? { search } : {}) };
  const list = usePages(ISSUES, "dataIssues", { first: 500, filter });
  const resolve = useAction("resolveDataIssue", RESOLVE);
  const reload = useThrottled(list.reload, 1000);
  const [left, setLeft] = useState(0);
  const all = async (rows) => {
    setLeft(rows.length);
    for (const [i, row] of rows.entries()) {
      if (!(await resolve.run({ id: row.id }))) break;
      setLeft(rows.length - i - 1);
    }
    setLeft(0);
    reload();
  };
  const groups = gather(list.rows, kindOf);
  return html`<div class="stack">
    <div class="form">
      <${Field} label="Search" type="search" value=${text} onInput=${type} placeholder="Record or reason" />
      <${Field} label="State" value=${resolved} onInput=${setResolved} options=${[["no", "To be looked at"], ["yes", "Resolved"]]} />
    </div>
    <${Mistakes} errors=${resolve.errors} />
    <p class="small muted" role="status">${left > 1 ? `${count(left)} to go…` : list.data && list.total > 0 ? `${many(list.total, "record")}, ${many(groups.length, "reason")}${list.loadMore ? ` among the newest ${count(list.rows.length)}` : ""}` : ""}</p>
    <${Waiting} query=${list} lines=${6} />
    ${list.data && groups.length === 0 && html`<${Empty} title="Nothing is flagged">A record that can't be right is kept out and shown here; once its source is mended it leaves by itself.<//>`}
    ${groups.map(([key, rows]) => html`<${Group} key=${key} rows=${rows} admin=${admin} resolve=${all} busy=${left > 0} />`)}
    <${More} of=${list} />
  </div>`;
}
