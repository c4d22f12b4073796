"""Reports as they were, what units enter by hand, how reports go up, who is mailed, and files the worker makes."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.enrolment.models import Briefing
from lms.db import Base, once
from lms.organisation.models import STATE_TREE, Unit


class ReportEntry(Base):
    """What no machine knows of a unit in a briefing: its plan of action (23) and its remarks (25)."""

    __tablename__ = "report_entry"

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    plan: Mapped[str]
    note: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by: Mapped[uuid.UUID | None]


class ReportSnapshot(Base):
    """Bản chốt: a report as it was at a moment, written once. `document` is `rules.as_bytes`, `digest` its SHA-256.

    People are in it by opaque ids alone. `period` is the month of Biểu 05, the day and tree of another structure, the
    day with which its results end, the staff category it is about alone.
    """

    __tablename__ = "report_snapshot"
    __table_args__ = (
        CheckConstraint("form IN ('01', '02', '03', '05')", name="form"),
        Index("ix_report_snapshot_unit", "unit_id", "briefing_id", "form", "taken_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    form: Mapped[str]
    period: Mapped[str]
    document: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(unique=True)
    taken_at: Mapped[datetime]
    taken_by: Mapped[uuid.UUID | None]

    unit: Mapped[Unit] = relationship()
    briefing: Mapped[Briefing] = relationship()


class ReportSubmission(Base):
    """A snapshot sent to the unit above, which accepts it or returns it with a remark. One at a time is under way."""

    __tablename__ = "report_submission"
    __table_args__ = (
        CheckConstraint("state IN ('sent', 'accepted', 'returned')", name="state"),
        CheckConstraint("state <> 'returned' OR remark <> ''", name="remark"),
        CheckConstraint("(state = 'sent') = (decided_at IS NULL)", name="decided"),
        Index("ix_report_submission_to", "to_unit_id", "state"),
        once("uq_report_submission_sent", "unit_id", "briefing_id", where="state = 'sent'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("report_snapshot.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    to_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    state: Mapped[str]
    sent_at: Mapped[datetime]
    sent_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    remark: Mapped[str] = mapped_column(default="")

    snapshot: Mapped[ReportSnapshot] = relationship()
    unit: Mapped[Unit] = relationship(foreign_keys=unit_id)
    to_unit: Mapped[Unit] = relationship(foreign_keys=to_unit_id)
    briefing: Mapped[Briefing] = relationship()


class ReportSchedule(Base):
    """The summary of a unit's briefing is mailed to its heads daily, weekly or monthly, until `ended_at`.

    By the `tree` of the day on which it goes out, to who heads the unit in that tree. `place`: the day of the week
    (1: Monday) or of the month; 1 for daily.
    """

    __tablename__ = "report_schedule"
    __table_args__ = (
        CheckConstraint("every IN ('daily', 'weekly', 'monthly')", name="every"),
        CheckConstraint("place BETWEEN 1 AND 31", name="place"),
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        once("uq_report_schedule_open", "unit_id", "briefing_id", "tree", "every", "place", where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    tree: Mapped[str] = mapped_column(default=STATE_TREE, server_default=text("'state'"))
    every: Mapped[str]
    place: Mapped[int]
    begun_at: Mapped[datetime]
    begun_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]

    unit: Mapped[Unit] = relationship()
    briefing: Mapped[Briefing] = relationship()


class ReportFile(Base):
    """A large file the worker makes for somebody: `done` of `total` rows; kept for a week in pieces.

    `wish` says which report, in which format. `asked_by` is the public id of whoever may fetch it.
    """

    __tablename__ = "report_file"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'made', 'failed')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    asked_by: Mapped[uuid.UUID] = mapped_column(index=True)
    asked_at: Mapped[datetime]
    wish: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(default="")

    unit: Mapped[Unit] = relationship()
    briefing: Mapped[Briefing] = relationship()


class ReportFilePiece(Base):
    """A part of such a file; the parts in order are the file."""

    __tablename__ = "report_file_piece"

    file_id: Mapped[int] = mapped_column(ForeignKey("report_file.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
