"""Keeping a report as it is, entering what no machine knows, sending up, accepting or returning, mail, large files."""

import logging
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import IO, Any

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from analytics.reports import papers, parts, queries, render
from analytics.reports.access import subject_of, wished_for
from analytics.reports.models import (
    ReportEntry,
    ReportFile,
    ReportFilePiece,
    ReportSchedule,
    ReportSnapshot,
    ReportSubmission,
)
from analytics.reports.queries import Entered, Subject
from analytics.reports.rules import MORNING, Paper, SumsDisagree, Words, as_bytes, digest, is_due
from analytics.reports.vocabulary import FORMS, SENT, SENT_WORDS, WORDS_OF_CODES, closing, frame
from courses.briefings.queries import titles_of
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person
from lms.audit.actions import note, note_each
from lms.db import database_of
from lms.notices.actions import Line, give_notices, withdraw_notices
from lms.organisation.models import STATE_TREE, Unit
from lms.outbox.actions import queue, send_mail
from lms.outbox.rules import DAYTIME, UNIT_NEWS
from lms.web.wording import day, moment

log = logging.getLogger(__name__)

REPORT_MAIL, REPORT_FILE = "report mail", "report file"
KEPT = timedelta(days=7)
PIECE = 1024 * 1024
TOLD_EVERY = 5_000


class AlreadySent(Exception):
    """A report of this unit about this briefing is under way: the unit above has not decided about it."""


class NobodyAbove(Exception):
    """The unit stands at the top: there is nobody to send to."""


class AlreadyDecided(Exception):
    """Somebody has accepted or returned this report in the meantime."""


class AlreadyScheduled(Exception):
    """Mail goes out then already."""


def held_entry(session: Session, of: Subject) -> Entered:
    """What stands entered of the unit, and nobody else changes it until the end: of two the second reads the first."""
    session.get_one(Unit, of.unit.id, with_for_update={"key_share": True})
    return queries.entries(session, select(literal(of.unit.id)), of).get(of.unit.id, Entered())


def enter(session: Session, unit: Unit, briefing_id: int, *, plan: str, note_text: str, by: uuid.UUID) -> None:
    """What no machine knows of the unit: columns 23 and 25. The text is not in the log, only that it was changed."""
    entry = session.get(ReportEntry, (unit.id, briefing_id))
    if entry is None:
        entry = ReportEntry(unit_id=unit.id, briefing_id=briefing_id, plan="", note="")
        session.add(entry)
    fields = [name for name, new in (("plan", plan), ("note", note_text)) if getattr(entry, name) != new]
    entry.plan, entry.note, entry.entered_at, entry.entered_by = plan, note_text, clock.now(), by
    note(session, "report.enter", actor=by, object_kind="unit", object_id=unit.public_id, fields=fields)


def freeze(session: Session, of: Subject, paper: Paper, *, by: uuid.UUID | None) -> ReportSnapshot:
    """Keep the report as it is: it never changes, and its digest stands in the log."""
    document = as_bytes(paper)
    kept = ReportSnapshot(
        public_id=uuid.uuid4(),
        unit_id=of.unit.id,
        briefing_id=of.briefing_id,
        form=paper.form,
        period=paper.period,
        document=document,
        digest=digest(document),
        taken_at=of.now,
        taken_by=by,
    )
    session.add(kept)
    session.flush()  # what is sent names it
    told: dict[str, Any] = {"form": paper.form, "digest": kept.digest}
    note(session, "report.freeze", actor=by, object_kind="unit", object_id=of.unit.public_id, **told)
    return kept


