"""Reading lists, the units they may name, and the people they may mean, with few statements for any length."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.accounts.models import Membership, Person
from lms.accounts.queries import all_links
from lms.organisation.gathering import heirs_named
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit, UnitClosure, UnitLineage, UnitOperation
from lms.organisation.queries import holds_on, subtree, tree_of_units
from lms.roster.matching import HEAD_WITHIN, Head, Known, Place, Places, found_head, head_at
from lms.roster.models import DateOfBirth, RosterHabit, RosterLine, RosterUpload, StaffCode
from lms.roster.rules import MOST_LOOKED_AT, Birth, Line, Settings, Sheet, bare_code, code_key
from lms.roster.spelling import AUTO, as_meant
from lms.roster.storage import batches


def uploads(unit_ids: Collection[int] | Select[int] | None) -> Select[RosterUpload]:
    """The lists of these units (None: of all), the latest first."""
    query = select(RosterUpload).order_by(RosterUpload.uploaded_at.desc(), RosterUpload.id.desc())
    return query if unit_ids is None else query.where(RosterUpload.unit_id.in_(unit_ids))


def sheet_of(session: Session, upload: RosterUpload, number: int, *, most: int | None = None) -> Sheet:
    """A sheet of a list as it was handed over, or its first lines."""
    rows = session.execute(
        select(RosterLine.number, RosterLine.cells, RosterLine.marks)
        .where(RosterLine.upload_id == upload.id, RosterLine.sheet == number)
        .order_by(RosterLine.number)
        .limit(most)
    )
    name = upload.sheets[number] if number < len(upload.sheets) else ""
    return Sheet(name, tuple(Line(line, tuple(cells), marks) for line, cells, marks in rows))


def lines_of(session: Session, upload: RosterUpload, number: int) -> int:
    """How many lines of a sheet have something in them."""
    query = select(func.count(RosterLine.id)).where(RosterLine.upload_id == upload.id, RosterLine.sheet == number)
    return session.scalar(query) or 0


def outcomes_of(upload: RosterUpload, kind: str | None = None) -> Select[RosterLine]:
    """What the rehearsal made of the lines, in their order; of one kind or of all."""
    query = select(RosterLine).where(RosterLine.upload_id == upload.id).order_by(RosterLine.number)
    return query.where(RosterLine.outcome == kind) if kind else query.where(RosterLine.outcome.is_not(None))


def left_out(upload: RosterUpload, *, on: date) -> Select[Person, Unit]:
    """Who is counted in the unit or below it that day and is on no line of the list."""
    named = select(RosterLine.person_id).where(RosterLine.upload_id == upload.id, RosterLine.person_id.is_not(None))
    return (
        select(Person, Unit)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == STATE_TREE,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(upload.unit_id, on=on)),
            Person.id.not_in(named),
        )
        .order_by(Person.sort_key, Person.id)
    )


def habit_of(session: Session, unit_id: int) -> tuple[dict[str, str], dict[str, str]]:
    """What was chosen for the lists of the unit before: fields by the label of a column, and units by their text."""
    found = session.execute(select(RosterHabit.labels, RosterHabit.units).where(RosterHabit.unit_id == unit_id)).first()
    return (dict(found.labels), dict(found.units)) if found is not None else ({}, {})


def guessed(session: Session, unit_id: int, sheets: Sequence[Sheet], *, reading: str = AUTO) -> Settings:
    """How the list is read as far as one can tell: by the sheet whose head names most, and what was chosen before."""
    labels, units = habit_of(session, unit_id)
    best, most = Settings(0, -1, (), clock.today(), reading=reading, units=units), -1
    left = MOST_LOOKED_AT
    for place, sheet in enumerate(sheets):
        if left < 0:
            break
        left -= sum(len(line.cells) for line in sheet.lines[:HEAD_WITHIN])
        head = found_head(as_meant(Sheet(sheet.name, sheet.lines[:HEAD_WITHIN]), reading), labels)
        if head is not None and (known := sum(map(bool, head.fields))) > most:
            best, most = replace(best, sheet=place, place=head.place, fields=head.fields), known
    return best


def guessed_anew(session: Session, unit_id: int, raw: Sheet, settings: Settings, *, same_sheet: bool) -> Settings:
    """The settings with the columns guessed for the line that was chosen, or with the head looked for anew."""
    labels, _units = habit_of(session, unit_id)
    meant = as_meant(raw, settings.reading)
    if same_sheet and 0 <= settings.place < len(meant.lines):
        head: Head | None = head_at(meant.lines, settings.place, labels)
    else:
        head = found_head(meant, labels)
    return replace(settings, place=head.place if head else -1, fields=head.fields if head else ())


def places_of(session: Session, query: Select[Unit, int | None, int]) -> Places:
    """The units of a query as places."""
    rows = session.execute(query).all()
    ending = [row[0].id for row in rows if row[0].valid_to is not None]
    heirs = heirs_named(session, ending) if ending else {}
    return Places(
        Place(
            *(unit.id, str(unit.public_id), unit.code, unit.name, unit.short_name, parent_id, unit.valid_from),
            valid_to=unit.valid_to,
            heir=heirs.get(unit.id, ""),
        )
        for unit, parent_id, _position in rows
    )


def places_below(session: Session, unit_id: int, *, on: date) -> Places:
    """The units a list of this unit may name: itself and all below it that day."""
    return places_of(session, tree_of_units(on=on).where(Unit.id.in_(subtree(unit_id, on=on))))


def branches(session: Session, *, of: int | None, on: date) -> Places:
    """The organisations of the Party tree that day: all, or those a list of the unit `of` may name by itself.

    These are at and below the unit and its parts where they stand in that tree too, and those its people belong to.
    """
    query = tree_of_units(on=on, tree=PARTY_TREE)
    if of is None:
        return places_of(session, query)
    own = select(UnitClosure.descendant_id).where(
        UnitClosure.tree == PARTY_TREE,
        UnitClosure.ancestor_id.in_(subtree(of, on=on)),
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    theirs = select(Membership.unit_id).where(
        Membership.tree == PARTY_TREE,
        holds_on(on, Membership.valid_from, Membership.valid_to),
        Membership.person_id.in_(select(Membership.person_id).where(counted_below(of, on=on))),
    )
    return places_of(session, query.where(or_(Unit.id.in_(own), Unit.id.in_(theirs))))


def tellings(session: Session, lines: Iterable[RosterLine], *, within: Select[int] | None) -> dict[int, dict[str, Any]]:
    """What the rehearsal made of each line, by its id, without what it holds of people who are not `within`."""
    told = {line.id: dict(line.told or {}) for line in lines}
    if within is None:
        return told
    meant = {line.id: line.person_id for line in lines}
    perhaps = {uuid.UUID(other[0]) for one in told.values() for other in one.get("perhaps", ())}
    query = select(Person.id, Person.public_id).where(
        or_(Person.id.in_(set(meant.values()) - {None}), Person.public_id.in_(perhaps)), Person.id.in_(within)
    )
    known = {one for own, public in session.execute(query) for one in (own, str(public))}
    for line_id, one in told.items():
        one["perhaps"] = [other for other in one.get("perhaps", ()) if other[0] in known]
        if meant[line_id] is not None and meant[line_id] not in known:
            one |= {"changes": [], "faults": [[column, reason, ""] for column, reason, _ in one.get("faults", ())]}
    return told


def people_meant(
    session: Session,
    unit_id: int,
    *,
    codes: Iterable[str],
    emails: Iterable[str],
    names: Iterable[str],
    on: date,
    within: Select[int] | None,
) -> list[Known]:
    """Everybody whom one of these staff codes, addresses or folded names may mean; `within`: of these people only.

    Codes are those given by the unit, by one above it, by one below it, or by one that these have taken over from.
    """
    issuers = in_line_with(unit_id, on=on)
    own: dict[int, None] = {}
    searches = (
        ({code_key(code) for code in codes}, partial(bearers, issuers=issuers)),
        ({email.lower() for email in emails}, reached),
        (set(names), named),
    )
    for values, query in searches:
        for some in batches(sorted(values)):
            own |= dict.fromkeys(session.scalars(query(some)))
    linked = dict(session.execute(all_links()).all())
    standing = sorted({linked.get(one, one) for one in own})  # a record that counts no more means the one that does
    found: list[Known] = []
    for ids in batches(standing):
        found += described(session, ids, unit_id, issuers, within=within, linked=linked)
    return found


def bearers(keys: Sequence[str], *, issuers: Select[int]) -> Select[int]:
    """Who bears one of these staff codes, given by one of these units; leading noughts aside."""
    bare = [bare_code(key) for key in keys]
    return select(StaffCode.person_id).where(
        or_(StaffCode.code_key.in_(keys), func.ltrim(StaffCode.code_key, "0").in_(bare)),
        StaffCode.valid_to.is_(None),
        StaffCode.unit_id.in_(issuers),
    )


def reached(addresses: Sequence[str]) -> Select[int]:
    """Who has one of these e-mail addresses."""
    return select(Person.id).where(func.lower(Person.email).in_(addresses))


def named(keys: Sequence[str]) -> Select[int]:
    """Who has one of these folded names."""
    return select(Person.id).where(Person.search_key.in_(keys))


def in_line_with(unit_id: int, *, on: date) -> Select[int]:
    """The unit, those above and below it that day, and all that these have taken over from by then, however long ago.

    Their staff codes a list of the unit may use: who came with a merger still bears the code of before.
    """
    above = select(UnitClosure.ancestor_id).where(
        UnitClosure.tree == STATE_TREE,
        UnitClosure.descendant_id == unit_id,
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    one = aliased(Unit)  # whoever asks reads units too
    here = select(one.id.label("unit_id")).where(or_(one.id.in_(above), one.id.in_(subtree(unit_id, on=on))))
    line = here.cte("in_line", recursive=True)
    before = (
        select(UnitLineage.predecessor_id)
        .join(UnitOperation, UnitOperation.id == UnitLineage.operation_id)
        .join(line, line.c.unit_id == UnitLineage.successor_id)
        .where(UnitOperation.undone_at.is_(None), UnitOperation.effective_on <= on)
    )
    line = line.union(before)
    return select(line.c.unit_id)


def described(
    session: Session,
    ids: Sequence[int],
    unit_id: int,
    issuers: Select[int],
    *,
    within: Select[int] | None,
    linked: Mapping[int, int],
) -> list[Known]:
    """These people as a list may know them, by staff codes of records linked to them too, with three statements."""
    also = {duplicate: kept for duplicate, kept in linked.items() if kept in set(ids)}
    state, party = aliased(Membership), aliased(Membership)
    query = (
        select(
            *(Person.id, Person.public_id, Person.full_name, Person.search_key, Person.email),
            *(Person.position, Person.category, Person.party, DateOfBirth.year, DateOfBirth.day),
            *(state.unit_id, state.valid_from, party.unit_id, party.valid_from),
        )
        .outerjoin(DateOfBirth, DateOfBirth.person_id == Person.id)
        .outerjoin(state, open_main(state, STATE_TREE))
        .outerjoin(party, open_main(party, PARTY_TREE))
        .where(Person.id.in_(ids))
        .order_by(Person.id)
    )
    if within is not None:
        query = query.where(Person.id.in_(within))
    codes: dict[int, list[str]] = {}
    given: dict[int, str] = {}
    for person_id, issuer, code in session.execute(
        select(StaffCode.person_id, StaffCode.unit_id, StaffCode.code)
        .where(StaffCode.person_id.in_([*ids, *also]), StaffCode.valid_to.is_(None), StaffCode.unit_id.in_(issuers))
        .order_by(StaffCode.id)
    ):
        person_id = also.get(person_id, person_id)
        codes.setdefault(person_id, []).append(code)
        if issuer == unit_id:
            given[person_id] = code
    return [known(row, tuple(codes.get(row[0], ())), given.get(row[0], "")) for row in session.execute(query)]


def known(row: Sequence[Any], codes: tuple[str, ...], own_code: str) -> Known:
    """One person, of a row of `described`. Any: its columns are of many kinds."""
    own, public_id, full_name, key, email, position, category, party, year, day, *where = row
    unit_id, unit_since, branch_id, branch_since = where
    return Known(
        person_id=own,
        public_id=str(public_id),
        full_name=full_name,
        key=key,
        email=email or "",
        born=Birth(year, day) if year is not None else None,
        position=position,
        category=category,
        party=party,
        unit_id=unit_id,
        unit_since=unit_since,
        branch_id=branch_id,
        branch_since=branch_since,
        codes=codes,
        own_code=own_code,
    )


def open_main(membership: type[Membership], tree: str) -> Any:
    """The membership in which a person is counted in that tree, today or from a later day on. Any: a condition."""
    return and_(
        membership.person_id == Person.id,
        membership.tree == tree,
        membership.kind == "main",
        membership.valid_to.is_(None),
    )


def counted_below(unit_id: int, *, on: date) -> ColumnElement[bool]:
    """Whether a membership counts somebody in the unit or below it that day."""
    return and_(
        Membership.tree == STATE_TREE,
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
        Membership.unit_id.in_(subtree(unit_id, on=on)),
    )


def unit_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of units by their ids."""
    return dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(set(ids)))).all())


