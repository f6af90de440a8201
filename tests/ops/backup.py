"""A backup while prices pour in: `python3 backup.py [BINARY] [--database=sqlite|postgres] [--seconds=30] [--rate=1000]`.

The service is sent files of prices, so many bars a second; `prospectus backup`, or the guide's `pg_dump` on PostgreSQL, is run
beside it, again and again. Each copy is restored elsewhere. It has to pass the database's own checks and hold no half job: of a
file whose job had succeeded by then every bar, of any other all or none, and the file itself, so that the process that starts on
the copy goes on with it."""

import asyncio
import functools
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from copy import copy
from datetime import date
from pathlib import Path

from stage import Postgres, Service, ask, binary, option, series, upload

SECONDS, RATE, EACH, COPIES = option("seconds", 30), option("rate", 1_000), 200, 5
#: What is there before, so that a copy takes its time: symbols and bars of each.
FILL, LONG = option("fill", 30), 19_000


@functools.cache
def bars(ticker):
    return series(ticker, LONG, date(1950, 1, 2)) if ticker.startswith("LONG") else series(ticker, EACH)


def file(ticker):
    return "date,open,high,low,close,volume\n" + "\n".join(",".join(map(str, bar)) for bar in bars(ticker))


def run(command, **settings):
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **settings}, capture_output=True, text=True, cwd="/tmp")
    if done.returncode:
        sys.exit(f"{command} failed: {done.stderr}")


class Sqlite:
    """A database in a file, and copies of it."""

    def __init__(self, folder, name="live.db"):
        self.folder, self.path = folder, f"{folder}/{name}"
        self.url = f"sqlite://{self.path}"

    def rows(self, sql):
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def copy(self, number):
        file = f"{self.folder}/copy{number}.db"
        run([binary(), "backup", file], DATABASE_URL=self.url)
        return file

    def restored(self, file, number):
        place = Path(f"{self.folder}/elsewhere{number}")
        place.mkdir()
        other = Sqlite(place, "new.db")
        run([binary(), "restore", file], DATABASE_URL=other.url)
        return other

    def check(self):
        said = [row[0] for row in self.rows("PRAGMA integrity_check")] + self.rows("PRAGMA foreign_key_check")
        return [] if said == ["ok"] else [f"{self.path}: {said[:5]}"]

    def remove(self):
        pass


class Postgresql(Postgres):
    """A server, and dumps that are restored into other databases of it."""

    def copy(self, number):
        file = f"{self.folder}/copy{number}.dump"
        run(self.command("pg_dump", "--format=custom", f"--file={file}", self.url))
        return file

    def restored(self, file, number):
        other = copy(self)
        other.name = f"elsewhere{number}"
        other.url = self.url.removesuffix("prospectus") + other.name
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prospectus", other.name)
        run(self.command("pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={other.url}", file))
        return other

    def check(self):
        """Restoring builds each index anew and checks each foreign key, so what is left is to read each row."""
        self.rows("SELECT sum(hashtext(b::text)) FROM price_bars b")
        return []