def send(session: Session, of: Subject, *, by: uuid.UUID | None) -> ReportSubmission:
    """Keep Biểu 01 as it is and send it to the unit above. Raises `AlreadySent`, `NobodyAbove`."""
    above = session.scalar(queries.unit_above(of.unit.id, on=clock.day_of(of.now)))
    if above is None:
        raise NobodyAbove
    try:
        with session.begin_nested():  # else a report would stay kept that went nowhere
            kept = freeze(session, of, papers.by_unit(session, of, None), by=by)
            sent = ReportSubmission(
                public_id=uuid.uuid4(),
                snapshot_id=kept.id,
                unit_id=of.unit.id,
                to_unit_id=above.id,
                briefing_id=of.briefing_id,
                state=SENT,
                sent_at=of.now,
                sent_by=by,
            )
            session.add(sent)
    except IntegrityError as error:
        raise AlreadySent from error
    told: dict[str, Any] = {"to": str(above.public_id), "digest": kept.digest}
    note(session, "report.send", actor=by, object_kind="unit", object_id=of.unit.public_id, **told)
    tell_heads(session, sent, SENT, above.id, f"/reports/submissions/{sent.public_id}", by=by)
    for returned in session.scalars(queries.returned_before(sent)):
        withdraw_notices(session, key=told_under(returned, "returned"))
    return sent


def told_under(public_id: uuid.UUID, state: str) -> str:
    """The key of what heads are told of a report in that state."""
    return f"report {public_id} {state}"


def tell_heads(
    session: Session, sent: ReportSubmission, state: str, unit_id: int, path: str, *, by: uuid.UUID | None
) -> None:
    """Give heads and deputies of the unit a line about the report, and whoever sent it one when it is decided.

    Whoever has just done it knows. What was remarked is not in the line: it may name people.
    """
    people = {row[0] for row in session.execute(queries.heads(unit_id, on=clock.today(), tree=STATE_TREE))}
    involved = select(Person.public_id, Person.id).where(Person.public_id.in_({by, sent.sent_by} - {None}))
    ids: dict[uuid.UUID | None, int] = dict(session.execute(involved).all())
    if state != SENT and sent.sent_by in ids:
        people.add(ids[sent.sent_by])
    briefing, unit = session.get_one(Briefing, sent.briefing_id), session.get_one(Unit, sent.unit_id).name
    title, title_en = titles_of(session, [briefing])[briefing.id]
    words, words_en = SENT_WORDS[state]
    line = Line(words.format(unit=unit, title=title), words_en.format(unit=unit, title=title_en or title), path)
    give_notices(session, dict.fromkeys(people - {ids.get(by)}, line), key=told_under(sent.public_id, state))


def accept(session: Session, sent: ReportSubmission, *, by: uuid.UUID) -> None:
    """The unit above has accepted the report. Raises `AlreadyDecided`."""
    decide(session, sent, "accepted", "", by=by)
    digest_sent, unit_id = sent.snapshot.digest, sent.unit.public_id
    note(session, "report.accept", actor=by, object_kind="unit", object_id=unit_id, digest=digest_sent)


def give_back(session: Session, sent: ReportSubmission, remark: str, *, by: uuid.UUID) -> None:
    """The unit above returns the report, with a remark; the unit may send another. Raises `AlreadyDecided`."""
    decide(session, sent, "returned", remark, by=by)
    digest_sent, unit_id = sent.snapshot.digest, sent.unit.public_id
    note(session, "report.return", actor=by, object_kind="unit", object_id=unit_id, digest=digest_sent)


def decide(session: Session, sent: ReportSubmission, state: str, remark: str, *, by: uuid.UUID) -> None:
    """Of two who decide at once the second is refused."""
    values = {"state": state, "remark": remark, "decided_at": clock.now(), "decided_by": by}
    query = update(ReportSubmission).where(ReportSubmission.id == sent.id, ReportSubmission.state == SENT)
    if session.scalar(query.values(values).returning(ReportSubmission.id)) is None:
        raise AlreadyDecided
    path = f"/reports/units/{sent.unit.public_id}?briefing={sent.briefing.code}"
    tell_heads(session, sent, state, sent.unit_id, path, by=by)
    withdraw_notices(session, key=told_under(sent.public_id, SENT))


