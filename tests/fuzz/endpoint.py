#!/usr/bin/env python3
"""Throws queries, messages and uploads at a running service, well formed, nearly so and not at all.

    python3 tests/fuzz/endpoint.py target/release/prospectus --minutes 10 [--seed 1] [--database postgres://…]

It starts the binary on a database of its own, imports a few hundred bars, and then sends until the time is over. It ends
with an error if the process dies, if an answer is a 5xx other than 503 or is no JSON where JSON was announced, if one takes
over 35 s, or if the memory grows from the first quarter of the time to the last. Needs nothing but Python 3.9; messages
over WebSockets need the package `websockets`, and are left out without it.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import http.client

try:
    from websockets.sync.client import connect as open_socket
except ImportError:
    open_socket = None

TOKEN = "a-token-of-the-fuzzer-alone"
INTROSPECTION = """{ __schema { queryType { name } mutationType { name }
  types { name kind enumValues { name } possibleTypes { name }
    fields(includeDeprecated: true) { name args { name type { ...t } } type { ...t } }
    inputFields { name type { ...t } } } } }
fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""
NASTY = ["", "0", "-1", "2147483648", "9007199254740993", "1e400", "NaN", "null", "true", '""', '"\\u0000"', '"' + "x" * 300 + '"',
         '"%00"', '"\u202e\U0001f600"', '"2024-02-30"', '"0001-01-01"', "[]", "{}", "[[[[1]]]]", "$v", "@", '"""', "1.7e308", '"U3dlZXA6MQ"',
         '"U3ltYm9sOjE"', '"S1"', '"IBM"', "EQ", '"\\ud800"']
TYPES = ["application/json", "application/json; charset=utf-8", "application/graphql", "text/plain; x=json", "application/graphql-response+json",
         "multipart/form-data; boundary=b", "multipart/form-data", "application/json; charset=utf-16", "", "application/x-www-form-urlencoded"]
ACCEPTS = ["application/json", "application/graphql-response+json", "*/*", "text/event-stream", "multipart/mixed", "q=1;;;", ""]


class Schema:
    def __init__(self, text):
        schema = text["data"]["__schema"]
        self.types = {t["name"]: t for t in schema["types"]}
        self.roots = {"query": schema["queryType"]["name"], "mutation": schema["mutationType"]["name"]}

    @staticmethod
    def core(kind):
        while kind.get("ofType"):
            kind = kind["ofType"]
        return kind["name"]

    def value(self, kind, r, depth=0):
        """A value that may fit the type."""
        if r.random() < 0.12:
            return r.choice(NASTY) or "7"
        if kind["kind"] == "NON_NULL":
            return self.value(kind["ofType"], r, depth)
        if kind["kind"] == "LIST":
            return "[" + ",".join(self.value(kind["ofType"], r, depth + 1) for _ in range(r.choice([0, 1, 2, 5]))) + "]"
        name = kind["name"]
        known = self.types.get(name, {})
        if known.get("kind") == "ENUM":
            return r.choice(known["enumValues"])["name"]
        if known.get("kind") == "INPUT_OBJECT":
            if depth > 4:
                return "{}"
            fields = [f for f in known["inputFields"] if f["type"]["kind"] == "NON_NULL" or r.random() < 0.35]
            return "{" + ",".join(f"{f['name']}:{self.value(f['type'], r, depth + 1)}" for f in fields) + "}"
        if name == "Int":
            return str(r.choice([0, 1, 5, 50, 200, 500, -1, 2147483647, r.randrange(10000)]))
        if name in ("Float", "Decimal"):
            return r.choice(["0", "0.1", "1.5", "-3", "1e30", '"12.34"', "100"])
        if name == "Boolean":
            return r.choice(["true", "false"])
        if name == "Date":
            return r.choice(['"2024-01-02"', '"1999-12-31"', '"2050-01-01"'])
        if name == "ID":
            return r.choice(['"U3ltYm9sOjE"', '"QmFja3Rlc3Q6MQ"', '"SXBvOjE"', '"x"'])
        return r.choice(['"FUZZ"', '"IBM"', '"a"', '"' + "".join(chr(r.randrange(32, 0x2FFF)) for _ in range(6)).replace("\\", "").replace('"', "") + '"'])

    def selection(self, name, r, depth):
        known = self.types.get(name) or {}
        if known.get("kind") in ("UNION", "INTERFACE"):
            members = known["possibleTypes"]
            parts = [f"... on {m['name']} {self.selection(m['name'], r, depth + 1)}" for m in r.sample(members, min(2, len(members)))]
            return "{__typename " + " ".join(parts) + "}"
        fields = known.get("fields") or []
        if not fields or depth > r.choice([3, 5, 8]):
            return "{__typename}"
        out = []
        for f in r.sample(fields, min(len(fields), r.choice([1, 2, 4, 8]))):
            alias = f"a{r.randrange(99)}:" if r.random() < 0.2 else ""
            args = [a for a in f["args"] if a["type"]["kind"] == "NON_NULL" or r.random() < 0.4]
            text = ",".join(f"{a['name']}:{self.value(a['type'], r)}" for a in args)
            kind = self.types.get(self.core(f["type"]), {}).get("kind")
            below = self.selection(self.core(f["type"]), r, depth + 1) if kind in ("OBJECT", "INTERFACE", "UNION") else ""
            directive = r.choice(["", "", "", "", "@skip(if:true)", "@include(if:false)", "@nope"]) if r.random() < 0.1 else ""
            out.append(f"{alias}{f['name']}{'(' + text + ')' if text else ''} {directive}{below}")
        return "{" + " ".join(out) + "}"

    def query(self, r):
        kind = "query" if r.random() < 0.8 else "mutation"
        return f"{kind} F($v:Int) {self.selection(self.roots[kind], r, 0)}"


