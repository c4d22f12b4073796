"""What pages of people and units cost where there are 140,000 people and 5,000 units.

    python -m benchmarks.people [sqlite] [postgresql] [--people 140000] [--units 5000] [--pages 60] [--out FILE]

Makes its own databases under the folder for temporary files, beside the product's own. For each page: the 95th
percentile of the time this process computes (PostgreSQL computes elsewhere: then also the time that passes), and how
many statements it sends. The limits: 60 ms and 8 statements for the page of a unit and for the list of people, 30 ms
while one types.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import wsgi
from benchmarks.roster import name
from benchmarks.store import server, settle
from lms import text
from lms.accounts.actions import create_person, grant_role
from lms.accounts.models import Person
from lms.accounts.session import begin_session
from lms.accounts.storage import Newcomer, add_people
from lms.app import create_app
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from lms.organisation.models import Unit, UnitClosure, UnitCode, UnitEdge, UnitName, UnitRoot
from lms.outbox.actions import settle_day
from tests.browser import ORIGIN, Browser
from tests.counting import count_queries

SINCE = date(2020, 1, 1)
PAGE_LIMIT, TYPING_LIMIT, SQL_LIMIT = 60.0, 30.0, 8


@dataclass(frozen=True)
class Place:
    """A unit of the made-up province: its number, that of the one above (None: at the top), and its level."""

    number: int
    above: int | None
    name: str
    kind: str


def province(units: int) -> list[Place]:
    """A province with as many units: some 160 agencies and communes below it, offices below each, groups below some."""
    agencies = max(1, min(160, units // 6))
    places = [Place(1, None, "Tỉnh (mẫu)", "province")]
    for number in range(2, units + 1):
        if number <= agencies + 1:
            kind = "commune" if number % 4 else "department"
            places.append(Place(number, 1, f"{'Xã' if number % 4 else 'Sở'} số {number}", kind))
            continue
        above = 2 + (number * 7919) % min(number - 2, agencies * 6)
        places.append(Place(number, above, f"Phòng Tổng hợp {number}", "office"))
    return places


def write_units(session: Session, places: Sequence[Place]) -> None:
    """All units, with closure, as rows: operation after operation would take an hour."""
    names = [
        {"code": f"u{one.number}", "kind": one.kind, "name": one.name, "short_name": one.name, "valid_from": SINCE}
        for one in places
    ]
    keyed: list[dict[str, Any]] = [{**row, "sort_key": text.sort_key(str(row["name"]))} for row in names]
    session.execute(insert(Unit), keyed)
    ids = dict(session.execute(select(Unit.code, Unit.id)).all())
    own = {one.number: ids[f"u{one.number}"] for one in places}
    session.execute(insert(UnitName), [{**row, "unit_id": ids[row["code"]]} for row in keyed])
    session.execute(insert(UnitCode), [{"code": row["code"], "unit_id": ids[row["code"]]} for row in keyed])
    session.execute(insert(UnitRoot), [{"tree": "state", "unit_id": own[1], "valid_from": SINCE}])
    edges = [
        {"tree": "state", "parent_id": own[one.above], "child_id": own[one.number], "valid_from": SINCE}
        for one in places
        if one.above is not None
    ]
    session.execute(insert(UnitEdge), edges)
    above = {one.number: one.above for one in places}
    closure = []
    for one in places:
        climber, depth = one.number, 0
        while climber is not None:
            row = {"tree": "state", "ancestor_id": own[climber], "descendant_id": own[one.number], "depth": depth}
            closure.append({**row, "valid_from": SINCE})
            climber, depth = above[climber], depth + 1  # type: ignore[assignment]  # None ends the loop
    session.execute(insert(UnitClosure), closure)


def fill(database: Database, *, people: int, units: int) -> None:
    """The province with its people, two in three of them in offices and groups."""
    dice = random.Random(7)
    with database.writing() as session:
        write_units(session, province(units))
        ids = session.scalars(select(Unit.id).order_by(Unit.id)).all()
        for start in range(0, people, 20_000):
            some = range(start, min(people, start + 20_000))
            crowd = [Newcomer(name(dice), f"p{number}", dice.choice(ids), position="Chuyên viên") for number in some]
            add_people(session, crowd, since=SINCE + timedelta(days=30))
            session.expunge_all()
    if database.on_postgresql:
        settle(database)  # as a server does by itself
    with database.writing() as session:
        settle_day(session)


@dataclass(frozen=True)
class Measured:
    """One page: milliseconds of this process at the 95th percentile and in the middle, of the clock, and statements."""

    page: str
    limit: float
    cpu: float
    middle: float
    clock: float
    statements: int
    most: int = SQL_LIMIT

    @property
    def kept(self) -> bool:
        """Whether it is within its limits."""
        return self.cpu <= self.limit and self.statements <= self.most


def measured(
    app: Flask, page: str, limit: float, times: int, ask: Callable[[int], object], *, most: int = SQL_LIMIT
) -> Measured:
    """Ask for a page so often, after a few times that warm up. `most`: statements it may send."""
    for number in range(3):
        ask(number)
    spent, passed = [], []
    for number in range(times):
        begun, ticked = time.process_time(), time.perf_counter()
        ask(number)
        spent.append((time.process_time() - begun) * 1000)
        passed.append((time.perf_counter() - ticked) * 1000)
    with count_queries(app) as counted:
        ask(0)
    last = max(0, round(times * 0.95) - 1)
    return Measured(page, limit, sorted(spent)[last], median(spent), sorted(passed)[last], len(counted), most)


def pages(app: Flask, database: Database, times: int) -> list[Measured]:
    """The pages that are measured, as an administrator and as whoever keeps one agency sees them."""
    dice = random.Random(3)
    with database.writing() as session:
        agency = session.scalars(select(Unit).where(Unit.code == "u2")).one()
        chief = create_person(session, full_name="Quản Trị", username="quantri", unit=None, since=SINCE)
        grant_role(session, chief, "administrator", unit=None, since=SINCE)
        keeper = create_person(session, full_name="Giữ Sở", username="giuso", unit=agency, since=SINCE)
        grant_role(session, keeper, "unit_administrator", unit=agency, since=SINCE)
        units = session.scalars(select(Unit.public_id).where(Unit.code != "u1").order_by(Unit.id)).all()
        root = session.scalars(select(Unit.public_id).where(Unit.code == "u1")).one()
        some = dice.sample(list(units), min(len(units), times))
        agencies = list(units[: min(len(units), 160)])
        keys = [begin_session(session, one.id, browser="benchmark", proof="second factor") for one in (chief, keeper)]
    admin, own = (signed_in(app, key) for key in keys)
    words = ("nguyen van", "thi hoa", "ly a", "pao", "tran thi thu", "hau", "giang seo")
    typed = ("so", "phong", "tong hop", "xa so 1", "u49", "phong tong hop 12")

    def search(browser: Browser, number: int) -> None:
        browser.get("/people")
        browser.submit("/people/search", q=words[number % len(words)])

    return [
        measured(app, "unit, any", PAGE_LIMIT, times, lambda n: seen(admin, f"/units/{some[n % len(some)]}")),
        measured(
            app, "unit, agency", PAGE_LIMIT, times, lambda n: seen(admin, f"/units/{agencies[n % len(agencies)]}")
        ),
        measured(app, "unit, the root", PAGE_LIMIT, times, lambda _n: seen(admin, f"/units/{root}")),
        measured(app, "list of units", PAGE_LIMIT, times, lambda _n: seen(admin, "/units")),
        measured(
            app, "units found", PAGE_LIMIT, times, lambda n: seen(admin, f"/units?q={('xa', 'tong hop 12')[n % 2]}")
        ),
        measured(app, "people, first pages", PAGE_LIMIT, times, lambda n: seen(admin, f"/people?page={n % 40 + 1}")),
        measured(app, "people, last page", PAGE_LIMIT, times, lambda _n: seen(admin, "/people?page=100000")),
        measured(
            app, "people of a unit", PAGE_LIMIT, times, lambda n: seen(admin, f"/people?unit={some[n % len(some)]}")
        ),
        measured(
            app,
            "people of an agency",
            PAGE_LIMIT,
            times,
            lambda n: seen(admin, f"/people?unit={agencies[n % len(agencies)]}"),
        ),
        measured(app, "people, keeper of a unit", PAGE_LIMIT, times, lambda n: seen(own, f"/people?page={n % 5 + 1}")),
        *searches(app, admin, own, times, words, typed),
    ]


def searches(
    app: Flask, admin: Browser, own: Browser, times: int, words: Sequence[str], typed: Sequence[str]
) -> list[Measured]:
    """What is asked while somebody types, and the list that a search leads to."""

    def look(number: int) -> None:
        with admin.client.session_transaction() as cookie:
            cookie["people sought"] = words[number % len(words)]
        seen(admin, "/people")

    def offer(browser: Browser) -> Callable[[int], object]:
        browser.get("/people")
        sent = {"csrf_token": dict(browser.form("/people/search").fields)["csrf_token"]}

        def ask(number: int) -> object:
            data = {**sent, "q": words[number % len(words)]}
            return browser.client.post("/people/found", data=data, headers={"Origin": ORIGIN}).get_json()["people"]

        return ask

    return [
        measured(app, "people found", PAGE_LIMIT, times, look),
        measured(app, "typing: people", TYPING_LIMIT, times, offer(admin)),
        measured(app, "typing: people, keeper", TYPING_LIMIT, times, offer(own)),
        measured(
            app, "typing: units", TYPING_LIMIT, times, lambda n: seen(admin, f"/people/units?q={typed[n % len(typed)]}")
        ),
        measured(
            app,
            "typing: units, keeper",
            TYPING_LIMIT,
            times,
            lambda n: seen(own, f"/people/units?q={typed[n % len(typed)]}"),
        ),
    ]


def seen(browser: Browser, path: str) -> None:
    """Fetch a page, which must be there."""
    answer = browser.client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code}")


def signed_in(app: Flask, key: str) -> Browser:
    """A browser with that session."""
    browser = Browser(app)
    with browser.client.session_transaction() as cookie:
        cookie["_user_id"] = key
        cookie["_fresh"] = True
    return browser


def measure(backend: str, options: argparse.Namespace, folder: Path) -> list[Measured]:
    """One database, filled and asked."""
    url = f"sqlite:///{folder}/lms.sqlite" if backend == "sqlite" else server().create_database("people")
    config = Config(url, "benchmark " * 5, "http://localhost", "https://quan-triet.example", folder, local=True)
    app = create_app(config, wsgi.PACKAGES)
    database: Database = app.extensions["database"]
    migrate(database)
    begun = time.perf_counter()
    fill(database, people=options.people, units=options.units)
    with database.reading() as session:
        number = session.query(Person).count()
    print(
        f"{backend}: {number:,} people in {options.units:,} units, filled in {time.perf_counter() - begun:.0f} s",
        flush=True,
    )
    rows = pages(app, database, options.pages)
    database.dispose()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", default=["sqlite"])
    parser.add_argument("--people", type=int, default=140_000)
    parser.add_argument("--units", type=int, default=5_000)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = {}
    for backend in options.backends:
        with tempfile.TemporaryDirectory() as folder:
            found[backend] = measure(backend, options, Path(folder))
        print(f"  {'page':<28}{'p95 CPU':>10}{'median':>10}{'p95 clock':>11}{'SQL':>6}")
        for one in found[backend]:
            mark = "" if one.kept else "   over"
            print(
                f"  {one.page:<28}{one.cpu:>7.1f} ms{one.middle:>7.1f} ms{one.clock:>8.1f} ms{one.statements:>6}{mark}"
            )
    if options.out:
        told = {backend: [vars_of(one) for one in rows] for backend, rows in found.items()}
        options.out.write_text(json.dumps(told, indent=1), encoding="utf-8")


def vars_of(one: Measured) -> dict[str, object]:
    """A row as JSON keeps it."""
    return {
        "page": one.page,
        "limit": one.limit,
        "cpu": round(one.cpu, 2),
        "median": round(one.middle, 2),
        "clock": round(one.clock, 2),
        "sql": one.statements,
    }


if __name__ == "__main__":
    main()
