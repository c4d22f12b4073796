"""The table of counted attempts."""

from datetime import datetime

from sqlalchemy import LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class ThrottleCounter(Base):
    """Attempts of one key in a window of time. `strikes`: how many windows in a row have been filled before this one.

    `subject` is what the attempts were about, as a digest: an administrator lets it try again (`forgive_all`).
    """

    __tablename__ = "throttle_counter"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_start: Mapped[datetime]
    attempts: Mapped[int]
    strikes: Mapped[int] = mapped_column(server_default=text("0"))
    subject: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
