"""What people have asked about their data."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.accounts.models import Person
from lms.db import Base, once


class PrivacyRequest(Base):
    """Somebody asks for their data to be put right or erased; one open request of each kind at a time.

    `reason` and `answer` are their own words and may hold names: they go when the person is erased.
    """

    __tablename__ = "privacy_request"
    __table_args__ = (
        CheckConstraint("kind IN ('correction', 'erasure')", name="kind"),
        CheckConstraint("state IN ('new', 'in_work', 'answered')", name="state"),
        CheckConstraint("(state = 'answered') = (outcome IS NOT NULL AND answered_at IS NOT NULL)", name="answered"),
        CheckConstraint("outcome IN ('corrected', 'refused', 'erased')", name="outcome"),
        Index("ix_privacy_request_worklist", "state", "due_on"),
        once("uq_privacy_request_open", "person_id", "kind", where="state <> 'answered'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="new")
    reason: Mapped[str]
    outcome: Mapped[str | None]
    answer: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    taken_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
