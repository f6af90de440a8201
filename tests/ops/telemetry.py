"""What watching costs and shows: `python3 telemetry.py [BINARY] [--requests=5000] [--by=processor|clock] [--sampler=NAME]`.

Two processes of the binary, one without traces and scrapes, one that sends traces to a receiver, by the sampler that is the
default or named here, and is scraped every second, answer the same requests in turns, a few hundred at a time: a scrape comes
by the clock, so with fewer the waits between would be what is measured. Their processor time is compared, batch by batch, as other programs may be at work beside them, or on a machine that has nothing else to do the
time on the clock; with all of it on it may be 3 % more in the middle of all batches, without the tenth at each end. Then one
mutation on PostgreSQL: its trace has to lead from the request to the statements of the worker that ran its job, and promtool
has to accept both scrapes."""

import asyncio
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from stage import Postgres, Provider, Service, ask, binary, free_port, head, option, processor_seconds, series, upload

REQUESTS, BATCH, MOST, BY = option("requests", 5_000), 250, 0.03, option("by", "processor")
LIST = "{ symbols(first: 20) { totalCount nodes { ticker barCount latestBar { date close } } } }"
PAGE = 'query($t: String!) { symbol(ticker: $t) { prices(last: 250) { nodes { date open high low close volume } } } }'
AVERAGE = 'query($t: String!) { symbol(ticker: $t) { series(from: "2023-06-01") { dates close indicator(by: { sma: 20 }) } } }'
BACKTEST = """mutation($t: String!, $n: Int!) { runBacktest(input: { ticker: $t, strategy: { buy: { priceBelowSma: $n },
  sell: { priceAboveSma: 20 } } }) { backtest { id metrics { totalReturn } } userErrors { message } } }"""


def fields(data):
    """Number and value of each field of a protobuf message."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        kind = key & 7
        if kind == 0:
            yield key >> 3, number()
        else:
            size = {1: 8, 5: 4}.get(kind) or number()
            yield key >> 3, data[at : at + size]
            at += size


def among(data, *path):
    """Every value at a path of field numbers."""
    for key, value in fields(data):
        if key == path[0]:
            yield from [value] if len(path) == 1 else among(value, *path[1:])


class Receiver:
    """Takes what OTLP sends over HTTP; keeps spans if it is told to."""

    def __init__(self, keep):
        self.keep, self.spans, self.bytes, self.port = keep, [], 0, None

    async def start(self):
        server = await asyncio.start_server(self.take, "127.0.0.1", 0, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def take(self, reader, writer):
        try:
            while True:
                top = (await reader.readuntil(b"\r\n\r\n")).lower()
                body = await reader.readexactly(int(top.split(b"content-length:")[1].split(b"\r\n")[0]))
                self.bytes += len(body)
                if self.keep:
                    self.read(body)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    def read(self, body):
        def texts(message, path):
            return {next(among(pair, 1)).decode(): next(among(pair, 2, 1), b"") for pair in among(message, *path)}

        for resource in among(body, 1):
            service = texts(resource, (1, 1)).get("service.name", b"").decode()
            for span in among(resource, 2, 2):
                first = lambda n: next(among(span, n), b"")
                self.spans.append({
                    "service": service, "trace": first(1).hex(), "id": first(2).hex(), "parent": first(4).hex(), "name": first(5).decode(),
                    "attributes": {key: value for key, value in texts(span, (9,)).items()},
                })


class Line:
    """A connection that is kept."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        return self

    async def ask(self, body):
        self.writer.write(head("/graphql", len(body), "content-type: application/json\r\n") + body)
        top = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        answer = await self.reader.readexactly(int(top.split(b"content-length:")[1].split(b"\r\n")[0]))
        if b" 200 " not in top.split(b"\r\n")[0] + b" " or b'"errors":' in answer or b'"message":' in answer:
            sys.exit(f"not answered: {top.decode()} {answer[:300]}")


def body(number):
    dice = random.Random(number)
    ticker = f"T{dice.randrange(20)}"
    query = BACKTEST if number % 50 == 0 else dice.choice([LIST, PAGE, AVERAGE])
    variables = {} if query is LIST else {"t": ticker}
    if query is BACKTEST:
        variables["n"] = dice.randint(2, 90)
    return json.dumps({"query": query, "variables": variables}).encode()


async def batch(port, bodies):
    lines = [await Line().open(port) for _ in range(4)]
    queue = list(bodies)

    async def work(line):
        while queue:
            await line.ask(queue.pop())
        line.writer.close()

    await asyncio.gather(*map(work, lines))


