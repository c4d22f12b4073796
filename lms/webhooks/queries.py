"""Reading channels and their messages."""

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from lms.webhooks.models import Webhook, WebhookMessage
from lms.webhooks.rules import REMOVED


def webhooks() -> Select[Webhook]:
    """All channels, also those that were removed, in the order in which they were added."""
    return select(Webhook).order_by(Webhook.id)


def listening(session: Session, kind: str) -> list[Webhook]:
    """The channels that are told of this kind."""
    found = session.scalars(webhooks().where(Webhook.state != REMOVED))
    return [one for one in found if kind in one.kinds]


def numbers(session: Session) -> dict[tuple[int, str], int]:
    """How many messages of each channel are in each state."""
    query = select(WebhookMessage.webhook_id, WebhookMessage.state, func.count())
    rows = session.execute(query.group_by(WebhookMessage.webhook_id, WebhookMessage.state))
    return {(hook_id, state): number for hook_id, state, number in rows}


def messages_of(webhook_id: int) -> Select[WebhookMessage]:
    """The messages of a channel, the latest first."""
    return select(WebhookMessage).where(WebhookMessage.webhook_id == webhook_id).order_by(WebhookMessage.id.desc())
