"""Every action the product notes in its audit log, as it stands in the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

from lms.organisation.forms import OPERATIONS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("lms", "courses", "assessments", "analytics")

WRAPPERS = {
    "note": "",
    "note_down": "",
    "note_each": "",
    "note_seen": "",
    "noted": "",
    "seen": "",
    "note_names": "",
    "note_client": "xapi.client.",
    "note_reading": "reflection.",
    "note_target": "forwarding.",
    "note_transfer": "xapi.",
    "note_webhook": "webhook.",
    "refusal": "",
}
"""Functions that write to the log, and what they put before the name of the action they are given."""


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def given(call: ast.Call) -> Iterator[ast.expr]:
    """The argument that names the action: the second of `note(session, action)`, the first of `seen(action)`."""
    yield from call.args[:2]
    yield from (one.value for one in call.keywords if one.arg == "action")


def words(node: ast.expr) -> Iterator[str]:
    """The texts an argument may be: itself, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from words(node.body)
        yield from words(node.orelse)


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and name_of(node) in WRAPPERS:
                yield path, node


def actions_noted() -> set[str]:
    """Those named where they are noted, and those of operations, which are named after their kinds."""
    return {f"unit.{kind}" for kind in OPERATIONS} | {
        WRAPPERS[name_of(call)] + word
        for _path, call in calls()
        for node in given(call)
        for word in words(node)
        if word and " " not in word
    }


LOG = {"note", "note_each", "note_down"}


def told(call: ast.Call) -> bool:
    """Whether the name of the action stands in the call itself."""
    return bool(list(words(call.args[1])))


def handed_on() -> set[str]:
    """The functions that hand a name on to the log which they were given: each must be among the wrappers."""
    found = set()
    for path in sources():
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and name_of(node) in LOG and len(node.args) > 1 and not told(node):
                    found.add(function.name)
    return found
