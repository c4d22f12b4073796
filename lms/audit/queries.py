"""Reading the audit log, the newest entry first, by pages that continue after an entry (keyset)."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lms.audit.models import AuditEntry
from lms.db import let_go

PAGE = 50
MOST_ROWS = 50_000
"""So many rows fit into a file that a spreadsheet opens; a narrower filter gives the others."""

PIECE = 1_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What entries are looked for; None and "" ask for all."""

    actor: uuid.UUID | None = None
    action: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and whether there are older ones."""

    entries: list[AuditEntry]
    older: bool


def matching(sought: Sought) -> Select[AuditEntry]:
    """The entries that meet every condition, the newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if sought.actor is not None:
        query = query.where(AuditEntry.actor == sought.actor)
    if sought.action:
        query = query.where(AuditEntry.action == sought.action)
    if sought.object_id:
        query = query.where(AuditEntry.object_id == sought.object_id)
    if sought.since is not None:
        query = query.where(AuditEntry.at >= sought.since)
    if sought.until is not None:
        query = query.where(AuditEntry.at <= sought.until)
    return query


def page(session: Session, sought: Sought, *, before: int | None) -> Page:
    """The entries before that one, or the newest; one query however many there are."""
    return page_of(session, matching(sought), before=before)


def page_of(session: Session, query: Select[AuditEntry], *, before: int | None) -> Page:
    """A page of any selection of entries in that order."""
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = list(session.scalars(query.limit(PAGE + 1)))
    return Page(found[:PAGE], older=len(found) > PAGE)


def all_matching(session: Session, sought: Sought, *, most: int = MOST_ROWS) -> Iterator[list[AuditEntry]]:
    """Every matching entry, at most so many, piece by piece."""
    let_go(session)
    before: int | None = None
    left = most
    while left > 0:
        query = matching(sought) if before is None else matching(sought).where(AuditEntry.id < before)
        piece = list(session.scalars(query.limit(min(PIECE, left))))
        if not piece:
            return
        yield piece
        session.expunge_all()  # what has gone out is not kept
        before, left = piece[-1].id, left - len(piece)


def after(number: int) -> Select[AuditEntry]:
    """The entries with a greater number, the oldest first."""
    return select(AuditEntry).where(AuditEntry.id > number).order_by(AuditEntry.id)
