"""Changing the organisation. Every change has a day, keeps the closure in step, and is noted in the log."""

import uuid
from datetime import date

from sqlalchemy import func, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import text
from lms.audit.actions import note
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.queries import holds_on


class CodeTaken(ValueError):
    """Another unit, of today or of the past, already carries this code: codes are never used again."""


def create_unit(
    session: Session,
    *,
    code: str,
    name: str,
    kind: str,
    parent: Unit | None,
    since: date,
    short_name: str = "",
    tree: str = STATE_TREE,
    position: int = 0,
    counted: bool = True,
    note_text: str = "",
    by: uuid.UUID | None = None,
) -> Unit:
    """Add a unit below `parent` (None makes a root) from the day `since`. Raises `CodeTaken`."""
    if session.scalar(select(Unit.id).where(func.lower(Unit.code) == code.lower())) is not None:
        raise CodeTaken(code)
    unit = Unit(
        public_id=uuid.uuid4(),
        code=code,
        kind=kind,
        name=text.nfc(name),
        short_name=text.nfc(short_name or name),
        sort_key=text.sort_key(name),
        counted=counted,
        note=note_text,
        valid_from=since,
    )
    try:
        with session.begin_nested():
            session.add(unit)  # the closure needs the id
    except IntegrityError as error:  # another transaction took the code after we had looked
        raise CodeTaken(code) from error
    place(session, unit, parent, since=since, tree=tree, position=position)
    above = str(parent.public_id) if parent else None
    begun = {"code": (None, code), "kind": (None, kind), "parent": (None, above), "since": (None, str(since))}
    note(session, "unit.create", actor=by, object_kind="unit", object_id=unit.public_id, changes=begun, tree=tree)
    return unit


def place(session: Session, unit: Unit, parent: Unit | None, *, since: date, tree: str, position: int) -> None:
    """Put a new leaf into a tree: its edge, and a closure row for itself and for each ancestor."""
    itself = {"tree": tree, "ancestor_id": unit.id, "descendant_id": unit.id, "depth": 0, "valid_from": since}
    session.execute(insert(UnitClosure).values(itself))
    if parent is None:
        return
    session.execute(
        insert(UnitEdge).values(tree=tree, parent_id=parent.id, child_id=unit.id, position=position, valid_from=since)
    )
    above = select(
        UnitClosure.tree, UnitClosure.ancestor_id, literal(unit.id), UnitClosure.depth + 1, literal(since)
    ).where(
        UnitClosure.tree == tree,
        UnitClosure.descendant_id == parent.id,
        holds_on(since, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    columns = ["tree", "ancestor_id", "descendant_id", "depth", "valid_from"]
    session.execute(insert(UnitClosure).from_select(columns, above))
