// One IPO: its terms, what became of it, and every change, each of which can be taken back.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, isGone, useQuery, useAction, useRole, Link, Mistakes, Chip, Confirm, decimal, count, date, percent, times, moment, words, fieldName, Change } from "./ui.js";
import { band } from "./ipos.js";
import { JobWatch } from "./jobs.js";

const ONE = `query($id: ID!) { ipo(by: { id: $id }) { id name ticker exchange board status openDate closeDate listingDate priceBandLow priceBandHigh issuePrice currency
  symbol { ticker } issueSize lotSize minimumInvestment faceValue registrar source createdAt updatedAt
  subscription { total qualifiedInstitutional nonInstitutional retail employee scope asOf }
  performance { listingOpen listingGain firstDayReturn returnSinceIssue maxDrawdownSinceListing asOf }
  revisions(first: 20) { totalCount nodes { at source author changes { field before after } } } } }`;
const UPDATE = "mutation($input: UpdateIpoInput!) { updateIpo(input: $input) { ipo { id } userErrors { message field } } }";
// What an edit may set, as the API takes it.
const TEXTS = ["name", "ticker", "board", "issuePrice", "priceBandLow", "priceBandHigh", "openDate", "closeDate", "listingDate"];
const NUMBERS = ["lotSize", "issueSize"];

/** The input that sets back what a revision changed; null where none of it can be set. */
function undoing(ipo, revision) {
  const input = {};
  for (const { field, before } of revision.changes) {
    if (TEXTS.includes(field)) input[field] = before;
    else if (NUMBERS.includes(field)) input[field] = before === null ? null : Number(before);
    else if (field === "standing") input.withdrawn = before === "WITHDRAWN";
  }
  return Object.keys(input).length ? { ...input, id: ipo.id } : null;
}

/** "41,000,000" as "41.00 m" where the tile is narrow; the whole is a hover away. */
const big = (value) => {
  if (value === null || value === undefined) return ["Shares", "–"];
  return ["Shares", value >= 1e7 ? `${(value / 1e6).toFixed(2)} m` : count(value), { title: count(value) }];
};

export function IpoPage({ part }) {
  const query = useQuery(ONE, { id: part });
  const operator = useRole("OPERATOR");
  const admin = useRole("ADMIN");
  const add = useAction("addSymbol", "mutation($input: AddSymbolInput!) { addSymbol(input: $input) { symbol { ticker } job { id state message done total } userErrors { message } } }");
  const undo = useAction("updateIpo", UPDATE);
  const [job, setJob] = useState(null);
  const [said, setSaid] = useState(null);
  const ipo = query.data?.ipo;
  if ((query.data && !ipo) || isGone(query)) return html`<${Head} title="IPO" /><${Empty} title="There is no such IPO"><${Link} to="/reporting/ipos">All IPOs<//><//>`;
  if (!ipo) return html`<${Head} title="IPO" waiting /><${Waiting} query=${query} lines=${6} />`;
  const track = async () => {
    const made = await add.run({ input: { ticker: ipo.ticker, exchange: ipo.exchange } });
    if (made) setJob(made.job);
  };
  const revert = async (revision) => {
    setSaid(null);
    if (await undo.run({ input: undoing(ipo, revision) })) {
      setSaid("Set back.");
      query.reload();
    }
  };
  const bids = ipo.subscription;
  const gains = ipo.performance;
  return html`<${Head} title=${ipo.name} named=${`${ipo.name} IPO`} titleExtra=${html`<${Chip} of=${ipo.status} />`}
      actions=${html`${ipo.symbol
          ? html`<${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(ipo.symbol.ticker)}`}>Its stock, ${ipo.symbol.ticker}<//>`
          : operator && ipo.ticker && html`<button class="primary" onClick=${track} disabled=${add.busy}>Track its stock</button>`}
        ${admin && html`<${Link} class="button" to=${`/reporting/admin/ipos?edit=${ipo.id}`}>Edit<//>`}`}>
      ${[ipo.ticker, ipo.exchange, words(ipo.board), ipo.currency].filter(Boolean).join(" · ")}
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${query.reload} />`}
      ${said && html`<div class="notice good" role="status">${said}</div>`}
      <${Mistakes} errors=${[...add.errors, ...undo.errors]} />
      <${Figures} of=${[
        ["Opens", date(ipo.openDate)],
        ["Closes", date(ipo.closeDate)],
        ["Lists", date(ipo.listingDate)],
        ["Price band", band(ipo)],
        ["Issue price", decimal(ipo.issuePrice)],
        ["Lot", count(ipo.lotSize)],
        ["Least investment", decimal(ipo.minimumInvestment)],
        big(ipo.issueSize),
      ]} />
      <div class="columns">
        <${Panel} title="Performance">
          ${gains
            ? html`<${Figures} of=${[
                ["Listing gain", html`<${Change} of=${gains.listingGain} />`],
                ["First day", html`<${Change} of=${gains.firstDayReturn} />`],
                ["Since issue", html`<${Change} of=${gains.returnSinceIssue} />`],
                ["Deepest fall", percent(gains.maxDrawdownSinceListing)],
              ]} /><p class="small muted">As of ${gains.asOf}.</p>`
            : html`<p class="muted">${ipo.symbol ? "Its stock has no prices from the listing on yet." : "Known once its stock is tracked and listed."}</p>`}
        <//>
        <${Panel} title="Subscription">
          ${bids
            ? html`<${Figures} of=${[
                ["In all", times(bids.total)],
                ["Institutions", times(bids.qualifiedInstitutional)],
                ["Non-institutional", times(bids.nonInstitutional)],
                ["Retail", times(bids.retail)],
              ]} /><p class="small muted">${bids.scope === "EXCHANGE" ? "Bids at this exchange alone" : "Bids at all exchanges"}${bids.asOf ? `, ${moment(bids.asOf)}` : ""}.</p>`
            : html`<p class="muted">No bids are known.</p>`}
        <//>
      </div>
      <${Panel} title="History">
        <${Table} label="History" rows=${ipo.revisions.nodes} keyOf=${(r, i) => i} total=${ipo.revisions.totalCount} csv=${`ipo-${ipo.ticker ?? ipo.id}-history`}
          columns=${[
            { label: "When", day: true, cell: (r) => moment(r.at), csv: (r) => r.at },
            { label: "Who", cell: (r) => r.author ?? words(r.source), csv: [["source", (r) => r.source], ["who", (r) => r.author]] },
            { label: "What", full: true, wrap: true, cell: (r) => r.changes.map((c) => html`<div key=${c.field}>${fieldName(c.field)}: ${c.before ?? "nothing"} → ${c.after ?? "nothing"}</div>`), csv: (r) => r.changes.map((c) => `${c.field}: ${c.before ?? ""} -> ${c.after ?? ""}`).join("; ") },
            { label: "", full: true, cell: (r) => admin && undoing(ipo, r) && html`<${Confirm} label="Set back" tone="" question=${`Set back what was changed on ${moment(r.at)}?`} confirm="Set it back" onConfirm=${() => revert(r)} />` },
          ]}
          empty=${html`<p class="muted">As it was first seen on ${moment(ipo.createdAt)}.</p>`} />
      <//>
    </div>`;
}
