"""What the scripts beside this one stand on: PostgreSQL, the binary, a provider, and clients. Nothing but the standard
library and PostgreSQL's server."""

import asyncio
import base64
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

TOKEN = "an-admin-token-for-scripts"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


def binary():
    """The first argument, or what `cargo build --release` makes."""
    given = [a for a in sys.argv[1:] if not a.startswith("-")]
    return Path(given[0] if given else Path(__file__).parents[2] / "target/release/prospectus").resolve()


def option(name, default):
    """The value of `--name=VALUE`, of the default's type."""
    values = [a.split("=", 1)[1] for a in sys.argv[1:] if a.startswith(f"--{name}=")]
    return type(default)(values[-1]) if values else default


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processor_seconds(pid):
    """User and system time of a process so far, to the nanosecond: its processor clock, as `clock_getcpuclockid` names it."""
    return time.clock_gettime(~pid << 3 | 2)


class Postgres:
    """A throwaway cluster. PostgreSQL refuses to run as root, so it is nobody's then."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.port = free_port()
        self.name = "prospectus"
        # Of the server alone, beside this process's own.
        self.environment = {}
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        self.bin = found[-1] if found else str(Path(shutil.which("initdb") or sys.exit("PostgreSQL's server is not here")).parent)
        self.user = []
        if os.getuid() == 0:
            self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self.folder, 65534, 65534)
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "prospectus", "-A", "trust", "-N")
        self.start()
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prospectus", "prospectus")
        self.url = f"postgres://prospectus@127.0.0.1:{self.port}/prospectus"

    def command(self, program, *arguments):
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        return [*self.user, *(["env", *settings] if settings else []), f"{self.bin}/{program}", *arguments]

    def run(self, program, *arguments):
        subprocess.run(self.command(program, *arguments), check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self):
        # What is lost when the machine loses power isn't tried here, so nothing waits for the disk.
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off -c max_connections=200"
        last = None
        for _ in range(100):
            # After a kill the old backends go by and by, and until then a new server refuses.
            last = subprocess.run(
                self.command("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start"),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder, text=True,
            )
            if last.returncode == 0:
                return
            time.sleep(0.2)
        sys.exit(f"PostgreSQL does not start: {last.stderr}\n" + Path(f"{self.folder}/log").read_text()[-2000:])

    def stop(self, how):
        """`fast` as a restart by a person, `immediate` as a crash, or `kill` of the postmaster itself."""
        if how == "kill":
            pid = int(Path(f"{self.folder}/data/postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        else:
            self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", how, "-w", "stop")

    def rows(self, sql):
        psql = self.command("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prospectus", "-At", "-F", "\t", "-c", sql, self.name)
        text = subprocess.run(psql, check=True, capture_output=True, text=True, cwd=self.folder).stdout
        return [line.split("\t") for line in text.splitlines()]

    def remove(self):
        subprocess.run(self.command("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop"), stdout=subprocess.DEVNULL, cwd=self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


class Service:
    """A process of the binary: `serve`, `worker`, whatever the arguments say."""

    def __init__(self, program, database, *arguments, **settings):
        self.program, self.arguments = program, arguments
        self.port, self.ready = free_port(), False
        self.folder = tempfile.mkdtemp()
        nowhere = "http://127.0.0.1:9"
        self.settings = {
            "PATH": os.environ["PATH"], "DATABASE_URL": database, "LISTEN": f"127.0.0.1:{self.port}", "ADMIN_TOKEN": TOKEN,
            "IPO_SCHEDULE": "off", "PRICE_SCHEDULE": "off", "MARKET_SCHEDULE": "off", "RATE_LIMIT": "off", "DATABASE_POOL": "8",
            "ALPHA_VANTAGE_PER_SECOND": "0", "ALPHA_VANTAGE_PER_DAY": "0",
            "ALPHA_VANTAGE_BASE_URL": nowhere, "NSE_BASE_URL": nowhere, "NSE_ARCHIVE_URL": nowhere, **settings,
        }
        self.child = None
        self.start()

    @property
    def name(self):
        return " ".join(self.arguments)

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.child = subprocess.Popen([str(self.program), *self.arguments], env=self.settings, cwd=self.folder, stdout=log, stderr=log)

    def end(self, how=signal.SIGKILL):
        if self.child.poll() is None:
            self.child.send_signal(how)
        return self.child.wait(60)

    def log(self):
        return Path(f"{self.folder}/log").read_text(errors="replace")

    async def until_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if (await ask_raw(self.port, b"", "/readyz"))[0] == 200:
                    return self
            except (OSError, ValueError, TimeoutError):
                pass
            await asyncio.sleep(0.05)
        sys.exit(f"{self.name} did not become ready:\n{self.log()[-2000:]}")

    def remove(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def series(ticker, count, first=date(2023, 1, 2)):
    """The bars that the provider has for a symbol, oldest first: always the same."""
    dice = random.Random(ticker)
    bars, day, price = [], first, dice.randint(20_0000, 400_0000)
    while len(bars) < count:
        if day.weekday() < 5:
            opened = price
            price = max(1_0000, price + dice.randint(-3_0000, 3_0000))
            high, low = max(opened, price) + dice.randint(0, 9_999), min(opened, price) - dice.randint(0, 9_000)
            bars.append((day.isoformat(), *(f"{n / 10_000:.4f}" for n in (opened, high, low, price)), dice.randint(1_000, 9_000_000)))
        day += timedelta(1)
    return bars


class Provider:
    """A stand-in for Alpha Vantage: slow, failing now and then, with more bars each time it is asked."""

    def __init__(self, most, first=None, by=0, delay=(0.0, 0.0), failing=0.0):
        self.most, self.first, self.by, self.delay, self.failing = most, first or most, by, delay, failing
        self.bars, self.shown, self.calls = {}, {}, 0
        self.server = self.url = None

    async def start(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    def of(self, ticker):
        if ticker not in self.bars:
            self.bars[ticker] = series(ticker, self.most)
        return self.bars[ticker]

    async def answer(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1].decode()
                query = dict(pair.split("=", 1) for pair in path.partition("?")[2].split("&") if "=" in pair)
                await asyncio.sleep(random.uniform(*self.delay))
                status, body = self.body(query)
                writer.write(f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    def body(self, query):
        self.calls += 1
        if random.random() < self.failing:
            return "503 Service Unavailable", b"come back later"
        if query.get("function") == "SYMBOL_SEARCH":
            return "200 OK", b'{"bestMatches": []}'
        if query.get("function") != "TIME_SERIES_DAILY":
            return "200 OK", b'{"Information": "This is a premium endpoint. Subscribe to a premium plan to unlock it."}'
        ticker = query["symbol"]
        shown = self.shown[ticker] = min(self.most, self.shown.get(ticker, self.first - self.by) + self.by)
        bars = self.of(ticker)[:shown]
        if query.get("outputsize") != "full":
            bars = bars[-100:]
        names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
        days = {day: dict(zip(names, map(str, values))) for day, *values in reversed(bars)}
        return "200 OK", json.dumps({"Meta Data": {"2. Symbol": ticker, "3. Last Refreshed": bars[-1][0]}, "Time Series (Daily)": days}).encode()


def head(path, length, more=""):
    method = "POST" if length else "GET"
    fields = f"host: localhost\r\nauthorization: Bearer {TOKEN}\r\n{more}content-length: {length}\r\n\r\n"
    return f"{method} {path} HTTP/1.1\r\n{fields}".encode()


async def ask_raw(port, body, path="/graphql", kind="application/json", patience=30):
    """One request over a connection of its own; the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head(path, len(body), f"content-type: {kind}\r\nconnection: close\r\n") + body)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), patience)
    finally:
        writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    if not top:
        raise ConnectionError("closed without an answer")
    if b"transfer-encoding: chunked" in top.lower():
        whole = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            whole, rest = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        rest = whole
    return int(top.split(b" ")[1]), rest


