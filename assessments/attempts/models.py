"""An attempt, the paper drawn for it, and what was answered."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base


class Attempt(Base):
    """One attempt of a person at a test. At most one is open at a time; the paper never changes.

    `deadline_at` is fixed at the start by the server's clock (None: no time limit). Scores are set once, at the end.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("person_id", "activity_id", "number"),
        CheckConstraint("(submitted_at IS NULL) = (scaled IS NULL)", name="scored_when_submitted"),
        Index(
            "uq_attempt_one_open",
            "person_id",
            "activity_id",
            unique=True,
            sqlite_where=text("submitted_at IS NULL"),
            postgresql_where=text("submitted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    course_version_id: Mapped[int] = mapped_column(ForeignKey("course_version.id"))
    number: Mapped[int]
    pass_mark: Mapped[float]
    started_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    scaled: Mapped[float | None]
    passed: Mapped[bool | None]

    items: Mapped[list["AttemptItem"]] = relationship(back_populates="attempt", order_by="AttemptItem.position")


class AttemptItem(Base):
    """One question of the drawn paper with the order in which its options are shown, and the answer.

    `shown` lists the original positions of the options in the order shown (for match: of the answers). `response` is
    what the learner chose, in original positions; None is no answer yet.
    """

    __tablename__ = "attempt_item"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_version.id"))
    shown: Mapped[list[Any]]
    response: Mapped[list[Any] | None]
    saved_at: Mapped[datetime | None]
    score: Mapped[float | None]

    attempt: Mapped[Attempt] = relationship(back_populates="items")
