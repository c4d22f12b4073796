"""The audit log's table, and from when on it is kept."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class AuditEntry(Base):
    """One act. People are named by their opaque id, so that erasing a person reaches the log too."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_object", "object_kind", "object_id"),
        Index("ix_audit_entry_action", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[uuid.UUID | None] = mapped_column(index=True)
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]]
    address: Mapped[str]


class AuditRetention(Base):
    """One row: entries before this moment may go. A trigger refuses any moment of the last ninety days."""

    __tablename__ = "audit_retention"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    kept_from: Mapped[datetime]
