"""The rows a list writes: outcomes of its lines, and what it says of people, each kind with one statement for all."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from lms import text
from lms.accounts.models import Person
from lms.accounts.storage import Newcomer, Particulars, Usernames
from lms.doors import OwnData
from lms.organisation.models import Unit
from lms.privacy.actions import PersonErased
from lms.roster.models import DateOfBirth, RosterLine, RosterUpload, StaffCode
from lms.roster.rehearsal import CREATED, Outcome
from lms.roster.rules import Settings, Sheet, code_key, username
from lms.roster.spelling import PLACES_ABOVE_ASCII, from_tcvn3, from_vni
from lms.roster.vocabulary import BRANCH

BATCH = 5_000
"""Values handed to the database in one statement; both allow some thirty thousand."""

One = TypeVar("One")


def batches(values: Iterable[One]) -> Iterator[Sequence[One]]:
    """The values in as few portions as statements allow."""
    rest = list(values)
    for start in range(0, len(rest), BATCH):
        yield rest[start : start + BATCH]


def write_lines(session: Session, upload: RosterUpload, sheets: Sequence[Sheet]) -> None:
    """The lines of a list as it was handed in."""
    session.execute(
        insert(RosterLine),
        [
            {
                "upload_id": upload.id,
                "sheet": place,
                "number": line.number,
                "cells": line.cells,
                "marks": line.marks,
            }
            for place, sheet in enumerate(sheets)
            for line in sheet.lines
        ],
    )


def forget_outcomes(session: Session, upload: RosterUpload) -> None:
    """Before a new rehearsal: nothing is known of any line."""
    session.execute(
        update(RosterLine)
        .where(RosterLine.upload_id == upload.id)
        .values(outcome=None, person_id=None, told=None, mark=None)
        .execution_options(synchronize_session=False)
    )
    upload.done, upload.total, upload.counts = 0, 0, {}


def write_outcomes(session: Session, upload: RosterUpload, sheet: int, outcomes: Sequence[Outcome]) -> None:
    """What the rehearsal made of these lines, which follow each other."""
    if not outcomes:
        return
    ids = dict(
        session.execute(
            select(RosterLine.number, RosterLine.id).where(
                RosterLine.upload_id == upload.id,
                RosterLine.sheet == sheet,
                RosterLine.number.between(outcomes[0].line, outcomes[-1].line),
            )
        ).all()
    )
    rows = [
        {
            "id": ids[one.line],
            "outcome": one.kind,
            "person_id": one.person.person_id if one.person else None,
            "told": told(one),
            "mark": one.mark(),
        }
        for one in outcomes
    ]
    session.execute(update(RosterLine), rows)


def told(one: Outcome) -> dict[str, Any]:
    """An outcome as the page tells it. It goes with the line."""
    record = one.record
    return {
        "name": record.full_name if record else "",
        "code": record.code if record else "",
        "born": str(record.born or "") if record else "",
        "position": record.position if record else "",
        "unit": record.unit_id if record else None,
        "changes": [[change.field, change.before, change.after] for change in one.changes],
        "faults": [[fault.column, fault.reason, fault.said] for fault in one.faults],
        "perhaps": [
            [known.public_id, known.full_name, str(known.born or ""), known.unit_id, known.position]
            for known in one.perhaps
        ],
        "why": one.why,
    }


PARTICULARS = frozenset({"full_name", "email", "position", "category", "party"})
CHOSEN_BY = frozenset({"position", "category", "party"})
"""By these a roll may choose people: when they change, it is looked at again."""


def changed_fields(one: Outcome) -> set[str]:
    """The fields of somebody that change."""
    return {change.field for change in one.changes}


def in_branch(one: Outcome) -> bool:
    """Whether somebody comes into a Party organisation."""
    return one.kind == CREATED or BRANCH in changed_fields(one)


def newcomer(one: Outcome, names: Usernames, settings: Settings) -> Newcomer:
    """Somebody new, with a user name of their own."""
    record = one.record
    if record is None or record.unit_id is None:
        raise ValueError(f"line {one.line} has no unit")
    return Newcomer(
        full_name=record.full_name,
        username=names.free(username(record.full_name)),
        unit_id=record.unit_id,
        email=record.email or None,
        position=record.position,
        category=record.category or settings.category,
        party=record.party or "quan_chung",
    )


def particulars(one: Outcome) -> Particulars:
    """What somebody is from now on: what the list says, else what was."""
    record, person = one.record, one.person
    if record is None or person is None:
        raise ValueError(f"line {one.line} is nobody's")
    return Particulars(
        person_id=person.person_id,
        full_name=record.full_name or person.full_name,
        email=(record.email if "email" in changed_fields(one) else person.email) or None,
        position=record.position or person.position,
        category=record.category or person.category,
        party=record.party or person.party,
    )


def write_births(session: Session, people: Sequence[tuple[int, Outcome]]) -> None:
    """The births that the list says and the system does not."""
    new: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    for own, one in people:
        if one.record is None or one.record.born is None or (one.person and "born" not in changed_fields(one)):
            continue
        row = {"person_id": own, "year": one.record.born.year, "day": one.record.born.day}
        (known if one.person and one.person.born else new).append(row)
    if new:
        session.execute(insert(DateOfBirth), new)
    if known:
        session.execute(update(DateOfBirth), known)


def write_codes(session: Session, unit_id: int, people: Sequence[tuple[int, Outcome]], *, on: date) -> None:
    """The staff codes that are new. One that the unit had given before ends on that day, and is kept."""
    given = {
        own: one.record.code
        for own, one in people
        if one.record and one.record.code and (one.person is None or "code" in changed_fields(one))
    }
    ending, correcting = [], []
    for own, code in ended_codes(session, unit_id, given):
        if own.valid_from >= on:
            correcting.append({"id": own.id, "code": code, "code_key": code_key(code), "person_id": own.person_id})
        else:
            ending.append({"id": own.id, "valid_to": on})
    corrected = {row.pop("person_id") for row in correcting}
    for rows in (ending, correcting):
        if rows:
            session.execute(update(StaffCode), rows)
    begun = [
        {"person_id": own, "unit_id": unit_id, "code": code, "code_key": code_key(code), "valid_from": on}
        for own, code in given.items()
        if own not in corrected
    ]
    if begun:
        session.execute(insert(StaffCode), begun)


def ended_codes(session: Session, unit_id: int, given: Mapping[int, str]) -> list[tuple[StaffCode, str]]:
    """The codes the unit had given to these people, each with the one that follows it."""
    found = []
    for ids in batches(sorted(given)):
        query = select(StaffCode).where(
            StaffCode.unit_id == unit_id, StaffCode.person_id.in_(ids), StaffCode.valid_to.is_(None)
        )
        found += [(one, given[one.person_id]) for one in session.scalars(query)]
    return found


def forget_person(session: Session, event: PersonErased) -> None:
    """Codes and date of birth go, and every line about the person in a list, which is then to be rehearsed anew.

    A code tells who it was in lists of the unit that gave it; elsewhere it may be another's.
    """
    found = select(StaffCode.code, StaffCode.unit_id).where(StaffCode.person_id == event.person_id)
    codes = [(code_key(code), unit_id) for code, unit_id in session.execute(found)]
    for table in (StaffCode, DateOfBirth):
        gone = delete(table).where(table.person_id == event.person_id)
        session.execute(gone.execution_options(synchronize_session=False))
    public_id = str(session.scalars(select(Person.public_id).where(Person.id == event.person_id)).one())
    lines = list(lines_about(session, event, public_id, codes))
    for ids in batches(line for line, _upload in lines):
        session.execute(delete(RosterLine).where(RosterLine.id.in_(ids)))
    touched = {upload for _line, upload in lines}
    for ids in batches(sorted(touched)):
        waiting = update(RosterUpload).where(RosterUpload.id.in_(ids), RosterUpload.state != "applied")
        session.execute(waiting.values(state="received", digest="", stale=True))
    names = [text.fold(mark) for mark in event.marks if " " in mark]  # a short code may stand in any file's name
    files = session.execute(select(RosterUpload.id, RosterUpload.file_name).where(RosterUpload.file_name != "-"))
    named = {own for own, file_name in files if tells([text.fold(file_name)], names)}
    for ids in batches(sorted(touched | named)):
        session.execute(update(RosterUpload).where(RosterUpload.id.in_(ids)).values(file_name="-"))


def lines_about(
    session: Session, event: PersonErased, public_id: str, codes: Collection[tuple[str, int]]
) -> Iterator[tuple[int, int]]:
    """Line and list of everything that may tell of the person: it is read here, for databases fold letters apart.

    The name may be written in capitals, in any order and number of columns, after a title, without marks or in letters
    of an old font.
    """
    marks = [text.fold(mark) for mark in event.marks]
    given = {mark.split()[-1] for mark in marks if " " in mark and not subscriber(mark)}
    query = select(
        RosterLine.id,
        RosterLine.upload_id,
        RosterLine.cells,
        RosterLine.told,
        RosterLine.person_id,
        RosterUpload.unit_id,
    ).join(RosterUpload, RosterUpload.id == RosterLine.upload_id)
    for own, upload, cells, said, person_id, unit_id in session.execute(query.execution_options(yield_per=BATCH)):
        own_codes = {code for code, issuer in codes if issuer == unit_id}
        others = {code for code, issuer in codes if issuer != unit_id}
        if (
            person_id == event.person_id
            or says(cells, marks, own_codes)
            or (says(cells, (), others) and says(cells, given, ()))
            or any(perhaps[0] == public_id for perhaps in (said or {}).get("perhaps", ()))
        ):
            yield own, upload


def says(cells: Sequence[str], marks: Iterable[str], codes: Collection[str]) -> bool:
    """Whether a line has one of these folded texts or codes.

    A mark of many figures is a telephone, one with a space a name, one with an @ an address; others are whole cells.
    """
    marks = list(marks)
    return any(tells(readings, marks) for readings in folded_readings(cells)) or any(
        code_key(cell) in codes for cell in cells if cell
    )


def folded_readings(cells: Sequence[str]) -> Iterator[list[str]]:
    """The folded cells as they stand, and as they read in each of the old fonts, where they may be written in one."""
    yield [text.fold(cell) for cell in cells]
    if any(PLACES_ABOVE_ASCII.search(cell) for cell in cells):
        for convert in (from_tcvn3, from_vni):
            yield [text.fold(convert(cell)) for cell in cells]


def tells(folded: Sequence[str], marks: Iterable[str]) -> bool:
    """Whether folded cells have one of these folded marks."""
    joined = " ".join(folded)
    words = f" {NO_WORD.sub(' ', joined)} "
    for mark in marks:
        if len(number := subscriber(mark)) >= SHORTEST_NUMBER:
            found = any(number == subscriber(part) for cell in folded for part in NEXT_NUMBER.split(cell))
        elif " " in mark:
            found = has_name(folded, words, NO_WORD.sub(" ", mark).split())
        elif "@" in mark:
            found = mark in joined
        else:
            found = mark in folded
        if found:
            return True
    return False


def has_name(folded: Sequence[str], words: str, name: Sequence[str]) -> bool:
    """Whether the name stands there, the given name last or first; or in cells of its parts, others between them."""
    orders = (name, [name[-1], *name[:-1]])
    if any(f" {' '.join(order)} " in words for order in orders):
        return True
    whole, parts = f" {' '.join(name)} ", Counter[str]()
    for cell in folded:
        if (part := NO_WORD.sub(" ", cell).strip()) and f" {part} " in whole:
            parts.update(part.split())
    return parts >= Counter(name)


def subscriber(number: str) -> str:
    """The figures of a telephone number behind what may be left out before them; "" for what is none."""
    figures = re.sub(r"[\s.()+-]", "", number)
    return re.sub(r"^(?:0084|84)?0*", "", figures) if figures.isdecimal() else ""


SHORTEST_NUMBER = 8
"""Figures of a telephone number behind the zero; what has fewer may be anything."""

NEXT_NUMBER = re.compile(r"[,;/]")
"""Between two numbers in one cell."""

NO_WORD = re.compile(r"[\W_]+")


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """What lists have said of a person: date of birth, and the codes of units."""
    born = session.execute(select(DateOfBirth.year, DateOfBirth.day).where(DateOfBirth.person_id == person_id))
    columns = {"year": _l("Năm sinh"), "day": _l("Ngày sinh")}
    yield OwnData("date_of_birth", _l("Ngày sinh"), columns, [list(row) for row in born])
    codes = session.execute(
        select(StaffCode.code, Unit.name, StaffCode.valid_from, StaffCode.valid_to)
        .join(Unit, Unit.id == StaffCode.unit_id)
        .where(StaffCode.person_id == person_id)
        .order_by(StaffCode.id)
    )
    columns = {"code": _l("Số hiệu"), "unit": _l("Đơn vị"), "from": _l("Từ ngày"), "to": _l("Đến ngày")}
    yield OwnData("staff_codes", _l("Số hiệu trong danh sách của đơn vị"), columns, [list(row) for row in codes])
