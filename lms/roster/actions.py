"""Taking in a list, rehearsing it, and applying exactly what was rehearsed in one transaction."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.actions import PeopleMoved
from lms.accounts.storage import Newcomer, Usernames, add_people, change_people, place_people
from lms.audit.actions import note, note_each
from lms.db import lock_roll
from lms.doors import tell
from lms.organisation.access import stands_today
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.outbox.actions import wake
from lms.roster import loader, queries
from lms.roster.access import people_within, reach_further, reach_of, within_reach
from lms.roster.matching import Crowd, Places, head_of, plain
from lms.roster.models import RosterHabit, RosterLine, RosterUpload
from lms.roster.rehearsal import APPLIED, CREATED, MOVED, Outcome, Plan, Rehearsal, Understood, digest_of_plan, spared
from lms.roster.rules import AT_ONCE, FIRST_LINES, KEPT, SLICE, Settings, Sheet, digest_of, username
from lms.roster.spelling import as_meant
from lms.roster.storage import (
    CHOSEN_BY,
    PARTICULARS,
    changed_fields,
    forget_outcomes,
    in_branch,
    newcomer,
    particulars,
    write_births,
    write_codes,
    write_lines,
    write_outcomes,
)
from lms.roster.validation import Reading, Unsure, as_they_are_kept
from lms.roster.vocabulary import BRANCH, UNIT

ROSTER = "roster"
RECEIVED, WAITING, COMPARING, REHEARSED = "received", "waiting", "comparing", "rehearsed"
APPLYING, APPLIED_STATE = "applying", "applied"
CODED = frozenset({"category", "party"})
"""Fields whose values are words of ours: these stand in the log, before and after."""

UNDER_WAY = frozenset({WAITING, COMPARING, APPLYING})


class Stale(Exception):
    """What was rehearsed is no longer what would be applied: people or units have changed since."""


class NotReady(Exception):
    """The list waits for a choice, or for the worker."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as it was taken apart: its sheets as they may be kept, and its digest."""

    sheets: tuple[Sheet, ...]
    digest: str


def taken_apart(content: bytes, name: str = "") -> Taken:
    """What a file of that name holds, read within limits. It needs no session: meanwhile nobody waits to write.

    Neither identity numbers nor ethnicity are in it. Raises `Refused`.
    """
    sheets, nfc = as_they_are_kept(loader.sheets_of(content, name)), cache(text.nfc)  # many cells say the same
    return Taken(
        tuple(
            replace(sheet, lines=tuple(replace(one, cells=tuple(map(nfc, one.cells))) for one in sheet.lines))
            for sheet in sheets
        ),
        hashlib.sha256(content).hexdigest(),
    )


def receive(session: Session, unit: Unit, taken: Taken, *, file_name: str, by: uuid.UUID) -> RosterUpload:
    """Take in a list for a unit: keep its lines, guess its columns. The file itself is not kept."""
    now = clock.now()
    upload = RosterUpload(
        public_id=uuid.uuid4(),
        unit_id=unit.id,
        uploaded_by=by,
        uploaded_at=now,
        changed_at=now,
        file_name=text.nfc(file_name)[:200],
        file_digest=taken.digest,
        sheets=[sheet.name for sheet in taken.sheets],
        settings=queries.guessed(session, unit.id, taken.sheets).stored(),
        state=RECEIVED,
    )
    session.add(upload)
    session.flush()  # its lines need the id
    write_lines(session, upload, taken.sheets)
    note(session, "roster.receive", actor=by, object_kind="unit", object_id=unit.public_id, list=str(upload.public_id))
    return upload


def choose(session: Session, upload: RosterUpload, settings: Settings) -> None:
    """Read the list so from now on; what was rehearsed no longer holds. Remembered for the next list of the unit."""
    upload.settings = settings.stored()
    upload.digest, upload.state, upload.changed_at, upload.stale = "", RECEIVED, clock.now(), False
    forget_outcomes(session, upload)
    first = queries.sheet_of(session, upload, settings.sheet, most=FIRST_LINES)
    head = head_of(as_meant(first, settings.reading), settings)
    labels = {plain(label): name for label, name in zip(head.labels, head.fields, strict=False)} if head else {}
    habit = session.get(RosterHabit, upload.unit_id)
    if habit is None:
        session.add(RosterHabit(unit_id=upload.unit_id, labels=labels, units=dict(settings.units)))
    else:
        habit.labels = {**habit.labels, **labels}
        habit.units = {**habit.units, **settings.units}


