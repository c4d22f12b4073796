"""The only way to a unit for whoever keeps the organisation or only reads it: the permission must hold everywhere."""

import uuid
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.organisation.models import Unit, UnitCode, UnitOperation
from lms.web.acting import Actor, NotFound

READ, KEEP = "unit:read", "unit:create"


def access_any_unit(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> Unit:
    """The unit, of today or of the past. Raises `NotFound`."""
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id)) if actor.everywhere(permission) else None
    if unit is None:
        raise NotFound
    return unit


def access_operation(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> UnitOperation:
    """The operation, undone or not. Raises `NotFound`."""
    wanted = select(UnitOperation).where(UnitOperation.public_id == public_id)
    operation = session.scalar(wanted) if actor.everywhere(permission) else None
    if operation is None:
        raise NotFound
    return operation


def units_by_code(session: Session, codes: Iterable[str]) -> tuple[list[Unit], list[str]]:
    """The units that bear these codes or have borne them, and the codes no unit has; blanks are passed over.

    For whoever may keep the organisation, which the caller has made sure of.
    """
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    borne = select(UnitCode.code, Unit).join(Unit, Unit.id == UnitCode.unit_id)
    found = dict(session.execute(borne.where(UnitCode.code.in_([code.lower() for code in wanted]))).all())
    return [found[code.lower()] for code in wanted if code.lower() in found], [
        code for code in wanted if code.lower() not in found
    ]
