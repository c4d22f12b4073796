"""Where certificates are issued, every one that was, and prints of many that wait to be fetched."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.certificates.rules import Fields
from courses.enrolment.models import Briefing
from lms.accounts.models import Person
from lms.db import Base, once
from lms.organisation.models import STATE_TREE


class CertificateRule(Base):
    """In this briefing whoever completes it is given a certificate, in the name of `issuer`, while it is `active`."""

    __tablename__ = "certificate_rule"

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    issuer: Mapped[str]
    active: Mapped[bool]
    set_at: Mapped[datetime]
    set_by: Mapped[uuid.UUID | None]

    briefing: Mapped[Briefing] = relationship()


class Certificate(Base):
    """A certificate as it was issued; none changes but to be revoked, and of a person and briefing one is valid.

    `signature` is over `fields`. The name is not kept here: it is that of the person, and the code on paper holds it.
    `reason` is one of `rules.REASONS` or STANDING; `remark` is for whoever keeps them, and is never shown in public.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("reason IN ('', 'standing', 'replaced', 'mistake', 'misuse', 'other')", name="reason"),
        once("uq_certificate_valid", "briefing_id", "person_id", where="revoked_at IS NULL"),
        Index("ix_certificate_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    number: Mapped[str] = mapped_column(unique=True)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str]
    documents: Mapped[list[str]]
    policy_number: Mapped[int]
    unit_name: Mapped[str]
    issuer: Mapped[str]
    completed_on: Mapped[date]
    issued_on: Mapped[date]
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[uuid.UUID | None]
    reason: Mapped[str]
    remark: Mapped[str]

    briefing: Mapped[Briefing] = relationship()
    person: Mapped[Person] = relationship()

    def fields(self, person: uuid.UUID) -> Fields:
        """What is signed, of a row that is this person's."""
        return Fields(
            number=self.number,
            person=person,
            subject=self.subject,
            documents=tuple(self.documents),
            policy=self.policy_number,
            unit=self.unit_name,
            issuer=self.issuer,
            completed_on=self.completed_on,
            issued_on=self.issued_on,
        )


class CertificatePrint(Base):
    """All certificates of a unit in a briefing as one file, for whoever asked; for some days, since it holds names."""

    __tablename__ = "certificate_print"
    __table_args__ = (CheckConstraint("tree IN ('state', 'party')", name="tree"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str] = mapped_column(default=STATE_TREE, server_default=text("'state'"))
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[datetime]
    number: Mapped[int]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
