#!/usr/bin/env python3
"""How many instructions the hot paths take: times are noisy, counts are not.

    cargo build --release
    python3 benches/instructions.py --binary target/release/prospectus

Needs valgrind. Fills a SQLite database with the sample prices and some issues, serves it under callgrind, and counts what
each path takes a request. Fails if one takes more than its limit in instructions.json. With --write, what was counted and
the tolerance make the new limits.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "load"))

import cases  # noqa: E402
import run  # noqa: E402

LIMITS = HERE / "instructions.json"
SAMPLES = HERE.parent / "samples" / "alpha_vantage"
SETTINGS = {
    "PATH": os.environ["PATH"], "ADMIN_TOKEN": run.TOKEN, "RUST_LOG": "warn", "RATE_LIMIT": "off",
    "IPO_SCHEDULE": "off", "PRICE_SCHEDULE": "off", "MARKET_SCHEDULE": "off",
    # As many threads on every machine. One of each: others look for work while they have none, and that counts, too.
    "TOKIO_WORKER_THREADS": "1", "RAYON_NUM_THREADS": "1",
    # The binary sets these and begins once more otherwise, and callgrind stays behind.
    "MIMALLOC_ARENA_MAX_OBJECT_SIZE": "1M", "MALLOC_ARENA_MAX": "2",
}
CREATE = "mutation($input: CreateIpoInput!) { createIpo(input: $input) { ipo { id } userErrors { message } } }"
SWEEP = """mutation($input: SweepBacktestsInput!) { sweepBacktests(input: $input) {
  sweep { id columns { buyWindow sellWindow totalReturn sharpe maxDrawdown tradeCount } } userErrors { message } } }"""
# What an answer with nothing in it looks like: it would take few instructions.
FAILED = [b'"errors":[', b'"message":', b'":null,"userErrors"', b'":null}']
LONG = ["AAPL", "IBM", "MSFT"]


class Client:
    """One connection; each request is sent in one piece, so that the service reads it in one."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, line):
        method, path, body = line.split("\t")
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {run.TOKEN}"]
        if body:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self.socket.sendall("\r\n".join([*head, "", body]).encode())
        answer = http.client.HTTPResponse(self.socket, method=method)
        answer.begin()
        content = answer.read()
        if answer.status != 200 or body and any(sign in content for sign in FAILED):
            raise SystemExit(f"{line[:300]}\n{answer.status} {content[:500]}")
        return content

    def ask(self, query, variables):
        return json.loads(self.send(cases.post(query, variables)))["data"]


@contextlib.contextmanager
def serving(command, folder, **more):
    port = run.free_port()
    settings = {**SETTINGS, **more, "DATABASE_URL": f"sqlite://{folder}/bench.db", "LISTEN": f"127.0.0.1:{port}"}
    # Without the worker, which looks for jobs now and then.
    process = subprocess.Popen([*command, "serve", "--no-worker"], env=settings, cwd=folder)

    def is_ready():
        if process.poll() is not None:
            raise SystemExit("the service ended")
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).status == 200

    try:
        run.until(is_ready, "the service", 180)
        yield Client(port), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def strategy(i):
    return {"buy": {"priceBelowSma": 20 + i}, "sell": {"priceAboveSma": 100 + 3 * i}}


