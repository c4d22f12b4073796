"""What is large in a province: its register as CSV and as a workbook, and `lms verify` over very many statements.

Each is done in a process of its own, of which the peak of its memory is told. Called by `benchmarks.province`.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import func, select

import wsgi
from analytics.reports import actions, papers, queries
from analytics.reports.models import ReportFilePiece
from benchmarks.people import signed_in
from benchmarks.store import at_ease, put_in
from courses.catalog.models import Course
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Briefing
from courses.learning.queries import Edition, decoded
from courses.learning.rules import registration_of
from courses.learning.statements import completed_lesson, course_activity, lesson_activity
from lms import clock
from lms.accounts.models import Person
from lms.app import create_app
from lms.cli import check_projections
from lms.config import Config
from lms.db import Database
from lms.organisation.models import Unit
from lms.xapi.actions import ourselves
from tests.browser import ORIGIN

AT_ONCE = 10_000
REGISTER_LIMITS = {"first_ms": 200.0, "seconds": 2.0}
WORKBOOK_MB, VERIFY_SECONDS = 300.0, 60.0


@dataclass(frozen=True)
class Taken:
    """How one of them went: rows, seconds of the clock and of the processor, MB of memory at its peak and before."""

    rows: int
    seconds: float
    cpu: float
    peak: float
    before: float
    first_ms: float = 0.0
    told: int = 0
    """How often progress was told, or how many differences were found."""


@dataclass(frozen=True)
class Opened:
    """What a process needs to open the product: it begins with nothing."""

    config: Config
    key: str = ""

    def app(self) -> Flask:
        return create_app(self.config, wsgi.PACKAGES)


def apart(work: Callable[..., Taken], *given: Any) -> Taken:
    """Do it in a process of its own, which has nothing in memory that this one has."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def memory(what: str) -> float:
    """MB of this process: `VmHWM` at its peak, `VmRSS` now."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def register(opened: Opened, path: str) -> Taken:
    """The register of the unit as CSV, as a browser takes it; asked for twice, the second time is told."""
    app = opened.app()
    browser = signed_in(app, opened.key)
    browser.get(path)
    fields = {**dict(browser.form("/lists").fields), "what": "register-csv", "purpose": "urge"}
    for _ in range(2):
        before, ticked, begun = memory("VmRSS"), time.perf_counter(), time.process_time()
        answer = browser.client.post(path, data=fields, headers={"Origin": ORIGIN}, buffered=False)
        pieces = answer.iter_encoded()
        rows = next(pieces).count(b"\n")
        first = (time.perf_counter() - ticked) * 1000
        rows += sum(piece.count(b"\n") for piece in pieces)
        seconds, cpu = time.perf_counter() - ticked, time.process_time() - begun
    return Taken(rows - 1, seconds, cpu, memory("VmHWM"), before, first)


def workbook(opened: Opened, briefing: str, rows: int) -> Taken:
    """A register of so many rows made by the worker's handler: that of the province, again and again."""
    database: Database = opened.app().extensions["database"]
    ready = papers.register
    times = 0

    def repeated(session: Any, of: Any, *, told: Callable[[int], None]) -> Iterator[list[str]]:
        def again() -> Iterator[list[str]]:
            for _ in cycle((None,)):
                yield from islice(ready(session, of), 1, None)

        head = islice(ready(session, of), 1)
        for number, row in enumerate(islice(again(), rows), 1):
            if number == 1:
                yield from head
            yield row
            told(number)

    papers.register = repeated  # type: ignore[assignment]
    with database.writing() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "u1")).one()
        wanted = session.scalars(select(Briefing.id).where(Briefing.code == briefing)).one()
        of = queries.subject(session, unit, wanted, now=clock.now())
        by = session.scalars(select(Person.public_id).limit(1)).one()
        if of is None:
            raise SystemExit("nobody is on the roll of the province")
        one = actions.order_file(session, of, {"what": "register"}, name="so-theo-doi.xlsx", by=by)
        file_id = one.id
    before, ticked, begun = memory("VmRSS"), time.perf_counter(), time.process_time()
    with database.writing() as session:
        actions.make_file(session, {"file_id": file_id})
    seconds, cpu = time.perf_counter() - ticked, time.process_time() - begun
    with database.reading() as session:
        times = session.scalar(select(func.count()).where(ReportFilePiece.file_id == file_id)) or 0
    return Taken(rows, seconds, cpu, memory("VmHWM"), before, told=times)