def day(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def judge(database):
    """What is wrong in a copy, and how many jobs it has in each state."""
    faults = database.check()
    states, stored = Counter(), defaultdict(list)
    for ticker, *bar in database.rows(
        "SELECT s.ticker, b.day, b.open, b.high, b.low, b.close, b.volume FROM price_bars b JOIN symbols s ON s.id = b.symbol_id ORDER BY b.symbol_id, b.day"
    ):
        stored[ticker].append((int(bar[0]), *map(float, bar[1:5]), int(bar[5])))
    jobs = (
        "SELECT j.id, j.state, s.ticker, s.bar_count, (SELECT count(*) FROM job_files f WHERE f.job_id = j.id)"
        " FROM job_records j JOIN symbols s ON s.id = j.symbol_id"
    )
    for id, state, ticker, counted, kept in database.rows(jobs):
        states[state] += 1
        whole = [(day(d), *map(float, prices), volume) for d, *prices, volume in bars(ticker)]
        # The bars are there a moment before the job is said to have ended.
        allowed = [whole] if state == "SUCCEEDED" else [[], whole]
        if stored[ticker] not in allowed or int(counted) != len(stored[ticker]):
            faults.append(f"job {id} is {state}, and {ticker} has {len(stored[ticker])} bars, counted as {counted}")
        if (state == "SUCCEEDED") == (int(kept) > 0):
            faults.append(f"job {id} is {state}, and its file is {'there' if int(kept) else 'gone'}")
    return faults, states


async def until_quiet(service):
    while (await ask(service.port, "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount } }"))["jobs"]["totalCount"]:
        await asyncio.sleep(0.1)


async def main():
    folder = Path(tempfile.mkdtemp())
    live = {"sqlite": lambda: Sqlite(folder), "postgres": Postgresql}[option("database", "sqlite")]()
    service = await Service(binary(), live.url, "serve").until_ready()
    sent, late, stop, slowest, faults = 0, 0.0, asyncio.Event(), 0.0, []
    files = {f"P{n}": file(f"P{n}") for n in range((SECONDS + 60) * RATE // EACH)}
    for n in range(FILL):
        await upload(service.port, f"LONG{n}", file(f"LONG{n}"))
    await until_quiet(service)

    async def write():
        nonlocal sent, slowest, late
        began, waiting = time.monotonic(), set()
        for number, (ticker, text) in enumerate(files.items()):
            if stop.is_set():
                break
            due = began + number * EACH / RATE
            await asyncio.sleep(max(0, due - time.monotonic()))
            late = max(late, time.monotonic() - due)

            async def one(ticker=ticker, text=text):
                nonlocal slowest, sent
                asked = time.monotonic()
                payload = await upload(service.port, ticker, text)
                slowest = max(slowest, time.monotonic() - asked)
                if payload["userErrors"]:
                    faults.append(f"turned down: {payload}")
                sent += 1

            waiting.add(task := asyncio.create_task(one()))
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)

    stored = lambda: int(live.rows("SELECT coalesce(sum(bar_count), 0) FROM symbols")[0][0])
    try:
        before_all = await asyncio.to_thread(stored)
        writing, began = asyncio.create_task(write()), time.monotonic()
        await asyncio.sleep(3)
        copies = []
        for number in range(COPIES):
            before, at = await asyncio.to_thread(stored), time.monotonic()
            made = await asyncio.to_thread(live.copy, number)
            took = time.monotonic() - at
            rate = (await asyncio.to_thread(stored) - before) / (time.monotonic() - at)
            copies.append((made, took, rate))
            await asyncio.sleep(max(0, (SECONDS - 3) / COPIES - took))
        whole, during = await asyncio.to_thread(stored) - before_all, time.monotonic() - began
        stop.set()
        await writing
        print(f"  {sent} files sent, {whole} bars stored in {during:.0f} s: {whole / during:.0f} a second; at most {late:.1f} s behind; slowest request {slowest:.2f} s")
        for number, (made, took, rate) in enumerate(copies):
            began = time.monotonic()
            other = await asyncio.to_thread(live.restored, made, number)
            back = time.monotonic() - began
            wrong, states = await asyncio.to_thread(judge, other)
            faults += wrong
            size = Path(made).stat().st_size / 1e6
            print(f"  copy {number}: {size:.1f} MB in {took:.2f} s, {rate:.0f} bars a second stored meanwhile; restored in {back:.2f} s; jobs {dict(states)}; {wrong or 'whole'}")
        # A process on the last copy ends what had begun.
        again = await Service(binary(), other.url, "serve").until_ready()
        try:
            jobs = sum(states.values())
            await asyncio.wait_for(until_quiet(again), 60)
        finally:
            again.remove()
        wrong, states = judge(other)
        faults += wrong
        if states != {"SUCCEEDED": jobs}:
            faults.append(f"a process on the last copy leaves {dict(states)}")
        print(f"  a process on the last copy: {dict(states)}; {wrong or 'whole'}")
    finally:
        service.remove()
        live.remove()
        shutil.rmtree(folder)
    for fault in faults[:20]:
        print(f"  FAULT  {fault}")
    return not faults


sys.exit(not asyncio.run(main()))
