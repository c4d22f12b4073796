"""Whose token it is, what of the organisation it opens, and who keeps tokens."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.api.models import ApiToken
from analytics.api.rules import NAMES, PREFIX
from analytics.facts.access import FIGURES, access_counted, with_those_before
from analytics.facts.access import NAMES as SEE_NAMES
from analytics.facts.projection import Structure
from analytics.reports import access as reports
from analytics.reports.queries import Subject
from courses.enrolment.models import Briefing
from lms import clock
from lms.organisation.access import units_within
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import OnDay
from lms.records.access import KEEP_CLIENTS as KEEP
from lms.records.access import READ_CLIENTS as READ
from lms.web.acting import Actor, NotFound

__all__ = [
    "KEEP",
    "READ",
    "access_briefing",
    "access_subject",
    "access_token",
    "access_unit",
    "digest_of",
    "token_shown",
    "units_opened",
]


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


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever shows a token, as one who may read figures of its unit in the state tree, or everywhere.

    Who reads no names by it may see none: what pages tell only to whoever sees names, is not told either.
    """

    token: ApiToken
    person_id: int = 0
    language: str = "vi"

    @property
    def public_id(self) -> uuid.UUID:
        """The token's own."""
        return self.token.public_id

    @property
    def name(self) -> str:
        """What the other system is called."""
        return self.token.name

    def may(self, permission: str) -> bool:
        """Whether the token's scopes carry the permission."""
        return permission == FIGURES or (permission == SEE_NAMES and NAMES in self.token.scopes)

    def everywhere(self, permission: str) -> bool:
        """Whether it holds for every unit."""
        return self.token.unit_id is None and self.may(permission)

    def unit_ids(self, permission: str, tree: str = STATE_TREE) -> tuple[int, ...]:
        """The token's unit, where it opens one."""
        held = self.token.unit_id is not None and tree == STATE_TREE and self.may(permission)
        return (self.token.unit_id,) if held and self.token.unit_id is not None else ()


def access_unit(
    session: Session, token: ApiToken, public_id: uuid.UUID | None, wanted: Structure
) -> tuple[Unit | OnDay, Structure]:
    """The unit as it was called by that structure, when the token opens it; its own when none is named.

    With it the structure, of those whom the token opens today. Raises `NotFound`.
    """
    own = token.unit.public_id if token.unit is not None else None
    named = public_id or own
    if named is None:
        raise NotFound
    now, then, counted = access_counted(session, Reader(token), FIGURES, named, wanted)
    if then is not None and then.unit is None:
        raise NotFound
    return (then.unit if then is not None else None) or now, counted


def access_subject(
    session: Session,
    token: ApiToken,
    public_id: uuid.UUID | None,
    code: str | None,
    wanted: Structure,
    *,
    now: datetime,
) -> Subject:
    """What a form is about, when the token opens the unit; its own when none is named. Raises `NotFound`."""
    named = public_id or (token.unit.public_id if token.unit is not None else None)
    if named is None:
        raise NotFound
    return reports.access_subject(session, Reader(token), FIGURES, named, code, now=now, wanted=wanted)


def units_opened(session: Session, token: ApiToken, tree: str) -> frozenset[int] | None:
    """The units of that tree which the token opens, and those in whose place they stand; None: all."""
    within = units_within(session, Reader(token), FIGURES, tree=tree)
    return with_those_before(session, within) if within is not None else None


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
