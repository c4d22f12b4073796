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
from lms import clock
from lms.audit.actions import note
from lms.organisation.models import STATE_TREE, Unit


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


def note_names(session: Session, token: ApiToken, unit: Unit, *, briefing: str, number: int) -> None:
    """Names of a unit were read with this token."""
    what = {"briefing": briefing, "count": number, "token": str(token.public_id), "tree": STATE_TREE}
    note(session, "api.names", actor=None, object_kind="unit", object_id=unit.public_id, **what)
