// IPOs: a list with filters, and each with its history.

import { html, useState, Head, Panel, Figures, Table, Empty, Waiting, useQuery, usePages, More, useAction, useRole, Field, Link, Mistakes, Chip, price, count, date, percent, moment, number, words, Change } from "./ui.js";
import { JobWatch } from "./jobs.js";

const ROW = "id name ticker exchange board status openDate closeDate listingDate priceBandLow priceBandHigh issuePrice currency performance { listingGain returnSinceIssue } subscription { total } symbol { ticker }";
const LIST = `query($first: Int, $after: String, $filter: IpoFilter, $orderBy: [IpoOrder!]) {
  ipos(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount pageInfo { hasNextPage endCursor } nodes { ${ROW} } }
  ipoStatistics(filter: $filter) { count withPerformance medianListingGain meanListingGain shareListedAboveIssue medianReturnSinceIssue } }`;
const STATUSES = [["", "Any status"], ["OPEN", "Open"], ["UPCOMING", "Upcoming"], ["CLOSED", "Closed"], ["LISTED", "Listed"], ["WITHDRAWN", "Withdrawn"], ["POSTPONED", "Postponed"]];
const BOARDS = [["", "Any board"], ["MAINBOARD", "Main board"], ["SME", "SME"]];
const ORDERS = [["OPEN_DATE DESC", "Newest opening first"], ["OPEN_DATE ASC", "Oldest opening first"], ["LISTING_DATE DESC", "Newest listing first"], ["NAME ASC", "By name"], ["ISSUE_PRICE DESC", "Highest issue price first"]];

export const band = (ipo) =>
  ipo.priceBandHigh ? (ipo.priceBandLow === ipo.priceBandHigh ? price(ipo.priceBandHigh) : `${price(ipo.priceBandLow)} – ${price(ipo.priceBandHigh)}`) : "–";

export function Ipos() {
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState("");
  const [board, setBoard] = useState("");
  const [order, setOrder] = useState("OPEN_DATE DESC");
  const [job, setJob] = useState(null);
  const operator = useRole("OPERATOR");
  const filter = {};
  if (search) filter.search = search;
  if (status) filter.status = [status];
  if (board) filter.board = [board];
  const [field, direction] = order.split(" ");
  const list = usePages(LIST, "ipos", { first: 50, filter, orderBy: [{ field, direction }] });
  const fetchNow = useAction("refreshIpos", "mutation { refreshIpos(input: { source: NSE }) { job { id state message done total } userErrors { message } } }");
  const refresh = async () => {
    const made = await fetchNow.run();
    if (made) setJob(made.job);
  };
  const statistics = list.data?.ipoStatistics;
  const columns = [
    {
      label: "Issue",
      lead: true,
      wrap: true,
      cell: (ipo) => html`<${Link} to=${`/reporting/ipos/${ipo.id}`}><strong>${ipo.name}</strong><//>
        <div class="small muted">${[ipo.ticker, ipo.exchange, ipo.board === "SME" ? "SME" : null].filter(Boolean).join(" · ")}</div>`,
    },
    { label: "Status", cell: (ipo) => html`<${Chip} of=${ipo.status} />` },
    { label: "Open", num: true, cell: (ipo) => date(ipo.openDate) },
    { label: "Close", num: true, cell: (ipo) => date(ipo.closeDate) },
    { label: "Band", num: true, cell: band },
    { label: "Issue price", num: true, cell: (ipo) => price(ipo.issuePrice ?? undefined) },
    { label: "Subscribed", num: true, cell: (ipo) => (ipo.subscription?.total ? `${number(ipo.subscription.total)}×` : "–") },
    { label: "Listing gain", num: true, cell: (ipo) => html`<${Change} of=${ipo.performance?.listingGain} />` },
    { label: "Since issue", num: true, cell: (ipo) => html`<${Change} of=${ipo.performance?.returnSinceIssue} />` },
  ];
  return html`<${Head} title="IPOs" actions=${operator && html`<button onClick=${refresh} disabled=${fetchNow.busy}>Fetch from the NSE now</button>`}>
      Fetched every day, checked, and joined to their stocks.
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${list.reload} />`}
      <${Mistakes} errors=${fetchNow.errors} />
      <div class="form">
        <${Field} label="Search" type="search" value=${search} onInput=${setSearch} placeholder="Name or symbol" />
        <${Field} label="Status" value=${status} onInput=${setStatus} options=${STATUSES} />
        <${Field} label="Board" value=${board} onInput=${setBoard} options=${BOARDS} />
        <${Field} label="Order" value=${order} onInput=${setOrder} options=${ORDERS} />
      </div>
      ${statistics &&
      statistics.count > 0 &&
      html`<${Figures} of=${[
        ["Issues", count(statistics.count)],
        ["With a tracked stock", count(statistics.withPerformance)],
        ["Median listing gain", percent(statistics.medianListingGain)],
        ["Listed above issue", percent(statistics.shareListedAboveIssue, 0)],
        ["Median since issue", percent(statistics.medianReturnSinceIssue)],
      ]} />`}
      <${Waiting} query=${list} />
      ${list.data &&
      html`<${Table} label="IPOs" columns=${columns} rows=${list.rows}
        empty=${html`<${Empty} title="No IPOs here">${search || status || board ? "Take a filter away." : "They are fetched every night; “Fetch from the NSE now” doesn't wait for it."}<//>`} />
        <${More} of=${list} />`}
    </div>`;
}