def rehearse(session: Session, upload: RosterUpload, *, by: uuid.UUID | None = None) -> None:
    """Compare the list with the people who are here: at once when it is short, else by the worker.

    Nobody is found beyond the reach of whoever asks for it, nor beyond that of whoever handed the list in.
    """
    if upload.state in UNDER_WAY:
        raise NotReady(upload.state)
    forget_outcomes(session, upload)
    upload.digest, upload.changed_at, upload.confirmed_by = "", clock.now(), by
    settings = Settings.of(upload.settings)
    upload.total = max(0, queries.lines_of(session, upload, settings.sheet) - settings.place - 1)
    if upload.total > AT_ONCE:
        upload.state = WAITING
        hand_over(session, upload)
        return
    upload.state = COMPARING
    while upload.state == COMPARING:
        compare_slice(session, upload)


def hand_over(session: Session, upload: RosterUpload) -> None:
    """Have the worker go on with the list."""
    session.flush()  # the worker finds the state in the row
    wake(session, ROSTER, {"upload": upload.id}, key=f"{ROSTER} {upload.id}")


def understood(session: Session, unit: Unit, sheet: Sheet, settings: Settings, *, everywhere: bool) -> Understood:
    """The lines of a list of the unit, before anybody is looked for. Raises `NotReady` without a head.

    They may name every Party organisation only if it may touch people everywhere.
    """
    today = clock.today()
    meant = as_meant(sheet, settings.reading)
    head = head_of(meant, settings)
    places = queries.places_below(session, unit.id, on=today)
    home = places.by_id.get(unit.id)
    if head is None or home is None or not head.names_people:
        raise NotReady("columns")
    of = None if everywhere else unit.id
    branches = queries.branches(session, of=of, on=today) if BRANCH in settings.fields else Places(())
    reading = Reading(settings, home=home, places=places, branches=branches, today=today)
    rows = reading.rows(meant.lines[head.body :])
    unsure, decided = tuple(reading.unsure.values()), tuple(reading.decided.values())
    return Understood(tuple(rows), unsure, decided, places, branches)


def plan_of(session: Session, unit: Unit, sheet: Sheet, settings: Settings, *, within: Select[int] | None) -> Plan:
    """What the sheet would do for the unit, if only people `within` may be touched (None: anybody)."""
    known = understood(session, unit, sheet, settings, everywhere=within is None)
    records = [row.record for row in known.rows if row.record is not None]
    people = queries.people_meant(
        session,
        unit.id,
        codes={one.code for one in records} - {""},
        emails={one.email for one in records} - {""},
        names={one.key for one in records} - {""},
        on=clock.today(),
        within=within,
    )
    rehearsal = Rehearsal(settings, known=Crowd(people), places=known.places, branches=known.branches)
    return Plan(tuple(rehearsal.outcomes(known.rows)), known.unsure)


def texts_of_units(session: Session, upload: RosterUpload, *, everywhere: bool) -> tuple[list[Unsure], list[Unsure]]:
    """The texts of the list for which a unit must be chosen, and those for which one was; on most lines first."""
    settings = Settings.of(upload.settings)
    unit, sheet = upload.unit, queries.sheet_of(session, upload, settings.sheet)
    found = understood(session, unit, sheet, settings, everywhere=everywhere)
    unsure, decided = (sorted(some, key=lambda one: (-one.lines, one.text)) for some in (found.unsure, found.decided))
    return unsure, decided


def plan(session: Session, upload: RosterUpload) -> Plan:
    """What the list would do, with the reach it has at this moment."""
    settings, units = Settings.of(upload.settings), reach_of(session, upload)
    unit, sheet = upload.unit, queries.sheet_of(session, upload, settings.sheet)
    found = plan_of(session, unit, sheet, settings, within=people_within(units))
    if units is None:
        return found
    ids = [one.person.person_id for one in found.outcomes if one.person is not None]
    beyond, opening = reach_further(session, ids, units)
    return replace(found, outcomes=spared(found.outcomes, beyond=beyond, opening=opening))


def compare_slice(session: Session, upload: RosterUpload) -> None:
    """Write down the outcome of the next lines; after the last, the digest of all."""
    found = plan(session, upload)
    some = found.outcomes[upload.done : upload.done + SLICE]
    write_outcomes(session, upload, Settings.of(upload.settings).sheet, some)
    upload.total = len(found.outcomes)
    upload.done += len(some)
    upload.state = COMPARING
    if upload.done >= upload.total:
        finish_rehearsal(session, upload)


