"""Python's gql: requests for queries and files, websockets for subscriptions."""

import asyncio
import hashlib
import os
import subprocess
import sys
import traceback
from pathlib import Path

import requests
from gql import Client, FileVar, GraphQLRequest, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from gql.transport.websockets import WebsocketsTransport

HOST, TOKEN = os.environ["HOST_URL"], os.environ["TOKEN"]
AUTH = {"authorization": f"Bearer {TOKEN}"}
SERVER = Path(__file__).with_name("server.sh")
failed = 0


def check(what, run):
    global failed
    try:
        note = run()
        print(f"  ok      {what}" + (f": {note}" if note else ""))
    except Exception as error:
        failed += 1
        print(f"  FAILED  {what}: {type(error).__name__}: {error}")
        traceback.print_exc()


def client(headers=AUTH, **options):
    transport = RequestsHTTPTransport(f"{HOST}/graphql", headers=headers, **options)
    return Client(transport=transport, fetch_schema_from_transport=True, parse_results=True)


plain = client()

IPOS = gql("""query Ipos($first: Int!, $after: String) {
  ipos(first: $first, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {
    totalCount nodes { id name } pageInfo { hasNextPage endCursor }
  }
}""")
CREATE = gql("""mutation Create($input: CreateIpoInput!) {
  createIpo(input: $input) { ipo { id } userErrors { code message field } }
}""")
IMPORT = gql("""mutation Import($ticker: String!, $file: Upload!) {
  importPrices(input: { ticker: $ticker, file: $file }) { job { id } userErrors { code message } }
}""")


def query():
    with plain as session:
        answer = session.execute(gql("{ viewer { role } models { name isDefault } }"))
    assert answer["viewer"]["role"] == "ADMIN" and answer["models"], answer
    return f"checked against the schema of {len(plain.schema.type_map)} types"


def pages():
    seen, after = [], None
    with plain as session:
        while True:
            page = session.execute(IPOS, variable_values={"first": 10, "after": after})["ipos"]
            seen += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    assert len(seen) == len(set(seen)) == page["totalCount"], (len(seen), page["totalCount"])
    return f"{len(seen)} of {page['totalCount']}"


def mutation():
    backwards = {"name": "Backwards", "exchange": "NSE", "openDate": "2026-05-05", "closeDate": "2026-05-01"}
    with plain as session:
        payload = session.execute(CREATE, variable_values={"input": backwards})["createIpo"]
    [error] = payload["userErrors"]
    assert payload["ipo"] is None and error["code"] == "INVALID" and error["field"], payload
    return error["message"]


def wrong_token():
    wrong = RequestsHTTPTransport(f"{HOST}/graphql", headers={"authorization": "Bearer wrong"})
    try:
        Client(transport=wrong).execute(gql("{ viewer { role } }"))
    except TransportQueryError as error:
        assert error.errors[0]["extensions"]["code"] == "UNAUTHENTICATED", error.errors
        return
    raise AssertionError("a wrong token was let in")


def upload():
    rows = [f"2024-{month:02}-{day:02},10,12,9,11,100" for month in range(1, 13) for day in range(1, 29)]
    path = Path(os.environ["SERVER"], "gql.csv")
    path.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    with plain as session:
        answer = session.execute(
            IMPORT, variable_values={"ticker": "GQL", "file": FileVar(str(path))}, upload_files=True
        )["importPrices"]
    assert answer["job"], answer
    return answer["job"]["id"]


async def follow():
    """gql leaves it to its user to subscribe again once the connection is back."""
    heard = []
    connections = 0

    async def listen():
        nonlocal connections
        while True:
            # As it comes: gql offers both protocols, the elder first.
            transport = WebsocketsTransport(f"{HOST.replace('http', 'ws')}/graphql", init_payload=AUTH)
            try:
                async with Client(transport=transport) as session:
                    connections += 1
                    async for event in session.subscribe(gql("subscription { jobUpdated { id state } }")):
                        heard.append(event["jobUpdated"])
            except TransportError:
                await asyncio.sleep(0.2)

    async def told(seconds):
        identity = await asyncio.to_thread(upload)
        for _ in range(20 * seconds):
            if {"id": identity, "state": "SUCCEEDED"} in heard:
                return True
            await asyncio.sleep(0.05)
        return False

    async def hears():
        # A busy machine takes its time: each attempt waits for longer.
        for attempt in range(7):
            if await told(2**attempt):
                return
        raise AssertionError("no job's end was heard of")

    listening = asyncio.create_task(listen())
    await hears()
    before = len(heard)
    await asyncio.to_thread(subprocess.run, ["bash", SERVER, "restart"], check=True)
    await hears()
    listening.cancel()
    assert connections > 1, connections
    return f"{before} events before the restart, {len(heard) - before} after it"


def persisted():
    """gql sends the extension with the text; asking by the hash alone is left to its caller."""
    sent = GraphQLRequest("query Persisted { viewer { role } }").payload["query"]
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(sent.encode()).hexdigest()}}

    def by_hash():
        return requests.post(f"{HOST}/graphql", headers=AUTH, json={"extensions": extension}).json()

    unknown = by_hash()
    assert unknown["errors"][0]["message"] == "PersistedQueryNotFound", unknown
    with plain as session:
        told = session.execute(GraphQLRequest(sent, extensions=extension))
    assert told == by_hash()["data"] == {"viewer": {"role": "ADMIN"}}, told


check("query, checked against the fetched schema, results parsed", query)
check("all pages", pages)
check("mutation with userErrors", mutation)
check("a wrong token has a code", wrong_token)
check("upload, and a subscription that outlives a restart", lambda: asyncio.run(follow()))
check("persisted queries", persisted)
sys.exit(failed > 0)