def verify(opened: Opened, statements: int) -> Taken:
    """`lms verify`."""
    database: Database = opened.app().extensions["database"]
    before, ticked, begun = memory("VmRSS"), time.perf_counter(), time.process_time()
    found = check_projections(database)
    seconds, cpu = time.perf_counter() - ticked, time.process_time() - begun
    wrong = sum(len(lines) for lines in found.values())
    return Taken(statements, seconds, cpu, memory("VmHWM"), before, told=wrong)


def repaired(opened: Opened) -> Taken:
    """Tables that were written as rows are brought to what follows from statements."""
    check_projections(opened.app().extensions["database"], repair=True)
    return Taken(0, 0.0, 0.0, 0.0, 0.0)


def state(database: Database, number: int) -> None:
    """Store so many statements of people who finish lessons, past those who project them."""
    with database.reading() as session:
        course = session.scalars(select(Course).order_by(Course.id)).one()
        version = decoded(session.scalars(newest_versions().where(Course.id == course.id)).one())
        people = session.scalars(select(Person.public_id).order_by(Person.id)).all()
        source = ourselves(session)
    at_ease(database)
    said = islice(sentences(database.config.iri_base, course, version, people), number)
    while made := list(islice(said, AT_ONCE)):
        put_in(database, made, source)
    database.dispose()


def sentences(home: str, course: Course, version: Edition, people: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Without end: one person after the other finishes one lesson of all after the other."""
    within = (course_activity(course.iri, version.title, version.title_en),)
    lessons = [lesson_activity(home, course.code, one) for one in version.outline.lessons()]
    at, dice = clock.now(), Random(5)
    for person in chain.from_iterable(cycle((people,))):
        registration = registration_of(person, course.iri)
        for lesson in lessons[: dice.randrange(1, len(lessons) + 1)]:
            told: dict[str, Any] = {"within": within, "at": at, "registration": registration}
            told["revision"] = version.number
            yield completed_lesson(home, person, lesson, **told)


def told(what: str, one: Taken, *, kept: bool) -> None:
    """A line of the table."""
    first = f"  first byte {one.first_ms:.0f} ms" if one.first_ms else ""
    print(
        f"  {what:<28}{one.rows:>10,} rows{one.seconds:>8.1f} s{one.cpu:>8.1f} s CPU{one.peak:>8.0f} MB at most"
        f" ({one.before:.0f} before){first}{'' if kept else '   over'}",
        flush=True,
    )


def measured(config: Config, key: str, options: Any, briefing: str, root: object) -> None:
    """Those that were asked for, a line each."""
    opened = Opened(config, key)
    if options.register:
        one = apart(register, opened, f"/reports/units/{root}/lists?briefing={briefing}")
        allowed = {name: limit * max(1, one.rows / 50_000) for name, limit in REGISTER_LIMITS.items()}
        kept = one.first_ms <= REGISTER_LIMITS["first_ms"] and one.cpu <= allowed["seconds"]
        told("register as CSV", one, kept=kept)
    if options.workbook:
        one = apart(workbook, opened, briefing, options.workbook)
        told("register as XLSX", one, kept=one.peak <= WORKBOOK_MB)
    if options.verify:
        apart(repaired, opened)
        one = apart(verify, opened, options.verify)
        print(f"  lms verify: {one.told} differences")
        told("lms verify", one, kept=not one.told and one.cpu <= VERIFY_SECONDS)
