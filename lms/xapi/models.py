"""Statements as received, the identities they name, and the narrow rows by which each is found.

Strings that recur (agents, verbs, activities) are stored once and referred to by short keys. The exact bytes of a
statement are kept apart from the columns it is found by. Every index ends in the sequence, so that it also gives the
order in which statements are read.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import WITHOUT_ROWID, Base

Sequence = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows by INTEGER PRIMARY KEY only


def only_where(name: str, column: str, *others: str) -> Index:
    """An index of the rows that have a value in its first column; the others cost it nothing."""
    given = text(f"{column} IS NOT NULL")
    return Index(name, column, *others, sqlite_where=given, postgresql_where=given)


class XapiAgent(Base):
    """An agent or identified group, found by the SHA-256 of its inverse functional identifier."""

    __tablename__ = "xapi_agent"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    identifier: Mapped[dict[str, Any]]


class XapiVerb(Base):
    """A verb, by its IRI."""

    __tablename__ = "xapi_verb"

    id: Mapped[int] = mapped_column(primary_key=True)
    iri: Mapped[str] = mapped_column(unique=True)


class XapiActivity(Base):
    """An activity, by its IRI, with the canonical definition once somebody entitled has given one."""

    __tablename__ = "xapi_activity"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    iri: Mapped[str] = mapped_column(unique=True)
    definition: Mapped[dict[str, Any] | None]


class XapiClient(Base):
    """Another system that may speak to the store. `key` is its user name; of the secret only a digest is kept.

    What it states about activities at or under `activity_prefix` counts towards completion. `last_used_on` is the last
    day (of Vietnam) on which it showed its secret: a coarse mark, written once a day.
    """

    __tablename__ = "xapi_client"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    activity_prefix: Mapped[str | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]


class XapiStatement(Base):
    """The narrow row by which a statement is found. `sequence` orders all statements.

    `client_id` is None for our own statements; `counts` is fixed when the statement arrives and says that projections
    heed it. `target` is the statement this one is about, when its object is a StatementRef. `digest` is that of the
    statement without what the store adds, to tell a repeat from a conflict.
    """

    __tablename__ = "xapi_statement"
    __table_args__ = (
        Index("ix_xapi_statement_actor", "actor_id", "sequence"),
        Index("ix_xapi_statement_actor_verb", "actor_id", "verb_id", "sequence"),
        Index("ix_xapi_statement_verb", "verb_id", "sequence"),
        Index("ix_xapi_statement_activity", "activity_id", "sequence"),
        # Decision 0027: on SQLite it would cost a batch an eleventh of its time.
        Index("ix_xapi_statement_activity_verb", "activity_id", "verb_id", "sequence").ddl_if(dialect="postgresql"),
        only_where("ix_xapi_statement_registration", "registration", "sequence"),
        only_where("ix_xapi_statement_client", "client_id", "sequence"),
        only_where("ix_xapi_statement_target", "target", "sequence"),
        Index(
            "ix_xapi_statement_reference",
            "sequence",
            sqlite_where=text("target IS NOT NULL"),
            postgresql_where=text("target IS NOT NULL"),
        ),
        Index("ix_xapi_statement_stored", "stored", "sequence"),
        # Few rows, which people look for: those without effect.
        Index("ix_xapi_statement_voided", "sequence", sqlite_where=text("voided = 1"), postgresql_where=text("voided")),
        Index(
            "ix_xapi_statement_uncounted",
            "sequence",
            sqlite_where=text("counts = 0"),
            postgresql_where=text("NOT counts"),
        ),
    )

    sequence: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    statement_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("xapi_agent.id"))
    verb_id: Mapped[int] = mapped_column(ForeignKey("xapi_verb.id"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("xapi_activity.id"))
    registration: Mapped[uuid.UUID | None]
    target: Mapped[uuid.UUID | None]
    timestamp: Mapped[datetime]
    stored: Mapped[datetime]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("xapi_client.id"))
    counts: Mapped[bool]
    voided: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class XapiStatementAgent(Base):
    """An agent a statement names beside its actor.

    `direct`: as its object, or as a member of the group that is its actor or object (the filter `agent` finds these).
    Otherwise anywhere else (`related_agents` finds all).
    """

    __tablename__ = "xapi_statement_agent"
    __table_args__ = WITHOUT_ROWID

    agent_id: Mapped[int] = mapped_column(ForeignKey("xapi_agent.id"), primary_key=True)
    direct: Mapped[bool] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"), primary_key=True)


class XapiStatementActivity(Base):
    """An activity a statement names beside its object: in its context, or in a statement it contains."""

    __tablename__ = "xapi_statement_activity"
    __table_args__ = WITHOUT_ROWID

    activity_id: Mapped[int] = mapped_column(ForeignKey("xapi_activity.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"), primary_key=True)


class XapiStatementAuthority(Base):
    """Somebody unknown here who vouches for a statement that was restored from a file (decision 0015)."""

    __tablename__ = "xapi_statement_authority"
    __table_args__ = (Index("ix_xapi_statement_authority_agent", "agent_id", "sequence"),)

    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("xapi_agent.id"))


class XapiBody(Base):
    """The statement itself, as JSON in UTF-8, as it is sent back."""

    __tablename__ = "xapi_body"

    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class XapiAttachment(Base):
    """The data of an attachment, found by their SHA-2 (of 28 to 64 bytes) whoever sent them. What type they are is said
    by each statement that names them."""

    __tablename__ = "xapi_attachment"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(64), unique=True)
    octets: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class XapiStatementAttachment(Base):
    """These data came with this statement. Naming their hash alone, as anybody may, does not open them."""

    __tablename__ = "xapi_statement_attachment"

    sequence: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_statement.sequence"), primary_key=True)
    attachment_id: Mapped[int] = mapped_column(Sequence, ForeignKey("xapi_attachment.id"), primary_key=True)
