"""Issuing by rule, falling with the standing, revoking with a reason, and printing many."""

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from courses.briefings.models import Standing
from courses.briefings.projector import StandingChange, StandingsChanged
from courses.briefings.queries import row_of, titles_of
from courses.certificates import queries
from courses.certificates.models import Certificate, CertificatePrint, CertificateRule
from courses.certificates.render import as_pdf
from courses.certificates.rules import (
    FALL,
    ISSUE,
    KEPT_DAYS,
    NUMBER_LENGTH,
    REPLACED,
    STANDING,
    Fields,
    follows,
    written,
)
from courses.certificates.signature import signed
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person, PersonLink
from lms.accounts.queries import all_links
from lms.audit.actions import note, note_each
from lms.clock import day_of
from lms.db import config_of, lock_people
from lms.doors import Row
from lms.organisation.models import STATE_TREE, Unit
from lms.outbox.actions import queue, wake
from lms.privacy.actions import PersonErased

ISSUE_MISSING, PRINT = "certificates", "certificate print"
"""The jobs that issue what is missing where a rule begins, and that print many."""

PIECE = 500


def set_rule(session: Session, briefing: Briefing, *, issuer: str, active: bool, by: uuid.UUID) -> None:
    """Issue certificates in this briefing from now on, or no more. Those who have completed it already get theirs."""
    rule = session.get(CertificateRule, briefing.id)
    before = (rule.issuer, rule.active) if rule is not None else ("", False)
    if rule is None:
        rule = CertificateRule(briefing_id=briefing.id)
        session.add(rule)
    rule.issuer, rule.active, rule.set_at, rule.set_by = issuer, active, clock.now(), by
    changes = {"issuer": (before[0], issuer), "issuing": (before[1], active)}
    note(session, "certificate.rule", actor=by, object_kind="briefing", object_id=briefing.code, changes=changes)
    if active:
        wake(session, ISSUE_MISSING, {"briefing": briefing.id}, key=f"certificates {briefing.id}")


