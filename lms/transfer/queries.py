"""Statements in the order of their sequence, a bounded piece at a time, and which data came with them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.xapi.models import XapiAttachment, XapiBody, XapiStatement
from lms.xapi.parts import holding
from lms.xapi.queries import kept_attachments
from lms.xapi.statement import attachments_of

AT_ONCE = 500  # statements
MOST_BYTES = 8_000_000  # no statement is begun after this
decode = msgspec.json.Decoder().decode


class Came(NamedTuple):
    """An attachment whose data came with its statement, and where the store has them."""

    statement_id: str
    attachment: Mapping[str, Any]
    attachment_id: int


def stored_after(
    session: Session, sequence: int, *, through: int, since: datetime | None, until: datetime | None
) -> list[tuple[int, bytes]]:
    """The next statements with their sequences; `since` and `until` bound `stored` as the filters of the standard do.

    Voided statements are among them, and what voids them.
    """
    query = (
        select(XapiStatement.sequence, XapiBody.body)
        .join(XapiBody, XapiBody.sequence == XapiStatement.sequence)
        .where(XapiStatement.sequence > sequence, XapiStatement.sequence <= through)
        .order_by(XapiStatement.sequence)
        .limit(AT_ONCE)
    )
    if since is not None:
        query = query.where(XapiStatement.stored > since)
    if until is not None:
        query = query.where(XapiStatement.stored <= until)
    found: list[tuple[int, bytes]] = []
    size = 0
    with session.execute(query.execution_options(yield_per=50)) as rows:
        for number, body in rows:
            found.append((number, body))
            size += len(body)
            if size >= MOST_BYTES:
                break
    return found


def data_that_came(session: Session, bodies: Sequence[bytes]) -> Iterator[Came]:
    """Each attachment of these statements whose data came with it. No query is made when none has an attachment."""
    holders = {uuid.UUID(one["id"]): one for one in (decode(body) for body in bodies if holding(body).kinds)}
    for statement_id, (_, kept) in kept_attachments(session, list(holders)).items():
        rows = {row.digest.hex(): row.attachment_id for row in kept}
        for _, one in attachments_of(holders[statement_id], ""):
            if (row := rows.get(one["sha2"].lower())) is not None:
                yield Came(str(statement_id), one, row)


def data_of(session: Session, attachment_id: int) -> bytes:
    """The data themselves."""
    return session.scalars(select(XapiAttachment.data).where(XapiAttachment.id == attachment_id)).one()
