"""The addresses of other channels, and the messages that go there."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.forwarding.models import Destination


class Webhook(Destination, Base):
    """Another channel, and which `kinds` of messages it gets. Its secret is kept sealed.

    After so many `failures` in a row of the channel itself nothing is sent `not_before` a moment: of many messages one
    tries whether it is back.
    """

    __tablename__ = "webhook"
    __table_args__ = (CheckConstraint("state IN ('active', 'paused', 'removed')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    kinds: Mapped[list[str]]
    created_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]


class WebhookMessage(Base):
    """A message to one channel: waiting, taken, or dead after too many failures. The same event has one `message_id`.

    `body` is what is sent, byte for byte: public ids and figures, no name. No attempt is made outside the hours of the
    day in Vietnam from `from_hour` to `to_hour`.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        CheckConstraint("kind IN ('reminder', 'digest', 'above', 'test')", name="kind"),
        CheckConstraint("state IN ('waiting', 'taken', 'dead')", name="state"),
        CheckConstraint("0 <= from_hour AND from_hour < to_hour AND to_hour <= 24", name="hours"),
        UniqueConstraint("webhook_id", "message_id"),
        Index("ix_webhook_message_state", "webhook_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    message_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    body: Mapped[str]
    from_hour: Mapped[int]
    to_hour: Mapped[int]
    state: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None]
