"""Lists that are being imported, what is remembered of each unit's lists, and what lists say of people beside a name.

Staff code and date of birth serve to tell people apart. They stand here and nowhere else: never in statements, in the
log or in an address. A list holds names too, while it waits: its lines go when it is applied, or after a week.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base, once
from lms.organisation.models import Unit


class StaffCode(Base):
    """The code a unit has given to a person, between two days; no two people bear the same one of a unit."""

    __tablename__ = "staff_code"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
        Index("ix_staff_code_person", "person_id"),
        Index("ix_staff_code_key", "code_key"),
        once("uq_staff_code_open", "unit_id", "code_key", where="valid_to IS NULL"),
        once("uq_staff_code_person_open", "person_id", "unit_id", where="valid_to IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    code: Mapped[str]
    code_key: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class DateOfBirth(Base):
    """When a person was born: the day where a list has said it, else the year."""

    __tablename__ = "date_of_birth"
    __table_args__ = (CheckConstraint("year BETWEEN 1900 AND 2200", name="year"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    year: Mapped[int]
    day: Mapped[date | None]


class RosterUpload(Base):
    """A list somebody has handed over for a unit, and how far it has come.

    `confirmed_by` is whoever last asked for it to be rehearsed or applied: their reach limits it too.
    """

    __tablename__ = "roster_upload"
    __table_args__ = (
        CheckConstraint(
            "state IN ('received', 'waiting', 'comparing', 'rehearsed', 'applying', 'applied')", name="state"
        ),
        Index("ix_roster_upload_unit", "unit_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    uploaded_by: Mapped[uuid.UUID]
    uploaded_at: Mapped[datetime]
    file_name: Mapped[str]
    file_digest: Mapped[str]
    sheets: Mapped[list[str]]
    settings: Mapped[dict[str, Any]]
    state: Mapped[str]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(default="")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changed_at: Mapped[datetime]
    stale: Mapped[bool] = mapped_column(default=False)
    confirmed_by: Mapped[uuid.UUID | None]

    unit: Mapped[Unit] = relationship()


class RosterLine(Base):
    """One line of a list as it stands in the file, and what the rehearsal made of it."""

    __tablename__ = "roster_line"
    __table_args__ = (
        CheckConstraint("outcome IN ('new', 'changed', 'moved', 'unchanged', 'bad', 'asked', 'aside')", name="outcome"),
        Index("uq_roster_line", "upload_id", "sheet", "number", unique=True),
        Index("ix_roster_line_outcome", "upload_id", "outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("roster_upload.id"))
    sheet: Mapped[int]
    number: Mapped[int]
    cells: Mapped[list[str]]
    marks: Mapped[str]
    outcome: Mapped[str | None]
    person_id: Mapped[int | None]
    told: Mapped[dict[str, Any] | None]
    mark: Mapped[str | None]


class RosterHabit(Base):
    """What was once chosen for the lists of a unit: which label means which field, which text which unit."""

    __tablename__ = "roster_habit"

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    labels: Mapped[dict[str, Any]]
    units: Mapped[dict[str, Any]]
