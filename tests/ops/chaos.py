"""Kills at random: `python3 chaos.py [BINARY] [--kills=200] [--seed=1]`.

Two API processes and three workers share one PostgreSQL. Workers and APIs are killed outright, workers are frozen for longer
than their leases, PostgreSQL is restarted, crashed and killed; all the while clients ask for refreshes, imports and sweeps,
and others follow their jobs over server-sent events and WebSockets. In the end: what was accepted has been done, once; what
is stored is what the provider and the files had; every follower was told how its job ended, within a minute of the end."""

import asyncio
import base64
import os
import random
import re
import signal
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime

from stage import ENDED, Postgres, Provider, Service, ask, binary, events, messages, option, series, upload

KILLS, SEED = option("kills", 200), option("seed", 1)
SYMBOLS, BARS = 60, 300
#: How long after its end a follower may hear of it.
IN_TIME = 60
FOLLOWERS = 60
JOB = "subscription($id: ID!) { jobUpdated(id: $id) { id state } }"
DONE = "subscription { refreshCompleted { job { id finishedAt } } }"
REFRESH = """mutation($tickers: [String!], $full: Boolean!, $key: String!) {
  p: refreshSymbols(input: { tickers: $tickers, full: $full, idempotencyKey: $key }) { jobs { id } userErrors { message } } }"""
SWEEP = """mutation($t: String!, $from: Int!) {
  p: sweepBacktests(input: { ticker: $t, buyBelowSma: { from: 2, to: 103 }, sellAboveSma: { from: $from, to: 200 } }) {
    job { id } userErrors { message } } }"""
tickers = [f"S{n:02}" for n in range(SYMBOLS)]
long = [f"LONG{n}" for n in range(5)]
dice = random.Random(SEED)


def source(ticker):
    """The bars of an import."""
    return series(ticker, BARS if ticker in long else 40)


def file(ticker):
    return "date,open,high,low,close,volume\n" + "\n".join(",".join(map(str, bar)) for bar in source(ticker))


