"""What a reflection asks in a briefing, the text under way, every version handed in, and verdicts taken back."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.enrolment.models import Briefing
from lms.accounts.models import Person
from lms.db import Base


class ReflectionTask(Base):
    """The questions of the reflection of a briefing, as `rules.document_of` writes them."""

    __tablename__ = "reflection_task"

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    questions: Mapped[list[Any]]
    set_at: Mapped[datetime]
    set_by: Mapped[uuid.UUID | None]

    briefing: Mapped[Briefing] = relationship()


class Reflection(Base):
    """Somebody's reflection in a briefing: the answers as they are being written, and where it is.

    `state` is one of `rules.STATES`. It goes with the person who is erased.
    """

    __tablename__ = "reflection"
    __table_args__ = (
        CheckConstraint("state IN ('writing', 'waiting', 'returned', 'accepted')", name="state"),
        Index("uq_reflection_person", "person_id", "briefing_id", unique=True),
        Index("ix_reflection_queue", "briefing_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str]
    answers: Mapped[list[str]]
    saved_at: Mapped[datetime]
    handed_in_at: Mapped[datetime | None]

    briefing: Mapped[Briefing] = relationship()
    person: Mapped[Person] = relationship()


class ReflectionVersion(Base):
    """What was handed in, numbered from 1, with the questions as they were, and what the reader said of it.

    `verdict` is "", accepted or returned; `read_by` the public id of the reader.
    """

    __tablename__ = "reflection_version"
    __table_args__ = (CheckConstraint("verdict IN ('', 'accepted', 'returned')", name="verdict"),)

    reflection_id: Mapped[int] = mapped_column(ForeignKey("reflection.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    questions: Mapped[list[str]]
    answers: Mapped[list[str]]
    handed_in_at: Mapped[datetime]
    verdict: Mapped[str]
    comment: Mapped[str]
    read_at: Mapped[datetime | None]
    read_by: Mapped[uuid.UUID | None]


class ReflectionTakenBack(Base):
    """That version had been accepted, by mistake: what the reader had said, and why it was taken back.

    `statement_id` is that of the statement which said so, void since. The version waits for a reader again.
    """

    __tablename__ = "reflection_taken_back"
    __table_args__ = (Index("ix_reflection_taken_back_reflection_id", "reflection_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reflection_id: Mapped[int] = mapped_column(ForeignKey("reflection.id"))
    number: Mapped[int]
    comment: Mapped[str]
    read_at: Mapped[datetime | None]
    read_by: Mapped[uuid.UUID | None]
    reason: Mapped[str]
    taken_back_at: Mapped[datetime]
    taken_back_by: Mapped[uuid.UUID]
    statement_id: Mapped[uuid.UUID]
