"""Giving notices, and taking note that they were seen."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms import clock
from lms.notices.models import Notice

KEPT = timedelta(days=180)
"""Notices older than this go."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a notice says, in Vietnamese and English, and the path of the page it is about."""

    text: str
    text_en: str
    path: str


def give_notices(session: Session, lines: Mapping[int, Line], *, key: str) -> None:
    """Give each of these people, by id, a line. Nobody is given one twice under the same key."""
    now = clock.now()
    rows: Sequence[dict[str, Any]] = [
        {
            "public_id": uuid.uuid4(),
            "person_id": person_id,
            "text": line.text,
            "text_en": line.text_en,
            "path": line.path,
            "key": f"{key} {person_id}",
            "created_at": now,
        }
        for person_id, line in sorted(lines.items())
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Notice).on_conflict_do_nothing(index_elements=["key"]), rows)


def withdraw_notices(session: Session, *, key: str) -> None:
    """What was told under that key is over: whoever has not seen it need not any more."""
    told = Notice.key.startswith(f"{key} ", autoescape=True), Notice.seen_at.is_(None)
    over = update(Notice).where(*told).values(seen_at=clock.now())
    session.execute(over.execution_options(synchronize_session=False))


def mark_seen(session: Session, person_id: int, public_id: uuid.UUID) -> None:
    """The person has seen the notice. Of anybody else's nothing changes."""
    mine = (Notice.person_id == person_id, Notice.public_id == public_id, Notice.seen_at.is_(None))
    session.execute(update(Notice).where(*mine).values(seen_at=clock.now()))


def forget_old(session: Session, now: datetime) -> None:
    """Remove notices of long ago."""
    old = delete(Notice).where(Notice.created_at < now - KEPT)
    session.execute(old.execution_options(synchronize_session=False))
