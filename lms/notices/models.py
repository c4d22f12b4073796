"""Notices to single people."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Notice(Base):
    """One line for one person, in both languages, with the path of the page it is about; unseen until `seen_at`.

    Plain text without names of others. `key` makes a notice unique: the same one is never given twice.
    """

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_person", "person_id", "seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    text_en: Mapped[str]
    path: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