const ONE = `query($id: ID!) { ipo(by: { id: $id }) { ${ROW} issueSize lotSize minimumInvestment faceValue registrar source createdAt updatedAt
  subscription { total qualifiedInstitutional nonInstitutional retail employee scope asOf }
  performance { listingOpen listingGain firstDayReturn returnSinceIssue maxDrawdownSinceListing asOf }
  revisions(first: 20) { nodes { at source changes { field before after } } } } }`;

export function IpoPage({ part }) {
  const query = useQuery(ONE, { id: part });
  const operator = useRole("OPERATOR");
  const admin = useRole("ADMIN");
  const add = useAction("addSymbol", "mutation($input: AddSymbolInput!) { addSymbol(input: $input) { symbol { ticker } job { id state message done total } userErrors { message } } }");
  const [job, setJob] = useState(null);
  if (!query.data) return html`<${Head} title="IPO" /><${Waiting} query=${query} />`;
  const ipo = query.data.ipo;
  if (!ipo) return html`<${Head} title="IPO" /><${Empty} title="There is no such IPO"><${Link} to="/reporting/ipos">All IPOs<//><//>`;
  const track = async () => {
    const made = await add.run({ input: { ticker: ipo.ticker, exchange: ipo.exchange } });
    if (made) setJob(made.job);
  };
  const bids = ipo.subscription;
  const gains = ipo.performance;
  return html`<${Head} title=${ipo.name} titleExtra=${html`<${Chip} of=${ipo.status} />`}
      actions=${html`${ipo.symbol
          ? html`<${Link} class="button" to=${`/reporting/symbols/${encodeURIComponent(ipo.symbol.ticker)}`}>Its stock, ${ipo.symbol.ticker}<//>`
          : operator && ipo.ticker && html`<button class="primary" onClick=${track} disabled=${add.busy}>Track its stock</button>`}
        ${admin && html`<${Link} class="button" to=${`/reporting/admin/ipos?edit=${ipo.id}`}>Edit<//>`}`}>
      ${[ipo.ticker, ipo.exchange, ipo.board === "SME" ? "SME" : "Main board"].filter(Boolean).join(" · ")}
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${query.reload} />`}
      <${Mistakes} errors=${add.errors} />
      <${Figures} of=${[
        ["Opens", date(ipo.openDate)],
        ["Closes", date(ipo.closeDate)],
        ["Lists", date(ipo.listingDate)],
        ["Price band", band(ipo)],
        ["Issue price", price(ipo.issuePrice ?? undefined)],
        ["Lot", count(ipo.lotSize)],
        ["Least investment", price(ipo.minimumInvestment ?? undefined)],
        ["Shares", count(ipo.issueSize)],
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
                ["In all", bids.total ? `${number(bids.total)}×` : "–"],
                ["Institutions", bids.qualifiedInstitutional ? `${number(bids.qualifiedInstitutional)}×` : "–"],
                ["Non-institutional", bids.nonInstitutional ? `${number(bids.nonInstitutional)}×` : "–"],
                ["Retail", bids.retail ? `${number(bids.retail)}×` : "–"],
              ]} /><p class="small muted">${bids.scope === "EXCHANGE" ? "Bids at this exchange alone" : "Bids at all exchanges"}${bids.asOf ? `, ${moment(bids.asOf)}` : ""}.</p>`
            : html`<p class="muted">No bids are known.</p>`}
        <//>
      </div>
      <${Panel} title="History">
        <${Table} label="History" rows=${ipo.revisions.nodes} keyOf=${(r, i) => i}
          columns=${[
            { label: "When", cell: (r) => moment(r.at) },
            { label: "Who", cell: (r) => words(r.source) },
            { label: "What", full: true, wrap: true, cell: (r) => r.changes.map((c) => html`<div key=${c.field}>${c.field}: ${c.before ?? "nothing"} → ${c.after ?? "nothing"}</div>`) },
          ]}
          empty=${html`<p class="muted">As it was first seen on ${moment(ipo.createdAt)}.</p>`} />
      <//>
    </div>`;
}
