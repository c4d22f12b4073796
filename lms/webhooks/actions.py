"""Telling channels of an event, at least once each, and what is done about a channel."""

import json
import secrets
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms import clock
from lms.audit.actions import note
from lms.db import config_of
from lms.forwarding.actions import sealing
from lms.forwarding.delivery import Unreachable, ask
from lms.forwarding.rules import ADDRESS_REFUSED, SECRET_LOST, BadAddress, Place, pause
from lms.outbox.actions import call_off, queue, wake
from lms.outbox.rules import Hours, mail_at
from lms.webhooks import queries
from lms.webhooks.models import Webhook, WebhookMessage
from lms.webhooks.rules import (
    ACTIVE,
    ANY_HOUR,
    DEAD,
    DEAD_KEPT,
    KEPT,
    KINDS,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    PAUSED,
    REMOVED,
    RESTING,
    SECRET_BYTES,
    TAKEN,
    TRIAL,
    WAITING,
    address_of,
    is_down,
    message_id,
    secret_of,
    signature,
)

WEBHOOK = "webhook"
PURPOSE = b"lms.webhooks"


def announce(session: Session, kind: str, data: Mapping[str, Any], *, key: str, hours: Hours) -> None:
    """Tell all channels that want this kind of the event with this key, after the commit; each once, in these hours.

    `data` is plain JSON of public ids and figures, never a name.
    """
    for hook in queries.listening(session, kind):
        put(session, hook, kind, data, message_id(key), hours)


