"""Statements in the order of their sequence, a bounded piece at a time."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.xapi.models import XapiBody, XapiStatement

AT_ONCE = 500  # statements
MOST_BYTES = 8_000_000  # no statement is begun after this


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