def public_units(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    """The opaque ids of these units, by their keys."""
    rows = session.execute(select(Unit.id, Unit.public_id).where(Unit.id.in_([one for one in ids if one is not None])))
    return {unit_id: str(public_id) for unit_id, public_id in rows}


def one_list(session: Session, upload_id: int) -> RosterUpload | None:
    """The list of a job, held until the transaction ends."""
    return session.get(RosterUpload, upload_id, with_for_update=True)


def bearers_of(session: Session, code: str) -> list[int]:
    """The ids of those who bear this staff code today, in whatever unit; a code of two names neither for sure."""
    held = holds_on(clock.today(), StaffCode.valid_from, StaffCode.valid_to)
    query = select(StaffCode.person_id).where(StaffCode.code_key == code_key(code), held)
    return list(session.scalars(query.distinct().order_by(StaffCode.person_id)))


def staff_codes(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The staff codes these people bear, by person."""
    found: dict[int, tuple[str, ...]] = {}
    for start in range(0, len(ids), 10_000):
        some = ids[start : start + 10_000]
        query = select(StaffCode.person_id, StaffCode.code).where(
            StaffCode.person_id.in_(some), StaffCode.valid_to.is_(None)
        )
        for person_id, code in session.execute(query.order_by(StaffCode.id)):
            found[person_id] = (*found.get(person_id, ()), code)
    return found


def lists_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """Of which unit lists are and when they were handed in, by their opaque ids (`called` in lms/doors.py).

    What their files are called stays out of it: that may be a person's name.
    """
    known = RosterUpload.public_id.in_([uuid.UUID(one) for one in ids])
    query = select(RosterUpload.public_id, Unit.name, RosterUpload.uploaded_at)
    rows = session.execute(query.join(Unit, Unit.id == RosterUpload.unit_id).where(known))
    return {str(own): f"{unit}, {at.astimezone(clock.VIETNAM):%H:%M, %d/%m/%Y}" for own, unit, at in rows}
