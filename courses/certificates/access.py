"""Whose certificates one may see, print and revoke, and how a printed one is found again."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.certificates.models import Certificate, CertificatePrint, CertificateRule
from courses.certificates.queries import printed
from courses.certificates.render import Printed
from courses.certificates.rules import CODE_LENGTH, NUMBER_LENGTH
from courses.certificates.signature import code_fits
from courses.enrolment.access import ASSIGN
from courses.enrolment.access import READ as READ_ASSIGNMENTS
from courses.enrolment.models import Briefing
from lms.accounts.models import Person
from lms.db import config_of
from lms.web.acting import Actor, NotFound

NAMES = "unit:read_names"
KEEP, RULES = ASSIGN, READ_ASSIGNMENTS
"""Who sets in which briefings certificates are issued and revokes them, and who reads where they are."""


def access_own(session: Session, actor: Actor, public_id: uuid.UUID) -> Certificate:
    """The person's own valid certificate. Raises `NotFound`."""
    mine = select(Certificate).where(
        Certificate.public_id == public_id,
        Certificate.person_id == actor.person_id,
        Certificate.revoked_at.is_(None),
    )
    found = session.scalar(mine)
    if found is None:
        raise NotFound
    return found


def access_kept(
    session: Session, actor: Actor, public_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Certificate, Person]:
    """The certificate, for whoever may revoke it; `to_change` holds it. Raises `NotFound`."""
    query = (
        select(Certificate, Person)
        .join(Person, Person.id == Certificate.person_id)
        .where(Certificate.public_id == public_id)
    )
    if to_change:
        query = query.with_for_update(of=Certificate)
    row = session.execute(query).one_or_none() if actor.everywhere(KEEP) else None
    if row is None:
        raise NotFound
    return row[0], row[1]


def access_print(session: Session, actor: Actor, public_id: uuid.UUID) -> CertificatePrint:
    """The print, for whoever asked for it and for nobody else. Raises `NotFound`."""
    query = select(CertificatePrint).where(
        CertificatePrint.public_id == public_id, CertificatePrint.asked_by == actor.public_id
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def access_rule(session: Session, actor: Actor, code: str) -> tuple[Briefing, CertificateRule | None]:
    """The briefing and its rule. Raises `NotFound`."""
    briefing = session.scalar(select(Briefing).where(Briefing.code == code)) if actor.everywhere(KEEP) else None
    if briefing is None:
        raise NotFound
    return briefing, session.get(CertificateRule, briefing.id)


def checked(session: Session, number: str, code: str) -> tuple[Certificate, Printed] | None:
    """The certificate with that number, for whoever has the code printed on it.

    None: there is no such number, the code belongs to another certificate, to another name or to none, or what is kept
    is not what was signed. Callers cannot tell which.
    """
    if len(number) != NUMBER_LENGTH or len(code) != CODE_LENGTH:
        return None
    query = (
        select(Certificate, Person)
        .join(Person, Person.id == Certificate.person_id)
        .where(Certificate.number == number, Person.erased_at.is_(None))
    )
    row = session.execute(query).one_or_none()
    if row is None or not code_fits(config_of(session), row[0].signature, row[1].full_name, code):
        return None
    shown = printed(session, row[0], row[1])
    return (row[0], shown) if shown is not None else None
