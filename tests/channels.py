"""Another channel whose server did not take what was sent."""

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from lms import clock
from lms.webhooks.actions import add_webhook, announce
from lms.webhooks.models import WebhookMessage
from lms.webhooks.rules import ANY_HOUR, DEAD, KINDS, REMINDER, message_id


def channel_with_trouble(session: Session) -> tuple[uuid.UUID, uuid.UUID]:
    """Another channel with two messages that are dead; its id and that of one of them."""
    hook, _secret = add_webhook(session, name="SMS", address="https://sms.example.gov.vn/", kinds=KINDS)
    session.flush()  # messages name it
    for key in ("one", "other"):
        announce(session, REMINDER, {}, key=key, hours=ANY_HOUR)
    session.execute(update(WebhookMessage).values(state=DEAD, ended_at=clock.now(), failures=1))
    return hook.public_id, message_id("one")
