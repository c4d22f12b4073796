"""What the pages of leaders cost where a province of 60,000 people has 5,000 units and 12 briefings.

    python -m benchmarks.province [sqlite] [postgresql] [--people 60000] [--units 5000] [--briefings 12] [--pages 60]
                                  [--tenfold] [--register] [--workbook ROWS] [--verify STATEMENTS] [--out FILE]

Makes its own databases under the folder for temporary files, with standings and tallies as the product's own
projections compute them from progress and the roll. For each page: the 95th percentile of the time this process
computes (PostgreSQL computes elsewhere: then also the time that passes), and how many statements it sends. The limits:
50 ms and 8 statements for the dashboard of a unit, 80 ms for that of the province; a second and 13 statements for a
page of charts, and a second for figures of a staff category or of a day that is over, which cost people. With
`--tenfold` the same is built with a tenth of the people first, and the table says how the medians compare: the cost of
a dashboard follows from units, not people. `--people 600000` is the largest that is asked for.

`--register`, `--workbook 600000` and `--verify 1000000` add what is large (`benchmarks.large`): the register of the
province as CSV (first byte 200 ms, 2 s for 50,000 people), a workbook as the worker makes it (300 MB), and `lms verify`
over so many statements (60 s, no difference). Seconds are those of the processor where others work on the machine.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import wsgi
from benchmarks import large
from benchmarks.people import SINCE, Measured, fill, measured, seen, signed_in
from courses.briefings.projector import settle_briefing
from courses.catalog.models import Course
from courses.catalog.queries import newest_versions
from courses.enrolment.actions import RollChanged, give
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import decoded
from lms import clock
from lms.accounts.actions import create_person, grant_role
from lms.accounts.models import Person, SignInAccount
from lms.accounts.session import begin_session
from lms.app import create_app
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from lms.doors import doors_of
from lms.organisation.models import Unit
from tests.postgres import cluster

UNIT_LIMIT, PROVINCE_LIMIT = 50.0, 80.0
CHARTS_LIMIT = 1_000.0
FILTERED_LIMIT = 1_000.0
DICE = 48


def study(session: Session, course_id: int, people: Sequence[int]) -> None:
    """Progress of everybody in the course: a third completed it, a third are under way, a third have not begun."""
    dice = random.Random(DICE)
    version = decoded(session.scalars(newest_versions().where(Course.id == course_id)).one())
    lessons, tests = version.outline.lessons(), version.outline.required_tests()
    now = clock.now()
    begun: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []
    for person_id in people:
        far = dice.choice((0, 1, 2))
        if not far:
            continue
        begun.append(
            {"person_id": person_id, "course_id": course_id, "course_version_id": version.id, "started_at": now}
        )
        read = lessons if far == 2 else lessons[: dice.randrange(1, len(lessons))]
        row = {"person_id": person_id, "course_id": course_id}
        done += [{**row, "activity_id": one.activity_id, "completed_at": now, "attempts": 0} for one in read]
        if far == 2:
            score = dice.choice((0.7, 0.8, 0.9, 1.0))
            passed = {"attempts": 1, "passed_at": now, "first_at": now, "last_at": now}
            scores = {"first_score": score, "last_score": score, "best_score": score}
            done += [{**row, "activity_id": one.activity_id, **passed, **scores} for one in tests]
    session.execute(insert(CourseProgress), begun)
    for kind in ("completed_at", "passed_at"):
        rows = [one for one in done if kind in one]
        for start in range(0, len(rows), 50_000):
            session.execute(insert(ActivityProgress), rows[start : start + 50_000])


def brief(database: Database, briefings: int) -> list[str]:
    """So many briefings, each given to the whole province and once more, with an earlier date, to some agencies."""
    codes = []
    with database.writing() as session:
        for step in doors_of(session).first_steps:
            list(step(session))
    with database.writing() as session:
        course = session.scalars(select(Course).order_by(Course.id)).first()
        if course is None:
            raise SystemExit("no course was found in the library")
        study(session, course.id, session.scalars(select(Person.id).order_by(Person.id)).all())
        root = session.scalars(select(Unit).where(Unit.code == "u1")).one()
        some = session.scalars(select(Unit).where(Unit.code.in_([f"u{n}" for n in range(2, 12)]))).all()
        doors_of(session).listeners.pop(RollChanged)  # standings are settled once, at the end
        for number in range(1, briefings + 1):
            briefing = Briefing(
                code=f"dot-{number}",
                course_id=course.id,
                plain=False,
                title=f"Đợt học tập, quán triệt {number}",
                opened_at=clock.now() - timedelta(days=60 - number),
            )
            session.add(briefing)
            session.flush()
            given = [give(session, briefing, root, due_at=clock.now() + timedelta(days=20 - 4 * number))]
            for unit in some:
                given.append(give(session, briefing, unit, due_at=clock.now() + timedelta(days=10 - 4 * number)))
            for one in given:
                one.assigned_at = clock.now() - timedelta(days=30)
            codes.append(briefing.code)
    with database.reading() as session:
        ids = session.scalars(select(Briefing.id).where(~Briefing.plain).order_by(Briefing.id)).all()
    for briefing_id in ids:
        with database.writing() as session:
            settle_briefing(session, briefing_id)
    if database.on_postgresql:  # as a server does by itself
        with database.write_engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    return codes


def pages(app: Flask, database: Database, codes: Sequence[str], times: int) -> list[Measured]:
    """The dashboards that are measured, as the province's leader and as the head of one agency see them."""
    dice = random.Random(3)
    with database.writing() as session:
        root, agency = (session.scalars(select(Unit).where(Unit.code == code)).one() for code in ("u1", "u2"))
        keys = []
        for username, unit in (("lanhdao", root), ("thutruong", agency)):
            person = create_person(session, full_name="Người Xem", username=username, unit=None, since=SINCE)
            grant_role(session, person, "head", unit=unit, since=SINCE)
            keys.append(begin_session(session, person.id, browser="benchmark", proof="second factor"))
        agencies = session.scalars(
            select(Unit.public_id).where(Unit.code.in_([f"u{n}" for n in range(2, 152)])).order_by(Unit.id)
        ).all()
        units = session.scalars(select(Unit.public_id).where(Unit.code != "u1").order_by(Unit.id)).all()
        some = dice.sample(list(units), min(len(units), times))
        top, own = root.public_id, agency.public_id
    leader, head = (signed_in(app, key) for key in keys)

    def board(unit: object, number: int, kind: str = "") -> str:
        return f"/dashboard/units/{unit}{kind}?briefing={codes[number % len(codes)]}"

    filters = {"one category": "category=cong_chuc", "a day over": f"until={clock.today() - timedelta(days=1)}"}

    def of_some(page: str, unit: object, words: str) -> Measured:
        return measured(
            app, page, FILTERED_LIMIT, max(5, times // 6), lambda n: seen(leader, f"{board(unit, n)}&{words}")
        )

    filtered = [
        of_some(f"{place}, {name}", unit, words)
        for name, words in filters.items()
        for place, unit in (("agency", own), ("province", top))
    ]
    return [
        *filtered,
        measured(app, "unit, any", UNIT_LIMIT, times, lambda n: seen(leader, board(some[n % len(some)], n))),
        measured(app, "unit, agency", UNIT_LIMIT, times, lambda n: seen(leader, board(agencies[n % len(agencies)], n))),
        measured(app, "unit, own head", UNIT_LIMIT, times, lambda n: seen(head, board(own, n))),
        measured(app, "province", PROVINCE_LIMIT, times, lambda n: seen(leader, board(top, n))),
        measured(app, "province, all rows", PROVINCE_LIMIT, times, lambda n: seen(leader, f"{board(top, n)}&rows=all")),
        measured(app, "province as JSON", PROVINCE_LIMIT, times, lambda n: seen(leader, board(top, n, ".json"))),
        measured(app, "charts, own head", CHARTS_LIMIT, times, lambda n: seen(head, board(own, n, "/charts")), most=13),
        measured(
            app, "charts, province", CHARTS_LIMIT, times, lambda n: seen(leader, board(top, n, "/charts")), most=13
        ),
        measured(
            app, "names missing, agency", UNIT_LIMIT, times, lambda n: seen(head, f"/dashboard/units/{own}/missing")
        ),
    ]


def measure(backend: str, people: int, options: argparse.Namespace, folder: Path) -> list[Measured]:
    """One province, built and asked."""
    url = f"sqlite:///{folder}/lms.sqlite" if backend == "sqlite" else cluster().create_database(f"province_{people}")
    config = Config(url, "benchmark " * 5, "http://localhost", "https://quan-triet.example", folder, local=True)
    app = create_app(config, wsgi.PACKAGES)
    database: Database = app.extensions["database"]
    migrate(database)
    fill(database, people=people, units=options.units)
    codes = brief(database, options.briefings)
    print(f"{backend}: {people:,} people, {options.units:,} units, {len(codes)} briefings", flush=True)
    wsgi.begin_to_serve()  # as the process does that answers
    rows = pages(app, database, codes, options.pages)
    if options.register or options.workbook or options.verify:
        if options.verify:
            large.state(database, options.verify)
        with database.writing() as session:
            root = session.scalars(select(Unit).where(Unit.code == "u1")).one().public_id
            leader = session.scalars(select(SignInAccount).where(SignInAccount.username == "lanhdao")).one()
            key = begin_session(session, leader.person_id, browser="benchmark", proof="second factor")
        large.measured(config, key, options, codes[-1], root)
    database.dispose()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=["sqlite"])
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--units", type=int, default=5_000)
    parser.add_argument("--briefings", type=int, default=12)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--register", action="store_true", help="take the register of the province as CSV too")
    parser.add_argument("--workbook", type=int, default=0, metavar="ROWS", help="make a workbook of so many rows too")
    parser.add_argument("--verify", type=int, default=0, metavar="STATEMENTS", help="verify so many statements too")
    parser.add_argument("--tenfold", action="store_true", help="build it with a tenth of the people too, and compare")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    told: dict[str, list[dict[str, Any]]] = {}
    for backend in options.backends:
        before: dict[str, float] = {}
        for people in (options.people // 10, options.people) if options.tenfold else (options.people,):
            with tempfile.TemporaryDirectory() as folder:
                rows = measure(backend, people, options, Path(folder))
            print(f"  {'page':<28}{'p95 CPU':>10}{'median':>10}{'p95 clock':>11}{'SQL':>6}{'of a tenth':>12}")
            for one in rows:
                share = f"{one.middle / before[one.page]:>11.0%}" if one.page in before else ""
                mark = "" if one.kept else "   over"
                print(
                    f"  {one.page:<28}{one.cpu:>7.1f} ms{one.middle:>7.1f} ms{one.clock:>8.1f} ms{one.statements:>6}"
                    f"{share:>12}{mark}"
                )
            before = {one.page: one.middle for one in rows}
            told[f"{backend} {people}"] = [asdict(one) for one in rows]
    if options.out:
        options.out.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
