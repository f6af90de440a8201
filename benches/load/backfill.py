#!/usr/bin/env python3
"""The backfill bench: years of a whole market from a stand-in of the exchange's archive, then all of it as Parquet.

    cargo build --release
    python3 benches/load/backfill.py --binary target/release/prospectus --database both --days 1250

The stand-in serves the daily files of 2,640 shares in the layouts of their time, zipped, and the exchange's lists. The
first 120 days are stored before anything is measured, so that readers find something before. Prints how long the other
days took, the service's processor time and peak memory, the 95th percentile of 50 mixed reads a second over four
connections before, meanwhile and after, and how long the export took. Nothing else should run beside it.
"""

import argparse
import contextlib
import datetime
import http.client
import http.server
import io
import json
import multiprocessing
import pathlib
import random
import tempfile
import threading
import time
import urllib.request
import zipfile

import cases
import run

OLD = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
UDIFF = ("TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,"
         "FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,"
         "TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n")
FIRST_UDIFF = datetime.date(2024, 7, 8)
LAST = datetime.date(2026, 7, 31)


def sessions(count):
    days = []
    day = LAST
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= datetime.timedelta(days=1)
    return days[::-1]


def files(days, shares, folder):
    """The archive on disk, so that the stand-in costs nothing while the service is measured."""
    chance = random.Random(7)
    closes = [chance.randrange(1_000, 500_000) for _ in range(shares)]
    names = [(f"S{i:04d}", f"INE{i:04d}01{i % 100:02d}{i % 10}") for i in range(shares)]
    for day in days:
        new = day >= FIRST_UDIFF
        lines = [UDIFF if new else OLD]
        iso, old = day.isoformat(), day.strftime("%d-%b-%Y").upper()
        for i, (ticker, isin) in enumerate(names):
            before = closes[i]
            opened = max(100, before + chance.randrange(-before // 50, before // 50 + 1))
            close = max(100, opened + chance.randrange(-opened // 40, opened // 40 + 1))
            # Now and then a split, which the service has to look into.
            if chance.random() < 0.0002 and close > 5_000:
                opened, close = opened // 5, close // 5
            high, low = max(opened, close) + 50, max(1, min(opened, close) - 50)
            closes[i], volume = close, chance.randrange(100, 5_000_000)
            o, h, l, c, p = (f"{v // 100}.{v % 100:02d}" for v in (opened, high, low, close, before))
            if new:
                lines.append(f"{iso},{iso},CM,NSE,STK,{i},{isin},{ticker},EQ,,,,,NAME {i},{o},{h},{l},{c},{c},{p},,{c},,,{volume},"
                             f"{volume}00.00,{volume // 50},F1,1,,,,,\n")
            else:
                lines.append(f"{ticker},EQ,{o},{h},{l},{c},{c},{p},{volume},{volume}00,{old},{volume // 50},{isin},\n")
        if new:
            path = f"content/cm/BhavCopy_NSE_CM_0_0_0_{day:%Y%m%d}_F_0000.csv.zip"
        else:
            path = f"content/historical/EQUITIES/{day:%Y}/{day:%b}".upper().replace("CONTENT/HISTORICAL", "content/historical")
            path += f"/cm{day:%d}{day:%b}{day:%Y}bhav.csv.zip".replace(f"{day:%b}", f"{day:%b}".upper())
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(target.name.removesuffix(".zip"), "".join(lines))
        target.write_bytes(packed.getvalue())


class StandIn(http.server.BaseHTTPRequestHandler):
    folder = None

    def do_GET(self):  # noqa: N802
        path = self.path.split("?")[0].strip("/")
        if path.startswith("api/corporates-corporateActions"):
            return self.answer(200, b"[]", "application/json")
        file = self.folder / path
        if path and file.is_file():
            return self.answer(200, file.read_bytes(), "application/zip")
        self.answer(404, b"not found", "text/plain")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def ask(url, query, variables=None):
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    headers = {"Authorization": f"Bearer {run.TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/graphql", body, headers), timeout=60) as answer:
        told = json.load(answer)
    if told.get("errors"):
        raise SystemExit(str(told["errors"])[:500])
    return told["data"]


PAGE = "{ symbols(first: 20) { nodes { ticker barCount lastDate } } }"
ISSUES = "{ ipos(first: 50) { nodes { id name ticker status performance { listingGain } } } }"
SEARCH = "query($text: String) { symbols(first: 50, filter: {search: $text}) { nodes { ticker barCount } } }"
SEEDED = 120
READS_A_SECOND = 50
CONNECTIONS = 4


class Reader(threading.Thread):
    """Asks at its times for one thing or another, and notes what it waits."""

    def __init__(self, url, number, shares):
        super().__init__(daemon=True)
        self.address, self.number, self.shares = url.split("//")[1], number, shares
        self.waited, self.over = [], threading.Event()

    def run(self):
        chance = random.Random(self.number)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"Authorization": f"Bearer {run.TOKEN}", "Content-Type": "application/json"}
        gap = CONNECTIONS / READS_A_SECOND
        due = time.monotonic() + gap * self.number / CONNECTIONS
        while not self.over.wait(max(0, due - time.monotonic())):
            due = max(due + gap, time.monotonic())
            ticker = f"S{chance.randrange(self.shares):04d}"
            reads = [(PAGE, {}), (cases.BARS, {"ticker": f"{ticker}.NSE", "first": 100}), (ISSUES, {}),
                     (cases.COLUMNS, {"ticker": f"{ticker}.NSE"}), (SEARCH, {"text": ticker[:3]})]
            query, variables = chance.choice(reads)
            body = json.dumps({"query": query, "variables": variables})
            began = time.monotonic()
            connection.request("POST", "/graphql", body, headers)
            told = json.load(connection.getresponse())
            self.waited.append(1e3 * (time.monotonic() - began))
            if told.get("errors"):
                raise SystemExit(str(told["errors"])[:500])


@contextlib.contextmanager
def readers(url, shares):
    """Readers, until the end of what is done meanwhile; then the 95th percentile of what they waited is in the list."""
    found, all_of = [], [Reader(url, number, shares) for number in range(CONNECTIONS)]
    for reader in all_of:
        reader.start()
    yield found
    for reader in all_of:
        reader.over.set()
        reader.join()
    waited = sorted(wait for reader in all_of for wait in reader.waited)
    found.append(waited[int(0.95 * len(waited))])


def fetch(url, days):
    """Has days fetched and waits until they are."""
    span = {"from": days[0].isoformat(), "to": days[-1].isoformat()}
    jobs = ask(url, "mutation($from: Date!, $to: Date!) { refreshMarket(input: {exchange: NSE, from: $from, to: $to}) "
                    "{ jobs { id } userErrors { message } } }", span)["refreshMarket"]
    if jobs["userErrors"]:
        raise SystemExit(str(jobs["userErrors"]))
    going = "{ jobs(first: 1, filter: {state: [QUEUED, RUNNING, RETRYING]}) { totalCount } }"
    while ask(url, going)["jobs"]["totalCount"] > 0:
        time.sleep(0.5)


def bench(options, database, folder, archive, days):
    with contextlib.ExitStack() as stack:
        address = f"sqlite://{folder}/bench.db"
        if database == "postgres":
            address, _ = stack.enter_context(run.postgres(folder))
        settings = {"NSE_ARCHIVE_URL": archive, "NSE_BASE_URL": archive, "NSE_ARCHIVE_PER_SECOND": "0"}
        url, pid = stack.enter_context(run.service(options.binary, address, folder, settings))
        fetch(url, days[:SEEDED])
        for seconds in [2, 10]:
            with readers(url, options.shares) as quiet:
                time.sleep(seconds)
        used, began = run.processor_seconds(pid), time.monotonic()
        with readers(url, options.shares) as busy:
            fetch(url, days[SEEDED:])
            took, used = time.monotonic() - began, run.processor_seconds(pid) - used
        memory = run.peak_memory(pid)
        with readers(url, options.shares) as after:
            time.sleep(10)
        began, before = time.monotonic(), run.processor_seconds(pid)
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
        request = urllib.request.Request(f"{url}/export/prices.parquet", headers={"Authorization": f"Bearer {run.TOKEN}"})
        size = 0
        with urllib.request.urlopen(request, timeout=300) as answer:
            while block := answer.read(1 << 20):
                size += len(block)
        exported = time.monotonic() - began
        bars = (len(days) - SEEDED) * options.shares
        print(f"{database}: {len(days) - SEEDED:,} days, {bars:,} bars in {took:.1f} s ({bars / took:,.0f} a second), {used:.1f} s of processor "
              f"time, peak {memory:.0f} MiB; the p95 of reads {busy[0]:.1f} ms, {quiet[0]:.1f} before and {after[0]:.1f} after; all as Parquet in {exported:.1f} s, "
              f"{run.processor_seconds(pid) - before:.1f} s of processor time, "
              f"{size / 1e6:.0f} MB, peak {run.peak_memory(pid):.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--days", type=int, default=1_250)
    parser.add_argument("--shares", type=int, default=2_640)
    options = parser.parse_args()
    days = sessions(options.days)
    with tempfile.TemporaryDirectory() as archive:
        StandIn.folder = pathlib.Path(archive)
        files(days, options.shares, StandIn.folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
        # A process of its own, or the readers would wait for it.
        multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True).start()
        for database in ["sqlite", "postgres"] if options.database == "both" else [options.database]:
            with tempfile.TemporaryDirectory() as folder:
                bench(options, database, pathlib.Path(folder), f"http://127.0.0.1:{server.server_port}", days)


if __name__ == "__main__":
    main()
