"""Writing the audit log, and the one way by which its oldest entries go; triggers refuse every other."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from lms.audit.delivery import keep_for_lines
from lms.audit.models import AuditEntry, AuditRetention
from lms.audit.rules import kept_from
from lms.clock import now as present
from lms.db import Base, config_of

Changes = Mapping[str, tuple[object, object]]
"""By name of what was changed: the value before, and the value after."""

ENTRIES = Base.metadata.tables[AuditEntry.__tablename__]


def note(
    session: Session,
    action: str,
    *,
    actor: uuid.UUID | None,
    object_kind: str,
    object_id: object,
    changes: Any = None,  # Changes: said so here, callers with details of their own could not hand them on
    **details: Any,
) -> None:
    """Add one entry. Details and changes are plain JSON values and never contain a name, an address or a secret.

    From which address it was asked for is known to the session (`asked_from` in lms/db.py).
    """
    rows = [row_of(session, action, actor, object_kind, object_id, with_changes(details, changes))]
    add(session, rows)


def note_each(
    session: Session,
    action: str,
    *,
    actor: uuid.UUID | None,
    object_kind: str,
    objects: Iterable[tuple[object, Mapping[str, Any]]],
) -> None:
    """Add an entry for each of many objects, given with its own details, in one statement."""
    rows = [row_of(session, action, actor, object_kind, one, dict(details)) for one, details in objects]
    if rows:
        add(session, rows)


def with_changes(details: dict[str, Any], changes: Changes | None) -> dict[str, Any]:
    """Details with the pairs of those values that really changed."""
    pairs = {name: list(pair) for name, pair in (changes or {}).items() if pair[0] != pair[1]}
    return {**details, "changes": pairs} if pairs else details


def row_of(
    session: Session, action: str, actor: uuid.UUID | None, kind: str, object_id: object, details: dict[str, Any]
) -> dict[str, Any]:
    return {
        "at": present(),
        "actor": actor,
        "action": action,
        "object_kind": kind,
        "object_id": str(object_id),
        "details": details,
        "address": session.info.get("address", ""),
    }


def add(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write the rows; where lines are wanted too, they are told their numbers and wait for the commit."""
    place = config_of(session).audit_lines
    if not place:
        session.connection().execute(insert(ENTRIES), rows)  # past the mapper: lists bring thousands
        return
    numbers = session.scalars(insert(AuditEntry).returning(AuditEntry.id, sort_by_parameter_order=True), rows).all()
    keep_for_lines(session, place, [{"id": number, **row} for number, row in zip(numbers, rows, strict=True)])


def forget_entries(session: Session, now: datetime) -> None:
    """At night: entries older than LMS_AUDIT_MONTHS go, and the log says how many and up to when.

    The database lets them go because `audit_retention` says from when on entries are kept; it takes no moment later
    than ninety days ago, whoever writes it.
    """
    limit = kept_from(now, config_of(session).audit_months)
    old = AuditEntry.at < limit
    if not session.scalar(select(exists().where(old))):
        return
    retention = session.get(AuditRetention, 1) or AuditRetention(id=1, kept_from=limit)
    retention.kept_from = limit
    session.add(retention)
    session.flush()  # the trigger reads it
    gone = session.execute(delete(AuditEntry).where(old).execution_options(synchronize_session=False))
    removed = int(getattr(gone, "rowcount", 0))
    note(session, "audit.forget", actor=None, object_kind="audit", object_id="-", entries=removed, before=str(limit))
