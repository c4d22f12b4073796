"""Which tests run on SQLite alone, because on PostgreSQL they send nothing that others do not send there.

A test that asks for `backend` runs on both databases unless `on_sqlite.txt` names it. The file is written by a run that
listens (tests/heard.py): each composed statement, each text of the record store and each error of the database is still
met on PostgreSQL, by two tests or by all there are. With LMS_TEST_BOTH=1 every test runs on both (decision 0041).
"""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

LIST = Path(__file__).with_suffix(".txt")
MET_BY = 2
"""By so many tests what is sent to PostgreSQL is still sent there, or by all there are."""
NAMED = frozenset(LIST.read_text("utf-8").split("\n")) if os.environ.get("LMS_TEST_BOTH") != "1" else frozenset()


class Told(NamedTuple):
    """What a test cost, in seconds of the processor, what it sent, and whether its database is chosen here."""

    seconds: float
    keys: Sequence[str]
    free: bool


def name_of(node: str) -> str:
    """The function of a test, without its parameters."""
    return node.partition("[")[0]


def is_free(item: pytest.Item) -> bool:
    """Whether the database is chosen here: the test asks for one, and does not say itself which."""
    said = (mark.args[0] for mark in item.iter_markers("parametrize"))
    names = {name.strip() for one in said for name in (one.split(",") if isinstance(one, str) else one)}
    call = getattr(item, "callspec", None)
    return call is not None and "backend" in call.params and "backend" not in names


def needed(item: pytest.Item) -> bool:
    """Whether the test is run: it is not when it is one of a named test on PostgreSQL."""
    return name_of(item.nodeid) not in NAMED or not is_free(item) or "postgresql" not in item.nodeid.partition("[")[2]


def write_list(told: Mapping[str, Told]) -> str:
    """Chooses the dearest first, each only if others enough send what it sends, and writes them; what was written."""
    on_postgresql = {test: one for test, one in told.items() if "postgresql" in test.partition("[")[2]}
    met = Counter(key for one in on_postgresql.values() for key in one.keys)
    wanted = {key: min(number, MET_BY) for key, number in met.items()}
    tests: dict[str, list[Told]] = defaultdict(list)
    for test, one in on_postgresql.items():
        if one.free:
            tests[name_of(test)].append(one)
    cost = {name: sum(one.seconds for one in them) for name, them in tests.items()}
    named: list[str] = []
    for name in sorted(tests, key=lambda name: -cost[name]):
        own = Counter(key for one in tests[name] for key in one.keys)
        if all(met[key] - number >= wanted[key] for key, number in own.items()):
            met -= own
            named.append(name)
    LIST.write_text("".join(f"{name}\n" for name in sorted(named)), "utf-8")
    saved, whole = sum(cost[name] for name in named), sum(cost.values())
    return f"{len(named)} of {len(tests)} tests are named in {LIST.name}: {saved:.0f} of {whole:.0f} s on PostgreSQL"