def schedule(session: Session, of: Subject, *, every: str, place: int, by: uuid.UUID) -> ReportSchedule:
    """Mail the summary of the unit to its heads from now on, by the tree of the subject. Raises `AlreadyScheduled`."""
    one = ReportSchedule(
        public_id=uuid.uuid4(),
        unit_id=of.unit.id,
        briefing_id=of.briefing_id,
        tree=of.by.tree,
        every=every,
        place=place,
        begun_at=clock.now(),
        begun_by=by,
    )
    try:
        with session.begin_nested():
            session.add(one)
    except IntegrityError as error:
        raise AlreadyScheduled from error
    about = {"every": every, "tree": one.tree}
    note(session, "report.schedule", actor=by, object_kind="unit", object_id=of.unit.public_id, **about)
    return one


def end_schedule(session: Session, one: ReportSchedule, *, by: uuid.UUID) -> None:
    """No more mail by this schedule."""
    if one.ended_at is None:
        one.ended_at = clock.now()
        about = {"every": one.every, "tree": one.tree}
        note(session, "report.unschedule", actor=by, object_kind="unit", object_id=one.unit.public_id, **about)


def queue_reports(session: Session, now: datetime) -> None:
    """At night: queue the mail of the day, for seven in the morning; on however many hosts, once."""
    today = clock.day_of(now)
    at = clock.start_of_day(today) + MORNING
    for one in session.scalars(select(ReportSchedule).where(ReportSchedule.ended_at.is_(None))).all():
        if is_due(one.every, one.place, today):
            key = f"{REPORT_MAIL} {one.id} {today.isoformat()}"
            queue(session, REPORT_MAIL, {"schedule_id": one.id}, due_at=at, key=key)


