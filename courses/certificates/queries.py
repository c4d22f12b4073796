"""Reading certificates: one's own, those of a unit, whom one is missing to, and what is printed on them."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from courses.briefings.models import Standing
from courses.certificates.models import Certificate, CertificateRule
from courses.certificates.render import Printed
from courses.certificates.rules import FOR_GOOD
from courses.certificates.signature import code_of, is_ours
from courses.enrolment.models import Briefing
from lms.accounts.models import Person
from lms.accounts.queries import people_counted_in
from lms.db import config_of
from lms.doors import OwnData
from lms.organisation.models import STATE_TREE

Deprived = aliased(Certificate)


def own_certificates(person_id: int) -> Select[Certificate]:
    """A person's certificates, revoked ones too, the latest first."""
    return select(Certificate).where(Certificate.person_id == person_id).order_by(Certificate.id.desc())


def certificates_of(
    unit_ids: Iterable[int], briefing_id: int, *, on: date, tree: str = STATE_TREE
) -> Select[Certificate, Person]:
    """The certificates of people counted in these units or below by a tree, in Vietnamese order of names.

    Revoked ones come last.
    """
    return (
        select(Certificate, Person)
        .join(Person, Person.id == Certificate.person_id)
        .where(
            Certificate.briefing_id == briefing_id,
            Certificate.person_id.in_(people_counted_in(unit_ids, on=on, later=False, tree=tree)),
        )
        .order_by(Certificate.revoked_at.is_not(None), Person.sort_key, Person.id, Certificate.id)
    )


def certificates_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """What certificates are for, whose they are and when they were issued, by their opaque ids.

    Their numbers are for whoever holds the paper, and stay out of the log.
    """
    query = (
        select(Certificate.public_id, Certificate.subject, Person.full_name, Certificate.issued_on)
        .join(Person, Person.id == Certificate.person_id)
        .where(Certificate.public_id.in_([uuid.UUID(one) for one in ids]))
    )
    return {str(own): f"{subject}, {name}, {day:%d/%m/%Y}" for own, subject, name, day in session.execute(query)}


def valid(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Without those that were revoked."""
    return query.where(Certificate.revoked_at.is_(None))


def number_of(query: Select[*tuple[Any, ...]]) -> Select[int]:
    """How many there are."""
    return select(func.count()).select_from(query.order_by(None).subquery())


def briefings_with_certificates(unit_ids: Iterable[int], *, on: date, tree: str = STATE_TREE) -> Select[Briefing]:
    """Briefings in which people counted there hold certificates, the one opened last first."""
    held = select(Certificate.briefing_id).where(
        Certificate.person_id.in_(people_counted_in(unit_ids, on=on, later=False, tree=tree))
    )
    return select(Briefing).where(Briefing.id.in_(held)).order_by(Briefing.opened_at.desc(), Briefing.id.desc())


def briefings_with_rules() -> Select[Briefing, CertificateRule]:
    """Every briefing, with its rule if it has one; the one opened last first."""
    return (
        select(Briefing, CertificateRule)
        .outerjoin(CertificateRule, CertificateRule.briefing_id == Briefing.id)
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )


def deprived(briefing_id: int) -> Select[int]:
    """The ids of those who lost a certificate of the briefing for good."""
    return select(Deprived.person_id).where(Deprived.briefing_id == briefing_id, Deprived.reason.in_(FOR_GOOD))


def without_one(briefing_id: int) -> Select[Standing]:
    """Standings of those who have completed the briefing, hold no valid certificate and were deprived of none."""
    held = and_(
        Certificate.briefing_id == Standing.briefing_id,
        Certificate.person_id == Standing.person_id,
        Certificate.revoked_at.is_(None),
    )
    return (
        select(Standing)
        .outerjoin(Certificate, held)
        .where(Standing.briefing_id == briefing_id, Standing.state == "completed", Certificate.id.is_(None))
        .where(Standing.person_id.not_in(deprived(briefing_id)))
        .order_by(Standing.person_id)
    )


def briefings_issued(briefing_ids: Collection[int]) -> Select[int]:
    """The ids of those of these briefings in which somebody holds a valid certificate."""
    held = valid(select(Certificate.id).where(Certificate.briefing_id == Briefing.id)).correlate(Briefing)
    return select(Briefing.id).where(Briefing.id.in_(briefing_ids), held.exists()).order_by(Briefing.id)


def comes_again(certificate: Certificate) -> Select[int]:
    """A row when another would be issued to its holder once it is replaced: by the rule, and by where they stand."""
    return (
        select(Standing.person_id)
        .join(CertificateRule, CertificateRule.briefing_id == Standing.briefing_id)
        .where(Standing.briefing_id == certificate.briefing_id, Standing.person_id == certificate.person_id)
        .where(CertificateRule.active, Standing.state == "completed")
        .where(Standing.person_id.not_in(deprived(certificate.briefing_id)))
    )


def printed(session: Session, certificate: Certificate, person: Person) -> Printed | None:
    """Everything that stands on it; None when it does not say what was signed."""
    config = config_of(session)
    if not is_ours(config, certificate.fields(person.public_id).content(), certificate.signature):
        return None
    return Printed(
        number=certificate.number,
        code=code_of(config, certificate.signature, person.full_name),
        name=person.full_name,
        unit=certificate.unit_name,
        subject=certificate.subject,
        documents=tuple(certificate.documents),
        issuer=certificate.issuer,
        completed_on=certificate.completed_on,
        issued_on=certificate.issued_on,
        fictional=person.fictional,
    )


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """A person's certificates."""
    columns = {
        "number": _l("Số"),
        "subject": _l("Nội dung"),
        "unit": _l("Đơn vị"),
        "completed": _l("Hoàn thành ngày"),
        "issued": _l("Ngày cấp"),
        "revoked": _l("Thu hồi lúc"),
    }
    rows = [
        [one.number, one.subject, one.unit_name, one.completed_on, one.issued_on, one.revoked_at]
        for one in session.scalars(own_certificates(person_id))
    ]
    yield OwnData("certificates", _l("Giấy chứng nhận"), columns, rows)
