// IPOs as a screener: filters, presets and sorting, all of them in the address.

import { html, useState, Head, Figures, Table, Empty, Waiting, usePages, More, useAction, useRole, useAddress, isOneOf, useTyped, setQuery, Field, Link, Mistakes, Chip, decimal, count, date, percent, times, dayFromNow, Change } from "./ui.js";
import { JobWatch } from "./jobs.js";

const ROW = "id name ticker exchange board status openDate closeDate listingDate priceBandLow priceBandHigh issuePrice currency issueSize performance { listingGain returnSinceIssue } subscription { total } symbol { ticker }";
const LIST = `query($first: Int, $after: String, $filter: IpoFilter, $orderBy: [IpoOrder!]) {
  ipos(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount pageInfo { hasNextPage endCursor } nodes { ${ROW} } }
  ipoStatistics(filter: $filter) { count withPerformance medianListingGain meanListingGain shareListedAboveIssue medianReturnSinceIssue } }`;
const STATUSES = [["", "Any status"], ["OPEN", "Open"], ["UPCOMING", "Upcoming"], ["CLOSED", "Closed"], ["LISTED", "Listed"], ["WITHDRAWN", "Withdrawn"], ["POSTPONED", "Postponed"]];
const BOARDS = [["", "Any board"], ["MAINBOARD", "Main board"], ["SME", "SME"]];
const EXCHANGES = [["", "Any exchange"], ["NSE", "NSE"], ["BSE", "BSE"], ["NASDAQ", "Nasdaq"], ["NYSE", "NYSE"], ["OTHER", "Other"]];
const START = "OPEN_DATE DESC";
const ORDER = /^(NAME|OPEN_DATE|CLOSE_DATE|LISTING_DATE|ISSUE_PRICE|ISSUE_SIZE|SUBSCRIPTION|LISTING_GAIN|RETURN_SINCE_ISSUE) (ASC|DESC)$/;

export const band = (ipo) =>
  ipo.priceBandHigh ? (ipo.priceBandLow === ipo.priceBandHigh ? decimal(ipo.priceBandHigh) : `${decimal(ipo.priceBandLow)} – ${decimal(ipo.priceBandHigh)}`) : "–";

/** "24–27 Nov" where the year goes without saying, else with it. */
function bidding({ openDate, closeDate }) {
  if (!openDate) return "–";
  return closeDate ? `${openDate} – ${closeDate.slice(0, 4) === openDate.slice(0, 4) ? closeDate.slice(5) : closeDate}` : openDate;
}

const EVERY = ["q", "status", "board", "exchange", "opened", "openedTo", "listed", "listedTo", "from", "to", "order"];
const PRESETS = [
  ["Open now", () => ({ status: "OPEN", order: "CLOSE_DATE ASC" })],
  ["SME, last 12 months", () => ({ board: "SME", listed: dayFromNow({ months: -12 }), order: "LISTING_GAIN DESC" })],
  ["Main board, last 12 months", () => ({ board: "MAINBOARD", listed: dayFromNow({ months: -12 }), order: "LISTING_GAIN DESC" })],
  ["Below issue price", () => ({ status: "LISTED", order: "RETURN_SINCE_ISSUE ASC" })],
  ["Most subscribed", () => ({ order: "SUBSCRIPTION DESC" })],
];
const preset = (changes) => setQuery({ ...Object.fromEntries(EVERY.map((name) => [name, ""])), ...changes });

const AMOUNT = /^\d{1,12}(\.\d{1,4})?$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

