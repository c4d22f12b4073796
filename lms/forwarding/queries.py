"""Which statements a target gets next, how far behind it is, and what it refused."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import MOST_BYTES, REMOVED, STUMBLES, Load, below, together
from lms.xapi.models import XapiActivity, XapiAttachment, XapiBody, XapiStatement, XapiVerb
from lms.xapi.parts import Attached, holding
from lms.xapi.queries import Kept, columns_of, kept_attachments
from lms.xapi.vocabulary import VOIDED

WINDOW = 2_000  # statements looked at in one go: a target that wants few of them must not make a long query
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement to be sent: its exact bytes, whether it voids another, and which data of attachments came with it."""

    sequence: int
    statement_id: uuid.UUID
    body: bytes
    voids: bool
    kept: Sequence[Kept] = ()

    @property
    def load(self) -> Load:
        """What it adds to a request."""
        return Load(len(self.body) + sum(one.octets for one in self.kept), len(self.kept))


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
    size, more = 0, False
    with session.execute(query.limit(target.size).execution_options(yield_per=10)) as rows:
        for row in rows:
            size += len(row[2])
            if more := bool(found) and size > MOST_BYTES:
                break
            found.append(Piece(*row))
    found = with_kept(session, found)
    count = together([one.load for one in found])
    if more or count < len(found) or count == target.size:
        return found[:count], found[count - 1].sequence
    return found, upto


def with_kept(session: Session, found: Sequence[Piece]) -> list[Piece]:
    """The same, knowing which data came with them. No query is made when none of them names an attachment."""
    kept = kept_attachments(session, [one.statement_id for one in found if holding(one.body).kinds])
    return [replace(one, kept=kept[one.statement_id][1]) if one.statement_id in kept else one for one in found]


def data_of(session: Session, found: Sequence[Piece]) -> list[Attached]:
    """The data that came with these statements, each once."""
    named: dict[int, tuple[str, str]] = {}
    for piece in found:
        kinds = holding(piece.body).kinds if piece.kept else {}
        named |= {one.attachment_id: (one.digest.hex(), kinds[one.digest.hex()]) for one in piece.kept}
    data = columns_of(session, XapiAttachment.id, XapiAttachment.data, list(named))
    return [Attached(sha2, kind, data[row]) for row, (sha2, kind) in named.items()]


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
    return (row[4], with_kept(session, [Piece(*row[:4])])[0]) if row is not None else None


def set_aside_in_a_row(session: Session, target: ForwardTarget) -> int:
    """At how many statements the target has failed, each set aside, since it last took anything."""
    since = [DeadLetter.at > target.succeeded_at] if target.succeeded_at is not None else []
    failed_at = (DeadLetter.target_id == target.id, DeadLetter.status.in_(STUMBLES), *since)
    return session.scalar(select(func.count()).where(*failed_at)) or 0


def targets() -> Select[ForwardTarget]:
    """All targets, the newest last, and after them those that were removed."""
    return select(ForwardTarget).order_by(ForwardTarget.state == REMOVED, ForwardTarget.id)


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


def waiting(session: Session, found: Sequence[ForwardTarget]) -> Mapping[int, Waiting]:
    """How far each of these targets is behind, counted up to some thousands; in one query, however many they are."""
    rows = session.execute(union_all(*map(behind, found))) if found else ()
    return {target: Waiting(min(number, MOST_COUNTED), number > MOST_COUNTED, since) for target, number, since in rows}


def behind(target: ForwardTarget) -> Select[int, int, datetime | None]:
    """Its id, how many statements lie after its cursor, and when the first of them was stored."""
    after = select(XapiStatement.stored).where(XapiStatement.sequence > target.cursor)
    number = select(func.count()).select_from(after.limit(MOST_COUNTED + 1).subquery()).scalar_subquery()
    first = after.order_by(XapiStatement.sequence).limit(1).scalar_subquery()
    return select(literal(target.id), number, first)
