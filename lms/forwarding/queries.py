"""Which statements a target gets next, how far behind it is, and what it refused."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import MOST_BYTES, below
from lms.xapi.models import XapiActivity, XapiBody, XapiStatement, XapiVerb
from lms.xapi.vocabulary import VOIDED

WINDOW = 2_000  # statements looked at in one go: a target that wants few of them must not make a long query
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement to be sent: its exact bytes, and whether it voids another."""

    sequence: int
    statement_id: uuid.UUID
    body: bytes
    voids: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """How far a target is behind: so many statements to be looked at (`more`: and further ones), since when."""

    number: int
    more: bool
    since: datetime | None


def newest(session: Session) -> int:
    """The highest sequence that can be read now; 0 when nothing is stored."""
    return session.scalar(select(func.max(XapiStatement.sequence))) or 0


def end_of_window(session: Session, *, after: int, upto: int) -> int | None:
    """The sequence at which looking stops this time; None when nothing lies between."""
    statement = XapiStatement.sequence
    looked_at = select(statement).where(statement > after, statement <= upto).order_by(statement).limit(WINDOW)
    end: int | None = session.scalar(select(func.max(looked_at.subquery().c.sequence)))
    return end


def pieces(session: Session, target: ForwardTarget, *, upto: int) -> tuple[list[Piece], int]:
    """The next statements this target gets, in order, as many as go into one request; and up to where that is all."""
    query = stored().where(XapiStatement.sequence > target.cursor, XapiStatement.sequence <= upto, *wanted(target))
    found: list[Piece] = []
    size = 0
    with session.execute(query.limit(target.size).execution_options(yield_per=10)) as rows:
        for sequence, statement_id, body, voids in rows:
            if found and size + len(body) > MOST_BYTES:
                return found, found[-1].sequence
            found.append(Piece(sequence, statement_id, body, voids))
            size += len(body)
    return found, found[-1].sequence if len(found) == target.size else upto


def stored() -> Select[int, uuid.UUID, bytes, bool]:
    """Statements as pieces, in order."""
    return (
        select(XapiStatement.sequence, XapiStatement.statement_id, XapiBody.body, XapiVerb.iri == VOIDED)
        .join(XapiBody, XapiBody.sequence == XapiStatement.sequence)
        .join(XapiVerb, XapiVerb.id == XapiStatement.verb_id)
        .order_by(XapiStatement.sequence)
    )


def wanted(target: ForwardTarget) -> list[ColumnElement[bool]]:
    """Which statements this target gets. Voided ones are among them, and what voids them follows."""
    conditions: list[ColumnElement[bool]] = []
    if target.not_from is not None:
        conditions.append(or_(XapiStatement.client_id.is_(None), XapiStatement.client_id != target.not_from))
    if target.counted_only or target.activity_prefix is not None:
        told = aliased(XapiStatement)
        about = exists().where(told.statement_id == XapiStatement.target, *chosen(told, target))
        conditions.append(or_(and_(*chosen(XapiStatement, target)), about))
    return conditions


def chosen(statement: Any, target: ForwardTarget) -> list[ColumnElement[bool]]:
    """What the target asks of a statement itself."""
    conditions: list[ColumnElement[bool]] = [statement.counts] if target.counted_only else []
    if target.activity_prefix is not None:
        start, iri = below(target.activity_prefix), XapiActivity.iri
        named = or_(iri == target.activity_prefix, func.substr(iri, 1, len(start)) == start)
        conditions.append(exists().where(XapiActivity.id == statement.activity_id, named))
    return conditions


def first_to_replay(session: Session, target_id: int) -> tuple[int, Piece] | None:
    """The id of a refused statement that shall be sent once more, and the statement."""
    query = stored().join(DeadLetter, DeadLetter.sequence == XapiStatement.sequence)
    row = session.execute(
        query.add_columns(DeadLetter.id).where(DeadLetter.target_id == target_id, DeadLetter.again).limit(1)
    ).first()
    return (row[4], Piece(row[0], row[1], row[2], row[3])) if row is not None else None


def targets() -> Select[ForwardTarget]:
    """All targets, the newest last."""
    return select(ForwardTarget).order_by(ForwardTarget.id)


def letters_of(target_id: int) -> Select[DeadLetter, uuid.UUID]:
    """What the target refused, the oldest statement first, with the ids of the statements."""
    return (
        select(DeadLetter, XapiStatement.statement_id)
        .join(XapiStatement, XapiStatement.sequence == DeadLetter.sequence)
        .where(DeadLetter.target_id == target_id)
        .order_by(DeadLetter.sequence)
    )


def letters_by_target(session: Session) -> Mapping[int, int]:
    """How many statements each target refused."""
    rows = session.execute(select(DeadLetter.target_id, func.count()).group_by(DeadLetter.target_id))
    return dict(rows.all())


def waiting(session: Session, target: ForwardTarget) -> Waiting:
    """How far the target is behind, counted up to some thousands."""
    after = select(XapiStatement.sequence).where(XapiStatement.sequence > target.cursor)
    number = session.scalar(select(func.count()).select_from(after.limit(MOST_COUNTED + 1).subquery())) or 0
    first = select(XapiStatement.stored).where(XapiStatement.sequence > target.cursor).order_by(XapiStatement.sequence)
    return Waiting(min(number, MOST_COUNTED), number > MOST_COUNTED, session.scalar(first.limit(1)))
