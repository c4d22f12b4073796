"""Drafts: what a trainer is working on. Publishing copies them into a version; the draft lives on."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class LessonDraft(Base):
    """The working text of a lesson. `revision` rises with each save, so that two editors never overwrite each other."""

    __tablename__ = "lesson_draft"
    __table_args__ = (UniqueConstraint("module_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    code: Mapped[str]
    position: Mapped[int]
    title: Mapped[str]
    title_en: Mapped[str]
    minutes: Mapped[int]
    objectives: Mapped[list[str]]
    action: Mapped[str]
    body: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
