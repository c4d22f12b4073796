"""The stores to which statements are sent on, and the statements they refused."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.xapi.models import Sequence


class Destination:
    """Where something is sent to from here, and whether it is: active, paused or removed, perhaps halted."""

    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    state: Mapped[str]


class ForwardTarget(Destination, Base):
    """Another store, which of our statements it gets, and how far it has got.

    All statements up to the sequence `cursor` were sent, passed over or set aside. `sought` and `writers` remember the
    newest statement of some moment and who was writing then: once these are done, all up to `sought` can be read.
    `size` is how many statements go into one request.
    """

    __tablename__ = "forward_target"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'halted', 'removed')", name="state"),
        CheckConstraint("edition IN ('1.0.3', '2.0')", name="edition"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    edition: Mapped[str]
    key: Mapped[str]
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    counted_only: Mapped[bool]
    activity_prefix: Mapped[str | None]
    not_from: Mapped[int | None] = mapped_column(ForeignKey("xapi_client.id"))
    created_at: Mapped[datetime]
    trouble: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(Sequence, default=0)
    size: Mapped[int]
    cursor: Mapped[int] = mapped_column(Sequence)
    sought: Mapped[int | None] = mapped_column(Sequence)
    writers: Mapped[list[str]] = mapped_column(default=list)


class DeadLetter(Base):
    """A statement that a store refused for good. `again` says that it shall be sent once more."""

    __tablename__ = "forward_dead_letter"
    __table_args__ = (UniqueConstraint("target_id", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("forward_target.id"))
    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"))
    status: Mapped[int]
    reason: Mapped[str]
    at: Mapped[datetime]
    again: Mapped[bool] = mapped_column(default=False)
