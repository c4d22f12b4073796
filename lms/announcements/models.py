"""What is announced to the people of a unit."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.organisation.models import Unit


class Announcement(Base):
    """Plain text for everybody of a unit and of those below it, between two days, until it is withdrawn."""

    __tablename__ = "announcement"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="dates"),
        Index("ix_announcement_unit", "unit_id", "valid_to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    text: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    unit: Mapped[Unit] = relationship()
