// Jobs: what is under way and what came of it, followed as it happens.

import { html, useEffect, useRef, useState, lazy, Head, Table, Empty, Waiting, Chip, usePages, More, useAction, useRole, useAddress, isOneOf, useThrottled, Field, Link, Mistakes, moment, words, count } from "./ui.js";
import { follow } from "./api.js";

const Failures = lazy(() => import("./failures.js"), "Failures");

export const JOB = "id kind state done total message attempts createdAt startedAt finishedAt symbol { ticker } outcome { added changed unchanged flagged } sweep { id }";
export const HAS_ENDED = ["SUCCEEDED", "FAILED", "CANCELLED"];

/** Calls back with every change of a job, of one or of all. */
export function useJobs(id, changed) {
  const latest = useRef(changed);
  latest.current = changed;
  useEffect(
    () => follow(`subscription($id: ID) { jobUpdated(id: $id) { ${JOB} } }`, { id }, (data) => latest.current(data.jobUpdated)),
    [id],
  );
}

/** What a fetch or an import did, in words; null if the job has nothing of the kind. */
function receipt({ outcome, state }) {
  if (!outcome || state !== "SUCCEEDED") return null;
  const parts = [[outcome.added, "added"], [outcome.changed, "corrected"], [outcome.unchanged, "known already"], [outcome.flagged, "left out"]];
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${count(n)} ${word}`);
  return said.length ? said.join(", ") : "Nothing new";
}
const storedNothing = ({ outcome, state }) => state === "SUCCEEDED" && outcome && outcome.flagged > 0 && outcome.added + outcome.changed + outcome.unchanged === 0;

/** How far a job is. */
export function Progress({ job }) {
  const going = ["QUEUED", "RUNNING", "RETRYING"].includes(job.state);
  return html`<div class="row progress"><${Chip} of=${job.state} tone=${storedNothing(job) ? "bad" : undefined} />
      <span class="wrap">${receipt(job) ?? job.message ?? (going ? "Waiting for a worker" : "")}</span></div>
    ${job.state === "RUNNING" && job.total ? html`<progress value=${job.done} max=${job.total} aria-label="Progress"></progress>` : null}`;
}

/** Follows one job to its end, and says what came of it. */
export function JobWatch({ id, initial, done, ticker }) {
  const [job, setJob] = useState(initial);
  useJobs(id, (changed) => {
    setJob(changed);
    if (HAS_ENDED.includes(changed.state)) done?.(changed);
  });
  if (!job) return null;
  const bad = job.state === "FAILED" || storedNothing(job);
  const of = job.symbol?.ticker ?? ticker;
  return html`<div class=${`notice ${bad ? "bad" : job.state === "SUCCEEDED" ? "good" : ""}`} role="status"><${Progress} job=${job} />
    ${job.outcome?.flagged > 0 && html`<div class="small"><${Link} to=${`/reporting/admin/records${of ? `?q=${encodeURIComponent(of)}` : ""}`}>See what was left out, and why<//></div>`}</div>`;
}

const LIST = `query($first: Int, $after: String, $filter: JobFilter) { jobs(first: $first, after: $after, filter: $filter) {
  totalCount pageInfo { hasNextPage endCursor } nodes { ${JOB} } } }`;
const STATES = [["", "Any state"], ["RUNNING", "Running"], ["QUEUED", "Queued"], ["RETRYING", "Retrying"], ["SUCCEEDED", "Succeeded"], ["FAILED", "Failed"], ["CANCELLED", "Cancelled"]];
const KINDS = [["", "Any kind"], ...["REFRESH_SYMBOL", "REFRESH_IPOS", "REFRESH_MARKET", "IMPORT_PRICES", "SWEEP", "TRAIN_MODEL"].map((kind) => [kind, words(kind)])];

/** So many failed jobs are gathered by their reason at once. */
const MOST_GATHERED = 200;

/** How long a job ran. */
function lasted({ startedAt, finishedAt }) {
  if (!startedAt || !finishedAt) return "–";
  const seconds = (new Date(finishedAt) - new Date(startedAt)) / 1000;
  return seconds < 60 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function Jobs() {
  const [state, setState] = useAddress("state", "", isOneOf(STATES));
  const [jobKind, setKind] = useAddress("kind", "", isOneOf(KINDS));
  const filter = { ...(state && { state: [state] }), ...(jobKind && { kind: [jobKind] }) };
  const list = usePages(LIST, "jobs", { first: state === "FAILED" ? MOST_GATHERED : 30, filter });
  const [changes, setChanges] = useState({});
  const operator = useRole("OPERATOR");
  const cancel = useAction("cancelJob", "mutation($id: ID!) { cancelJob(input: { id: $id }) { job { id } userErrors { message } } }");
  const retry = useAction("retryJob", "mutation($id: ID!) { retryJob(input: { id: $id }) { job { id } userErrors { message } } }");
  const [gathered] = useState(() => new Map());
  const show = useThrottled(() => {
    setChanges((old) => ({ ...old, ...Object.fromEntries(gathered) }));
    gathered.clear();
  }, 250);
  useJobs(null, (job) => {
    gathered.set(job.id, job);
    show();
  });
  const known = new Set(list.rows.map((job) => job.id));
  const fits = (job) => (!state || job.state === state) && (!jobKind || job.kind === jobKind);
  const fresh = Object.values(changes).filter((job) => !known.has(job.id) && fits(job)).reverse();
  const rows = [...fresh, ...list.rows.map((job) => changes[job.id] ?? job)];
  const columns = [
    {
      label: "Job", lead: true, csv: [["kind", (job) => job.kind], ["symbol", (job) => job.symbol?.ticker]],
      cell: (job) => html`<div>${words(job.kind)}</div>${job.symbol && html`<div><${Link} to=${`/reporting/symbols/${encodeURIComponent(job.symbol.ticker)}`}>${job.symbol.ticker}<//></div>`}`,
    },
    {
      label: "How it stands", full: true, wrap: true, cell: (job) => html`<${Progress} job=${job} />`,
      csv: [["state", (job) => job.state], ["message", (job) => job.message], ["added", (job) => job.outcome?.added], ["left out", (job) => job.outcome?.flagged]],
    },
    { label: "Asked for", day: true, cell: (job) => moment(job.createdAt), csv: (job) => job.createdAt },
    { label: "Took", num: true, prio: 2, cell: lasted, csv: [["ended", (job) => job.finishedAt]] },
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
  // What is queued again is no failure any more.
  const failed = state === "FAILED" ? rows.filter((job) => job.state === "FAILED") : [];
  const retryAll = async (jobs) => {
    for (const job of jobs) if (!(await retry.run({ id: job.id }))) break;
    list.reload();
  };
  return html`<${Head} title="Jobs" actions=${operator && failed.length > 1 && html`<button onClick=${() => retryAll(failed)} disabled=${retry.busy}>Retry these ${failed.length}</button>`}>
      What fetches, imports, sweeps and trains; it goes on after a crash.
    <//>
    <div class="stack">
      <div class="form short">
        <${Field} label="State" value=${state} onInput=${setState} options=${STATES} />
        <${Field} label="Kind" value=${jobKind} onInput=${setKind} options=${KINDS} />
      </div>
      <${Mistakes} errors=${[...cancel.errors, ...retry.errors]} />
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div>${failed.length > 0
        ? html`<div class="stack"><${Failures} rows=${failed} columns=${columns} retry=${operator && retryAll} busy=${retry.busy} total=${Math.max(list.total, failed.length)} /></div>`
        : html`<${Table} label="Jobs" columns=${columns} rows=${rows} total=${Math.max(list.total, rows.length)} csv="jobs" all=${list.all}
        empty=${html`<${Empty} title="No jobs here">${state || jobKind ? "Take a filter away." : "Refresh a symbol or import a file, and follow it on this page."}<//>`} />`}
        <${More} of=${list} /></div>`}
    </div>`;
}
