"""A backup while prices pour in: `python3 backup.py [BINARY] [--seconds=30] [--rate=1000]`.

The service on SQLite is sent files of prices, so many bars a second; `prospectus backup` is run beside it, again and again.
Each copy is restored elsewhere. It has to pass SQLite's own checks and hold no half job: of a file whose job had succeeded by
then every bar, of any other none, and the file itself, so that the process that starts on the copy goes on with it."""

import asyncio
import functools
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

from stage import Service, ask, binary, option, series, upload

SECONDS, RATE, EACH, COPIES = option("seconds", 30), option("rate", 1_000), 200, 5
#: What is there before, so that a copy takes its time: symbols and bars of each.
FILL, LONG = option("fill", 30), 19_000


@functools.cache
def bars(ticker):
    return series(ticker, LONG, date(1950, 1, 2)) if ticker.startswith("LONG") else series(ticker, EACH)


def file(ticker):
    return "date,open,high,low,close,volume\n" + "\n".join(",".join(map(str, bar)) for bar in bars(ticker))


def run(*arguments, database):
    began = time.monotonic()
    settings = {"DATABASE_URL": f"sqlite://{database}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([binary(), *arguments], env=settings, capture_output=True, text=True, cwd=Path(database).parent)
    if done.returncode:
        sys.exit(f"{arguments[0]} failed: {done.stderr}")
    return time.monotonic() - began


def day(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def judge(database):
    """What is wrong in a copy, and how many jobs it has in each state."""
    faults = []
    copy = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    said = [row[0] for row in copy.execute("PRAGMA integrity_check")] + list(copy.execute("PRAGMA foreign_key_check"))
    if said != ["ok"]:
        faults.append(f"{database}: {said[:5]}")
    states = Counter()
    jobs = "SELECT j.id, j.state, s.ticker, s.bar_count, f.job_id FROM job_records j JOIN symbols s ON s.id = j.symbol_id LEFT JOIN job_files f ON f.job_id = j.id"
    for id, state, ticker, counted, kept in copy.execute(jobs).fetchall():
        states[state] += 1
        select = "SELECT day, open, high, low, close, volume FROM price_bars WHERE symbol_id = (SELECT id FROM symbols WHERE ticker = ?) ORDER BY day"
        stored = copy.execute(select, (ticker,)).fetchall()
        expected = [(day(d), *map(float, prices), volume) for d, *prices, volume in bars(ticker)] if state == "SUCCEEDED" else []
        if stored != expected or counted != len(expected):
            faults.append(f"job {id} is {state}, and {ticker} has {len(stored)} bars, counted as {counted}")
        if (state == "SUCCEEDED") == (kept is not None):
            faults.append(f"job {id} is {state}, and its file is {'there' if kept else 'gone'}")
    copy.close()
    return faults, states


async def until_quiet(service):
    while (await ask(service.port, "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount } }"))["jobs"]["totalCount"]:
        await asyncio.sleep(0.1)


async def main():
    folder = Path(tempfile.mkdtemp())
    service = await Service(binary(), f"sqlite://{folder}/live.db", "serve").until_ready()
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

    stored = lambda: sqlite3.connect(f"file:{folder}/live.db?mode=ro", uri=True).execute("SELECT coalesce(sum(bar_count), 0) FROM symbols").fetchone()[0]
    try:
        before_all = await asyncio.to_thread(stored)
        writing, began = asyncio.create_task(write()), time.monotonic()
        await asyncio.sleep(3)
        copies = []
        for number in range(COPIES):
            before, at = await asyncio.to_thread(stored), time.monotonic()
            took = await asyncio.to_thread(run, "backup", f"{folder}/copy{number}.db", database=f"{folder}/live.db")
            rate = (await asyncio.to_thread(stored) - before) / (time.monotonic() - at)
            copies.append((took, rate))
            await asyncio.sleep(max(0, (SECONDS - 3) / COPIES - took))
        whole, during = await asyncio.to_thread(stored) - before_all, time.monotonic() - began
        stop.set()
        await writing
        print(f"  {sent} files sent, {whole} bars stored in {during:.0f} s: {whole / during:.0f} a second; at most {late:.1f} s behind; slowest request {slowest:.2f} s")
        for number, (took, rate) in enumerate(copies):
            place = folder / f"elsewhere{number}"
            place.mkdir()
            back = await asyncio.to_thread(run, "restore", f"{folder}/copy{number}.db", database=place / "new.db")
            wrong, states = await asyncio.to_thread(judge, place / "new.db")
            faults += wrong
            size = (folder / f"copy{number}.db").stat().st_size / 1e6
            print(f"  copy {number}: {size:.1f} MB in {took:.2f} s, {rate:.0f} bars a second stored meanwhile; restored in {back:.2f} s; jobs {dict(states)}; {wrong or 'whole'}")
        # A process on the last copy ends what had begun.
        again = await Service(binary(), f"sqlite://{place}/new.db", "serve").until_ready()
        try:
            jobs = sum(states.values())
            await asyncio.wait_for(until_quiet(again), 60)
        finally:
            again.remove()
        wrong, states = judge(place / "new.db")
        faults += wrong
        if states != {"SUCCEEDED": jobs}:
            faults.append(f"a process on the last copy leaves {dict(states)}")
        print(f"  a process on the last copy: {dict(states)}; {wrong or 'whole'}")
    finally:
        service.remove()
        shutil.rmtree(folder)
    for fault in faults[:20]:
        print(f"  FAULT  {fault}")
    return not faults


sys.exit(not asyncio.run(main()))