def mail_report(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of `report mail`: a mail to each who heads the unit in that tree today and has an address; none once
    it was ended, nor where the unit stands there no more.
    """
    one, now = session.get_one(ReportSchedule, payload["schedule_id"]), clock.now()
    of = subject_of(session, one, now=now)
    if one.ended_at is not None or of is None:
        return
    heads = queries.heads_with_address(one.unit_id, on=clock.day_of(now), tree=one.tree)
    for person_id, language in session.execute(heads).all():
        told = papers.letter(session, of, language)
        send_mail(
            session,
            person_id,
            subject=told.subject,
            template=told.template,
            topic=UNIT_NEWS,
            values=told.values,
            hours=DAYTIME,
            key=f"{REPORT_MAIL} {one.id} {clock.day_of(now).isoformat()} {person_id}",
        )


def order_file(session: Session, of: Subject, wish: Mapping[str, Any], *, name: str, by: uuid.UUID) -> ReportFile:
    """Have the worker make a large file."""
    one = ReportFile(
        public_id=uuid.uuid4(),
        unit_id=of.unit.id,
        briefing_id=of.briefing_id,
        asked_by=by,
        asked_at=of.now,
        wish=dict(wish),
        name=name,
        total=queries.how_many(session, of),
    )
    session.add(one)
    session.flush()  # the job names it
    queue(session, REPORT_FILE, {"file_id": one.id}, key=f"{REPORT_FILE} {one.id}")
    return one


def make_file(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of `report file`: the register, row by row, with nothing locked while it is read and written.

    How far it is can be read all the while. Whoever is killed begins anew: the parts come in one transaction.
    """
    one = session.get(ReportFile, payload["file_id"])
    if one is None or one.state != "waiting":
        return
    file_id, unit_id, briefing_id, at, wish = one.id, one.unit_id, one.briefing_id, one.asked_at, one.wish
    session.rollback()  # nothing was written: the database must not stay locked for minutes, nor by asking `one` again
    database = database_of(session)

    def told(done: int) -> None:
        if done % TOLD_EVERY == 0:
            with database.writing() as own:
                own.execute(update(ReportFile).where(ReportFile.id == file_id).values(done=done))

    with tempfile.TemporaryFile() as out:
        with database.reading() as own:
            structure = wished_for(own, wish, on=clock.day_of(at))
            of = queries.subject(own, own.get_one(Unit, unit_id), briefing_id, now=at, structure=structure)
            made = of is not None
            if of is not None and wish["what"] == "register":
                render.register_workbook(papers.register(own, of, told=told), out, at=at)
            elif of is not None:
                made = wrote_form(own, of, wish, out)
        out.seek(0)
        keep_pieces(session, file_id, out)
    state = "made" if made else "failed"
    row = update(ReportFile).where(ReportFile.id == file_id)
    session.execute(row.values(state=state, done=ReportFile.total))


EVERY_LEVEL, EVERY_LINE = 99, 1_000_000


def wrote_form(session: Session, of: Subject, wish: Mapping[str, Any], out: IO[bytes]) -> bool:
    """Write Biểu 01 with all levels; not of figures that do not add up: to try again would not mend them."""
    try:
        out.write(whole_form(papers.by_unit(session, of, EVERY_LEVEL, most=EVERY_LINE), wish))
    except SumsDisagree:
        log.error("a report was not made: its sums disagree")
        return False
    return True


def whole_form(paper: Paper, wish: Mapping[str, Any]) -> bytes:
    """Biểu 01 with all levels as a file; it is not kept and bears no code."""
    words = Words({code: pair[0] for code, pair in WORDS_OF_CODES.items()})
    around = frame(str(wish["head"]), kind=paper.kind, unit=paper.unit, above=paper.above)
    lines = closing(at=moment(paper.at), on=day(paper.on), code="", address="")
    makers = {"xlsx": render.workbook, "docx": parts.document, "pdf": render.pdf}
    return makers[str(wish["kind"])](paper, words, around, lines)


def keep_pieces(session: Session, file_id: int, out: IO[bytes]) -> None:
    """The file in parts of a megabyte; those of an attempt that failed go."""
    session.execute(delete(ReportFilePiece).where(ReportFilePiece.file_id == file_id))
    number = 0
    while content := out.read(PIECE):
        session.execute(insert(ReportFilePiece), [{"file_id": file_id, "number": number, "content": content}])
        number += 1


def forget_files(session: Session, now: datetime) -> None:
    """At night: files that are a week old go."""
    old = select(ReportFile.id).where(ReportFile.asked_at < now - KEPT)
    for query in (
        delete(ReportFilePiece).where(ReportFilePiece.file_id.in_(old)),
        delete(ReportFile).where(ReportFile.asked_at < now - KEPT),
    ):
        session.execute(query.execution_options(synchronize_session=False))


def note_taken(session: Session, of: Subject, *, by: uuid.UUID, form: str, purpose: str, count: int) -> None:
    """In the log: names of the unit were shown or taken out in a report, for what, and how many.

    By another structure also under the units that count these people today.
    """
    told: dict[str, Any] = {"purpose": purpose, "count": count, "form": form if form in FORMS else "register"}
    told["tree"], units = of.by.tree, [of.unit.public_id]
    if of.by.then:  # they belong to other units by now, which is where they read of it
        told |= {"tree": STATE_TREE, "of": str(of.unit.public_id), "structure": of.by.on.isoformat()}
        units = list(dict.fromkeys([*units, *queries.units_counting(session, of)]))
    note_each(session, "names.read", actor=by, object_kind="unit", objects=[(one, told) for one in units])


def note_shown(session: Session, paper: Paper, people: Sequence[str], *, by: uuid.UUID) -> None:
    """In the log: a report that names people, such as who took the roll, was shown or taken out.

    By another structure it is noted for each of them: they belong to other units by now.
    """
    told: dict[str, Any] = {"purpose": "report", "count": len(people), "form": paper.form, "tree": STATE_TREE}
    kind, objects = "unit", [paper.unit_id]
    if " " in paper.period:
        kind, objects, told = "person", [*people], {**told, "of": paper.unit_id, "structure": paper.on.isoformat()}
    note_each(session, "names.read", actor=by, object_kind=kind, objects=[(one, told) for one in objects])
