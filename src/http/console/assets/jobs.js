// Jobs: what is under way and what came of it, followed as it happens.

import { html, useEffect, useState, Head, Table, Empty, Waiting, Chip, usePages, More, useAction, useRole, Field, Link, Mistakes, moment, words } from "./ui.js";
import { follow } from "./api.js";

export const JOB = "id kind state done total message attempts createdAt finishedAt symbol { ticker } outcome { added changed unchanged flagged } sweep { id }";

/** Calls back with every change of a job, of one or of all. */
export function useJobs(id, changed) {
  useEffect(
    () => follow(`subscription($id: ID) { jobUpdated(id: $id) { ${JOB} } }`, { id }, (data) => changed(data.jobUpdated)),
    [id],
  );
}

/** How far a job is. */
export function Progress({ job }) {
  const going = ["QUEUED", "RUNNING", "RETRYING"].includes(job.state);
  return html`<div class="row"><${Chip} of=${job.state} />
      <span class="wrap">${job.message ?? (going ? "Waiting for a worker" : "")}</span></div>
    ${job.state === "RUNNING" && job.total ? html`<progress value=${job.done} max=${job.total} aria-label="Progress"></progress>` : null}`;
}

/** Follows one job to its end. */
export function JobWatch({ id, initial, done }) {
  const [job, setJob] = useState(initial);
  useJobs(id, (changed) => {
    setJob(changed);
    if (["SUCCEEDED", "FAILED", "CANCELLED"].includes(changed.state)) done?.(changed);
  });
  return job ? html`<div class=${`notice ${job.state === "FAILED" ? "bad" : job.state === "SUCCEEDED" ? "good" : ""}`} role="status"><${Progress} job=${job} /></div>` : null;
}

const LIST = `query($first: Int, $after: String, $filter: JobFilter) { jobs(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { ${JOB} } } }`;
const STATES = [["", "Any state"], ["RUNNING", "Running"], ["QUEUED", "Queued"], ["RETRYING", "Retrying"], ["SUCCEEDED", "Succeeded"], ["FAILED", "Failed"], ["CANCELLED", "Cancelled"]];

export function Jobs() {
  const [state, setState] = useState("");
  const list = usePages(LIST, "jobs", { first: 30, filter: state ? { state: [state] } : null });
  const [changes, setChanges] = useState({});
  const operator = useRole("OPERATOR");
  const cancel = useAction("cancelJob", "mutation($id: ID!) { cancelJob(input: { id: $id }) { job { id } userErrors { message } } }");
  const retry = useAction("retryJob", "mutation($id: ID!) { retryJob(input: { id: $id }) { job { id } userErrors { message } } }");
  useJobs(null, (job) => {
    setChanges((old) => ({ ...old, [job.id]: job }));
  });
  const known = new Set(list.rows.map((job) => job.id));
  const fresh = Object.values(changes).filter((job) => !known.has(job.id) && (!state || job.state === state)).reverse();
  const rows = [...fresh, ...list.rows.map((job) => changes[job.id] ?? job)];
  const columns = [
    { label: "Job", lead: true, cell: (job) => html`<div>${words(job.kind)}</div>${job.symbol && html`<div><${Link} to=${`/reporting/symbols/${encodeURIComponent(job.symbol.ticker)}`}>${job.symbol.ticker}<//></div>`}` },
    { label: "How it stands", full: true, wrap: true, cell: (job) => html`<${Progress} job=${job} />` },
    { label: "Asked for", cell: (job) => moment(job.createdAt) },
    { label: "Ended", cell: (job) => moment(job.finishedAt) },
    {
      label: "",
      full: true,
      cell: (job) => html`<div class="row">
        ${job.sweep && html`<${Link} class="button" to=${`/reporting/sweeps/${job.sweep.id}`}>See the sweep<//>`}
        ${operator && ["QUEUED", "RUNNING", "RETRYING"].includes(job.state) && html`<button onClick=${() => cancel.run({ id: job.id })}>Cancel</button>`}
        ${operator && ["FAILED", "CANCELLED"].includes(job.state) && html`<button onClick=${() => retry.run({ id: job.id })}>Retry</button>`}
      </div>`,
    },
  ];
  return html`<${Head} title="Jobs" actions=${html`<${Field} label="State" value=${state} onInput=${setState} options=${STATES} />`}>
      What fetches, imports, sweeps and trains; it goes on after a crash.
    <//>
    <${Mistakes} errors=${[...cancel.errors, ...retry.errors]} />
    <${Waiting} query=${list} />
    ${list.data &&
    html`<${Table} label="Jobs" columns=${columns} rows=${rows}
      empty=${html`<${Empty} title="No jobs here">Refresh a symbol or import a file, and follow it on this page.<//>`} />
      <${More} of=${list} />`}`;
}