export function Ipos({ query }) {
  const [text, type, search] = useTyped("q");
  const [status, setStatus] = useAddress("status", "", isOneOf(STATUSES));
  const [board, setBoard] = useAddress("board", "", isOneOf(BOARDS));
  const [exchange, setExchange] = useAddress("exchange", "", isOneOf(EXCHANGES));
  const [lowest, typeLowest, low] = useTyped("from", 400);
  const [highest, typeHighest, high] = useTyped("to", 400);
  const [order, setOrder] = useAddress("order", START, (given) => ORDER.test(given));
  const [job, setJob] = useState(null);
  const operator = useRole("OPERATOR");
  const day = (name) => (DAY.test(query.get(name) ?? "") ? query.get(name) : undefined);
  const filter = {
    ...(search && { search }), ...(status && { status: [status] }), ...(board && { board: [board] }), ...(exchange && { exchange: [exchange] }),
    openFrom: day("opened"), openTo: day("openedTo"), listedFrom: day("listed"), listedTo: day("listedTo"),
    issuePriceMin: AMOUNT.test(low) ? low : undefined, issuePriceMax: AMOUNT.test(high) ? high : undefined,
  };
  const some = Object.values(filter).some(Boolean);
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
      label: "Issue", lead: true, wrap: true, sort: "NAME",
      cell: (ipo) => html`<${Link} to=${`/reporting/ipos/${ipo.id}`}><strong>${ipo.name}</strong><//>
        <div class="small muted">${[ipo.ticker, ipo.exchange, ipo.board === "SME" ? "SME" : null].filter(Boolean).join(" · ")}</div>`,
      csv: [["name", (i) => i.name], ["symbol", (i) => i.ticker], ["exchange", (i) => i.exchange], ["board", (i) => i.board]],
    },
    { label: "Status", key: true, cell: (ipo) => html`<${Chip} of=${ipo.status} />`, csv: (i) => i.status },
    { label: "Bidding", day: true, prio: 3, sort: "OPEN_DATE", cell: bidding, csv: [["opens", (i) => i.openDate], ["closes", (i) => i.closeDate]] },
    { label: "Listed", day: true, prio: 2, sort: "LISTING_DATE", cell: (ipo) => date(ipo.listingDate), csv: (i) => i.listingDate },
    { label: "Band", num: true, prio: 3, cell: band, csv: [["band from", (i) => i.priceBandLow], ["band to", (i) => i.priceBandHigh], ["currency", (i) => i.currency]] },
    { label: "Issue price", num: true, sort: "ISSUE_PRICE", cell: (ipo) => decimal(ipo.issuePrice), csv: (i) => i.issuePrice },
    { label: "Shares", num: true, prio: 4, sort: "ISSUE_SIZE", cell: (ipo) => count(ipo.issueSize), csv: (i) => i.issueSize },
    { label: "Subscribed", num: true, prio: 2, sort: "SUBSCRIPTION", cell: (ipo) => times(ipo.subscription?.total), csv: (i) => i.subscription?.total },
    { label: "Listing gain", num: true, key: true, sort: "LISTING_GAIN", cell: (ipo) => (ipo.performance ? html`<${Change} of=${ipo.performance.listingGain} />` : "–"), csv: (i) => i.performance?.listingGain },
    { label: "Since issue", num: true, sort: "RETURN_SINCE_ISSUE", cell: (ipo) => (ipo.performance ? html`<${Change} of=${ipo.performance.returnSinceIssue} />` : "–"), csv: (i) => i.performance?.returnSinceIssue },
  ];
  const dates = (name, label) => html`<${Field} label=${label} type="date" value=${day(name) ?? ""} onInput=${(value) => setQuery({ [name]: value })} />`;
  const inside = ["opened", "openedTo", "listedTo", "from", "to"].some((name) => query.get(name));
  return html`<${Head} title="IPOs" named=${search ? `IPOs: ${search}` : "IPOs"} actions=${operator && html`<button onClick=${refresh} disabled=${fetchNow.busy}>Fetch from the NSE now</button>`}>
      Fetched every day, checked, and joined to their stocks.
    <//>
    <div class="stack">
      ${job && html`<${JobWatch} id=${job.id} initial=${job} done=${list.reload} />`}
      <${Mistakes} errors=${fetchNow.errors} />
      <div class="row" role="group" aria-label="Presets">
        ${PRESETS.map(([name, changes]) => html`<button key=${name} onClick=${() => preset(changes())}>${name}</button>`)}
        ${(some || order !== START) && html`<button class="plain" onClick=${() => preset({})}>Clear</button>`}
      </div>
      <div>
        <div class="form">
          <${Field} label="Search" type="search" value=${text} onInput=${type} placeholder="Name or symbol" />
          <${Field} label="Status" value=${status} onInput=${setStatus} options=${STATUSES} />
          <${Field} label="Board" value=${board} onInput=${setBoard} options=${BOARDS} />
          <${Field} label="Exchange" value=${exchange} onInput=${setExchange} options=${EXCHANGES} />
          ${dates("listed", "Listed from")}
        </div>
        <details class="more-filters" open=${inside}><summary>Dates and prices</summary>
          <div class="form">
            ${dates("listedTo", "Listed to")} ${dates("opened", "Opens from")} ${dates("openedTo", "Opens to")}
            <${Field} label="Issue price from" value=${lowest} onInput=${typeLowest} inputmode="decimal" hint=${lowest && !AMOUNT.test(lowest) ? "An amount such as 71.50" : undefined} />
            <${Field} label="Issue price to" value=${highest} onInput=${typeHighest} inputmode="decimal" hint=${highest && !AMOUNT.test(highest) ? "An amount such as 71.50" : undefined} />
          </div>
        </details>
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
      <${Waiting} query=${list} lines=${8} />
      ${list.data &&
      html`<div><${Table} label="IPOs" columns=${columns} rows=${list.rows} total=${list.total} order=${order} onOrder=${setOrder} csv="ipos" all=${list.all}
        empty=${html`<${Empty} title="No IPOs here">${some ? html`Take a filter away. <button onClick=${() => preset({})}>Show all</button>` : "They are fetched every night; “Fetch from the NSE now” doesn't wait for it."}<//>`} />
        <${More} of=${list} /></div>`}
    </div>`;
}
