"""A rolling restart on PostgreSQL: `python3 rolling.py [BINARY]`. Nothing but the standard library and PostgreSQL's server.

Two API processes and a worker share a database. A balancer that asks /readyz sends clients to those that are ready, as any
does. Each process is stopped and started again in turn, several times: no request may fail, and every job that was
accepted must end."""

import asyncio
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

BINARY = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "target/debug/prospectus").resolve()
TOKEN = "an-admin-token-for-clients"
CLIENTS = 12
ROUNDS = 3
HEADERS = f"content-type: application/json\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n"
CSV = "date,open,high,low,close,volume\n" + "\n".join(f"2024-{m:02}-{d:02},10,12,9,11,100" for m in range(1, 13) for d in range(1, 29))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """A throwaway cluster; PostgreSQL refuses to run as root."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.port = free_port()
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [str(Path(shutil.which("initdb") or sys.exit("PostgreSQL's server is not here")).parent)]
        self.bin = found[-1]
        self.user = []
        if os.getuid() == 0:
            self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self.folder, 65534, 65534)
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "prospectus", "-A", "trust", "-N")
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prospectus", "prospectus")
        self.url = f"postgres://prospectus@127.0.0.1:{self.port}/prospectus"

    def run(self, program, *arguments):
        subprocess.run([*self.user, f"{self.bin}/{program}", *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)


class Process:
    def __init__(self, database, *arguments):
        self.arguments, self.port, self.ready = arguments, free_port(), False
        self.folder = tempfile.mkdtemp()
        self.settings = os.environ | {
            "DATABASE_URL": database, "LISTEN": f"127.0.0.1:{self.port}", "ADMIN_TOKEN": TOKEN, "DATABASE_POOL": "8",
            "IPO_SCHEDULE": "off", "PRICE_SCHEDULE": "off", "MARKET_SCHEDULE": "off", "RATE_LIMIT": "off",
            "ALPHA_VANTAGE_BASE_URL": "http://127.0.0.1:9", "NSE_BASE_URL": "http://127.0.0.1:9", "NSE_ARCHIVE_URL": "http://127.0.0.1:9",
        }
        self.start()

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.child = subprocess.Popen([BINARY, *self.arguments], env=self.settings, cwd=self.folder, stdout=log, stderr=log)

    def stop(self):
        began = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(60)
        return code, time.monotonic() - began


async def ask(port, text, headers=HEADERS, path="/graphql"):
    """One request over a connection of its own; the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = text if isinstance(text, bytes) else text.encode()
        head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("closed without an answer")
    return int(head.split(b" ")[1]), body


async def watch(processes):
    """What a balancer knows of those behind it."""
    while True:
        for process in processes:
            try:
                process.ready = (await ask(process.port, "", "connection: close\r\n", "/readyz"))[0] == 200
            except (OSError, ValueError):
                process.ready = False
        await asyncio.sleep(0.1)


async def until_ready(processes):
    for _ in range(600):
        if all(process.ready for process in processes):
            return
        await asyncio.sleep(0.1)
    sys.exit("a process did not become ready")


def form(ticker):
    query = "mutation($file: Upload!) { importPrices(input: { ticker: \"%s\", file: $file }) { job { id } userErrors { message } } }" % ticker
    parts = {"operations": json.dumps({"query": query, "variables": {"file": None}}), "map": '{"0":["variables.file"]}'}
    text = "".join(f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    text += f'--x\r\ncontent-disposition: form-data; name="0"; filename="p.csv"\r\ncontent-type: text/csv\r\n\r\n{CSV}\r\n--x--\r\n'
    return text, HEADERS.replace("application/json", "multipart/form-data; boundary=x")


async def client(number, processes, seen, jobs, stop):
    turn = 0
    while not stop.is_set():
        turn += 1
        ready = [process for process in processes if process.ready]
        if not ready:
            seen["nobody was ready"] += 1
            await asyncio.sleep(0.05)
            continue
        process = ready[(number + turn) % len(ready)]
        try:
            if number == 0:
                status, body = await ask(process.port, *form(f"ROLL{turn % 5}"))
                await asyncio.sleep(0.1)
            else:
                status, body = await ask(process.port, json.dumps({"query": "{ symbols(first: 5) { totalCount nodes { ticker } } }"}))
            answer = json.loads(body)
            if status != 200 or answer.get("errors"):
                seen[f"{status} {body[:200]}"] += 1
            elif number == 0:
                payload = answer["data"]["importPrices"]
                if payload["job"]:
                    jobs.add(payload["job"]["id"])
                seen["accepted" if payload["job"] else f"{payload['userErrors']}"] += 1
            else:
                seen["answered"] += 1
        except (OSError, ValueError) as error:
            seen[f"{type(error).__name__}: {error}"] += 1


async def main():
    postgres = Postgres()
    processes = [Process(postgres.url, "serve", "--no-worker")]
    worker = None
    try:
        watching = asyncio.create_task(watch(processes))
        await until_ready(processes)
        processes.append(Process(postgres.url, "serve", "--no-worker"))
        worker = Process(postgres.url, "worker")
        await until_ready(processes)
        seen, jobs, stop = Counter(), set(), asyncio.Event()
        clients = [asyncio.create_task(client(number, processes, seen, jobs, stop)) for number in range(CLIENTS)]
        await asyncio.sleep(1)
        for _ in range(ROUNDS):
            for process in (*processes, worker):
                code, took = await asyncio.to_thread(process.stop)
                print(f"  {' '.join(process.arguments):18} left with {code} in {took:.2f} s")
                process.ready = False
                process.start()
                if process is not worker:
                    await until_ready(processes)
        await asyncio.sleep(1)
        stop.set()
        await asyncio.gather(*clients)
        watching.cancel()
        ended = Counter()
        for _ in range(300):
            query = json.dumps({"query": "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { state } } }", "variables": {"ids": sorted(jobs)[-500:]}})
            answer = json.loads((await ask(processes[0].port, query))[1])
            ended = Counter(node["state"] for node in answer["data"]["nodes"])
            if set(ended) <= {"SUCCEEDED"}:
                break
            await asyncio.sleep(0.1)
        failed = {how: number for how, number in seen.items() if how not in ("answered", "accepted")}
        print(f"  {seen['answered']} queries, {seen['accepted']} uploads; jobs {dict(ended)}; {failed or 'no request failed'}")
        return not failed and set(ended) == {"SUCCEEDED"}
    finally:
        for process in (*processes, *([worker] if worker else [])):
            process.child.kill()
            process.child.wait()
            shutil.rmtree(process.folder)
        postgres.stop()


sys.exit(not asyncio.run(main()))