def finish_rehearsal(session: Session, upload: RosterUpload) -> None:
    """All lines are compared: count them, and keep the digest without which nothing is applied."""
    rows = session.execute(
        select(RosterLine.outcome, RosterLine.mark)
        .where(RosterLine.upload_id == upload.id, RosterLine.outcome.is_not(None))
        .order_by(RosterLine.number)
    ).all()
    upload.counts = dict(Counter(row.outcome for row in rows))
    upload.digest = digest_of(
        [upload.file_digest, Settings.of(upload.settings).text(), *(row.mark or "" for row in rows)]
    )
    upload.state, upload.changed_at = REHEARSED, clock.now()


def apply(session: Session, upload: RosterUpload, digest: str, *, by: uuid.UUID) -> None:
    """Apply what was rehearsed under this digest: at once when the list is short, else by the worker.

    Raises `NotReady`, and `Stale` when the digest is not that of the last rehearsal, or of what would happen now.
    """
    if upload.state != REHEARSED:
        raise NotReady(upload.state)
    if not digest or digest != upload.digest:
        raise Stale
    upload.confirmed_by, upload.changed_at = by, clock.now()
    session.flush()  # what is locked next is read again from the row
    if upload.total > AT_ONCE:
        upload.state = APPLYING
        hand_over(session, upload)
        return
    apply_now(session, upload)


def apply_now(session: Session, upload: RosterUpload) -> None:
    """Everything in this one transaction. Raises `Stale` before anything is written."""
    lock_roll(session)  # before any row: nobody moves while what was rehearsed is compared and written
    session.refresh(upload)  # another may have applied it while we waited
    if upload.state not in (REHEARSED, APPLYING):
        raise NotReady(upload.state)
    settings, by = Settings.of(upload.settings), upload.confirmed_by
    outcomes = plan(session, upload).outcomes
    if digest_of_plan(upload.file_digest, settings, outcomes) != upload.digest:
        raise Stale
    put_in_place(session, upload.unit, outcomes, settings, digest=upload.digest, by=by)
    session.execute(delete(RosterLine).where(RosterLine.upload_id == upload.id))
    upload.state, upload.changed_at, upload.file_name = APPLIED_STATE, clock.now(), ""
    upload.settings = replace(settings, answers={}, units={}).stored()


def apply_directly(
    session: Session, unit: Unit, sheet: Sheet, settings: Settings, *, file_digest: str, digest: str
) -> tuple[Outcome, ...]:
    """Apply a sheet that nobody has handed in, if that does what was rehearsed. Raises `Stale`, `NotReady`."""
    lock_roll(session)  # as above
    outcomes = plan_of(session, unit, sheet, settings, within=None).outcomes
    if digest_of_plan(file_digest, settings, outcomes) != digest:
        raise Stale
    put_in_place(session, unit, outcomes, settings, digest=digest, by=None)
    return outcomes


def put_in_place(
    session: Session,
    unit: Unit,
    outcomes: Sequence[Outcome],
    settings: Settings,
    *,
    digest: str,
    by: uuid.UUID | None,
) -> None:
    """Write what the outcomes say, and in the audit log that a list of the unit was applied."""
    write(session, unit.id, outcomes, settings, by=by)
    counts = dict(Counter(one.kind for one in outcomes))
    note(session, "roster.apply", actor=by, object_kind="unit", object_id=unit.public_id, digest=digest, counts=counts)


def write(
    session: Session, unit_id: int, outcomes: Sequence[Outcome], settings: Settings, *, by: uuid.UUID | None
) -> None:
    """The rows of all people a list touches, with as many statements for ten as for ten thousand."""
    created = [one for one in outcomes if one.kind == CREATED and one.record is not None]
    others = [one for one in outcomes if one.kind in APPLIED - {CREATED} and one.record is not None and one.person]
    names = Usernames(session, [username(one.record.full_name) for one in created if one.record])
    newcomers = [newcomer(one, names, settings) for one in created]
    ids = add_people(session, newcomers, since=settings.on)
    change_people(session, [particulars(one) for one in others if changed_fields(one) & PARTICULARS])
    touched = {id(one): own for one, (own, _public) in zip(created, ids, strict=True)}
    touched |= {id(one): one.person.person_id for one in others if one.person}
    both = [(touched[id(one)], one) for one in (*created, *others)]
    moved = {own: one.record.unit_id for own, one in both if one.kind == MOVED and one.record and one.record.unit_id}
    place_people(session, moved, on=settings.on)
    branch = {own: one.record.branch_id for own, one in both if one.record and one.record.branch_id and in_branch(one)}
    place_people(session, branch, on=settings.on, tree=PARTY_TREE)
    write_births(session, both)
    write_codes(session, unit_id, both, on=settings.on)
    note_newcomers(session, [public for _own, public in ids], newcomers, by=by)
    note_all_changes(session, others, by=by)
    chosen = {own for own, one in both if changed_fields(one) & CHOSEN_BY}
    if people := tuple(sorted({*(own for own, _public in ids), *moved, *branch, *chosen})):
        tell(session, PeopleMoved(people))


