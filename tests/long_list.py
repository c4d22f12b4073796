"""A list of many people rehearsed and applied by a process of its own, which tells what that took, as JSON.

    python -m tests.long_list FOLDER PEOPLE

In the folder lies `lms.sqlite`, migrated and empty. Memory is the most the process ever had, with all it imports;
seconds are those it computed, whatever else the machine does.
"""

import json
import re
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import event

import wsgi
from benchmarks.roster import rows
from lms import clock
from lms.accounts.actions import create_person, grant_role
from lms.app import open_doors
from lms.config import Config
from lms.db import Database
from lms.organisation.actions import create_unit
from lms.outbox.cli import Worker
from lms.roster.actions import apply, choose, receive, rehearse, taken_apart
from lms.roster.models import RosterUpload
from lms.roster.rules import Settings
from tests.rosters import xlsx

UNITS, LONG_AGO = 20, date(2020, 1, 1)


def main(folder: Path, people: int) -> dict[str, Any]:
    """From the workbook to the people, as an administrator and the worker do it."""
    config = Config(
        f"sqlite:///{folder}/lms.sqlite", "long list " * 5, "http://127.0.0.1", "https://quan-triet.example", folder
    )
    database = Database(config, open_doors(wsgi.PACKAGES))
    worker = Worker(database)
    with database.writing() as session:
        top = create_unit(session, code="tinh", name="Tỉnh (mẫu)", kind="province", parent=None, since=LONG_AGO)
        for number in range(1, UNITS + 1):
            name = f"Phòng số {number}"
            create_unit(session, code=f"p{number}", name=name, kind="office", parent=top, since=LONG_AGO)
        person = create_person(session, full_name="Quản Trị", username="quantri", unit=None, since=clock.today())
        grant_role(session, person, "administrator", unit=None, since=clock.today())
        by = person.public_id
    until_done(worker)
    content = xlsx(rows(people, UNITS))
    statements: list[str] = []
    event.listen(database.write_engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    begun = time.process_time()
    with database.writing() as session:
        upload = receive(session, top, taken_apart(content), file_name="a.xlsx", by=by)
        choose(session, upload, Settings.of(upload.settings))
        rehearse(session, upload)
        upload_id = upload.id
    until_done(worker)
    with database.writing() as session:
        upload = session.get_one(RosterUpload, upload_id)
        counts = upload.counts
        apply(session, upload, upload.digest, by=by)
    until_done(worker)
    seconds = time.process_time() - begun
    with database.reading() as session:
        state = session.get_one(RosterUpload, upload_id).state
    database.dispose()
    [most] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "counts": counts,
        "state": state,
        "seconds": seconds,
        "megabytes": int(most) / 1024,
        "statements": len(statements),
    }


def until_done(worker: Worker) -> None:
    while worker.step():
        pass


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