def issue_missing(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The job: some of those who have completed the briefing and hold no certificate; again while there are more."""
    rule = session.get(CertificateRule, payload["briefing"])
    if rule is None or not rule.active:
        return None
    found = session.scalars(queries.without_one(rule.briefing_id).limit(PIECE)).all()
    lock_people(session, [one.person_id for one in found])
    still = queries.without_one(rule.briefing_id).where(Standing.person_id.in_([one.person_id for one in found]))
    again = still.execution_options(populate_existing=True)  # what they were before we waited for their locks is old
    issue(session, rule, {one.person_id: row_of(one) for one in session.scalars(again)})
    return clock.now() if len(found) == PIECE else None


def follow_standings(session: Session, event: StandingsChanged) -> None:
    """Issue to whoever has completed a briefing with a rule; what somebody on the roll no longer deserves falls."""
    turned: dict[str, dict[int, list[StandingChange]]] = {ISSUE: {}, FALL: {}}
    for change in event.changes:
        if what := follows(change.before, change.after):
            turned[what].setdefault(change.briefing_id, []).append(change)
    for rule in rules_of(session, turned[ISSUE]):
        people = {one.person_id: one.after for one in turned[ISSUE][rule.briefing_id] if one.after is not None}
        issue(session, rule, people)
    for briefing_id in issued_in(session, turned[FALL]):
        fall(session, briefing_id, [one.person_id for one in turned[FALL][briefing_id]])


def issued_in(session: Session, briefing_ids: Iterable[int]) -> Sequence[int]:
    """Those of these briefings in which somebody holds a valid certificate; no query when there are none."""
    ids = sorted(briefing_ids)
    return session.scalars(queries.briefings_issued(ids)).all() if ids else ()


def rules_of(session: Session, briefing_ids: Iterable[int]) -> Sequence[CertificateRule]:
    """The active rules of these briefings; no query when there are none."""
    ids = sorted(briefing_ids)
    return session.scalars(ACTIVE_RULES, {"briefings": ids}).all() if ids else ()


ACTIVE_RULES = (
    select(CertificateRule)
    .where(CertificateRule.briefing_id.in_(bindparam("briefings", expanding=True)), CertificateRule.active)
    .order_by(CertificateRule.briefing_id)
)


def issue(session: Session, rule: CertificateRule, standings: Mapping[int, Row]) -> None:
    """Give these people, by id, their certificates; who holds a valid one keeps it. Callers hold their locks.

    Whoever lost one for good gets no other.
    """
    briefing = rule.briefing
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    known = sorted(standings)
    for start in range(0, len(known), PIECE):
        piece = known[start : start + PIECE]
        lost = set(session.scalars(queries.deprived(briefing.id).where(queries.Deprived.person_id.in_(piece))))
        rows = new_rows(session, rule, briefing, {one: standings[one] for one in piece if one not in lost})
        if not rows:
            continue
        add = dialect.insert(Certificate).on_conflict_do_nothing().returning(Certificate.public_id)
        made = session.scalars(add, rows).all()
        objects = [(one, {"briefing": briefing.code}) for one in made]
        note_each(session, "certificate.issue", actor=None, object_kind="certificate", objects=objects)


def new_rows(
    session: Session, rule: CertificateRule, briefing: Briefing, standings: Mapping[int, Row]
) -> list[dict[str, Any]]:
    """A signed row for each: what it is about, and where the person is counted, as they are called at this moment."""
    config, today = config_of(session), clock.today()
    title, _english = titles_of(session, [briefing])[briefing.id]
    units = {row["unit_id"] for row in standings.values()}
    named = dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(units))).all())
    people = session.execute(select(Person.id, Person.public_id).where(Person.id.in_(standings))).all()
    rows = []
    for person_id, public_id in people:
        fields = Fields(
            number=written(secrets.randbits(64), NUMBER_LENGTH),
            person=public_id,
            subject=title,
            documents=tuple(briefing.documents),
            policy=briefing.policy_number,
            unit=named[standings[person_id]["unit_id"]],
            issuer=rule.issuer,
            completed_on=day_of(standings[person_id]["completed_at"]),
            issued_on=today,
        )
        rows.append(row_of_fields(fields, briefing.id, person_id, signed(config, fields.content())))
    return rows


def row_of_fields(fields: Fields, briefing_id: int, person_id: int, signature: bytes) -> dict[str, Any]:
    """The columns of a new certificate."""
    return {
        "public_id": uuid.uuid4(),
        "number": fields.number,
        "briefing_id": briefing_id,
        "person_id": person_id,
        "subject": fields.subject,
        "documents": list(fields.documents),
        "policy_number": fields.policy,
        "unit_name": fields.unit,
        "issuer": fields.issuer,
        "completed_on": fields.completed_on,
        "issued_on": fields.issued_on,
        "signature": signature,
        "reason": "",
        "remark": "",
    }


def fall(session: Session, briefing_id: int, person_ids: Sequence[int]) -> None:
    """Mark the valid certificates of people who have no longer completed the briefing, with that reason.

    Those of other records that are one person with theirs too: they count no more, and would fall with nothing.
    """
    for start in range(0, len(person_ids), PIECE):
        piece = list(person_ids[start : start + PIECE])
        of_others = session.scalars(all_links().where(PersonLink.person_id.in_(piece))).all()
        query = (
            update(Certificate)
            .where(
                Certificate.briefing_id == briefing_id,
                Certificate.person_id.in_([*piece, *of_others]),
                Certificate.revoked_at.is_(None),
            )
            .values(revoked_at=clock.now(), reason=STANDING)
            .returning(Certificate.public_id)
        )
        gone = session.scalars(query.execution_options(synchronize_session=False)).all()
        objects = [(one, {"why": STANDING}) for one in gone]
        note_each(session, "certificate.fall", actor=None, object_kind="certificate", objects=objects)


def revoke(session: Session, certificate: Certificate, *, reason: str, remark: str, by: uuid.UUID) -> bool:
    """Revoke a certificate; whether it was still valid. Where it is replaced, another is issued soon."""
    if certificate.revoked_at is not None:
        return False
    certificate.revoked_at, certificate.revoked_by = clock.now(), by
    certificate.reason, certificate.remark = reason, remark
    about: dict[str, Any] = {"object_kind": "certificate", "object_id": certificate.public_id}
    note(session, "certificate.revoke", actor=by, **about, why=reason)
    if reason == REPLACED:
        wake(
            session, ISSUE_MISSING, {"briefing": certificate.briefing_id}, key=f"certificates {certificate.briefing_id}"
        )
    return True


def file_of(session: Session, rows: Iterable[tuple[Certificate, Person]], *, at: datetime) -> bytes:
    """These certificates as one file; what is not as it was signed is left out."""
    shown = [queries.printed(session, certificate, person) for certificate, person in rows]
    return as_pdf(config_of(session).site_url, [one for one in shown if one is not None], at=at)


def ask_for_print(
    session: Session, unit: Unit, briefing: Briefing, *, tree: str = STATE_TREE, number: int, by: uuid.UUID
) -> CertificatePrint:
    """Have the worker print all certificates of a unit in a briefing, of the people counted there by that tree."""
    made = CertificatePrint(
        public_id=uuid.uuid4(),
        unit_id=unit.id,
        tree=tree,
        briefing_id=briefing.id,
        asked_by=by,
        asked_at=clock.now(),
        number=number,
    )
    session.add(made)
    queue(session, PRINT, {"print": str(made.public_id)})
    return made


def print_many(session: Session, payload: Mapping[str, Any]) -> None:
    """The job: the file that was asked for. While it is made no transaction is open, so that nobody waits for it."""
    wanted = select(CertificatePrint).where(CertificatePrint.public_id == uuid.UUID(payload["print"]))
    asked = session.scalar(wanted)
    if asked is None or asked.content is not None:
        return
    on, tree = day_of(asked.asked_at), asked.tree
    query = queries.valid(queries.certificates_of([asked.unit_id], asked.briefing_id, on=on, tree=tree))
    rows = [(certificate, person) for certificate, person in session.execute(query)]
    shown = [queries.printed(session, *row) for row in rows]
    site, at, own_id = config_of(session).site_url, asked.asked_at, asked.id
    session.rollback()
    content = as_pdf(site, [one for one in shown if one is not None], at=at)
    done = update(CertificatePrint).where(CertificatePrint.id == own_id, CertificatePrint.content.is_(None))
    session.execute(done.values(content=content, number=len(rows)).execution_options(synchronize_session=False))


def forget_prints(session: Session, now: datetime) -> None:
    """At night: files with names that nobody has fetched for some days."""
    old = CertificatePrint.asked_at < now - timedelta(days=KEPT_DAYS)
    session.execute(delete(CertificatePrint).where(old).execution_options(synchronize_session=False))


def forget_name(session: Session, _event: PersonErased) -> None:
    """Whatever waits to be fetched may hold the name of somebody who is being erased: it is printed again if wanted."""
    session.execute(delete(CertificatePrint).execution_options(synchronize_session=False))
