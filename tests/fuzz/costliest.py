#!/usr/bin/env python3
"""Looks for the costliest queries that the limits let through, by walking the schema.

    python3 tests/fuzz/costliest.py http://127.0.0.1:8080 [--token TOKEN] [--pid PID] [--only REGEX] [--again 50]

For every object that a query can reach it asks for all plain fields, for each list or calculation alone, and for nothing
but the object itself, in the longest pages, in short ones and one by one, under as many other names as the service
lets through, each with arguments of its own so that none is answered from another. It runs against a service with data
worth the trouble, and tells what took over a second, or, of a process of this machine (`--pid`), brought it beyond 500
MiB. `--again 50` sends the worst ones by so many clients at once, and tells how long an ordinary query and `/healthz`
waited. It ends with an error if anything was over its bound. Needs nothing but Python 3.9.
"""

import argparse
import datetime
import http.client
import json
import multiprocessing
import re
import sys
import threading
import time
from urllib.parse import urlsplit

INTROSPECTION = """{ __schema { types { name kind enumValues { name } possibleTypes { name }
  fields { name args { name defaultValue type { ...t } } type { ...t } } inputFields { name type { ...t } } } } }
fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""
MOST_NAMES = 295
DEEPEST = 3
PAGES = (500, 40)
ORDINARY = "{ symbols(first: 10) { nodes { ticker latestBar { close } } } }"
# Seconds, MiB.
SLOWEST, LARGEST, LONGEST_HEALTH, LONGEST_ORDINARY = 1.0, 500, 0.1, 0.5


class Service:
    def __init__(self, url, token, pid):
        self.address, self.token, self.pid = urlsplit(url), token, pid

    def request(self, method, path, body=None, timeout=60):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=timeout)
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def graphql(self, query, timeout=60):
        return self.request("POST", "/graphql", json.dumps({"query": query}).encode(), timeout)

    def data(self, query):
        return json.loads(self.graphql(query)[1])["data"]

    def memory(self):
        if not self.pid:
            return 0
        try:
            with open(f"/proc/{self.pid}/statm") as statm:
                return int(statm.read().split()[1]) * 4 // 1024
        except (OSError, IndexError):
            return 0


def core(kind):
    while kind.get("ofType"):
        kind = kind["ofType"]
    return kind["name"]


def is_list(kind):
    return kind["kind"] == "LIST" or bool(kind.get("ofType")) and is_list(kind["ofType"])


class Builder:
    """Queries of one schema and one service's data."""

    def __init__(self, service):
        self.types = {t["name"]: t for t in service.data(INTROSPECTION)["__schema"]["types"]}
        self.ids, self.tickers, self.serial = {}, [], 0
        for field in self.fields("Query"):
            kind = core(field["type"])
            if kind.endswith("Connection") and self.is_node(kind.removesuffix("Connection")):
                needed = "(exchange:NSE)" if any(a["name"] == "exchange" for a in field["args"]) else ""
                rows = service.data(f"{{ {field['name']}{needed} {{ nodes {{ id }} }} }}")
                self.ids[kind.removesuffix("Connection")] = [row["id"] for row in rows[field["name"]]["nodes"]]
        self.ids["Model"] = [row["id"] for row in service.data("{ models { id } }")["models"]]
        self.tickers = [row["ticker"] for row in service.data("{ symbols(filter: {hasPrices: true}) { nodes { ticker } } }")["symbols"]["nodes"]]

    def fields(self, name):
        return self.types[name].get("fields") or []

    def is_node(self, name):
        return name in self.types and any(f["name"] == "id" for f in self.fields(name))

    def is_composite(self, field):
        return self.types.get(core(field["type"]), {}).get("kind") in ("OBJECT", "INTERFACE", "UNION")

    def arguments(self, field, page, owner):
        """Arguments that make a field do much, another time than the last time."""
        self.serial += 1
        n, given = self.serial, []
        for argument in field["args"]:
            name, needed = argument["name"], argument["type"]["kind"] == "NON_NULL" and argument["defaultValue"] is None
            kind = core(argument["type"])
            value = None
            if name == "first":
                value = str(page)
            elif name == "ids":
                kinds = ["Backtest"] if field["name"] == "compareBacktests" else [k for k in self.ids if self.ids[k]]
                ids = self.ids.get(kinds[n % len(kinds)], [])
                count = 8 if field["name"] == "compareBacktests" else page
                value = json.dumps([ids[(n + i) % len(ids)] for i in range(min(count, len(ids)))]) if ids else None
            elif name == "id":
                ids = self.ids.get(core(field["type"])) or sum(self.ids.values(), [])
                value = json.dumps(ids[n % len(ids)]) if ids else None
            elif name == "ticker" and needed:
                value = json.dumps(self.tickers[n % len(self.tickers)]) if self.tickers else None
            elif name == "from" and kind == "Date":
                value = json.dumps(str(datetime.date(1995, 1, 1) + datetime.timedelta(n % 4000)))
            elif kind == "OperandInput":
                window = 20 + n % 3000
                value = ("{bollingerUpper:{window:%d}}", "{macdSignal:{slow:%d}}", "{atr:%d}", "{rsi:%d}", "{highest:%d}")[n % 5] % window
            elif kind == "IpoBy":
                value = "{id:%s}" % json.dumps(self.ids["Ipo"][n % len(self.ids["Ipo"])]) if self.ids.get("Ipo") else None
            elif name == "filter" and any(f["name"] == "search" for f in self.types[kind]["inputFields"]) and n % 2:
                value = '{search:"%s"}' % "aeiou"[n % 5]
            elif name == "interval":
                value = ("WEEK", "DAY", "MONTH")[n % 3]
            elif name == "adjustment":
                value = ("TOTAL_RETURN", "SPLITS", "NONE")[n % 3]
            elif self.types.get(kind, {}).get("kind") == "ENUM" and needed:
                values = [v["name"] for v in self.types[kind]["enumValues"]]
                value = "NSE" if "NSE" in values else values[n % len(values)]
            if value is None and needed:
                return None
            if value is not None:
                given.append(f"{name}:{value}")
        return f"({','.join(given)})" if given else ""

    def plain(self, name):
        """All fields without arguments that hold values."""
        return " ".join(f["name"] for f in self.fields(name) if not self.is_composite(f) and not f["args"]) or "__typename"

    def tails(self, name, page):
        """What can be asked for of an object: its plain fields, and each thing alone that may be work."""
        yield "all values", lambda: "{" + self.plain(name) + "}"
        for field in self.fields(name):
            def one(field=field, inner=None):
                given = self.arguments(field, page, name)
                return None if given is None else f"{field['name']}{given}{inner or ''}"
            if not self.is_composite(field):
                if field["args"] or is_list(field["type"]):
                    yield field["name"], one
                continue
            inner = core(field["type"])
            yield f"{field['name']} alone", lambda one=one: one(inner="{__typename}")
            members = [m["name"] for m in self.types[inner].get("possibleTypes") or []]
            if members:
                for member in members:
                    for label, tail in self.tails_of_member(member, page):
                        yield f"{field['name']} {member} {label}", lambda one=one, member=member, tail=tail: self.closed(one, "{...on " + member, tail)
            elif inner.endswith("Connection"):
                node = core(next(f for f in self.fields(inner) if f["name"] == "nodes")["type"])
                yield f"{field['name']} totalCount", lambda one=one: one(inner="{totalCount}")
                yield f"{field['name']} rows", lambda one=one, node=node: one(inner="{nodes{" + self.plain(node) + "}}")
                yield f"{field['name']} edges", lambda one=one, node=node: one(inner="{edges{cursor node{" + self.plain(node) + "}}}")
            else:
                yield f"{field['name']} values", lambda one=one, inner=inner: one(inner="{" + self.plain(inner) + "}")

    def tails_of_member(self, member, page):
        for field in self.fields(member):
            if self.is_composite(field) or field["args"]:
                inner = "{" + self.plain(core(field["type"])) + "}" if self.is_composite(field) else ""
                if core(field["type"]).endswith("Connection"):
                    inner = "{totalCount}"
                yield field["name"], lambda field=field, inner=inner: (lambda given: None if given is None else field["name"] + given + inner)(self.arguments(field, page, member))

    def closed(self, one, opening, tail):
        text = tail()
        return None if text is None else one(inner=opening + "{" + text + "}}")

    def paths(self, name="Query", depth=0, seen=()):
        """Ways to an object: pairs of a field and whether it pages."""
        yield ()
        if depth == DEEPEST:
            return
        for field in self.fields(name):
            inner = core(field["type"])
            if not self.is_composite(field) or inner in seen or inner == "Node" or name == "Query" and field["name"] in ("node", "nodes"):
                continue
            if inner.endswith("Connection"):
                inner = core(next(f for f in self.fields(inner) if f["name"] == "nodes")["type"])
            if inner in seen:
                continue
            for rest in self.paths(inner, depth + 1, (*seen, name, inner)):
                yield ((field, inner), *rest)

    def query(self, path, tail, names, page):
        """The tail so many times under other names, at the end of a path."""
        parts = []
        for i in range(names):
            text = tail()
            if text is None:
                return None
            parts.append(text if text.startswith("{") else f"a{i}:{text}")
        text = "{" + " ".join(parts) + "}"
        if parts[0].startswith("{"):
            if not path:
                return None
            # All values: the object itself under other names.
            (field, _), path = path[-1], path[:-1]
            given = [self.arguments(field, page, "") for _ in range(names)]
            if None in given:
                return None
            nodes = core(field["type"]).endswith("Connection")
            text = "{" + " ".join(f"a{i}:{field['name']}{g}" + (f"{{nodes{parts[0]}}}" if nodes else parts[0]) for i, g in enumerate(given)) + "}"
        for field, _ in reversed(path):
            given = self.arguments(field, page, "")
            if given is None:
                return None
            text = f"{{{field['name']}{given}" + (f"{{nodes{text}}}" if core(field["type"]).endswith("Connection") else text) + "}"
        return text


