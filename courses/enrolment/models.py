"""Briefings, the units to which each is given, and what is decided about single people on their rolls."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalog.models import Course
from lms.db import Base, once
from lms.organisation.models import Unit


class Briefing(Base):
    """A đợt học tập, quán triệt: the people of some units study documents with a course, under one policy.

    `code` stands in addresses and in the IRIs of its statements and never changes. `plain`: it is there because a
    course was assigned and nothing more was said; it bears the code of the course, and its title is that of the course.
    `documents` are the numbers of the documents people are briefed on. `policy` is the one in force, as
    `courses/briefings/rules.py` reads it; `policy_number` its version, all of which `briefing_policy` keeps. After
    `closed_at` nothing more is assigned; what was counted stays.
    """

    __tablename__ = "briefing"
    __table_args__ = (once("uq_briefing_plain", "course_id", where="plain"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), index=True)
    plain: Mapped[bool]
    title: Mapped[str] = mapped_column(default="")
    title_en: Mapped[str] = mapped_column(default="")
    documents: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    policy_number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    opened_at: Mapped[datetime]
    opened_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime | None]

    course: Mapped[Course] = relationship()


class Assignment(Base):
    """From `assigned_at` on, whoever is counted in the unit or below it is on the roll of the briefing.

    Where several assignments of a briefing reach a person, the one given nearest to the person's unit holds, then the
    latest. None is deleted: `withdrawn_at` ends one. Due at `due_at`, or so many days (`due_days`) after the assignment
    or, for whoever comes later, after the day on which the person came to where it reaches (`rules.PastReach`);
    neither: never due. `course_id` is that of the briefing.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        CheckConstraint("due_at IS NULL OR due_days IS NULL", name="due"),
        Index("ix_assignment_unit", "briefing_id", "tree", "unit_id"),
        Index("ix_assignment_course_id", "course_id"),
        once("uq_assignment_open", "briefing_id", "unit_id", "tree", "due_at", where="withdrawn_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str] = mapped_column(default="state")
    due_at: Mapped[datetime | None]
    due_days: Mapped[int | None]
    assigned_at: Mapped[datetime]
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]

    briefing: Mapped[Briefing] = relationship()
    course: Mapped[Course] = relationship()
    unit: Mapped[Unit] = relationship()


class AssignmentChoice(Base):
    """An assignment reaches only people with one of these values; of each `kind` that is named, one must fit.

    `kind` is category or party (as `Person` has them), or position (as the person or the membership has it, letter for
    letter). An assignment without such rows reaches everybody in its units.
    """

    __tablename__ = "assignment_choice"
    __table_args__ = (
        CheckConstraint("kind IN ('category', 'party', 'position')", name="kind"),
        CheckConstraint(
            "kind <> 'category' OR value IN ('can_bo', 'cong_chuc', 'vien_chuc', 'nguoi_lao_dong', 'khac')",
            name="category",
        ),
        CheckConstraint("kind <> 'party' OR value IN ('chinh_thuc', 'du_bi', 'quan_chung')", name="party"),
    )

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class RollDecision(Base):
    """What was decided about one person in one briefing, until it is revoked. `approved_by` is who approved it.

    exempt: leaves the number of those who must study (miễn); leave: was away with a reason (vắng có lý do); extension:
    has until `due_at`, or longer where everybody has. Leave may carry another due date too. One of each kind holds at
    a time.
    """

    __tablename__ = "roll_decision"
    __table_args__ = (
        CheckConstraint("kind IN ('exempt', 'leave', 'extension')", name="kind"),
        CheckConstraint("kind <> 'extension' OR due_at IS NOT NULL", name="extension"),
        CheckConstraint("kind <> 'exempt' OR due_at IS NULL", name="exempt"),
        Index("ix_roll_decision_person", "person_id"),
        once("uq_roll_decision_open", "briefing_id", "person_id", "kind", where="revoked_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    due_at: Mapped[datetime | None]
    reason: Mapped[str]
    approved_by: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[uuid.UUID | None]


class AssignmentHandover(Base):
    """By an operation of the organisation an assignment passed on to a unit that takes over: kept to be undone.

    `begun_id` is the assignment given to `to_unit_id` for it; None where one that reaches the unit anyway takes its
    place. The former stays as it is: from that day on its unit is in no tree, and it reaches nobody.
    """

    __tablename__ = "assignment_handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("unit_operation.id"), index=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    begun_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
