"""Making and revoking tokens, and the mark that one was used; each noted."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from analytics.api.access import digest_of
from analytics.api.models import ApiToken
from analytics.api.rules import PREFIX, SCOPES
from analytics.facts.projection import Structure
from lms import clock
from lms.audit.actions import note, note_each
from lms.organisation.models import Unit


def make_token(
    session: Session, *, name: str, scopes: Sequence[str], unit: Unit | None, expires_on: date, by: uuid.UUID
) -> tuple[ApiToken, str]:
    """Let another system read; returns the token's row and the token, which is not kept and never shown again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        public_id=uuid.uuid4(),
        name=name,
        digest=digest_of(secret),
        unit_id=unit.id if unit is not None else None,
        scopes=[one for one in SCOPES if one in scopes],
        made_at=clock.now(),
        made_by=by,
        expires_on=expires_on,
    )
    session.add(token)
    where = str(unit.public_id) if unit is not None else "everywhere"
    changes: dict[str, tuple[object, object]] = {
        "scopes": ([], token.scopes),
        "unit": (None, where),
        "until": (None, expires_on.isoformat()),
    }
    note(session, "api.token.make", actor=by, object_kind="api_token", object_id=token.public_id, changes=changes)
    return token, secret


def revoke_token(session: Session, token: ApiToken, *, by: uuid.UUID) -> None:
    """The token opens nothing any more, from the commit on."""
    token.revoked_at = clock.now()
    note(session, "api.token.revoke", actor=by, object_kind="api_token", object_id=token.public_id)


def mark_used(session: Session, token: ApiToken) -> None:
    """Note the day of use, once a day."""
    today = clock.today()
    if token.last_used_on != today:
        session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_on=today))


def note_names(
    session: Session, token: ApiToken, unit: uuid.UUID, people: Sequence[uuid.UUID], by: Structure, *, briefing: str
) -> None:
    """Names of a unit were read with this token; by another structure noted for each: they are elsewhere by now."""
    what = {"briefing": briefing, "count": len(people), "token": str(token.public_id), "tree": by.tree}
    kind, objects = "unit", [unit]
    if by.then:
        kind, objects, what = "person", [*people], {**what, "of": str(unit), "structure": by.on.isoformat()}
    note_each(session, "api.names", actor=None, object_kind=kind, objects=[(one, what) for one in objects])
