"""A year in minutes: `python3 year.py [BINARY] [--days=365] [--database=sqlite|postgres]`.

The service, and PostgreSQL with it, runs by a clock that jumps from day to day (libfaketime). Each day brings refreshes, imports,
sweeps and flagged records, which are resolved; the audit trail writes all of it down. With everything kept for KEEP days the
database must have stopped growing long before the year is over, and nothing may be forgotten before its time."""

import asyncio
import glob
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from datetime import date, datetime, timedelta, timezone

from stage import Postgres, Provider, Service, ask, binary, option, upload

DAYS, KEEP, FIRST = option("days", 365), option("keep", 60), date(2026, 1, 5)
SYMBOLS, IMPORTS = option("symbols", 20), 5
#: A day takes a few seconds; one that takes longer than this is told of.
SLOW = 30
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None) or sys.exit("libfaketime is not here")
TABLES = ("job_records", "data_issues", "sweeps", "sweep_columns", "audit_events", "job_keys", "job_files", "sessions", "Jobs")
REFRESH = "mutation($key: String!) { refreshSymbols(input: { idempotencyKey: $key }) { jobs { id } userErrors { message } } }"
# Other windows each day and always as many, so that each sweep takes as much space as any other.
SWEEP = """mutation($n: Int!, $m: Int!) { sweepBacktests(input: { ticker: "S0", buyBelowSma: { from: 2, to: 103 },
  sellAboveSma: { from: $n, to: $m } }) { job { id } sweep { id } userErrors { message } } }"""
FLAGS = "{ dataIssues(first: 100, filter: { resolved: false }) { nodes { id } } }"
RESOLVE = "mutation($id: ID!) { resolveDataIssue(input: { id: $id }) { userErrors { message } } }"


def faked(moment):
    """What makes a program believe that it is this moment. Timers go on as ever; only the clock on the wall says another."""
    return {
        "LD_PRELOAD": LIBRARY, "FAKETIME": f"@{moment:%Y-%m-%d %H:%M:%S}", "TZ": "UTC", "FAKETIME_DISABLE_SHM": "1",
        "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


class Sqlite:
    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.path = f"{self.folder}/year.db"
        self.url = f"sqlite://{self.path}"

    def begin(self, moment):
        """Its clock is that of the service."""

    def end(self):
        """Pages that are free are taken again by themselves."""

    def tables(self):
        """Rows of each table, the size of it all, what of it is in use, and when the oldest job ended."""
        copy = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        one = lambda sql: copy.execute(sql).fetchone()[0]
        there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows = {name: one(f'SELECT count(*) FROM "{name}"') for name in TABLES if name in there}
        pages, free, size = (one(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        oldest = one("SELECT min(finished_at) FROM job_records")
        copy.close()
        return rows, pages * size, (pages - free) * size, oldest

    def remove(self):
        shutil.rmtree(self.folder)


class Postgresql(Postgres):
    """The server lives by the same clock, so it is started anew for each day."""

    def __init__(self):
        super().__init__()
        super().stop("fast")

    def begin(self, moment):
        self.environment = faked(moment)
        self.start()
        self.environment = {}

    def end(self):
        # Autovacuum has all day for this, and here no more than seconds.
        self.rows("VACUUM ANALYZE")
        self.stop("fast")

    def tables(self):
        named = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        there = {name for (name,) in self.rows(named)}
        wanted = [(name, full) for name in TABLES for full in ("apalis.jobs" if name == "Jobs" else f"public.{name}",) if full in there]
        counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {full}" for name, full in wanted)
        rows = {name: int(count) for name, count in self.rows(counts)}
        ((size, oldest),) = self.rows("SELECT pg_database_size(current_database()), coalesce((SELECT min(finished_at) FROM job_records), 0)")
        return rows, int(size), int(size), int(oldest) or None


async def a_day(day, number, database, provider):
    began = time.monotonic()
    moment = datetime(day.year, day.month, day.day, 9, 0, tzinfo=timezone.utc)
    settings = {
        "KEEP_JOBS_DAYS": str(KEEP), "KEEP_FLAGS_DAYS": str(KEEP), "KEEP_SWEEPS_DAYS": str(KEEP), "KEEP_AUDIT_DAYS": str(KEEP),
        "TIDY_SCHEDULE": "10 2 * * *", "DRAIN_SECONDS": "0", "RUST_LOG": "warn,prospectus::jobs=info",
        "ALPHA_VANTAGE_BASE_URL": provider.url, "ALPHA_VANTAGE_API_KEY": "a-key", **faked(moment),
    }
    database.begin(moment)
    # The program `faketime` sets the same, but stays between the service and its signals.
    service = await Service(binary(), database.url, "serve", **settings).until_ready()
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
            said.append((await ask(port, SWEEP, {"n": 2 + number % 120, "m": 130 + number % 120}))["sweepBacktests"])
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
            rows, size, used, oldest = database.tables()
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
        database.end()
        if (took := time.monotonic() - began) > SLOW:
            print(f"  {day} took {took:.0f} s", flush=True)


async def main():
    database = {"sqlite": Sqlite, "postgres": Postgresql}[option("database", "sqlite")]()
    provider, seen = await Provider(300).start(), []
    try:
        for number in range(DAYS):
            rows, size, used = await a_day(FIRST + timedelta(number), number, database, provider)
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
        database.remove()


sys.exit(not asyncio.run(main()))
