"""People and what hangs on them. Names live in `person` alone; everything else carries an opaque id."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, exists, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base, once
from lms.organisation.models import STATE_TREE, Unit

DUE = text("due_on IS NOT NULL")


class Person(Base):
    """A cadre, civil servant, public employee or Party member. `public_id` is the account name in statements.

    `erased_at`: since then nobody can tell who it was; what was counted stays (`lms/privacy`).
    `muted`: the topics about which the person wants no mail.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("category IN ('can_bo', 'cong_chuc', 'vien_chuc', 'nguoi_lao_dong', 'khac')", name="category"),
        CheckConstraint("party IN ('chinh_thuc', 'du_bi', 'quan_chung')", name="party"),
        CheckConstraint("language IN ('vi', 'en')", name="language"),
        Index("ix_person_order", "sort_key", "id", "search_key"),  # read in order, looked for without the rows
        Index("ix_person_email", "email"),
        Index("ix_person_search", "search_key"),
        Index(  # for words within names; only where the server has pg_trgm: migration 0038
            "ix_person_letters", "search_key", postgresql_using="gin", postgresql_ops={"search_key": "gin_trgm_ops"}
        ).ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    full_name: Mapped[str]
    sort_key: Mapped[bytes] = mapped_column(LargeBinary)
    search_key: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    muted: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    position: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="cong_chuc")
    party: Mapped[str] = mapped_column(default="quan_chung")
    language: Mapped[str] = mapped_column(default="vi")
    fictional: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="person")
    roles: Mapped[list["RoleGrant"]] = relationship(back_populates="person")


class SignInAccount(Base):
    """How a person signs in with a name and a password. Without a password only a one-time link opens it.

    `short_password`: it was accepted only because a second factor is asked for after it.
    """

    __tablename__ = "sign_in_account"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    short_password: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    person: Mapped[Person] = relationship()


class PeopleTransfer(Base):
    """People come to a unit of a tree from a day on, by one decision: the document it rests on, and who entered it.

    Of a concurrent post too. `entered_by` is the public id of a person.
    """

    __tablename__ = "people_transfer"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    document_number: Mapped[str] = mapped_column(default="")
    document_date: Mapped[date | None]
    document_issuer: Mapped[str] = mapped_column(default="")
    entered_at: Mapped[datetime]
    entered_by: Mapped[uuid.UUID | None]


