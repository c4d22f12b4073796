"""The only way to a message for whoever looks after channels; to a channel as to any place something is sent to."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.forwarding.access import access_destination
from lms.web.acting import Actor, NotFound
from lms.webhooks.models import Webhook, WebhookMessage


def access_message(session: Session, actor: Actor, public_id: uuid.UUID, message_id: uuid.UUID) -> WebhookMessage:
    """A message to this channel, which has not been removed. Raises `NotFound`."""
    hook = access_destination(session, actor, Webhook, public_id, kept=True)
    query = select(WebhookMessage).where(WebhookMessage.webhook_id == hook.id, WebhookMessage.message_id == message_id)
    message = session.scalar(query)
    if message is None:
        raise NotFound
    return message
