"""A rolling restart under load: `python3 rolling.py [BINARY] [--rounds=3]`.

Two API processes and a worker share one PostgreSQL. A TCP balancer in front asks /readyz and passes connections on to those that
are ready, and knows nothing else. Clients that open a connection a request, clients that keep theirs, uploads and followers
go through it. Each process is stopped by SIGTERM and started again in turn: no request may fail, every job that was accepted
must end, and each follower must hear of it."""

import asyncio
import json
import signal
import sys
import time
from collections import Counter

from stage import ENDED, Postgres, Service, ask, ask_raw, binary, events, head, messages, option, series, upload

ROUNDS, CLIENTS = option("rounds", 3), 8
LIST = "{ symbols(first: 5) { totalCount nodes { ticker barCount } } }"
JOB = "subscription($id: ID!) { jobUpdated(id: $id) { state } }"


class Balancer:
    """Passes each connection on to the next process that says it is ready."""

    def __init__(self):
        self.behind, self.ready, self.turn, self.port = [], {}, 0, None

    async def start(self):
        server = await asyncio.start_server(self.take, "127.0.0.1", 0, backlog=1_000)
        self.port = server.sockets[0].getsockname()[1]
        self.watching = asyncio.create_task(self.watch())
        return self

    async def watch(self):
        while True:
            for service in list(self.behind):
                try:
                    self.ready[service] = (await ask_raw(service.port, b"", "/readyz", patience=2))[0] == 200
                except (OSError, ValueError, TimeoutError):
                    self.ready[service] = False
            await asyncio.sleep(0.1)

    async def take(self, reader, writer):
        ready = [service for service in self.behind if self.ready.get(service)]
        try:
            if not ready:
                raise ConnectionError("nobody is ready")
            self.turn += 1
            there, back = await asyncio.open_connection("127.0.0.1", ready[self.turn % len(ready)].port)
        except OSError:
            writer.transport.abort()
            return

        async def copy(source, target):
            try:
                while data := await source.read(1 << 16):
                    target.write(data)
                    await target.drain()
                target.write_eof()
            except OSError:
                target.transport.abort()

        try:
            await asyncio.gather(copy(reader, back), copy(there, writer))
        except asyncio.CancelledError:
            pass
        finally:
            back.close()
            writer.close()


class Load:
    def __init__(self, port):
        self.port, self.stop = port, asyncio.Event()
        self.seen, self.jobs, self.follows = Counter(), set(), []

    async def fresh(self):
        """A connection for every request."""
        while not self.stop.is_set():
            try:
                await ask(self.port, LIST)
                self.seen["answered"] += 1
            except (OSError, ValueError, TimeoutError) as error:
                self.seen[f"a connection a request: {error!r}"] += 1

    async def kept(self):
        """One connection until the other side ends it, as it may between two requests and says by `connection: close`."""
        body, line = json.dumps({"query": LIST}).encode(), None
        while not self.stop.is_set():
            try:
                if line is None:
                    line = await asyncio.open_connection("127.0.0.1", self.port)
                    self.seen["connections kept"] += 1
                reader, writer = line
                writer.write(head("/graphql", len(body), "content-type: application/json\r\n") + body)
                top = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()
                answer = json.loads(await reader.readexactly(int(top.split(b"content-length:")[1].split(b"\r\n")[0])))
                if b" 200 " not in top or answer.get("errors"):
                    self.seen[f"a connection kept: {answer}"] += 1
                self.seen["answered"] += 1
                await asyncio.sleep(0.01)
                if b"connection: close" in top or reader.at_eof():
                    writer.close()
                    line = None
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.seen[f"a connection kept: {error!r}"] += 1
                line = None

    async def uploads(self):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            ticker = f"ROLL{turn}"
            try:
                lines = [",".join(map(str, bar)) for bar in series(ticker, 50)]
                payload = await upload(self.port, ticker, "date,open,high,low,close,volume\n" + "\n".join(lines))
                self.seen["accepted" if payload["job"] else f"{payload['userErrors']}"] += 1
                self.jobs.add(payload["job"]["id"])
                self.follows.append(asyncio.create_task(self.follow(payload["job"]["id"], (events, messages)[turn % 2])))
            except (OSError, ValueError, TimeoutError) as error:
                self.seen[f"an upload: {error!r}"] += 1
            await asyncio.sleep(0.15)

    async def follow(self, id, how):
        """A stream ends with its process; then it is followed again."""
        while True:
            try:
                async for payload in how(self.port, JOB, {"id": id}):
                    if payload["data"]["jobUpdated"]["state"] in ENDED:
                        self.seen["ends told"] += 1
                        return
                self.seen["streams that completed early"] += 1
            except (OSError, TypeError) as error:
                self.seen[f"streams that broke off: {error}"] += 1
            await asyncio.sleep(0.1)


async def main():
    postgres, balancer = Postgres(), await Balancer().start()
    services = []
    try:
        for arguments in (("serve", "--no-worker"), ("serve", "--no-worker"), ("worker",)):
            services.append(Service(binary(), postgres.url, *arguments))
            if arguments[0] == "serve":
                await services[-1].until_ready()
                balancer.behind.append(services[-1])
        await asyncio.sleep(0.5)
        load = Load(balancer.port)
        clients = [asyncio.create_task(how()) for how in [load.fresh, load.kept] * (CLIENTS // 2) + [load.uploads]]
        await asyncio.sleep(1)
        for _ in range(ROUNDS):
            for service in services:
                began = time.monotonic()
                code = await asyncio.to_thread(service.end, signal.SIGTERM)
                print(f"  {service.name:18} left with {code} in {time.monotonic() - began:.2f} s", flush=True)
                service.start()
                if service in balancer.behind:
                    await service.until_ready()
                    while not balancer.ready.get(service):
                        await asyncio.sleep(0.05)
                await asyncio.sleep(0.5)
        load.stop.set()
        await asyncio.gather(*clients)
        _, waiting = await asyncio.wait(load.follows, timeout=60)
        ids, states = sorted(load.jobs), Counter()
        for at in range(0, len(ids), 400):
            nodes = (await ask(balancer.port, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { state } } }", {"ids": ids[at : at + 400]}))["nodes"]
            states.update(node["state"] for node in nodes)
        fine = ("answered", "accepted", "connections kept", "ends told", "streams that")
        failed = {how: number for how, number in load.seen.items() if not how.startswith(fine)}
        told = {how: number for how, number in load.seen.items() if how.startswith(fine)}
        print(f"  {told}; jobs {dict(states)}; {len(waiting)} followers not told; {failed or 'no request failed'}")
        return not failed and not waiting and set(states) == {"SUCCEEDED"}
    finally:
        balancer.watching.cancel()
        for service in services:
            service.remove()
        postgres.remove()


sys.exit(not asyncio.run(main()))
