"""What a list would change: each line is somebody new, changed, moved, as before, wrong, or a question. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lms.roster.matching import Crowd, Identity, Known, Places, Record, identity
from lms.roster.rules import NEW, SKIP, Settings, code_key, digest_of
from lms.roster.validation import Fault, Row, Unsure

CREATED, CHANGED, MOVED, UNCHANGED, BAD, ASKED, ASIDE = "new", "changed", "moved", "unchanged", "bad", "asked", "aside"
KINDS = (CREATED, CHANGED, MOVED, UNCHANGED, BAD, ASKED, ASIDE)
APPLIED = frozenset({CREATED, CHANGED, MOVED})


@dataclass(frozen=True, slots=True)
class Change:
    """One field of somebody who is here, before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a line. Of a question: who may be meant, and why it is not sure."""

    line: int
    kind: str
    record: Record | None = None
    person: Known | None = None
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    perhaps: tuple[Known, ...] = ()
    why: str = ""

    def mark(self) -> str:
        """Everything about it that must be as it was when it is applied."""
        who = self.person.public_id if self.person else ""
        until = (self.person.unit_id, self.person.unit_since, self.person.branch_id) if self.person else ()
        said = self.record if self.kind in APPLIED else None
        return repr((self.line, self.kind, who, until, self.changes, said))


@dataclass(frozen=True, slots=True)
class Understood:
    """The lines of a sheet as they are understood; the texts that name units not for sure, or by choice; the units."""

    rows: tuple[Row, ...]
    unsure: tuple[Unsure, ...]
    decided: tuple[Unsure, ...]
    places: Places
    branches: Places


@dataclass(frozen=True, slots=True)
class Plan:
    """What a list would do: the outcome of every line, and the texts for which a unit must be chosen."""

    outcomes: tuple[Outcome, ...]
    unsure: tuple[Unsure, ...]


def digest_of_plan(upload_digest: str, settings: Settings, outcomes: Sequence[Outcome]) -> str:
    """The digest of what would be applied now."""
    return digest_of([upload_digest, settings.text(), *(one.mark() for one in outcomes)])


def spared(outcomes: Sequence[Outcome], *, beyond: Collection[int], opening: Collection[int]) -> tuple[Outcome, ...]:
    """The outcomes with nothing changed about people `beyond` reach, and no address of mail of those `opening` more."""
    return tuple(
        replace(one, kind=BAD, changes=(), faults=(*one.faults, Fault(-1, "role_further", "")))
        if one.person is not None
        and one.kind in {CHANGED, MOVED}
        and (
            one.person.person_id in beyond
            or (one.person.person_id in opening and any(change.field == "email" for change in one.changes))
        )
        else one
        for one in outcomes
    )


class Rehearsal:
    """Compares the rows of a list with the people who are here."""

    def __init__(self, settings: Settings, *, known: Crowd, places: Places, branches: Places) -> None:
        self.settings, self.known = settings, known
        self.places, self.branches = places, branches

    def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """One outcome a row, in their order. Two lines that are one person's are never both applied."""
        result: list[Outcome] = []
        first: dict[int, int] = {}
        for row in rows:
            one = self.outcome(row)
            if one.person is not None:
                earlier = first.setdefault(one.person.person_id, one.line)
                if earlier != one.line:
                    fault = Fault(-1, "same_person", str(earlier))
                    one = replace(one, kind=BAD, changes=(), faults=(*one.faults, fault))
            result.append(one)
        return result

    def outcome(self, row: Row) -> Outcome:
        """What becomes of one row."""
        if row.record is None:
            return Outcome(row.line.number, ASIDE)
        record = row.record
        near = self.places.by_id
        who = self.answered(record, identity(record, self.known, near=near)) if record.full_name else Identity()
        if who is None:
            return Outcome(record.line, ASIDE, record)
        if row.faults:
            return Outcome(record.line, BAD, record, who.person, faults=row.faults)
        if who.perhaps:
            return Outcome(record.line, ASKED, record, perhaps=who.perhaps, why=who.why)
        return self.created(record) if who.person is None else self.compared(record, who.person)

    def answered(self, record: Record, who: Identity) -> Identity | None:
        """Who the line is, by what was answered where it was in doubt; None: it is left aside."""
        if not who.perhaps:
            return who
        answer = self.settings.answers.get(str(record.line), "")
        if answer == SKIP:
            return None
        if answer == NEW:
            return Identity()
        if (chosen := next((one for one in who.perhaps if one.public_id == answer), None)) is not None:
            return Identity(chosen)
        if self.settings.namesakes and who.why == "no_birth":
            return Identity(who.perhaps[0])
        return who

    def created(self, record: Record) -> Outcome:
        """Somebody new. A code that somebody else bears is never given twice."""
        faults = self.day_faults(record, None)
        if record.code and self.known.by_code.get(code_key(record.code)):
            faults.append(Fault(-1, "code_taken", record.code))
        return Outcome(record.line, BAD if faults else CREATED, record, faults=tuple(faults))

    def compared(self, record: Record, person: Known) -> Outcome:
        """Somebody who is here: what the list says otherwise than the system."""
        changes = changes_of(record, person)
        moved = record.unit_id is not None and record.unit_id != person.unit_id
        if moved:
            changes.append(Change("unit", self.name_of(person.unit_id), self.name_of(record.unit_id)))
        if record.branch_id is not None and record.branch_id != person.branch_id:
            changes.append(Change("branch", self.branch_of(person.branch_id), self.branch_of(record.branch_id)))
        faults = self.day_faults(record, person) if changes else []
        others = [one for one in self.known.by_code.get(code_key(record.code), []) if one.person_id != person.person_id]
        if record.code and others:
            faults.append(Fault(-1, "code_taken", record.code))
        if faults:
            return Outcome(record.line, BAD, record, person, faults=tuple(faults))
        kind = MOVED if moved else CHANGED if changes else UNCHANGED
        return Outcome(record.line, kind, record, person, tuple(changes))

    def day_faults(self, record: Record, person: Known | None) -> list[Fault]:
        """Whether the day from which the list holds lies outside the unit's, or before what is known of the person."""
        on, faults = self.settings.on, []
        for unit_id, present, since, places in (
            (record.unit_id, person.unit_id if person else None, person.unit_since if person else None, self.places),
            (
                record.branch_id,
                person.branch_id if person else None,
                person.branch_since if person else None,
                self.branches,
            ),
        ):
            if unit_id is None or unit_id == present:
                continue
            place = places.by_id[unit_id]
            if on < place.valid_from:
                faults.append(Fault(-1, "unit_early", place.name))
            elif place.valid_to is not None and place.valid_to <= on:
                ends = f"{place.name}, {place.valid_to:%d/%m/%Y}"
                faults.append(Fault(-1, "unit_ended", f"{ends} → {place.heir}" if place.heir else ends))
            elif since is not None and on < since:
                faults.append(Fault(-1, "move_early", f"{since:%d/%m/%Y}"))
        return faults

    def name_of(self, unit_id: int | None) -> str:
        """The name of a unit among those of the list; "…" for one elsewhere, "" for none."""
        return "" if unit_id is None else self.places.by_id[unit_id].name if unit_id in self.places.by_id else "…"

    def branch_of(self, unit_id: int | None) -> str:
        """The name of a Party organisation."""
        return "" if unit_id is None else self.branches.by_id[unit_id].name if unit_id in self.branches.by_id else "…"


def changes_of(record: Record, person: Known) -> list[Change]:
    """What the list says otherwise of somebody, units aside. An empty cell and a less exact birth say nothing."""
    changes = [
        Change(field, str(getattr(person, field)), str(getattr(record, field)))
        for field in ("full_name", "position", "category", "party")
        if getattr(record, field) and getattr(record, field) != getattr(person, field)
    ]
    if record.email and record.email.lower() != person.email.lower():
        changes.append(Change("email", person.email, record.email))
    if record.born is not None and record.born != person.born:
        exact = record.born.day is not None or person.born is None or not record.born.fits(person.born)
        if exact:
            changes.append(Change("born", str(person.born or ""), str(record.born)))
    if record.code and code_key(record.code) not in {code_key(code) for code in person.codes}:
        changes.append(Change("code", person.own_code, record.code))
    return changes