def scrape(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()


async def overhead():
    receiver, port = await Receiver(keep=False).start(), free_port()
    folder = tempfile.mkdtemp()
    watched = {"METRICS_LISTEN": f"127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}", "OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
    watched |= {"OTEL_TRACES_SAMPLER": option("sampler", "")}
    off = Service(binary(), f"sqlite://{folder}/off.db", "serve")
    on = Service(binary(), f"sqlite://{folder}/on.db", "serve", **watched)
    try:
        for service in (off, on):
            await service.until_ready()
            for n in range(20):
                bars = [",".join(map(str, bar)) for bar in series(f"T{n}", 1_000)]
                await upload(service.port, f"T{n}", "date,open,high,low,close,volume\n" + "\n".join(bars))
            while (await ask(service.port, "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING] }) { totalCount } }"))["jobs"]["totalCount"]:
                await asyncio.sleep(0.2)
            await batch(service.port, [body(-n) for n in range(1, 500)])

        async def scraping():
            while True:
                await asyncio.to_thread(scrape, port)
                await asyncio.sleep(1)

        task = asyncio.create_task(scraping())
        used = {"processor": {off: [], on: []}, "clock": {off: [], on: []}}
        for turn in range(REQUESTS // BATCH):
            bodies = [body(turn * BATCH + n) for n in range(BATCH)]
            for service in (off, on) if turn % 2 else (on, off):
                before, began = processor_seconds(service.child.pid), time.monotonic()
                await batch(service.port, bodies)
                used["clock"][service].append(time.monotonic() - began)
                # What goes out a little later is a part of the cost; the other waits as long, as waiting costs, too.
                await asyncio.sleep(0.5)
                used["processor"][service].append(processor_seconds(service.child.pid) - before)
        task.cancel()
        shares = {}
        for by, took in used.items():
            more = sorted(b / a - 1 for a, b in zip(took[off], took[on]))
            kept = more[len(more) // 10 : len(more) - len(more) // 10]
            shares[by] = statistics.mean(kept)
            each = [1e3 * sum(took[service]) / REQUESTS for service in (off, on)]
            print(
                f"  {REQUESTS} requests by the {by}: {each[0]:.3f} ms each without, {each[1]:.3f} with metrics and traces; batch by batch"
                f" {100 * shares[by]:+.1f} %, ± {200 * statistics.stdev(kept) / len(kept) ** 0.5:.1f} (median {100 * statistics.median(more):+.1f} %)"
            )
        print(f"  {receiver.bytes / REQUESTS:.0f} bytes of spans a request")
        return shares[BY] < MOST
    finally:
        off.remove()
        on.remove()
        shutil.rmtree(folder)


async def trace():
    receiver, provider, postgres = await Receiver(keep=True).start(), await Provider(300).start(), Postgres()
    ports = free_port(), free_port()
    processes = []
    try:
        for arguments, name, port in ((("serve", "--no-worker"), "api", ports[0]), (("worker",), "worker", ports[1])):
            settings = {"METRICS_LISTEN": f"127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}", "OTEL_SERVICE_NAME": name}
            settings |= {"ALPHA_VANTAGE_BASE_URL": provider.url, "ALPHA_VANTAGE_API_KEY": "a-key-nobody-may-see"}
            processes.append(Service(binary(), postgres.url, *arguments, **settings))
            if name == "api":
                await processes[0].until_ready()
        add = 'mutation { addSymbol(input: { ticker: "IBM" }) { job { id } userErrors { message } } }'
        id = (await ask(processes[0].port, add))["addSymbol"]["job"]["id"]
        while (await ask(processes[0].port, "query($id: ID!) { job(id: $id) { state } }", {"id": id}))["job"]["state"] != "SUCCEEDED":
            await asyncio.sleep(0.1)
        await asyncio.sleep(6)
        by_id = {span["id"]: span for span in receiver.spans}

        def chain(span):
            links = [span]
            while links[-1]["parent"] in by_id:
                links.append(by_id[links[-1]["parent"]])
            return links

        chains = [chain(span) for span in receiver.spans if span["service"] == "worker" and b"INTO price_bars" in b"".join(span["attributes"].values())]
        whole = [links for links in chains if links[-1]["service"] == "api" and links[-1]["name"] == "POST /graphql" and len({link["trace"] for link in links}) == 1]
        if whole:
            print("  one trace: " + " > ".join(f"{link['service']}: {link['name']}" for link in reversed(max(whole, key=len))))
            print(f"  {sum(1 for span in receiver.spans if span['trace'] == whole[0][0]['trace'])} spans in it")
        secret = b"a-key-nobody-may-see" in repr(receiver.spans).encode()
        good = bool(whole) and not secret
        if not good:
            print(f"  FAILED: {len(chains)} statements of the worker, none leads to the request; a secret in spans: {secret}")
        for name, port in zip(("api", "worker"), ports):
            text = scrape(port)
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
            said = (checked.stdout + checked.stderr).decode().strip()
            print(f"  promtool on the {name}'s scrape of {len(text.splitlines())} lines: {'accepted' if checked.returncode == 0 and not said else said}")
            good &= checked.returncode == 0 and not said
        return good
    finally:
        for process in processes:
            process.remove()
        postgres.remove()


async def main():
    shown = await trace()
    cheap = await overhead()
    print("  ok" if shown and cheap else f"  FAILED: {'' if shown else 'the trace; '}{'' if cheap else 'the cost'}")
    return shown and cheap


sys.exit(not asyncio.run(main()))
