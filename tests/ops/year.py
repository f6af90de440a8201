"""A year in minutes: `python3 year.py [BINARY] [--days=365]`.

The service runs on SQLite by a clock that jumps from day to day (libfaketime). Each day brings refreshes, imports, sweeps and
flagged records, which are resolved; the audit trail writes all of it down. With everything kept for KEEP days the database must
have stopped growing long before the year is over, and nothing may be forgotten before its time."""

import asyncio
import glob
import shutil
import signal
import sqlite3
import sys
import tempfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from stage import Provider, Service, ask, binary, option, upload

DAYS, KEEP, FIRST = option("days", 365), option("keep", 60), date(2026, 1, 5)
SYMBOLS, IMPORTS = 20, 5
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None) or sys.exit("libfaketime is not here")
TABLES = ("job_records", "data_issues", "sweeps", "sweep_columns", "audit_events", "job_keys", "job_files", "sessions", "Jobs")
REFRESH = "mutation($key: String!) { refreshSymbols(input: { idempotencyKey: $key }) { jobs { id } userErrors { message } } }"
SWEEP = """mutation($n: Int!) { sweepBacktests(input: { ticker: "S0", buyBelowSma: { from: 2, to: 103 },
  sellAboveSma: { from: $n, to: 250 } }) { job { id } sweep { id } userErrors { message } } }"""
FLAGS = "{ dataIssues(first: 100, filter: { resolved: false }) { nodes { id } } }"
RESOLVE = "mutation($id: ID!) { resolveDataIssue(input: { id: $id }) { userErrors { message } } }"


def tables(database):
    """Rows of each table, the file's size, and what of it is in use."""
    copy = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    rows = {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in TABLES if name in there}
    pages, free, size = (copy.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    oldest = copy.execute("SELECT min(finished_at) FROM job_records").fetchone()[0]
    copy.close()
    return rows, pages * size, (pages - free) * size, oldest


async def a_day(day, number, database, provider):
    moment = datetime(day.year, day.month, day.day, 9, 0, tzinfo=timezone.utc)
    settings = {
        "KEEP_JOBS_DAYS": str(KEEP), "KEEP_FLAGS_DAYS": str(KEEP), "KEEP_SWEEPS_DAYS": str(KEEP), "KEEP_AUDIT_DAYS": str(KEEP),
        "TIDY_SCHEDULE": "10 2 * * *", "DRAIN_SECONDS": "0", "TZ": "UTC", "RUST_LOG": "warn,prospectus::jobs=info",
        "ALPHA_VANTAGE_BASE_URL": provider.url, "ALPHA_VANTAGE_API_KEY": "a-key",
        # Timers go on as ever; only what the clock on the wall says is another.
        "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    # The program `faketime` sets the same, but stays between the service and its signals.
    settings |= {"LD_PRELOAD": LIBRARY, "FAKETIME": f"@{moment:%Y-%m-%d %H:%M:%S}"}
    service = await Service(binary(), f"sqlite://{database}", "serve", **settings).until_ready()
    try:
        port = service.port
        if number == 0:
            for n in range(SYMBOLS):
                await ask(port, 'mutation($t: String!) { addSymbol(input: { ticker: $t, name: "x", refresh: false }) { symbol { id } } }', {"t": f"S{n}"})
        said = [(await ask(port, REFRESH, {"key": f"{day}"}))["refreshSymbols"]]
        for n in range(IMPORTS):
            # One day that is good and always the same, and one that can't be right.
            csv = f"date,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n{day - timedelta(700)},10,9,12,{n + 1},100"
            said.append(await upload(port, f"F{n}", csv))
        if number:
            said.append((await ask(port, SWEEP, {"n": 2 + number % 120}))["sweepBacktests"])
        for answer in said:
            if answer["userErrors"]:
                sys.exit(f"{day}: {answer}")
        for _ in range(1_500):
            left = await ask(port, "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount nodes { kind state attempts message } } }")
            if not left["jobs"]["totalCount"]:
                break
            await asyncio.sleep(0.04)
        else:
            sys.exit(f"{day}: {left}\n{service.log()[-3000:]}")
        for issue in (await ask(port, FLAGS))["dataIssues"]["nodes"]:
            await ask(port, RESOLVE, {"id": issue["id"]})
        # The clearing goes on beside the day's work; it has ended when nothing is left of what is too old.
        before = (moment - timedelta(KEEP)).timestamp() * 1_000
        for _ in range(250):
            rows, size, used, oldest = tables(database)
            if oldest is None or oldest >= before - 86_400_000:
                break
            await asyncio.sleep(0.02)
        else:
            sys.exit(f"{day}: a job of {datetime.fromtimestamp(oldest / 1e3, timezone.utc)} is still kept\n{service.log()[-1500:]}")
        if number >= KEEP + 2 and oldest > before + 2 * 86_400_000:
            sys.exit(f"{day}: the oldest job is of {datetime.fromtimestamp(oldest / 1e3, timezone.utc)}: forgotten before its time")
        return rows, size, used
    finally:
        service.end(signal.SIGTERM)
        for line in service.log().splitlines():
            if " ERROR " in line or "panicked" in line:
                print(f"  {day}: {line[:300]}")
        service.remove()


async def main():
    folder = Path(tempfile.mkdtemp())
    provider, seen = await Provider(300).start(), []
    try:
        for number in range(DAYS):
            rows, size, used = await a_day(FIRST + timedelta(number), number, folder / "year.db", provider)
            seen.append((size, used, rows))
            if number % 30 == 0 or number == DAYS - 1:
                print(f"  day {number:3}: {size / 1e6:6.2f} MB, {used / 1e6:6.2f} in use; {rows}", flush=True)
        settled = seen[2 * KEEP : 3 * KEEP] if DAYS >= 4 * KEEP else seen[-1:]
        last = seen[-KEEP:]
        grown, grown_used = (max(x[i] for x in last) / max(x[i] for x in settled) - 1 for i in (0, 1))
        most = {name: (max(x[2].get(name, 0) for x in settled), max(x[2].get(name, 0) for x in last)) for name in TABLES}
        print(f"  from days {2 * KEEP} to {3 * KEEP} to the last {KEEP}: file {100 * grown:+.1f} %, in use {100 * grown_used:+.1f} %; most rows then and at last {most}")
        good = grown <= 0.02 and grown_used <= 0.02 and all(after <= before * 1.02 + 2 for before, after in most.values())
        print("  ok" if good else "  FAILED: it grows")
        return good
    finally:
        shutil.rmtree(folder)


sys.exit(not asyncio.run(main()))
