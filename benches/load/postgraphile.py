#!/usr/bin/env python3
"""The binary beside PostGraphile, over one PostgreSQL with one load generator.

    npm install --prefix /tmp/postgraphile postgraphile@5.1 pg
    cargo build --release
    python3 benches/load/postgraphile.py --binary target/release/prospectus --modules /tmp/postgraphile/node_modules

Needs Node.js 22 and what run.py needs. PostGraphile reads the tables that the binary has made, runs with its settings for
production, and gets each question in the form that is cheapest for it: lists in the order of a key, days as the numbers
that they are stored as, 5,000 bars both in one answer and in pages. The two take turns, each warm. Prints for either the
median over the rounds of requests a second, of the median and the 99th percentile in milliseconds, and of the processor
time a request. Nothing else should run beside it.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile

import cases
import data
import run

BAR_FIELDS = "nodes { day open high low close volume }"
PAGE = "pageInfo { endCursor hasNextPage }"
IPOS = f"""query($first: Int, $after: Cursor, $order: [IpoOrderBy!]) {{
  allIpos(first: $first, after: $after, orderBy: $order) {{
    nodes {{ rowId name ticker exchange standing issuePrice openDay listingDay }} {PAGE} }} }}"""
BARS = f"""query($ticker: String!, $first: Int, $from: Int) {{
  symbolByTicker(ticker: $ticker) {{ ticker
    priceBarsBySymbolId(first: $first, condition: {{ from: $from }}) {{ {BAR_FIELDS} {PAGE} }} }} }}"""
BARS_AFTER = f"""query($ticker: String!, $first: Int, $after: Cursor) {{
  symbolByTicker(ticker: $ticker) {{ ticker
    priceBarsBySymbolId(first: $first, after: $after) {{ {BAR_FIELDS} {PAGE} }} }} }}"""
ALL_BARS = f"query($ticker: String!) {{ symbolByTicker(ticker: $ticker) {{ ticker priceBarsBySymbolId {{ {BAR_FIELDS} }} }} }}"
MANY = f"""query($first: Int, $after: Cursor, $last: Int) {{
  allSymbols(first: $first, after: $after) {{ nodes {{ ticker priceBarsBySymbolId(last: $last) {{ {BAR_FIELDS} }} }} }} }}"""
STARTS = f"query($after: Cursor) {{ allSymbols(first: 20, after: $after) {{ {PAGE} }} }}"


@contextlib.contextmanager
def postgraphile(options, database):
    port = run.free_port()
    settings = {"NODE_ENV": "production", "GRAPHILE_ENV": "production", "NODE_PATH": str(options.modules),
                "DATABASE_URL": database, "PORT": str(port), "PROCESSES": str(options.processes)}
    process = subprocess.Popen([options.node, run.HERE / "postgraphile.cjs"], env={"PATH": os.environ["PATH"], **settings})
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        if process.poll() is not None:
            raise SystemExit("PostGraphile ended")
        try:
            return bool(cases.ask(url, "{ __typename }", {}))
        except OSError:
            return False

    try:
        run.until(is_ready, "PostGraphile")
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def theirs(url, tickers, bars, day):
    """By the beginning of our case's name: what it is called here, how many answers of theirs and of ours make one, lines."""
    draw = random.Random(7)
    ticker = lambda: f"SYM{draw.randint(1, tickers):03}"
    lines = []
    for order in ["PRIMARY_KEY_ASC", "PRIMARY_KEY_DESC"]:
        for after in cases.cursors(url, IPOS, ["allIpos"], {"first": 50, "order": [order]}):
            lines.append(cases.post(IPOS, {"first": 50, "after": after, "order": [order]}))
    draw.shuffle(lines)
    yield "page of 50 issues", "page of 50 issues", 1, 1, lines
    lines = [cases.post(BARS, {"ticker": ticker(), "first": 250, "from": day(draw.randint(0, bars - 251))}) for _ in range(500)]
    yield "250 bars", "250 bars", 1, 1, lines
    starts = cases.cursors(url, STARTS, ["allSymbols"], {})
    lines = [cases.post(MANY, {"first": 20, "after": draw.choice(starts), "last": draw.randint(28, 32)}) for _ in range(200)]
    yield "20 symbols", "20 symbols with 30 bars each", 1, 1, lines
    rows = f"{bars:,} bars as rows"
    lines = [cases.post(ALL_BARS, {"ticker": ticker()}) for _ in range(200)]
    yield rows, f"{rows}, theirs in one answer", 1, bars / 500, lines
    lines = []
    for name in {ticker() for _ in range(10)}:
        at = ["symbolByTicker", "priceBarsBySymbolId"]
        for after in cases.cursors(url, BARS_AFTER, at, {"ticker": name, "first": 500}):
            lines.append(cases.post(BARS_AFTER, {"ticker": name, "first": 500, "after": after}))
    yield rows, f"{rows}, theirs in pages of 500", bars / 500, bars / 500, lines


def median(rounds):
    return [statistics.median(figures) for figures in zip(*rounds)]


def compare(options, folder):
    with contextlib.ExitStack() as stack:
        address, psql = stack.enter_context(run.postgres(folder))
        with run.service(options.binary, address, folder):
            pass
        data.fill_postgres(psql, options.ipos, options.symbols, options.bars)
        ours = stack.enter_context(run.service(options.binary, address, folder, {"RESPONSE_CACHE": "off"}))
        other = stack.enter_context(postgraphile(options, address))
        day = lambda i: data.day(i, options.bars)
        asked = {}
        for name, lines, _ in cases.cases(ours[0], run.TOKEN, options.symbols, options.bars, day):
            asked[name] = lines
            if " as rows" in name:
                break
        print(f"{'case':<44}{'':<14}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>8}{'MiB':>7}")
        for of, name, their_share, our_share, lines in theirs(other[0], options.symbols, options.bars, day):
            if options.only not in name:
                continue
            our_lines = next(lines for name, lines in asked.items() if name.startswith(of))
            sides = [("ours", *ours, our_lines, our_share), ("PostGraphile", *other, lines, their_share)]
            rounds = {side: [] for side, *_ in sides}
            for turn in range(options.rounds + 1):
                for side, url, pid, asks, share in sides:
                    if turn == 0:
                        for line in asks[:: max(1, len(asks) // 10)]:
                            run.check(url, line)
                    # The first turn warms up.
                    rate, *figures, faults = run.drive(url, pid, asks, options.seconds if turn else 3, folder)
                    if faults:
                        raise SystemExit(f"{name}: {faults} faults of {side}")
                    if turn:
                        rounds[side].append([rate / share, *figures])
            for side, *_, share in sides:
                rate, p50, p99, used, memory = median(rounds[side])
                print(f"{name:<44}{side:<14}{rate:>10,.0f}{p50:>9.2f}{p99:>9.2f}{used:>8.2f}{memory:>7.0f}")
                name = ""
            ratio = median(rounds["ours"])[0] / median(rounds["PostGraphile"])[0]
            told = ", ".join(f"{a[0]:,.0f} and {b[0]:,.0f}" for a, b in zip(rounds["ours"], rounds["PostGraphile"]))
            print(f"{'':<44}{ratio:.1f} times ({told})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--modules", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--node", default=shutil.which("node") or "node")
    parser.add_argument("--processes", type=int, default=1, help="of PostGraphile")
    parser.add_argument("--seconds", type=int, default=10, help="for each case and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--ipos", type=int, default=2_000)
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--bars", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
