"""What schemathesis needs to know of this schema, and what it holds every answer against."""

import os
import string
from pathlib import Path

import schemathesis
from graphql import build_schema, execute_sync, parse, validate
from graphql.language import ast
from hypothesis import strategies as st

SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())
# A fault of the service, or a queue that one client at a time can't fill.
NEVER = {"INTERNAL", "TIMEOUT", "OVERLOADED", "STORAGE_FULL"}


def text(strategy):
    return strategy.map(lambda value: ast.StringValueNode(value=value))


dates = st.dates().map(str) | st.text(string.digits + "-", max_size=12)
moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=12)
decimals = st.decimals(allow_nan=False).map(str) | st.text(max_size=12)
schemathesis.graphql.scalar("Date", text(dates))
schemathesis.graphql.scalar("DateTime", text(moments))
schemathesis.graphql.scalar("Decimal", text(decimals))
schemathesis.graphql.scalar("BigInt", st.integers().map(lambda number: ast.IntValueNode(value=str(number))))
schemathesis.graphql.scalar("Upload", text(st.sampled_from(["#__graphql_file__:0", "x"]) | st.text(max_size=9)))


def by_key(parent, info, **_):
    """An answer has its fields under their names in it."""
    return parent[info.path.key]


def type_of(value, _info, _type):
    return value.get("__typename")


def same_order(answer, wanted):
    if isinstance(answer, dict) and isinstance(wanted, dict):
        return list(answer) == list(wanted) and all(same_order(answer[key], wanted[key]) for key in answer)
    if isinstance(answer, list) and isinstance(wanted, list):
        return len(answer) == len(wanted) and all(map(same_order, answer, wanted))
    return answer == wanted


def fault(query, status, body):
    """What is wrong with an answer, or None."""
    if status >= 500:
        return f"status {status}"
    if not isinstance(body, dict) or not ("data" in body or body.get("errors")):
        return "neither data nor errors"
    for error in body.get("errors", []):
        code = error.get("extensions", {}).get("code")
        if not code or not error.get("message"):
            return f"an error without a code or a message: {error}"
        if code in NEVER:
            return f"{code}: {error['message']}"
        if any(place["line"] < 1 for place in error.get("locations", [])):
            return f"a place that isn't in the text: {error}"
    document = parse(query)
    valid = not validate(SCHEMA, document)
    if "data" not in body:
        codes = {error["extensions"]["code"] for error in body["errors"]}
        if valid and codes & {"GRAPHQL_PARSE_FAILED"}:
            return f"a valid operation was refused: {body['errors']}"
        return None
    if not valid:
        return "an invalid operation was run"
    if body["data"] is None:
        return None
    # Running the operation on its own answer finds keys that lack, nulls where none may be, and values of other types.
    again = execute_sync(SCHEMA, document, body["data"], field_resolver=by_key, type_resolver=type_of)
    if any("must resolve to an Object type" in error.message for error in again.errors or []):
        return None  # `__typename` wasn't asked for.
    if again.errors:
        return f"the answer isn't what the schema says: {again.errors[:3]}"
    if not same_order(body["data"], again.data):
        return "the fields aren't in the operation's order"
    return None


@schemathesis.check
def sound(_context, response, case):
    query = case.body["query"] if isinstance(case.body, dict) else case.body
    try:
        body = response.json()
    except ValueError:
        body = None
    wrong = fault(query, response.status_code, body)
    with open(os.environ["ANSWERS"], "a") as answers:
        print("wrong" if wrong else "sound", file=answers)
    if wrong:
        raise AssertionError(f"{wrong}\n{query}")