class Trial:
    def __init__(self):
        self.seen = Counter()
        self.accepted = set()  # ids of jobs that somebody was told of
        self.keys = {}  # what was asked with each key, and the jobs that it was told
        self.imports, self.sweeps = {}, {}  # the job, or None where the answer was lost
        self.swept = 0
        self.killed = Counter()
        self.followed = []
        self.fed, self.down = [], []
        self.stop = asyncio.Event()
        self.faults = []

    def fault(self, text):
        if len(self.faults) < 40:
            print(f"  FAULT  {text}", flush=True)
        self.faults.append(text)

    async def prepare(self):
        self.postgres = Postgres()
        self.provider = await Provider(BARS, first=60, by=7, delay=(0.02, 0.4), failing=0.03).start()
        settings = {"ALPHA_VANTAGE_BASE_URL": self.provider.url, "ALPHA_VANTAGE_API_KEY": "a-key"}
        new = lambda *arguments: Service(binary(), self.postgres.url, *arguments, **settings)
        self.apis = [await new("serve", "--no-worker").until_ready()]
        self.apis.append(new("serve", "--no-worker"))
        self.workers = [new("worker") for _ in range(3)]
        await self.apis[1].until_ready()
        for ticker in tickers:
            add = "mutation($t: String!) { addSymbol(input: { ticker: $t, name: \"x\" }) { job { id } userErrors { message } } }"
            self.accepted.add((await ask(self.apis[0].port, add, {"t": ticker}))["addSymbol"]["job"]["id"])
        for ticker in long:
            id = (await upload(self.apis[0].port, ticker, file(ticker)))["job"]["id"]
            self.accepted.add(id)
            self.imports[ticker] = [id]
            while (await ask(self.apis[0].port, "query($id: ID!) { job(id: $id) { state } }", {"id": id}))["job"]["state"] != "SUCCEEDED":
                await asyncio.sleep(0.1)

    def some_api(self):
        return random.choice(self.apis).port

    async def attempt(self, what):
        """One request to some API; None where no answer came, whatever became of it."""
        try:
            answer = await asyncio.wait_for(what(self.some_api()), 35)
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]+", "…", str(error))[:120]
            self.seen[f"{type(error).__name__}: {said}"] += 1
            return None
        self.seen["answered"] += 1
        payload = answer["p"] if "p" in answer else answer
        if payload["userErrors"]:
            self.fault(f"turned down: {payload['userErrors']}")
            return None
        return payload

    async def client(self, number):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            throw, name = random.random(), f"{number}-{turn}"
            if throw < 0.6:
                asked = {"tickers": random.sample(tickers, random.randint(1, 6)), "full": random.random() < 0.3, "key": name}
                payload = None
                # With a key, asking again is safe.
                while payload is None:
                    payload = await self.attempt(lambda port: ask(port, REFRESH, asked))
                    await asyncio.sleep(0.1 if payload else 0.4)
                jobs = [job["id"] for job in payload["jobs"]]
                self.keys[name] = (asked, jobs)
            elif throw < 0.85:
                ticker = f"F{number}N{turn}"
                payload = await self.attempt(lambda port: upload(port, ticker, file(ticker)))
                jobs = [payload["job"]["id"]] if payload else []
                self.imports[ticker] = jobs
            else:
                # Each has windows of its own, so each is stored by itself.
                asked = {"t": long[self.swept % len(long)], "from": 2 + self.swept // len(long) % 90}
                self.swept += 1
                payload = await self.attempt(lambda port: ask(port, SWEEP, asked))
                jobs = [payload["job"]["id"]] if payload else []
                self.sweeps[name] = jobs
            self.accepted.update(jobs)
            for id in jobs:
                if sum(1 for f in self.followed if not f["task"].done()) < FOLLOWERS:
                    self.follow(id)
            await asyncio.sleep(random.uniform(0.2, 1.2))

    def follow(self, id):
        follower = {"id": id, "how": random.choice([events, messages]), "told": [], "ended": None, "connections": 0}
        follower["task"] = asyncio.create_task(self.following(follower))
        self.followed.append(follower)

    async def following(self, follower):
        """What a client does: it follows, and where that breaks off it follows again."""
        while follower["ended"] is None:
            follower["connections"] += 1
            try:
                async for payload in follower["how"](self.some_api(), JOB, {"id": follower["id"]}):
                    if payload.get("errors"):
                        self.seen[f"follower: {payload['errors'][0]['message'][:100]}"] += 1
                        continue
                    state = payload["data"]["jobUpdated"]["state"]
                    follower["told"].append(state)
                    if state in ENDED:
                        if follower["ended"] is not None:
                            self.fault(f"{follower['id']}: a follower was told of the end twice")
                        follower["ended"] = time.time()
            except (OSError, ValueError) as error:
                self.seen[f"follower: {str(error)[:60]}"] += 1
            if follower["ended"] is None:
                await asyncio.sleep(0.3)

    async def feed(self, api, how):
        """Follows every refresh at one API; what each connection was told."""
        while not self.stop.is_set() or not self.closing:
            span = {"began": None, "told": [], "over": None, "how": how.__name__}
            try:
                async for payload in how(api.port, DONE, {}, lambda: span.update(began=time.time())):
                    if payload.get("errors"):
                        self.seen[f"feed: {payload['errors'][0]['message'][:100]}"] += 1
                        break
                    span["told"].append(payload["data"]["refreshCompleted"]["job"]["id"])
            except (OSError, ValueError) as error:
                self.seen[f"feed: {str(error)[:60]}"] += 1
            finally:
                span["over"] = time.time()
                if span["began"]:
                    self.fed.append(span)
            await asyncio.sleep(0.2)

    async def freeze(self, worker):
        """Stops a worker for longer than its leases last, without ending it."""
        child = worker.child
        child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(9, 14))
        if child.poll() is None:
            child.send_signal(signal.SIGCONT)

    async def kill(self, number):
        throw = dice.random()
        if throw < 0.12:
            how = dice.choice(["fast", "immediate", "kill"])
            self.killed[f"PostgreSQL, {how}"] += 1
            self.down.append(time.time())
            await asyncio.to_thread(self.postgres.stop, how)
            await asyncio.sleep(dice.uniform(0, 2))
            await asyncio.to_thread(self.postgres.start)
            self.down.append(time.time())
        else:
            process = dice.choice(self.apis if throw < 0.45 else self.workers)
            self.killed[process.arguments[0]] += 1
            process.end()
            await asyncio.sleep(dice.uniform(0, 1))
            process.start()
        if number % 12 == 0:
            self.killed["frozen"] += 1
            self.freezing.append(asyncio.create_task(self.freeze(dice.choice(self.workers))))

    async def run(self):
        await self.prepare()
        self.closing, self.freezing = False, []
        clients = [asyncio.create_task(self.client(n)) for n in range(3)]
        feeds = [asyncio.create_task(self.feed(api, how)) for api, how in zip(self.apis, (events, messages))]
        began = time.monotonic()
        for number in range(1, KILLS + 1):
            await asyncio.sleep(dice.uniform(0.4, 2.6))
            await self.kill(number)
            for process in (*self.apis, *self.workers):
                if (code := process.child.poll()) is not None:
                    # A start that finds no database says so and ends; whoever manages processes starts it again.
                    last = process.log().splitlines()[-1]
                    if code != 1 or not re.search("^prospectus: .*database", last):
                        self.fault(f"{process.name} left by itself with {code}: {process.log()[-600:]}")
                    self.killed["started without a database"] += 1
                    process.start()
            if number % 20 == 0:
                waiting = sum(1 for f in self.followed if f["ended"] is None)
                print(f"  {number} kills, {time.monotonic() - began:.0f} s: {len(self.accepted)} jobs accepted, {waiting} followers wait", flush=True)
        await asyncio.gather(*self.freezing)
        for api in self.apis:
            await api.until_ready()
        self.stop.set()
        await asyncio.gather(*clients)
        stopped = time.monotonic()
        while (left := self.postgres.rows("SELECT count(*) FROM job_records WHERE state IN ('QUEUED', 'RUNNING', 'RETRYING')")[0][0]) != "0":
            if time.monotonic() - stopped > 180:
                self.fault(f"{left} jobs have not ended after three minutes of quiet")
                break
            await asyncio.sleep(0.5)
        print(f"  quiet {time.monotonic() - stopped:.1f} s after the last request")
        await asyncio.wait([f["task"] for f in self.followed], timeout=IN_TIME)
        await asyncio.sleep(20)
        self.closing = True
        for task in (*feeds, *(f["task"] for f in self.followed)):
            task.cancel()

    async def judge(self):
        port, ids = self.apis[0].port, sorted(self.accepted)
        jobs = {}
        for at in range(0, len(ids), 400):
            query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { id kind state attempts message finishedAt } } }"
            for id, job in zip(ids[at:], (await ask(port, query, {"ids": ids[at : at + 400]}))["nodes"]):
                if job is None:
                    self.fault(f"{id} was accepted and is lost")
                else:
                    jobs[id] = job
        for job in jobs.values():
            if job["state"] != "SUCCEEDED":
                self.fault(f"accepted, but {job}")
        states = Counter(job["state"] for job in jobs.values())
        print(f"  {len(jobs)} jobs accepted: {dict(states)}, at most {max(job['attempts'] for job in jobs.values())} attempts")

        moment = lambda id: datetime.fromisoformat(jobs[id]["finishedAt"].replace("Z", "+00:00")).timestamp()
        lags, how = [], Counter()
        for follower in self.followed:
            how[follower["how"].__name__] += 1
            if follower["ended"] is None:
                self.fault(f"a follower of {follower['id']} was never told of its end: {follower['told']}")
            elif follower["told"][-1] != jobs[follower["id"]]["state"]:
                self.fault(f"a follower of {follower['id']} was told {follower['told']}")
            else:
                lags.append(follower["ended"] - moment(follower["id"]))
        lags.sort()
        if lags[-1] > IN_TIME:
            self.fault(f"a follower was told {lags[-1]:.0f} s after the end")
        again = sum(1 for f in self.followed if f["connections"] > 1)
        print(f"  {len(self.followed)} followers ({dict(how)}), {again} of them connected again; told after {lags[len(lags) // 2] * 1e3:.0f} ms, at most {lags[-1]:.1f} s")

        spans = told = 0
        ends = {id: moment(id) for id, job in jobs.items() if job["finishedAt"] and job["kind"] in ("REFRESH_SYMBOL", "IMPORT_PRICES")}
        for span in self.fed:
            spans, told = spans + 1, told + len(span["told"])
            for id, times in Counter(span["told"]).items():
                if times > 1:
                    self.fault(f"refreshCompleted told of {id} {times} times on one connection ({span['how']})")
            # What was missed may come as late as the next comparison.
            missing = {id for id, at in ends.items() if span["began"] + 1 < at < span["over"] - 20} - set(span["told"])
            if missing:
                after = sorted(round(ends[id] - span["began"], 1) for id in missing)
                down = [round(at - span["began"], 1) for at in self.down if span["began"] - 10 < at < span["over"]]
                self.fault(
                    f"refreshCompleted passed over {len(missing)} ends on one connection ({span['how']}) of {span['over'] - span['began']:.0f} s:"
                    f" {after[:10]} s after its beginning; PostgreSQL stopped or came at {down}"
                )
        print(f"  refreshCompleted told of {told} ends on {spans} connections")

        await self.judge_keys(port)
        await self.judge_stores(port)
        for process in (*self.apis, *self.workers):
            for line in process.log().splitlines():
                if "panicked" in line:
                    self.fault(f"{process.name}: {line[:300]}")
        for said, times in self.seen.most_common():
            print(f"    {times:6} {said}")
            if "INTERNAL" in said:
                self.fault(f"{times} times {said}")

    async def judge_keys(self, port):
        count = lambda: self.postgres.rows("SELECT kind, count(*) FROM job_records GROUP BY kind ORDER BY kind")
        before = count()
        other = 0
        for asked, told in self.keys.values():
            jobs = [job["id"] for job in (await ask(port, REFRESH, asked))["p"]["jobs"]]
            other += jobs != told
        if other or count() != before:
            self.fault(f"{other} of {len(self.keys)} keys, asked again, answer with other jobs; jobs before {before} and after {count()}")
        print(f"  {len(self.keys)} keys asked again, {len(self.keys) - other} answer with the same jobs; {dict(before)}")
        # Every refresh in the database is one that somebody was told of.
        known = {int(n) for n in (self.number(id) for id in self.accepted)}
        rows = {int(id) for (id,) in self.postgres.rows("SELECT id FROM job_records WHERE kind = 'REFRESH_SYMBOL'")}
        if not other and rows - known:
            self.fault(f"{len(rows - known)} refreshes were recorded that nobody was told of")

    @staticmethod
    def number(id):
        return base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().split(":")[1]

    async def judge_stores(self, port):
        query = "query($t: String!) { symbol(ticker: $t) { barCount series { dates open high low close volume } } }"
        right = bars = 0
        lost = [ticker for ticker, jobs in self.imports.items() if not jobs]
        for ticker in (*tickers, *self.imports):
            symbol = (await ask(port, query, {"t": ticker}))["symbol"]
            if symbol is None:
                if ticker not in lost:
                    self.fault(f"{ticker} is lost")
                continue
            stored = list(zip(*symbol["series"].values()))
            known = self.provider.of(ticker) if ticker in tickers else source(ticker)
            expected = [(day, *map(float, prices), volume) for day, *prices, volume in known[: len(stored)]]
            shown = self.provider.shown.get(ticker, 0) if ticker in tickers else len(known)
            # A call whose worker died may have shown more than was stored, in steps of seven.
            whole = len(stored) == len(known) or (ticker in tickers and (len(stored) - 60) % 7 == 0)
            if stored != expected or symbol["barCount"] != len(stored) or len(stored) > shown or not whole:
                self.fault(f"{ticker}: {len(stored)} bars, counted as {symbol['barCount']}, the source has shown {shown}")
            else:
                right, bars = right + 1, bars + len(stored)
        print(f"  {right} symbols have their source's bars, to the digit: {bars}")
        twice = self.postgres.rows("SELECT symbol_id, count(*) FROM job_records WHERE kind = 'IMPORT_PRICES' GROUP BY symbol_id HAVING count(*) > 1")
        if twice:
            self.fault(f"imports that were recorded twice: {twice}")
        told = [jobs[0] for jobs in self.sweeps.values() if jobs]
        jobs, stored = (int(self.postgres.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in ("job_records WHERE kind = 'SWEEP'", "sweeps"))
        lost = len(self.sweeps) - len(told)
        if stored > jobs or not len(told) <= jobs <= len(told) + lost:
            self.fault(f"{len(told)} sweeps were accepted and {lost} answers lost; there are {jobs} jobs and {stored} sweeps")
        for at in range(0, len(told), 100):
            nodes = (await ask(port, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { id sweep { id } } } }", {"ids": told[at : at + 100]}))["nodes"]
            for node in nodes:
                if not node or not node["sweep"]:
                    self.fault(f"{node} has stored no sweep")
        print(f"  {len(self.imports)} imports and {len(self.sweeps)} sweeps asked for; {jobs} sweep jobs, {stored} sweeps")

    def remove(self):
        for process in (*self.apis, *self.workers):
            if os.environ.get("KEEP_LOGS"):
                print(f"  {process.name}: {process.folder}/log")
                process.end()
            else:
                process.remove()
        self.postgres.remove()


async def main():
    trial = Trial()
    try:
        await trial.run()
        print(f"  killed: {dict(trial.killed)}")
        await trial.judge()
    finally:
        trial.remove()
    print("  " + (f"{len(trial.faults)} FAULTS" if trial.faults else "no fault"))
    return not trial.faults


random.seed(SEED)
sys.exit(not asyncio.run(main()))
