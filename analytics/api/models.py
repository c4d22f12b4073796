"""Tokens with which other systems read figures."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.organisation.models import Unit


class ApiToken(Base):
    """Another system may read these scopes of this unit and all below it (None: of all), until the day it expires.

    Of the token itself only a digest is kept. `last_used_on` is a coarse mark, written once a day.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    scopes: Mapped[list[str]]
    made_at: Mapped[datetime]
    made_by: Mapped[uuid.UUID]
    expires_on: Mapped[date]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]

    unit: Mapped[Unit | None] = relationship()