def put(session: Session, hook: Webhook, kind: str, data: Mapping[str, Any], message: uuid.UUID, hours: Hours) -> None:
    """Keep a message for a channel and have the worker send it. Nothing happens when the channel has it already."""
    now = clock.now()
    told = {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    row = {"webhook_id": hook.id, "message_id": message, "kind": kind, "body": body, "state": WAITING, "failures": 0}
    between = {"from_hour": hours.from_hour, "to_hour": hours.to_hour}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    kept = dialect.insert(WebhookMessage).values(**row, **between, created_at=now)
    session.execute(kept.on_conflict_do_nothing(index_elements=["webhook_id", "message_id"]))
    queue(session, WEBHOOK, payload_of(hook.id, message), key=job_of(hook.id, message))


def payload_of(webhook_id: int, message: uuid.UUID) -> dict[str, Any]:
    """What the job of a message is given."""
    return {"webhook": webhook_id, "message": str(message)}


def job_of(webhook_id: int, message: uuid.UUID) -> str:
    """The key of the one job of a message."""
    return f"{WEBHOOK} {webhook_id} {message}"


@dataclass(frozen=True, slots=True)
class Signed:
    """How one message goes out: where, and with which headers. `allowed` are places within one's own network."""

    place: Place
    allowed: frozenset[str]
    secret: str
    message: str
    body: bytes
    timestamp: int

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be kept of an answer."""
        return (self.secret,)

    def headers(self) -> dict[str, str]:
        """As Standard Webhooks names them: the id is the same at each attempt, moment and signature are new."""
        return {
            "webhook-id": self.message,
            "webhook-timestamp": str(self.timestamp),
            "webhook-signature": signature(self.secret, self.message, self.timestamp, self.body),
            "User-Agent": "quan-triet",
            "Connection": "close",
        }


def send_message(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of `webhook`: one attempt, within the hours of the message. Returns when to be called again.

    While the other side is asked no transaction is open.
    """
    now = clock.now()
    found = session.execute(held(payload)).one_or_none()
    if found is None or found[0].state != WAITING or found[1].state == REMOVED:
        return None
    message, hook = found
    if hook.state == PAUSED:
        return now + RESTING
    if now - message.created_at > LONGEST_WAIT:
        give_up(message, now)
        return None
    at = mail_at(message, max(now, hook.not_before or now))
    if at > now:
        return at
    try:
        signed = signed_message(session, hook, message, now)
    except InvalidToken:
        return settle(session, payload, SECRET_LOST, for_good=True)
    except BadAddress:
        return settle(session, payload, ADDRESS_REFUSED, for_good=True)
    session.rollback()  # nothing was written: no lock is held while we wait for others
    try:
        answer = ask(signed, "POST", "", signed.body)
    except Unreachable as reason:
        return settle(session, payload, str(reason), down=True)
    if 200 <= answer.status < 300:
        return settle(session, payload, None)
    told = f"{answer.status} {answer.reason}".strip()
    return settle(session, payload, told, down=is_down(answer.status), retry_after=answer.retry_after)


def give_up(message: WebhookMessage, now: datetime) -> None:
    """The message is dead, until somebody sends it again."""
    message.state, message.ended_at = DEAD, now


def held(payload: Mapping[str, Any]) -> Any:
    """The message of a job, and its channel."""
    return (
        select(WebhookMessage, Webhook)
        .join(Webhook, Webhook.id == WebhookMessage.webhook_id)
        .where(Webhook.id == payload["webhook"], WebhookMessage.message_id == uuid.UUID(payload["message"]))
    )


def signed_message(session: Session, hook: Webhook, message: WebhookMessage, now: datetime) -> Signed:
    """The message as it goes out now. Raises `InvalidToken` (LMS_SECRET_KEY is another) and `BadAddress`."""
    config = config_of(session)
    place = address_of(hook.address, own_host=config.host, local=config.local, allowed=config.forward_to)
    secret = sealing(config, PURPOSE).decrypt(hook.sealed_secret).decode()
    told = str(message.message_id), message.body.encode(), int(now.timestamp())
    return Signed(place, config.forward_to, secret, *told)


def settle(
    session: Session,
    payload: Mapping[str, Any],
    trouble: str | None,
    *,
    for_good: bool = False,
    down: bool = False,
    retry_after: str | None = None,
) -> datetime | None:
    """Write down what became of an attempt (no trouble: it was taken); returns when to try again.

    `down`: the channel itself is, and other messages wait too.
    """
    now = clock.now()
    # Before its message, as whoever changes the channel holds them.
    session.get_one(Webhook, payload["webhook"], with_for_update=True, populate_existing=True)
    message, hook = session.execute(
        held(payload).with_for_update(of=WebhookMessage).execution_options(populate_existing=True)
    ).one()
    if message.state != WAITING:
        return None
    message.trouble = trouble
    if trouble is None:
        message.state, message.ended_at, hook.succeeded_at = TAKEN, now, now
        hook.failures, hook.not_before = 0, None
        return None
    message.failures += 1
    if down:
        hook.failures += 1
        hook.not_before = now + pause(hook.failures, retry_after, now)
    if for_good or message.failures >= MOST_ATTEMPTS or hook.state == REMOVED:
        give_up(message, now)
        return None
    return now + pause(message.failures, retry_after, now)


def add_webhook(
    session: Session, *, name: str, address: str, kinds: Collection[str], by: uuid.UUID | None = None
) -> tuple[Webhook, str]:
    """Tell another channel from now on; returns it and its secret, which is shown to nobody again.

    Raises `BadAddress`, and `ValueError` for a kind there is not.
    """
    config = config_of(session)
    address_of(address, own_host=config.host, local=config.local, allowed=config.forward_to)
    if not set(kinds) <= set(KINDS):
        raise ValueError(f"no such kinds: {sorted(kinds)}")
    hook = Webhook(
        public_id=uuid.uuid4(),
        name=name,
        address=address,
        state=ACTIVE,
        failures=0,
        sealed_secret=b"",
        kinds=[one for one in KINDS if one in kinds],
        created_at=clock.now(),
    )
    secret = new_secret(session, hook)
    session.add(hook)
    note_webhook(session, "add", hook, by, kinds=hook.kinds)
    return hook, secret


def new_secret(session: Session, hook: Webhook) -> str:
    """Give the channel another secret; the one before signs nothing more."""
    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    hook.sealed_secret = sealing(config_of(session), PURPOSE).encrypt(secret.encode())
    return secret


def renew_secret(session: Session, hook: Webhook, *, by: uuid.UUID | None = None) -> str:
    """Another secret, which is returned and shown to nobody again; whatever waits is signed with it."""
    note_webhook(session, "renew", hook, by)
    return new_secret(session, hook)


def pause_webhook(session: Session, hook: Webhook, *, by: uuid.UUID | None = None) -> None:
    """Send nothing to it until it is resumed. What happens meanwhile waits."""
    before, hook.state = hook.state, PAUSED
    note_webhook(session, "pause", hook, by, changes={"state": (before, PAUSED)})


def resume(session: Session, hook: Webhook, *, by: uuid.UUID | None = None) -> None:
    """Go on with what waits, at once."""
    before, hook.state = hook.state, ACTIVE
    hook.failures, hook.not_before = 0, None
    session.flush()  # whoever sends now reads it
    set_going(session, WebhookMessage.webhook_id == hook.id)
    note_webhook(session, "resume", hook, by, changes={"state": (before, ACTIVE)})


def replay(
    session: Session, hook: Webhook, *, message: WebhookMessage | None = None, by: uuid.UUID | None = None
) -> int:
    """Send a dead message once more, or all of them; returns how many."""
    hook.failures, hook.not_before = 0, None
    which = WebhookMessage.webhook_id == hook.id if message is None else WebhookMessage.id == message.id
    again = {"state": WAITING, "failures": 0, "ended_at": None, "created_at": clock.now()}  # a day anew
    dead = update(WebhookMessage).where(which, WebhookMessage.state == DEAD).values(again)
    ids = session.scalars(dead.returning(WebhookMessage.message_id)).all()
    for one in ids:
        wake(session, WEBHOOK, payload_of(hook.id, one), key=job_of(hook.id, one))
    note_webhook(session, "replay", hook, by, letters=len(ids))
    return len(ids)


def try_out(session: Session, hook: Webhook, *, by: uuid.UUID | None = None) -> None:
    """Send it a message that says nothing, at any hour, to see whether it arrives."""
    put(session, hook, TRIAL, {}, uuid.uuid4(), ANY_HOUR)
    note_webhook(session, "try", hook, by)


def remove_webhook(session: Session, hook: Webhook, *, by: uuid.UUID | None = None) -> None:
    """Tell it nothing any more, for good. What waits is dead; its secret is forgotten."""
    before, hook.state, hook.sealed_secret = hook.state, REMOVED, b""
    waiting = and_(WebhookMessage.webhook_id == hook.id, WebhookMessage.state == WAITING)
    ended = update(WebhookMessage).where(waiting).values(state=DEAD, ended_at=clock.now(), trouble=None)
    for one in session.scalars(ended.returning(WebhookMessage.message_id)).all():
        call_off(session, job_of(hook.id, one))
    note_webhook(session, "remove", hook, by, changes={"state": (before, REMOVED)})


def set_going(session: Session, which: Any) -> None:
    """Have the worker look at waiting messages as soon as may be."""
    query = select(WebhookMessage.webhook_id, WebhookMessage.message_id).where(which, WebhookMessage.state == WAITING)
    for webhook_id, message in session.execute(query).all():
        wake(session, WEBHOOK, payload_of(webhook_id, message), key=job_of(webhook_id, message))


def keep_going(session: Session, now: datetime) -> None:
    """Of the night: no message of yesterday waits without its job, and what is long past goes."""
    set_going(session, WebhookMessage.created_at < now - timedelta(days=1))
    ended, state = WebhookMessage.ended_at, WebhookMessage.state
    old = or_(and_(state == TAKEN, ended < now - KEPT), and_(state == DEAD, ended < now - DEAD_KEPT))
    session.execute(delete(WebhookMessage).where(old).execution_options(synchronize_session=False))


def note_webhook(session: Session, what: str, hook: Webhook, by: uuid.UUID | None, **details: Any) -> None:
    """Where messages go is audited."""
    note(session, f"webhook.{what}", actor=by, object_kind="webhook", object_id=hook.public_id, **details)