def spoiled(text, r):
    """The text with a few things wrong."""
    for _ in range(r.choice([0, 0, 1, 1, 3])):
        at = r.randrange(len(text) + 1)
        text = r.choice([
            lambda: text[:at] + r.choice("{}[]()\"'@$!:&|\\\0\u00a0\U0001f4a5") + text[at:],
            lambda: text[:at] + text[at + r.randrange(20):],
            lambda: text[:at] + text[at // 2:at] * r.choice([1, 3, 50]) + text[at:],
            lambda: text[:at] + r.choice("{[(") * r.choice([1, 30, 3000]) + text[at:],
            lambda: text + " fragment A on Query {...A ...B} fragment B on Query {...A}",
            lambda: text.replace("{", "{...{", 3),
        ])()
    return text[:200_000]


class Run:
    def __init__(self, binary, database, seconds, seed):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory()
        environment = {
            **os.environ, "LISTEN": f"127.0.0.1:{self.port}", "ADMIN_TOKEN": TOKEN, "IPO_SCHEDULE": "off", "MARKET_SCHEDULE": "off",
            "DATABASE_URL": database or f"sqlite://{self.folder.name}/fuzz.db", "RUST_LOG": "error", "RATE_LIMIT": "off",
        }
        self.log = open(f"{self.folder.name}/log", "wb")
        self.process = subprocess.Popen([binary, "serve"], env=environment, cwd=self.folder.name, stdout=self.log, stderr=self.log)
        self.end = time.monotonic() + seconds
        self.seconds, self.seed = seconds, seed
        self.faults, self.counts, self.memory = [], {}, []
        self.lock = threading.Lock()

    def request(self, method, path, body=None, headers=None, timeout=36):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read(64 << 20)
        finally:
            connection.close()

    def graphql(self, query, headers=None):
        body = json.dumps({"query": query}).encode()
        return self.request("POST", "/graphql", body, {"content-type": "application/json", **(headers or {})})

    def ready(self):
        for _ in range(300):
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("the service did not start")

    def fault(self, what, sent):
        with self.lock:
            self.faults.append(f"{what}\n    {sent[:600]!r}")

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def judge(self, sent, began, status, kind, body):
        took = time.monotonic() - began
        self.count(status)
        if status >= 500 and status != 503:
            self.fault(f"status {status}: {body[:200]!r}", sent)
        if took > 35:
            self.fault(f"took {took:.0f} s", sent)
        if "json" in kind and body:
            try:
                answer = json.loads(body)
            except ValueError:
                return self.fault(f"no JSON: {body[:200]!r}", sent)
            errors = answer.get("errors", []) if isinstance(answer, dict) else []
            for error in errors:
                if (error.get("extensions") or {}).get("code") in (None, "INTERNAL"):
                    self.fault(f"error: {json.dumps(error)[:300]}", sent)

    def http(self, schema, r):
        query = spoiled(schema.query(r), r)
        headers = {"content-type": r.choice(TYPES) if r.random() < 0.2 else "application/json", "accept": r.choice(ACCEPTS[:3])}
        if r.random() < 0.05:
            headers["accept"] = r.choice(ACCEPTS)
        if r.random() < 0.5:
            headers["authorization"] = f"Bearer {TOKEN}"
        variables = r.choice([{}, {"v": 1}, {"v": "x"}, {"v": None}, {"v": [1] * 50}, {"v": {"a": {"b": [None]}}}, [], "x"])
        body = json.dumps({"query": query, "variables": variables, **r.choice([{}, {"operationName": "F"}, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}])})
        body = spoiled(body, r) if r.random() < 0.15 else body
        method = "GET" if r.random() < 0.1 else "POST"
        path = "/graphql"
        if method == "GET":
            from urllib.parse import quote
            path, body = f"/graphql?query={quote(query[:3000])}&variables={quote(json.dumps(variables))}", ""
        began = time.monotonic()
        self.judge(f"{method} {headers} {path} {body}", began, *self.request(method, path, body.encode("utf-8", "surrogatepass") or None, headers))

    def upload(self, r):
        rows = "".join(f"2024-0{1 + i % 9}-{1 + i % 28:02},{i},{i + 1},{i - 1},{i},{i * 10}\n" for i in range(r.choice([0, 3, 40])))
        file = spoiled("timestamp,open,high,low,close,volume\n" + rows, r).encode("utf-8", "replace")
        if r.random() < 0.3:
            file = bytes(r.randrange(256) for _ in range(r.choice([0, 10, 5000])))
        if r.random() < 0.1:
            file = b"PK\x03\x04" + file
        mutation = r.choice(["importPrices", "previewImport"])
        inner = "job{id}" if mutation == "importPrices" else "preview{format rowCount doubts rows{date}}"
        query = f"mutation($f:Upload!){{{mutation}(input:{{ticker:\"FUZZ{r.randrange(4)}\",file:$f}}){{{inner} userErrors{{message}}}}}}"
        operations = spoiled(json.dumps({"query": query, "variables": {"f": None}}), r) if r.random() < 0.3 else json.dumps({"query": query, "variables": {"f": None}})
        places = r.choice(['{"0":["variables.f"]}'] * 6 + ['{"0":["variables.g"]}', "{}", '{"0":["variables.f","variables.f"]}', '[', '{"0":"x"}'])
        parts = [("operations", operations.encode("utf-8", "surrogatepass")), ("map", places.encode()), ('0"; filename="a.csv', file)]
        if r.random() < 0.1:
            r.shuffle(parts)
        body = b"".join(b"--b\r\nContent-Disposition: form-data; name=\"" + n.encode() + b"\"\r\n\r\n" + c + b"\r\n" for n, c in parts) + b"--b--\r\n"
        body = body[: r.randrange(len(body))] if r.random() < 0.1 else body
        headers = {"content-type": "multipart/form-data; boundary=b", "x-requested-with": "fuzz", "authorization": f"Bearer {TOKEN}"}
        began = time.monotonic()
        self.judge(f"upload {body[:500]!r}", began, *self.request("POST", "/graphql", body, headers))

    def messages(self, schema, r):
        kind = r.choice(["graphql-transport-ws", "graphql-ws"])
        sent = []
        try:
            with open_socket(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[kind], open_timeout=10, close_timeout=2) as ws:
                for _ in range(r.choice([1, 4, 12])):
                    text = r.choice([
                        '{"type":"connection_init"}',
                        json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {TOKEN}"}}),
                        json.dumps({"id": str(r.randrange(3)), "type": r.choice(["subscribe", "start"]), "payload": {"query": spoiled(schema.query(r), r)}}),
                        json.dumps({"id": "s", "type": "subscribe", "payload": {"query": "subscription{jobUpdated{id state}}"}}),
                        '{"type":"ping"}', '{"id":"1","type":"complete"}', "{", '{"type":7}', "[]", "x" * 70_000,
                    ])
                    text = spoiled(text, r)
                    sent.append(text[:200])
                    ws.send(text if r.random() < 0.95 else text.encode("utf-8", "surrogatepass"))
                    try:
                        ws.recv(timeout=0.02)
                    except TimeoutError:
                        pass
            self.count("socket closed")
        except Exception as error:  # A close by the server is what most of these deserve.
            self.count(f"socket: {type(error).__name__}")

    def worker(self, schema, number):
        r = random.Random(f"{self.seed}/{number}")
        while time.monotonic() < self.end and self.process.poll() is None:
            which = r.random()
            try:
                if which < 0.12:
                    self.upload(r)
                elif which < 0.2 and open_socket:
                    self.messages(schema, r)
                else:
                    self.http(schema, r)
            except (OSError, http.client.HTTPException) as error:
                self.count(type(error).__name__)
                if isinstance(error, TimeoutError):
                    self.fault("no answer within 36 s", str(number))

    def run(self):
        self.ready()
        bars = "timestamp,open,high,low,close,volume\n" + "".join(f"20{10 + i // 336:02}-{1 + i // 28 % 12:02}-{1 + i % 28:02},{100 + i % 9},{110 + i % 9},90,{101 + i % 7},1000\n" for i in range(600))
        body = b'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"mutation($f:Upload!){importPrices(input:{ticker:\\"FUZZ\\",file:$f}){userErrors{message}}}","variables":{"f":null}}\r\n--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n{"0":["variables.f"]}\r\n--b\r\nContent-Disposition: form-data; name="0"; filename="a.csv"\r\n\r\n' + bars.encode() + b"\r\n--b--\r\n"
        self.request("POST", "/graphql", body, {"content-type": "multipart/form-data; boundary=b", "x-requested-with": "fuzz", "authorization": f"Bearer {TOKEN}"})
        schema = Schema(json.loads(self.graphql(INTROSPECTION)[2]))
        threads = [threading.Thread(target=self.worker, args=(schema, n), daemon=True) for n in range(6)]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while time.monotonic() < self.end and self.process.poll() is None:
            began = time.monotonic()
            try:
                self.request("GET", "/healthz", timeout=10)
                slowest = max(slowest, time.monotonic() - began)
                with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
                    self.memory.append(int(statm.read().split()[1]) * 4 // 1024)
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.5)
        died = self.process.poll()
        for thread in threads:
            thread.join(40)
        if died is None:
            self.process.terminate()
            self.process.wait(60)
        quarter = max(1, len(self.memory) // 4)
        early, late = sorted(self.memory[quarter : 2 * quarter])[quarter // 2 : quarter // 2 + 1], sorted(self.memory[-quarter:])[quarter // 2 : quarter // 2 + 1]
        print(f"answers and sockets: {dict(sorted(self.counts.items(), key=str))}")
        print(f"memory: second quarter {early} MiB, last {late} MiB, peak {max(self.memory, default=0)} MiB; /healthz at most {slowest * 1000:.0f} ms")
        if early and late and late[0] > early[0] * 1.5 + 50:
            self.faults.append(f"the memory grew from {early[0]} to {late[0]} MiB")
        if died is not None:
            self.faults.append(f"the process ended with {died}")
        with open(f"{self.folder.name}/log", encoding="utf-8", errors="replace") as log:
            self.faults.extend(f"log: {line.strip()[:400]}" for line in log if "panicked" in line or "overflow" in line)
        for fault in self.faults[:40]:
            print("FAULT", fault)
        print(f"{len(self.faults)} faults in {self.seconds} s, seed {self.seed}")
        return 1 if self.faults else 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--database")
    given = parser.parse_args()
    sys.exit(Run(os.path.abspath(given.binary), given.database, given.minutes * 60, given.seed).run())