def fill(binary, folder, reports):
    """Prices, 60 issues and as many backtests as reports are wanted; the ids of the latter."""
    settings = {**SETTINGS, "DATABASE_URL": f"sqlite://{folder}/bench.db"}
    for file in sorted(SAMPLES.glob("*.json")):
        subprocess.run([binary, "import", file.stem, file], env=settings, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with serving([binary], folder) as (client, _):
        for i in range(60):
            low = 50 + 7 * i
            client.ask(CREATE, {"input": {
                "exchange": ["NSE", "BSE"][i % 2], "name": f"Company {i:02} Limited", "ticker": f"CO{i:02}",
                "priceBandLow": f"{low}", "priceBandHigh": f"{low + 10}", "issuePrice": f"{low + 10}", "lotSize": 25,
                "issueSize": 100_000 + i, "openDate": f"2012-01-{1 + i % 20:02}", "closeDate": f"2012-01-{4 + i % 20:02}",
                "listingDate": f"2012-02-{1 + i % 20:02}"}})
        inputs = [{"ticker": "GOOG", "strategy": strategy(i)} for i in range(reports)]
        return [client.ask(cases.BACKTEST, {"input": i})["runBacktest"]["backtest"]["id"] for i in inputs]


# Requests of a path: those that warm it up, and those that are counted.
WARM = 3
COUNTED = {
    "page of 50 issues": 60,
    "250 bars": 60,
    "5 symbols with 30 bars each": 60,
    "all bars as columns": 30,
    "backtest, stored": 30,
    "sweep of 900 pairs, stored, with its columns": 6,
    "forecast, stored": 20,
    "chart, SVG": 20,
    "report, PDF": 3,
}
# The same request each time, with known answers given again.
KNOWN = "page of 50 issues, known"
TIMES_KNOWN = 200


def paths(backtests):
    """The line of a request by its number: the same in every run, and no chart or report twice, for they are kept."""
    orders = [None, [{"field": "NAME", "direction": "ASC"}], [{"field": "ISSUE_PRICE", "direction": "DESC"}]]
    sweep = lambda i: {"ticker": LONG[i % 3], "buyBelowSma": {"from": 5 + i, "to": 34 + i}, "sellAboveSma": {"from": 60, "to": 89}}
    chart = lambda i: f"GET\t/charts/symbols/{LONG[i % 3]}.svg?width={600 + 40 * i}\t"
    return dict(zip(COUNTED, [
        lambda i: cases.post(cases.IPOS, {"first": 50, "order": orders[i % 3]}),
        lambda i: cases.post(cases.BARS, {"ticker": LONG[i % 3], "first": 250, "from": f"20{i // 12:02}-{1 + i % 12:02}-01"}),
        lambda i: cases.post(cases.MANY, {"first": 5, "last": 28 + i % 5}),
        lambda i: cases.post(cases.COLUMNS, {"ticker": LONG[i % 3]}),
        lambda i: cases.post(cases.BACKTEST, {"input": {"ticker": LONG[i % 3], "strategy": strategy(i)}}),
        lambda i: cases.post(SWEEP, {"input": sweep(i)}),
        lambda i: cases.post(cases.FORECAST, {"input": {"ticker": LONG[i % 3], "horizon": 8 + i}}),
        chart,
        lambda i: f"GET\t/reports/backtests/{backtests[i]}.pdf\t",
    ], strict=True))


def count(binary, folder, only):
    """Name and instructions a request, path after path."""
    backtests = fill(binary, folder, WARM + COUNTED["report, PDF"])
    wanted = [(name, line, COUNTED[name]) for name, line in paths(backtests).items() if only in name]
    if wanted:
        yield from counted(binary, folder, wanted, RESPONSE_CACHE="off")
    if only in KNOWN:
        line = cases.post(cases.IPOS, {"first": 50})
        yield from counted(binary, folder, [(KNOWN, lambda _: line, TIMES_KNOWN)], RESPONSE_CACHE="32")


def counted(binary, folder, wanted, **settings):
    """The same of some paths, with these settings: each has a name, its requests' lines, and how many are counted."""
    callgrind = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--vgdb-prefix={folder}/vgdb",
                 f"--callgrind-out-file={folder}/out"]
    with serving([*callgrind, binary], folder, **settings) as (client, pid):
        tell = lambda *words: subprocess.run(["vgdb", f"--pid={pid}", f"--vgdb-prefix={folder}/vgdb", *words], check=True,
                                             capture_output=True)
        # From here to the end: what is translated once, while a path is warmed up, need not be when it is counted.
        tell("instrumentation", "on")
        for number, (name, line, times) in enumerate(wanted, 1):
            for i in range(WARM):
                client.send(line(i))
            tell("zero")
            for i in range(WARM, WARM + times):
                client.send(line(i))
            tell("dump")
            told = (folder / f"out.{number}").read_text()
            yield name, int(told.rsplit("totals: ", 1)[1].split()[0]) // times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--only", default="", help="paths with this in their name")
    parser.add_argument("--write", action="store_true", help="make what is counted the new limits")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is not installed")
    known = json.loads(LIMITS.read_text())
    tolerance, limits = known["tolerance"], known["limits"]
    print(f"{'path':<48}{'a request':>14}{'limit':>14}  verdict")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, measured in count(options.binary, pathlib.Path(folder), options.only):
            if options.write:
                limits[name] = round(measured * (1 + tolerance))
            limit = limits.get(name, 0)
            failed |= measured > limit
            verdict = "TOO MANY" if measured > limit else "fine"
            print(f"{name:<48}{measured:>14,}{limit:>14,}  {verdict}", flush=True)
    if options.write:
        LIMITS.write_text(json.dumps(known, indent=2) + "\n")
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