def widest(service, build):
    """The query with the most names that is let through, and how it went."""
    names = MOST_NAMES
    for _ in range(12):
        query = build(names)
        if query is None:
            return None
        began = time.monotonic()
        try:
            status, body = service.graphql(query)
        except (OSError, http.client.HTTPException) as error:
            return time.monotonic() - began, 0, names, 0, type(error).__name__, query
        took = time.monotonic() - began
        error = re.match(rb'\{"errors":\[\{"message":"([^"]*)', body) if body.startswith(b'{"errors') else None
        tail = body[-4000:]
        code = re.search(rb'"code":"(\w+)"', tail if b'"errors"' in tail else body[:4000] if error else b"")
        code = code.group(1).decode() if code else "data"
        if code not in ("QUERY_TOO_COMPLEX",) or names == 1:
            return took, len(body), names, status, code, query
        cost = re.search(rb"may cost (\d+) units", body)
        fewer = int(names * 60_000 / int(cost.group(1))) if cost else names * 2 // 3
        if cost and fewer == 0:
            # A shorter page is tried by itself.
            return None
        names = max(1, min(names - 1, fewer))
    return None


def beside(service, waits, ordinary):
    """An ordinary query and `/healthz` for as long as it runs, from a process of its own."""
    while True:
        for i, ask in enumerate((lambda: service.request("GET", "/healthz"), lambda: service.graphql(ORDINARY))):
            if i and not ordinary.value:
                continue
            began = time.monotonic()
            try:
                status, body = ask()
                ok = status == 200 and b'"errors"' not in body
            except OSError:
                ok = False
            waits[i] = max(waits[i], time.monotonic() - began)
            waits[2] += 0 if ok else 1
        waits[3] = max(waits[3], service.memory())
        time.sleep(0.01)


