"""Who may read and who may answer what people ask about their data."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lms.privacy.models import PrivacyRequest
from lms.web.acting import Actor, NotFound

READ, ANSWER = "privacy:read", "privacy:answer"


def access_request(
    session: Session,
    actor: Actor,
    public_id: uuid.UUID,
    permission: str,
    *,
    kind: str = "",
    unanswered: bool = False,
    to_change: bool = False,
) -> PrivacyRequest:
    """The request, for whoever holds that permission everywhere. Raises `NotFound`.

    `kind`: only one of that kind; `unanswered`: only one that waits; `to_change`: it is held until the transaction
    ends, so that two administrators never answer it at once.
    """
    if not actor.everywhere(permission):
        raise NotFound
    query = select(PrivacyRequest).where(PrivacyRequest.public_id == public_id)
    if kind:
        query = query.where(PrivacyRequest.kind == kind)
    if unanswered:
        query = query.where(PrivacyRequest.state != "answered")
    query = query.with_for_update() if to_change else query.options(joinedload(PrivacyRequest.person))
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound
    return found
