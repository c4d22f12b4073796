"""The roll of a conference: 160 meeting points, 50 people each, every one checked in by a tap of the point's host.

    python -m benchmarks.meetings [sqlite] [postgresql] [--points 160] [--people 50] [--hosts 32] [--codes 400]

Makes a province of its own under the folder for temporary files and serves it as `lms serve` does (two processes of
four threads). So many hosts work at the same time, each through a connection of its own: they open the roll of their
point and say "present" of one person after the other, as the script of the page does. Beside them an organiser's
board is refreshed every ten seconds. Whoever is told that the service is busy asks again, as the page does. At last
people check themselves in by the code of their point. Told is also for how long the processes of the server computed,
which other work on the machine hardly changes. The limit: everybody within ten minutes, no answer but the right one;
and what is projected is what `lms verify` computes.
"""

import argparse
import http.client
import multiprocessing
import re
import resource
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

import wsgi
from benchmarks.people import SINCE, Place, write_units
from benchmarks.roster import name
from benchmarks.store import server, serving
from courses.briefings.models import MeetingPoint
from courses.enrolment.models import Briefing
from courses.meetings import actions
from courses.meetings.models import PointSighting
from courses.meetings.rules import Place as Spot
from courses.meetings.rules import code_key, code_of, slot_of
from lms import clock
from lms.accounts.actions import create_person, grant_role
from lms.accounts.session import begin_session
from lms.accounts.storage import Newcomer, add_people
from lms.app import create_app
from lms.cli import check_projections, migrate
from lms.config import Config
from lms.db import Database
from lms.organisation.models import Unit
from tests.courses.gathering import briefing_of
from tests.library_course import load_small_course
from tests.make import Make

SECRET = "benchmark " * 5
LIMIT = 600.0
EVERY = 10.0
BUSY, LONGEST_PAUSE = 503, 60.0


@dataclass(frozen=True)
class Point:
    """A point, the cookie of its host, and the people of its roll; each with a cookie where codes are typed."""

    public_id: uuid.UUID
    cookie: str
    people: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class Conference:
    """All of it."""

    sitting: uuid.UUID
    points: tuple[Point, ...]
    organiser: str
    guests: tuple[tuple[uuid.UUID, str], ...]
    """Points and cookies of people who check themselves in."""


