"""The question bank. A question keeps its code; each wording of it is a version, written once."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base

KINDS = ("single", "multiple", "order", "match")


class Question(Base):
    """A question of a module. A withdrawn one is drawn no more; attempts that hold it keep it."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("module_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    code: Mapped[str]
    withdrawn_at: Mapped[datetime | None]

    versions: Mapped[list["QuestionVersion"]] = relationship(
        back_populates="question", order_by="QuestionVersion.number"
    )


class QuestionVersion(Base):
    """One wording of a question.

    `options` are the texts shown; `key` depends on the kind: positions (from 0) of the right options for single and
    multiple, nothing for order (the options stand in the right order) and match (`answers` stand in the order of the
    options).
    """

    __tablename__ = "question_version"
    __table_args__ = (
        UniqueConstraint("question_id", "number"),
        CheckConstraint("kind IN ('single', 'multiple', 'order', 'match')", name="kind"),
        CheckConstraint("level IN ('remember', 'understand', 'apply', 'analyse')", name="level"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    number: Mapped[int]
    kind: Mapped[str]
    scenario: Mapped[bool]
    topic: Mapped[str]
    level: Mapped[str]
    lesson_code: Mapped[str]
    sources: Mapped[list[str]]
    stem: Mapped[str]
    options: Mapped[list[str]]
    answers: Mapped[list[str]]
    key: Mapped[list[Any]]
    explanation: Mapped[str]
    published_at: Mapped[datetime]

    question: Mapped[Question] = relationship(back_populates="versions")
