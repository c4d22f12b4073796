"""Writing the audit log. There is no action that changes or removes an entry; triggers refuse it."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lms import clock
from lms.audit.models import AuditEntry
from lms.db import Base

ENTRIES = Base.metadata.tables[AuditEntry.__tablename__]


def note(
    session: Session,
    action: str,
    *,
    actor: uuid.UUID | None,
    object_kind: str,
    object_id: object,
    address: str = "",
    **details: Any,
) -> None:
    """Add one entry. `details` are plain JSON values and never contain a name, an address or a secret."""
    session.execute(
        insert(AuditEntry).values(
            at=clock.now(),
            actor=actor,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            details=details,
            address=address,
        )
    )


def note_each(
    session: Session,
    action: str,
    *,
    actor: uuid.UUID | None,
    object_kind: str,
    objects: Iterable[tuple[object, Mapping[str, Any]]],
) -> None:
    """Add an entry for each of many objects, given with its own details, in one statement."""
    now = clock.now()
    rows = [
        {
            "at": now,
            "actor": actor,
            "action": action,
            "object_kind": object_kind,
            "object_id": str(object_id),
            "details": dict(details),
            "address": "",
        }
        for object_id, details in objects
    ]
    if rows:
        session.connection().execute(insert(ENTRIES), rows)