def fill(app: Flask, folder: Path, *, points: int, people: int, codes: int) -> Conference:
    """The province, the briefing, the sitting, a point for each commune, and sessions for all who will ask."""
    database: Database = app.extensions["database"]
    migrate(database)
    make, dice = Make(app), Random(11)
    load_small_course(make, folder)
    places = [Place(1, None, "Tỉnh (mẫu)", "province")]
    places += [Place(number, 1, f"Xã số {number}", "commune") for number in range(2, points + 2)]
    with database.writing() as session:
        write_units(session, places)
        units = session.scalars(select(Unit).order_by(Unit.id)).all()
        root, communes = units[0], units[1:]
        admin = create_person(session, full_name="Quản Trị", username="admin", unit=root, since=SINCE)
        grant_role(session, admin, "administrator", unit=None, since=SINCE)
        crowd = [
            Newcomer(name(dice), f"u{one.id}-{number}", one.id, position="Cán bộ")
            for one in communes
            for number in range(people)
        ]
        ids = add_people(session, crowd, since=SINCE)
    check_projections(database, repair=True)  # units and people came as rows, past the actions
    briefing = briefing_of(make, root)
    now = clock.now()
    with database.writing() as session:
        found = session.scalars(select(Briefing).where(Briefing.public_id == briefing)).one()
        wanted = actions.Sitting("conference", "Hội nghị", now, now + timedelta(hours=3))
        sitting = actions.make_sitting(session, found, wanted, by=admin.public_id)
        session.flush()
        made = actions.make_points(session, sitting, communes, by=admin.public_id)
        session.flush()
        rolls = [ids[start : start + people] for start in range(0, len(ids), people)]
        told, guests = [], []
        for point, roll in zip(made, rolls, strict=True):
            point.host = roll[0][1]
            told.append(
                Point(point.public_id, cookie_of(app, begin(session, roll[0][0])), tuple(one for _, one in roll))
            )
        for number in range(codes):
            point, roll = made[number % points], rolls[number % points]
            guests.append((point.public_id, cookie_of(app, begin(session, roll[1 + number // points][0]))))
            if number < points:
                actions.open_check_in(session, session.get_one(MeetingPoint, point.id), by=roll[0][1])
        organiser = cookie_of(app, begin(session, admin.id))
        return Conference(sitting.public_id, tuple(told), organiser, tuple(guests))


def begin(session: Any, person_id: int) -> str:
    return begin_session(session, person_id, browser="benchmark", proof="second factor")


def cookie_of(app: Flask, key: str) -> str:
    """The cookie of a browser with that session."""
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = key
        cookie["_fresh"] = True
    kept = client.get_cookie("session")
    return f"session={kept.value}" if kept is not None else ""


class Visitor:
    """A connection that keeps its cookie and the token of the pages it has seen."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie, self.token = port, cookie, ""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, fields: Sequence[tuple[str, str]] = (), **headers: str) -> tuple[int, str]:
        """The status and the text of an answer."""
        home = f"http://127.0.0.1:{self.port}"
        body = urlencode([("csrf_token", self.token), *fields]) if method == "POST" else None
        sent = {"Cookie": self.cookie, "Origin": home, **headers}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # the server closes connections on which nothing is asked
            self.connection.close()
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
        text = answer.read().decode()
        for value in answer.headers.get_all("Set-Cookie") or ():
            if value.startswith("session="):
                self.cookie = value.partition(";")[0]
        if found := re.search(r'name="csrf_token" value="([^"]+)"', text):
            self.token = found[1]
        return answer.status, text


@dataclass
class Tally:
    """What one process saw: seconds of each answer by what was asked, and what went wrong."""

    times: dict[str, list[float]]
    errors: list[str]

    def timed(self, what: str, work: Callable[[], tuple[int, str]], right: Callable[[int, str], bool]) -> None:
        """Ask, and note how long it took and whether the answer was the right one.

        An answer that the service is busy is asked for again, as the script of the roll does, and counted.
        """
        begun, pause = time.perf_counter(), 2.0
        while True:
            try:
                status, text = work()
            except OSError as error:
                self.errors.append(f"{what}: {error}")
                return
            if status != BUSY or pause > LONGEST_PAUSE:
                break
            self.times.setdefault("asked again: busy", []).append(time.perf_counter() - begun)
            time.sleep(pause)
            pause *= 2
        self.times.setdefault(what, []).append(time.perf_counter() - begun)
        if not right(status, text):
            self.errors.append(f"{what}: {status} {text[:120]!r}")


def is_ok(status: int, _text: str) -> bool:
    return status == 200


def is_led_on(status: int, _text: str) -> bool:
    return status == 302


def is_said(status: int, text: str) -> bool:
    told = text.replace(" ", "")  # "same": it had been stored before the answer was lost
    return status == 200 and ('"result":"say"' in told or '"result":"same"' in told)


def hosts(port: int, points: Sequence[Point], out: Any) -> None:
    """Hosts, one after the other: open the roll, then a tap for each person."""
    tally = Tally({}, [])
    for point in points:
        host, path = Visitor(port, point.cookie), f"/meetings/points/{point.public_id}"
        tally.timed("roll opened", partial(host.ask, "GET", path), is_ok)
        for person in point.people:
            fields = [("mark", f"{person}:present:0")]
            tap = partial(host.ask, "POST", f"{path}/marks", fields, Accept="application/json")
            tally.timed("person checked in", tap, is_said)
    out.put((tally.times, tally.errors))


def board(port: int, conference: Conference, stop: Any, out: Any) -> None:
    """The organiser's board, refreshed until everybody is there."""
    tally, visitor = Tally({}, []), Visitor(port, conference.organiser)
    path = f"/meetings/{conference.sitting}?part=1"
    while True:
        tally.timed("board refreshed", partial(visitor.ask, "GET", path), is_ok)
        if stop.wait(EVERY):
            break
    out.put((tally.times, tally.errors))


def by_code(port: int, sitting: uuid.UUID, guests: Sequence[tuple[uuid.UUID, str]], out: Any) -> None:
    """People who type the code of their point."""
    tally, key = Tally({}, []), code_key(SECRET)
    for point, cookie in guests:
        visitor = Visitor(port, cookie)
        visitor.ask("GET", "/meetings/check-in")
        fields = [("code", code_of(key, Spot(sitting, point), slot_of(clock.now())))]
        typed = partial(visitor.ask, "POST", f"/meetings/check-in?point={point}", fields)
        tally.timed("checked in by code", typed, is_led_on)
    out.put((tally.times, tally.errors))


def together(work: Sequence[tuple[Callable[..., None], tuple[Any, ...]]], *beside: Any) -> tuple[float, Tally]:
    """Run these in processes of their own; the seconds until the last ends, and what they saw."""
    context = multiprocessing.get_context("fork")
    out, stop = context.SimpleQueue(), context.Event()
    others = [context.Process(target=one, args=(*given, stop, out)) for one, given in beside]
    own = [context.Process(target=one, args=(*given, out)) for one, given in work]
    for process in (*others, *own):
        process.start()
    begun, found = time.perf_counter(), Tally({}, [])
    results = [out.get() for _ in own]
    seconds = time.perf_counter() - begun
    stop.set()
    results += [out.get() for _ in others]
    for process in (*own, *others):
        process.join()
    for times, errors in results:
        for what, some in times.items():
            found.times.setdefault(what, []).extend(some)
        found.errors += errors
    return seconds, found


def measure(backend: str, options: argparse.Namespace, folder: Path) -> bool:
    """One database: filled, served, checked. Whether the limit is kept."""
    url = f"sqlite:///{folder}/lms.sqlite" if backend == "sqlite" else server().create_database("meetings")
    config = Config(url, SECRET, "http://127.0.0.1", "https://quan-triet.example", folder, local=True)
    app = create_app(config, wsgi.PACKAGES)
    database: Database = app.extensions["database"]
    begun = time.perf_counter()
    conference = fill(app, folder, points=options.points, people=options.people, codes=options.codes)
    print(f"{backend}: {options.points} points, filled in {time.perf_counter() - begun:.0f} s", flush=True)
    left = [
        Point(one.public_id, one.cookie, without(one, place, options)) for place, one in enumerate(conference.points)
    ]
    database.dispose()
    environ = {"LMS_DATABASE_URL": url, "LMS_SECRET_KEY": SECRET, "LMS_SITE_URL": "http://127.0.0.1", "LMS_LOCAL": "1"}
    environ |= {"LMS_DATA_DIR": str(folder), "LMS_IRI_BASE": config.iri_base}
    with serving("wsgi:app", environ, folder) as port:
        shares = [left[start :: options.hosts] for start in range(options.hosts)]
        roll, seen = together([(hosts, (port, share)) for share in shares if share], (board, (port, conference)))
        some = [conference.guests[start::16] for start in range(16)]
        code, typed = together([(by_code, (port, conference.sitting, share)) for share in some if share])
        before = cpu_of_children()  # from here on only the server's processes end
    told(seen, roll)
    told(typed, code)
    computed, answers = cpu_of_children() - before, sum(len(one) for one in (seen.times | typed.times).values())
    print(f"  the server computed for {computed:.1f} s: {computed / answers * 1000:.1f} ms an answer")
    with database.reading() as session:
        there = session.scalar(select(func.count()).select_from(PointSighting)) or 0
    wrong = [line for lines in check_projections(database).values() for line in lines]
    wanted = options.points * options.people
    errors = [*seen.errors, *typed.errors, *wrong[:5]]
    print(f"  {there:,} of {wanted:,} people are there; errors: {len(errors)}; lms verify: {len(wrong)} differences")
    for line in errors[:5]:
        print(f"    {line}")
    kept = there == wanted and not errors and roll + code <= LIMIT
    print(f"  everybody within {roll + code:.0f} s of {LIMIT:.0f} s: {'kept' if kept else 'NOT KEPT'}", flush=True)
    database.dispose()
    return kept


def cpu_of_children() -> float:
    """Seconds for which processes that have ended computed, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def without(one: Point, place: int, options: argparse.Namespace) -> tuple[uuid.UUID, ...]:
    """The people of a point whom its host calls: those who do not type the code."""
    typing = len(range(place, options.codes, options.points))
    return (one.people[0], *one.people[1 + typing :])


def told(tally: Tally, seconds: float) -> None:
    """A line for each thing that was asked."""
    for what, times in sorted(tally.times.items()):
        ordered = sorted(times)
        middle, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        print(
            f"  {what:<22}{len(times):>7,} answers{len(times) / seconds:>8.1f}/s"
            f"{middle * 1000:>9.0f} ms{p95 * 1000:>9.0f} ms p95{ordered[-1] * 1000:>9.0f} ms at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=["sqlite"])
    parser.add_argument("--points", type=int, default=160)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--hosts", type=int, default=32)
    parser.add_argument("--codes", type=int, default=400)
    options = parser.parse_args()
    kept = []
    for backend in options.backends:
        with tempfile.TemporaryDirectory() as folder:
            kept.append(measure(backend, options, Path(folder)))
    raise SystemExit(0 if all(kept) else 1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
