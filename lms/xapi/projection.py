"""What projectors hear of a stored statement, and how they read all of them again.

The same values are told when a statement arrives and read when a projection is rebuilt, so that both must agree.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, case, select, true
from sqlalchemy.orm import Session

from lms.db import config_of
from lms.xapi.models import XapiActivity, XapiAgent, XapiBody, XapiStatement
from lms.xapi.rules import own_account
from lms.xapi.statement import agent_digest
from lms.xapi.vocabulary import VOIDED


class Recorded(Struct, frozen=True, gc=False):
    """A statement that counts, as plain values.

    `timestamp` is when it happened; of another system's statement, at the latest when it was stored: nobody learns
    tomorrow, and a clock that is wrong moves no figure ahead. `account` is the account name of one of our people, a
    UUID as `own_account` wants it spelt; `revision` is `context.revision`, in our own statements the number of the
    course version; `scaled` is `result.score.scaled`, `response` is `result.response`. `id` is that of the statement.
    """

    sequence: int
    id: str
    account: str
    verb: str
    activity: str
    registration: uuid.UUID | None
    timestamp: datetime
    revision: str | None
    scaled: float | None
    response: str | None = None

    @property
    def statement_id(self) -> uuid.UUID:
        """Its `id`, for whoever keeps it: of a million statements few are, and to make as many would take seconds."""
        return uuid.UUID(self.id)


@dataclass(frozen=True, slots=True)
class StatementsArriving:
    """Told before a client's statements that may count are numbered, with the accounts they name as actors.

    Whoever folds statements in their order locks what they are about now: the number given next is then also the
    order in which they are heard.
    """

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatementsRecorded:
    """Told once for each batch, in the transaction that stores it. Only statements that count are in it."""

    statements: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class StatementsVoided:
    """Told once for each batch that voids, in the same transaction. These counted, and count no more.

    They are already out of `recorded_about`, so that a projector can compute the people concerned anew.
    """

    statements: tuple[Recorded, ...]


class Account(Struct, frozen=True, gc=False, rename="camel"):
    """Of an account, what it is known by."""

    home_page: str = ""
    name: str = ""


class Actor(Struct, frozen=True, gc=False):
    """Of an actor, the account, where it has one."""

    account: Account | None = None


class Verb(Struct, frozen=True, gc=False):
    """Of a verb, its IRI."""

    id: str


class Target(Struct, frozen=True, gc=False, rename="camel"):
    """Of an object, what it is; `id` is the IRI of an activity."""

    id: str = ""
    object_type: str = "Activity"


class Context(Struct, frozen=True, gc=False):
    """Of a context, what projectors hear."""

    registration: str | None = None
    revision: str | None = None


class Score(Struct, frozen=True, gc=False):
    """Of a score, the one that is scaled; a whole number stays one."""

    scaled: int | float | None = None


class Outcome(Struct, frozen=True, gc=False):
    """Of a result, what projectors hear."""

    score: Score = Score()
    response: str | None = None


class Said(Struct, frozen=True, gc=False):
    """Of a statement as it is kept, what projectors hear: all else of the JSON is passed over, not decoded.

    One that arrives has no `id` yet where none was sent with it.
    """

    actor: Actor
    verb: Verb
    object: Target
    context: Context = Context()
    result: Outcome = Outcome()
    id: str = ""


said_in = msgspec.json.Decoder(Said).decode
"""What a body that is kept says."""


def seen(
    said: Said,
    *,
    sequence: int,
    statement_id: str,
    timestamp: datetime,
    stored: datetime | None,
    client: int | None,
    home: str,
    ours: Callable[[str], uuid.UUID | None] = own_account,
    as_uuid: Callable[[str], uuid.UUID] = uuid.UUID,
) -> Recorded | None:
    """The value for a stored statement, or None when it is not about one of our people and an activity.

    `client` is who stated it; None: we ourselves, whose clock is the one that is believed, whatever `stored` says.
    `ours` and `as_uuid` may remember: whoever reads many statements meets the same people again and again.
    """
    account, context, result = said.actor.account, said.context, said.result
    if account is None or account.home_page != home or ours(account.name) is None:
        return None
    if said.object.object_type != "Activity":
        return None
    return Recorded(
        sequence=sequence,
        id=statement_id,
        account=account.name,
        verb=said.verb.id,
        activity=said.object.id,
        registration=as_uuid(context.registration) if context.registration else None,
        timestamp=timestamp if client is None or stored is None else min(timestamp, stored),
        revision=context.revision,
        scaled=result.score.scaled,
        response=result.response,
    )


def all_recorded(session: Session) -> Iterator[Recorded]:
    """Every statement that counts and is not voided, in the order in which they were stored."""
    return read_recorded(session, true())


def recorded_about(session: Session, accounts: Iterable[str]) -> Iterator[Recorded]:
    """The same for those of our people alone who have these account names."""
    home = config_of(session).iri_base
    digests = [agent_digest({"account": {"homePage": home, "name": account}}) for account in set(accounts)]
    people = select(XapiAgent.id).where(XapiAgent.digest.in_(digests))
    return read_recorded(session, XapiStatement.actor_id.in_(people))


def recorded_below(session: Session, prefix: str) -> Iterator[Recorded]:
    """The same about activities whose IRIs begin with this alone."""
    activities = select(XapiActivity.id).where(XapiActivity.iri.startswith(prefix, autoescape=True))
    return read_recorded(session, XapiStatement.activity_id.in_(activities))


def read_recorded(session: Session, which: ColumnElement[bool]) -> Iterator[Recorded]:
    """The statements that count, read in pieces."""
    home, ours, as_uuid = config_of(session).iri_base, cache(own_account), cache(uuid.UUID)
    table, body = XapiStatement.__table__.c, XapiBody.__table__.c
    stored = case((table.client_id.is_not(None), table.stored))  # when we stated something ourselves is not asked
    rows = session.execute(
        select(table.sequence, table.timestamp, stored, table.client_id, body.body)
        .join_from(XapiStatement.__table__, XapiBody.__table__, body.sequence == table.sequence)
        .where(table.counts, ~table.voided, which)
        .order_by(table.sequence)
        .execution_options(yield_per=1000)
    )
    for sequence, timestamp, at, client, kept in rows:
        said = said_in(kept)
        recorded = seen(
            said,
            sequence=sequence,
            statement_id=said.id,
            timestamp=timestamp,
            stored=at,
            client=client,
            home=home,
            ours=ours,
            as_uuid=as_uuid,
        )
        if recorded is not None and recorded.verb != VOIDED:
            yield recorded
