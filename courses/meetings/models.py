"""What each point says of people, and whether people may check themselves in there."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class PointSighting(Base):
    """What statements of one point say of a person: the last one that is not voided. A projection.

    `attendance` has one row for a person and a sitting; here are two where somebody was seen at two points.
    """

    __tablename__ = "point_sighting"
    __table_args__ = (
        CheckConstraint("state IN ('present', 'late', 'left_early', 'excused', 'unexcused')", name="state"),
        Index("ix_point_sighting_person", "person_id"),
    )

    point_id: Mapped[int] = mapped_column(ForeignKey("meeting_point.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    state: Mapped[str]
    at: Mapped[datetime]
    statement_id: Mapped[uuid.UUID]


class PointCheckIn(Base):
    """Codes are shown at a point since `opened_at`, until `closed_at`: whoever types one is seen by `opened_by`."""

    __tablename__ = "point_check_in"

    point_id: Mapped[int] = mapped_column(ForeignKey("meeting_point.id"), primary_key=True)
    opened_by: Mapped[uuid.UUID]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
