"""Courses as they are published: versions are documents, written once.

A course has activities (lessons, tests) that keep their code and IRI over all versions; a version of the course says
which of them it contains, in what order, and which are required.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base


class Course(Base):
    """Something to be learned, known by its code."""

    __tablename__ = "course"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    iri: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]

    modules: Mapped[list["Module"]] = relationship(back_populates="course", order_by="Module.position")
    versions: Mapped[list["CourseVersion"]] = relationship(back_populates="course", order_by="CourseVersion.number")


class Activity(Base):
    """A lesson or a test: what statements are about. Code and IRI never change; `kind` finds its pages."""

    __tablename__ = "activity"
    __table_args__ = (
        UniqueConstraint("course_id", "code"),
        CheckConstraint("kind IN ('lesson', 'test')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    code: Mapped[str]
    kind: Mapped[str]
    iri: Mapped[str] = mapped_column(unique=True)


class Module(Base):
    """A part of a course that a trainer edits and publishes."""

    __tablename__ = "module"
    __table_args__ = (UniqueConstraint("course_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    code: Mapped[str]
    position: Mapped[int]

    course: Mapped[Course] = relationship(back_populates="modules")
    versions: Mapped[list["ModuleVersion"]] = relationship(back_populates="module", order_by="ModuleVersion.number")


class ModuleVersion(Base):
    """What learners saw of a module. Written once, kept for ever."""

    __tablename__ = "module_version"
    __table_args__ = (UniqueConstraint("module_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    number: Mapped[int]
    title: Mapped[str]
    title_en: Mapped[str]
    minutes: Mapped[int]
    objectives: Mapped[list[str]]
    intro: Mapped[str]
    intro_html: Mapped[str]
    note: Mapped[str]
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    module: Mapped[Module] = relationship(back_populates="versions")
    lessons: Mapped[list["Lesson"]] = relationship(back_populates="version", order_by="Lesson.position")


class Lesson(Base):
    """One lesson as it was published: its Markdown, and the page made of it. Written once."""

    __tablename__ = "lesson"
    __table_args__ = (UniqueConstraint("module_version_id", "activity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    module_version_id: Mapped[int] = mapped_column(ForeignKey("module_version.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    position: Mapped[int]
    code: Mapped[str]
    title: Mapped[str]
    title_en: Mapped[str]
    minutes: Mapped[int]
    objectives: Mapped[list[str]]
    action: Mapped[str]
    sources: Mapped[list[str]]
    body: Mapped[str]
    html: Mapped[str]

    version: Mapped[ModuleVersion] = relationship(back_populates="lessons")


class CourseVersion(Base):
    """One edition of a course: titles, settings and an outline that names module versions and activities in order.

    `outline` is an `Outline` (courses.catalog.rules), `settings` a `Settings`, `register` the documents it may cite.
    """

    __tablename__ = "course_version"
    __table_args__ = (UniqueConstraint("course_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    number: Mapped[int]
    title: Mapped[str]
    title_en: Mapped[str]
    summary: Mapped[str]
    summary_en: Mapped[str]
    minutes: Mapped[int]
    intro: Mapped[str]
    intro_html: Mapped[str]
    settings: Mapped[dict[str, Any]]
    outline: Mapped[dict[str, Any]]
    register: Mapped[dict[str, Any]]
    note: Mapped[str]
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    course: Mapped[Course] = relationship(back_populates="versions")
