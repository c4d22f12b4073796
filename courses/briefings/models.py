"""Policies, meeting points, who was there, who has been briefed, and rolls that are kept as they were."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.enrolment.models import Briefing
from lms.db import Base
from lms.organisation.models import Unit

STATES = ("not_started", "in_progress", "briefed", "completed")


class BriefingPolicy(Base):
    """A version of the policy of a briefing, numbered from 1. None changes; the one with the highest number holds.

    With it due dates may have changed: `dues` has for each assignment concerned its public id, and `due_at` (ISO) and
    `due_days` before and after. `reason` says why.
    """

    __tablename__ = "briefing_policy"

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    policy: Mapped[dict[str, Any]]
    dues: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    reason: Mapped[str] = mapped_column(default="", server_default=text("''"))
    decided_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]


class BriefingSession(Base):
    """A sitting of a briefing, with its meeting points: the conference itself, or a class for those who missed it.

    `code` is unique in the briefing and stands in the IRI of the sitting.
    """

    __tablename__ = "briefing_session"
    __table_args__ = (
        CheckConstraint("kind IN ('conference', 'make_up')", name="kind"),
        Index("uq_briefing_session_code", "briefing_id", "code", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    code: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str] = mapped_column(default="conference", server_default=text("'conference'"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    briefing: Mapped[Briefing] = relationship()


class MeetingPoint(Base):
    """A place where a sitting is followed: one main point, and local ones. `code` is unique in the sitting.

    Its roll are the people of `unit` and below on the roll of the briefing, unless a point nearer to them is there.
    `host` is the public id of who takes the roll. What the host reports: `headcount`, the heads counted in the room;
    `connected_at` and `disconnected_at`, the line to the main point; `reported_at`, when the host closed the roll.
    """

    __tablename__ = "meeting_point"
    __table_args__ = (Index("uq_meeting_point_code", "session_id", "code", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    session_id: Mapped[int] = mapped_column(ForeignKey("briefing_session.id"))
    code: Mapped[str]
    name: Mapped[str]
    main: Mapped[bool] = mapped_column(default=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    host: Mapped[uuid.UUID | None] = mapped_column(index=True)
    headcount: Mapped[int | None]
    connected_at: Mapped[datetime | None]
    disconnected_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]

    session: Mapped[BriefingSession] = relationship()
    unit: Mapped[Unit] = relationship()


class Attendance(Base):
    """What statements say of a person and a sitting: the last one that is not voided.

    present, late, left_early: was there; excused, unexcused: was not, with a reason or without.
    """

    __tablename__ = "attendance"
    __table_args__ = (
        CheckConstraint("state IN ('present', 'late', 'left_early', 'excused', 'unexcused')", name="state"),
        Index("ix_attendance_point", "point_id", "state"),
        Index("ix_attendance_person", "person_id"),
    )

    session_id: Mapped[int] = mapped_column(ForeignKey("briefing_session.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    point_id: Mapped[int | None] = mapped_column(ForeignKey("meeting_point.id"))
    state: Mapped[str]
    at: Mapped[datetime]
    statement_id: Mapped[uuid.UUID]


class ReflectionResult(Base):
    """What statements say of a person's bài thu hoạch in a briefing: when it was last handed in, and accepted."""

    __tablename__ = "reflection_result"
    __table_args__ = (Index("ix_reflection_result_person", "person_id"),)

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    submitted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]


class Standing(Base):
    """A person on the roll of a briefing, counted in `unit_id`, stands at `state`: a projection.

    `unit_id` is that of the state tree, whichever tree the assignment was given in; of the other for whoever has none.
    briefed: quán triệt (B), by `way`; completed: hoàn thành (C), which includes briefed. `exempt`: does not count among
    those who must study; `leave`: it was decided that the person was away with a reason; `absence`: was away, while not
    briefed. `member`: of the Party. Being overdue is not kept: it follows from `due_at`
    (None: never due) and the moment one asks. `score` is the mean of the required tests, 0 to 1, once all were taken.
    """

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("state IN ('not_started', 'in_progress', 'briefed', 'completed')", name="state"),
        CheckConstraint("way IN ('', 'point', 'online', 'make_up')", name="way"),
        CheckConstraint("absence IN ('', 'excused', 'unexcused')", name="absence"),
        Index("ix_standing_unit", "briefing_id", "unit_id", "state"),
        Index("ix_standing_person_id", "person_id"),
    )

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    due_at: Mapped[datetime | None]
    exempt: Mapped[bool]
    leave: Mapped[bool]
    member: Mapped[bool]
    state: Mapped[str]
    way: Mapped[str]
    absence: Mapped[str]
    started_at: Mapped[datetime | None]
    briefed_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    score: Mapped[float | None]


class FrozenRoll(Base):
    """Sĩ số chốt: the roll of a briefing as it was at a moment, kept beside the live one. None changes."""

    __tablename__ = "frozen_roll"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), index=True)
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[uuid.UUID | None]
    reason: Mapped[str] = mapped_column(default="")


class FrozenPerson(Base):
    """Somebody on a frozen roll, with the unit where the person was counted then, and how."""

    __tablename__ = "frozen_person"
    __table_args__ = (Index("ix_frozen_person_unit", "roll_id", "unit_id"),)

    roll_id: Mapped[int] = mapped_column(ForeignKey("frozen_roll.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    exempt: Mapped[bool]
    member: Mapped[bool]
