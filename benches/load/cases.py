"""What is asked, with other variables each time, and the same in SQL alone."""

import datetime
import json
import random
import urllib.request

IPOS = """query($first: Int, $after: String, $order: [IpoOrder!]) {
  ipos(first: $first, after: $after, orderBy: $order) {
    nodes { id name ticker exchange status issuePrice openDate listingDate }
    pageInfo { endCursor hasNextPage } } }"""
IPOS_FULL = """query($first: Int, $after: String, $order: [IpoOrder!]) {
  ipos(first: $first, after: $after, orderBy: $order) {
    nodes { id name ticker exchange board status issuePrice priceBandLow priceBandHigh currency lotSize issueSize
      openDate closeDate listingDate minimumInvestment faceValue registrar subscription { total retail }
      performance { listingGain returnSinceIssue } }
    pageInfo { endCursor hasNextPage } } }"""
BARS = """query($ticker: String!, $first: Int, $from: Date) {
  symbol(ticker: $ticker) { ticker prices(first: $first, from: $from) {
    nodes { date open high low close volume } pageInfo { endCursor hasNextPage } } } }"""
BARS_AFTER = BARS.replace("$from: Date", "$after: String").replace("from: $from", "after: $after")
COLUMNS = """query($ticker: String!) {
  symbol(ticker: $ticker) { series { dates open high low close volume } } }"""
MANY = """query($first: Int, $after: String, $last: Int) {
  symbols(first: $first, after: $after) { nodes { ticker prices(last: $last) {
    nodes { date open high low close volume } } } } }"""
BACKTEST = """mutation($input: RunBacktestInput!) {
  runBacktest(input: $input) { backtest { id metrics { totalReturn sharpe tradeCount } } userErrors { message } } }"""
FORECAST = """mutation($input: PredictInput!) {
  predict(input: $input) { prediction { id points { date value } } userErrors { message } } }"""

BAR_COLUMNS = "day, open, high, low, close, volume"


def ask(url, query, variables, token=""):
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(f"{url}/graphql", body, headers)) as answer:
        answer = json.load(answer)
    if answer.get("errors"):
        raise SystemExit(f"{query}\n{answer['errors']}")
    return answer["data"]


def cursors(url, query, path, variables):
    """The cursors at which the pages of a list begin."""
    found, after = [None], None
    while True:
        at = ask(url, query, {**variables, "after": after})
        for step in path:
            at = at[step]
        if not at["pageInfo"]["hasNextPage"]:
            return found
        after = at["pageInfo"]["endCursor"]
        found.append(after)


def post(query, variables):
    return "POST\t/graphql\t" + json.dumps({"query": query, "variables": variables}, separators=(",", ":"))


def cases(url, token, tickers, bars, day):
    """Name, lines of requests, and the statement for pgbench."""
    draw = random.Random(7)
    ticker = lambda: f"SYM{draw.randint(1, tickers):03}"
    orders = [None, [{"field": "NAME", "direction": "ASC"}], [{"field": "ISSUE_PRICE", "direction": "DESC"}]]

    def pages(query):
        lines = []
        for order in orders:
            for after in cursors(url, query, ["ipos"], {"first": 50, "order": order}):
                lines.append(post(query, {"first": 50, "after": after, "order": order}))
        draw.shuffle(lines)
        return lines

    yield "page of 50 issues", pages(IPOS), (
        "\\set day random({0}, {1})\nSELECT id, name, ticker, exchange, standing, issue_price, open_day, close_day, "
        "listing_day FROM ipos WHERE (coalesce(open_day, -2147483647), id) < (:day, 1) "
        "ORDER BY coalesce(open_day, -2147483647) DESC, id DESC LIMIT 51;".format(day(0) , day(bars - 1)))
    yield "page of 50 issues, every field", pages(IPOS_FULL), (
        "\\set day random({0}, {1})\nSELECT * FROM ipos WHERE (coalesce(open_day, -2147483647), id) < (:day, 1) "
        "ORDER BY coalesce(open_day, -2147483647) DESC, id DESC LIMIT 51;".format(day(0), day(bars - 1)))
    iso = lambda n: str(datetime.date(1970, 1, 1) + datetime.timedelta(n))
    lines = [post(BARS, {"ticker": ticker(), "first": 250, "from": iso(day(draw.randint(0, bars - 251)))})
             for _ in range(500)]
    one = "\\set symbol random(1, {0})\n\\set day random({1}, {2})\nSELECT {3} FROM price_bars WHERE symbol_id = :symbol AND day >= :day ORDER BY day LIMIT 251;"
    yield "250 bars", lines, one.format(tickers, day(0), day(bars - 251), BAR_COLUMNS)
    starts = cursors(url, "query($after: String) { symbols(first: 20, after: $after) { pageInfo { endCursor hasNextPage } } }",
                     ["symbols"], {})
    lines = [post(MANY, {"first": 20, "after": draw.choice(starts), "last": draw.randint(28, 32)}) for _ in range(200)]
    yield "20 symbols with 30 bars each", lines, (
        f"\\set start random(0, {max(tickers - 20, 1)})\nSELECT s.ticker, child.* FROM (SELECT id, ticker FROM symbols "
        f"WHERE id > :start ORDER BY id LIMIT 20) AS s CROSS JOIN LATERAL (SELECT {BAR_COLUMNS} FROM price_bars "
        "WHERE symbol_id = s.id ORDER BY day DESC LIMIT 31) AS child;")
    lines = [post(COLUMNS, {"ticker": ticker()}) for _ in range(500)]
    arrays = ", ".join(f"json_agg({c} ORDER BY day)" for c in BAR_COLUMNS.split(", "))
    yield f"{bars:,} bars as columns", lines, (
        f"\\set symbol random(1, {tickers})\nSELECT {arrays} FROM price_bars WHERE symbol_id = :symbol;")
    lines = [post(COLUMNS, {"ticker": f"SYM{draw.randint(1, 10):03}"}) for _ in range(50)]
    yield f"{bars:,} bars as columns, ten symbols", lines, None
    starts = {}
    lines = []
    for _ in range(10):
        name = ticker()
        found = starts.get(name) or cursors(url, BARS_AFTER, ["symbol", "prices"], {"ticker": name, "first": 500})
        starts[name] = found
        lines += [post(BARS_AFTER, {"ticker": name, "first": 500, "after": after}) for after in found]
    yield f"{bars:,} bars as rows, ten pages of 500 (a page)", lines, one.format(tickers, day(0), day(bars - 501), BAR_COLUMNS).replace("251", "501")
    strategy = lambda: {"buy": {"priceBelowSma": draw.randint(20, 60)}, "sell": {"priceAboveSma": draw.randint(100, 250)}}
    lines = [post(BACKTEST, {"input": {"ticker": ticker(), "strategy": strategy()}}) for _ in range(300)]
    yield "backtest, stored", lines, None
    lines = [post(FORECAST, {"input": {"ticker": ticker()}}) for _ in range(300)]
    yield "forecast, stored", lines, None
    made = ask(url, BACKTEST, {"input": {"ticker": "SYM001", "strategy": strategy()}}, token)
    id_ = made["runBacktest"]["backtest"]["id"]
    yield "report, PDF", [f"GET\t/reports/backtests/{id_}.pdf\t"], None