class PersonLink(Base):
    """Somebody has decided of two records that they are one person (`same`), or that they are not, until undone.

    Of one person, `duplicate_id` is the record that counts no more and `person_id` the one that stands for both
    (decision 0022). Of two people, the order says nothing. `was_open`: the account of the duplicate was open.
    """

    __tablename__ = "person_link"
    __table_args__ = (
        CheckConstraint("duplicate_id <> person_id", name="not_itself"),
        Index("ix_person_link_person", "person_id"),
        once("uq_person_link_open", "duplicate_id", where="same AND undone_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    duplicate_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    same: Mapped[bool]
    was_open: Mapped[bool] = mapped_column(default=False)
    decided_on: Mapped[date]
    decided_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[uuid.UUID | None]


class Membership(Base):
    """A person belongs to a unit between two days. The main membership of a tree is where the person is counted.

    `position` is held in this unit ("": that of the person); `due_on` is the day from which it becomes that of the
    person, None once it has. `link_id`: it was a main one, of a record that was linked to another, and counts no more.
    """

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        CheckConstraint("kind IN ('main', 'concurrent')", name="kind"),
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
        Index("ix_membership_unit", "tree", "unit_id"),
        Index("ix_membership_person", "person_id", "tree"),
        Index("ix_membership_counted", "tree", "kind", "unit_id", "valid_from", "valid_to", "person_id"),
        Index("ix_membership_due", "due_on", sqlite_where=DUE, postgresql_where=DUE),
        once("uq_membership_one_main", "person_id", "tree", where="kind = 'main' AND valid_to IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str]
    kind: Mapped[str] = mapped_column(default="main")
    position: Mapped[str] = mapped_column(default="", server_default=text("''"))
    due_on: Mapped[date | None]
    transfer_id: Mapped[int | None] = mapped_column(ForeignKey("people_transfer.id"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("person_link.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    person: Mapped[Person] = relationship(back_populates="memberships")
    unit: Mapped[Unit] = relationship()
    transfer: Mapped[PeopleTransfer | None] = relationship()


class UnitHeadcount(Base):
    """How many people are counted in one unit itself on the settled day, in one tree.

    Follows from memberships; `lms verify` computes it anew. Nought says the same as no row.
    """

    __tablename__ = "unit_headcount"
    __table_args__ = (CheckConstraint("tree IN ('state', 'party')", name="tree"),)

    tree: Mapped[str] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    people: Mapped[int]


class MembershipTransfer(Base):
    """By an operation of the organisation somebody went from one unit to another, or to none: kept to be undone.

    `membership_id` is the row that ended or was given another unit, `begun_id` the one that began; `until` is the end
    the former had before.
    """

    __tablename__ = "membership_transfer"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("unit_operation.id"), index=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"))
    begun_id: Mapped[int | None]
    from_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    until: Mapped[date | None]


class RoleGrant(Base):
    """A person holds a role, over a unit and all below it in one tree (None: everywhere), between two days.

    `granted_at`: None for those from before that was kept.
    Over a unit that has ended it gives nothing, whatever its own days say (`over_standing`).
    """

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(
            "role IN ('administrator', 'auditor', 'deputy', 'head', 'host', 'reviewer', 'trainer', "
            "'unit_administrator')",
            name="role",
        ),
        CheckConstraint("role <> 'deputy' OR valid_to IS NOT NULL", name="deputy_ends"),
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        CheckConstraint("tree = 'state' OR role IN ('deputy', 'head', 'unit_administrator')", name="role_in_tree"),
        once(
            "uq_role_grant_open",
            "person_id",
            "role",
            "unit_id",
            "tree",
            where="valid_to IS NULL AND unit_id IS NOT NULL",
        ),
        once("uq_role_grant_open_everywhere", "person_id", "role", where="valid_to IS NULL AND unit_id IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str] = mapped_column(default=STATE_TREE, server_default=text("'state'"))
    granted_at: Mapped[datetime | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    person: Mapped[Person] = relationship(back_populates="roles")
    unit: Mapped[Unit | None] = relationship()

    @classmethod
    def over_standing(cls, on: date) -> ColumnElement[bool]:
        """Whether the role is not one over a unit that has ended by that day; undoing that end gives it back."""
        return ~exists().where(Unit.id == cls.unit_id, Unit.valid_to <= on)


class UserSession(Base):
    """One signed-in browser. The cookie holds a random key; only its digest is kept, and revoking ends it at once.

    `proof`: what was shown when it began, as in `SignInStep`; "" is a session from before that was kept.
    """

    __tablename__ = "user_session"
    __table_args__ = (CheckConstraint("proof IN ('', 'password', 'provider', 'second factor')", name="proof"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    browser: Mapped[str]
    proof: Mapped[str] = mapped_column(server_default=text("''"))


class Viewing(Base):
    """Within one session somebody looks at the product as another person sees it, and changes nothing.

    `ends_at` is when it ends by itself; `ended_at` when it did end, which is noted in the log of the person.
    """

    __tablename__ = "viewing"
    __table_args__ = (once("uq_viewing_open", "session_id", where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("user_session.id"))
    viewer_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OneTimeLink(Base):
    """A link that lets its holder set a password once. Only its digest is kept.

    `mailed`: it was asked for at the sign-in page, by whoever knows a name or an address.
    """

    __tablename__ = "one_time_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    mailed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class PasswordBefore(Base):
    """A password an administrator had: it may not be used again for a while. Only its digest is kept."""

    __tablename__ = "password_before"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    password_hash: Mapped[str]
    replaced_at: Mapped[datetime]


class SignInStep(Base):
    """Somebody whose password was right, and from whom something more is asked before a session begins.

    The cookie holds a random key, as it does for a session; only its digest is kept. `proof`: what has been shown.
    """

    __tablename__ = "sign_in_step"
    __table_args__ = (CheckConstraint("proof IN ('password', 'provider', 'second factor')", name="proof"),)

    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    proof: Mapped[str]
    expires_at: Mapped[datetime]
