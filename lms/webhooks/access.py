"""The only way to a channel for whoever looks after them or only reads: the permission must hold everywhere."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.web.acting import Actor, NotFound
from lms.webhooks.models import Webhook, WebhookMessage
from lms.webhooks.rules import REMOVED

READ, KEEP = "forwarding:read", "forwarding:keep"
"""Whoever keeps where statements go keeps where messages go."""


def access_webhook(
    session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP, *, kept: bool = False
) -> Webhook:
    """The channel; with `kept` only one that has not been removed. Raises `NotFound`."""
    query = select(Webhook).where(Webhook.public_id == public_id)
    hook = session.scalar(query) if actor.everywhere(permission) else None
    if hook is None or (kept and hook.state == REMOVED):
        raise NotFound
    return hook


def access_message(session: Session, actor: Actor, public_id: uuid.UUID, message_id: uuid.UUID) -> WebhookMessage:
    """A message to this channel, which has not been removed. Raises `NotFound`."""
    hook = access_webhook(session, actor, public_id, kept=True)
    query = select(WebhookMessage).where(WebhookMessage.webhook_id == hook.id, WebhookMessage.message_id == message_id)
    message = session.scalar(query)
    if message is None:
        raise NotFound
    return message
