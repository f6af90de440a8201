"""Stopping while clients go on: `bash server.sh run python3 drain.py [ROUNDS]`. Nothing but the standard library.

Clients open a connection for every request and know nothing of a restart. When the service gets SIGTERM, an answer that
has begun must end, and whoever the kernel has let in must be answered: a connection may be refused once the service
is gone, but none may be reset or closed without an answer."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

ADDRESS = urlsplit(os.environ["HOST_URL"])
SERVER = Path(__file__).with_name("server.sh")
PID = Path(os.environ["SERVER"], "pid")
CLIENTS = 20
BODY = json.dumps({"query": "{ viewer { role } ipos(first: 5) { totalCount nodes { id name } } }"}).encode()
REQUEST = (
    f"POST /graphql HTTP/1.1\r\nhost: {ADDRESS.netloc}\r\ncontent-type: application/json\r\n"
    f"content-length: {len(BODY)}\r\nconnection: close\r\n\r\n"
).encode() + BODY


async def once():
    """One request over a connection of its own; how it went."""
    try:
        reader, writer = await asyncio.open_connection(ADDRESS.hostname, ADDRESS.port)
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return f"not connected: {error}"
    try:
        writer.write(REQUEST)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 20)
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except TimeoutError:
        return "silent"
    finally:
        writer.close()
    if not answer:
        return "closed without an answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        whole = b" 200 " in head.split(b"\r\n")[0] and "data" in json.loads(body)
    except ValueError:
        whole = False
    return "answered" if whole else f"cut off: {answer[:80]}"


async def client(seen, stop):
    while not stop.is_set():
        how = await once()
        seen[how] += 1
        if how == "refused":
            await asyncio.sleep(0.01)


async def one_round():
    seen, stop = Counter(), asyncio.Event()
    clients = [asyncio.create_task(client(seen, stop)) for _ in range(CLIENTS)]
    await asyncio.sleep(1)
    before = seen["answered"]
    pid, began = int(PID.read_text()), time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while Path(f"/proc/{pid}/stat").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(") ")[1][:1]:
        await asyncio.sleep(0.01)
    took = time.monotonic() - began
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*clients)
    bad = {how: number for how, number in seen.items() if how not in ("answered", "refused")}
    print(
        f"  {'FAILED' if bad else 'ok':6}  {before} answers in the second before SIGTERM, {seen['answered'] - before}"
        f" after it; gone in {took:.2f} s; {bad or 'no reset'}"
    )
    await asyncio.to_thread(subprocess.run, ["bash", SERVER, "start"], check=True)
    return not bad


async def main():
    rounds = [await one_round() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)]
    return all(rounds)


sys.exit(not asyncio.run(main()))
