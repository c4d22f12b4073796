"""How long 10,000 people take from the file to the database, and how much memory; and how soon a bomb is refused.

    python -m benchmarks.roster [sqlite] [postgresql] [--people 10000] [--already 140000] [--hostile]

Makes its own databases. With `--already` so many people are there before; with `--hostile` only files that do harm are
read. The limits: 30 s and 300 MB for the list, and a second of one processor for a file that does harm.
"""

import argparse
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path

import wsgi
from lms import clock
from lms.accounts.actions import create_person, grant_role
from lms.accounts.storage import Newcomer, add_people
from lms.app import open_doors
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from lms.organisation.actions import create_unit
from lms.outbox.cli import Worker
from lms.roster.actions import apply, choose, receive, rehearse, taken_apart
from lms.roster.loader import sheets_of
from lms.roster.models import RosterUpload
from lms.roster.rules import Refused, Settings
from tests.lms.test_roster_hostile import HARMLESS, HOSTILE
from tests.postgres import cluster
from tests.rosters import xls, xlsx

MOST_SECONDS = 1
HEAD = ("STT", "Số hiệu", "Họ và tên", "Ngày sinh", "Chức vụ", "Loại cán bộ", "Đảng viên", "Đơn vị", "Email")
FAMILY = ("Nguyễn", "Trần", "Ma", "Hoàng", "Giàng", "Lý", "Hầu", "Sùng", "Vàng", "Phạm")
MIDDLE = ("Văn", "Thị", "A", "Seo", "Minh", "Thu", "Quang")
GIVEN = ("An", "Bình", "Hoa", "Lềnh", "Páo", "Dương", "Hà", "Sơn", "Tuyên", "Yến", "Phủ", "Mỷ")


def name(dice: random.Random) -> str:
    return f"{dice.choice(FAMILY)} {dice.choice(MIDDLE)} {dice.choice(MIDDLE)} {dice.choice(GIVEN)}"


def rows(people: int, units: int) -> list[tuple[object, ...]]:
    """The head and so many fictional people."""
    dice = random.Random(48)
    told: list[tuple[object, ...]] = [HEAD]
    for number in range(1, people + 1):
        born = f"{dice.randint(1, 28)}/{dice.randint(1, 12)}/{dice.randint(1964, 2003)}"
        unit = f"Phòng số {number % units + 1}"
        mail = f"cb{number}@example.gov.vn"
        told.append((number, f"{number:06}", name(dice), born, "Chuyên viên", "Công chức", "Đảng viên", unit, mail))
    return told


def timed(what: str, work: Callable[[], object]) -> None:
    """Run and print how long it took, and the most memory this process has had."""
    begun = time.perf_counter()
    work()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {what:<44}{time.perf_counter() - begun:8.2f} s   {most:6.0f} MB at most so far")


def measure(url: str, folder: Path, content: bytes, *, already: int) -> None:
    """One database from empty to full."""
    config = Config(url, "benchmark " * 5, "http://127.0.0.1", "https://quan-triet.example", folder, local=True)
    database = Database(config, open_doors(wsgi.PACKAGES))
    migrate(database)
    with database.writing() as session:
        top = create_unit(session, code="tinh", name="Tỉnh (mẫu)", kind="province", parent=None, since=date(2020, 1, 1))
        for number in range(1, 201):
            create_unit(
                session, code=f"p{number}", name=f"Phòng số {number}", kind="office", parent=top, since=date(2020, 1, 1)
            )
        person = create_person(session, full_name="Quản Trị", username="quantri", unit=None, since=clock.today())
        grant_role(session, person, "administrator", unit=None, since=clock.today())
        by: uuid.UUID = person.public_id
        dice = random.Random(7)
        others = [Newcomer(name(dice), f"cu{number}", top.id) for number in range(already)]
        add_people(session, others, since=date(2021, 1, 1))
    worker = Worker(database)
    while worker.step():
        pass
    ids: list[int] = []

    def take_in() -> None:
        with database.writing() as session:
            upload = receive(session, top, taken_apart(content), file_name="a.xlsx", by=by)
            choose(session, upload, Settings.of(upload.settings))
            rehearse(session, upload)
            ids.append(upload.id)

    def go_on() -> None:
        while worker.step():
            pass

    def take_effect() -> None:
        with database.writing() as session:
            upload = session.get_one(RosterUpload, ids[-1])
            print(f"    {upload.counts}")
            apply(session, upload, upload.digest, by=by)
        go_on()

    for again in ("", " again"):
        timed(f"read and stored{again}", take_in)
        timed(f"rehearsed by the worker{again}", go_on)
        timed(f"applied by the worker{again}", take_effect)
    database.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", default=["sqlite"])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--already", type=int, default=0)
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    if not options.hostile:
        measure_all(options)
    refuse_all()


def measure_all(options: argparse.Namespace) -> None:
    """The list itself, on each database that was asked for."""
    table = rows(options.people, 200)
    content = xlsx(table)
    print(f"{options.people} people, {len(content):,} bytes of XLSX")
    timed("XLSX to lines alone", lambda: sheets_of(content))
    old = xls(table)
    timed("XLS to lines alone", lambda: sheets_of(old))
    for backend in options.backends:
        print(backend)
        with tempfile.TemporaryDirectory() as folder:
            own = f"sqlite:///{folder}/lms.sqlite" if backend == "sqlite" else cluster().create_database("roster")
            measure(own, Path(folder), content, already=options.already)


def refuse_all() -> None:
    """Each kind of file that does harm. Raises `SystemExit` where one takes too long."""
    print(f"files that do harm, in seconds of one processor (at most {MOST_SECONDS})")
    made = {kind: make for kind, (make, _reason) in HOSTILE.items()} | HARMLESS
    slow = [kind for kind, make in made.items() if late(kind, make())]
    if slow:
        raise SystemExit(f"too late: {', '.join(slow)}")


def late(kind: str, content: bytes) -> bool:
    """Read or refuse the file, print how long it took, and tell whether that was too long."""
    begun, reason = time.process_time(), "read"
    try:
        taken_apart(content)
    except Refused as refused:
        reason = refused.reason
    took = time.process_time() - begun
    print(f"  {kind:<56}{reason:<10}{len(content) / 1e6:7.2f} MB {took:6.2f} s")
    return took >= MOST_SECONDS


if __name__ == "__main__":
    main()