def main(given):
    service = Service(given.url, given.token, given.pid)
    builder = Builder(service)
    waits, ordinary = multiprocessing.Array("d", 4), multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=beside, args=(service, waits, ordinary), daemon=True)
    process.start()
    found, over, asked = [], [], 0
    for path in builder.paths():
        where = path[-1][1] if path else "Query"
        for page in PAGES if any(core(f["type"]).endswith("Connection") for f, _ in path) or not path else (500,):
            for label, tail in builder.tails(where, page):
                name = " > ".join(["Query", *(f["name"] for f, _ in path)]) + f": {label}, pages of {page}"
                if given.only and not re.search(given.only, name) or given.without and re.search(given.without, name):
                    continue
                for i in range(4):
                    waits[i] = 0
                went = widest(service, lambda names: builder.query(path, tail, names, page))
                if went is None:
                    continue
                asked += 1
                took, size, names, status, code, query = went
                time.sleep(0.02)
                line = f"{took * 1000:6.0f} ms {size / 1e6:6.2f} MB {waits[3]:4.0f} MiB healthz {waits[0] * 1000:4.0f} ms {names:3} names {status} {code:20} {name}"
                is_over = took > SLOWEST or waits[3] > LARGEST or waits[0] > LONGEST_HEALTH or code in ("INTERNAL", "TIMEOUT") or status not in (200, 400, 503)
                if is_over:
                    over.append(line)
                if status == 0:
                    print("NO ANSWER", query[:2000], flush=True)
                if is_over or given.all:
                    print(line, flush=True)
                found.append((took, line, query))
    found.sort(key=lambda f: f[0], reverse=True)
    print(f"{asked} queries; the slowest:")
    for _, line, query in found[:given.top]:
        print(line)
        if given.queries:
            print("   ", query[:600])
    for _, line, query in found[:given.worst] if given.again else []:
        for i in range(4):
            waits[i] = 0
        ordinary.value = 1
        codes, began = {}, time.monotonic()

        def client():
            try:
                status, body = service.graphql(query, 120)
                code = re.search(rb'"code":"(\w+)"', body[-4000:] if not body.startswith(b'{"errors') else body[:4000])
                code = f"{status} {code.group(1).decode() if code else 'data'}"
            except OSError as error:
                code = type(error).__name__
            codes[code] = codes.get(code, 0) + 1

        threads = [threading.Thread(target=client) for _ in range(given.again)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        text = (f"{given.again} clients, {time.monotonic() - began:.1f} s {codes}: healthz {waits[0] * 1000:.0f} ms, ordinary "
                f"{waits[1] * 1000:.0f} ms, {waits[2]:.0f} failed, {waits[3]:.0f} MiB: {line[62:]}")
        print(text, flush=True)
        if waits[0] > LONGEST_HEALTH or waits[1] > LONGEST_ORDINARY or waits[2] or waits[3] > LARGEST:
            over.append(text)
    process.kill()
    print(f"{len(over)} over their bounds")
    for line in over:
        print("OVER", line)
    return 1 if over else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--token")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--only")
    parser.add_argument("--without")
    parser.add_argument("--again", type=int, default=0)
    parser.add_argument("--worst", type=int, default=5)
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--queries", action="store_true")
    parser.add_argument("--all", action="store_true")
    sys.exit(main(parser.parse_args()))