async def ask(port, query, variables=None, patience=30):
    """What a query answers; errors are an exception."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    status, answer = await ask_raw(port, body, patience=patience)
    answer = json.loads(answer)
    if status != 200 or answer.get("errors"):
        error = (answer.get("errors") or [{}])[0]
        raise ValueError(f"{status} {error.get('extensions', {}).get('code')}: {error.get('message')}")
    return answer["data"]


async def upload(port, ticker, csv, patience=30):
    """`importPrices` by the multipart request specification; its payload."""
    query = "mutation($t: String!, $file: Upload!) { p: importPrices(input: { ticker: $t, file: $file }) { job { id } userErrors { message } } }"
    parts = {"operations": json.dumps({"query": query, "variables": {"t": ticker, "file": None}}), "map": '{"0":["variables.file"]}'}
    text = "".join(f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    text += f'--x\r\ncontent-disposition: form-data; name="0"; filename="p.csv"\r\ncontent-type: text/csv\r\n\r\n{csv}\r\n--x--\r\n'
    status, answer = await ask_raw(port, text.encode(), kind="multipart/form-data; boundary=x", patience=patience)
    answer = json.loads(answer)
    if status != 200 or answer.get("errors"):
        raise ValueError(f"{status} {answer}")
    return answer["data"]["p"]


async def events(port, query, variables, opened=lambda: None):
    """What a subscription tells over server-sent events, until it completes; a broken connection is an exception."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        writer.write(head("/graphql", len(body), "content-type: application/json\r\naccept: text/event-stream\r\n") + body)
        await writer.drain()
        top = await reader.readuntil(b"\r\n\r\n")
        if int(top.split(b" ")[1]) != 200:
            raise ConnectionError(f"refused: {top[:40]}")
        opened()
        kind = ""
        # A line never spans two chunks' borders but at them, so those lines that are sizes of chunks are passed over.
        while line := await reader.readline():
            name, _, value = line.decode().rstrip("\r\n").partition(":")
            if name == "event":
                kind = value.strip()
                if kind == "complete":
                    return
            elif name == "data" and kind == "next":
                yield json.loads(value)
        raise ConnectionError("the stream broke off")
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the stream broke off") from error
    finally:
        writer.close()


async def messages(port, query, variables, opened=lambda: None):
    """The same over a WebSocket, by graphql-transport-ws."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)

    def send(code, payload):
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
        writer.write(bytes([0x80 | code]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    async def receive():
        while True:
            code, size = await reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
            if code & 15 == 9:
                send(10, payload)
            elif code & 15 == 8:
                raise ConnectionError(f"closed: {payload[2:].decode(errors='replace')}")
            elif code & 15 == 1:
                return json.loads(payload)

    try:
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-key: {key}\r\nsec-websocket-protocol: graphql-transport-ws\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        top = await reader.readuntil(b"\r\n\r\n")
        if int(top.split(b" ")[1]) != 101:
            raise ConnectionError(f"refused: {top[:40]}")
        send(1, json.dumps({"type": "connection_init"}).encode())
        await receive()
        send(1, json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}}).encode())
        opened()
        while True:
            message = await receive()
            if message["type"] == "next":
                yield message["payload"]
            elif message["type"] == "error":
                raise ConnectionError(f"an error: {message['payload']}")
            elif message["type"] == "complete":
                return
            elif message["type"] == "ping":
                send(1, b'{"type":"pong"}')
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the socket broke off") from error
    finally:
        writer.close()
