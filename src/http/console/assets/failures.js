// Jobs that failed, gathered by their reason, so that what one cause broke is one thing to retry.

import { html, useState, Panel, Table, count, words } from "./ui.js";
import { gather, plainly } from "./groups.js";

const reasonOf = (job) => plainly(job.message ?? "No reason was given", job.symbol?.ticker);

function Group({ rows, columns, retry, busy }) {
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState(20);
  const [first] = rows;
  const one = rows.length === 1;
  return html`<${Panel} title=${one ? (first.message ?? reasonOf(first)) : reasonOf(first)}
      aside=${html`<span class="row"><span class="small muted">${words(first.kind)}, ${count(rows.length)} ${one ? "job" : "jobs"}</span>
        <button aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Hide" : "Show"} ${one ? "it" : "them"}</button>
        ${retry && !one && html`<button disabled=${busy} onClick=${() => retry(rows)}>Retry these ${count(rows.length)}</button>`}</span>`}>
    ${open && html`<${Table} label="Failed jobs" columns=${columns} rows=${rows.slice(0, shown)} csv="failed-jobs" all=${async () => rows} />
      ${shown < rows.length && html`<p class="row beneath"><button onClick=${() => setShown(shown + 100)}>Show more</button></p>`}`}
  <//>`;
}

/** The groups of what failed, those with the most jobs first. */
export function Failures({ rows, columns, retry, busy, total }) {
  const groups = gather(rows, (job) => `${job.kind} ${reasonOf(job)}`);
  return html`<p class="small muted" role="status">${count(total)} ${total === 1 ? "job" : "jobs"}, ${count(groups.length)} ${groups.length === 1 ? "reason" : "reasons"}${total > rows.length ? ` among the newest ${count(rows.length)}` : ""}</p>
    ${groups.map(([key, jobs]) => html`<${Group} key=${key} rows=${jobs} columns=${columns} retry=${retry} busy=${busy} />`)}`;
}