def note_newcomers(
    session: Session, ids: Sequence[uuid.UUID], newcomers: Sequence[Newcomer], *, by: uuid.UUID | None
) -> None:
    """In the audit log, for each person who is new: in which unit they begin, and as what."""
    units = queries.public_units(session, {one.unit_id for one in newcomers})
    begun = [
        (public, {"by_list": True, "changes": {"unit": [None, units[one.unit_id]], "category": [None, one.category]}})
        for public, one in zip(ids, newcomers, strict=True)
    ]
    note_each(session, "person.create", actor=by, object_kind="person", objects=begun)


def note_all_changes(session: Session, others: Sequence[Outcome], *, by: uuid.UUID | None) -> None:
    """In the audit log, for each person: from where to where the list moved them, and which fields it changed.

    Values stand there of those fields alone that are no names, addresses, days or codes.
    """
    moved = [(one.person, one.record) for one in others if one.person and one.record and one.kind == MOVED]
    public = queries.public_units(session, {unit for pair in moved for unit in (pair[0].unit_id, pair[1].unit_id)})
    moves = [
        (
            person.public_id,
            {"by_list": True, "changes": {"unit": [public.get(person.unit_id), public.get(record.unit_id)]}},
        )
        for person, record in moved
    ]
    changes = []
    for one in others:
        if one.person and (names := sorted(changed_fields(one) - {UNIT})):
            coded = {each.field: [each.before, each.after] for each in one.changes if each.field in CODED}
            changes.append((one.person.public_id, {"fields": names} | ({"changes": coded} if coded else {})))
    note_each(session, "person.move", actor=by, object_kind="person", objects=moves)
    note_each(session, "person.change", actor=by, object_kind="person", objects=changes)


def work(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of the job of a long list: the next lines of the rehearsal, or all of it applied."""
    upload = queries.one_list(session, int(payload["upload"]))
    if upload is None or upload.state not in UNDER_WAY:
        return None
    keeps = within_reach(session, upload.unit_id, upload.confirmed_by or upload.uploaded_by)
    if not keeps or session.scalar(stands_today(upload.unit_id, STATE_TREE)) is None:
        upload.state = RECEIVED  # whoever handed it in keeps people there no longer, or there is no such unit any more
        return None
    if upload.state == APPLYING:
        try:
            apply_now(session, upload)
            return None
        except Stale:
            forget_outcomes(session, upload)
            upload.digest, upload.state, upload.stale, upload.confirmed_by = "", WAITING, True, None
            return clock.now()
    compare_slice(session, upload)
    return None if upload.state == REHEARSED else clock.now()


def drop(session: Session, upload: RosterUpload, *, by: uuid.UUID) -> None:
    """Forget the list with all its lines. What it has changed stays."""
    unit = upload.unit
    note(session, "roster.drop", actor=by, object_kind="unit", object_id=unit.public_id, list=str(upload.public_id))
    session.execute(delete(RosterLine).where(RosterLine.upload_id == upload.id))
    session.execute(delete(RosterUpload).where(RosterUpload.id == upload.id))


def forget_old(session: Session, now: datetime) -> None:
    """At night: lists that are a week old go, applied or not."""
    old = select(RosterUpload.id).where(RosterUpload.uploaded_at < now - KEPT)
    for query in (
        delete(RosterLine).where(RosterLine.upload_id.in_(old)),
        delete(RosterUpload).where(RosterUpload.id.in_(old)),
    ):
        session.execute(query.execution_options(synchronize_session=False))


def note_seen(session: Session, action: str, unit_id: int, *, by: uuid.UUID | None, **details: Any) -> None:
    """In the audit log: who saw or took out names of this unit, and how many."""
    unit = session.get_one(Unit, unit_id)
    note(session, action, actor=by, object_kind="unit", object_id=unit.public_id, **details)
