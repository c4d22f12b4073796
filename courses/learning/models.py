"""Projections of the learner's statements. Nothing but the projector writes them, and they can be rebuilt at will."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Dialect, ForeignKey, Index, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Rises(TypeDecorator[tuple[tuple[float, datetime], ...]]):
    """Scores with their moments, as pairs; where there are none the column is empty."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[tuple[float, datetime], ...] | None, dialect: Dialect) -> Any:
        return [[score, at.isoformat()] for score, at in value] if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[tuple[float, datetime], ...]:
        return tuple((score, datetime.fromisoformat(at)) for score, at in value) if value else ()


class CourseProgress(Base):
    """A person has begun a course, in this version of it. The first statement fixes the version.

    `concluded_at` is when we stated that the course is completed.
    """

    __tablename__ = "course_progress"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    course_version_id: Mapped[int] = mapped_column(ForeignKey("course_version.id"))
    registration: Mapped[uuid.UUID | None]
    started_at: Mapped[datetime]
    concluded_at: Mapped[datetime | None]


class ActivityProgress(Base):
    """What a person's statements say of one lesson or test.

    Lessons: `completed_at` is the first completion, `rises` has the later ones, each with a score of 1. Tests: attempts
    that ended, the scaled scores (0 to 1) of the first, the last and the best of them, and when one first reached the
    pass mark of the learner's course version. `rises`: the later attempts of which each was better than all before it,
    by score and moment; with the first they say when the best score reached any mark.
    """

    __tablename__ = "activity_progress"
    __table_args__ = (Index("ix_activity_progress_course", "course_id", "person_id"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    completed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_score: Mapped[float | None]
    first_at: Mapped[datetime | None]
    last_score: Mapped[float | None]
    last_at: Mapped[datetime | None]
    best_score: Mapped[float | None]
    passed_at: Mapped[datetime | None]
    rises: Mapped[tuple[Any, ...]] = mapped_column(Rises, nullable=True)
