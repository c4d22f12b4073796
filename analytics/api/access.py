"""Whose token it is, what of the organisation it opens, and who keeps tokens."""

import hashlib
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.api.models import ApiToken
from analytics.api.queries import opened
from analytics.api.rules import PREFIX
from courses.enrolment.models import Briefing
from lms import clock
from lms.organisation.models import Unit
from lms.records.access import KEEP_CLIENTS as KEEP
from lms.records.access import READ_CLIENTS as READ
from lms.web.acting import Actor, NotFound

__all__ = ["KEEP", "READ", "access_briefing", "access_token", "access_unit", "digest_of", "token_shown"]


def digest_of(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so that one round of SHA-256 cannot be guessed back."""
    return hashlib.sha256(token.encode()).digest()


def token_shown(session: Session, header: str) -> ApiToken:
    """The token in an Authorization header. Raises `NotFound`: absent, wrong, expired and revoked look the same."""
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.startswith(PREFIX):
        raise NotFound
    query = select(ApiToken).where(
        ApiToken.digest == digest_of(token), ApiToken.revoked_at.is_(None), ApiToken.expires_on >= clock.today()
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def access_unit(session: Session, token: ApiToken, public_id: uuid.UUID | None) -> Unit:
    """The unit, when the token opens it; its own when none is named. Raises `NotFound`."""
    query = select(Unit).where(opened(token, on=clock.today()))
    wanted = Unit.public_id == public_id if public_id is not None else Unit.id == token.unit_id
    unit = session.scalar(query.where(wanted))
    if unit is None:
        raise NotFound
    return unit


def access_briefing(session: Session, code: str) -> Briefing:
    """The briefing. Raises `NotFound`."""
    briefing = session.scalar(select(Briefing).where(Briefing.code == code))
    if briefing is None:
        raise NotFound
    return briefing


def access_token(session: Session, actor: Actor, public_id: uuid.UUID, *, to_change: bool = False) -> ApiToken:
    """A token that has not been revoked, for whoever keeps them; `to_change` holds it. Raises `NotFound`."""
    query = select(ApiToken).where(ApiToken.public_id == public_id, ApiToken.revoked_at.is_(None))
    if to_change:
        query = query.with_for_update()
    found = session.scalar(query) if actor.everywhere(KEEP) else None
    if found is None:
        raise NotFound
    return found
