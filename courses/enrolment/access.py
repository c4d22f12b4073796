"""The only way to an assignment: the permission to read them or to assign courses must hold everywhere."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.enrolment.models import Assignment
from lms.web.acting import Actor, NotFound

READ, ASSIGN = "assignment:read", "course:assign"


def access_assignment(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = ASSIGN) -> Assignment:
    """The assignment, also one that has been withdrawn. Raises `NotFound`."""
    query = select(Assignment).where(Assignment.public_id == public_id)
    assignment = session.scalar(query) if actor.everywhere(permission) else None
    if assignment is None:
        raise NotFound
    return assignment
